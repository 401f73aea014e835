"""Who may do what: rights given to a token, and rights that stand in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from failover_api.sandbox.cluster.api.accounts import Rule
from tests.sandbox.clients import connect

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.cluster import SimulatedCluster

USER = "system:serviceaccount:operations:failover-api"
NODES, NODE = "/api/v1/nodes", "/api/v1/nodes/k3s-w1"
BY_NAME = {"fieldSelector": "metadata.name=k3s-w1"}
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
ROLES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: view}
rules:
- {apiGroups: [""], resources: [nodes], verbs: [list]}
- {apiGroups: [""], resources: [pods], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: view}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: failover-api, namespace: operations}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: leases, namespace: kube-node-lease}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: leases, namespace: kube-node-lease}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: leases}
subjects: [{kind: ServiceAccount, name: failover-api, namespace: operations}]
"""


def test_an_account_without_rights_is_told_what_it_lacks(cluster: SimulatedCluster, url: str) -> None:
    cluster.grant("t", USER)
    with connect(url, "t") as client:
        answer = client.get(NODES)
        assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
        assert answer.json()["message"] == (
            f'nodes is forbidden: User "{USER}" cannot list resource "nodes" in API group "" at the cluster scope'
        )
        in_one = client.get("/apis/apps/v1/namespaces/media/deployments/app").json()["message"]
        assert in_one == (
            f'deployments.apps "app" is forbidden: User "{USER}" cannot get resource "deployments" in API group "apps" '
            'in the namespace "media"'
        )


def test_no_token_is_anonymous_and_an_unknown_one_is_401(url: str) -> None:
    with connect(url, "") as client:
        assert 'User "system:anonymous"' in client.get(NODES).json()["message"]
    with connect(url, "nobody's") as client:
        assert (client.get(NODES).status_code, client.get("/version").status_code) == (401, 401)


@pytest.mark.parametrize(("verb", "codes"), [("get", (200, 403)), ("list", (403, 200))])
def test_each_verb_is_its_own(cluster: SimulatedCluster, url: str, verb: str, codes: tuple[int, int]) -> None:
    cluster.grant("t", USER, Rule((verb,), ("nodes",)))
    with connect(url, "t") as client:
        assert (client.get(NODE).status_code, client.get(NODES).status_code) == codes


def test_a_named_object_may_be_listed_by_its_name_alone(cluster: SimulatedCluster, url: str) -> None:
    cluster.grant("t", USER, Rule(("get", "list", "watch"), ("nodes",), names=("k3s-w1",)))
    with connect(url, "t") as client:
        codes = [client.get(NODE), client.get("/api/v1/nodes/k3s-w2"), client.get(NODES)]
        assert [one.status_code for one in codes] == [200, 403, 403]
        assert client.get(NODES, params=BY_NAME).status_code == 200


def test_a_subresource_is_a_right_of_its_own(cluster: SimulatedCluster, url: str) -> None:
    cluster.grant("t", USER, Rule(("patch",), ("nodes",)))
    with connect(url, "t") as client:
        merge = {"Content-Type": "application/merge-patch+json"}
        assert client.patch(NODE, json={"spec": {"unschedulable": True}}, headers=merge).status_code == 200
        assert client.patch(f"{NODE}/status", json={}, headers=merge).status_code == 403
        assert client.delete(NODE).status_code == 403


def test_roles_in_the_cluster_count(cluster: SimulatedCluster, url: str) -> None:
    cluster.grant("t", USER)
    cluster.apply(ROLES)
    lease = "/apis/coordination.k8s.io/v1/namespaces/{}/leases/k3s-w1"
    with connect(url, "t") as client:
        assert client.get(NODES).status_code == 200
        assert client.get(NODE).status_code == 403
        assert client.get(lease.format("kube-node-lease")).status_code == 200
        assert client.get(lease.format("default")).status_code == 403
        assert client.get("/api/v1/namespaces/media/pods").status_code == 200
        cluster.delete("ClusterRoleBinding", "view")
        assert client.get(NODES).status_code == 403


def test_anybody_may_ask_what_they_may(cluster: SimulatedCluster, url: str) -> None:
    cluster.grant("t", USER)
    cluster.apply(ROLES)

    def ask(**attributes: str) -> bool:
        answer = client.post(REVIEWS, json={"spec": {"resourceAttributes": attributes}})
        assert answer.status_code == 201
        return bool(answer.json()["status"]["allowed"])

    with connect(url, "t") as client:
        assert ask(verb="list", resource="nodes")
        assert not ask(verb="watch", resource="nodes")
        assert ask(verb="get", group="coordination.k8s.io", resource="leases", namespace="kube-node-lease")
        assert not ask(verb="get", group="coordination.k8s.io", resource="leases", namespace="default")
