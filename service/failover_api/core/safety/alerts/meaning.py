"""What an alert means: the first rule of the catalog's `alerts` all of whose labels it has, with equal values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.catalog.automatic import AlertRule, Meaning
from failover_api.core.catalog.model import Catalog
from failover_api.core.safety.alerts.body import Alert
from failover_api.core.wording import cut

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NODE = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # a DNS subdomain, as Kubernetes has it
_EXPECTED = "expected the name of a Kubernetes node"


@dataclass(frozen=True, slots=True)
class NodeOff:
    """It testifies that the node is off. It moves nothing by itself."""

    node: str


@dataclass(frozen=True, slots=True)
class Evacuate:
    """What is active on the node is to be moved; it testifies too that the node is off."""

    node: str


@dataclass(frozen=True, slots=True)
class Promote:
    """These services are to be moved to backup. `group`: they are named by it."""

    services: tuple[str, ...]
    group: str | None = None
    even_if_ready: bool = False


@dataclass(frozen=True, slots=True)
class Meaningless:
    """It means nothing here, for a reason that people can read. `is_error`: a rule fits, and cannot be followed."""

    detail: str
    is_error: bool = False


Meant = NodeOff | Evacuate | Promote | Meaningless
NO_RULE = Meaningless("no rule of the catalog's `alerts` fits its labels")


def meaning_of(alert: Alert, catalog: Catalog) -> Meant:
    """By the catalog; a rule that fits and cannot be filled in does not let the next one have it."""
    rule = next((rule for rule in catalog.alerts if _fits(rule, alert.labels)), None)
    if rule is None:
        return NO_RULE
    if rule.means is Meaning.PROMOTE:
        return Promote(_services(rule, catalog.groups), rule.group, rule.even_if_ready)
    try:
        node = _node(rule.node or "", alert.labels)
    except ValueError as exc:
        return Meaningless(str(exc), is_error=True)
    return Evacuate(node) if rule.means is Meaning.EVACUATE else NodeOff(node)


def _fits(rule: AlertRule, labels: Mapping[str, str]) -> bool:
    return all(labels.get(label) == value for label, value in rule.match)


def _services(rule: AlertRule, groups: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    if rule.group is not None:
        return tuple(groups[rule.group])
    assert rule.service is not None  # the catalog has one of the two
    return (rule.service,)


def _node(pattern: str, labels: Mapping[str, str]) -> str:
    """The node's name. Raises ValueError for a label that the alert does not have, and for what cannot be a name."""
    missing = next((label for label in _PLACEHOLDER.findall(pattern) if label not in labels), None)
    if missing is not None:
        raise ValueError(f"node: the rule says {cut(pattern)}, and the alert has no label {cut(missing)}")
    name = _PLACEHOLDER.sub(lambda match: labels[match[1]], pattern)
    if not _NODE.fullmatch(name):
        raise ValueError(f"node: {_EXPECTED}, not {cut(name)!r}")
    return name
