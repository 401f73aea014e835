"""The component fence: its right, and the policy that narrows it.

The policy is rendered and compared with the text that was tried on a real API server (v1.36.2). Its rules are run in
test_fence_rules.py.
"""

import io
import re

import pytest
from ruamel.yaml import YAML

from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.kubernetes import Kubernetes
from failover_api.cluster.out_of_service import KEY, TAINT
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.product.manifests.kustomize import Objects, deployed, needs_kubectl, overlaid
from tests.sandbox.clients import connect
from tests.sandbox.cluster import apps

pytestmark = needs_kubectl

NAME = "failover-api-fence"
MINE = {
    "ValidatingAdmissionPolicy": """\
- {op: replace, path: /spec/matchConditions/0/expression,
   value: "request.userInfo.username == 'system:serviceaccount:infra:failover-api'"}
""",
    "ClusterRoleBinding": "- {op: replace, path: /subjects/0/namespace, value: infra}",
}


def account(objects: Objects) -> str:
    """As the API server names whoever shows the token of the rendered pod."""
    made = objects.one("ServiceAccount")["metadata"]
    assert objects.pod["serviceAccountName"] == made["name"]
    return f"system:serviceaccount:{made['namespace']}:{made['name']}"


def conditions(objects: Objects) -> list[str]:
    policy = objects.one("ValidatingAdmissionPolicy", NAME)["spec"]
    return [" ".join(each["expression"].split()) for each in policy["matchConditions"]]


def test_the_policy_names_the_rendered_service_account() -> None:
    objects = deployed("cluster-view", "fence")
    assert account(objects) == "system:serviceaccount:operations:failover-api"
    assert conditions(objects) == [f"request.userInfo.username == '{account(objects)}'"]


def test_the_right_is_of_the_rendered_service_account_and_of_named_nodes_alone() -> None:
    objects = deployed("cluster-view", "fence")
    (subject,) = objects.one("ClusterRoleBinding", NAME)["subjects"]
    assert f"system:serviceaccount:{subject['namespace']}:{subject['name']}" == account(objects)
    assert objects.one("ClusterRoleBinding", NAME)["roleRef"]["name"] == NAME
    assert objects.one("ClusterRole", NAME)["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "resourceNames": ["k3s-w1", "k3s-w2"], "verbs": ["patch"]}
    ]


def test_in_another_namespace_both_are_patched() -> None:
    """The namespace of a kustomization reaches the account alone."""
    kustomization = {
        "resources": ["../manifests/base"],
        "components": ["../manifests/components/fence"],
        "namespace": "infra",
    }
    left = Objects(overlaid(kustomization))
    assert account(left) not in conditions(left)[0]
    patches = [{"target": {"kind": kind, "name": NAME}, "patch": patch} for kind, patch in MINE.items()]
    mine = Objects(overlaid({**kustomization, "patches": patches}))
    assert conditions(mine) == [f"request.userInfo.username == '{account(mine)}'"]
    (subject,) = mine.one("ClusterRoleBinding", NAME)["subjects"]
    assert subject["namespace"] == "infra"


def test_the_policy_is_the_one_that_was_tried() -> None:
    policy = deployed("fence").one("ValidatingAdmissionPolicy", NAME)["spec"]
    assert policy["failurePolicy"] == "Fail"
    assert policy["matchConstraints"] == {
        "resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["nodes", "nodes/*"]}
        ]
    }
    is_ours = "exists(t, t.key == variables.key)"
    found = {each["name"]: " ".join(each["expression"].split()) for each in policy["variables"]}
    assert found == {
        "key": f"'{KEY}'",
        "before": "has(oldObject.spec.taints) ? oldObject.spec.taints : []",
        "after": "has(object.spec.taints) ? object.spec.taints : []",
        "adds": f"variables.after.{is_ours} && !variables.before.{is_ours}",
    }
    rules = {each["message"]: " ".join(each["expression"].split()) for each in policy["validations"]}
    ours = "variables.after.filter(t, t.key == variables.key)"
    others = "filter(t, t.key != variables.key)"
    assert rules == {
        "no subresource": "!has(request.subResource) || request.subResource == ''",
        f"only the taint {KEY} may change": f"variables.after.{others} == variables.before.{others}",
        "the taint must be nodeshutdown:NoExecute": f"{ours}.all(t, t.effect == '{TAINT['effect']}' && has(t.value) "
        f"&& t.value == '{TAINT['value']}')",
        "the node is being heard of": "!variables.adds || oldObject.status.conditions.exists(c, c.type == 'Ready' && "
        "c.status == 'Unknown')",
        "the rest of spec may not change": same(
            "spec", "unschedulable", "providerID", "podCIDR", "podCIDRs", "configSource"
        ),
        "metadata may not change": same("metadata", "labels", "annotations", "finalizers", "ownerReferences"),
    }


def same(part: str, *keys: str) -> str:
    return " && ".join(f"object.{part}.?{key} == oldObject.{part}.?{key}" for key in keys)


def test_the_policy_denies_and_does_not_only_warn() -> None:
    binding = deployed("fence").one("ValidatingAdmissionPolicyBinding", NAME)
    assert binding["spec"] == {"policyName": NAME, "validationActions": ["Deny"]}


def test_no_expression_asks_for_a_subresource_that_may_be_absent_without_has() -> None:
    text = str(deployed("fence").one("ValidatingAdmissionPolicy", NAME)["spec"])
    assert len(re.findall(r"!has\(request\.subResource\) \|\|", text)) == text.count("request.subResource ==")


@pytest.fixture
def cluster() -> SimulatedCluster:
    """One in which the rights of both components stand, and the policy is in force."""
    made = SimulatedCluster()
    out = io.StringIO()
    YAML(typ="safe").dump_all(
        [item for item in deployed("cluster-view", "fence").all if "rbac" in item["apiVersion"]], out
    )
    apps.apply(made, out.getvalue())
    made.grant("ours", account(deployed("fence")))
    made.guard_nodes(account(deployed("fence")))
    made.advance(15)
    made.kill("k3s-w1")
    made.advance(70)
    return made


async def test_these_rights_are_enough_to_set_the_taint_and_to_take_it_off(cluster: SimulatedCluster) -> None:
    node = cluster.get("Node", "k3s-w1")
    assert node is not None
    uid = node["metadata"]["uid"]
    with cluster.serve() as url:
        ours = Kubernetes("x", lambda: Access("x", Endpoint(url), Login(token="ours")), timeout_s=10.0)
        fence = ours.node_fence(timeout_s=10.0)
        try:
            assert await fence.why_unguarded("k3s-w1") == ""
            assert await fence.set("k3s-w1", uid)
            assert await fence.clear("k3s-w1", uid)
            assert "may not change node k3s-cp" in await fence.why_unguarded("k3s-cp")
        finally:
            await ours.aclose()


def test_nothing_else_of_a_node_may_be_done_with_them(cluster: SimulatedCluster) -> None:
    merge = {"Content-Type": "application/merge-patch+json"}
    with cluster.serve() as url, connect(url, "ours") as client:
        where = "/api/v1/nodes/k3s-w1"
        assert client.delete(where).status_code == 403
        assert client.patch(f"{where}/status", json={}, headers=merge).status_code == 403
        assert client.patch(where, json={"spec": {"unschedulable": True}}, headers=merge).status_code == 422
