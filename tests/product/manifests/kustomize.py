"""What `kubectl kustomize` makes of the manifests: alone, with components, and as Flux would apply them."""

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.project import ROOT

Object = dict[str, Any]

HOMELAB = ROOT / "clusters/homelab/operations"
COMPONENTS = sorted(path.name for path in (ROOT / "manifests/components").iterdir())
DEPLOYED = [(), *((component,) for component in COMPONENTS), tuple(COMPONENTS)]  # the base with nothing, one, all

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl, which builds them, is not here")


def load(text: str) -> list[Object]:
    return [document for document in YAML(typ="safe").load_all(text) if document is not None]


def load_file(path: Path) -> Object:
    (document,) = load(path.read_text(encoding="utf-8"))
    return document


def build(folder: Path) -> list[Object]:
    """The objects of a folder with a kustomization.yaml."""
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"kubectl kustomize {folder}: {done.stderr}"
    assert "Warning" not in done.stderr, done.stderr
    return load(done.stdout)


@functools.cache
def _deployed(components: tuple[str, ...]) -> list[Object]:
    places = [f"../manifests/components/{name}" for name in components]
    return overlaid({"resources": ["../manifests/base"], "components": places})


def deployed(*components: str) -> "Objects":
    """The base, with components. Built once; do not change what is in it."""
    return Objects(_deployed(components))


def overlaid(kustomization: Mapping[str, Any], files: Mapping[str, str] | None = None) -> list[Object]:
    """What a kustomization makes that stands in a folder beside `manifests`, with further files."""
    with tempfile.TemporaryDirectory() as name:
        copy = _copy(Path(name))
        overlay = copy / "overlay"
        overlay.mkdir()
        for path, text in (files or {}).items():
            (overlay / path).write_text(text, encoding="utf-8")
        _dump(kustomization, overlay / "kustomization.yaml")
        return build(overlay)


def as_flux(flux: Object) -> "Objects":
    """What Flux would apply for a Kustomization of its own: it writes what that says into the kustomization.yaml there.

    https://fluxcd.io/flux/components/kustomize/kustomizations/
    """
    with tempfile.TemporaryDirectory() as name:
        copy = _copy(Path(name))
        file = copy / flux["spec"]["path"] / "kustomization.yaml"
        kustomization = load_file(file)
        for key in ("components", "images", "patches"):
            kustomization[key] = [*kustomization.get(key, []), *flux["spec"].get(key, [])]
        _dump(kustomization, file)
        return Objects(build(file.parent))


class Objects:
    """Objects by kind and name."""

    def __init__(self, objects: list[Object]) -> None:
        self.all = objects

    @property
    def kinds(self) -> list[str]:
        return sorted(item["kind"] for item in self.all)

    def of(self, kind: str) -> list[Object]:
        return [item for item in self.all if item["kind"] == kind]

    def one(self, kind: str, name: str = "failover-api") -> Object:
        (found,) = [item for item in self.of(kind) if item["metadata"]["name"] == name]
        return found

    @property
    def template(self) -> Object:
        """The pod."""
        template: Object = self.one("Deployment")["spec"]["template"]
        return template

    @property
    def pod(self) -> Object:
        pod: Object = self.template["spec"]
        return pod

    @property
    def container(self) -> Object:
        (container,) = self.pod["containers"]
        found: Object = container
        return found


def _copy(folder: Path) -> Path:
    for name in ("manifests", "config", "clusters"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def _dump(data: object, file: Path) -> None:
    with file.open("w", encoding="utf-8") as out:
        YAML(typ="safe").dump(data, out)
