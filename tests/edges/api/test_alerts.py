"""POST /hooks/alertmanager and /hooks/grafana: who may, what is answered, and with which status."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest

from failover_api.automatic.alert_desk import Carried, Result, ServiceEnd
from failover_api.core.safety.governance import AlertOrder, Gate, Hold
from failover_api.edges.guarding import Guarding
from failover_api.sandbox.cluster.api.faults import ApiFault
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.core.safety.alerts.bodies import BEGAN, alertmanager, entry, grafana
from tests.support.answers import problem
from tests.support.stage import SERVICES, Stage, serving
from tests.support.tokens import bearer, give_tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2

Json = dict[str, Any]
HOOKS = ["/hooks/alertmanager", "/hooks/grafana"]
TOP = """\
automatic: {mode: act}
groups: {media: [sonarr, radarr]}
alerts:
  - {match: {alertname: NodeOff}, node: "{node}", means: node-off}
  - {match: {alertname: NodeGone}, node: "{node}", means: evacuate}
  - {match: {alertname: SonarrDown}, means: promote, service: sonarr}
  - {match: {alertname: MediaDown}, means: promote, group: media}
"""
JSON = {"content-type": "application/json"}
SERVING = Hold(Gate.STILL_SERVING, "Pod sonarr-1 is Ready.", "None is needed.")


class Mover:
    """In the place of the guard: it remembers what it was asked for."""

    def __init__(self) -> None:
        self.ends: list[ServiceEnd] = []
        self.orders: list[AlertOrder] = []

    async def carry_out(self, order: AlertOrder) -> Carried:
        self.orders.append(order)
        return Carried(tuple(self.ends))


@pytest.fixture
def mover() -> Mover:
    return Mover()


async def _rest(_: Guarding) -> None:
    await asyncio.Event().wait()


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard itself does not run: the test's mover is in its place."""
    monkeypatch.setattr(Guarding, "run", _rest)


@pytest.fixture
async def client(stage: Stage, kubeconfig: str, mover: Mover, unguarded: None) -> AsyncIterator[httpx2.AsyncClient]:
    stage.declare(SERVICES, top=TOP)
    app = stage.app(stage.settings(cluster=kubeconfig))
    async with stage.client(app=app) as client:
        app.state.components.automatic.mover = lambda: mover
        yield client


def named(name: str, status: str = "firing", **changes: Any) -> Json:
    return entry(status, labels={"alertname": name, "node": "k3s-w1"}, **changes)


async def send(client: httpx2.AsyncClient, *alerts: object, path: str = HOOKS[0], token: str = "") -> httpx2.Response:
    headers = {**JSON, **bearer(token)} if token else JSON
    body = grafana(*alerts) if path == HOOKS[1] else alertmanager(*alerts)
    return await client.post(path, content=body, headers=headers)


def witnesses(cluster: SimulatedCluster) -> list[Json]:
    lease = cluster.get("Lease", "operations/failover-api-guard")
    found = (lease or {}).get("metadata", {}).get("annotations", {}).get("failover-api/witnesses", "[]")
    return list(json.loads(found))


@pytest.mark.parametrize("path", HOOKS)
async def test_what_an_alert_came_to_is_told_from_either_sender(
    client: httpx2.AsyncClient, mover: Mover, path: str
) -> None:
    mover.ends = [ServiceEnd("sonarr", Result.MOVED, operation="01JDQ3Z5Y8V6T4R2P0N9M7K5H3")]
    answer = await send(client, named("NodeGone"), path=path)
    assert answer.status_code == 200
    assert answer.json() == {
        "alerts": [
            {
                "fingerprint": "c1f2a3b4d5e6f708",
                "alertname": "NodeGone",
                "status": "firing",
                "means": "evacuate",
                "node": "k3s-w1",
                "group": None,
                "result": "moved",
                "held": None,
                "detail": "",
                "cure": "",
                "services": [
                    {
                        "service": "sonarr",
                        "result": "moved",
                        "held": None,
                        "holds": [],
                        "operation": "01JDQ3Z5Y8V6T4R2P0N9M7K5H3",
                        "detail": "",
                    }
                ],
            }
        ],
        "left_out": 0,
    }
    (order,) = mover.orders
    assert (order.node, order.alert.fingerprint) == ("k3s-w1", "c1f2a3b4d5e6f708")


async def test_what_is_held_names_the_gate(client: httpx2.AsyncClient, mover: Mover) -> None:
    mover.ends = [ServiceEnd("sonarr", Result.HELD, (SERVING,))]
    answer = await send(client, named("SonarrDown"))
    (alert,) = answer.json()["alerts"]
    assert (answer.status_code, alert["held"], alert["result"]) == (200, "still-serving", "held")
    assert (alert["detail"], alert["cure"]) == ("Pod sonarr-1 is Ready.", "None is needed.")
    assert alert["services"][0]["holds"] == [
        {"gate": "still-serving", "detail": "Pod sonarr-1 is Ready.", "cure": "None is needed.", "until": None}
    ]
    assert "retry-after" not in answer.headers


