"""`failover rollout`, `failover report`, and waiting for what comes after the commit."""

import asyncio
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.text.escaping import escape_markup
from failover_api.edges.cli.report import _text, markdown
from tests.support.homelab_cluster import HomelabCluster, homelab_cluster
from tests.support.shell import Cli
from tests.support.stage import SERVICES, SONARR, Stage, entry

GROUP = "groups: {media: [sonarr, radarr]}"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HomelabCluster]:
    with homelab_cluster(tmp_path) as made:
        monkeypatch.setenv("FAILOVER_CLUSTER", str(made.kubeconfig))
        yield made


def follow(stage: Stage, cluster: HomelabCluster, *, pod: str = "ready", after_s: float = 0.5) -> threading.Timer:
    """Flux, which applies what the branch has a moment after it has moved."""
    before = stage.sandbox.head(repository=stage.repository)

    def apply() -> None:
        while (head := stage.sandbox.head(repository=stage.repository)) == before:
            threading.Event().wait(0.05)
        threading.Event().wait(after_s)
        cluster.applied("backup", head, pod=pod)

    timer = threading.Timer(0, apply)
    timer.daemon = True
    timer.start()
    return timer


# Waiting


def test_until_serving_ends_when_the_pod_is_ready(cli: Cli, cluster: HomelabCluster) -> None:
    follow(cli.stage, cluster)
    result = cli("promote", "sonarr", "--until", "serving", "--timeout", "60s")
    assert "sonarr moved from primary to backup in Git" in result.stdout
    assert "waiting until sonarr is serving" in result.stderr
    assert result.stderr.rstrip().endswith("sonarr is serving")


def test_until_applied_does_not_wait_for_the_pod(cli: Cli, cluster: HomelabCluster) -> None:
    follow(cli.stage, cluster, pod="none")
    assert "sonarr is applied" in cli("promote", "sonarr", "--until", "applied", "--timeout", "60s").stderr


def test_what_does_not_come_in_time_is_exit_5_and_says_how_far_it_is(cli: Cli, cluster: HomelabCluster) -> None:
    cluster.flux(cli.stage.sandbox.head(repository=cli.stage.repository))
    result = cli("promote", "sonarr", "--until", "serving", "--timeout", "1s", code=5)
    assert "the change is made, and sonarr is not serving in time: waiting-for-apply, not fetched yet" in result.stderr
    assert cli.stage.moves


def test_a_blocked_one_says_why_while_it_waits(cli: Cli, cluster: HomelabCluster) -> None:
    cluster.strategy = "Recreate"
    cluster.node("k3s-w1", ready="Unknown")
    follow(cli.stage, cluster, pod="none", after_s=0)
    cluster.pod("primary", is_ready=False, deleted_ago_s=60)
    result = cli("promote", "sonarr", "--until", "serving", "--timeout", "6s", code=5)
    assert "sonarr: blocked: The old pod sonarr-primary-x is on k3s-w1, which is not ready" in result.stderr


def test_what_is_there_already_is_waited_for_too(cli: Cli, cluster: HomelabCluster) -> None:
    assert "sonarr is serving" in cli("demote", "sonarr", "--until", "serving", "--timeout", "5s").stderr
    assert not cli.stage.writes


def test_the_strategy_is_put_back_by_who_waits(cli: Cli, cluster: HomelabCluster) -> None:
    stage = cli.stage
    text = (stage.read(SONARR) or b"").decode().replace("replicas: 1", "replicas: 1\n  strategy: {type: Recreate}")
    stage.commit({SONARR: text})
    stage.declare(entry("sonarr", "media", "unblock: rolling"))
    follow(stage, cluster)
    cli("promote", "sonarr", "--until", "serving", "--timeout", "60s")
    assert b"strategy: {type: Recreate}" in (stage.read(SONARR) or b"")
    assert len(stage.moves) == 2


def test_one_that_git_says_otherwise_of_is_not_waited_for(cli: Cli, cluster: HomelabCluster) -> None:
    stage = cli.stage
    before, text = stage.sandbox.head(repository=stage.repository), stage.read(SONARR) or b""

    def undo() -> None:
        while stage.sandbox.head(repository=stage.repository) == before:
            threading.Event().wait(0.05)
        stage.commit({SONARR: text})

    threading.Timer(0, undo).start()
    began = time.monotonic()
    result = cli("promote", "sonarr", "--until", "serving", "--timeout", "50s", code=5)
    assert time.monotonic() - began < 40
    assert result.stderr.rstrip().endswith("changed in Git since: the branch has the service on primary now")


