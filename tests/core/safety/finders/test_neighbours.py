"""Hazards that other manifests of the repository make: replication, autoscalers, and what applies the files."""

from dataclasses import replace

import pytest

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Action, Side, Switch
from failover_api.core.planning.plan import plan
from failover_api.core.planning.state import detect
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.hazards import hazards
from failover_api.core.safety.switch_moves import made_move
from tests.core.safety.finders.ground import DEPLOYMENT, NODE, around, demote, only, promote
from tests.support.builders import manifests, switch
from tests.support.relocating import APP as APP_FILE
from tests.support.relocating import CATALOG, VOLSYNC, app, running_to_backup

APP = f"{DEPLOYMENT.rstrip()[:-2]}, volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]}}}}\n"
CLAIM = switch(
    "spec.template.spec.volumes[name=data].persistentVolumeClaim.claimName", "data", "data-b", kind="Deployment"
)
SOURCE = """\
apiVersion: volsync.backube/v1alpha1
kind: ReplicationSource
metadata: {name: sonarr, namespace: media}
spec: {sourcePVC: data, rsyncTLS: {}}
"""
DESTINATION = """\
apiVersion: volsync.backube/v1alpha1
kind: ReplicationDestination
metadata: {name: sonarr-b, namespace: media}
spec: {rsyncTLS: {destinationPVC: data-b}}
"""
PAUSED = switch("spec.paused", primary=False, backup=True, kind="ReplicationSource")


def told(slug: str, files: dict[str, str], text: str = APP, *switches: Switch, back: bool = False) -> list[Hazard]:
    move = demote if back else promote
    return only(slug, move(text, *(switches or (NODE, CLAIM)), surroundings=around(files)))


# Replication


def test_a_source_that_is_not_moved_is_left() -> None:
    for back in (False, True):
        (hazard,) = told("replication-left", {"volsync.yaml": SOURCE}, back=back)
        assert (hazard.severity, hazard.about) == (Severity.WARN, "ReplicationSource media/sonarr")
        assert hazard.where == "volsync.yaml:1"
        assert hazard.detail == (
            "ReplicationSource media/sonarr works on claims of sonarr and is not moved with it: after the move what is "
            "copied or backed up is the claim that was left."
        )


def test_both_ends_are_one_hazard() -> None:
    (hazard,) = told("replication-left", {"a/s.yaml": SOURCE, "a/d.yaml": DESTINATION})
    assert hazard.detail.startswith(
        "ReplicationSource media/sonarr and ReplicationDestination media/sonarr-b work on claims of sonarr and are not"
    )


def test_one_that_is_moved_is_not_left() -> None:
    together = f"{APP}---\n{SOURCE.replace('{sourcePVC', '{paused: false, sourcePVC')}"
    assert told("replication-left", {"a.yaml": together}, together, NODE, CLAIM, PAUSED) == []
    assert told("replication-left", {"a.yaml": together}, together, NODE, CLAIM) != []


@pytest.mark.parametrize(
    "other",
    [
        SOURCE.replace("sourcePVC: data", "sourcePVC: other"),
        SOURCE.replace("namespace: media", "namespace: office"),
        SOURCE.replace("{sourcePVC", "{paused: true, sourcePVC"),
        SOURCE.replace("sourcePVC: data", "sourcePVC: '${APP}'"),
    ],
    ids=["of another claim", "in another namespace", "paused for good", "of nobody knows which claim"],
)
def test_other_replication_is_no_concern(other: str) -> None:
    assert told("replication-left", {"volsync.yaml": other}) == []


def test_a_variable_stands_for_the_claims_that_it_is_given() -> None:
    component = SOURCE.replace("name: sonarr", 'name: "${APP}"').replace("sourcePVC: data", 'sourcePVC: "${CLAIM}"')
    flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x}\n"
    given = f"{flux}spec: {{postBuild: {{substitute: {{CLAIM: data}}}}}}\n"
    (hazard,) = told("replication-left", {"volsync.yaml": component, "ks.yaml": given})
    assert hazard.about == "ReplicationSource media/${APP}"
    assert hazard.cure.startswith("Many apps share it: let its `paused` be a variable"), "a switch would stop them all"


def test_a_move_of_the_node_alone_leaves_no_replication() -> None:
    assert told("replication-left", {"volsync.yaml": SOURCE}, APP, NODE) == []


def test_a_destination_that_takes_data_into_the_new_claim_may_get_old_data() -> None:
    (hazard,) = told("source-may-return", {"volsync.yaml": DESTINATION})
    assert (hazard.severity, hazard.about) == (Severity.WARN, "ReplicationDestination media/sonarr-b")
    assert "sends the data of before the move over what was written since" in hazard.detail
    assert told("source-may-return", {"volsync.yaml": DESTINATION}, back=True) == [], "home is another claim"


