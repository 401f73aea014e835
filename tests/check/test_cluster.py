"""What `failover check` says of a cluster: what is wrong there is a warning, since no move needs one."""

from pathlib import Path
from typing import Any

import pytest

from failover_api.check.cluster import check_cluster
from failover_api.cluster.access import Access, Endpoint, Login
from failover_api.cluster.kubernetes import Kubernetes
from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Catalog
from failover_api.forge.values import Check, Level
from failover_api.sandbox.cluster.api.accounts import Rule
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.support.fake_kubernetes import FakeKubernetes, node, pod
from tests.support.stage import Stage

NODES, PODS = "/api/v1/nodes", "/api/v1/pods"
CATALOG = """\
repository: acme/homelab
services:
  sonarr:
    namespace: media
    deployment: sonarr
    volume_name: config
    primary_pvc: pvc-sonarr
    backup_pvc: pvc-sonarr-b
    primary_node_label: {primary}
    backup_node_label: {backup}
{more}"""


def catalog(primary: str = "primary", backup: str = "backup", more: str = "") -> Catalog:
    return parse_catalog(CATALOG.format(primary=primary, backup=backup, more=more), file="services.yaml")


@pytest.fixture
def server() -> Any:
    fake = FakeKubernetes()
    for plane in ("m1", "m2", "m3"):
        made = node(plane)
        made["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": "true"}
        fake.put(NODES, made)
    for name, role in (("k3s-w1", "primary"), ("k3s-w2", "backup")):
        made = node(name)
        made["metadata"]["labels"] = {"role": role}
        fake.put(NODES, made)
    with fake.serve():
        yield fake


async def checks(server: FakeKubernetes, known: Catalog | None = None, *, timeout_s: float = 10.0) -> dict[str, Check]:
    access = Access("the test's cluster", Endpoint(server.url), Login())
    cluster = Kubernetes("x", lambda: access, timeout_s=timeout_s)
    try:
        found = await check_cluster(cluster, known or catalog())
    finally:
        await cluster.aclose()
    assert len({check.name for check in found}) == len(found)
    assert all(check.level is not Level.FAILED for check in found)
    return {check.name: check for check in found}


async def test_a_cluster_with_all_its_rights_is_well(server: FakeKubernetes) -> None:
    found = await checks(server)
    assert [(check.name, check.level, check.detail) for check in found.values()] == [
        ("cluster", Level.OK, "Kubernetes v1.36.2, the test's cluster"),
        ("cluster rights", Level.OK, "everything that is looked at may be read"),
    ]


async def test_a_cluster_that_is_not_there_is_told_once() -> None:
    fake = FakeKubernetes()
    with fake.serve():
        pass
    found = await checks(fake)
    assert list(found) == ["cluster"]
    assert found["cluster"].level is Level.WARN
    assert "is not seen: GET /version: 127.0.0.1: the connection was refused" in found["cluster"].detail


async def test_what_may_not_be_read_is_told_in_one_line(server: FakeKubernetes) -> None:
    deployments = "/apis/apps/v1/deployments"
    server.forbidden = {(NODES, ""), (deployments, ""), (deployments, "media")}
    check = (await checks(server))["cluster rights"]
    assert check.level is Level.WARN
    assert check.detail == (
        "may not be read, so it stays unseen: list and watch nodes; list and watch deployments.apps in media"
    )


async def test_a_single_control_plane_is_a_warning(server: FakeKubernetes) -> None:
    server.remove(NODES, "m2")
    server.remove(NODES, "m3")
    check = (await checks(server))["cluster nodes"]
    assert check.level is Level.WARN
    assert check.detail == "m1 is the only control plane: while it is down, no commit does anything in the cluster"


