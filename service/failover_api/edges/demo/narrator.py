"""Carries out the commands of the story as a person would type them, and shows what they print."""

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from failover_api.core.planning.request import MoveRequest
from failover_api.edges.cli.backend import Backend, Refused, caller
from failover_api.edges.cli.options import Milestone
from failover_api.edges.cli.relocations import lines
from failover_api.edges.cli.waiting import Patience, wait_for_cluster
from failover_api.edges.demo.screen import Screen
from failover_api.edges.printable import printable

SERVING_S = 60.0
LOOK_EVERY_S = 0.25
SKIP_S = 2.0  # of simulated time, between two looks at a relocation
SCHEDULE_SKIP_S = 20.0  # while it waits for the next sync of VolSync's schedule


@dataclass(frozen=True, slots=True)
class Narrator:
    """`read` gives a file of the repository as it is now; `merge` is what a person does with a pull request.

    `clock` counts the seconds of the simulated cluster.
    """

    backend: Backend
    screen: Screen
    git_dir: Path
    read: Callable[[str], bytes | None]
    merge: Callable[[int], None]
    clock: Callable[[], float]

    def list_all(self) -> None:
        self.screen.show_command("failover list")
        self.screen.show_list(self.backend.list_all())

    def status(self, service: str) -> dict[str, Any]:
        self.screen.show_command(f"failover status {service}")
        status = self.backend.status(service)
        self.screen.show_status(status)
        return status

    def history(self, service: str) -> None:
        self.screen.show_command(f"failover history {service}")
        self.screen.show_history(self.backend.history(service, limit=20, cursor=None))

    def move(
        self,
        action: str,
        name: str,
        reason: str = "",
        *,
        dry_run: bool = False,
        is_group: bool = False,
        accept: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:
        said = f' --reason "{reason}"' if reason else ""
        accepted = "".join(f" --accept {slug}" for slug in sorted(accept))
        target = f"--group {name}" if is_group else name
        self.screen.show_command(f"failover {action} {target}{' --dry-run' if dry_run else ''}{accepted}{said}")
        carry_out = self.backend.move_group if is_group else self.backend.move
        outcome, _ = carry_out(name, action, MoveRequest(caller(), reason, dry_run=dry_run, accept=accept))
        self.screen.show_outcome(outcome, with_diff=dry_run)
        return outcome

    def move_until_serving(self, action: str, service: str, reason: str) -> float:
        """Moves it and waits until it runs; the simulated seconds since the call."""
        began = self.clock()
        self.screen.show_command(f'failover {action} {service} --until serving --reason "{reason}"')
        outcome, _ = self.backend.move(service, action, MoveRequest(caller(), reason))
        self.screen.show_outcome(outcome, with_diff=False)
        late = wait_for_cluster(
            self.backend,
            outcome,
            Patience(Milestone.SERVING, SERVING_S),
            told=self.screen.note,
            left_s=SERVING_S,
            sleep=lambda _: time.sleep(LOOK_EVERY_S),
        )
        assert not late, late
        return self.clock() - began

    def wait_for_stage(self, service: str, stage: str) -> None:
        """Until the service has seen it in the cluster."""
        end = time.monotonic() + SERVING_S
        while (self.backend.status(service)["cluster"] or {"stage": "unseen"})["stage"] != stage:
            assert time.monotonic() < end, f"{service} is not seen to be {stage}"
            time.sleep(LOOK_EVERY_S)

    def wait_for_catalog(self, service: str, path: str) -> None:
        """Until a line that was added to the catalog counts: a promote changes a value below `path` too."""
        end = time.monotonic() + SERVING_S
        while not any(path in one["path"] for one in self._changes(service)):
            assert time.monotonic() < end, "the catalog was not read again"
            time.sleep(LOOK_EVERY_S)

    def _changes(self, service: str) -> Iterable[dict[str, Any]]:
        outcome, _ = self.backend.move(service, "promote", MoveRequest(caller(), dry_run=True))
        changes: list[dict[str, Any]] = outcome["changes"]
        return changes

    def rollout(self, service: str) -> None:
        self.screen.show_command(f"failover rollout {service}")
        self.screen.show_rollout(service, self.backend.rollout(service))

    def refused_relocation(self, service: str, to: str, reason: str) -> dict[str, Any] | None:
        """What stops it; None where nothing does, and it is begun."""
        self.screen.show_command(f'failover relocate {service} --to {to} --reason "{reason}"')
        try:
            self.backend.relocate(service, to, MoveRequest(caller(), reason))
        except Refused as exc:
            self.screen.show_problem(exc.problem)
            return exc.problem
        return None

    def relocate(
        self, service: str, to: str, reason: str, skip: Callable[[float], None], *, accept: str = ""
    ) -> dict[str, Any]:
        """Relocates it and shows the steps as they are made; `skip` lets simulated time pass (s)."""
        if accept:
            self.screen.show_command(f'failover relocate {service} --to {to} --accept {accept} --reason "{reason}"')
        body, _ = self.backend.relocate(service, to, MoveRequest(caller(), reason, accept=frozenset({accept} - {""})))
        end, shown = time.monotonic() + SERVING_S, 0
        while True:
            made = [line for line in lines(body) if line[:1].isdecimal()]
            for line in made[shown:]:
                self.screen.note(line)
            shown = len(made)
            if body["state"] not in ("running", "waiting"):
                break
            assert time.monotonic() < end, body
            skip(SCHEDULE_SKIP_S if body["step"] == "protect" else SKIP_S)
            time.sleep(LOOK_EVERY_S)
            body = self.backend.relocation(service, body["operation"])
        self.screen.show_relocation(body)
        return body

    def refused_move(self, action: str, service: str, slug: str = "manifest-drifted") -> None:
        self.screen.show_command(f"failover {action} {service}")
        try:
            self.backend.move(service, action, MoveRequest(caller()))
        except Refused as exc:
            problem = exc.problem
        else:
            raise AssertionError(f"{service} was moved")
        assert problem["type"].endswith(f":{slug}"), problem
        self.screen.show_problem(problem)

    def git(self, *arguments: str) -> None:
        self.screen.show_command(shlex.join(["git", *arguments]))
        if shutil.which("git") is None:
            self.screen.say("(git is not installed here)")
            return
        for line in self._run_git(*arguments).rstrip("\n").split("\n"):
            self.screen.out.print(Text(printable(line)))

    def commits(self) -> int:
        """How many there are; 0 without Git."""
        return int(self._run_git("rev-list", "--count", "HEAD")) if shutil.which("git") else 0

    def _run_git(self, *arguments: str) -> str:
        environment = {**os.environ, "GIT_PAGER": "cat", "GIT_CONFIG_GLOBAL": os.devnull}
        command = ["git", "--git-dir", str(self.git_dir), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout  # noqa: S603 - fixed words
