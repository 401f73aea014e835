"""Status, list and rollout with a cluster: the real app and the real client on an API server of the test's own."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.answers import problem
from tests.support.homelab_cluster import DEPLOYMENTS, PODS, HomelabCluster, at, homelab_cluster
from tests.support.stage import SONARR, Stage

Json = dict[str, Any]
UNKNOWN = "01JDAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[HomelabCluster]:
    with homelab_cluster(tmp_path) as made:
        yield made


async def status(client: httpx2.AsyncClient) -> Json:
    found: Json = (await client.get("/api/failover/sonarr")).json()
    return found


async def in_stage(client: httpx2.AsyncClient, stage: str) -> Json:
    """The status, once its cluster is in this stage: what is watched comes a moment later."""

    for _ in range(100):
        found = await status(client)
        if found["cluster"] and found["cluster"]["stage"] == stage:
            return found
        await asyncio.sleep(0.25)  # callers may look five times a second
    raise AssertionError(f"it is not {stage}, but {found['cluster']}")


async def rollout(client: httpx2.AsyncClient, **query: str) -> Json:
    response = await client.get("/api/failover/sonarr/rollout", params=query)
    assert response.status_code == 200, response.text
    found: Json = response.json()
    return found


async def rollout_where(client: httpx2.AsyncClient, claim: Callable[[Json], bool]) -> Json:
    """The rollout once this is so of it: each kind of object is watched by itself, so one may come after another."""
    for _ in range(100):
        found = await rollout(client)
        if claim(found):
            return found
        await asyncio.sleep(0.25)
    raise AssertionError(f"it did not come to that: {found}")


def has_all_times(found: Json) -> bool:
    return found["done"] and all(step["at"] for step in found["steps"])


def steps_of(found: Json) -> dict[str, Json]:
    return {step["name"]: step for step in found["steps"]}


def tells(found: Json, fetched: str, applied: str) -> bool:
    steps = steps_of(found)
    return (steps["fetched"]["detail"], steps["applied"]["detail"]) == (fetched, applied)


async def promoted(client: httpx2.AsyncClient) -> Json:
    outcome: Json = (await client.post("/api/failover/sonarr/promote")).json()
    return outcome


async def test_without_a_cluster_nothing_is_said_of_one(stage: Stage) -> None:
    async with stage.client() as client:
        assert (await status(client))["cluster"] is None
        listed = (await client.get("/api/failover")).json()["services"]
    assert [service["cluster"] for service in listed] == [None, None, None]


async def test_a_service_is_shown_where_it_runs(stage: Stage, cluster: HomelabCluster) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        seen = (await in_stage(client, "serving"))["cluster"]
        listed = (await client.get("/api/failover")).json()["services"]
    assert seen == {
        "seen_at": seen["seen_at"],
        "side": "primary",
        "stage": "serving",
        "node": "k3s-w1",
        "pod": "sonarr-primary-x",
        "since": seen["since"],
        "reason": "",
        "cure": "",
    }
    assert seen["since"] <= seen["seen_at"]
    by_name = {service["service"]: service["cluster"] for service in listed}
    assert by_name["sonarr"]["stage"] == "serving"
    assert by_name["radarr"] is None, "nothing of it is in the cluster"


async def test_a_promote_is_followed_from_the_commit_to_the_ready_pod(stage: Stage, cluster: HomelabCluster) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        cluster.flux(stage.sandbox.log(repository=stage.repository)[0].sha)
        await in_stage(client, "serving")
        outcome = await promoted(client)
        waiting = await in_stage(client, "waiting-for-apply")
        assert waiting["side"] == "backup"
        assert waiting["cluster"]["side"] == "primary"
        first = await rollout(client, operation=outcome["operation"])
        assert [(step["name"], step["at"] is not None) for step in first["steps"]] == [
            ("committed", True),
            ("fetched", False),
            ("applied", False),
            ("started", False),
            ("ready", False),
        ]
        assert (first["stage"], first["done"], first["blocked"]) == ("waiting-for-apply", False, None)
        cluster.applied("backup", outcome["commit"]["sha"])
        last = await rollout_where(client, has_all_times)
    assert last["operation"] == outcome["operation"]
    assert last["commit"] == {key: outcome["commit"][key] for key in ("sha", "url")}
    times = [step["at"] for step in last["steps"]]
    assert [step["name"] for step in last["steps"]] == ["committed", "fetched", "applied", "started", "ready"]
    assert None not in times
    assert times == sorted(times)
    assert (last["stage"], last["done"]) == ("serving", True)
    assert last["steps"][3]["detail"] == "sonarr-backup-x on k3s-w2"


async def test_a_descendant_of_the_commit_has_it_and_a_revision_is_compared_once(
    stage: Stage, cluster: HomelabCluster
) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await in_stage(client, "serving")
        outcome = await promoted(client)
        later = stage.commit({"README.md": "# another\n"})
        cluster.applied("backup", later)
        await rollout_where(client, has_all_times)
        for _ in range(3):
            assert has_all_times(await rollout(client))
    compared = [request for request in stage.requests if f"{outcome['commit']['sha']}...{later}" in request.path]
    assert len(compared) == 1


async def test_recreate_on_a_dead_node_is_blocked_and_says_what_to_do(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.strategy = "Recreate"
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await in_stage(client, "serving")
        outcome = await promoted(client)
        cluster.node("k3s-w1", ready="Unknown")
        cluster.applied("backup", outcome["commit"]["sha"], pod="none", terminating=1)
        cluster.pod("primary", is_ready=False, deleted_ago_s=60)
        why = "The old pod sonarr-primary-x is on k3s-w1, which is not ready"
        found = await rollout_where(client, lambda found: why in str(found["blocked"]))
        seen = (await in_stage(client, "blocked"))["cluster"]
    assert seen["reason"].startswith(why)
    assert found["blocked"] == {"reason": seen["reason"], "cure": seen["cure"]}
    assert found["stage"] == "blocked"
    assert "--force" in found["blocked"]["cure"]


async def test_of_a_source_without_commits_it_is_said_that_nobody_can_tell(
    stage: Stage, cluster: HomelabCluster
) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        outcome = await promoted(client)
        cluster.applied("backup", outcome["commit"]["sha"])
        cluster.flux(outcome["commit"]["sha"], source_kind="OCIRepository")
        said = "not known: the revision of OCIRepository is no commit"
        found = await rollout_where(client, lambda found: steps_of(found)["ready"]["at"] and tells(found, said, said))
    assert [steps_of(found)[name]["at"] for name in ("fetched", "applied")] == [None, None]


async def test_an_application_of_argo_cd_fills_the_same_steps(stage: Stage, cluster: HomelabCluster) -> None:
    cluster.is_of_argo = True
    cluster.deployment("primary")
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        before = stage.sandbox.head(repository=stage.repository)
        cluster.argo(stage.repository, before)
        await in_stage(client, "serving")
        outcome = await promoted(client)
        waiting = await rollout_where(client, lambda found: "Argo CD" in str(found))
        state = (await in_stage(client, "waiting-for-apply"))["cluster"]
        assert state["reason"] == "Argo CD has not synced Application argocd/apps yet."
        assert not waiting["done"]
        cluster.argo(stage.repository, outcome["commit"]["sha"])
        cluster.deployment("backup")
        cluster.pod("backup")
        await rollout_where(client, has_all_times)


async def test_a_pull_request_is_proposed_then_merged(stage: Stage, cluster: HomelabCluster) -> None:
    stage.declare(
        stage.catalog_file.read_text(encoding="utf-8").partition("services:\n")[2], top="policy: pull_request"
    )
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await in_stage(client, "serving")
        outcome = await promoted(client)
        proposed = await rollout(client, operation=outcome["operation"])
        assert [(step["name"], step["at"] is not None) for step in proposed["steps"]] == [
            ("proposed", True),
            ("merged", False),
            ("committed", False),
        ]
        assert proposed["commit"] is None
        sha = stage.merge(outcome["pull_request"]["number"])
        cluster.applied("backup", sha)
        merged = await rollout_where(client, has_all_times)
    assert [step["name"] for step in merged["steps"]][:3] == ["proposed", "merged", "committed"]


async def test_an_earlier_operation_is_told_as_far_as_git_goes(stage: Stage, cluster: HomelabCluster) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        first = await promoted(client)
        await client.post("/api/failover/sonarr/demote")
        found = await rollout(client, operation=first["operation"])
    assert found["operation"] == first["operation"]
    assert (found["stage"], found["done"]) == ("unknown", False)
    assert found["steps"][-1] == {"name": "ready", "at": None, "detail": "a later move followed"}


async def test_a_service_that_never_moved_has_no_steps_to_tell(stage: Stage) -> None:
    async with stage.client() as client:
        found = await rollout(client)
    assert (found["operation"], found["commit"], found["done"], found["steps"]) == (None, None, False, [])


async def test_a_service_that_never_moved_is_done_when_it_serves(stage: Stage, cluster: HomelabCluster) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await in_stage(client, "serving")
        found = await rollout(client)
    assert (found["operation"], found["commit"], found["stage"], found["done"]) == (None, None, "serving", True)
    assert [(step["name"], step["at"] is not None) for step in found["steps"]] == [("started", True), ("ready", True)]


# When a later commit follows


async def settled(client: httpx2.AsyncClient) -> dict[str, Json]:
    return steps_of(await rollout_where(client, has_all_times))


async def test_what_a_later_commit_is_applied_leaves_the_times_of_this_one(
    stage: Stage, cluster: HomelabCluster
) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await in_stage(client, "serving")
        outcome = await promoted(client)
        cluster.applied("backup", outcome["commit"]["sha"])
        before = await settled(client)
        await asyncio.sleep(1.1)
        cluster.flux(stage.commit({"README.md": "# another\n"}))
        await asyncio.sleep(1.1)
        after = await settled(client)
    assert after == before


async def test_who_looked_only_after_a_later_commit_knows_when_it_came_at_the_latest(
    stage: Stage, cluster: HomelabCluster
) -> None:
    async with stage.client() as client:  # it does not look
        outcome = await promoted(client)
    cluster.applied("backup", outcome["commit"]["sha"])
    await asyncio.sleep(1.1)
    cluster.flux(stage.commit({"README.md": "# another\n"}))
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        found = await settled(client)
        state = (await status(client))["cluster"]
    assert found["ready"]["at"] == state["since"], "as its pod says"
    assert [found[name]["detail"] for name in ("fetched", "applied")] == ["at the latest"] * 2
    assert found["applied"]["at"] <= found["started"]["at"]


async def test_a_move_that_another_followed_keeps_what_was_seen_of_it(stage: Stage, cluster: HomelabCluster) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await in_stage(client, "serving")
        first = await promoted(client)
        cluster.applied("backup", first["commit"]["sha"])
        before = await settled(client)
        await client.post("/api/failover/sonarr/demote")
        found = await rollout(client, operation=first["operation"])
    after = steps_of(found)
    assert (found["stage"], found["done"]) == ("unknown", False)
    assert {name: step["at"] for name, step in after.items()} == {name: step["at"] for name, step in before.items()}
    assert after["ready"]["detail"] == "a later move followed"


async def test_an_operation_that_git_does_not_know_is_404(stage: Stage) -> None:
    async with stage.client() as client:
        problem(await client.get(f"/api/failover/sonarr/rollout?operation={UNKNOWN}"), "not-found", 404)
        problem(await client.get("/api/failover/nobody/rollout"), "unknown-service", 404)


@pytest.mark.parametrize("query", ["operation=latest", "operation=", "operation=01jdaaaaaaaaaaaaaaaaaaaaaa", "x=1"])
async def test_anything_else_in_the_query_is_400(stage: Stage, query: str) -> None:
    async with stage.client() as client:
        problem(await client.get(f"/api/failover/sonarr/rollout?{query}"), "bad-request", 400)


async def test_the_etag_names_the_stage_and_not_when_it_was_seen(stage: Stage, cluster: HomelabCluster) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await in_stage(client, "serving")
        one = await client.get("/api/failover/sonarr")
        await asyncio.sleep(1.1)
        cluster.pod("primary")  # the same, since a moment ago
        other = await client.get("/api/failover/sonarr", headers={"if-none-match": one.headers["etag"]})
        assert other.status_code == 304
        cluster.pod("primary", is_ready=False)
        changed = await in_stage(client, "rolling-out")
        assert changed["cluster"]["reason"] == "The pod sonarr-primary-x runs on k3s-w1, and is not ready yet."
        third = await client.get("/api/failover/sonarr", headers={"if-none-match": one.headers["etag"]})
    assert third.status_code == 200
    manifests = one.headers["etag"].partition(".")[0]
    assert third.headers["etag"].partition(".")[0] == manifests, "a move is bound to manifests alone"


async def test_a_cluster_that_hangs_delays_nothing_for_long_and_fails_nothing(
    stage: Stage, cluster: HomelabCluster
) -> None:
    for _ in range(4):
        cluster.server.next("list", DEPLOYMENTS, lambda handler: handler.hang(20))
    async with stage.open(cluster=str(cluster.kubeconfig), cluster_timeout_s=0.5) as components:
        began = time.monotonic()
        found = await components.failover.status("sonarr")
        took_s = time.monotonic() - began
    assert took_s < 3
    assert found.cluster is None or found.cluster.stage == "unknown"


async def test_a_cluster_that_answers_html_is_not_seen(stage: Stage, cluster: HomelabCluster) -> None:
    html = b"<html><body>Sign in</body></html>"
    for resource in (DEPLOYMENTS, PODS):
        for _ in range(3):
            cluster.server.next("list", resource, lambda handler: handler.raw(200, html, "text/html"))
    async with stage.open(cluster=str(cluster.kubeconfig)) as components:
        found = await components.failover.status("sonarr")
    assert found.cluster is None or found.cluster.stage == "unknown"
    assert found.detection.state == "primary"


@pytest.mark.parametrize(
    "time_", ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z"]
)
async def test_times_that_no_calendar_shows_are_absent(stage: Stage, cluster: HomelabCluster, time_: str) -> None:
    cluster.times = time_
    cluster.node("k3s-w1")
    cluster.pod("primary")
    cluster.flux(stage.sandbox.head(repository=stage.repository))
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        assert (await in_stage(client, "serving"))["cluster"]["since"] is None
        outcome = await promoted(client)
        cluster.applied("backup", outcome["commit"]["sha"])
        await in_stage(client, "serving")
        found = await rollout_where(client, has_all_times)
        assert all(step["at"] < "2100" for step in found["steps"])
        for path in ("/api/nodes", "/api/failover", "/metrics", "/api/failover/sonarr/promote?dry-run=true"):
            assert (await client.get(path)).status_code == 200


# Variables of a Kustomization

KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec: {postBuild: {substitute: {ROLE: primary}}}
"""


