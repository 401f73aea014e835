"""Alerts and dashboard: they build, name only what exists, and alerts go off when they should and not before."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.project import ROOT
from tests.support.scrape import Scrape
from tests.support.stage import Stage

MONITORING = ROOT / "manifests/components/monitoring"
OPERATIONS = ROOT / "OPERATIONS.md"
YAML_SAFE = YAML(typ="safe")
RULES: dict[str, Any] = YAML_SAFE.load(MONITORING / "rules.yaml")
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
ALERTS: list[dict[str, Any]] = [rule for group in RULES["spec"]["groups"] for rule in group["rules"]]
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
TARGETS = [(panel, target) for panel in PANELS for target in panel["targets"]]

WORDS = {"sum", "min", "max", "count", "by", "on", "and", "or", "time", "rate", "increase", "absent"} | {
    "histogram_quantile",
    "unless",
}
FROM_PROMETHEUS = {"instance"}
LEGEND = re.compile(r"\{\{ ?\$?(?:labels\.)?(\w+) ?\}\}")


def names(expression: str) -> set[str]:
    """The metrics of an expression."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on) *\([^)]*\)|\boffset +\w+", " ", expression)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", bare)) - WORDS


def labels(expression: str) -> set[str]:
    """The labels of an expression."""
    grouped = re.findall(r"\b(?:by|on) *\(([^)]*)\)", expression)
    matched = re.findall(r"(\w+) *(?:=~|!=|!~|=)", " ".join(re.findall(r"\{([^}]*)\}", expression)))
    return {word for group in grouped for word in re.findall(r"\w+", group)} | set(matched)


def values(expression: str) -> Iterator[tuple[str, str, str]]:
    """Metric, label and value of each matcher; a pattern is one of words."""
    for metric, matchers in re.findall(r"(\w+)\{([^}]*)\}", expression):
        for label, value in re.findall(r'(\w+) *=~? *"([^"]*)"', matchers):
            for word in value.split("|"):
                yield metric, label, word


def test_an_expression_is_taken_apart() -> None:
    text = (
        'max by (service) (failover_a{side=~"x|y"}) + sum(rate(failover_b_total[$__rate_interval])) and on (instance) z'
    )
    assert names(text) == {"failover_a", "failover_b_total", "z"}
    assert labels(text) == {"service", "side", "instance"}
    assert list(values(text)) == [("failover_a", "side", "x"), ("failover_a", "side", "y")]


# Built


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the component adds to a kustomization."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl, which builds it, is not here")
    folder = tmp_path_factory.mktemp("monitoring")
    shutil.copytree(MONITORING, folder / "monitoring")
    overlay = folder / "overlay"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text("components: [../monitoring]\n", encoding="utf-8")
    done = subprocess.run(["kubectl", "kustomize", overlay], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in YAML_SAFE.load_all(done.stdout) if document]


def test_it_builds_the_rules_and_a_dashboard_for_grafana_s_sidecar(built: list[dict[str, Any]]) -> None:
    found = {item["kind"]: item for item in built}
    assert sorted(found) == ["ConfigMap", "PrometheusRule"]
    assert found["PrometheusRule"] == RULES
    config = found["ConfigMap"]
    assert config["metadata"]["name"] == "failover-api-dashboard"
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/substitute"] == "disabled"
    assert {item["metadata"]["namespace"] for item in built} == {"operations"}
    assert json.loads(config["data"]["failover-api.json"]) == DASHBOARD
    assert len(config["data"]["failover-api.json"]) < 1_000_000, "a ConfigMap holds no more"


# Named


def exposed(scrape: Scrape) -> dict[str, set[str]]:
    """The labels of each series."""
    found: dict[str, set[str]] = {family.name: set() for family in scrape.families}
    for sample in scrape.samples:
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.fixture
async def scraped(stage: Stage) -> Scrape:
    """A scrape that has something of everything."""
    from tests.metrics.test_metrics import busy

    async with busy(stage) as here:
        return here.scrape()


async def test_rules_and_dashboard_name_only_what_exists(scraped: Scrape) -> None:
    known = exposed(scraped)
    expressions = [alert["expr"] for alert in ALERTS] + [target["expr"] for _, target in TARGETS]
    for expression in expressions:
        assert names(expression), expression
        assert names(expression) <= known.keys(), expression
        held = set().union(*(known[name] for name in names(expression)), FROM_PROMETHEUS)
        assert labels(expression) <= held, expression


