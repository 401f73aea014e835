"""Reads services.yaml: text -> Catalog.

    config/yaml    text -> plain data, with the line of each key
    schema         the keys, and what each may hold
    defaults       what a service has from `defaults`
    short_forms    a Deployment, StatefulSet or HelmRelease as switches
    load           what the keys mean together

Raises ConfigInvalid with `FILE:LINE: KEY: message`; the first error is the `detail`, `errors` has them all.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from types import MappingProxyType

from pydantic import ValidationError

from failover_api.core.catalog.automatic import Fence, Mode
from failover_api.core.catalog.automatic_forms import AlertForms, automatic_of, why_it_needs_a_fence
from failover_api.core.catalog.defaults import with_defaults, without_nulls
from failover_api.core.catalog.model import (
    Branch,
    Catalog,
    FluxReceiver,
    Policy,
    PullRequestOptions,
    Service,
    Side,
    Switch,
    kind_of,
)
from failover_api.core.catalog.node_labels import HOSTNAME
from failover_api.core.catalog.notification import DEFAULT_EVENTS, Event, Notification
from failover_api.core.catalog.order import check_order
from failover_api.core.catalog.replication_forms import ReplicationForm
from failover_api.core.catalog.runtime_forms import WorkloadForm, verify_of
from failover_api.core.catalog.schema import (
    NAME,
    CatalogSchema,
    InheritedSchema,
    NodesSchema,
    PullRequestSchema,
    ServiceSchema,
    SwitchSchema,
    schema_at,
)
from failover_api.core.catalog.short_forms import ShortForm, check_sides
from failover_api.core.config.duration import seconds_of
from failover_api.core.config.schema import describe, explained
from failover_api.core.config.yaml import Location, invalid_config, read_config
from failover_api.core.hazard_slugs import why_not_for_good
from failover_api.core.splice import Selector
from failover_api.core.splice.paths import Path, parse_path
from failover_api.errors import BadPath

_LocatedSwitch = tuple[Location, Switch]
_Owner = tuple[str, str, Switch]  # the service, its `search` folder, the switch


def parse_catalog(text: str, *, file: str) -> Catalog:
    """Reads services.yaml. `file` is only the name that errors carry."""
    config = read_config(text, file=file)
    data = _without_extensions(config.data)
    try:
        CatalogSchema.model_validate(without_nulls(data))
        entry = CatalogSchema.model_validate(with_defaults(data))
    except ValidationError as exc:
        raise invalid_config(file, config, explained(exc, schema_at)) from exc
    builder = _Builder(entry)
    catalog = builder.build()
    if builder.errors:
        raise invalid_config(file, config, [(location, partial(str, message)) for location, message in builder.errors])
    return catalog


def _without_extensions(data: object) -> object:
    """The data without its top-level `x-...` keys, which hold anchors for use elsewhere in the file."""
    if not isinstance(data, dict):
        return data
    return {key: value for key, value in data.items() if not key.startswith("x-")}


class _Builder:
    """Makes a Catalog of the validated data; collects `errors` as (location, message)."""

    def __init__(self, entry: CatalogSchema) -> None:
        self.entry = entry
        self.errors: list[tuple[Location, str]] = []
        self.owners = _Owners()

    def build(self) -> Catalog:
        groups = self._groups()
        groups_of: dict[str, list[str]] = {}
        for group, members in groups.items():
            for member in dict.fromkeys(members):
                groups_of.setdefault(member, []).append(group)
        services = {
            name: self._service(name, entry, groups_of.get(name, ())) for name, entry in self.entry.services.items()
        }
        check_order({name: entry.after for name, entry in self.entry.services.items()}, self._error_at)
        self._check_fences(services.values())
        flux = self.entry.flux_receiver
        return Catalog(
            MappingProxyType(services),
            MappingProxyType(groups),
            tuple(self._notifications()),
            FluxReceiver(flux.url, flux.secret_file) if flux else None,
            automatic_of(self.entry.automatic),
            tuple(AlertForms(services, groups, self._error_at).rules(self.entry.alerts)),
            seconds_of(self.entry.wave_timeout),
        )

    def _check_fences(self, services: Iterable[Service]) -> None:
        """With one volume for both sides, a node that is only cut off would write beside the new one."""
        if self.entry.automatic.fence != Fence.NONE:
            return
        for service in services:
            if service.automatic is not Mode.NONE and (why := why_it_needs_a_fence(service)) is not None:
                text = f"`fence: none` lets a node that is only cut off write on, and {why}"
                cure = "make it `fence: required` or `witness`, or this `none`"
                self._error(f"{text}: {cure}", "services", service.name, "automatic")

    def _error(self, message: str, *location: int | str) -> None:
        self._error_at(message, location)

    def _error_at(self, message: str, location: Location) -> None:
        self.errors.append((location, message))

    def _groups(self) -> dict[str, tuple[str, ...]]:
        for group, members in self.entry.groups.items():
            if not NAME.fullmatch(group):
                self._error(f"expected a name like 'node-1' ({NAME.pattern})", "groups", group)
            if not members:
                self._error("expected at least one service", "groups", group)
            seen: set[str] = set()
            for index, member in enumerate(members):
                if member not in self.entry.services:
                    self._error(f"no service is named {describe(member)}", "groups", group, index)
                elif member in seen:
                    self._error(f"{describe(member)} is in the group twice", "groups", group, index)
                seen.add(member)
        return {group: tuple(members) for group, members in self.entry.groups.items()}

    def _notifications(self) -> Iterator[Notification]:
        for index, entry in enumerate(self.entry.notifications):
            for key in ("events", "services"):
                if entry.has(key) and not getattr(entry, key):
                    self._error("expected at least one, or no such key for the default", "notifications", index, key)
            for at, pattern in enumerate(entry.services):
                if pattern not in self.entry.services and not set(pattern) & set("*?["):
                    self._error(f"no service is named {describe(pattern)}", "notifications", index, "services", at)
            events = frozenset(map(Event, entry.events)) or DEFAULT_EVENTS
            yield Notification(entry.url_file, events, tuple(entry.services) or ("*",), entry.template)

    def _service(self, name: str, entry: ServiceSchema, groups: Sequence[str]) -> Service:
        where = ("services", name)
        if not NAME.fullmatch(name):
            self._error(f"expected a name like 'sonarr' ({NAME.pattern})", *where)
        elif name.startswith("group-"):
            self._error("expected a name that does not begin with 'group-'", *where)
        before = len(self.errors)
        short_form = ShortForm(entry, where, self._error_at)
        located = [*short_form.switches(), *self._switches(entry, where)]
        unblocked = short_form.unblocked()
        for location, switch in located if unblocked else ():
            if _is_strategy(switch, entry):
                self._error("`unblock: rolling` changes this already: take one of the two out", *location)
        if not located and len(self.errors) == before:
            self._error("has nothing to move: needs node labels, claims or `switches`", *where)
        branch, search = self._branch(entry, where), self._inherited(entry, "search").search
        data = ReplicationForm(entry, where, self._error_at)
        paused = () if data.has_switches_on_it(located) else data.paused()
        for location, switch in (*located, *paused):
            owner = self.owners.add(name, branch, search, switch)
            if owner is not None:
                owner = "this service already" if owner == name else f"the service {describe(owner)} too"
                self._error(f"{switch.path_text} of the same document is moved by {owner}", *location)
        fallback = self._inherited(entry, "fallback").fallback
        nodes, switches = self._inherited(entry, "nodes").nodes, [switch for _, switch in located]
        workload = WorkloadForm(entry, where, self._error_at)
        workloads = [workload.of(side) for side in (Side.PRIMARY, Side.BACKUP)]
        return Service(
            name=name,
            branch=branch,
            search=search,
            policy=Policy(self._inherited(entry, "policy").policy),
            fallback=Policy(fallback) if fallback else None,
            pull_request=_pull_request(self._inherited(entry, "pull_request").pull_request),
            switches=tuple(switches),
            groups=tuple(groups),
            primary_nodes=_nodes(nodes, switches, Side.PRIMARY),
            backup_nodes=_nodes(nodes, switches, Side.BACKUP),
            has_external_claims=self._inherited(entry, "claims").claims == "external",
            primary_workload=workloads[0],
            backup_workload=workloads[1],
            verify=verify_of(entry),
            is_elsewhere=entry.cluster == "none",
            max_data_age_s=seconds_of(entry.max_data_age) if entry.max_data_age else None,
            accept=self._accepted(entry, where),
            unblocked=unblocked,
            after=tuple(entry.after),
            automatic=Mode(entry.automatic),
            replication=data.replication(),
            quiesce=data.quiesce(workloads),
            relocate=data.limits(),
        )

    def _accepted(self, entry: ServiceSchema, where: Location) -> tuple[str, ...]:
        for index, slug in enumerate(entry.accept):
            if why := why_not_for_good(slug):
                self._error(f"{describe(slug)}: {why}", *where, "accept", index)
            elif slug in entry.accept[:index]:
                self._error(f"{describe(slug)} is there twice", *where, "accept", index)
        return tuple(entry.accept)

    def _inherited(self, entry: ServiceSchema, key: str) -> InheritedSchema:
        return entry if entry.has(key) else self.entry

    def _branch(self, entry: ServiceSchema, where: Location) -> Branch:
        repository = self._inherited(entry, "repository").repository
        if not repository:
            self._error("is missing, here and at the top; expected owner/name", *where, "repository")
        return Branch(repository, self._inherited(entry, "branch").branch)

    def _switches(self, entry: ServiceSchema, where: Location) -> Iterator[_LocatedSwitch]:
        """Those that the entry lists under `switches`."""
        for index, switch in enumerate(entry.switches):
            here = (*where, "switches", index)
            check_sides(switch.primary, switch.backup, (*here, "backup"), self._error_at)
            if "type" not in switch.allow and kind_of(switch.primary) != kind_of(switch.backup):
                self._error(
                    f"is {kind_of(switch.backup)} ({describe(switch.backup)}), expected {kind_of(switch.primary)} as "
                    f"primary has ({describe(switch.primary)}), or `allow: [type]`",
                    *here,
                    "backup",
                )
            path = self._path(switch, here)
            if path is not None:
                selector = Selector(switch.kind or None, switch.name or None, switch.namespace or None)
                allow = frozenset(switch.allow)
                yield (*here, "path"), Switch(switch.file, selector, path, switch.primary, switch.backup, allow)

    def _path(self, switch: SwitchSchema, here: Location) -> Path | None:
        try:
            return parse_path(switch.path)
        except BadPath as exc:
            self._error(exc.detail, *here, "path")
            return None


def _is_strategy(switch: Switch, entry: ServiceSchema) -> bool:
    """Whether a switch may be of the strategy of the entry's Deployment."""
    is_there = switch.selector.kind in (None, "Deployment") and switch.selector.name in (None, entry.deployment)
    return is_there and switch.path[:2] == ("spec", "strategy")


