"""docs/ALERTS.md: what other programs would send by their configuration there is sent to the real service."""

import hashlib
import json
import re
from enum import StrEnum
from typing import Any

import jinja2
import pytest
from ruamel.yaml import YAML

from failover_api.automatic.alert_desk import Result
from failover_api.core.catalog.automatic import Meaning
from failover_api.core.catalog.load import parse_catalog
from failover_api.core.safety.alerts import Meant, meaning_of
from failover_api.core.safety.governance import Alert
from failover_api.edges.api import alerts
from tests.support.project import ROOT
from tests.support.stage import SONARR, Stage

PAGE = (ROOT / "docs/ALERTS.md").read_text(encoding="utf-8")
SERVICE = "http://failover-api.operations"
TOKEN = "failover_of_the_page"


def text(name: str) -> str:
    (found,) = re.findall(rf"^```yaml\n# {re.escape(name)}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def sample(name: str) -> Any:
    return YAML(typ="safe").load(text(name).replace("${FAILOVER_TOKEN}", TOKEN))


def path(url: str) -> str:
    assert url.startswith(f"{SERVICE}/"), url
    return url.removeprefix(SERVICE)


@pytest.fixture
def guarded(stage: Stage) -> Stage:
    """One token, which may plan and move."""
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    rows = [{"name": "page", "sha256": digest, "allow": ["plan", "execute"]}]
    stage.access_file.write_text(json.dumps({"tokens": rows}))
    return stage


def test_the_catalog_of_the_page_means_what_its_alerts_say() -> None:
    catalog = parse_catalog(text("services.yaml"), file="services.yaml")
    found = [
        meaning_of(Alert("f", 1.0, labels={"alertname": name, "node": "k3s-w1"}), catalog)
        for name in ("NodeOff", "NodeGone", "SonarrDown", "MediaDown")
    ]
    assert all(isinstance(each, Meant) for each in found)
    assert [each.means for each in found if isinstance(each, Meant)] == ["node-off", "evacuate", "promote", "promote"]


@pytest.mark.parametrize(("column", "words"), [("means", Meaning), ("result", Result)])
def test_every_word_is_in_its_table(column: str, words: type[StrEnum]) -> None:
    (table,) = re.findall(rf"^\| `{column}` \|.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    cells = [row.split(" | ")[0] for row in table.splitlines()[2:]]
    assert {word for cell in cells for word in re.findall(r"`([a-z-]+)`", cell)} == {each.value for each in words}


def test_alertmanager_sends_what_the_rules_of_the_page_name_to_the_hook() -> None:
    whole = sample("alertmanager.yml")
    receivers = {receiver["name"]: receiver for receiver in whole["receivers"]}
    (route,) = whole["route"]["routes"]
    (webhook,) = receivers[route["receiver"]]["webhook_configs"]
    assert path(webhook["url"]) == alerts.ALERTMANAGER
    assert webhook.get("send_resolved", True)
    (matcher,) = route["matchers"]
    names = [each["match"]["alertname"] for each in YAML(typ="safe").load(text("services.yaml"))["alerts"]]
    assert matcher == f'alertname =~ "{"|".join(names)}"'


def test_grafana_sends_to_the_hook_with_a_bearer_token() -> None:
    (point,) = sample("contact-points.yaml of Grafana")["contactPoints"]
    (receiver,) = point["receivers"]
    settings = receiver["settings"]
    assert receiver["type"] == "webhook"
    assert path(settings["url"]) == alerts.GRAFANA
    assert (settings["httpMethod"], settings["authorization_scheme"]) == ("POST", "Bearer")


async def test_gatus_promotes_once_however_often_it_sends(guarded: Stage) -> None:
    whole = sample("alerting.yaml of Gatus")
    custom, (endpoint,) = whole["alerting"]["custom"], whole["endpoints"]
    assert endpoint["alerts"][0]["send-on-resolved"] is False
    body = custom["body"].replace("[ENDPOINT_NAME]", endpoint["name"])
    async with guarded.client() as client:
        answers = [
            await client.request(custom["method"], path(custom["url"]), content=body, headers=custom["headers"])
            for _ in range(3)
        ]
    assert [(each.status_code, each.json()["changed"]) for each in answers] == [(200, True), (200, False), (200, False)]
    assert "Reason: Gatus does not reach sonarr" in guarded.moves[0]


async def test_uptime_kuma_moves_when_it_goes_down_and_never_when_it_comes_up_or_is_tried(guarded: Stage) -> None:
    url, body, headers = (
        re.search(rf"^\| {field} \|[^`]*`(.+)` \|$", PAGE, re.MULTILINE)
        for field in ("Post URL", "Request Body", "Additional Headers")
    )
    assert url is not None
    assert body is not None
    assert headers is not None
    template = jinja2.Environment(autoescape=False).from_string(body[1])  # noqa: S701 - as Liquid: the text is no HTML
    sent = json.loads(headers[1].replace("failover_...", TOKEN))
    async with guarded.client() as client:

        async def notify(**context: Any) -> tuple[int, bool]:
            answer = await client.post(path(url[1]), content=template.render(**context), headers=sent)
            return answer.status_code, answer.json()["dry_run"]

        assert await notify(heartbeatJSON={"status": 1}) == (200, True)
        assert await notify(heartbeatJSON={}) == (200, True)
        assert b"role: primary" in (guarded.read(SONARR) or b"")
        assert await notify(heartbeatJSON={"status": 0}) == (200, False)
        assert b"role: backup" in (guarded.read(SONARR) or b"")
        assert await notify(heartbeatJSON={"status": 1}) == (200, True)
    assert b"role: backup" in (guarded.read(SONARR) or b"")
