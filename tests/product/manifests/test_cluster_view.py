"""The component cluster-view: its rights, tried call by call on a simulated API server, and its token and network."""

import io
from collections.abc import Iterator

import pytest
from ruamel.yaml import YAML

from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.in_cluster import MOUNT
from failover_api.cluster.kinds import KINDS, path_in
from failover_api.cluster.kubernetes import Kubernetes
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.product.manifests.kustomize import deployed, needs_kubectl
from tests.sandbox.clients import connect
from tests.sandbox.cluster import apps

pytestmark = needs_kubectl

USER = "system:serviceaccount:operations:failover-api"


@pytest.fixture
def cluster() -> SimulatedCluster:
    """One in which the rights of the component stand, and nothing else is granted."""
    made = apps.cluster_with_claims()
    out = io.StringIO()
    rights = [item for item in deployed("cluster-view").all if "rbac" in item["apiVersion"]]
    YAML(typ="safe").dump_all(rights, out)
    apps.apply(made, out.getvalue())
    made.grant("ours", USER)
    return made


@pytest.fixture
def url(cluster: SimulatedCluster) -> Iterator[str]:
    with cluster.serve() as served:
        yield served


def test_every_kind_may_be_listed_and_watched_and_none_be_read_or_written_otherwise(url: str) -> None:
    with connect(url, "ours") as client:
        for kind in KINDS:
            path = kind.paths[0]
            assert client.get(path).status_code in {200, 404}, kind.field
            watched = client.get(path, params={"watch": "true", "timeoutSeconds": "1"})
            assert watched.status_code in {200, 404}, kind.field
            assert client.get(f"{path}/x").status_code in {403, 404, 405}, kind.field
            assert client.delete(f"{path_in(path, kind.home or 'media')}/x").status_code in {403, 404, 405}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/secrets",
        "/api/v1/events",
        "/api/v1/namespaces/media/events",
        "/api/v1/namespaces/media/secrets",
        "/api/v1/configmaps",
        "/apis/coordination.k8s.io/v1/leases",
        "/apis/coordination.k8s.io/v1/namespaces/operations/leases",
    ],
)
def test_what_is_not_needed_is_forbidden(url: str, path: str) -> None:
    with connect(url, "ours") as client:
        assert client.get(path).status_code == 403


async def test_the_service_sees_all_that_it_looks_at(url: str) -> None:
    ours = Kubernetes("x", lambda: Access("x", Endpoint(url), Login(token="ours")), timeout_s=10.0)
    try:
        view = await ours.look(frozenset({"media"}))
        refused = [right for right in await ours.review(frozenset({"media"})) if not right.is_allowed]
    finally:
        await ours.aclose()
    assert {kind.field: getattr(view, kind.field).why_unseen() for kind in KINDS} == {kind.field: "" for kind in KINDS}
    assert refused == []


def test_no_rule_allows_more_than_to_look() -> None:
    rules = [rule for item in deployed("cluster-view").all for rule in item.get("rules", ())]
    assert len(rules) > 10
    assert not {verb for rule in rules for verb in rule["verbs"]} - {"list", "watch"}
    assert all("*" not in [*rule["resources"], *rule["apiGroups"]] for rule in rules)


def test_a_token_is_mounted_for_this_service_alone_and_changes_every_hour() -> None:
    objects = deployed("cluster-view")
    assert objects.pod["automountServiceAccountToken"] is False
    (volume,) = [each for each in objects.pod["volumes"] if "projected" in each]
    sources = {next(iter(source)): source for source in volume["projected"]["sources"]}
    assert sources["serviceAccountToken"]["serviceAccountToken"] == {"path": "token", "expirationSeconds": 3600}
    assert sources["configMap"]["configMap"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
    (mount,) = [each for each in objects.container["volumeMounts"] if each["name"] == volume["name"]]
    assert (mount["mountPath"], mount["readOnly"]) == (str(MOUNT), True)
    assert {"name": "FAILOVER_CLUSTER", "value": "auto"} in objects.container["env"]


def test_the_api_server_may_be_reached() -> None:
    policy = deployed("cluster-view").one("NetworkPolicy", "failover-api-cluster")["spec"]
    assert policy["policyTypes"] == ["Egress"]
    assert policy["egress"] == [{"ports": [{"protocol": "TCP", "port": 6443}]}]


def test_flux_tells_us_with_a_secret_that_both_hold() -> None:
    objects = deployed("flux-events")
    provider, alert = objects.one("Provider"), objects.one("Alert")
    (volume,) = [each for each in objects.pod["volumes"] if each["name"] == "flux-events"]
    assert provider["spec"]["address"] == "http://failover-api.operations/hooks/flux"
    assert provider["spec"]["secretRef"]["name"] == volume["secret"]["secretName"]
    assert alert["spec"]["providerRef"]["name"] == provider["metadata"]["name"]
    secret = {"name": "FAILOVER_FLUX_EVENTS_SECRET_FILE", "value": "/etc/failover-api/flux-events/token"}
    assert secret in objects.container["env"]