async def test_what_a_variable_moves_is_followed_with_no_workload_named(stage: Stage, cluster: HomelabCluster) -> None:
    file = "clusters/home/apps.yaml"
    stage.commit({file: KUSTOMIZATION})
    path = "spec.postBuild.substitute.ROLE"
    switch = (
        f"{{file: {file}, kind: Kustomization, namespace: flux-system, path: {path}, primary: primary, backup: backup}}"
    )
    stage.declare(f"  sonarr:\n    nodes: {{primary: k3s-w1, backup: k3s-w2}}\n    switches: [{switch}]\n")
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        cluster.flux(stage.sandbox.head(repository=stage.repository))
        await in_stage(client, "serving")
        outcome = await promoted(client)
        cluster.applied("backup", outcome["commit"]["sha"])
        found = await rollout_where(client, has_all_times)
    assert [step["detail"] for step in found["steps"]][1:] == ["", "", "sonarr-backup-x on k3s-w2", ""]


# What Git says otherwise


async def test_one_that_a_person_undid_in_git_is_not_done(stage: Stage, cluster: HomelabCluster) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        outcome = await promoted(client)
        cluster.applied("backup", outcome["commit"]["sha"])
        await rollout_where(client, has_all_times)
        stage.replace(SONARR, "role: backup", "role: primary")
        stage.replace(SONARR, '"pvc-sonarr-backup"', '"pvc-sonarr"')
        for operation in ({}, {"operation": outcome["operation"]}):
            found = await rollout_where(client, lambda found: not found["done"])
            found = await rollout(client, **operation)
            assert (found["operation"], found["stage"], found["done"]) == (outcome["operation"], "unknown", False)
            said = "changed in Git since: the branch has the service on primary now"
            assert [step["detail"] for step in found["steps"][-2:]] == [said] * 2
        cluster.deployment("primary")
        cluster.pod("primary")
        await in_stage(client, "serving")
        assert not (await rollout(client))["done"], "that is the person's commit, and not the move's"


