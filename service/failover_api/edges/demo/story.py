"""The story of `failover demo`: a node dies, services move, run on the other node, and come back.

What Git holds is shown by Git itself, what runs by the service, which sees the simulated cluster as it would any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.edges.demo.catalog import add_unblock
from failover_api.edges.demo.narrator import Narrator

if TYPE_CHECKING:
    from failover_api.edges.demo.world import World

SONARR = "apps/media/sonarr/deployment.yaml"
DIES = "k3s-w1"
DOWN = "k3s-w1 is down"
BOOT_S = 30.0
UNSYNCED = "unsynced-overwritten"

OPENING = """\
A homelab has two nodes, k3s-w1 (primary) and k3s-w2 (backup). Each service runs \
on one of them and has a volume on both; something else, such as VolSync, copies \
the data across. failover-api moves a service by changing its manifests in Git, \
and Flux applies what Git says.

Here this is shown on this machine alone. GitHub and the cluster are simulated: \
nodes, Flux, VolSync and volumes behave as the real ones do, containers only \
write lines. The service is the real one. Simulated time goes as fast as yours, \
but for what is said to be skipped. All of it is gone at the end."""
DEAD = """\
The power of k3s-w1 is off (simulated). Kubernetes calls the node not Ready once \
it has not heard of it for a while: {seconds:.0f} s here, skipped. Nothing moves by itself."""
CURE = """
So Kubernetes would wait for a pod that nobody can end, and say that all is well. \
The cure is a line in services.yaml, which is read again while the service runs:

{line}
"""
TOLD = """
{service} was Ready on {node} {seconds:.0f} s after the call, by simulated containers: \
how long yours take to start is theirs."""
ROLLED = """\
With it the promote makes the strategy roll, in the same commit, and puts \
Recreate back once the pod is Ready."""
PAUSED = "VolSync has to stop in the same commit, or it would copy old data over the new."
MAINTENANCE = "Somebody has set gitea's node to `maintenance`. That is not ours to overwrite."
PULL_REQUEST = "The catalog says of photoprism: policy pull_request. So a person looks first."
BACK = """\
k3s-w1 boots (simulated), and {seconds:.0f} s are skipped. Its copy of plex's data is old, but \
VolSync sends nothing: its ReplicationSource plex is paused, and was synced last \
at {last}, before the node died."""
WRITTEN = """\
While k3s-w1 was off, jellyfin wrote on k3s-w2: {new} lines that are on jellyfin-w2 \
and nowhere else. A demote would start it on k3s-w1 without them. So it is refused:"""
ACCEPTED = """
What would be lost can be accepted, in so many words. This is only looked at:"""
LOST = """
After that jellyfin would go on with the {old} lines of jellyfin-w1, and {new} lines \
would be left behind on jellyfin-w2. So home by another way:"""
STEPS = """\
The data first, then the app. Each step is a commit, and waits for the proof of \
the one before. Simulated time is skipped where VolSync is waited for."""
OVERWRITTEN = """
True: {count} lines that jellyfin-w1 took after VolSync's last copy, before the node \
died, are on no other disk. Copy them by hand, or let go of them, in so many words:"""
HOME = """
All {count} lines that jellyfin had written on k3s-w2 are on jellyfin-w1, and it \
goes on there. It stood still for {seconds:.0f} s, and its copies go to k3s-w2 again."""
LEFT_BEHIND = """\
Not safe! A move copies no data. Where the catalog says how the data of a service \
is replicated, `failover relocate` brings it home; of sonarr it does not say. The \
{new} lines that sonarr has written on k3s-w2 are on pvc-sonarr-backup, and stay \
there: after this commit sonarr goes on with the {old} lines that pvc-sonarr \
held when the node died. The safe way home:

  1. stop sonarr, so that nothing more is written
  2. copy the data back, from pvc-sonarr-backup to pvc-sonarr
  3. demote

plex needs the same care, and more: its demote also lets VolSync run again, and \
that would copy the old data over the new.

Here the data is simulated, so on to 3."""


