"""A service's `workload` and `verify` as values. A short form names its workload by itself."""

from failover_api.core.catalog.defaults import WORKLOADS
from failover_api.core.catalog.model import Side
from failover_api.core.catalog.runtime import DEPLOYMENT, HELM_RELEASE, STATEFUL_SET, Verify, WorkloadName
from failover_api.core.catalog.schema import ServiceSchema, SideWorkloadSchema, WorkloadSchema
from failover_api.core.catalog.short_forms import Error
from failover_api.core.config.duration import seconds_of
from failover_api.core.config.yaml import Location

_KINDS = dict(zip(WORKLOADS, (DEPLOYMENT, STATEFUL_SET, HELM_RELEASE), strict=True))


class WorkloadForm:
    """What runs on each side. What is wrong with `workload` is told to `error`."""

    def __init__(self, entry: ServiceSchema, where: Location, error: Error) -> None:
        self._entry, self._where = entry, (*where, "workload")
        if entry.workload is not None:
            self._check(entry.workload, error)

    def of(self, side: Side) -> WorkloadName | None:
        """None: the catalog does not say."""
        named = self._entry.workload
        if named is None:
            return self._of_short_form()
        own = named.primary if side is Side.PRIMARY else named.backup
        return self._named(own or named)

    def _of_short_form(self) -> WorkloadName | None:
        entry = self._entry
        return next(
            (
                WorkloadName(_KINDS[key], getattr(entry, key), entry.namespace or None)
                for key in WORKLOADS
                if getattr(entry, key)
            ),
            None,
        )

    def _named(self, named: WorkloadSchema | SideWorkloadSchema) -> WorkloadName:
        return WorkloadName(named.kind, named.name, named.namespace or self._entry.namespace or None)

    def _check(self, named: WorkloadSchema, error: Error) -> None:
        has_own, has_sides = bool(named.kind or named.name), bool(named.primary or named.backup)
        if has_own and has_sides:
            error("expected `kind` and `name`, or `primary` and `backup`, not both", self._where)
            return
        needed = ("primary", "backup") if has_sides else ("kind", "name")
        for key in needed:
            if not getattr(named, key):
                error("is missing", (*self._where, key))


def verify_of(entry: ServiceSchema) -> Verify | None:
    if entry.verify is None:
        return None
    return Verify(entry.verify.url, entry.verify.status, seconds_of(entry.verify.within))
