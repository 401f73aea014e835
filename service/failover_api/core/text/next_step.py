"""What comes after the commit: Git says where the app should be, Flux brings it there, and kubectl shows it."""

import re
from collections.abc import Iterable

from failover_api.core.planning.plan import Plan
from failover_api.core.planning.state import Reading

APPLIED = "Flux applies it within its interval, or when told"
_KUSTOMIZATION = "Kustomization"
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
    """Those of its pods, as the documents that it moves say themselves; else as the catalog says."""
    service = plan.service
    read = {_of_pods(reading) for reading in plan.before.readings}
    workloads = {one.namespace for one in (service.primary_workload, service.backup_workload) if one is not None}
    unread = set() if read else {each.selector.namespace for each in service.switches}
    said = read - {None} or workloads - {None} or unread
    return {namespace for namespace in said if namespace and _NAMESPACE.fullmatch(namespace)}


def _of_pods(reading: Reading) -> str | None:
    """A Kustomization's own namespace is Flux's: what it applies is in the namespaces that its manifests say."""
    return reading.target_namespace or (None if reading.kind == _KUSTOMIZATION else reading.namespace)
