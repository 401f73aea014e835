"""The check: everything an operator could have wrong, a line for each."""

from collections.abc import Iterator
from pathlib import Path

from failover_api.config_file import ConfigFile, access_file
from failover_api.core.access.model import Access, Verb
from failover_api.core.catalog.model import Catalog, Service
from failover_api.core.planning.state import State
from failover_api.core.text.commit_message import shown
from failover_api.errors import ConfigInvalid, FailoverError
from failover_api.failover import Failover
from failover_api.forge.port import Forge
from failover_api.forge.values import Check
from failover_api.reading.pull_requests import branches_about, may_be_proposed
from failover_api.reading.status import Status, Unreadable


def check_access(path: Path) -> list[Check]:
    """The access file. Whoever only works from the command line needs none."""
    if not path.exists():
        return [Check("access", ok=True, detail=f"there is no {path}; `failover serve` needs one")]
    file = access_file(path)
    file.reload()
    if file.error is not None:
        return _faults("access", file.error)
    access = file.current()
    callers = f"{len(access.tokens)} tokens, {len(access.issuers)} issuers"
    return [Check("access", ok=True, detail=f"{callers}, anonymous may {_verbs(access)}")]


def _verbs(access: Access) -> str:
    return " and ".join(verb for verb in Verb if verb in access.anonymous) or "nothing"


def _faults(name: str, error: ConfigInvalid) -> list[Check]:
    return [Check(name, ok=False, detail=fault) for fault in error.errors or (error.detail,)]


async def check_all(catalog: ConfigFile[Catalog], forge: Forge, failover: Failover) -> list[Check]:
    """Catalog, the host's side of each branch, each switch in its file and whether it can be moved both ways.

    Stops where the rest is moot.
    """
    if catalog.error is not None:
        return _faults("catalog", catalog.error)
    known = catalog.current()
    checks = [Check("catalog", ok=True, detail=f"{len(known.services)} services, {len(known.groups)} groups")]
    for branch in known.branches:
        try:
            proposed = [s for s in known.services.values() if s.branch == branch and may_be_proposed(s)]
            own = list(dict.fromkeys(name for service in proposed for name in branches_about(service)))
            checks += await failover.in_time(forge.check(branch, pulls=bool(own), own=own))
        except FailoverError as exc:
            checks.append(Check(f"branch {branch}", ok=False, detail=exc.detail))
    checks += forge.check_self()
    if all(check.ok or check.name.startswith(("rules", "own branches")) for check in checks):
        for status in await failover.list_all(try_moves=True):
            checks += _with_path(known.services.get(status.service.name), status, list(_switches(status)))
    return checks


def _with_path(declared: Service | None, status: Status | Unreadable, checks: list[Check]) -> list[Check]:
    """Of a service that was searched for, the first line says which `path` to write: then nothing is searched."""
    if declared is None or declared.wanted is None or isinstance(status, Unreadable):
        return checks
    (path,) = {s.file for s, before in zip(status.service.switches, declared.switches, strict=True) if not before.file}
    first, *others = checks
    detail = f"{first.detail}; warning: the catalog names no `path`, so it is searched for: write `path: {path}`"
    return [Check(first.name, ok=first.ok, detail=detail), *others]


def _switches(status: Status | Unreadable) -> Iterator[Check]:
    name = status.service.name
    if isinstance(status, Unreadable):
        yield Check(f"service {name}", ok=False, detail=status.error.detail)
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
