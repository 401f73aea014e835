"""The kinds that the API server serves. Some have no controller: they are kept and nothing comes of them."""

from __future__ import annotations

from dataclasses import dataclass

_ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Kind:
    """`custom`: one that a CustomResourceDefinition would bring, so items of its lists carry their kind."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    has_status: bool = False
    has_scale: bool = False
    custom: bool = False
    short: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As messages name it: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def verbs(self) -> tuple[str, ...]:
        return _ALL


def _core(kind: str, plural: str, *short: str, namespaced: bool = True, status: bool = False) -> Kind:
    return Kind("", "v1", kind, plural, namespaced, status, short=short)


def _custom(group: str, version: str, kind: str, plural: str, *short: str) -> Kind:
    return Kind(group, version, kind, plural, True, True, custom=True, short=short)


NODE = _core("Node", "nodes", "no", namespaced=False, status=True)
POD = _core("Pod", "pods", "po", status=True)
PVC = _core("PersistentVolumeClaim", "persistentvolumeclaims", "pvc", status=True)
PV = _core("PersistentVolume", "persistentvolumes", "pv", namespaced=False, status=True)
EVENT = _core("Event", "events", "ev")
NAMESPACE = _core("Namespace", "namespaces", "ns", namespaced=False, status=True)
SERVICE = _core("Service", "services", "svc", status=True)
SECRET = _core("Secret", "secrets")
CONFIG_MAP = _core("ConfigMap", "configmaps", "cm")
SERVICE_ACCOUNT = _core("ServiceAccount", "serviceaccounts", "sa")
QUOTA = _core("ResourceQuota", "resourcequotas", "quota", status=True)
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments", True, True, has_scale=True, short=("deploy",))
REPLICA_SET = Kind("apps", "v1", "ReplicaSet", "replicasets", True, True, has_scale=True, short=("rs",))
STATEFUL_SET = Kind("apps", "v1", "StatefulSet", "statefulsets", True, True, has_scale=True, short=("sts",))
DAEMON_SET = Kind("apps", "v1", "DaemonSet", "daemonsets", True, True, short=("ds",))
REVISION = Kind("apps", "v1", "ControllerRevision", "controllerrevisions")
JOB = Kind("batch", "v1", "Job", "jobs", True, True)
CRON_JOB = Kind("batch", "v1", "CronJob", "cronjobs", True, True, short=("cj",))
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
SLICE = Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
STORAGE_CLASS = Kind("storage.k8s.io", "v1", "StorageClass", "storageclasses", False, short=("sc",))
ATTACHMENT = Kind("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", False, True)
PRIORITY_CLASS = Kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", False, short=("pc",))
DISRUPTION_BUDGET = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", True, True, short=("pdb",))
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", short=("netpol",))
INGRESS = Kind("networking.k8s.io", "v1", "Ingress", "ingresses", True, True, short=("ing",))
AUTOSCALER = Kind(
    "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True, True, short=("hpa",)
)
_RBAC = "rbac.authorization.k8s.io"
ROLE = Kind(_RBAC, "v1", "Role", "roles")
ROLE_BINDING = Kind(_RBAC, "v1", "RoleBinding", "rolebindings")
CLUSTER_ROLE = Kind(_RBAC, "v1", "ClusterRole", "clusterroles", False)
CLUSTER_ROLE_BINDING = Kind(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", False)
GIT_REPOSITORY = _custom("source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories", "gitrepo")
OCI_REPOSITORY = _custom("source.toolkit.fluxcd.io", "v1", "OCIRepository", "ocirepositories", "ocirepo")
BUCKET = _custom("source.toolkit.fluxcd.io", "v1", "Bucket", "buckets")
HELM_CHART = _custom("source.toolkit.fluxcd.io", "v1", "HelmChart", "helmcharts", "hc")
HELM_REPOSITORY = _custom("source.toolkit.fluxcd.io", "v1", "HelmRepository", "helmrepositories", "helmrepo")
KUSTOMIZATION = _custom("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations", "ks")
HELM_RELEASE = _custom("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases", "hr")
RECEIVER = _custom("notification.toolkit.fluxcd.io", "v1", "Receiver", "receivers")
PROVIDER = _custom("notification.toolkit.fluxcd.io", "v1beta3", "Provider", "providers")
ALERT = _custom("notification.toolkit.fluxcd.io", "v1beta3", "Alert", "alerts")
REPLICATION_SOURCE = _custom("volsync.backube", "v1alpha1", "ReplicationSource", "replicationsources")
REPLICATION_DESTINATION = _custom("volsync.backube", "v1alpha1", "ReplicationDestination", "replicationdestinations")
SNAPSHOT = _custom("snapshot.storage.k8s.io", "v1", "VolumeSnapshot", "volumesnapshots", "vs")
SCALED_OBJECT = _custom("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects", "so")
APPLICATION = _custom("argoproj.io", "v1alpha1", "Application", "applications", "app")

KINDS: tuple[Kind, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Kind))

_BY_KIND = {(kind.api_version, kind.kind): kind for kind in KINDS}
_BY_PATH = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}


def kind_of(api_version: object, kind: object) -> Kind | None:
    return _BY_KIND.get((str(api_version), str(kind)))


def kind_at(group: str, version: str, plural: str) -> Kind | None:
    return _BY_PATH.get((group, version, plural))