@pytest.mark.parametrize(("paused", "is_told"), [("true", False), ("false", True), ("${PAUSED}", False)])
def test_a_destination_that_is_paused_takes_none(paused: str, is_told: bool) -> None:
    stopped = DESTINATION.replace("{rsyncTLS", f"{{paused: {paused}, rsyncTLS", 1)
    assert bool(told("source-may-return", {"volsync.yaml": stopped})) is is_told


def test_a_source_that_the_move_pauses_sends_none() -> None:
    together = f"{APP}---\n{SOURCE.replace('{sourcePVC', '{paused: false, sourcePVC')}"
    files = {"a.yaml": together, "volsync.yaml": DESTINATION}
    assert told("source-may-return", files, together, NODE, CLAIM, PAUSED) == []
    assert told("source-may-return", files, together, NODE, CLAIM) != []


# Autoscalers

SCALERS = {
    "HorizontalPodAutoscaler": "kind: HorizontalPodAutoscaler\nmetadata: {name: hpa, namespace: media}\n"
    "spec: {scaleTargetRef: {kind: Deployment, name: sonarr}}\n",
    "ScaledObject": "kind: ScaledObject\nmetadata: {name: hpa, namespace: media}\n"
    "spec: {scaleTargetRef: {name: sonarr}}\n",
}
REPLICAS = switch("spec.replicas", 1, 0, kind="Deployment")


@pytest.mark.parametrize("kind", SCALERS)
def test_an_autoscaler_of_replicas_that_are_switched_is_told(kind: str) -> None:
    text = f"{DEPLOYMENT}  replicas: 1\n"
    (hazard,) = told("scaled-by-other", {"hpa.yaml": f"---\n{SCALERS[kind]}"}, text, REPLICAS)
    assert (hazard.severity, hazard.about, hazard.where) == (Severity.WARN, f"{kind} media/hpa", "hpa.yaml:2")
    assert told("scaled-by-other", {"hpa.yaml": SCALERS[kind]}, text, NODE) == [], "the replicas are no switch"
    for other in (("sonarr}", "radarr}"), ("media", "office")):
        assert told("scaled-by-other", {"hpa.yaml": SCALERS[kind].replace(*other)}, text, REPLICAS) == []


def test_an_autoscaler_that_is_held_at_none_starts_nothing() -> None:
    held = SCALERS["ScaledObject"].replace(
        "namespace: media", "namespace: media, annotations: {autoscaling.keda.sh/paused-replicas: '0'}"
    )
    (hazard,) = told("starts-nothing", {"hpa.yaml": held}, DEPLOYMENT, NODE)
    assert hazard.about == "ScaledObject media/hpa"
    assert told("starts-nothing", {"hpa.yaml": SCALERS["ScaledObject"]}, DEPLOYMENT, NODE) == []


# What applies the files

FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  suspend: true
  path: ./
"""
ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: apps, namespace: argocd}
spec:
  source: {repoURL: https://github.com/acme/homelab.git, path: .}
"""


def test_a_kustomization_that_is_suspended_is_told() -> None:
    (hazard,) = told("suspended", {"clusters/apps.yaml": FLUX}, DEPLOYMENT, NODE)
    assert (hazard.severity, hazard.about) == (Severity.WARN, "Kustomization flux-system/apps")
    assert hazard.where == "clusters/apps.yaml:1"
    assert hazard.detail == (
        "Kustomization flux-system/apps is suspended (`spec.suspend: true`): Flux does not apply the change by itself."
    )


@pytest.mark.parametrize(
    "files",
    [
        {"apps.yaml": FLUX.replace("true", "false")},
        {"apps.yaml": FLUX.replace("true", "${SUSPEND}")},
        {"apps.yaml": FLUX.replace("./", "./apps")},
        {"apps.yaml": FLUX.replace("./", "../else")},
        {"apps.yaml": FLUX.replace(".toolkit.fluxcd.io", ".config.k8s.io")},
        {"apps.yaml": FLUX, "live.yaml": FLUX.replace("true", "false")},
    ],
    ids=["live", "filled in", "of another folder", "out of the repository", "of kustomize", "beside a live one"],
)
def test_a_kustomization_that_applies_or_is_none_of_it_is_not(files: dict[str, str]) -> None:
    assert told("suspended", files, DEPLOYMENT, NODE) == []


