"""services.yaml as text: read, checked, and turned into a Catalog.

    config_yaml      text -> plain data, with the line of each key
    catalog_shapes   the keys, and what each may hold
    here             what the keys mean together; every shorthand becomes switches

Raises ConfigInvalid with `FILE:LINE: KEY: message`; the first error is the `detail`, `errors` has them all.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from types import MappingProxyType

from pydantic import ValidationError

from failover_api.core.catalog.model import (
    Branch,
    Catalog,
    FluxReceiver,
    Policy,
    PullRequestOptions,
    Service,
    Switch,
    kind_of,
)
from failover_api.core.catalog.notification import DEFAULT_EVENTS, Event, Notification
from failover_api.core.catalog.schema import (
    NAME,
    CatalogSchema,
    InheritedSchema,
    PullRequestSchema,
    ServiceSchema,
    SwitchSchema,
    schema_at,
)
from failover_api.core.config.schema import Schema, describe, explain
from failover_api.core.config.yaml import Location, invalid_config, read_config
from failover_api.core.splice import Selector, Value
from failover_api.core.splice.paths import Path, Where, parse_path
from failover_api.errors import BadPath

_Placed = tuple[Location, Switch]
_Claim = tuple[str, str, Switch]  # the service, where it is searched, the switch


def parse_catalog(text: str, *, file: str) -> Catalog:
    """Reads services.yaml. `file` is only the name that errors carry."""
    config = read_config(text, file=file)
    try:
        shape = CatalogSchema.model_validate(_without_notes(config.data))
    except ValidationError as exc:
        raise invalid_config(
            file,
            config,
            [(error["loc"], partial(explain, error["loc"], error, shapes=schema_at)) for error in exc.errors()],
        ) from exc
    builder = _Builder(shape)
    catalog = builder.build()
    if builder.faults:
        raise invalid_config(file, config, [(location, partial(str, message)) for location, message in builder.faults])
    return catalog


def _without_notes(data: object) -> object:
    """Top-level keys that begin with `x-` hold what is anchored there for use elsewhere."""
    if not isinstance(data, dict):
        return data
    return {key: value for key, value in data.items() if not key.startswith("x-")}


class _Builder:
    """From the shapes to the values; collects what is wrong as (location, message)."""

    def __init__(self, shape: CatalogSchema) -> None:
        self.shape = shape
        self.faults: list[tuple[Location, str]] = []
        self.claims = _Claims()

    def build(self) -> Catalog:
        groups = self._groups()
        of_service: dict[str, list[str]] = {}
        for group, members in groups.items():
            for member in dict.fromkeys(members):
                of_service.setdefault(member, []).append(group)
        services = {
            name: self._service(name, shape, of_service.get(name, ())) for name, shape in self.shape.services.items()
        }
        flux = self.shape.flux_receiver
        return Catalog(
            MappingProxyType(services),
            MappingProxyType(groups),
            tuple(self._notifications()),
            FluxReceiver(flux.url, flux.secret_file) if flux else None,
        )

    def _fault(self, message: str, *location: int | str) -> None:
        self.faults.append((location, message))

    def _groups(self) -> dict[str, tuple[str, ...]]:
        for group, members in self.shape.groups.items():
            if not NAME.fullmatch(group):
                self._fault(f"expected a name like 'node-1' ({NAME.pattern})", "groups", group)
            if not members:
                self._fault("expected at least one service", "groups", group)
            seen: set[str] = set()
            for index, member in enumerate(members):
                if member not in self.shape.services:
                    self._fault(f"no service is named {describe(member)}", "groups", group, index)
                elif member in seen:
                    self._fault(f"{describe(member)} is in the group twice", "groups", group, index)
                seen.add(member)
        return {group: tuple(members) for group, members in self.shape.groups.items()}

    def _notifications(self) -> Iterator[Notification]:
        for index, shape in enumerate(self.shape.notifications):
            for key in ("events", "services"):
                if shape.has(key) and not getattr(shape, key):
                    self._fault("expected at least one, or no such key for the default", "notifications", index, key)
            for at, pattern in enumerate(shape.services):
                if pattern not in self.shape.services and not set(pattern) & set("*?["):
                    self._fault(f"no service is named {describe(pattern)}", "notifications", index, "services", at)
            events = frozenset(map(Event, shape.events)) or DEFAULT_EVENTS
            yield Notification(shape.url_file, events, tuple(shape.services) or ("*",), shape.template)

    def _service(self, name: str, shape: ServiceSchema, groups: Sequence[str]) -> Service:
        where = ("services", name)
        if not NAME.fullmatch(name):
            self._fault(f"expected a name like 'sonarr' ({NAME.pattern})", *where)
        elif name.startswith("group-"):
            self._fault("expected a name that does not begin with 'group-'", *where)
        before = len(self.faults)
        placed = [*self._workload(shape, where), *self._free(shape, where)]
        if not placed and len(self.faults) == before:
            self._fault("has nothing to move: needs node labels, claims or `switches`", *where)
        branch, search = self._branch(shape, where), self._inherited(shape, "search").search
        for location, switch in placed:
            rival = self.claims.take(name, branch, search, switch)
            if rival is not None:
                rival = "this service already" if rival == name else f"the service {describe(rival)} too"
                self._fault(f"{switch.path_text} of the same document is moved by {rival}", *location)
        fallback = self._inherited(shape, "fallback").fallback
        return Service(
            name=name,
            branch=branch,
            search=search,
            policy=Policy(self._inherited(shape, "policy").policy),
            fallback=Policy(fallback) if fallback else None,
            pull_request=_pull_request(self._inherited(shape, "pull_request").pull_request),
            switches=tuple(switch for _, switch in placed),
            groups=tuple(groups),
        )

    def _inherited(self, shape: ServiceSchema, key: str) -> InheritedSchema:
        return shape if shape.has(key) else self.shape

    def _branch(self, shape: ServiceSchema, where: Location) -> Branch:
        repository = self._inherited(shape, "repository").repository
        if not repository:
            self._fault("is missing, here and at the top; expected owner/name", *where, "repository")
        return Branch(repository, self._inherited(shape, "branch").branch)

    def _workload(self, shape: ServiceSchema, where: Location) -> Iterator[_Placed]:
        """The switches of a Deployment or StatefulSet: its node label and its claims."""
        if shape.deployment and shape.statefulset:
            self._fault("expected `deployment` or `statefulset`, not both", *where, "statefulset")
            return
        name = shape.deployment or shape.statefulset
        if not name:
            self._refuse_orphans(shape, where)
            return
        if not shape.namespace:
            self._fault("is missing; expected the namespace of the workload", *where, "namespace")
        kind = "Deployment" if shape.deployment else "StatefulSet"
        selector = Selector(kind=kind, name=name, namespace=shape.namespace)
        for key, path, primary, backup in (*self._node_label(shape, where), *self._volumes(shape, where)):
            location = (*where, *key)
            self._check_sides(primary, backup, location)
            yield location, Switch(shape.path or None, selector, path, primary, backup)

    def _refuse_orphans(self, shape: ServiceSchema, where: Location) -> None:
        for key in ServiceSchema.model_fields:
            if shape.has(key) and key not in {"switches", "namespace", *InheritedSchema.model_fields}:
                self._fault("needs a `deployment` or a `statefulset` beside it", *where, key)

    def _node_label(self, shape: ServiceSchema, where: Location) -> Iterator[tuple[Location, Path, str, str]]:
        keys = ("primary_node_label", "backup_node_label")
        if self._are_complete(shape, keys, where, because="node_label_key" if shape.has("node_label_key") else None):
            path = ("spec", "template", "spec", "nodeSelector", shape.node_label_key)
            yield ("backup_node_label",), path, shape.primary_node_label, shape.backup_node_label

    def _volumes(self, shape: ServiceSchema, where: Location) -> Iterator[tuple[Location, Path, str, str]]:
        seen: set[str] = set()
        for index, volume in enumerate(shape.volumes):
            if volume.name in seen:
                self._fault(f"{describe(volume.name)} is there twice", *where, "volumes", index, "name")
            else:
                seen.add(volume.name)
                yield ("volumes", index, "backup_pvc"), _claim(volume.name), volume.primary_pvc, volume.backup_pvc
        keys = ("volume_name", "primary_pvc", "backup_pvc")
        if shape.has("volumes") and any(map(shape.has, keys)):
            self._fault("expected `volumes`, or volume_name, primary_pvc and backup_pvc, not both", *where, "volumes")
        elif self._are_complete(shape, keys, where):
            yield ("backup_pvc",), _claim(shape.volume_name), shape.primary_pvc, shape.backup_pvc

    def _are_complete(self, shape: Schema, keys: Sequence[str], where: Location, *, because: str | None = None) -> bool:
        """All of the keys are there; if only some are, the others are missing."""
        present = [key for key in keys if shape.has(key)]
        because = because or next(iter(present), None)
        if because is not None:
            for key in keys:
                if key not in present:
                    self._fault(f"is missing; `{because}` needs it", *where, key)
        return len(present) == len(keys)

    def _check_sides(self, primary: Value, backup: Value, location: Location) -> None:
        if primary == backup and kind_of(primary) == kind_of(backup):
            self._fault(f"is {describe(backup)} on both sides, expected two values that differ", *location)

    def _free(self, shape: ServiceSchema, where: Location) -> Iterator[_Placed]:
        for index, switch in enumerate(shape.switches):
            here = (*where, "switches", index)
            self._check_sides(switch.primary, switch.backup, (*here, "backup"))
            if "type" not in switch.allow and kind_of(switch.primary) != kind_of(switch.backup):
                self._fault(
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
            self._fault(exc.detail, *here, "path")
            return None


class _Claims:
    """Which service moves which scalar. Two may not move one: each would undo the other's move."""

    def __init__(self) -> None:
        self.taken: dict[tuple[Branch, Path], dict[str | None, list[_Claim]]] = {}

    def take(self, service: str, branch: Branch, search: str, switch: Switch) -> str | None:
        """Notes the claim. The service that claims the same scalar already, or None."""
        by_name = self.taken.setdefault((branch, switch.path), {})
        name = switch.selector.name
        near = chain.from_iterable(by_name.values() if name is None else (by_name.get(name, ()), by_name.get(None, ())))
        rival = next((other for other, folder, theirs in near if _same_scalar(switch, search, theirs, folder)), None)
        by_name.setdefault(name, []).append((service, search, switch))
        return rival


def _same_scalar(one: Switch, folder: str, other: Switch, other_folder: str) -> bool:
    """In doubt yes: an unset kind, name or namespace may be the other's. Only for a file that must be searched, the
    other has to name the document: every manifest could be the one that is found.
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


def _claim(volume: str) -> Path:
    volumes = ("spec", "template", "spec", "volumes", Where("name", volume))
    return (*volumes, "persistentVolumeClaim", "claimName")


def _pull_request(shape: PullRequestSchema) -> PullRequestOptions:
    return PullRequestOptions(
        labels=tuple(shape.labels),
        reviewers=tuple(shape.reviewers),
        team_reviewers=tuple(shape.team_reviewers),
        draft=shape.draft,
        auto_merge=shape.auto_merge,
    )