@dataclass(frozen=True, slots=True)
class Story:
    """The walk, step by step. `before` is sonarr's manifest as it was. An assertion that fails is a defect of ours."""

    narrator: Narrator
    world: "World"
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
            ("Where is every service? Git knows, and the cluster", self._list),
            ("k3s-w1 dies", self._death),
            ("zigbee2mqtt would never start: that is said before", self._recreate),
            ("sonarr: two values, and nothing else", self._promote),
            ("zigbee2mqtt, with the cure", self._cured),
            ("plex has two files that change: one commit", self._two_files),
            ("What a person changed is left alone", self._maintenance),
            ("A group: one commit for those that are not there yet", self._group),
            ("photoprism moves by a pull request", self._pull_request),
            ("k3s-w1 is back, and plex's replication is parked", self._back),
            ("radarr should have stayed: undo its part, and only that", self._undo),
            ("jellyfin wrote on k3s-w2: demote is refused", self._refused),
            ("jellyfin goes home, with every line", self._relocate),
            ("sonarr goes home, without VolSync", self._home),
        ]

    def _say(self, text: str) -> None:
        self.narrator.screen.say(text)

    def _list(self) -> None:
        self.narrator.wait_for_stage("sonarr", "serving")
        self.narrator.list_all()

    def _death(self) -> None:
        self.world.act(DIES, "kill")
        self._say(DEAD.format(seconds=self.world.skip_until_noticed(DIES)))
        self.narrator.wait_for_stage("sonarr", "blocked")
        self.narrator.status("sonarr")

    def _recreate(self) -> None:
        told = self.narrator.move("promote", "zigbee2mqtt", dry_run=True)
        assert any(one["slug"] == "recreate-blocks" for one in told["hazards"])
        self._say(CURE.format(line=add_unblock(self.world.catalog)))

    def _promote(self) -> None:
        self.narrator.move("promote", "sonarr", dry_run=True)
        self._until_serving("promote", "sonarr", DOWN, "k3s-w2")
        self.narrator.rollout("sonarr")
        self.narrator.git("log", "-1", "--format=%h %s%n%n%(trailers)")
        commits = self.narrator.commits()
        self.narrator.move("promote", "sonarr")
        assert self.narrator.commits() == commits

    def _until_serving(self, action: str, service: str, reason: str, node: str) -> None:
        seconds = self.narrator.move_until_serving(action, service, reason)
        self._say(TOLD.format(service=service, node=node, seconds=seconds))

    def _cured(self) -> None:
        self._say(ROLLED)
        self.narrator.wait_for_catalog("zigbee2mqtt", "spec.strategy")
        self._until_serving("promote", "zigbee2mqtt", DOWN, "k3s-w2")

    def _two_files(self) -> None:
        self._say(PAUSED)
        self.narrator.move("promote", "plex", DOWN)
        self.narrator.git("log", "-1", "--stat", "--format=%h %s")

    def _maintenance(self) -> None:
        self._say(MAINTENANCE)
        self.narrator.refused_move("promote", "gitea")

    def _group(self) -> None:
        self.narrator.move("promote", "media", DOWN, is_group=True)

    def _pull_request(self) -> None:
        narrator = self.narrator
        self._say(PULL_REQUEST)
        number = narrator.move("promote", "photoprism", DOWN)["pull_request"]["number"]
        assert narrator.backend.status("photoprism")["side"] == "primary"
        self._say(f"\nSomebody reads pull request #{number} and merges it.")
        narrator.merge(number)
        assert narrator.status("photoprism")["side"] == "backup"

    def _back(self) -> None:
        self.narrator.wait_for_stage("plex", "serving")
        _, before = self.world.replication("media/plex")
        self.world.act(DIES, "revive")
        self.world.skip(BOOT_S)
        paused, last = self.world.replication("media/plex")
        assert (paused, last) == (True, before)
        self._say(BACK.format(seconds=BOOT_S, last=last))
        self.narrator.wait_for_stage("plex", "serving")
        self.narrator.status("plex")

    def _undo(self) -> None:
        self.narrator.move("rollback", "radarr", "radarr must stay on k3s-w1")
        self.narrator.history("radarr")

    def _refused(self) -> None:
        narrator, unsafe = self.narrator, "data-left-behind"
        new, old = self._lines("jellyfin-w2"), self._lines("jellyfin-w1")
        self._say(WRITTEN.format(new=len(set(new) - set(old))))
        narrator.refused_move("demote", "jellyfin", "unsafe-move")
        self._say(ACCEPTED)
        narrator.move("demote", "jellyfin", dry_run=True, accept=frozenset({unsafe}))
        new, old = self._lines("jellyfin-w2"), self._lines("jellyfin-w1")
        self._say(LOST.format(old=len(old), new=len(set(new) - set(old))))

    def _relocate(self) -> None:
        self._say(STEPS)
        written, old = self._lines("jellyfin-w2"), self._lines("jellyfin-w1")
        how, accept = ("jellyfin", "primary", "k3s-w1 is back"), ""
        if (problem := self.narrator.refused_relocation(*how)) is not None:
            assert problem["hazards"][0]["slug"] == UNSYNCED, problem
            self._say(OVERWRITTEN.format(count=len(set(old) - set(written))))
            accept = UNSYNCED
        ended = self.narrator.relocate(*how, self.world.skip, accept=accept)
        assert ended["state"] == "done", ended
        home = self._lines("jellyfin-w1")
        assert home[: len(written)] == written
        count = len(set(self._lines("jellyfin-w2")) & set(home))
        self._say(HOME.format(count=count, seconds=ended["downtime_s"] or 0))

    def _lines(self, claim: str) -> list[bytes]:
        return self.world.written(f"media/{claim}")

    def _home(self) -> None:
        narrator = self.narrator
        narrator.move("demote", "sonarr", dry_run=True)
        new, old = (self.world.written(f"media/{claim}") for claim in ("pvc-sonarr-backup", "pvc-sonarr"))
        self._say("\n" + LEFT_BEHIND.format(old=len(old), new=len(set(new) - set(old))))
        self._until_serving("demote", "sonarr", "k3s-w1 is back, and so is the data", "k3s-w1")
        after = narrator.read(SONARR)
        assert after is not None
        assert after == self.before
        self._say(f"{SONARR} is what it was, byte for byte.")
        narrator.git("log", "--format=%h %s")
