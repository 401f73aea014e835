"""What we may read, as the API server says."""

from failover_api.cluster.access_review import review
from failover_api.cluster.client import Client
from failover_api.cluster.kinds import KINDS
from failover_api.cluster.port import Right
from tests.support.fake_kubernetes import REVIEWS, FakeKubernetes

NODES, PODS = "/api/v1/nodes", "/api/v1/pods"


async def test_every_kind_is_asked_about_for_each_verb(server: FakeKubernetes, client: Client) -> None:
    rights = await review(client, frozenset({"media"}), timeout_s=5)
    assert all(right.is_allowed for right in rights)
    assert len(rights) == 2 * len(KINDS)
    assert Right("watch", "apps", "deployments", "", True) in rights
    assert Right("list", "coordination.k8s.io", "leases", "kube-node-lease", True) in rights
    assert {asked.path for asked in server.asked} == {REVIEWS}


async def test_what_is_forbidden_everywhere_is_asked_about_by_namespace(server: FakeKubernetes, client: Client) -> None:
    server.forbidden = {(NODES, ""), ("/apis/apps/v1/deployments", ""), ("/apis/apps/v1/deployments", "office")}
    rights = await review(client, frozenset({"media", "office"}), timeout_s=5)
    refused = {right for right in rights if not right.is_allowed}
    assert refused == {
        Right("list", "", "nodes", "", False),
        Right("watch", "", "nodes", "", False),
        Right("list", "apps", "deployments", "office", False),
        Right("watch", "apps", "deployments", "office", False),
    }
    assert Right("list", "apps", "deployments", "media", True) in rights
