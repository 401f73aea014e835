"""The story of `failover demo`: a node dies, services move, and come back. What Git holds is shown by Git itself."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from failover_api.edges.demo.narrator import Narrator

SONARR = "apps/media/sonarr/deployment.yaml"
DOWN = "k3s-w1 is down"

OPENING = """\
A homelab has two nodes, k3s-w1 (primary) and k3s-w2 (backup). Each service runs \
on one of them and has a volume on both; something else, such as VolSync, copies \
the data across. failover-api moves a service by changing its manifests in Git, \
and Flux or Argo CD applies what Git says.

Here the failover is shown on this machine alone: a small GitHub with a sample \
repository, and the service. There is no cluster, so no pod moves, and no data is \
copied. Nothing else is touched, and all of it is gone at the end."""
PAUSED = "VolSync has to stop in the same commit, or it would copy old data over the new."
MAINTENANCE = "Somebody has set gitea's node to `maintenance`. That is not ours to overwrite."
PULL_REQUEST = "The catalog says of photoprism: policy pull_request. So a person looks first."
LEFT_BEHIND = """\
Not yet! A move copies no data. What sonarr has written on k3s-w2 is on \
{old}, and stays there: after this commit sonarr would start with \
what {new} held when the node died. The safe way home:

  1. stop sonarr, so that nothing more is written
  2. copy the data back, from {old} to {new}
  3. demote

plex needs the same care, and more: its demote also lets VolSync run again, and \
that would copy the old data over the new.

Here there is no data to copy, so on to 3."""


@dataclass(frozen=True, slots=True)
class Story:
    """The walk, step by step. `before` is sonarr's manifest as it was. An assertion that fails is a defect of ours."""

    narrator: Narrator
    before: bytes | None

    def tell(self, goes_on: Callable[[], bool]) -> bool:
        """Asks before each step whether to go on; True when it was told to the end."""
        steps = self._steps()
        for number, (title, tell) in enumerate(steps, start=1):
            if not goes_on():
                return False
            self.narrator.screen.heading(f"{number}/{len(steps)}  {title}")
            tell()
        return True

    def _steps(self) -> list[tuple[str, Callable[[], object]]]:
        return [
            ("Where is every service? Git knows", self.narrator.list_all),
            ("k3s-w1 dies. What would a promote of sonarr change?", self._look),
            ("Two values, and nothing else: do it", self._promote),
            ("Asked again, it does nothing", self._again),
            ("plex has two files that change: one commit", self._two_files),
            ("What a person changed is left alone", self._maintenance),
            ("A group: one commit for those that are not there yet", self._group),
            ("radarr should have stayed: undo its part, and only that", self._undo),
            ("photoprism moves by a pull request", self._pull_request),
            ("k3s-w1 is back. First the data comes home, then sonarr", self._home),
        ]

    def _look(self) -> None:
        self.narrator.move("promote", "sonarr", dry_run=True)

    def _promote(self) -> None:
        self.narrator.move("promote", "sonarr", DOWN)
        self.narrator.git("log", "-1", "--format=%h %s%n%n%(trailers)")

    def _again(self) -> None:
        commits = self.narrator.commits()
        self.narrator.move("promote", "sonarr")
        assert self.narrator.commits() == commits

    def _two_files(self) -> None:
        self.narrator.screen.say(PAUSED)
        self.narrator.move("promote", "plex", DOWN)
        self.narrator.git("log", "-1", "--stat", "--format=%h %s")

    def _maintenance(self) -> None:
        self.narrator.screen.say(MAINTENANCE)
        self.narrator.refused_move("promote", "gitea")

    def _group(self) -> None:
        self.narrator.move("promote", "media", DOWN, is_group=True)
        self.narrator.git("log", "-1", "--stat", "--format=%h %s")

    def _undo(self) -> None:
        self.narrator.move("rollback", "radarr", "radarr must stay on k3s-w1")
        self.narrator.history("radarr")

    def _pull_request(self) -> None:
        narrator = self.narrator
        narrator.screen.say(PULL_REQUEST)
        number = narrator.move("promote", "photoprism", DOWN)["pull_request"]["number"]
        assert narrator.status("photoprism")["side"] == "primary"
        narrator.screen.say(f"\nSomebody reads pull request #{number} and merges it.")
        narrator.merge(number)
        assert narrator.status("photoprism")["side"] == "backup"

    def _home(self) -> None:
        narrator = self.narrator
        old, new = _claims(narrator.move("demote", "sonarr", dry_run=True)["changes"])
        narrator.screen.say("\n" + LEFT_BEHIND.format(old=old, new=new))
        narrator.move("demote", "sonarr", "k3s-w1 is back, and so is the data")
        after = narrator.read(SONARR)
        assert after is not None
        assert after == self.before
        narrator.screen.say(f"{SONARR} is what it was, byte for byte.")
        narrator.git("log", "--format=%h %s")


def _claims(changes: Iterable[dict[str, Any]]) -> tuple[str, str]:
    """The one that a service leaves, and the one that it goes to."""
    return next((one["old"], one["new"]) for one in changes if one["path"].endswith(".claimName"))