async def test_every_value_that_is_matched_can_be_there(scraped: Scrape) -> None:
    expressions = [alert["expr"] for alert in ALERTS] + [target["expr"] for _, target in TARGETS]
    asked = {found for expression in expressions for found in values(expression)}
    assert len(asked) > 8
    for metric, label, word in asked:
        assert word in {held[label] for held in scraped.labels(metric)}, (metric, label, word)


def test_texts_name_only_labels_that_their_expression_keeps() -> None:
    for expression, texts in [
        *((alert["expr"], alert["annotations"].values()) for alert in ALERTS),
        *((target["expr"], [target["legendFormat"]]) for _, target in TARGETS),
    ]:
        kept = set(re.findall(r"\w+", " ".join(re.findall(r"\bby *\(([^)]*)\)", expression)))) | FROM_PROMETHEUS
        for text in texts:
            assert set(LEGEND.findall(text)) - {"value"} <= kept, (expression, text)


async def test_every_metric_of_ours_is_on_the_dashboard_or_in_an_alert(scraped: Scrape) -> None:
    shown = set().union(*(names(alert["expr"]) for alert in ALERTS), *(names(t["expr"]) for _, t in TARGETS))
    shown = {re.sub(r"_(bucket|total)$", "", name) for name in shown}
    unused = {family.name for family in scraped.families if family.name.startswith("failover_")} - shown
    assert unused == {"failover_dry_runs", "failover_service_readable", "failover_catalog_services"}


# Alerts


def test_every_alert_says_what_is_so_and_where_to_read_on() -> None:
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert re.fullmatch(r"Failover[A-Z]\w+", alert["alert"])
        assert alert["labels"]["severity"] in {"warning", "critical"}
        assert set(alert["annotations"]) == {"summary", "description", "runbook"}


def test_every_alert_has_a_heading_of_its_own_that_says_what_to_do() -> None:
    if not OPERATIONS.exists():
        pytest.skip("OPERATIONS.md is not here")
    parts = re.split(r"^##+ +(.+)$", OPERATIONS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    for alert in ALERTS:
        name = alert["alert"]
        assert alert["annotations"]["runbook"] == f"{OPERATIONS.name}#{name.lower()}"
        means, _, rest = sections[name].strip().partition("\n\nLook at: ")
        look, _, cure = rest.partition("\n\nCure: ")
        assert means, name
        assert look, name
        assert cure, name
    own = {heading for heading in sections if heading.startswith("Failover")}
    assert own == {alert["alert"] for alert in ALERTS}, "a heading without its alert"


def test_a_heading_names_what_its_alert_is_about() -> None:
    """A label of the expression that decides what is to be done is named where one reads on."""
    text = OPERATIONS.read_text(encoding="utf-8") if OPERATIONS.exists() else pytest.skip("OPERATIONS.md is not here")
    for alert in ALERTS:
        section = text.partition(f"### {alert['alert']}\n")[2].partition("\n##")[0]
        for label in LEGEND.findall(alert["annotations"]["summary"]):
            if label in {"problem", "limit", "gate"}:
                assert f"`{label}`" in section, (alert["alert"], label)


def test_time_without_serving_does_not_begin_anew_with_each_stage() -> None:
    """An app that ends again and again is blocked and rolling out by turns, for less than ten minutes each."""
    (alert,) = [each for each in ALERTS if each["alert"] == "FailoverNotServing"]
    assert "stage" not in " ".join(re.findall(r"\bby *\(([^)]*)\)", alert["expr"]))


def test_alerts_go_off_when_they_should_and_not_before(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool, which comes with Prometheus, is not here")
    with (tmp_path / "rules.yaml").open("w", encoding="utf-8") as out:
        YAML_SAFE.dump(RULES["spec"], out)
    shutil.copy(Path(__file__).with_name("alerts.yaml"), tmp_path)
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# Dashboard


def test_the_dashboard_has_a_panel_for_each_question() -> None:
    titles = {panel["title"] for panel in PANELS}
    assert {"Where everything is", "Moves by outcome", "How long moves take", "GitHub requests"} <= titles
    assert {"Rate limit: requests left", "Open pull requests: age"} <= titles
    (timeline,) = [panel for panel in PANELS if panel["type"] == "state-timeline"]
    assert timeline["title"] == "Where everything is"


def test_panels_have_their_own_place_and_the_chosen_source() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert cells.isdisjoint(own), panel["title"]
        cells |= own
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert {target["datasource"]["uid"] for _, target in TARGETS} == {"${datasource}"}
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource"]
