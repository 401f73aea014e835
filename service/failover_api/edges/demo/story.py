"""The story of `failover demo`: a node dies, services move, and come back. What Git holds is shown by Git itself."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.rule import Rule
from rich.text import Text

from failover_api.core.planning.request import MoveRequest
from failover_api.edges.cli.backend import Backend, Refused, caller
from failover_api.edges.cli.terminal import Terminal
from failover_api.edges.printable import printable

SONARR = "apps/media/sonarr/deployment.yaml"
DOWN = "k3s-w1 is down"


@dataclass(frozen=True, slots=True)
class Story:
    """The walk, step by step. An assertion that fails is a defect of ours.

    `read` gives a file of the repository as it is now; `merge` is what a person does with a pull request.
    """

    backend: Backend
    terminal: Terminal
    git_dir: Path
    read: Callable[[str], bytes | None]
    merge: Callable[[int], None]

    def tell(self) -> None:
        before = self.read(SONARR)
        self._a_service()
        self._a_group()
        self._a_pull_request()
        self._back_home(before)

    def _a_service(self) -> None:
        self._heading("Where every service is, according to Git")
        self._show("failover list")
        self.terminal.show_list(self.backend.list_all())

        self._heading("Node k3s-w1 dies. What would a promote of sonarr change?")
        self._move("promote", "sonarr", dry_run=True)
        self._heading("Nothing but these values. So be it")
        self._move("promote", "sonarr", DOWN)
        self._heading("What Git says")
        self._git("log", "-1", "-p", "--format=fuller")

        self._heading("Asked again: already there, no commit")
        commits = self._commits()
        self._move("promote", "sonarr")
        assert self._commits() == commits

        self._heading("Two files (a HelmRelease, and VolSync to be paused): one commit")
        self._move("promote", "plex", DOWN)
        self._git("log", "-1", "--stat", "--format=%h %s")

        self._heading("gitea was set to maintenance by somebody: that is not ours to overwrite")
        self._refused("promote", "gitea")

    def _a_group(self) -> None:
        self._heading("A group: one commit for those of media that are not there yet")
        self._move("promote", "media", DOWN, is_group=True)
        self._git("log", "-1", "--stat", "--format=%h %s")

        self._heading("Too much: radarr should have stayed. Only its part is undone")
        self._move("rollback", "radarr", "radarr must stay on k3s-w1")
        self._show("failover history radarr")
        self.terminal.show_history(self.backend.history("radarr", limit=20, cursor=None))

    def _a_pull_request(self) -> None:
        self._heading("photoprism is under policy pull_request: a person looks at it first")
        outcome = self._move("promote", "photoprism", DOWN)
        number = outcome["pull_request"]["number"]
        self._status("photoprism")
        self._heading(f"Somebody reads pull request #{number}, and merges it")
        self.merge(number)
        assert self._status("photoprism")["side"] == "backup"
        self._show("failover history photoprism")
        self.terminal.show_history(self.backend.history("photoprism", limit=20, cursor=None))

    def _back_home(self, before: bytes | None) -> None:
        self._heading("The node is back. sonarr goes home")
        self._move("demote", "sonarr", "k3s-w1 is back")
        after = self.read(SONARR)
        assert after is not None
        assert after == before
        self.terminal.out.print(Text(f"{SONARR} is what it was, byte for byte ({len(after)} bytes).", style="green"))
        self._git("log", "--format=%h %s")

    # How it is told

    def _heading(self, text: str) -> None:
        self.terminal.out.print()
        self.terminal.out.print(Rule(Text(text, style="bold"), align="left", style="dim"), soft_wrap=False)

    def _show(self, command: str) -> None:
        self.terminal.out.print(Text(f"$ {command}", style="bold blue"))

    def _move(
        self, action: str, name: str, reason: str = "", *, dry_run: bool = False, is_group: bool = False
    ) -> dict[str, Any]:
        said = f' --reason "{reason}"' if reason else ""
        target = f"--group {name}" if is_group else name
        self._show(f"failover {action} {target}{' --dry-run' if dry_run else ''}{said}")
        carry_out = self.backend.move_group if is_group else self.backend.move
        outcome, _ = carry_out(name, action, MoveRequest(caller(), reason, dry_run=dry_run))
        self.terminal.show_outcome(outcome, with_diff=dry_run)
        return outcome

    def _refused(self, action: str, service: str) -> None:
        self._show(f"failover {action} {service}")
        try:
            self.backend.move(service, action, MoveRequest(caller()))
        except Refused as exc:
            problem = exc.problem
        else:
            raise AssertionError("a drifted manifest was moved")
        assert problem["type"].endswith(":manifest-drifted")
        self.terminal.out.print(Text(printable(f"{problem['title']}: {problem['detail']}"), style="red"))

    def _status(self, service: str) -> dict[str, Any]:
        self._show(f"failover status {service}")
        status = self.backend.status(service)
        self.terminal.show_status(status)
        return status

    def _git(self, *arguments: str) -> None:
        self._show(f"git {' '.join(arguments)}")
        if shutil.which("git") is None:
            self.terminal.out.print("(git is not installed here)")
            return
        for line in self._run_git(*arguments).splitlines():
            style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
            self.terminal.out.print(Text(printable(line), style=style))

    def _commits(self) -> int:
        return int(self._run_git("rev-list", "--count", "HEAD")) if shutil.which("git") else 0

    def _run_git(self, *arguments: str) -> str:
        environment = {**os.environ, "GIT_PAGER": "cat", "GIT_CONFIG_GLOBAL": os.devnull}
        command = ["git", "--git-dir", str(self.git_dir), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout  # noqa: S603 - fixed words
