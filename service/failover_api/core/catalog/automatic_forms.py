"""`automatic` and `alerts` as values, and what of them cannot be meant."""

from collections.abc import Collection, Iterator, Sequence

from failover_api.core.catalog.automatic import AlertRule, Automatic, Failback, Fence, Meaning, Mode
from failover_api.core.catalog.automatic_schema import AlertSchema, AutomaticSchema
from failover_api.core.catalog.model import Service, Side, Switch
from failover_api.core.catalog.node_labels import HOSTNAME
from failover_api.core.catalog.short_forms import Error
from failover_api.core.config.duration import seconds_of
from failover_api.core.config.schema import describe
from failover_api.core.config.yaml import Location

_MOVED = ("service", "group")
_NO_CLAIM = frozenset({"nodeSelector", "nodeName", "nodeAffinity", "replicas", "paused", "suspend", "strategy"})


def automatic_of(entry: AutomaticSchema) -> Automatic:
    """The top-level block."""
    return Automatic(
        mode=Mode(entry.mode),
        dead_for_s=seconds_of(entry.dead_for),
        fence=Fence(entry.fence),
        max_data_age_s=seconds_of(entry.max_data_age),
        block_s=seconds_of(entry.block),
        max_services=entry.max_services,
        ignore_nodes=tuple(entry.ignore_nodes),
        failback=Failback(entry.failback),
        failback_after_s=seconds_of(entry.failback_after),
    )


class AlertForms:
    """What alerts mean, among these services and groups. What is wrong is told to `error`."""

    def __init__(self, services: Collection[str], groups: Collection[str], error: Error) -> None:
        self._known = {"service": services, "group": groups}
        self._error = error

    def rules(self, entries: Sequence[AlertSchema]) -> Iterator[AlertRule]:
        for index, entry in enumerate(entries):
            where: Location = ("alerts", index)
            self._check_fields(entry, where)
            self._check_names(entry, where)
            meaning = Meaning(entry.means)
            match = tuple(entry.match.items())
            yield AlertRule(match, meaning, entry.node, entry.service, entry.group, entry.even_if_ready)

    def _check_fields(self, entry: AlertSchema, where: Location) -> None:
        if entry.means == Meaning.PROMOTE:
            self._check_promote(entry, where)
            return
        if entry.node is None:
            self._error(f"is missing; `means: {entry.means}` needs it", (*where, "node"))
        for key in (*_MOVED, "even_if_ready"):
            if getattr(entry, key):
                self._error(f"`means: {entry.means}` is about a node: expected no `{key}`", (*where, key))

    def _check_promote(self, entry: AlertSchema, where: Location) -> None:
        if entry.node is not None:
            self._error("`means: promote` is about a service or a group: expected no `node`", (*where, "node"))
        if entry.service is None and entry.group is None:
            self._error("is missing; `means: promote` needs it, or a `group`", (*where, "service"))
        if entry.service is not None and entry.group is not None:
            self._error("expected `service` or `group`, not both", (*where, "group"))

    def _check_names(self, entry: AlertSchema, where: Location) -> None:
        for key in _MOVED:
            name = getattr(entry, key)
            if name is not None and name not in self._known[key]:
                self._error(f"no {key} is named {describe(name)}", (*where, key))


def why_it_needs_a_fence(service: Service) -> str | None:
    """Why a node that may still be writing keeps this service from moving by itself; None where each side has its own
    claims.

    It is so too where nothing that it moves can name a claim: the volume that its manifest names is that of both sides.
    """
    claims = [switch for switch in service.switches if switch.is_claim]
    both = {switch.value(Side.PRIMARY) for switch in claims} & {switch.value(Side.BACKUP) for switch in claims}
    if both:
        return f"the claim {describe(min(map(str, both)))} is of both sides"
    if all(_names_no_claim(switch, service) for switch in service.switches):
        return "it moves no claim, so what volume it has is that of both sides"
    return None


def _names_no_claim(switch: Switch, service: Service) -> bool:
    keys = {step for step in switch.path if isinstance(step, str)}
    is_node = HOSTNAME in keys or all(switch.value(side) in service.nodes(side) for side in Side)
    return is_node or not _NO_CLAIM.isdisjoint(keys)