def test_what_cannot_be_seen_is_said_before_the_write(cli: Cli) -> None:
    problem = cli.json("promote", "sonarr", "--until", "serving", code=2)
    assert problem["type"] == "urn:failover-api:problem:bad-request"
    assert problem["detail"] == (
        "whether sonarr will be serving cannot be seen from here; nothing was written. --yes moves all the same"
    )
    assert not cli.stage.writes


def test_yes_moves_all_the_same(cli: Cli) -> None:
    result = cli("promote", "sonarr", "--until", "serving", "--timeout", "1s", "--yes", code=5)
    assert cli.stage.moves
    assert "sonarr is not serving in time" in result.stderr


def test_of_a_group_those_that_cannot_be_seen_are_named(cli: Cli, cluster: HomelabCluster) -> None:
    cli.stage.declare(SERVICES, top=GROUP)
    problem = cli.json("promote", "--group", "media", "--until", "serving", code=2)
    assert problem["detail"].startswith("whether radarr will be serving cannot be seen from here")


def test_where_fluxs_events_tell_of_applied_it_is_waited_for_without_a_cluster(
    stage: Stage, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "flux"
    secret.write_text("geheim")
    with stage.served(flux_events_secret_file=secret) as url:
        monkeypatch.setenv("FAILOVER_SERVER", url)
        refused = cli.json("promote", "sonarr", "--until", "applied", code=2)
        assert refused["detail"].startswith("whether sonarr will be applied cannot be seen from here")
        sha = cli.json("promote", "sonarr")["commit"]["sha"]
        applied = {
            "involvedObject": {"kind": "Kustomization", "name": "apps", "namespace": "flux-system"},
            "timestamp": "2099-11-23T04:00:21Z",
            "metadata": {"kustomize.toolkit.fluxcd.io/revision": f"main@sha1:{sha}"},
        }
        body = json.dumps(applied).encode()
        signed = {"x-signature": f"sha256={hmac.new(b'geheim', body, hashlib.sha256).hexdigest()}"}
        assert httpx2.post(f"{url}/hooks/flux", content=body, headers=signed).status_code == 204
        result = cli("demote", "sonarr", "--until", "applied", "--timeout", "1s", code=5)
    assert "sonarr is not applied in time: unknown, not fetched yet" in result.stderr
    assert len(stage.moves) == 2


def test_it_is_part_of_the_question_on_a_terminal(run) -> None:
    shell = run("promote", "sonarr", "--until", "serving")
    shell.wait_for("[y/N]")
    assert "warning: whether sonarr will be serving cannot be seen from here" in shell.seen
    shell.type("n\n")
    assert shell.end() == 3


def test_a_dry_run_waits_for_nothing(cli: Cli) -> None:
    cli("promote", "sonarr", "--dry-run", "--until", "serving")


def test_a_merge_that_does_not_come_in_time_is_exit_5(cli: Cli) -> None:
    cli.stage.declare(SERVICES, top="policy: pull_request")
    result = cli("promote", "sonarr", "--until", "merged", "--timeout", "1s", code=5)
    assert "no longer waiting: it is not merged in time, and the pull request stays open" in result.stderr
    assert cli.stage.pulls()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--timeout", "5m"), "--timeout goes with --until or --wait"),
        (("--until", "serving", "--timeout", "5"), "expected a duration like 90s, 5m or 2h"),
        (("--until", "done"), "'done' is not one of"),
    ],
)
def test_what_the_options_cannot_mean_is_exit_2(cli: Cli, words: tuple[str, ...], error: str) -> None:
    assert error in cli("promote", "sonarr", *words, code=2).stderr
    assert not cli.stage.writes


# rollout


def test_a_rollout_is_a_line_a_step(cli: Cli, cluster: HomelabCluster) -> None:
    outcome = cli.json("promote", "sonarr")
    cluster.applied("backup", outcome["commit"]["sha"])
    lines = cli("rollout", "sonarr", "--utc").stdout.splitlines()
    assert lines[0] == f"sonarr is serving  operation {outcome['operation']}"
    assert [line.split()[0] for line in lines[1:6]] == ["committed", "fetched", "applied", "started", "ready"]
    assert all(re.search(r" \d\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", line) for line in lines[1:6])
    assert cli.json("rollout", "sonarr", "--operation", outcome["operation"])["done"]