class _Owners:
    """Which service moves which scalar. Two may not move the same one: each would undo the other's move."""

    def __init__(self) -> None:
        self.by_path: dict[tuple[Branch, Path], dict[str | None, list[_Owner]]] = {}

    def add(self, service: str, branch: Branch, search: str, switch: Switch) -> str | None:
        """Adds a switch. The service that moves the same scalar already, or None."""
        by_name = self.by_path.setdefault((branch, switch.path), {})
        name = switch.selector.name
        # A switch without a name may be of any document: it is compared with all of them.
        rivals = chain.from_iterable(
            by_name.values() if name is None else (by_name.get(name, ()), by_name.get(None, ()))
        )
        owner = next((other for other, folder, theirs in rivals if _same_scalar(switch, search, theirs, folder)), None)
        by_name.setdefault(name, []).append((service, search, switch))
        return owner


def _same_scalar(one: Switch, folder: str, other: Switch, other_folder: str) -> bool:
    """Whether two switches of one path may be the same scalar: an unset kind, name or namespace may be the other's.

    Where a file has to be searched for, both must name kind and name: else any manifest could be the one that is found.
    """
    pairs = (
        (one.selector.kind, other.selector.kind),
        (one.selector.name, other.selector.name),
        (one.selector.namespace, other.selector.namespace),
    )
    one_place, other_place = one.file or folder, other.file or other_folder
    if one.file and other.file:
        is_same_place = one.file == other.file
    elif None in {one.selector.kind, one.selector.name, other.selector.kind, other.selector.name}:
        is_same_place = False
    else:
        is_same_place = one_place.startswith(other_place) or other_place.startswith(one_place)
    return is_same_place and all(a is None or b is None or a == b for a, b in pairs)


def _nodes(schema: NodesSchema | None, switches: Sequence[Switch], side: Side) -> tuple[str, ...]:
    """The Kubernetes nodes of a side: those that are named, else the values of a host name's label."""
    if schema is not None:
        return tuple(schema.primary if side is Side.PRIMARY else schema.backup)
    return tuple(dict.fromkeys(str(switch.value(side)) for switch in switches if switch.path[-1] == HOSTNAME))


def _pull_request(entry: PullRequestSchema) -> PullRequestOptions:
    return PullRequestOptions(
        labels=tuple(entry.labels),
        reviewers=tuple(entry.reviewers),
        team_reviewers=tuple(entry.team_reviewers),
        draft=entry.draft,
        auto_merge=entry.auto_merge,
    )
