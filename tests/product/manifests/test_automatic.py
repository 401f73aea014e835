"""The component automatic: the right to one Lease and to nothing else, tried call by call on a simulated API server."""

import io
from collections.abc import Iterator

import pytest
from ruamel.yaml import YAML

from failover_api.automatic.leader import LEASE_NAME, Leader
from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.kubernetes import Kubernetes
from tests.product.manifests.kustomize import deployed, needs_kubectl
from tests.sandbox.clients import connect
from tests.sandbox.cluster import apps

pytestmark = needs_kubectl

USER = "system:serviceaccount:operations:failover-api"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/operations/leases"


@pytest.fixture
def url() -> Iterator[str]:
    made = apps.cluster_with_claims()
    made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "operations"}})
    out = io.StringIO()
    YAML(typ="safe").dump_all([item for item in deployed("automatic").all if "rbac" in item["apiVersion"]], out)
    apps.apply(made, out.getvalue())
    made.grant("ours", USER)
    with made.serve() as served:
        yield served


async def test_it_is_enough_to_lead_to_keep_what_is_shared_and_to_leave(url: str) -> None:
    kubernetes = Kubernetes(
        "x", lambda: Access("x", Endpoint(url), Login(token="ours"), namespace="operations"), timeout_s=5
    )
    try:
        leader = Leader(kubernetes.lease(LEASE_NAME, None, timeout_s=5))
        await leader.step()
        assert leader.leads
        await leader.edit(lambda notes: {**notes, "failover-api/pauses": "[]"})
        await leader.step()
        assert leader.failure == ""
        await leader.release()
    finally:
        await kubernetes.aclose()


def test_nothing_else_is_allowed(url: str) -> None:
    other = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "other"}, "spec": {}}
    with connect(url, "ours") as client:
        assert client.post(LEASES, json=other).status_code == 201, "create cannot be for one name"
        for path in (f"{LEASES}/other", LEASES, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"):
            assert client.get(path).status_code == 403
        assert client.put(f"{LEASES}/other", json=other).status_code == 403
        assert client.delete(f"{LEASES}/{LEASE_NAME}").status_code == 403
        assert client.post(LEASES.replace("operations", "default"), json=other).status_code == 403
        for path in ("/api/v1/nodes", "/api/v1/namespaces/operations/secrets", "/api/v1/namespaces/operations/pods"):
            assert client.get(path).status_code == 403
