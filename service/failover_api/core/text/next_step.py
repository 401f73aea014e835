"""What comes after the commit: Git says where the app should be, Flux brings it there, and kubectl shows it."""

import re
from collections.abc import Iterable

from failover_api.core.planning.plan import Plan

APPLIED = "Flux applies it within its interval, or when told"
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # anything else is not to be pasted


def watch_command(plans: Iterable[Plan]) -> str:
    """The line to type to see the pods come up; "" when no namespace is known."""
    by_plan = [_namespaces(plan) for plan in plans]
    known = set().union(*by_plan)
    if not known:
        return ""
    where = f"-n {known.pop()} get pods" if len(known) == 1 and all(by_plan) else "get pods -A"
    return f"kubectl {where} -o wide -w"


def _namespaces(plan: Plan) -> set[str]:
    """Those of the documents that it moves, as they say themselves; else as the catalog says."""
    read = {reading.namespace for reading in plan.before.readings}
    said = read - {None} or {switch.selector.namespace for switch in plan.service.switches}
    return {namespace for namespace in said if namespace and _NAMESPACE.fullmatch(namespace)}
