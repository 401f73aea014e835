"""What a client asks first: which groups, versions and kinds there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Container

    from failover_api.sandbox.cluster.objects.json_values import Object
    from failover_api.sandbox.cluster.objects.kinds import Kind

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.2+sandbox",
    "gitCommit": "0" * 40,
    "gitTreeState": "clean",
    "buildDate": "2026-11-01T00:00:00Z",
    "goVersion": "go1.25.0",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_REVIEWS = {
    "authorization.k8s.io/v1": ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    "authentication.k8s.io/v1": ("selfsubjectreviews", "SelfSubjectReview"),
}
_QUERY = ("dryRun", "fieldManager", "fieldValidation", "force")


def answer(path: str, absent: Container[str] = (), minor: int = 36) -> Object | None:
    """None for a path that discovers nothing. Groups that are `absent` are not told."""
    versions = [version for version in _versions() if version.partition("/")[0] not in absent]
    groups = list(dict.fromkeys(version.partition("/")[0] for version in versions if "/" in version))
    match [part for part in path.split("/") if part]:
        case ["version"]:
            return {**VERSION, "minor": str(minor), "gitVersion": f"v1.{minor}.2+sandbox"}
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(group) for group in groups]}
        case ["api", "v1"]:
            return _resources("v1")
        case ["apis", group] if group in groups:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
        case ["apis", group, version] if f"{group}/{version}" in versions:
            return _resources(f"{group}/{version}")
        case ["openapi", "v3"]:
            roots = {_root(version): {"serverRelativeURL": f"/openapi/v3/{_root(version)}"} for version in versions}
            return {"paths": roots}
        case ["openapi", "v3", *rest] if "/".join(rest) in map(_root, versions):
            return _openapi("/".join(rest))
    return None


def _versions() -> list[str]:
    return list(dict.fromkeys([*(kind.api_version for kind in KINDS), *_REVIEWS]))


def _root(version: str) -> str:
    return f"apis/{version}" if "/" in version else f"api/{version}"


def _group(group: str) -> Object:
    versions = [
        {"groupVersion": version, "version": version.partition("/")[2]}
        for version in _versions()
        if version.partition("/")[0] == group and "/" in version
    ]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _resources(version: str) -> Object:
    listed = [one for kind in KINDS if kind.api_version == version for one in _resource(kind)]
    if version in _REVIEWS:
        plural, name = _REVIEWS[version]
        listed.append({"name": plural, "singularName": "", "namespaced": False, "kind": name, "verbs": ["create"]})
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": listed}


def _resource(kind: Kind) -> list[Object]:
    whole: Object = {"name": kind.plural, "singularName": kind.kind.lower(), "namespaced": kind.namespaced}
    whole |= {"kind": kind.kind, "verbs": list(kind.verbs)}
    if kind.short:
        whole["shortNames"] = list(kind.short)
    below = {"singularName": "", "namespaced": kind.namespaced}
    listed = [whole]
    if kind.has_status:
        listed.append(
            {**below, "name": f"{kind.plural}/status", "kind": kind.kind, "verbs": ["get", "patch", "update"]}
        )
    if kind.has_scale:
        scale = {"group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"]}
        listed.append({**below, "name": f"{kind.plural}/scale", **scale})
    if kind.kind == "Pod":
        eviction = {"group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]}
        listed.append({**below, "name": "pods/eviction", **eviction})
    return listed


def _openapi(root: str) -> Object:
    """No schemas: only which query parameters a PATCH takes, which is what kubectl looks for."""
    paths = {}
    for kind in KINDS:
        if _root(kind.api_version) == root:
            where = "namespaces/{namespace}/" if kind.namespaced else ""
            parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _QUERY]
            named = {"group": kind.group, "version": kind.version, "kind": kind.kind}
            patch = {"parameters": parameters, "x-kubernetes-group-version-kind": named, "responses": {}}
            paths[f"/{root}/{where}{kind.plural}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]}, "paths": paths}