@pytest.mark.parametrize(
    ("verbs", "level", "detail"),
    [
        (
            ("get", "create", "update"),
            Level.OK,
            "one replica may lead, by a Lease in operations; whether that namespace is there is not seen",
        ),
        (
            ("get", "update"),
            Level.WARN,
            "create leases.coordination.k8s.io in operations: not allowed, so no replica leads and nothing moves",
        ),
    ],
)
async def test_what_may_not_be_done_with_the_lease_is_told(verbs: tuple[str, ...], level: Level, detail: str) -> None:
    cluster = SimulatedCluster()
    cluster.grant("guard", "someone", Rule(verbs, ("leases",), ("coordination.k8s.io",)))
    with cluster.serve() as url:
        access = Access("the test's cluster", Endpoint(url), Login(token="guard"), namespace="operations")
        opened = Kubernetes("x", lambda: access, timeout_s=10.0)
        try:
            found = await check_cluster(opened, catalog(), lambda: opened.review_lease("failover-api-guard", None))
        finally:
            await opened.aclose()
    (told,) = (check for check in found if check.name == "cluster lease")
    assert (told.level, told.detail) == (level, detail)


def flux(server: FakeKubernetes, at: str, name: str = "kustomize-controller") -> None:
    server.put(PODS, pod(f"{name}-{at}", "flux-system", at=at, app=name))


async def test_flux_on_a_node_that_is_a_side_is_a_warning(server: FakeKubernetes) -> None:
    flux(server, "k3s-w1")
    server.put(PODS, pod("source-controller-x", "flux-system", at="k3s-w1"))  # known by its name
    check = (await checks(server))["cluster appliers"]
    assert check.level is Level.WARN
    assert check.detail == (
        "only k3s-w1, a node of sonarr, runs kustomize-controller, source-controller of Flux: when it dies, nothing is "
        "applied until these run elsewhere, minutes later"
    )


async def test_a_side_may_be_named_by_its_node(server: FakeKubernetes) -> None:
    flux(server, "m1")
    assert "cluster appliers" not in await checks(server)
    named = catalog(more="    nodes: {primary: m1, backup: k3s-w2}\n")
    assert (await checks(server, named))["cluster appliers"].level is Level.WARN


async def test_flux_on_two_nodes_or_beside_the_services_is_well(server: FakeKubernetes) -> None:
    flux(server, "m1")
    assert "cluster appliers" not in await checks(server)
    flux(server, "k3s-w1")
    assert "cluster appliers" not in await checks(server)


async def test_a_part_of_the_cluster_that_does_not_answer_is_told(server: FakeKubernetes) -> None:
    server.next("list", NODES, lambda handler: handler.hang(30))
    check = (await checks(server, timeout_s=1.0))["cluster speed"]
    assert check.level is Level.WARN
    assert check.detail == ("no answer within 1 s: raise FAILOVER_CLUSTER_TIMEOUT_S, or look at the API server")


async def test_a_clock_that_is_off_is_a_warning(server: FakeKubernetes) -> None:
    server.ahead_s = 90
    check = (await checks(server))["cluster clock"]
    assert check.level is Level.WARN
    assert "s behind the API server: set one of them right" in check.detail
    server.ahead_s = 20
    assert "cluster clock" not in await checks(server)


async def test_names_from_the_cluster_are_safe_to_show(server: FakeKubernetes) -> None:
    for plane in ("m1", "m2", "m3"):
        server.remove(NODES, plane)
    hostile = node("m\u202e\n1")
    hostile["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": "true"}
    server.put(NODES, hostile)
    detail = (await checks(server))["cluster nodes"].detail
    assert detail.startswith("m\\u202e\\u000a1 is the only control plane")


def test_the_check_of_the_command_line_looks_at_the_cluster_that_is_configured(
    server: FakeKubernetes, cli: Any, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        f"""\
current-context: home
contexts: [{{name: home, context: {{cluster: home}}}}, {{name: away, context: {{cluster: away}}}}]
clusters:
  - {{name: home, cluster: {{server: "{server.url}"}}}}
  - {{name: away, cluster: {{server: "http://127.0.0.1:1"}}}}
""",
        encoding="utf-8",
    )
    assert "cluster" not in cli("check").stdout
    monkeypatch.setenv("FAILOVER_CLUSTER", str(kubeconfig))
    shown = cli("check")
    assert f"Kubernetes v1.36.2, context home of {kubeconfig}" in shown.stdout
    monkeypatch.setenv("FAILOVER_CLUSTER_CONTEXT", "away")
    away = cli("check")
    assert "is not seen" in away.stdout
    assert away.exit_code == shown.exit_code
