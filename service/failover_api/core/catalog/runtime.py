"""What a service is in its cluster: the workload that runs, and how to see that the app answers."""

from dataclasses import dataclass

DEPLOYMENT, STATEFUL_SET, HELM_RELEASE = "Deployment", "StatefulSet", "HelmRelease"
WORKLOAD_KINDS = (DEPLOYMENT, STATEFUL_SET, HELM_RELEASE)


@dataclass(frozen=True, slots=True)
class WorkloadName:
    """A workload as the catalog names it. Without a `namespace` it is that of the service's documents."""

    kind: str
    name: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Verify:
    """A GET that has to answer with `status` before a service counts as serving; `within_s` from then on."""

    url: str
    status: int = 200
    within_s: float = 120.0
