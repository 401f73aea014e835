"""What an alert means: the first rule of the catalog's `alerts` all of whose labels it has, with equal values."""

import re
from dataclasses import dataclass

from failover_api.core.catalog.automatic import AlertRule, Meaning
from failover_api.core.catalog.model import Catalog
from failover_api.core.safety.governance import Alert, AlertOrder, Witness, node_named, order_of, rule_for
from failover_api.core.wording import cut

_NODE = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # a DNS subdomain, as Kubernetes has it


@dataclass(frozen=True, slots=True)
class Meant:
    """What an alert means. `node` is the one it is about; `services` are those to promote, by `group` if that is named.

    `order` is what it asks for, None: nothing. `witness` is what it testifies, None: nothing.
    """

    means: Meaning
    node: str | None = None
    services: tuple[str, ...] = ()
    group: str | None = None
    order: AlertOrder | None = None
    witness: Witness | None = None


@dataclass(frozen=True, slots=True)
class Meaningless:
    """It means nothing here, for a reason that people can read. `is_error`: a rule fits, and cannot be followed."""

    detail: str
    is_error: bool = False


NO_RULE = Meaningless("no rule of the catalog's `alerts` fits its labels")


def meaning_of(alert: Alert, catalog: Catalog) -> Meant | Meaningless:
    """By the catalog; a rule that fits and cannot be filled in does not let the next one have it."""
    rule = rule_for(catalog.alerts, alert.labels)
    if rule is None:
        return NO_RULE
    node = node_named(rule, alert.labels)
    if why := _why_no_node(rule, node):
        return Meaningless(why, is_error=True)
    order = order_of(rule, alert, catalog.groups)
    services = order.services if order is not None else ()
    witness = None if node is None else Witness(alert.fingerprint, node, cut(alert.name), alert.starts_at)
    return Meant(rule.means, node, services, rule.group, order, witness)


def _why_no_node(rule: AlertRule, node: str | None) -> str:
    """Why a rule that is about a node names none, "" when all is well."""
    if rule.node is None:
        return ""
    if node is None:
        return f"node: the rule says {cut(rule.node)}, and the alert has no such label, or an empty one"
    return "" if _NODE.fullmatch(node) else f"node: expected the name of a Kubernetes node, not {cut(node)!r}"
