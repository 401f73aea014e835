"""`failover relocate --group` and `--node`: what is shown, what is followed, and what each word goes with."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from failover_api.edges.cli import relocations
from tests.support.relocating import Homelab
from tests.support.relocating_groups import QUICK, declare, group_lab, made
from tests.support.shell import Cli

HOME = ("relocate", "--group", "all", "--to", "primary")


@pytest.fixture
def lab(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Homelab]:
    monkeypatch.setattr(relocations, "POLL_S", 0.3)
    with group_lab(cli.stage, tmp_path, kind="none") as made_up:
        monkeypatch.setenv("FAILOVER_CLUSTER", str(made_up.kubeconfig))
        monkeypatch.setenv("FAILOVER_CLUSTER_TIMEOUT_S", "10")
        yield made_up


def test_it_is_followed_to_its_end_and_each_line_says_whose_it_is(cli: Cli, lab: Homelab) -> None:
    with lab.obeyed():
        result = cli(*HOME, "--reason", "k3s-w1 is back")
    first, second, last, operation = result.stdout.splitlines()
    assert (first, second) == (
        "app is on primary.",
        "db is on primary.",
    )
    assert last == "Group all: it is done."
    assert operation.startswith("operation 01")
    told = [line.partition(": ")[0] for line in result.stderr.splitlines()]
    assert list(dict.fromkeys(told)) == ["app", "db"]
    assert "db: 4/5 cutover " in result.stderr
    assert made(lab) == QUICK


def test_a_dry_run_shows_the_order_and_every_step(cli: Cli, lab: Homelab) -> None:
    result = cli(*HOME, "--dry-run")
    assert result.stdout.index("app to primary\n") < result.stdout.index("db to primary\n")
    assert result.stdout.count('-  "replicas": 1,\n+  "replicas": 0,') == 2
    last = "Group all: app to primary, then db to primary would be relocated, one after the other. Nothing was written."
    assert result.stdout.endswith(f"{last}\n")
    assert made(lab) == []


def test_a_node_leaves_it_to_a_service_and_is_aborted(cli: Cli, lab: Homelab) -> None:
    before = {file: lab.stage.read(file) for file in lab.files}
    left = cli("relocate", "--node", "k3s-w2", "--no-wait")
    assert left.stdout.splitlines()[0].startswith("app is on its way to primary, in quiesce: ")
    assert "db is not relocated to primary yet: It waits for app.\n" in left.stdout
    assert "Node k3s-w2: it is under way: app: " in left.stdout
    again = json.loads(cli("relocate", "--node", "k3s-w2", "--no-wait", "--json").stdout)
    assert again["operation"] in left.stdout
    other = cli("relocate", "--node", "k3s-w2", "--home", code=3)
    assert f"by operation {again['operation']}, which is at app" in other.stderr
    assert "To end it: failover relocate --node k3s-w2 --abort\n" in other.stderr
    refused = cli("relocate", "--group", "all", "--to", "primary", code=3)
    assert "app: it is relocated already, by operation" in refused.stderr
    aborted = cli("relocate", "--node", "k3s-w2", "--abort")
    assert "The relocation of app to primary has stopped in quiesce: It was aborted.\n" in aborted.stdout
    assert "Node k3s-w2: it has stopped: app: It was aborted.\n" in aborted.stdout
    assert {file: lab.stage.read(file) for file in lab.files} == before
    none = cli("relocate", "--node", "k3s-w1", "--home", "--dry-run", "--json")
    assert [one["service"] for one in json.loads(none.stdout)["relocations"]] == ["app", "db"]
    nothing = cli("relocate", "--node", "k3s-w1")
    assert nothing.stdout == "Node k3s-w1: nothing is to be relocated.\n"


def test_who_is_refused_is_named_with_the_line_to_paste(cli: Cli, lab: Homelab) -> None:
    declare(lab.stage, without=("db",), kind="none")
    result = cli(*HOME, code=2)
    assert (
        "No safe plan can be made: db: no `replication` in the catalog says how its data comes to primary; "
        in result.stderr
    )
    assert "To relocate the others: failover relocate --group all --to primary --skip-refused" in result.stderr
    shown = cli(*HOME, "--skip-refused", "--dry-run")
    assert "Left out: db: " in shown.stderr
    declare(lab.stage, without=("app", "db"), kind="none")
    nobody = cli(*HOME, "--skip-refused", code=2)
    assert nobody.stderr == (
        "2 services are refused, so none of them moves:\n"
        "  app, db: no `replication` in the catalog says how its data comes to primary; `replication: {kind: none}` "
        "says that nothing needs to be brought\n"
    )
    declare(lab.stage, without=("db",), kind="none")
    assert "Group all: app to primary would be relocated" in shown.stdout
    assert made(lab) == []


def test_what_stops_is_said_with_another_exit_code(cli: Cli, lab: Homelab) -> None:
    """While the first is under way, somebody stops the app of the other by hand."""
    with lab.obeyed(), ThreadPoolExecutor() as pool:
        pool.submit(_stop_db_once_app_has_cut_over, lab)
        result = cli(*HOME, code=5)
    assert "app is on primary.\n" in result.stdout
    assert "The relocation of db to primary has stopped in reverse: spec.replicas of Deployment" in result.stdout
    assert "Group all: it has stopped: db: spec.replicas of Deployment media/db is 0: the app does not" in result.stdout
    assert made(lab) == [*QUICK[:3], "db held"]


def _stop_db_once_app_has_cut_over(lab: Homelab) -> None:
    while made(lab)[-1:] != ["app cutover"]:
        time.sleep(0.05)
    lab.stage.replace("apps/db/deployment.yaml", '"replicas": 1', '"replicas": 0')


@pytest.mark.parametrize(
    "words",
    [
        ("relocate",),
        ("relocate", "app", "--group", "all", "--to", "primary"),
        ("relocate", "--group", "all"),
        ("relocate", "--node", "k3s-w1", "--to", "primary"),
        ("relocate", "--group", "all", "--to", "primary", "--home"),
        ("relocate", "--group", "all", "--to", "primary", "--synced"),
        ("relocate", "app", "--to", "primary", "--skip-refused"),
        ("relocate", "--node", "k3s-w1", "--home", "--abort"),
        ("relocate", "--group", "all", "--abort", "--dry-run"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(cli: Cli, words: tuple[str, ...]) -> None:
    cli(*words, code=2)


def test_a_running_service_carries_it_out(cli: Cli, lab: Homelab) -> None:
    with cli.stage.served(cluster=str(lab.kubeconfig), cluster_timeout_s=10) as url, lab.obeyed():
        result = cli(*HOME, "--server", url)
        there = cli(*HOME, "--server", url)
        refused = cli("relocate", "--group", "all", "--abort", "--server", url, code=3)
    assert "Group all: it is done.\n" in result.stdout
    assert there.stdout == ("app is on primary already.\ndb is on primary already.\nGroup all: it is done.\n")
    assert "no relocation of all is under way" in refused.stderr
    assert made(lab) == QUICK


def test_one_of_them_is_followed_by_itself(cli: Cli, lab: Homelab) -> None:
    with cli.stage.served(cluster=str(lab.kubeconfig), cluster_timeout_s=10) as url:
        cli(*HOME, "--no-wait", "--server", url)
        with lab.obeyed():
            alone = cli("relocate", "app", "--to", "primary", "--server", url)
    assert alone.stdout == "app is on primary.\n"