def test_an_overlay_that_is_suspended_is_told_of_its_base() -> None:
    files = {
        "clusters/prod.yaml": FLUX.replace("./", "./overlays/prod"),
        "overlays/prod/kustomization.yaml": "resources: [../..]",
        "kustomization.yaml": "resources: [a.yaml]",
    }
    (hazard,) = told("suspended", files, DEPLOYMENT, NODE)
    assert (hazard.about, hazard.where) == ("Kustomization flux-system/apps", "clusters/prod.yaml:1")
    other = {**files, "overlays/prod/kustomization.yaml": "resources: [../../else]"}
    assert told("suspended", other, DEPLOYMENT, NODE) == []
    live = {**files, "clusters/live.yaml": FLUX.replace("true", "false").replace("./", "./overlays/live")}
    live["overlays/live/kustomization.yaml"] = "resources: [../../]"
    assert told("suspended", live, DEPLOYMENT, NODE) == [], "the other overlay applies it"


def test_an_application_without_automated_sync_is_told() -> None:
    (hazard,) = told("suspended", {"argo.yaml": ARGO}, DEPLOYMENT, NODE)
    assert (hazard.about, hazard.where) == ("Application argocd/apps", "argo.yaml:1")
    assert hazard.detail == (
        "Application argocd/apps has no automated sync: Argo CD does not apply the change by itself."
    )


@pytest.mark.parametrize(
    "application",
    [
        f"{ARGO}  syncPolicy: {{automated: {{}}}}\n",
        f"{ARGO}  syncPolicy: {{automated: {{prune: true}}}}\n",
        ARGO.replace("acme/homelab", "acme/other"),
        ARGO.replace("path: .", "chart: sonarr"),
    ],
    ids=["automated", "automated and pruning", "of another repository", "of a chart"],
)
def test_other_applications_are_no_concern(application: str) -> None:
    assert told("suspended", {"argo.yaml": application}, DEPLOYMENT, NODE) == []


def test_automated_sync_can_be_switched_off() -> None:
    off = f"{ARGO}  syncPolicy: {{automated: {{enabled: false}}}}\n"
    assert len(told("suspended", {"argo.yaml": off}, DEPLOYMENT, NODE)) == 1


def test_a_release_whose_values_stand_elsewhere_is_found() -> None:
    values = "kind: ConfigMap\nmetadata: {name: plex-values, namespace: media}\ndata: {node: w1}\n"
    release = "kind: HelmRelease\nmetadata: {name: plex, namespace: media}\nspec:\n  suspend: true\n"
    release += "  valuesFrom: [{kind: ConfigMap, name: plex-values}]\n"
    node = switch("data.node", "w1", "w2")
    (hazard,) = told("suspended", {"hr.yaml": release}, values, node)
    assert hazard.about == "HelmRelease media/plex"
    assert told("suspended", {"hr.yaml": release.replace("plex-values", "other")}, values, node) == []


def test_nothing_of_it_is_told_where_nobody_has_looked() -> None:
    assert promote(APP, NODE, CLAIM) == []


def test_replication_that_was_asked_for_once_does_nothing_by_itself() -> None:
    once = SOURCE.replace("{sourcePVC", "{trigger: {manual: before-upgrade}, sourcePVC")
    restored = DESTINATION.replace("spec: {", "spec: {trigger: {manual: restore-once}, ")
    files = {"s.yaml": once, "d.yaml": restored}
    assert told("replication-left", files) + told("source-may-return", files) == []


def test_a_pair_of_the_catalog_is_moved_by_the_moves_themselves() -> None:
    """A rollout asks it of the move that was made, before anybody has read the manifests of the branch again."""
    catalog = parse_catalog(f"repository: acme/homelab\nbranch: main\nservices:\n{CATALOG}", file="services.yaml")
    one = catalog.service("sonarr").located(APP_FILE)
    ends = tuple(replace(end, document=replace(end.document, file=VOLSYNC)) for end in one.named_ends)
    one, known = replace(one, ends=ends), around({VOLSYNC: running_to_backup()})
    home = manifests({APP_FILE: app("primary").encode(), VOLSYNC: running_to_backup().encode()})
    there = plan(one, home, Action.PROMOTE)
    away = manifests({**{file: manifest.data for file, manifest in home.items()}, **there.new})
    for side, now in ((Side.PRIMARY, home), (Side.BACKUP, away)):
        made = list(hazards(made_move(one, detect(one, now), side, now), known))
        assert only("replication-left", made) + only("source-may-return", made) == []
    made = list(hazards(made_move(replace(one, ends=()), detect(one, away), Side.BACKUP, away), known))
    assert len(only("replication-left", made)) == 1
