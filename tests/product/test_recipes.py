"""docs/RECIPES.md: what other programs would send by their configuration there is sent to the real service."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jinja2
import pytest
from ruamel.yaml import YAML

from tests.support.project import ROOT, hook
from tests.support.stage import SONARR, Stage

PAGE = (ROOT / "docs/RECIPES.md").read_text(encoding="utf-8")
LOOKS, MOVES = "failover_looks", "failover_moves"  # as in the stage's access file
SERVICE = "http://failover-api.operations"


def sample(name: str) -> Any:
    """The YAML sample of this name, with the placeholders of its program filled in."""
    (text,) = re.findall(rf"^```yaml\n# {re.escape(name)}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for placeholder, value in {
        "{{HOMEPAGE_VAR_FAILOVER_TOKEN}}": LOOKS,
        "${FAILOVER_TOKEN}": LOOKS,
        "!secret failover_authorization": f"Bearer {MOVES}",
    }.items():
        text = text.replace(placeholder, value)
    return YAML(typ="safe").load(text)


def path(url: str) -> str:
    """Below the service that the page calls; any other is a slip."""
    assert url.startswith(f"{SERVICE}/"), url
    return url.removeprefix(SERVICE)


@pytest.fixture
def guarded(stage: Stage) -> Stage:
    """One token may look, the other may move."""
    stage.access_file.write_text(
        json.dumps(
            {
                "tokens": [
                    {"name": name, "sha256": hashlib.sha256(token.encode()).hexdigest(), "allow": verbs}
                    for name, token, verbs in (("dashboard", LOOKS, ["view"]), ("home", MOVES, ["view", "execute"]))
                ]
            }
        )
    )
    return stage


async def test_homepage_lists_all_services_and_their_sides(guarded: Stage) -> None:
    widget = sample("services.yaml of Homepage")[0]["Operations"][0]["failover-api"]["widget"]
    async with guarded.client() as client:
        answer = (await client.get(path(widget["url"]), headers=widget["headers"])).json()
    shown = widget["mappings"]
    rows = [(item[shown["name"]], item[shown["label"]]) for item in answer[shown["items"]]]
    assert rows == [("sonarr", "primary"), ("radarr", "primary"), ("plex", "primary")]


async def test_gatus_is_green_until_sonarr_leaves_home(guarded: Stage) -> None:
    ready, at_home = sample("config.yaml of Gatus")["endpoints"]
    async with guarded.client() as client:
        assert await is_met(client, ready)
        assert await is_met(client, at_home)
        await client.post("/api/failover/sonarr/promote", headers={"authorization": f"Bearer {MOVES}"})
        assert await is_met(client, ready)
        assert not await is_met(client, at_home)


async def is_met(client: httpx2.AsyncClient, endpoint: Mapping[str, Any]) -> bool:
    """Whether all conditions of an endpoint hold: those that the page uses."""
    response = await client.get(path(endpoint["url"]), headers=endpoint.get("headers"))
    values = {"[STATUS]": str(response.status_code)}
    values |= {f"[BODY].{key}": str(value) for key, value in response.json().items()}
    sides = [condition.split(" == ") for condition in endpoint["conditions"]]
    return all(values[left] == right for left, right in sides)


async def test_uptime_kuma_finds_the_side_by_its_query(guarded: Stage) -> None:
    cells = dict(re.findall(r"^\| (URL|Json Query|Expected Value|Headers) \| `(.+?)` \|$", PAGE, re.MULTILINE))
    headers = json.loads(cells["Headers"].replace("failover_...", LOOKS))
    async with guarded.client() as client:
        answer = (await client.get(path(cells["URL"]), headers=headers)).json()
        assert answer[cells["Json Query"]] == cells["Expected Value"]
        assert (await client.get("/readyz")).status_code == 200


async def test_home_assistant_moves_with_a_reason_and_shows_the_side(guarded: Stage) -> None:
    configuration = sample("configuration.yaml of Home Assistant")
    command, (rest,) = configuration["rest_command"]["failover_move"], configuration["rest"]
    (step,) = sample("script.yaml of Home Assistant")["sonarr_to_backup"]["sequence"]
    assert step["action"] == "rest_command.failover_move"
    templates = jinja2.Environment(autoescape=False)  # noqa: S701 - as Home Assistant has them: the text is no HTML
    templates.filters["to_json"] = json.dumps
    data = {**step["data"], "reason": 'He said "move"'}

    def filled(text: str, **values: Any) -> str:
        return templates.from_string(text).render(**values)

    async with guarded.client() as client:
        moved = await client.request(
            command["method"].upper(),
            path(filled(command["url"], **data)),
            content=filled(command["payload"], **data),
            headers={**command["headers"], "content-type": command["content_type"]},
        )
        assert (moved.status_code, moved.json()["changed"]) == (200, True)
        seen = (await client.get(path(rest["resource"]), headers=rest["headers"])).json()
    assert filled(rest["sensor"][0]["value_template"], value_json=seen) == "backup"
    assert seen["last_move"]["reason"] == 'He said "move"'


async def test_what_the_proxy_makes_of_an_alert_moves_the_group_and_its_repeat_does_nothing(guarded: Stage) -> None:
    services = guarded.catalog_file.read_text(encoding="utf-8")
    guarded.catalog_file.write_text(f"{services}groups:\n  k3s-w1: [sonarr, radarr]\n", encoding="utf-8")
    (url,) = re.findall(r'proxy_pass "(.+)";', PAGE)
    headers = {"authorization": f"Bearer {MOVES}"}
    async with guarded.client() as client:
        first = await client.post(path(url), headers=headers)
        again = await client.post(path(url), headers=headers)
    assert (first.status_code, first.json()["changed"]) == (200, True)
    assert (again.status_code, again.json()["changed"]) == (200, False)
    assert b"role: backup" in (guarded.read(SONARR) or b"")


async def test_alertmanagers_own_body_is_refused_as_the_page_says(guarded: Stage) -> None:
    body = {"version": "4", "status": "firing", "receiver": "failover-k3s-w1", "alerts": []}
    async with guarded.client() as client:
        refused = await client.post(
            "/api/failover/sonarr/promote", json=body, headers={"authorization": f"Bearer {MOVES}"}
        )
    assert refused.status_code == 400
    assert b"role: primary" in (guarded.read(SONARR) or b"")


def test_alertmanager_sends_only_what_fires_to_a_receiver_that_exists() -> None:
    configuration = sample("alertmanager.yml")
    receivers = {receiver["name"]: receiver for receiver in configuration["receivers"]}
    (route,) = configuration["route"]["routes"]
    assert configuration["route"]["receiver"] in receivers
    (webhook,) = receivers[route["receiver"]]["webhook_configs"]
    assert webhook["send_resolved"] is False
    assert f"location = {urlsplit(webhook['url']).path} {{" in PAGE


def test_the_hook_that_the_page_names_exists() -> None:
    (repository,) = sample(".pre-commit-config.yaml")["repos"]
    assert repository["hooks"] == [{"id": hook()["id"]}]
