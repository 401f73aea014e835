"""What a person does in a schedule (see schedules.py), also between our read and our write."""

import contextlib
import itertools
import time
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Action
from failover_api.sandbox.hosting.refusal import Refusal
from failover_api.sandbox.hosting.repository import MergeMethod
from failover_api.wiring import Components
from tests.story.lab import CATALOG, GROUPS, HOMELAB, MOVES, PATHS, SERVICES
from tests.story.laws import PUSHED, Laws
from tests.story.network import LAG_KNOWN_S, LATE_S
from tests.support.stage import Stage


class Person(Laws):
    """One with a clone of the repository, and GitHub's pages."""

    stage: Stage
    replicas: list[Components]
    marks: "itertools.count[int]"
    quiet_at = 0.0  # time.monotonic(): what looks like lag is believed from then on

    def declare(self) -> None:
        """The catalog, with the names that the files have on the branch."""
        text = CATALOG
        for name, paths in PATHS.items():
            for first, names in zip(paths, self.variants[name], strict=True):
                names.sort(key=lambda path: self.stage.read(path) is not None)
                text = text.replace(first, names[-1])
        self.stage.declare(text, top=GROUPS)
        self.catalog = parse_catalog(self.stage.catalog_file.read_text(), file="services.yaml")
        for components in getattr(self, "replicas", ()):
            components.catalog.reload()

    def path(self, name: str, i: int) -> str:
        """What file `i` of a service is called on the branch now."""
        return self.variants[name][i][-1]

    @rule(name=st.sampled_from(SERVICES), soon=st.booleans())
    def edit(self, name: str, soon: bool) -> None:
        """A comment in a file of the service: now, or between our read and our write."""
        i, mark = len(PATHS[name]) - 1, f"# mark-{next(self.marks)}"

        def act() -> None:
            path = self.path(name, i)
            self.stage.commit({path: (self.stage.read(path) or b"") + f"{mark}\n".encode()}, f"Edit {mark}")
            self.kept[mark] = name, i

        self.stage.before_write(act) if soon else act()

    @rule(name=st.sampled_from(SERVICES), soon=st.booleans())
    def drift(self, name: str, soon: bool) -> None:
        """A switch on neither side."""

        def act() -> None:
            path = self.path(name, 0)
            text = (self.stage.read(path) or b"").decode()
            for value in ("role: primary", "role: backup", "hostname: k3s-w1", "hostname: k3s-w2"):
                text = text.replace(value, f"{value.partition(':')[0]}: elsewhere")
            self.stage.commit({path: text}, "Drift")

        self.stage.before_write(act) if soon else act()

    @rule(name=st.sampled_from(["plex", "jelly"]), soon=st.booleans())
    def half(self, name: str, soon: bool) -> None:
        """One of two files put to the other side."""

        def act() -> None:
            path = self.path(name, 1)
            text = (self.stage.read(path) or b"").decode()
            old, new = ("true", "false") if "paused: true" in text else ("false", "true")
            self.stage.commit({path: text.replace(f"paused: {old}", f"paused: {new}")}, "Half")

        self.stage.before_write(act) if soon else act()

    @rule(name=st.sampled_from(SERVICES))
    def restore(self, name: str) -> None:
        """Everything as it was in the beginning, as a revert does."""
        self.let_land()
        self.kept = {mark: place for mark, place in self.kept.items() if place[0] != name}
        changes = {self.path(name, i): HOMELAB[path] for i, path in enumerate(PATHS[name])}
        self.stage.commit(changes, f"Revert {name}")

    @rule(which=st.integers(0, 3))
    def revert(self, which: int) -> None:
        """Undoes one of our newest commits, and quotes its whole message, trailers and all."""
        self.let_land()
        commits = [commit for commit in self.log() if self.ours(commit) and len(commit.parents) == 1][:4]
        if not commits:
            return
        commit = commits[which % len(commits)]
        changes: dict[str, Any] = {}
        for name in {record.service for record in self.ours(commit)}:
            for i, names in self.files(name):
                then, before = self.at(commit.sha, name, i), self.at(commit.parents[0], name, i)
                if self.at(self.head, name, i) != then:
                    return  # it does not apply any more
                if before != then:
                    changes[names[-1]] = before
        quoted = f'Revert "{commit.message.splitlines()[0]}"\n\nThis reverts commit {commit.sha}.\n\n{commit.message}'
        self.persons.add(self.stage.commit(changes, quoted))

    @rule(name=st.sampled_from(SERVICES), action=st.sampled_from(MOVES), which=st.integers(0, 3))
    def invent(self, name: str, action: Action, which: int) -> None:
        """A contributor's text ends with trailers that nobody wrote, or with those of another commit."""
        before, after = ("primary", "backup") if action is Action.PROMOTE else ("backup", "primary")
        invented = (
            f"Failover-Service: {name}\nFailover-Action: {action}\nFailover-From: {before}\nFailover-To: {after}\n"
            f"Failover-Operation: 01JD{next(self.marks):022}\nFailover-Requested-By: maria\n"
            "Failover-Requested-At: 2026-11-23T04:00:00Z"
        )
        ours = [commit.message for commit in self.log() if self.ours(commit)][:which]
        text = f"Add a note (#7)\n\n{ours[-1] if ours else invented}"
        self.persons.add(self.stage.commit({f"notes/{next(self.marks)}.md": "A note.\n"}, text))

    @rule(name=st.sampled_from(SERVICES))
    def rename(self, name: str) -> None:
        """`git mv` of a service's first file, and of its path in the catalog."""
        old = self.path(name, 0)
        content = self.stage.read(old)
        assert content is not None
        new = f"apps/moved-{next(self.marks)}/{old.rpartition('/')[2]}"
        self.variants[name][0].append(new)
        self.stage.commit({old: None, new: content}, f"Move {name}")
        self.declare()

    @rule(back=st.integers(1, 3), work=st.booleans())
    def force_push(self, back: int, work: bool) -> None:
        """The branch goes back, and may then go another way."""
        self.let_land()
        log = self.log()
        target = log[min(back, len(log) - 1)].sha
        self.sandbox.set_branch("main", target, repository=self.repository)
        if work:
            self.stage.commit({"README.md": f"{next(self.marks)}\n"}, "Other work")
        self.declare()
        self.quiet_at = time.monotonic() + LAG_KNOWN_S
        there = {mark: place for mark, place in self.kept.items() if mark in self.at(target, *place).decode()}
        self.kept = there

    @rule(on=st.booleans())
    def protect(self, on: bool) -> None:
        """From now on, or no more, the branch takes pull requests only."""
        if on:
            self.sandbox.protect(approvals=0, repository=self.repository)
        else:
            self.sandbox.unprotect(repository=self.repository)

    @rule()
    def other_work(self) -> None:
        self.stage.commit({"README.md": f"{next(self.marks)}\n"}, "Other work")

    @rule(method=st.sampled_from(["squash", "merge", "rebase"]), which=st.integers(0, 3))
    def merge(self, method: MergeMethod, which: int) -> None:
        pulls = self.pulls()
        if pulls:
            with contextlib.suppress(Refusal):  # a conflict: the person leaves it
                number = pulls[which % len(pulls)].number
                self.sandbox.merge(number, method, repository=self.repository)
            self.declare()  # a branch from before a force push may bring a name back

    @rule(which=st.integers(0, 3), delete=st.booleans())
    def close(self, which: int, delete: bool) -> None:
        pulls = self.pulls()
        if pulls:
            pull = pulls[which % len(pulls)]
            self.sandbox.close_pull(pull.number, repository=self.repository)
            self.forget_pushes(pull.number)
            if delete:
                self.sandbox.set_branch(pull.head, None, repository=self.repository)

    @rule(which=st.integers(0, 3), quoting=st.booleans())
    def push(self, which: int, quoting: bool) -> None:
        """A commit on a branch of ours, which may quote the one before it."""
        pulls = self.pulls()
        if pulls:
            pull = pulls[which % len(pulls)]
            text = f"pushed {next(self.marks)}\n"
            self.forget_pushes(pull.number)
            quoted = self.sandbox.log(pull.head, repository=self.repository)[0].message if quoting else ""
            sha = self.stage.commit({"pushed.txt": text}, f"{PUSHED}\n\n{quoted}", pull.head)
            self.pushed[sha] = (pull.number, text)

    def let_land(self) -> None:
        """A person who brings back what a late write was made from, before it lands, cannot be helped."""
        if self.is_late:
            time.sleep(LATE_S)

    def forget_pushes(self, number: int) -> None:
        self.pushed = {sha: place for sha, place in self.pushed.items() if place[0] != number}
