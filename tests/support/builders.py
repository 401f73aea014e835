"""Values of the core, with what a test is not about filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from failover_api.core.catalog.model import Action, Branch, Policy, PullRequestOptions, Service, Switch
from failover_api.core.planning.plan import Change, Plan
from failover_api.core.planning.request import Provenance
from failover_api.core.planning.state import Detection, State
from failover_api.core.splice import DocumentId, Edit, Manifest, Scalar, Selector, Value, parse
from failover_api.core.splice.paths import Path, parse_path
from failover_api.core.splice.yaml_tree import Tree
from failover_api.core.text.trailers import Record

Files = Mapping[str, bytes]

REPO = "acme/homelab"
MAIN = Branch(REPO, "main")
OPERATION = "01JDAAAAAAAAAAAAAAAAAAAAAA"
FIRST = Selector(index=0)


def switch(
    path: str,
    primary: Value,
    backup: Value,
    *,
    file: str = "a.yaml",
    kind: str | None = None,
    selector: Selector | None = None,
    allow: str = "",
    names_claim: bool = False,
) -> Switch:
    return Switch(
        file, selector or Selector(kind), parse_path(path), primary, backup, frozenset(allow.split()), names_claim
    )


def service(*switches: Switch, name: str = "sonarr", **changes: Any) -> Service:
    plain = {"search": "", "policy": Policy.DIRECT, "fallback": None, "pull_request": PullRequestOptions()}
    return Service(**{"name": name, "branch": MAIN, "switches": switches, **plain, **changes})


def manifests(files: Files) -> dict[str, Manifest]:
    return {file: parse(data, file=file) for file, data in files.items()}


def change(
    path: str, old: Value, new: Value, *, line: int = 1, file: str = "a.yaml", document: str = "Deployment media/sonarr"
) -> Change:
    return Change(file, document, path, line, old, new)


def plan_of(
    *changes: Change,
    name: str = "sonarr",
    action: Action = Action.PROMOTE,
    before: State = State.PRIMARY,
    after: State | None = None,
    old: bytes = b"",
    new: bytes = b"",
) -> Plan:
    """A plan as if it had been made: `old` and `new` are each file's bytes, `after` is where the action leads."""
    files = [change.file for change in changes]
    target = after or State(action.target.value)
    texts = dict.fromkeys(files, old), dict.fromkeys(files, new)
    return Plan(service(name=name), action, Detection(before, ()), target, changes, *texts)


def provenance(reason: str = "", **changes: Any) -> Provenance:
    plain = {"operation": OPERATION, "by": "ops-laptop", "at": "2026-11-23T04:00:00Z", "reason": reason}
    return Provenance(**{**plain, **changes})


def record(
    action: str = "promote",
    before: str = "primary",
    after: str = "backup",
    *,
    service: str = "sonarr",
    reverts: str | None = None,
    **asked: Any,
) -> Record:
    """A move of one service; `asked` is of its provenance."""
    return Record(service, action, before, after, provenance(**{"by": "", "at": "", **asked}), reverts)


@dataclass(frozen=True)
class FalseEditor:
    """A manifest whose apply() answers what it was told to, and notes what it was asked."""

    real: Manifest
    answer: bytes
    asked: list[Edit] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        return self.real.data

    @property
    def tree(self) -> Tree:
        return self.real.tree

    def select(self, selector: Selector) -> DocumentId:
        return self.real.select(selector)

    def find(self, selector: Selector, path: Path) -> Scalar:
        return self.real.find(selector, path)

    def apply(self, edits: Sequence[Edit]) -> Manifest:
        self.asked.extend(edits)
        return parse(self.answer, file=self.real.file)
