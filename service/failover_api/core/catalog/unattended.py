"""What automatic failover would never do by itself, as the catalog stands: true, and perhaps not meant."""

from collections.abc import Iterator, Sequence

from failover_api.core.catalog.automatic import AlertRule, Fence, Meaning, Mode
from failover_api.core.catalog.model import Catalog
from failover_api.core.wording import listed

_NAMED = 5


def unattended(catalog: Catalog) -> Iterator[str]:
    """One sentence each. Nothing where it is off."""
    if catalog.automatic.mode is Mode.NONE:
        return
    acting = [service.name for service in catalog.services.values() if service.automatic is Mode.ACT]
    if acting and catalog.automatic.mode is Mode.ACT and (why := _why_a_person_is_needed(catalog)):
        verb = "acts" if len(acting) == 1 else "act"
        yield f"{listed(acting, _NAMED)} {verb}, and nothing moves off a dead node while nobody is there: {why}"
    services = catalog.services.values()
    unseen = [each.name for each in services if each.automatic is not Mode.NONE and each.is_elsewhere]
    if unseen:
        verb = "takes" if len(unseen) == 1 else "take"
        yield f"{listed(unseen, _NAMED)} {verb} part, and with `cluster: none` nobody sees what would have to move"
    for index, rule in enumerate(catalog.alerts):
        if silent := _taking_no_part(rule, catalog):
            part = "which takes no part: write `automatic: act` in its entry"
            yield f"alerts[{index}] promotes {listed(silent, _NAMED)}, {part}"


def _why_a_person_is_needed(catalog: Catalog) -> str:
    match catalog.automatic.fence:
        case Fence.NONE:
            return ""
        case Fence.WITNESS:
            testifies = any(rule.means in {Meaning.NODE_OFF, Meaning.EVACUATE} for rule in catalog.alerts)
            return "" if testifies else "no rule of `alerts` means node-off or evacuate, so no alert is a witness"
        case Fence.REQUIRED:
            return "with `fence: required` a person has to say that it is off (`failover attest NODE`)"


def _taking_no_part(rule: AlertRule, catalog: Catalog) -> Sequence[str]:
    named = catalog.groups.get(rule.group, ()) if rule.group is not None else [rule.service or ""]
    members = [catalog.services[name] for name in named if name in catalog.services]
    return [member.name for member in members if member.automatic is Mode.NONE] if rule.means is Meaning.PROMOTE else []
