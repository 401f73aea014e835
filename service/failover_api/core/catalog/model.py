"""What can move: the services of services.yaml, as values.

    Catalog ─ Service ─ Switch      one scalar in one document of one file, with its value on each side
            └ Group                 services that move together

`load` makes them from text. A short form (deployment, volumes, ...) is a switch here: nothing else knows of these.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field, replace
from enum import StrEnum
from typing import Literal, TypeVar

from failover_api.core.catalog.automatic import OFF, AlertRule, Automatic, Mode
from failover_api.core.catalog.notification import Notification
from failover_api.core.catalog.replication import USUAL_LIMITS, DataReplication, Pair, Quiesce, RelocationLimits
from failover_api.core.catalog.runtime import Verify, WorkloadName
from failover_api.core.splice import Selector, Value
from failover_api.core.splice.paths import Path, format_path
from failover_api.errors import UnknownGroup, UnknownService

_SHARED = "its name is a variable, so it stands for many apps, and what is written there is so for all of them"
_Part = TypeVar("_Part", "Switch", "Workload")
_SUBSTITUTE = ("spec", "postBuild", "substitute")
# Of a pod's volume; of a chart's values, in any case of letters.
CLAIM_KEYS = frozenset(
    {"claimname", "existingclaim", "existingpvc", "existingvolumeclaim", "existingpersistentvolumeclaim"}
)


class Side(StrEnum):
    """Where a service can be."""

    PRIMARY = "primary"
    BACKUP = "backup"

    @property
    def other(self) -> "Side":
        return Side.BACKUP if self is Side.PRIMARY else Side.PRIMARY

    @property
    def action(self) -> "Action":
        """What leads there."""
        return Action.PROMOTE if self is Side.BACKUP else Action.DEMOTE


class Action(StrEnum):
    """What a caller can ask for. Promote moves to backup, demote to primary, rollback undoes the last move."""

    PROMOTE = "promote"
    DEMOTE = "demote"
    ROLLBACK = "rollback"

    @property
    def target(self) -> Side:
        """The side that promote and demote lead to."""
        assert self is not Action.ROLLBACK, "history says where a rollback leads"
        return Side.BACKUP if self is Action.PROMOTE else Side.PRIMARY

    @property
    def opposite(self) -> "Action":
        """The way back of promote and demote."""
        assert self is not Action.ROLLBACK, "a rollback is undone by another"
        return Action.DEMOTE if self is Action.PROMOTE else Action.PROMOTE


class Policy(StrEnum):
    """How a change reaches the branch."""

    DIRECT = "direct"
    PULL_REQUEST = "pull_request"


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of a repository: what is read, and what is written to."""

    repository: str  # owner/name
    name: str

    @property
    def owner(self) -> str:
        return self.repository.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.repository}@{self.name}"


@dataclass(frozen=True, slots=True)
class Switch:
    """One scalar. `file` is None until discovery has found the manifest of `selector`."""

    file: str | None
    selector: Selector
    path: Path
    primary: Value
    backup: Value
    allow: frozenset[str] = frozenset()
    names_claim: bool = field(default=False, compare=False)  # the catalog says so, whatever the path looks like

    @property
    def is_claim(self) -> bool:
        """Whether its value is the name of a PersistentVolumeClaim that the app uses."""
        return self.names_claim or str(self.path[-1]).lower() in CLAIM_KEYS

    @property
    def variable(self) -> str:
        """The variable of a Kustomization of Flux that it sets; "" where it sets none."""
        return str(self.path[-1]) if self.path[:-1] == _SUBSTITUTE else ""

    @property
    def path_text(self) -> str:
        return format_path(self.path)

    def value(self, side: Side) -> Value:
        return self.primary if side is Side.PRIMARY else self.backup


@dataclass(frozen=True, slots=True)
class Workload:
    """A document that makes pods. `file` is None until discovery has found it."""

    file: str | None
    selector: Selector


@dataclass(frozen=True, slots=True)
class ReplicationEnd:
    """One end of the replication that brings a service's data to a side. `trouble` says why it was not found."""

    side: Side
    document: Workload
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class PullRequestOptions:
    """What a pull request of ours looks like."""

    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    team_reviewers: tuple[str, ...] = ()
    draft: bool = False
    auto_merge: bool | Literal["squash", "merge", "rebase"] = False