def test_without_a_cluster_a_rollout_says_what_is_not_seen(cli: Cli) -> None:
    cli("promote", "sonarr")
    lines = cli("rollout", "sonarr").stdout.splitlines()
    assert lines[0].startswith("sonarr is unknown")
    assert lines[-1].split() == ["ready", "-", "not", "seen", "from", "here"]


def test_a_service_that_never_moved_has_none(cli: Cli) -> None:
    assert cli("rollout", "sonarr").stdout == "sonarr is unknown\n  no move of it is known\n"


def test_the_same_over_http(stage: Stage, cluster: HomelabCluster, cli: Cli) -> None:
    outcome = cli.json("promote", "sonarr")
    cluster.applied("backup", outcome["commit"]["sha"])
    with stage.served(cluster=str(cluster.kubeconfig)) as url:
        body = cli.json("rollout", "sonarr", "--operation", outcome["operation"], "--server", url)
    assert (body["operation"], body["done"]) == (outcome["operation"], True)


def test_list_and_status_show_the_stage_and_the_pods_node(cli: Cli, cluster: HomelabCluster) -> None:
    rows = [line.split("\t") for line in cli("list").stdout.splitlines()]
    assert rows[1][:4] == ["sonarr", "primary", "serving", "k3s-w1"]
    assert rows[2][:4] == ["radarr", "primary", "-", "-"]
    assert "in the cluster: serving since" in cli("status", "sonarr").stdout


def test_that_an_app_is_well_is_told_of_a_move_and_not_of_a_check(cli: Cli, cluster: HomelabCluster) -> None:
    status = cli("status", "sonarr").stderr
    assert status.startswith("If it were promoted now:\nwarning: sonarr is well: ")
    assert "[old-pod-running]" in status
    assert "old-pod-running" not in cli("check").stdout


# report


def test_a_report_of_what_nobody_has_merged_yet(cli: Cli) -> None:
    cli.stage.declare(SERVICES, top=f"policy: pull_request\n{GROUP}")
    outcome = cli.json("promote", "--group", "media")
    page = cli("report", outcome["operation"]).stdout
    assert page.startswith(
        f"# Move of sonarr, radarr\n\n- Operation: `{outcome['operation']}`\n- Nothing of it is written"
    )
    assert page.count("| merged | not yet, or not known |") == 2
    assert page.count(f"- Somebody has to merge pull request 1: {outcome['pull_request']['url']}") == 2
    body = cli.json("report", outcome["operation"])
    assert (body["moves"], [one["service"] for one in body["proposals"]]) == ([], ["sonarr", "radarr"])


def test_a_report_has_the_timeline_the_evidence_and_what_is_next(cli: Cli, cluster: HomelabCluster) -> None:
    outcome = cli.json("promote", "sonarr", "--reason", "k3s-w1 is down | <b>now</b>")
    cluster.applied("backup", outcome["commit"]["sha"])
    report = cli("report", outcome["operation"], "--utc").stdout
    assert report.startswith("# Failover of sonarr\n")
    assert f"- Operation: `{outcome['operation']}`" in report
    assert "<b>" not in report
    assert "| <b>" not in report
    headings = re.findall(r"^### (.*)$", report, re.MULTILINE)
    assert headings == ["Timeline", "Hazards", "Evidence", "Age of the data", "What to do next"]
    assert re.search(r"^\| ready \| \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \|", report, re.MULTILINE)
    assert f"- Commit `{outcome['commit']['sha']}`" in report
    assert "Its diff does what it says" in report
    assert "sonarr-backup-x on k3s-w2" in report
    assert "- It serves. Bring what is written there home before it goes back" in report


def test_a_report_of_what_nobody_asked_for_says_what_it_was_based_on(cli: Cli) -> None:
    move = MoveRequest("automatic", trigger="automatic", evidence=("node k3s-w1 is Unknown", "k3s-w2 is <ready>"))

    async def moved() -> str:
        async with cli.stage.open() as components:
            return str((await components.failover.move("sonarr", Action.PROMOTE, move)).operation)

    report = cli("report", asyncio.run(moved())).stdout
    assert "- Asked for by: automatic\n" in report
    based = "- Nobody asked for it (automatic). It was based on this:\n"
    assert f"{based}  - node k3s-w1 is Unknown\n  - {escape_markup('k3s-w2 is <ready>')}\n" in report


