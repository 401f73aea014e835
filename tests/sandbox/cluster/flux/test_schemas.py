"""Flux's objects, against its own schemas, where these are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from ruamel.yaml import YAML

import failover_api.sandbox
from failover_api.sandbox import Sandbox
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from failover_api.sandbox.cluster.objects.json_values import copied
from tests.support.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS = ROOT.parent / "shared" / "crds"
HOMELAB = Path(failover_api.sandbox.__file__).parent / "homelab"
pytestmark = pytest.mark.skipif(not SCHEMAS.is_dir(), reason=f"{SCHEMAS} is not there")


def schema_of(plural: str, version: str) -> dict[str, Any]:
    found = YAML(typ="safe").load((SCHEMAS / f"{plural}.yaml").read_text())
    served = next(one for one in found["spec"]["versions"] if one["name"] == version)
    schema: dict[str, Any] = served["schema"]["openAPIV3Schema"]
    return schema


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedCluster]:
    """The homelab, applied."""
    files = {path.relative_to(HOMELAB).as_posix(): path.read_bytes() for path in HOMELAB.rglob("*") if path.is_file()}
    sandbox = Sandbox.create(tmp_path_factory.mktemp("homelab") / "homelab.git", files=files)
    made = SimulatedCluster()
    made.install_flux(sandbox.repositories)
    made.apply(files["clusters/homelab/flux-system/sync.yaml"].decode(), "flux")
    made.advance(120)
    yield made
    sandbox.close()


@pytest.mark.parametrize(
    ("kind", "plural", "version", "count"),
    [
        ("GitRepository", "gitrepositories", "v1", 1),
        ("Kustomization", "kustomizations", "v1", 4),
        ("HelmRelease", "helmreleases", "v2", 1),
    ],
)
def test_objects_are_valid(cluster: SimulatedCluster, kind: str, plural: str, version: str, count: int) -> None:
    schema = schema_of(plural, version)
    objects = cluster.list(kind)
    assert len(objects) == count
    for one in objects:
        jsonschema.validate(copied(one), schema)
        known = set(schema["properties"]["status"]["properties"])
        assert set(one["status"]) <= known
