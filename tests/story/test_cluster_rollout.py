"""A node dies, and a service is moved: the real service, the real client, and a simulated cluster that obeys Git.

What Flux does is done by hand here: the manifest as it stands on the branch is applied server-side, as
kustomize-controller does.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.core.safety.rollout.stage import ClusterState
from failover_api.sandbox.cluster.api.accounts import ADMIN_TOKEN
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from failover_api.wiring import Components
from tests.sandbox.cluster.apps import claim
from tests.sandbox.cluster.flux.lab import kustomization, source
from tests.support.stage import Stage, entry

FILE = "apps/media/sonarr/deployment.yaml"
ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
RECREATE = {"type": "Recreate"}


def manifest(kind: str, **spec: Any) -> str:
    labels = {"app": "sonarr"}
    pod = {
        "nodeSelector": {"role": "primary"},
        "containers": [{"name": "sonarr", "image": "ghcr.io/home/sonarr:1.0"}],
        "volumes": [{"name": "config", "persistentVolumeClaim": {"claimName": "pvc-sonarr"}}],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    whole = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "sonarr", "namespace": "media"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, **spec, "template": template},
    }
    return json.dumps(whole, indent=1)


class Homelab:
    """A repository and a cluster. `kubeconfig` leads to it."""

    def __init__(self, stage: Stage, cluster: SimulatedCluster, kubeconfig: Path) -> None:
        self.stage, self.cluster, self.kubeconfig = stage, cluster, kubeconfig

    def apply(self) -> None:
        """As Flux, from the branch; then some seconds pass."""
        self.cluster.apply((self.stage.read(FILE) or b"").decode(), "kustomize-controller")
        self.cluster.advance(5)

    async def promote(self, components: Components, *accept: str) -> Any:
        request = MoveRequest("ops-laptop", accept=frozenset(accept))
        outcome = await components.failover.move("sonarr", Action.PROMOTE, request)
        self.apply()
        return outcome


@contextlib.contextmanager
def homelab(stage: Stage, folder: Path, text: str) -> Iterator[Homelab]:
    kind = json.loads(text)["kind"].lower()
    stage.commit({FILE: text})
    stage.declare(entry("sonarr").replace("deployment: sonarr", f"{kind}: sonarr"))
    cluster = SimulatedCluster()
    for name, node in (("pvc-sonarr", "k3s-w1"), ("pvc-sonarr-backup", "k3s-w2")):
        for one in claim(name, node):
            cluster.apply(one)
    file = folder / "kubeconfig"
    with cluster.serve() as url:
        file.write_text(
            "current-context: home\ncontexts: [{name: home, context: {cluster: home, user: me}}]\n"
            f'clusters: [{{name: home, cluster: {{server: "{url}"}}}}]\n'
            f"users: [{{name: me, user: {{token: {ADMIN_TOKEN}}}}}]\n",
            encoding="utf-8",
        )
        made = Homelab(stage, cluster, file)
        made.apply()
        cluster.advance(20)
        yield made


async def state(components: Components) -> ClusterState:
    seen = (await components.failover.status("sonarr")).cluster
    assert seen is not None
    return seen


async def test_recreate_on_a_dead_node_is_blocked_and_a_force_delete_cures_it(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, manifest("Deployment", strategy=RECREATE)) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            before = await state(components)
            assert (before.stage, before.side, before.node) == ("serving", "primary", "k3s-w1")
            lab.cluster.kill("k3s-w1")
            lab.cluster.advance(70)
            await lab.promote(components)
            lab.cluster.advance(120)
            blocked = await state(components)
            (old,) = lab.cluster.pods("media/sonarr")
            name = old["metadata"]["name"]
            assert blocked.stage == "blocked"
            assert blocked.reason == (
                f"The old pod {name} is on k3s-w1, which is not ready, and cannot confirm that it stopped; Recreate "
                "waits for it, for ever."
            )
            assert f"`kubectl delete pod {name} -n media --grace-period=0 --force`" in blocked.cure
            rollout = await components.failover.rollout("sonarr")
            assert rollout.blocked is not None
            lab.cluster.delete("Pod", f"media/{name}", force=True)
            lab.cluster.advance(10)
            after = await state(components)
            assert (after.stage, after.side, after.node) == ("serving", "backup", "k3s-w2")
            assert (await components.failover.rollout("sonarr")).done


async def test_recreate_starts_by_itself_when_the_node_is_back(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, manifest("Deployment", strategy=RECREATE)) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            lab.cluster.kill("k3s-w1")
            lab.cluster.advance(70)
            await lab.promote(components)
            assert (await state(components)).stage == "blocked"
            lab.cluster.revive("k3s-w1")
            lab.cluster.advance(90)
            assert (await state(components)).stage == "serving"


@pytest.mark.parametrize("after_s", [5, 70, 400])
async def test_rolling_update_serves_within_seconds(stage: Stage, tmp_path: Path, after_s: float) -> None:
    with homelab(stage, tmp_path, manifest("Deployment", strategy=ROLLING)) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            lab.cluster.kill("k3s-w1")
            lab.cluster.advance(after_s)
            await lab.promote(components)
            seen = await state(components)
    assert (seen.stage, seen.side, seen.node, seen.reason) == ("serving", "backup", "k3s-w2", "")


async def test_a_stateful_set_is_blocked_and_the_taint_cures_it(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, manifest("StatefulSet", serviceName="sonarr")) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            assert (await state(components)).stage == "serving"
            lab.cluster.kill("k3s-w1")
            lab.cluster.advance(70)
            await lab.promote(components)
            blocked = await state(components)
            assert blocked.stage == "blocked"
            assert "The old pod sonarr-0 is on k3s-w1" in blocked.reason
            lab.cluster.taint_out_of_service("k3s-w1")
            lab.cluster.advance(60)
            assert (await state(components)).stage == "serving"


async def test_a_stateful_set_that_was_cured_before_the_promote_clings_to_its_pod(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, manifest("StatefulSet", serviceName="sonarr")) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            lab.cluster.kill("k3s-w1")
            lab.cluster.advance(70)
            lab.cluster.delete("Pod", "media/sonarr-0", force=True)
            lab.cluster.advance(10)
            await lab.promote(components)
            stuck = await state(components)
            assert stuck.stage == "blocked"
            assert stuck.reason.startswith("The StatefulSet clings to the pod sonarr-0, which can never start")
            lab.cluster.delete("Pod", "media/sonarr-0")
            lab.cluster.advance(10)
            assert (await state(components)).stage == "serving"


async def test_a_claim_that_is_not_there_is_named(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, manifest("Deployment", strategy=ROLLING)) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            lab.cluster.delete("PersistentVolumeClaim", "media/pvc-sonarr-backup")
            lab.cluster.advance(2)
            await lab.promote(components, "claim-missing")
            seen = await state(components)
    assert (seen.stage, seen.reason) == ("blocked", "The claim pvc-sonarr-backup does not exist.")


async def test_a_target_that_is_cordoned_is_named(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, manifest("Deployment", strategy=ROLLING)) as lab:
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            lab.cluster.cordon("k3s-w2")
            await lab.promote(components)
            seen = await state(components)
    assert (seen.stage, seen.reason, seen.cure) == ("blocked", "k3s-w2 is cordoned.", "`kubectl uncordon k3s-w2`")


async def test_with_flux_each_step_has_its_time(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, manifest("Deployment", strategy=ROLLING)) as lab:
        cluster = lab.cluster
        cluster.install_flux(stage.sandbox.repositories)
        cluster.advance(3)
        cluster.apply(source(url=f"https://github.com/{stage.repository}", interval="1m"), "flux")
        cluster.apply(kustomization(path="./apps/media/sonarr"), "flux")
        cluster.advance(30)
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            assert (await state(components)).stage == "serving"
            outcome = await components.failover.move("sonarr", Action.PROMOTE, MoveRequest("ops-laptop"))
            waiting = await components.failover.rollout("sonarr", outcome.operation)
            assert waiting.stage == "waiting-for-apply"
            assert [step.name for step in waiting.steps if step.has_come] == ["committed"]
            cluster.advance(120)
            done = await components.failover.rollout("sonarr", outcome.operation)
    assert done.done
    assert [step.name for step in done.steps if step.has_come] == [
        "committed",
        "fetched",
        "applied",
        "started",
        "ready",
    ]
    times = [step.at for step in done.steps]
    assert times == sorted(times, key=lambda at: at or 0)


async def test_a_suspended_kustomization_blocks_and_says_how_to_resume_it(stage: Stage, tmp_path: Path) -> None:
    with homelab(stage, tmp_path, manifest("Deployment", strategy=ROLLING)) as lab:
        cluster = lab.cluster
        cluster.install_flux(stage.sandbox.repositories)
        cluster.advance(3)
        cluster.apply(source(url=f"https://github.com/{stage.repository}", interval="1m"), "flux")
        cluster.apply(kustomization(path="./apps/media/sonarr"), "flux")
        cluster.advance(30)
        cluster.modify("Kustomization", "flux-system/apps", lambda new: new["spec"].update(suspend=True))
        async with stage.open(cluster=str(lab.kubeconfig)) as components:
            await components.failover.move("sonarr", Action.PROMOTE, MoveRequest("ops-laptop"))
            cluster.advance(120)
            seen = await state(components)
    assert (seen.stage, seen.reason, seen.cure) == (
        "blocked",
        "Kustomization flux-system/apps is suspended.",
        "`flux resume kustomization apps -n flux-system`",
    )