def test_a_report_names_the_way_home_that_loses_nothing() -> None:
    cluster = {"pod": "a", "node": "b", "seen_at": "2026-11-30T20:00:00Z", "stage": "serving"}
    rollout = {"steps": [], "hazards": [], "blocked": None, "commit": "c", "done": True, "stage": "serving"}
    entry = {"action": "promote", "from": "primary", "to": "backup", "by": "ops", "reason": "", "pull_request": None}
    entry |= {"time": "2026-11-30T20:00:00Z", "commit": {"sha": "c", "url": "u"}}
    move = {"service": "sonarr", "entry": entry, "rollout": rollout, "cluster": cluster, "nodes": {}}
    kept = {"kind": "volsync", "state": "parked", "data_as_of": None, "reason": ""}
    with_copy = markdown({"operation": "OP", "moves": [{**move, "replication": kept}]}, utc=True)
    without = markdown({"operation": "OP", "moves": [{**move, "replication": None}]}, utc=True)
    assert "`failover relocate sonarr --to primary` brings it home" in with_copy
    assert "demote" not in with_copy
    assert "sync it to primary first" in without
    assert "relocate" not in without


def test_a_command_of_the_report_can_be_pasted(cli: Cli, cluster: HomelabCluster) -> None:
    cluster.strategy = "Recreate"
    cluster.node("k3s-w1", ready="Unknown")
    cluster.pod("primary", is_ready=False, deleted_ago_s=60)
    follow(cli.stage, cluster, pod="none", after_s=0)
    cli("promote", "sonarr", "--until", "serving", "--timeout", "4s", code=5)
    operation = cli.json("rollout", "sonarr")["operation"]
    report = cli("report", operation).stdout
    assert "`kubectl delete pod sonarr-primary-x -n media --grace-period=0 --force`" in report
    commands = [line for line in report.splitlines() if "NoExecute" in line or "kubectl" in line]
    assert commands
    assert all(line.isascii() for line in commands)


def test_what_stands_in_backticks_is_left_as_it_is() -> None:
    shown = _text("`kubectl get pods`, or [x](y) <b> `a_b_`")
    assert shown == f"`kubectl get pods`{escape_markup(', or [x](y) <b> ')}`a_b_`"
    assert "<b>" not in shown


@pytest.mark.parametrize("text", ["one ` alone <b>", "``x`` <b>", "`a|b` <b>", "` ` @all", "`"])
def test_where_that_is_no_code_all_is_escaped(text: str) -> None:
    assert _text(text) == escape_markup(text)


def test_a_report_of_the_way_back_says_where_the_data_of_backup_is(cli: Cli, cluster: HomelabCluster) -> None:
    """Whoever reads that it serves, and that nothing is to be done, may delete the only copy of what was written."""
    cli("promote", "sonarr")
    operation = cli.json("demote", "sonarr", "--reason", "home")["operation"]
    report = cli("report", operation).stdout
    assert "What it wrote on backup stays in the volume that it left" in report
    assert "keep that until nothing is missed" in report
    assert "There is nothing to do" not in report
    assert "What was warned of before the move is not kept" in report


def test_a_report_names_what_was_accepted(cli: Cli, cluster: HomelabCluster) -> None:
    cluster.node("k3s-w2", ready="Unknown")
    operation = cli.json("promote", "sonarr", "--accept", "node-not-ready")["operation"]
    cluster.node("k3s-w2")
    report = cli("report", operation).stdout
    assert "- Accepted by who asked for it: `node-not-ready`." in report
    assert "(accepted node-not-ready)" in cli("history", "sonarr").stdout


def test_a_report_of_a_group_has_a_part_for_each(cli: Cli) -> None:
    cli.stage.declare(SERVICES, top=GROUP)
    operation = cli.json("promote", "--group", "media")["operation"]
    report = cli("report", operation).stdout
    assert report.startswith("# Failover of sonarr, radarr\n")
    assert report.count("## sonarr: primary to backup") == 1
    assert report.count("## radarr: primary to backup") == 1
    assert "The cluster is not seen from here." in report


def test_an_earlier_operation_is_found_in_the_history(cli: Cli) -> None:
    operation = cli.json("promote", "sonarr")["operation"]
    cli("demote", "sonarr")
    body = cli.json("report", operation)
    assert [move["service"] for move in body["moves"]] == ["sonarr"]
    assert "A later move followed" in cli("report", operation).stdout


def test_an_operation_that_nobody_knows_is_exit_2(cli: Cli) -> None:
    assert "01JDAAAAAAAAAAAAAAAAAAAAAA" in cli("report", "01JDAAAAAAAAAAAAAAAAAAAAAA", code=2).stderr
