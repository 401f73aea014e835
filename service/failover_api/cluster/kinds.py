"""The kinds of objects that are looked at: where they are, how they are parsed, and which of them are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from failover_api.cluster import flux, leases, nodes, volumes, workloads
from failover_api.cluster.port import Scope
from failover_api.core.safety.observed import Key

FLUX_NAMESPACE, VOLSYNC_NAMESPACE, ARGO_NAMESPACE = "flux-system", "volsync-system", "argocd"
CONTROLLERS = frozenset({FLUX_NAMESPACE, VOLSYNC_NAMESPACE, ARGO_NAMESPACE})  # where, by default, they run


class Reach(StrEnum):
    """Where objects of a kind are that matter to the services."""

    CLUSTER = "cluster"  # they have no namespace, or always the same one
    SERVICES = "services"  # in the namespaces of the services
    PODS = "pods"  # the same, and those of controllers
    ANYWHERE = "anywhere"  # what applies a service may stand in another namespace


@dataclass(frozen=True, slots=True)
class Kind:
    """`field` is its name in a View. `paths` are below the server's URL: an older version of the API is tried last.

    `is_optional`: it belongs to no plain Kubernetes. `observed` makes of a value, the one before and our monotonic
    clock what was observed of it. `belongs_to` gives the namespace that an object without one is for, "" when for none.
    """

    field: str
    paths: tuple[str, ...]
    parse: Callable[[object, Key], Any]
    reach: Reach
    is_optional: bool = False
    observed: Callable[[Any, Any, float], Any] | None = None
    belongs_to: Callable[[object], str] | None = None

    @property
    def resource(self) -> str:
        """As RBAC names it: `deployments`."""
        return self.paths[0].rpartition("/")[2]

    @property
    def group(self) -> str:
        """As RBAC names it: `apps`; "" for the core."""
        steps = self.paths[0].split("/")
        return steps[2] if steps[1] == "apis" else ""

    @property
    def home(self) -> str:
        """The one namespace of all its objects; "" when there is none such."""
        steps = self.paths[0].split("/")
        return steps[steps.index("namespaces") + 1] if "namespaces" in steps else ""

    @property
    def is_filtered(self) -> bool:
        """Whether only objects for the services' namespaces are kept."""
        return self.belongs_to is not None or self.reach in {Reach.SERVICES, Reach.PODS}

    def keeps(self, namespace: str, scope: Scope) -> bool:
        """Whether objects of a namespace matter; "" of what has, and is for, none."""
        wanted = scope if self.belongs_to else self.namespaces(scope)
        return wanted is None or not namespace or namespace in wanted

    def namespaces(self, scope: Scope) -> Scope:
        """Where to look for its objects, None: anywhere."""
        match self.reach:
            case Reach.CLUSTER | Reach.ANYWHERE:
                return None
            case Reach.PODS:
                return None if scope is None else scope | CONTROLLERS
            case Reach.SERVICES:
                return scope

    def fallbacks(self, scope: Scope) -> frozenset[str]:
        """The namespaces to look in when looking everywhere is forbidden; none: it was needed."""
        match self.reach:
            case Reach.CLUSTER:
                return frozenset()
            case Reach.ANYWHERE:
                return (scope or frozenset()) | CONTROLLERS
            case Reach.SERVICES | Reach.PODS:
                return self.namespaces(scope) or frozenset()


def path_in(path: str, namespace: str) -> str:
    """The same kind in one namespace: /apis/apps/v1/namespaces/media/deployments."""
    group, _, resource = path.rpartition("/")
    return f"{group}/namespaces/{namespace}/{resource}" if namespace else path


KINDS: tuple[Kind, ...] = (
    Kind("nodes", (nodes.PATH,), nodes.parse_node, Reach.CLUSTER),
    Kind("leases", (leases.PATH,), leases.parse_lease, Reach.CLUSTER, observed=leases.observed),
    Kind("deployments", (workloads.DEPLOYMENTS,), workloads.parse_deployment, Reach.SERVICES),
    Kind("stateful_sets", (workloads.STATEFUL_SETS,), workloads.parse_stateful_set, Reach.SERVICES),
    Kind("replica_sets", (workloads.REPLICA_SETS,), workloads.parse_replica_set, Reach.SERVICES),
    Kind("pods", (workloads.PODS,), workloads.parse_pod, Reach.PODS),
    Kind("autoscalers", (workloads.AUTOSCALERS,), workloads.parse_autoscaler, Reach.SERVICES),
    Kind("claims", (volumes.CLAIMS,), volumes.parse_claim, Reach.SERVICES),
    Kind("volumes", (volumes.VOLUMES,), volumes.parse_volume, Reach.CLUSTER, belongs_to=volumes.claimant),
    Kind("storage_classes", (volumes.STORAGE_CLASSES,), volumes.parse_storage_class, Reach.CLUSTER),
    Kind("replication_sources", (volumes.SOURCES,), volumes.parse_source, Reach.SERVICES, is_optional=True),
    Kind("replication_destinations", (volumes.DESTINATIONS,), volumes.parse_destination, Reach.SERVICES, True),
    Kind("kustomizations", (flux.KUSTOMIZATIONS,), flux.parse_kustomization, Reach.ANYWHERE, is_optional=True),
    Kind("helm_releases", (flux.HELM_RELEASES,), flux.parse_helm_release, Reach.ANYWHERE, is_optional=True),
    Kind("git_repositories", (flux.GIT_REPOSITORIES,), flux.parse_git_repository, Reach.ANYWHERE, is_optional=True),
    Kind(
        "oci_repositories",
        (flux.OCI_REPOSITORIES, flux.OCI_REPOSITORIES_BETA),
        flux.parse_oci_repository,
        Reach.ANYWHERE,
        is_optional=True,
    ),
    Kind("buckets", (flux.BUCKETS, flux.BUCKETS_BETA), flux.parse_bucket, Reach.ANYWHERE, is_optional=True),
    Kind("applications", (flux.APPLICATIONS,), flux.parse_application, Reach.ANYWHERE, is_optional=True),
)
