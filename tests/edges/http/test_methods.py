"""HEAD and OPTIONS at every URL; and that what is answered as JSON ends with a newline."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from failover_api.edges.app import create_app
from failover_api.edges.board.assets import static_files
from tests.support.answers import problem
from tests.support.stage import SERVICES, Stage

NAMES = {
    "service": "sonarr",
    "name": "sonarr",
    "group": "media",
    "action": "promote",
    "node": "k3s-w1",
    "operation": "01JDAAAAAAAAAAAAAAAAAAAAAA",
    "id": "x",
}
VARIES = {"x-request-id", "failover-seen"}


@pytest.fixture
def declared(stage: Stage) -> dict[str, set[str]]:
    """Each URL of the app, and the methods that its routes are declared with."""
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}\nnodes: {primary: k3s-w1, backup: k3s-w2}")
    found: dict[str, set[str]] = {}
    for path, methods in urls(create_app(stage.settings(), open_to_all=True).routes):
        found.setdefault(path, set()).update(methods)
    assert len(found) > 20
    return found


def urls(routes: list[Any]) -> Iterator[tuple[str, set[str]]]:
    for route in routes:
        names = {**NAMES, "name": "media"} if route.path.startswith("/groups") else NAMES
        path = route.path.format(**names)
        yield static_files().url("board.js") if path.startswith("/static") else path, set(route.methods)


def facts(response: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name not in VARIES}


async def test_head_says_what_get_says_without_a_body(stage: Stage, declared: dict[str, set[str]]) -> None:
    for path in [path for path, methods in declared.items() if "GET" in methods]:
        async with stage.client() as client:  # each its own: a caller may look only so often
            url = (
                f"{path}?dry-run=true"
                if path.startswith("/api") and path.endswith(("mote", "back", "evacuate", "relocate"))
                else path
            )
            get, head = await client.get(url), await client.head(url)
        assert head.status_code == get.status_code, path
        assert head.content == b"", path
        assert facts(head).keys() == facts(get).keys(), path
        if path != "/metrics":  # it counts its own looks
            assert facts(head) == facts(get), path
        # nothing to roll back or to abort, unknown, nothing there has replication, no side named
        odd = {"rollback": 409, "operations": 404, "abort": 409, "k3s-w1/relocate": 422, "relocate": 400}
        expected = next(({status} for word, status in odd.items() if word in path), {200, 303})
        assert head.status_code in expected, path


async def test_options_says_which_methods_there_are_and_asks_for_no_token(
    stage: Stage, declared: dict[str, set[str]]
) -> None:
    stage.access_file.write_text("anonymous: none\ntokens: []\n")
    async with stage.client() as client:
        for path, methods in declared.items():
            response = await client.options(path)
            expected = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
            assert (response.status_code, response.content) == (204, b""), path
            assert response.headers["allow"] == ", ".join(sorted(expected)), path
            assert "access-control-allow-origin" not in response.headers
    assert not stage.requests


async def test_head_and_options_move_nothing_and_end_where_there_is_nothing(stage: Stage) -> None:
    async with stage.client() as client:
        head = await client.head("/api/failover/sonarr/promote")
        assert (head.status_code, head.headers["allow"], head.content) == (405, "POST", b"")
        assert (await client.head("/hooks/github")).headers["allow"] == "OPTIONS, POST"
        assert (await client.head("/api/nonesuch")).status_code == 404
        problem(await client.options("/api/nonesuch"), "not-found", 404)
    assert not stage.moves


async def test_what_is_read_by_programs_ends_with_a_newline(stage: Stage, declared: dict[str, set[str]]) -> None:
    seen = set()
    async with stage.client() as client:
        for path in [*declared, "/api/nonesuch", "/api/failover/nonesuch"]:
            for response in (await client.get(path), await client.post(path), await client.put(path)):
                if "json" in (kind := response.headers.get("content-type", "")):
                    assert response.text.endswith("}\n"), (path, response.text)
                    response.json()
                    seen.add(kind)
    assert seen == {"application/json", "application/problem+json"}