async def test_only_what_passes_by_itself_is_503(client: httpx2.AsyncClient, mover: Mover) -> None:
    for gate in Gate:
        mover.ends = [ServiceEnd("sonarr", Result.HELD, (Hold(gate, "why", "cure"),))]
        answer = await send(client, named("NodeGone"), named("Watchdog"))
        passes = gate in {"starting", "blind", "git-unreachable"}
        assert answer.status_code == (503 if passes else 200)
        assert answer.headers.get("retry-after") == ("30" if passes else None)
        assert answer.headers.get("connection") == ("close" if passes else None)
        assert answer.headers["content-type"] == "application/json"
        assert [alert["held"] for alert in answer.json()["alerts"]] == [gate, None]


def test_a_connection_is_closed_after_503_alone(stage: Stage, kubeconfig: str, mover: Mover) -> None:
    """Who keeps one to a replica that does not lead would send the alert there for ever."""
    stage.declare(SERVICES, top=TOP)
    app = stage.app(stage.settings(cluster=kubeconfig))
    with serving(app) as url:
        app.state.components.automatic.mover = lambda: mover
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
        for gate, status in ((Gate.STILL_SERVING, 200), (Gate.STARTING, 503)):
            mover.ends = [ServiceEnd("sonarr", Result.HELD, (Hold(gate, "why", "cure"),))]
            connection.request("POST", HOOKS[0], alertmanager(named("SonarrDown")), JSON)
            answer = connection.getresponse()
            answer.read()
            assert (answer.status, answer.will_close) == (status, status == 503)
        connection.close()


async def test_retry_after_is_when_it_passes(
    client: httpx2.AsyncClient, cluster: SimulatedCluster, mover: Mover
) -> None:
    mover.ends = [ServiceEnd("sonarr", Result.HELD, (Hold(Gate.STARTING, "", "", cluster.clock.now + 20),))]
    assert 15 <= int((await send(client, named("SonarrDown"))).headers["retry-after"]) <= 21
    mover.ends = [ServiceEnd("sonarr", Result.HELD, (Hold(Gate.STARTING, "", "", cluster.clock.now - 20),))]
    assert (await send(client, named("SonarrDown"))).headers["retry-after"] == "1"
    mover.ends = [ServiceEnd("sonarr", Result.HELD, (Hold(Gate.STARTING, "", "", cluster.clock.now + 9000),))]
    assert (await send(client, named("SonarrDown"))).headers["retry-after"] == "60"


async def test_a_witness_is_kept_in_the_lease_once_and_taken_back(
    client: httpx2.AsyncClient, cluster: SimulatedCluster, mover: Mover
) -> None:
    for _ in range(5):
        answer = await send(client, named("NodeOff"))
        assert answer.json()["alerts"][0]["result"] == "witness"
    (witness,) = witnesses(cluster)
    assert {key: witness[key] for key in ("fingerprint", "node", "name", "began")} == {
        "fingerprint": "c1f2a3b4d5e6f708",
        "node": "k3s-w1",
        "name": "NodeOff",
        "began": f"{BEGAN[:26]}Z",
    }
    ended = await send(client, named("NodeOff", "resolved"))
    assert ended.json()["alerts"][0]["result"] == "withdrawn"
    assert witnesses(cluster) == []
    assert mover.orders == []


async def test_a_witness_of_a_node_that_is_not_there_says_so(
    client: httpx2.AsyncClient, cluster: SimulatedCluster
) -> None:
    other = entry(labels={"alertname": "NodeOff", "node": "w1"}, fingerprint="b" * 16)
    for _ in range(50):
        answer = await send(client, named("NodeOff"), other)
        details = [alert["detail"] for alert in answer.json()["alerts"]]
        if details[1]:
            break
        await asyncio.sleep(0.1)  # the cluster is not seen yet
    assert details == ["", "the cluster has no node w1: expected a node's name in Kubernetes"]
    assert {each["node"] for each in witnesses(cluster)} == {"k3s-w1", "w1"}


async def test_a_storm_of_repeats_is_written_down_once(client: httpx2.AsyncClient, cluster: SimulatedCluster) -> None:
    await send(client, *[named("NodeOff")] * 40)
    writes = [request for request in cluster.api.requests if request[0] in {"PUT", "POST"}]
    assert len(writes) == 1


async def test_several_alerts_of_one_body_are_each_told(client: httpx2.AsyncClient) -> None:
    body = alertmanager(named("NodeOff"), named("Watchdog"), "garbage", named("SonarrDown"), truncatedAlerts=2)
    answer = await client.post(HOOKS[0], content=body, headers=JSON)
    assert [alert["result"] for alert in answer.json()["alerts"]] == [
        "witness",
        "ignored",
        "unreadable",
        "nothing-to-do",
    ]
    assert answer.json()["alerts"][2]["fingerprint"] is None
    assert answer.json()["left_out"] == 2


