"""The kinds that no Kubernetes schema knows: what we use of each, and nothing else. A misspelt key is an error."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Metadata(Shape):
    name: str
    namespace: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Custom(Shape):
    apiVersion: str  # noqa: N815 - Kubernetes' word
    kind: str
    metadata: Metadata


# Traefik: https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/ingressroute/


class TraefikBackend(Shape):
    name: str
    port: int | str


class TraefikRoute(Shape):
    kind: Literal["Rule"]
    match: str = Field(pattern=r"^Host\(`[a-z0-9.-]+`\)$")
    services: list[TraefikBackend] = Field(min_length=1)


class IngressRouteSpec(Shape):
    entryPoints: list[str]  # noqa: N815 - Traefik's word
    routes: list[TraefikRoute] = Field(min_length=1)
    tls: dict[str, str]


class IngressRoute(Custom):
    spec: IngressRouteSpec


# Gateway API: https://gateway-api.sigs.k8s.io/reference/spec/


class ParentRef(Shape):
    name: str
    namespace: str
    sectionName: str  # noqa: N815 - the Gateway API's word


class PathMatch(Shape):
    type: Literal["PathPrefix", "Exact"]
    value: str = Field(pattern="^/")


class Match(Shape):
    path: PathMatch


class Timeouts(Shape):
    request: str = Field(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$")


class BackendRef(Shape):
    name: str
    port: int


class Rule(Shape):
    matches: list[Match]
    timeouts: Timeouts
    backendRefs: list[BackendRef] = Field(min_length=1)  # noqa: N815 - the Gateway API's word


class HTTPRouteSpec(Shape):
    parentRefs: list[ParentRef] = Field(min_length=1)  # noqa: N815 - the Gateway API's word
    hostnames: list[str]
    rules: list[Rule] = Field(min_length=1)


class HTTPRoute(Custom):
    spec: HTTPRouteSpec


# Prometheus operator: https://prometheus-operator.dev/docs/api-reference/api/


class Labels(Shape):
    matchLabels: dict[str, str]  # noqa: N815 - Kubernetes' word


class Endpoint(Shape):
    port: str
    path: str = Field(pattern="^/")
    interval: str = Field(pattern=r"^[0-9]+(s|m)$")


class ServiceMonitorSpec(Shape):
    selector: Labels
    endpoints: list[Endpoint] = Field(min_length=1)


class ServiceMonitor(Custom):
    spec: ServiceMonitorSpec


class Alert(Shape):
    alert: str
    expr: str
    for_: str = Field("0s", alias="for", pattern=r"^[0-9]+(s|m|h)$")
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class RuleGroup(Shape):
    name: str
    interval: str = "1m"
    rules: list[Alert] = Field(min_length=1)


class PrometheusRuleSpec(Shape):
    groups: list[RuleGroup] = Field(min_length=1)


class PrometheusRule(Custom):
    spec: PrometheusRuleSpec


# Flux: https://fluxcd.io/flux/components/source/api/v1/ and https://fluxcd.io/flux/components/kustomize/api/v1/

Duration = Field(pattern=r"^([0-9]+(ms|s|m|h))+$")


class Named(Shape):
    name: str


class Ref(Shape):
    tag: str


class GitRepositorySpec(Shape):
    interval: str = Duration
    url: str = Field(pattern=r"^https://")
    ref: Ref
    ignore: str


class GitRepository(Custom):
    spec: GitRepositorySpec


class SourceRef(Shape):
    kind: Literal["GitRepository"]
    name: str


class Decryption(Shape):
    provider: Literal["sops"]
    secretRef: Named  # noqa: N815 - Flux' word


class Image(Shape):
    name: str
    newName: str  # noqa: N815 - kustomize's word
    newTag: str  # noqa: N815 - kustomize's word


class Target(Shape):
    kind: str
    name: str


class Patch(Shape):
    target: Target
    patch: str


class FluxKustomizationSpec(Shape):
    interval: str = Duration
    retryInterval: str = Duration  # noqa: N815 - Flux' word
    timeout: str = Duration
    prune: bool
    wait: bool = False
    sourceRef: SourceRef  # noqa: N815 - Flux' word
    path: str = Field(pattern=r"^\./")
    dependsOn: list[Named] = []  # noqa: N815 - Flux' word
    decryption: Decryption | None = None
    components: list[str] = []
    images: list[Image] = []
    patches: list[Patch] = []


class FluxKustomization(Custom):
    spec: FluxKustomizationSpec


class ProviderSpec(Shape):
    type: Literal["generic-hmac"]
    address: str = Field(pattern=r"^http://[a-z.-]+/hooks/flux$")
    secretRef: Named  # noqa: N815 - Flux' word


class Provider(Custom):
    spec: ProviderSpec


class EventSource(Shape):
    kind: Literal["GitRepository", "Kustomization", "HelmRelease"]
    name: str
    namespace: str | None = None


class AlertSpec(Shape):
    providerRef: Named  # noqa: N815 - Flux' word
    eventSeverity: Literal["info", "error"]  # noqa: N815 - Flux' word
    eventSources: list[EventSource] = Field(min_length=1)  # noqa: N815 - Flux' word


class Alert(Custom):
    spec: AlertSpec


SHAPES: dict[tuple[str, str], type[Custom]] = {
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): HTTPRoute,
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"): FluxKustomization,
    ("monitoring.coreos.com/v1", "PrometheusRule"): PrometheusRule,
    ("monitoring.coreos.com/v1", "ServiceMonitor"): ServiceMonitor,
    ("notification.toolkit.fluxcd.io/v1beta3", "Alert"): Alert,
    ("notification.toolkit.fluxcd.io/v1beta3", "Provider"): Provider,
    ("source.toolkit.fluxcd.io/v1", "GitRepository"): GitRepository,
    ("traefik.io/v1alpha1", "IngressRoute"): IngressRoute,
}


def check_shape(item: dict[str, Any]) -> None:
    """Raises KeyError for a kind without a shape, ValidationError for another shape."""
    SHAPES[item["apiVersion"], item["kind"]].model_validate(item)
