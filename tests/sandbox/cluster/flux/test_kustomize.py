"""What is built here, and what kubectl builds of the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import failover_api.sandbox
from failover_api.sandbox.cluster.flux import kustomize
from failover_api.sandbox.cluster.flux.kustomize import BuildFailed, build

HOMELAB = Path(failover_api.sandbox.__file__).parent / "homelab"
CONFIG_MAP = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


def homelab() -> dict[str, bytes]:
    return {path.relative_to(HOMELAB).as_posix(): path.read_bytes() for path in HOMELAB.rglob("*") if path.is_file()}


@needs_kubectl
@pytest.mark.parametrize("folder", ["apps", "storage", "apps/photos", "clusters/homelab/flux-system"])
def test_the_homelab_is_built_as_kubectl_builds_it(folder: str) -> None:
    def order(one: dict[str, object]) -> str:
        return json.dumps(one, sort_keys=True)

    ours, theirs = build(homelab(), f"./{folder}"), kustomize._by_kubectl(homelab(), folder)
    assert len(ours) > 1
    assert sorted(ours, key=order) == sorted(theirs, key=order)


@needs_kubectl
def test_a_patch_is_left_to_kubectl() -> None:
    operation = b'[{"op": "add", "path": "/data", "value": {"a": "b"}}]'
    patch = b"patches: [{target: {kind: ConfigMap}, patch: '" + operation + b"'}]\n"
    files = {"x/kustomization.yaml": b"resources: [cm.yaml]\n" + patch, "x/cm.yaml": CONFIG_MAP}
    assert build(files, "x")[0]["data"] == {"a": "b"}


def test_without_kubectl_a_patch_is_a_failed_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    files = {"x/kustomization.yaml": b"resources: []\nnamePrefix: a-\n"}
    with pytest.raises(BuildFailed, match="needs kubectl, which is not installed"):
        build(files, "./x")


def test_a_folder_without_a_kustomization_is_all_its_yaml() -> None:
    other = CONFIG_MAP.replace(b"name: x", b"name: y")
    files = {"x/a.yaml": CONFIG_MAP, "x/deep/b.yml": other, "x/README.md": b"# no\n", "y.yaml": b"kind: No\n"}
    assert [one["metadata"]["name"] for one in build(files, "x/")] == ["x", "y"]


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({}, "no such file or directory"),
        ({"x/kustomization.yaml": b"resources: [gone.yaml]\n"}, "accumulating resources from 'gone.yaml'"),
        ({"x/a.yaml": b"a: [\n"}, "it is no YAML"),
    ],
)
def test_a_build_that_fails_says_why(files: dict[str, bytes], text: str) -> None:
    with pytest.raises(BuildFailed, match=text):
        build(files, "x")