@dataclass(frozen=True, slots=True)
class Service:
    """What fails over, with everything inherited from the top level filled in."""

    name: str
    branch: Branch
    search: str  # a folder with a final "/", or "" for the whole repository
    policy: Policy
    fallback: Policy | None
    pull_request: PullRequestOptions
    switches: tuple[Switch, ...]
    groups: tuple[str, ...] = ()
    primary_nodes: tuple[str, ...] = ()  # Kubernetes nodes behind the side; none: not known
    backup_nodes: tuple[str, ...] = ()
    has_external_claims: bool = False  # its claims are made elsewhere, not by this repository
    primary_workload: WorkloadName | None = None  # what runs on the side; None: to be known by its documents
    backup_workload: WorkloadName | None = None
    verify: Verify | None = None
    is_elsewhere: bool = False  # it runs in a cluster that is not the one we see
    max_data_age_s: float | None = None  # of backup's data, when it is promoted
    accept: tuple[str, ...] = ()  # slugs of hazards that are not told of it
    unblocked: Workload | None = None  # the Deployment whose strategy a promote makes rolling
    after: tuple[str, ...] = ()  # names of services that it is promoted after, and demoted before
    automatic: Mode = Mode.NONE  # whether it moves by itself
    replication: DataReplication | None = None
    quiesce: Quiesce | None = None  # how a relocation stops it; there with volsync and manual
    relocate: RelocationLimits = USUAL_LIMITS
    ends: tuple["ReplicationEnd", ...] = ()  # once it is located: what its moves pause

    @property
    def digest(self) -> str:
        """Names this entry of the catalog, its groups aside: another entry has another digest."""
        return hashlib.sha256(json.dumps(_entry(self), sort_keys=True).encode()).hexdigest()

    @property
    def files(self) -> tuple[str, ...]:
        """The files of what is located, each once, in the order of the catalog."""
        return tuple(dict.fromkeys(part.file for part in self.parts if part.file is not None))

    @property
    def files_read(self) -> tuple[str, ...]:
        """With those of what its moves pause."""
        ends = (end.document.file for end in self.ends)
        return tuple(dict.fromkeys([*self.files, *(file for file in ends if file is not None)]))

    @property
    def named_ends(self) -> tuple["ReplicationEnd", ...]:
        """The ends of VolSync's pairs as the catalog names them, to be found."""
        return tuple(
            ReplicationEnd(
                side, Workload(pair.file, Selector(kind, name, pair.namespace)), _SHARED if "$" in name else ""
            )
            for side in (Side.BACKUP, Side.PRIMARY)
            if (pair := self.pair_towards(side)) is not None
            for kind, name in pair.objects
        )

    def pair_towards(self, side: Side) -> Pair | None:
        """What brings its data to a side; None where the catalog names nothing that does."""
        if self.replication is None:
            return None
        return self.replication.to_primary if side is Side.PRIMARY else self.replication.to_backup

    def nodes(self, side: Side) -> tuple[str, ...]:
        """The Kubernetes nodes behind a side; none where the catalog does not say."""
        return self.primary_nodes if side is Side.PRIMARY else self.backup_nodes

    def workload(self, side: Side) -> WorkloadName | None:
        """What runs on a side; None where the catalog does not say."""
        return self.primary_workload if side is Side.PRIMARY else self.backup_workload

    @property
    def wanted(self) -> Selector | None:
        """The document that discovery has to find, or None: at most one a service."""
        return next((part.selector for part in self.parts if part.file is None), None)

    @property
    def namespaces(self) -> frozenset[str] | None:
        """The namespaces of its documents in the cluster; None when one does not say its own.

        What a Kustomization of Flux applies may be in any, so one that only sets variables there does not say it.
        """
        of_variables = {switch.selector.namespace for switch in self.switches if switch.variable}
        named = {switch.selector.namespace for switch in self.switches if not switch.variable}
        workloads = (self.primary_workload, self.backup_workload)
        named |= {workload.namespace for workload in workloads if workload is not None and workload.namespace}
        named |= {pair.namespace for pair in self.replication.pairs if pair.namespace} if self.replication else set()
        return None if not named or None in named | of_variables else frozenset(filter(None, named | of_variables))

    def located(self, file: str, index: int | None = None) -> "Service":
        """The same service, with `file` as the place of the document that had to be found.

        `index` is the document's, where the file has others of its name.
        """

        def place(part: _Part) -> _Part:
            if part.file is not None:
                return part
            return replace(part, file=file, selector=replace(part.selector, index=index))

        unblocked = None if self.unblocked is None else place(self.unblocked)
        return replace(self, switches=tuple(map(place, self.switches)), unblocked=unblocked)

    def renamed(self, paths: Mapping[str, str]) -> "Service":
        """The same located service, where its files are named as {path: other path} says."""

        def rename(part: _Part) -> _Part:
            return replace(part, file=paths.get(part.file or "", part.file))

        unblocked = None if self.unblocked is None else rename(self.unblocked)
        ends = tuple(replace(end, document=rename(end.document)) for end in self.ends)
        return replace(self, switches=tuple(map(rename, self.switches)), unblocked=unblocked, ends=ends)

    @property
    def parts(self) -> tuple[Switch | Workload, ...]:
        """All that is in a document: its switches, and the Deployment that a promote unblocks."""
        return self.switches if self.unblocked is None else (*self.switches, self.unblocked)