@pytest.mark.parametrize(
    ("body", "headers", "slug", "status"),
    [
        (b"{", JSON, "bad-request", 400),
        (b"{}", JSON, "bad-request", 400),
        (alertmanager(entry(), version="5"), JSON, "bad-request", 400),
        (grafana(entry()), JSON, "bad-request", 400),
        (b"alerts=1", {"content-type": "application/x-www-form-urlencoded"}, "unsupported-media-type", 415),
        (b" " * (1024 * 1024 + 1), JSON, "body-too-large", 413),
    ],
)
async def test_what_is_no_body_of_alerts_is_refused_as_a_whole(
    client: httpx2.AsyncClient, body: bytes, headers: Json, slug: str, status: int
) -> None:
    problem(await client.post(HOOKS[0], content=body, headers=headers), slug, status)


async def test_a_body_of_many_alerts_is_taken(client: httpx2.AsyncClient) -> None:
    answer = await send(client, *[named("Watchdog", annotations={"text": "x" * 400})] * 900)
    assert answer.status_code == 200
    assert len(answer.json()["alerts"]) == 900


async def test_each_alert_is_counted_by_what_became_of_it(client: httpx2.AsyncClient, mover: Mover) -> None:
    mover.ends = [ServiceEnd("sonarr", Result.HELD, (SERVING,))]
    await send(client, named("SonarrDown"), named("Watchdog"), "garbage")
    lines = (await client.get("/metrics")).text.splitlines()
    counted = {line for line in lines if line.startswith("failover_automatic_alerts_total{")}
    assert counted >= {
        'failover_automatic_alerts_total{result="held"} 1.0',
        'failover_automatic_alerts_total{result="ignored"} 1.0',
        'failover_automatic_alerts_total{result="unreadable"} 1.0',
        'failover_automatic_alerts_total{result="moved"} 0.0',
    }


async def test_get_is_not_allowed(client: httpx2.AsyncClient) -> None:
    problem(await client.get(HOOKS[0]), "method-not-allowed", 405)


# Who may


@pytest.mark.usefixtures("unguarded")
async def test_a_token_with_execute_is_needed(stage: Stage, kubeconfig: str, mover: Mover) -> None:
    give_tokens(stage, looker=("plan", '"*"'), few=("execute", "sonarr"), all=("execute", '"*"'))
    stage.declare(SERVICES, top=TOP)
    app = stage.app(stage.settings(cluster=kubeconfig))
    async with stage.client(app=app) as client:
        app.state.components.automatic.mover = lambda: mover
        problem(await send(client, named("SonarrDown")), "unauthenticated", 401)
        problem(await send(client, named("SonarrDown"), token="wrong"), "unauthenticated", 401)
        problem(await send(client, named("SonarrDown"), token="looker"), "forbidden", 403)
        assert (await send(client, named("SonarrDown"), token="few")).status_code == 200
        media = problem(await send(client, named("MediaDown"), token="few"), "forbidden", 403)
        assert media["detail"] == "few may not do what the catalog says that the alert means"
        problem(await send(client, named("NodeGone"), token="few"), "forbidden", 403)
        problem(await send(client, named("NodeOff"), token="few"), "forbidden", 403)
        mixed = await send(client, named("NodeGone"), named("SonarrDown"), token="few")
        assert [alert["result"] for alert in mixed.json()["alerts"]] == ["forbidden", "nothing-to-do"]
        assert {mixed.json()["alerts"][0][key] for key in ("means", "node", "group")} == {None}
        for name in ("MediaDown", "NodeGone", "NodeOff"):
            assert (await send(client, named(name), token="all")).status_code == 200
    assert [order.services or order.node for order in mover.orders] == [
        ("sonarr",),
        ("sonarr",),
        ("sonarr", "radarr"),
        "k3s-w1",
    ]


# Off, without a cluster, without a Lease


async def test_where_it_is_off_it_is_held_by_opt_in_without_a_cluster(stage: Stage) -> None:
    stage.declare(SERVICES, top=TOP.replace("mode: act", "mode: none"))
    async with stage.client() as client:
        answer = await send(client, named("NodeGone"), named("NodeOff"), named("SonarrDown"))
    assert answer.status_code == 200
    assert {alert["held"] for alert in answer.json()["alerts"]} == {"opt-in"}


async def test_where_it_is_on_a_cluster_is_needed(stage: Stage) -> None:
    stage.declare(SERVICES, top=TOP)
    async with stage.client() as client:
        problem(await send(client, named("NodeOff")), "cluster-needed", 409)
        problem(await send(client, named("SonarrDown")), "cluster-needed", 409)
        assert (await send(client, named("Watchdog"))).status_code == 200


async def test_an_api_server_that_does_not_answer_is_blind_and_it_is_to_come_again(
    client: httpx2.AsyncClient, cluster: SimulatedCluster
) -> None:
    cluster.api.faults.add(ApiFault("status", status=503))
    answer = await send(client, named("NodeOff"))
    assert (answer.status_code, answer.json()["alerts"][0]["held"]) == (503, "blind")
    assert answer.headers["retry-after"] == "30"
