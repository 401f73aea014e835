"""The check: everything an operator could have wrong, a line for each. On GitHub, or on a working tree."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from failover_api.check.automatic import check_order
from failover_api.check.hazards import check_hazards
from failover_api.config_file import ConfigFile, access_file
from failover_api.core.access.model import Access, Verb
from failover_api.core.catalog.automatic import Mode
from failover_api.core.catalog.model import Action, Catalog, Service
from failover_api.core.catalog.placeholders import placeholders
from failover_api.core.catalog.shared_claims import shared_claims
from failover_api.core.catalog.unattended import unattended
from failover_api.core.planning.request import MoveRequest
from failover_api.core.planning.round_trip import try_round_trips
from failover_api.core.planning.state import State
from failover_api.core.text.commit_message import shown
from failover_api.errors import ConfigInvalid, FailoverError, ManifestError, NotReady, SwitchNotFound
from failover_api.failover import Failover
from failover_api.forge.port import Forge
from failover_api.forge.values import Check
from failover_api.moves.group import check_branches, parts_of
from failover_api.moves.progress import ignore
from failover_api.notify.delivery import MISSING, UNUSABLE, is_installed, understands
from failover_api.notify.url_file import read_targets
from failover_api.reading.pull_requests import branches_about, may_be_proposed
from failover_api.reading.services import Observation, ServiceReader
from failover_api.reading.status import Status, Unreadable, status_of, with_obstacles
from failover_api.reading.surroundings import SurroundingsReader
from failover_api.reading.working_tree import TreeBranch, WorkingTree, read_folder

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.check.cluster import LeaseRights
    from failover_api.cluster.port import Cluster

_ADD_IT = "Add the key to the manifest, or correct its path in the catalog"
WARNING = "; warning: "  # what stands before it is well


def check_access(path: Path) -> list[Check]:
    """The access file. Whoever only works from the command line needs none."""
    if not path.exists():
        return [Check("access", ok=True, detail=f"there is no {path}; `failover serve` needs one")]
    file = access_file(path)
    file.reload()
    if file.error is not None:
        return _faults("access", file.error)
    access = file.current()
    callers = f"{_counted(len(access.tokens), 'token')}, {_counted(len(access.issuers), 'issuer')}"
    return [Check("access", ok=True, detail=f"{callers}, a caller without a token may {_verbs(access)}")]


def _verbs(access: Access) -> str:
    return " and ".join(verb for verb in Verb if verb in access.anonymous) or "do nothing"


def _faults(name: str, error: ConfigInvalid) -> list[Check]:
    return [Check(name, ok=False, detail=fault) for fault in error.errors or (error.detail,)]


async def check_all(
    catalog: ConfigFile[Catalog],
    forge: Forge,
    failover: Failover,
    *,
    cluster: "Cluster | None" = None,
    lease: "LeaseRights | None" = None,
    has_flux_events: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Check]:
    """Catalog, the host's side of each branch, each switch in its file and whether it can be moved both ways.

    And the `cluster`, if one is configured, with the rights on the `lease` that automatic failover leads by.
    `has_flux_events`: Flux may tell what it has applied. Stops where the rest is moot.
    """
    if catalog.error is not None:
        return _faults("catalog", catalog.error)
    known = catalog.current()
    is_seen = cluster is not None or has_flux_events
    checks = [*_of_catalog(catalog), *check_order(known, is_seen=is_seen), *check_notifications(known)]
    for branch in known.branches:
        on_step(f"asking GitHub about {branch}")
        try:
            proposed = [s for s in known.services.values() if s.branch == branch and may_be_proposed(s)]
            own = list(dict.fromkeys(name for service in proposed for name in branches_about(service)))
            found = await failover.in_time(forge.check(branch, pulls=bool(own), own=own))
            checks += [check for check in found if not _is_known_credential_error(check, checks)]
        except FailoverError as exc:
            checks.append(Check(f"branch {branch}", ok=False, detail=exc.detail))
    checks += forge.check_self()
    if all(check.ok or check.name.startswith(("group", "rules", "own branches", "notifications")) for check in checks):
        on_step(f"looking at {len(known.services)} services")
        statuses = await failover.list_all(try_moves=True)
        for status in statuses:
            checks += _with_path(known.services.get(status.service.name), status, list(_switches(status)))
        checks += await check_hazards(statuses, failover.look_around, on_step, known.automatic)
    if cluster is not None:
        from failover_api.check.cluster import check_cluster

        on_step("looking at the cluster")
        checks += await check_cluster(cluster, known, lease if known.automatic.mode is not Mode.NONE else None)
    elif known.automatic.mode is not Mode.NONE:
        detail = "no cluster is configured here: nothing moves by itself"
        checks.append(Check("automatic", ok=True, detail=detail, is_warning=True))
    return checks


def check_notifications(catalog: Catalog) -> Iterator[Check]:
    """Each file of URLs, parsed: how many targets it has, and the lines that are none. Nothing is sent."""
    files = dict.fromkeys(notification.url_file for notification in catalog.notifications)
    if files and not is_installed():
        yield Check("notifications", ok=True, detail=f"nobody is told from here: {MISSING}", is_warning=True)
        return
    for file in files:
        yield from _of_url_file(file)


def _of_url_file(file: str) -> Iterator[Check]:
    """A file that is not there is a warning: it may be mounted where the service runs, and only there."""
    name = f"notifications {file}"
    if not Path(file).exists():
        yield Check(name, ok=True, detail="there is no such file here, so nobody is told from here", is_warning=True)
        return
    try:
        targets = read_targets(file)
    except NotReady as exc:
        yield Check(name, ok=False, detail=exc.detail.removeprefix(f"{file}: "))
        return
    strange = [target for target in targets if not understands(target.url)]
    kinds = ", ".join(sorted({target.notifier for target in targets if target not in strange}))
    if kinds:
        yield Check(name, ok=True, detail=f"{_counted(len(targets) - len(strange), 'target')} ({kinds})")
    for target in strange:
        yield Check(name, ok=False, detail=f"line {target.line} ({target.notifier}): {UNUSABLE}")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


async def check_tree(
    catalog: ConfigFile[Catalog],
    folder: Path,
    *,
    repository: str | None,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Check]:
    """The catalog against a working tree of `repository` (None: the catalog's first), without credentials or network.

    Each switch of its services in its file, and each service planned both ways, there and back. Raises BadRequest.
    """
    if catalog.error is not None:
        return _faults("catalog", catalog.error)
    known = catalog.current()
    checks = _of_catalog(catalog)
    repository = repository or next((branch.repository for branch in known.branches), "")
    tree = TreeBranch(repository, f"the working tree {folder}")
    services = list(known.services.values())
    elsewhere = [service for service in services if service.branch.repository != repository]
    checks += [_not_here(service, tree) for service in elsewhere]
    services = [replace(service, branch=tree) for service in services if service not in elsewhere]
    named = {switch.file for service in services for switch in service.switches if switch.file is not None}
    files = WorkingTree(read_folder(folder, also=named))
    reader, surroundings = ServiceReader(files), SurroundingsReader(files)
    statuses: list[Status | Unreadable] = []
    for count, service in enumerate(services, 1):
        on_step(f"looking at {service.name}, {count} of {len(services)}")
        status, found = await _in_tree(reader, service)
        statuses.append(status)
        checks += found
    checks += await check_hazards(statuses, partial(surroundings.read, not_before=0.0), on_step, known.automatic)
    return checks


async def _in_tree(reader: ServiceReader, service: Service) -> tuple[Status | Unreadable, list[Check]]:
    try:
        seen: Observation | FailoverError = await reader.observe(service, not_before=None)
    except FailoverError as exc:
        seen = exc
    status = await with_obstacles(status_of(service, seen), seen)
    checks = _with_path(service, status, list(_switches(status)))
    if isinstance(seen, Observation) and all(check.ok for check in checks):
        try:
            try_round_trips(seen.service, seen.manifests)
        except FailoverError as exc:
            checks.append(Check(f"service {service.name}", ok=False, detail=f"cannot be moved: {exc.detail}"))
    return status, checks


def _not_here(service: Service, tree: TreeBranch) -> Check:
    detail = f"is in {service.branch.repository}, and {tree} is taken for {tree.repository}: not looked at"
    return Check(f"service {service.name}", ok=True, detail=detail, is_warning=True)


def _of_catalog(file: ConfigFile[Catalog]) -> list[Check]:
    catalog = file.current()
    counted = f"{len(catalog.services)} services, {len(catalog.groups)} groups"
    unsaid = placeholders(catalog, file.text)
    left = [Check("catalog placeholder", ok=True, detail=detail, is_warning=True) for detail in unsaid]
    left += [Check("catalog claims", ok=True, detail=detail, is_warning=True) for detail in shared_claims(catalog)]
    left += [Check("automatic", ok=True, detail=detail, is_warning=True) for detail in unattended(catalog)]
    return [Check("catalog", ok=True, detail=counted), *left, *_groups(catalog)]


def _groups(catalog: Catalog) -> Iterator[Check]:
    """The groups that cannot be moved as they stand in the catalog."""
    request = MoveRequest("check", dry_run=True)
    for name, members in catalog.groups.items():
        services = [catalog.services[member] for member in members]
        try:
            provenance = request.provenance("", at="", group=name)
            check_branches(name, parts_of(services, Action.PROMOTE, request, provenance, ignore))
        except FailoverError as exc:
            yield Check(f"group {name}", ok=False, detail=exc.detail)


def _is_known_credential_error(check: Check, told: Sequence[Check]) -> bool:
    """Whether the same credentials have failed for another branch, for the same reason."""
    return not check.ok and any(
        not other.ok and other.detail == check.detail and other.name.startswith("credentials") for other in told
    )


def _with_path(declared: Service | None, status: Status | Unreadable, checks: list[Check]) -> list[Check]:
    """Of a service that was searched for, the first line says which `path` to write: then nothing is searched."""
    if declared is None or declared.wanted is None or isinstance(status, Unreadable):
        return checks
    (path,) = {s.file for s, before in zip(status.service.parts, declared.parts, strict=True) if not before.file}
    first, *others = checks
    if not first.ok:
        return checks
    detail = f"{first.detail}{WARNING}the catalog names no `path`, so it is searched for: write `path: {path}`"
    return [replace(first, detail=detail, is_warning=True), *others]


def _switches(status: Status | Unreadable) -> Iterator[Check]:
    name = status.service.name
    if isinstance(status, Unreadable):
        cure = f". {_ADD_IT}" if isinstance(status.error, SwitchNotFound) else ""
        yield Check(f"service {name}", ok=False, detail=f"{status.error.detail}{cure}")
        return
    for reading in status.detection.readings:
        place = f"{reading.file}:{reading.line}: {reading.switch.path_text} is {shown(reading.value)}"
        if (obstacle := status.obstacles.get(reading.switch)) is not None:
            yield Check(f"switch {name}", ok=False, detail=f"cannot be moved: {obstacle.detail}")
        elif reading.state is State.UNKNOWN:
            sides = f"{shown(reading.switch.primary)} (primary) or {shown(reading.switch.backup)} (backup)"
            yield Check(f"switch {name}", ok=False, detail=f"{place}, expected {sides}")
        else:
            yield Check(f"switch {name}", ok=True, detail=f"{place} ({reading.state})")
    if status.service.unblocked is not None:
        yield _strategy(status)


def _strategy(status: Status) -> Check:
    """What `unblock: rolling` comes to."""
    name = f"strategy {status.service.name}"
    match status.unblocking:
        case ManifestError() as error:
            return Check(name, ok=False, detail=f"cannot be changed: {error.detail}")
        case None:
            return Check(name, ok=True, detail="waits for no dead node: a promote leaves it as it is")
        case edits:
            kind, _ = edits.changes
            now = f"{kind.file}:{kind.line}: {kind.path} is {shown(kind.old)}"
            detail = f"{now}; a promote makes it {shown(kind.new)}, until it is seen serving, or else moved home"
            return Check(name, ok=True, detail=detail)
