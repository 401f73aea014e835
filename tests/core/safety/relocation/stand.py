"""A relocation that is led by hand: Git as its commits leave it, and a cluster in which all has come as Git wants it.

A test spoils the one thing that it is about.
"""

from dataclasses import replace
from typing import Any

from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.safety.observed import Condition, Replication
from failover_api.core.safety.relocation import ladder
from failover_api.core.safety.relocation.gitview import GitView, Made
from failover_api.core.safety.relocation.ladder import Decision
from failover_api.core.safety.relocation.places import ABSENT, Document, Place, Standing
from failover_api.core.safety.relocation.sight import Ends as SeenEnds
from failover_api.core.safety.relocation.sight import Running, Sight
from failover_api.core.safety.relocation.steps import parse_label
from failover_api.core.safety.relocation.subject import Ends, Subject
from failover_api.core.safety.relocation.table import Position
from failover_api.core.safety.relocation.values import manual, paused
from tests.core.safety.relocation.ground import former, subject

NOW = 1_764_000_000.0
STEP_S = 20.0  # from one commit to the next


class Stand:
    """`values` is what Git says now; tests may change them, as a person does."""

    def __init__(self, moved: Subject | None = None, changes: dict[Place, Standing] | None = None) -> None:
        self.subject = moved or subject()
        self.former = former(self.subject, changes)
        self.values = dict(self.former)
        self.made: list[Made] = []
        self.now = NOW
        self.generation = 7
        self.moved_by = ""

    def git(self, **changes: Any) -> GitView:
        view = GitView(dict(self.values), dict(self.former), tuple(self.made), moved_by=self.moved_by)
        return replace(view, **changes)

    def sight(self, **changes: Any) -> Sight:
        """All is as Git wants it: applied, synced since the newest commit, stopped or serving."""
        number = self.values[self.subject.quiesce]
        is_there = all(self.values[each.place] == each.new for each in self.subject.switches)
        sight = Sight(
            now=self.now,
            towards=self.ends(self.subject.towards),
            away=self.ends(self.subject.away),
            workload=Running("sonarr", "uid-1", self.generation, self.generation, 0 if number == 0 else 1),
            is_serving=is_there and number != 0,
        )
        return replace(sight, **changes)

    def ends(self, pair: Ends | None) -> SeenEnds:
        return SeenEnds() if pair is None else SeenEnds(self.end(pair.source), self.end(pair.destination))

    def end(self, document: Document, **changes: Any) -> Replication:
        tag = self.values[manual(document)]
        text = tag if isinstance(tag, str) else ""
        selector = document.selector
        is_source = selector.kind == "ReplicationSource"
        one = Replication(
            "media",
            selector.name or "",
            "ReplicationSource" if is_source else "ReplicationDestination",
            is_paused=self.values[paused(document)] is True,
            manual=text,
            last_manual=text,
            last_sync_at=self.now - (10 if is_source else 1),  # by repository one comes behind the other
            last_sync_duration_s=2.0 if is_source else 5.0,
            result="Successful",
            synchronizing=Condition("Synchronizing", "False", "WaitingForManual"),
        )
        return replace(one, **changes)

    def source(self, **changes: Any) -> Sight:
        """The sight, with another source of the replication towards the target."""
        assert self.subject.towards is not None
        sight = self.sight()
        return replace(sight, towards=replace(sight.towards, source=self.end(self.subject.towards.source, **changes)))

    def destination(self, **changes: Any) -> Sight:
        assert self.subject.towards is not None
        sight = self.sight()
        other = self.end(self.subject.towards.destination, **changes)
        return replace(sight, towards=replace(sight.towards, destination=other))

    def decide(self, sight: Sight | None = None, **asked: Any) -> Decision:
        return ladder.decide(self.subject, self.git(), sight or self.sight(), **asked)

    def go(self, sight: Sight | None = None, **asked: Any) -> Decision:
        """Decides, and makes the commit."""
        decision = self.decide(sight, **asked)
        commit = decision.commit
        assert commit is not None, decision.reason
        self.values |= {edit.place: edit.new for edit in commit.edits}
        label = parse_label(commit.label)
        assert label is not None
        self.made.append(Made(label[0], self.now, commit.proof, label[1]))
        self.now += STEP_S
        return decision

    def at(self, position: Position) -> "Stand":
        """Goes on until it is there."""
        is_manual = self.subject.kind is ReplicationKind.MANUAL
        for _ in range(9):
            if ladder.position_of(self.subject, self.git()) is position:
                return self
            self.go(vouched_by="alice" if is_manual else "")
        raise AssertionError(f"it never comes to {position}")

    def put(self, place: Place, value: Standing) -> None:
        """What a person writes."""
        self.values[place] = value

    @property
    def tags(self) -> list[str]:
        return [
            str(value) for value in self.values.values() if value is not ABSENT and str(value).startswith("failover-")
        ]
