"""From a folder of the repository to objects, as `kustomize build` makes them.

A kustomization that has only resources, a namespace and generated ConfigMaps is built here; any other by
`kubectl kustomize`, which must be installed then. A folder without one is taken as all its YAML.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.manifests import documents
from failover_api.sandbox.cluster.objects.json_values import Object, at, child
from failover_api.sandbox.cluster.objects.kinds import kind_of
from failover_api.sandbox.cluster.objects.meta import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_SIMPLE = {"apiVersion", "kind", "resources", "namespace", "configMapGenerator"}
_HASH_LETTERS = str.maketrans("013ae", "ghkmt")
_KUBECTL_S = 60


class BuildFailed(Exception):
    """With kustomize's words where there are any."""


class _NotSimple(Exception):
    pass


def build(files: Mapping[str, bytes], folder: str) -> list[Object]:
    """`files` are those of the whole repository. Raises BuildFailed."""
    folder = posixpath.normpath(folder.removeprefix("./") or ".").removeprefix(".").strip("/")
    if not any(_is_below(path, folder) for path in files):
        raise BuildFailed(f"kustomization path not found: stat /tmp/kustomization/{folder}: no such file or directory")
    try:
        return _folder(files, folder)
    except _NotSimple:
        return _by_kubectl(files, folder)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BuildFailed(f"kustomize build failed: {exc}") from exc


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _kustomization(files: Mapping[str, bytes], folder: str) -> str | None:
    return next((path for name in _NAMES if (path := posixpath.join(folder, name)) in files), None)


def _folder(files: Mapping[str, bytes], folder: str) -> list[Object]:
    path = _kustomization(files, folder)
    if path is not None:
        return _simple(files, folder, documents(files[path].decode())[0])
    found: list[Object] = []
    names = sorted(
        {
            path.removeprefix(f"{folder}/" if folder else "").partition("/")[0]
            for path in files
            if _is_below(path, folder)
        }
    )
    for name in names:
        inner = posixpath.join(folder, name)
        if inner in files:
            found += documents(files[inner].decode()) if name.endswith((".yaml", ".yml")) else []
        else:
            found += _folder(files, inner)
    return found


def _simple(files: Mapping[str, bytes], folder: str, kustomization: Object) -> list[Object]:
    if set(kustomization) - _SIMPLE:
        raise _NotSimple
    objects = [one for each in kustomization.get("resources") or [] for one in _resource(files, folder, each)]
    generated = [_config_map(files, folder, one) for one in kustomization.get("configMapGenerator") or []]
    for made, name in generated:
        objects.append(made)
        for one in objects:
            _rename(one, name, name_of(made))
    for one in objects:
        kind = kind_of(one.get("apiVersion"), one.get("kind"))
        if kustomization.get("namespace") and (kind is None or kind.namespaced):
            child(one, "metadata")["namespace"] = kustomization["namespace"]
    return objects


def _resource(files: Mapping[str, bytes], folder: str, resource: str) -> list[Object]:
    path = posixpath.normpath(posixpath.join(folder, resource))
    if path in files:
        return documents(files[path].decode())
    if _kustomization(files, path) is None:
        raise ValueError(f"accumulating resources from '{resource}': no such file or directory")
    return _folder(files, path)


def _config_map(files: Mapping[str, bytes], folder: str, generator: Object) -> tuple[Object, str]:
    """The ConfigMap, and its name without the hash."""
    if set(generator) - {"name", "files", "literals", "namespace"}:
        raise _NotSimple
    data = {}
    for one in generator.get("files") or []:
        key, sign, path = one.partition("=")
        path = path if sign else key
        data[key if sign else posixpath.basename(path)] = files[
            posixpath.normpath(posixpath.join(folder, path))
        ].decode()
    for one in generator.get("literals") or []:
        key, _, value = one.partition("=")
        data[key] = value
    name = generator["name"]
    hashed = {"data": data, "kind": "ConfigMap", "name": ""}
    text = json.dumps(hashed, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    for plain, escaped in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):  # as Go's encoder writes them
        text = text.replace(plain, escaped)
    digest = hashlib.sha256(text.encode()).hexdigest()[:10].translate(_HASH_LETTERS)
    meta = {"name": f"{name}-{digest}"}
    if generator.get("namespace"):
        meta["namespace"] = generator["namespace"]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}, name


def _rename(one: Object, before: str, after: str) -> None:
    """Where a pod names a ConfigMap."""
    for spec in _pod_specs(one):
        for volume in at(spec, "volumes", default=[]):
            if at(volume, "configMap", "name") == before:
                volume["configMap"]["name"] = after
        containers = [*at(spec, "containers", default=[]), *at(spec, "initContainers", default=[])]
        for container in containers:
            references = [one.get("configMapRef") for one in at(container, "envFrom", default=[])]
            references += [at(one, "valueFrom", "configMapKeyRef") for one in at(container, "env", default=[])]
            for reference in references:
                if reference and reference.get("name") == before:
                    reference["name"] = after


def _pod_specs(one: Object) -> Iterator[Any]:
    for path in (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec")):
        if (spec := at(one, *path)) is not None:
            yield spec
    if one.get("kind") == "Pod" and one.get("spec"):
        yield one["spec"]


def _by_kubectl(files: Mapping[str, bytes], folder: str) -> list[Object]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise BuildFailed("kustomize build failed: this kustomization needs kubectl, which is not installed")
    with tempfile.TemporaryDirectory(prefix="kustomization-") as scratch:
        for path, content in files.items():
            file = Path(scratch, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        command = [kubectl, "kustomize", str(Path(scratch, folder))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_KUBECTL_S, check=False)  # noqa: S603 - no input of a stranger
        if done.returncode:
            raise BuildFailed(f"kustomize build failed: {done.stderr.strip().replace(scratch, '/tmp')}")  # noqa: S108 - a text
        return documents(done.stdout)
