"""GET /api/groups, and the nodes of a status: what the catalog says, for those who may see it."""

import pytest

from failover_api.core.access.model import digest_of
from tests.support.answers import problem
from tests.support.stage import SERVICES, Stage

GROUPS = "groups: {media: [radarr, sonarr], one: [sonarr]}"
NODES = "nodes: {primary: k3s-w1, backup: [k3s-w2, k3s-w3]}"


def allow(stage: Stage, allow: str, services: str) -> None:
    entry = f"{{name: one, sha256: {digest_of('t')}, allow: [{allow}], services: [{services}], expires: 2999-01-01}}"
    stage.access_file.write_text(f"tokens: [{entry}]\n")


async def test_groups_are_listed_in_the_order_of_the_catalog(stage: Stage) -> None:
    stage.declare(SERVICES, top=GROUPS)
    async with stage.client() as client:
        answer = await client.get("/api/groups")
    assert answer.status_code == 200
    assert answer.json() == {
        "groups": [{"name": "media", "services": ["radarr", "sonarr"]}, {"name": "one", "services": ["sonarr"]}]
    }
    assert not stage.requests, "the catalog says it all"


async def test_without_groups_the_list_is_empty(stage: Stage) -> None:
    async with stage.client() as client:
        assert (await client.get("/api/groups")).json() == {"groups": []}


async def test_a_group_with_a_hidden_service_is_hidden(stage: Stage) -> None:
    stage.declare(SERVICES, top=GROUPS)
    allow(stage, "view", "sonarr")
    async with stage.client() as client:
        answer = await client.get("/api/groups", headers={"authorization": "Bearer t"})
    assert answer.json() == {"groups": [{"name": "one", "services": ["sonarr"]}]}


@pytest.mark.parametrize(("token", "status", "slug"), [("", 401, "unauthenticated"), ("t", 403, "forbidden")])
async def test_groups_need_view(stage: Stage, token: str, status: int, slug: str) -> None:
    allow(stage, "execute", "'*'")
    async with stage.client() as client:
        answer = await client.get("/api/groups", headers={"authorization": f"Bearer {token}"} if token else {})
    problem(answer, slug, status)


async def test_a_status_and_the_list_name_the_nodes_behind_each_side(stage: Stage) -> None:
    stage.declare(SERVICES, top=NODES)
    async with stage.client() as client:
        status = (await client.get("/api/failover/sonarr")).json()
        (listed, *_) = (await client.get("/api/failover")).json()["services"]
    assert status["nodes"] == listed["nodes"] == {"primary": ["k3s-w1"], "backup": ["k3s-w2", "k3s-w3"]}


async def test_nodes_that_nobody_named_are_empty_lists(stage: Stage) -> None:
    async with stage.client() as client:
        assert (await client.get("/api/failover/sonarr")).json()["nodes"] == {"primary": [], "backup": []}
