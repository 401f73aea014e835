"""The check: everything an operator could have wrong, a line for each."""

from collections.abc import Iterator

from failover_api.config_file import ConfigFile
from failover_api.core.catalog import Catalog
from failover_api.core.message import shown
from failover_api.core.state import State
from failover_api.errors import FailoverError
from failover_api.failover import Failover, Status, Unreadable
from failover_api.forge.port import Check, Forge
from failover_api.history import may_be_proposed


async def check_all(catalog: ConfigFile[Catalog], forge: Forge, failover: Failover) -> list[Check]:
    """Catalog, then the host's side of each branch, then each switch in its file. Stops where the rest is moot."""
    if catalog.error is not None:
        return [Check("catalog", ok=False, detail=error) for error in catalog.error.errors or (catalog.error.detail,)]
    known = catalog.current()
    checks = [Check("catalog", ok=True, detail=f"{len(known.services)} services, {len(known.groups)} groups")]
    for branch in known.branches:
        try:
            proposing = any(may_be_proposed(s) for s in known.services.values() if s.branch == branch)
            checks += await failover.in_time(forge.check(branch, pulls=proposing))
        except FailoverError as exc:
            checks.append(Check(f"branch {branch}", ok=False, detail=exc.detail))
    if all(check.ok or check.name.startswith("rules") for check in checks):
        checks += [check for status in await failover.list_all() for check in _switches(status)]
    return checks


def _switches(status: Status | Unreadable) -> Iterator[Check]:
    name = status.service.name
    if isinstance(status, Unreadable):
        yield Check(f"service {name}", ok=False, detail=status.error.detail)
        return
    for reading in status.detection.readings:
        place = f"{reading.file}:{reading.line}: {reading.switch.path_text} is {shown(reading.value)}"
        if reading.state is State.UNKNOWN:
            sides = f"{shown(reading.switch.primary)} (primary) or {shown(reading.switch.backup)} (backup)"
            yield Check(f"switch {name}", ok=False, detail=f"{place}, expected {sides}")
        else:
            yield Check(f"switch {name}", ok=True, detail=f"{place} ({reading.state})")
