"""What applies the manifests: Flux's sources, Kustomizations and HelmReleases, and Argo CD's Applications.

https://fluxcd.io/flux/components/ and https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml
"""

from failover_api.cluster.fields import (
    MAX_ITEMS,
    applier,
    condition,
    conditions,
    flag,
    items,
    number,
    text,
    texts,
    time,
    value_at,
)
from failover_api.core.safety.observed import Application, HelmRelease, Key, Kustomization, Source, is_behind

KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"
HELM_RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases"
GIT_REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/gitrepositories"
OCI_REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/ocirepositories"
OCI_REPOSITORIES_BETA = "/apis/source.toolkit.fluxcd.io/v1beta2/ocirepositories"  # before Flux 2.6
BUCKETS = "/apis/source.toolkit.fluxcd.io/v1/buckets"
BUCKETS_BETA = "/apis/source.toolkit.fluxcd.io/v1beta2/buckets"  # before Flux 2.5
APPLICATIONS = "/apis/argoproj.io/v1alpha1/applications"

_IN_CLUSTER = "https://kubernetes.default.svc"
_MAX_INVENTORY, _MAX_ID = 20_000, 600  # an id has a namespace, a name, a group and a kind


def parse_kustomization(data: object, key: Key) -> Kustomization:
    namespace, name = key
    return Kustomization(
        namespace=namespace,
        name=name,
        path=text(data, "spec", "path"),
        source=_source_of(data, namespace),
        is_suspended=flag(data, "spec", "suspend"),
        applied_revision=text(data, "status", "lastAppliedRevision"),
        generation=number(data, "metadata", "generation"),
        observed_generation=number(data, "status", "observedGeneration"),
        ready=condition(data, "Ready"),
        inventory=_inventory(data),
        is_remote=_is_remote(data),
        depends_on=_depends_on(data, namespace),
        variables=_variables(data),
    )


def _depends_on(data: object, namespace: str) -> tuple[Key, ...]:
    """Of its own kind; without a namespace in its own."""
    named = ((text(item, "namespace") or namespace, text(item, "name")) for item in items(data, "spec", "dependsOn"))
    return tuple(key for key in named if key[1])


def _is_remote(data: object) -> bool:
    """https://fluxcd.io/flux/components/kustomize/kustomizations/#kubeconfig-remote-clusters"""
    return value_at(data, "spec", "kubeConfig") is not None


def _inventory(data: object) -> frozenset[str]:
    entries = items(data, "status", "inventory", "entries", most=_MAX_INVENTORY)
    return frozenset(filter(None, (text(entry, "id", limit=_MAX_ID) for entry in entries)))


def _variables(data: object) -> dict[str, str]:
    """Those that are kept whole: a part of one cannot be compared."""
    substitute = value_at(data, "spec", "postBuild", "substitute")
    names = substitute if isinstance(substitute, dict) else {}
    short = ((name, text(substitute, name)) for name in list(names)[:MAX_ITEMS])
    return {name: value for name, value in short if value == names[name]}


def _source_of(data: object, namespace: str) -> tuple[str, str, str]:
    """Kind, namespace and name; without a namespace it is that of the Kustomization."""
    source = value_at(data, "spec", "sourceRef")
    return text(source, "kind"), text(source, "namespace") or namespace, text(source, "name")


def parse_helm_release(data: object, key: Key) -> HelmRelease:
    namespace, name = key
    newest = next(items(data, "status", "history"), {})
    return HelmRelease(
        namespace=namespace,
        name=name,
        release=text(newest, "name") or text(data, "spec", "releaseName"),
        is_suspended=flag(data, "spec", "suspend"),
        generation=number(data, "metadata", "generation"),
        observed_generation=number(data, "status", "observedGeneration"),
        conditions=conditions(data, "Ready", "Released", "Remediated"),
        applier=applier(data),
        is_remote=_is_remote(data),
        depends_on=_depends_on(data, namespace),
    )


def parse_git_repository(data: object, key: Key) -> Source:
    return _source(data, key, "GitRepository")


def parse_oci_repository(data: object, key: Key) -> Source:
    return _source(data, key, "OCIRepository")


def parse_bucket(data: object, key: Key) -> Source:
    return _source(data, key, "Bucket")


def _source(data: object, key: Key, kind: str) -> Source:
    namespace, name = key
    return Source(
        namespace=namespace,
        name=name,
        kind=kind,
        url=_without_password(text(data, "spec", "url") or text(data, "spec", "endpoint")),
        is_suspended=flag(data, "spec", "suspend"),
        revision=text(data, "status", "artifact", "revision"),
        updated_at=time(data, "status", "artifact", "lastUpdateTime"),
        ready=condition(data, "Ready"),
        generation=number(data, "metadata", "generation"),
        observed_generation=number(data, "status", "observedGeneration"),
    )


def parse_application(data: object, key: Key) -> Application:
    namespace, name = key
    place, source = _git_source(data)
    return Application(
        namespace=namespace,
        name=name,
        is_automated=_is_automated(data),
        repository=_without_password(text(source, "repoURL")),
        path=text(source, "path"),
        sync=text(data, "status", "sync", "status"),
        revision=_revision(data, place, "status", "sync"),
        health=text(data, "status", "health", "status"),
        operation=text(data, "status", "operationState", "phase"),
        operation_revision=_revision(data, place, "status", "operationState", "syncResult")
        or _revision(data, place, "status", "operationState", "operation", "sync"),
        is_behind=_is_application_behind(data),
        branch=text(source, "targetRevision").removeprefix("refs/heads/"),
        destination=text(data, "spec", "destination", "namespace"),
        is_remote=_is_of_another_cluster(value_at(data, "spec", "destination")),
    )


def _git_source(data: object) -> tuple[int, object]:
    """Of several the first that is no chart, and which that is: their revisions are listed in the same order."""
    several = list(enumerate(items(data, "spec", "sources")))
    return next((one for one in several if not text(one[1], "chart")), (0, value_at(data, "spec", "source")))


def _revision(data: object, place: int, *path: str) -> str:
    several = texts(data, *path, "revisions")
    return text(data, *path, "revision") or (several[place] if place < len(several) else "")


def _is_of_another_cluster(destination: object) -> bool:
    """https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters"""
    server, name = text(destination, "server"), text(destination, "name")
    return server.rstrip("/") not in {"", _IN_CLUSTER} or name not in {"", "in-cluster"}


def _is_application_behind(data: object) -> bool:
    """By what its status was compared to: Argo CD counts no generations, and its own writes raise them."""
    observed = number(data, "status", "observedGeneration")
    compared = value_at(data, "status", "sync", "comparedTo")
    return is_behind(number(data, "metadata", "generation"), observed) or (
        isinstance(compared, dict) and _sources(compared) != _sources(value_at(data, "spec"))
    )


def _sources(data: object) -> list[tuple[str, ...]]:
    several = list(items(data, "sources")) or [value_at(data, "source")]
    return [tuple(text(source, key) for key in ("repoURL", "path", "targetRevision", "chart")) for source in several]


def _is_automated(data: object) -> bool:
    automated = value_at(data, "spec", "syncPolicy", "automated")
    return isinstance(automated, dict) and automated.get("enabled", True) is not False


def _without_password(url: str) -> str:
    """A URL may hold a password, which nobody should see."""
    scheme, found, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if found else url