@dataclass(frozen=True, slots=True)
class FluxReceiver:
    """The Flux Receiver that is told of a commit. `secret_file` holds the HMAC secret that it shares with us.

    https://fluxcd.io/flux/components/notification/receivers/
    """

    url: str
    secret_file: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """All services and groups. `groups` is {name: names of its services, in order}."""

    services: Mapping[str, Service]
    groups: Mapping[str, tuple[str, ...]]
    notifications: tuple[Notification, ...] = ()
    flux_receiver: FluxReceiver | None = None
    automatic: Automatic = OFF
    alerts: tuple[AlertRule, ...] = ()  # the first that matches an alert counts
    wave_timeout_s: float = 300.0  # how long a wave of a move may take to serve

    @property
    def branches(self) -> tuple[Branch, ...]:
        return tuple(dict.fromkeys(service.branch for service in self.services.values()))

    @property
    def namespaces(self) -> frozenset[str] | None:
        """Those of all services in the cluster; None when one does not say its own, which may be any."""
        named = [service.namespaces for service in self.services.values() if not service.is_elsewhere]
        return None if None in named else frozenset().union(*filter(None, named))

    @property
    def nodes(self) -> tuple[str, ...]:
        """The Kubernetes nodes behind the sides of its services, by name."""
        services = self.services.values()
        return tuple(sorted({node for service in services for side in Side for node in service.nodes(side)}))

    def on_branch(self, name: str) -> "Catalog":
        """The same catalog with every service on the branch of this name, each in its repository."""
        services = {
            service.name: replace(service, branch=replace(service.branch, name=name))
            for service in self.services.values()
        }
        return replace(self, services=services)

    def service(self, name: str) -> Service:
        """Raises UnknownService."""
        try:
            return self.services[name]
        except KeyError:
            raise no_service(name) from None

    def group(self, name: str) -> tuple[str, ...]:
        """The names of its services. Raises UnknownGroup."""
        try:
            return self.groups[name]
        except KeyError:
            raise no_group(name) from None


def no_service(name: str) -> UnknownService:
    """The error for a service that does not exist, and for one that the caller may not know of."""
    return UnknownService(f"no service is named {name[:80]!r} in the catalog")


def no_group(name: str) -> UnknownGroup:
    """As no_service(), for a group."""
    return UnknownGroup(f"no group is named {name[:80]!r} in the catalog")


def kind_of(value: Value) -> str:
    """The type of a value, in words. All numbers are one type, as in a manifest."""
    match value:
        case None:
            return "null"
        case bool():
            return "a bool"
        case str():
            return "text"
        case _:
            return "a number"


def _entry(service: Service) -> dict[str, object]:
    entry: dict[str, object] = {
        "name": service.name,
        "branch": str(service.branch),
        "search": service.search,
        "policy": service.policy,
        "fallback": service.fallback,
        "pull_request": asdict(service.pull_request),
        "switches": [
            [s.file, *astuple(s.selector), s.path_text, s.primary, s.backup, sorted(s.allow)] for s in service.switches
        ],
    }
    if (unblocked := service.unblocked) is not None:
        entry["unblocked"] = [unblocked.file, *astuple(unblocked.selector)]
    if service.replication is not None:  # a move parks it
        entry["replication"] = asdict(service.replication)
    return entry