async def test_one_that_was_put_back_as_it_wrote_it_is_done_again(stage: Stage, cluster: HomelabCluster) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        outcome = await promoted(client)
        stage.replace(SONARR, "role: backup", "role: primary")
        stage.replace(SONARR, "role: primary", "role: backup")
        cluster.applied("backup", outcome["commit"]["sha"])
        await rollout_where(client, has_all_times)


# A status of an older spec


async def test_an_older_status_of_flux_tells_nothing_of_the_commit(stage: Stage, cluster: HomelabCluster) -> None:
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        outcome = await promoted(client)
        cluster.generations = (3, 2)
        cluster.applied("backup", outcome["commit"]["sha"])
        said = [
            f"Flux has not taken up the newest change of {what} yet"
            for what in ("GitRepository flux-system/flux-system", "Kustomization flux-system/apps")
        ]
        found = await rollout_where(client, lambda found: tells(found, *said))
        assert [steps_of(found)[name]["at"] for name in ("fetched", "applied")] == [None, None]
        cluster.generations = (3, 3)
        cluster.flux(outcome["commit"]["sha"])
        await rollout_where(client, has_all_times)


async def test_a_pod_from_before_the_commit_waits_for_it_to_be_applied(stage: Stage, cluster: HomelabCluster) -> None:
    """Somebody had moved it by hand; whether that is what the commit asks for, Flux has to say."""
    before = stage.sandbox.head(repository=stage.repository)
    cluster.times = "2020-01-01T00:00:00Z"
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        cluster.applied("backup", before)
        outcome = await promoted(client)
        await in_stage(client, "serving")
        found = await rollout_where(client, lambda found: "was there before the commit" in str(found))
        assert (found["stage"], found["done"]) == ("waiting-for-apply", False)
        assert [step["at"] for step in found["steps"][1:]] == [None] * 4
        cluster.flux(outcome["commit"]["sha"])
        found = await rollout_where(client, has_all_times)
        assert min(step["at"] for step in found["steps"]) == found["steps"][0]["at"]


@pytest.mark.parametrize("ahead_s", [-86_400.0, -20.0, 20.0, 86_400.0])
async def test_a_cluster_whose_clock_is_wrong_is_believed_all_the_same(
    stage: Stage, cluster: HomelabCluster, ahead_s: float
) -> None:
    cluster.server.ahead_s = ahead_s
    async with stage.client(cluster=str(cluster.kubeconfig)) as client:
        await in_stage(client, "serving")
        outcome = await promoted(client)
        cluster.times = at(-ahead_s)
        cluster.applied("backup", outcome["commit"]["sha"])
        await in_stage(client, "serving")
        found = await rollout_where(client, has_all_times)
    times = [step["at"] for step in found["steps"]]
    assert times == sorted(times)
