"""claim-missing, -lost, -pending, -elsewhere, -empty: the claim that a move leads to."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.runtime import WorkloadName
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.observed import Claim, HelmRelease, Requirement, StorageClass, Volume
from tests.core.safety.cluster_finders.scenes import CLAIM_TO, before, demote, manifest, promote
from tests.support.builders import service, switch
from tests.support.cluster_views import NOW, W1, W2, claim, dead, node, sonarr, unseen, volume

LAZY = StorageClass("local-path", "WaitForFirstConsumer")
EAGER = StorageClass("nfs", "Immediate")


def of_claims(*claims: Claim, **kinds: Any) -> list[Hazard]:
    seen = before(claims=[claim("pvc-sonarr"), *claims], **kinds)
    return [hazard for hazard in promote(seen) if hazard.slug.startswith("claim-")]


def test_a_claim_that_is_bound_where_the_app_goes_is_not_told_of() -> None:
    assert of_claims(claim(CLAIM_TO)) == []


def test_a_claim_that_is_not_there_stops_the_move() -> None:
    (hazard,) = of_claims()
    assert hazard == Hazard(
        "claim-missing",
        Severity.STOP,
        "PersistentVolumeClaim media/pvc-sonarr-backup",
        "a.yaml:11",
        "The claim pvc-sonarr-backup is not in the namespace media: the pod would wait for it.",
        "Make it, or correct its name in the catalog. Was it pruned?",
    )


@pytest.mark.parametrize(
    ("changes", "slug", "said"),
    [
        ({"deletion_at": NOW - 5}, "claim-missing", "is being deleted"),
        ({"phase": "Lost"}, "claim-lost", "is gone, and its data with it"),
        ({"phase": "Pending", "storage_class": "nfs"}, "claim-pending", "has no volume yet"),
        ({"phase": "Pending", "storage_class": "unheard-of"}, "claim-pending", "has no volume yet"),
        ({"phase": "Pending", "storage_class": "local-path"}, "claim-empty", "would start on a new, empty one"),
    ],
)
def test_each_state_that_keeps_a_pod_from_its_data_stops_the_move(
    changes: dict[str, Any], slug: str, said: str
) -> None:
    plain = {"volume": ""} if changes.get("phase") == "Pending" else {}
    (hazard,) = of_claims(claim(CLAIM_TO, **{**plain, **changes}), storage_classes=[LAZY, EAGER], volumes=[])
    assert (hazard.slug, hazard.severity) == (slug, Severity.STOP)
    assert said in hazard.detail


def test_no_claim_is_missing_where_nobody_looks() -> None:
    seen = before(claims=[], deployments=[], helm_releases=[HelmRelease("media", "sonarr", target="tv")])
    kept = replace(seen.claims, within=frozenset({"media"}))
    path, workload = "spec.values.persistence.config.existingClaim", WorkloadName("HelmRelease", "sonarr", "media")
    one = switch(path, "pvc-sonarr", CLAIM_TO, kind="HelmRelease")
    of = service(one, name="sonarr", primary_workload=workload, backup_workload=workload)
    values = "{persistence: {config: {existingClaim: pvc-sonarr}}}"
    text = f"kind: HelmRelease\nmetadata: {{name: sonarr, namespace: media}}\nspec: {{values: {values}}}\n"
    for claims, slugs in ((seen.claims, ["claim-missing"]), (kept, [])):
        found = promote(replace(seen, claims=claims), service=of, text=text.encode())
        assert [hazard.slug for hazard in found if hazard.slug.startswith("claim-")] == slugs


def test_a_volume_that_is_kept_for_the_claim_is_no_empty_one() -> None:
    waiting = claim(CLAIM_TO, phase="Pending", volume="", storage_class="local-path")
    (hazard,) = of_claims(waiting, storage_classes=[LAZY], volumes=[volume(CLAIM_TO)])
    assert hazard.slug == "claim-pending"


def test_an_empty_claim_may_be_accepted_by_its_name() -> None:
    waiting = claim(CLAIM_TO, phase="Pending", volume="", storage_class="local-path")
    seen = before(claims=[waiting], storage_classes=[LAZY], volumes=[])
    assert "claim-empty" in [hazard.slug for hazard in promote(seen)]
    for accepted, is_told in ((f"claim-empty={CLAIM_TO}", False), ("claim-empty=other", True)):
        told = [hazard.slug for hazard in promote(seen, service=sonarr(accept=(accepted,)))]
        assert ("claim-empty" in told) is is_told


def test_a_volume_of_another_machine_stops_the_move_and_names_both() -> None:
    on_w1 = volume(CLAIM_TO, node_terms=((Requirement("kubernetes.io/hostname", "In", (W1,)),),))
    (hazard,) = of_claims(claim(CLAIM_TO), volumes=[on_w1])
    assert (hazard.slug, hazard.severity) == ("claim-elsewhere", Severity.STOP)
    assert hazard.detail == (
        "The volume of the claim pvc-sonarr-backup is on k3s-w1, and the app would be sent to k3s-w2: the pod could "
        "not be scheduled."
    )


def test_a_volume_that_no_node_can_use_is_said_to_be_on_none() -> None:
    gone = volume(CLAIM_TO, node_terms=((Requirement("kubernetes.io/hostname", "In", ("k3s-w9",)),),))
    (hazard,) = of_claims(claim(CLAIM_TO), volumes=[gone])
    assert "is on no node that there is" in hazard.detail


def test_of_a_demote_the_claim_of_primary_is_looked_at() -> None:
    told = demote(before("backup", claims=[claim(CLAIM_TO)]))
    assert [hazard.about for hazard in told if hazard.slug == "claim-missing"] == [
        "PersistentVolumeClaim media/pvc-sonarr"
    ]


@pytest.mark.parametrize("kind", ["claims", "volumes", "storage_classes"])
def test_what_may_not_be_read_is_not_judged(kind: str) -> None:
    told = [hazard.slug for hazard in promote(before(**{kind: unseen()}))]
    assert not any(slug.startswith("claim-") for slug in told)


# A variable of a Kustomization says the claim, and the catalog the workload

FLUX = b"""\
kind: Kustomization
metadata: {name: sonarr, namespace: flux-system}
spec: {postBuild: {substitute: {ROLE: primary, %s: pvc-sonarr}}}
"""


def by_variable(name: str, *claims: Claim) -> list[Hazard]:
    """What is said of the claims of a promote that changes two variables."""
    workload, path = WorkloadName("Deployment", "sonarr", "media"), "spec.postBuild.substitute"
    flux = service(
        switch(f"{path}.ROLE", "primary", "backup", kind="Kustomization"),
        switch(f"{path}.{name}", "pvc-sonarr", CLAIM_TO, kind="Kustomization"),
        primary_workload=workload,
        backup_workload=workload,
        primary_nodes=(W1,),
        backup_nodes=(W2,),
    )
    local = [volume("pvc-sonarr", node_terms=((Requirement("kubernetes.io/hostname", "In", (W1,)),),))]
    seen = before(claims=[claim("pvc-sonarr"), *claims], volumes=local)
    told = promote(seen, service=flux, text=FLUX % name.encode())
    return [hazard for hazard in told if hazard.slug.startswith("claim-")]


def test_the_claim_that_a_variable_leads_to_is_the_one_that_is_looked_at() -> None:
    """Not the one that the workload has now: its volume is on the node that is left, and every promote would stop."""
    assert by_variable("CLAIM", claim(CLAIM_TO)) == []
    (missing,) = by_variable("CLAIM")
    assert (missing.slug, missing.about) == ("claim-missing", f"PersistentVolumeClaim media/{CLAIM_TO}")


def test_of_a_variable_that_nobody_understands_no_claim_stops_a_move() -> None:
    assert by_variable("DISK") == []


# A side with several nodes, and volumes that are each on one of them

MEDIA, MEDIA_TO, W3 = "pvc-media", "pvc-media-backup", "k3s-w3"
TWO_VOLUMES = manifest() + b"        - name: media\n          persistentVolumeClaim: {claimName: pvc-media}\n"


def on(name: str, *nodes: str) -> Volume:
    return volume(name, node_terms=((Requirement("kubernetes.io/hostname", "In", nodes),),))


def with_two(*volumes: Volume, **kinds: Any) -> list[Hazard]:
    """What is said of a promote to k3s-w2 and k3s-w3 with two claims."""
    of = sonarr()
    path = "spec.template.spec.volumes[name=media].persistentVolumeClaim.claimName"
    of = replace(of, switches=(*of.switches, *service(switch(path, MEDIA, MEDIA_TO, kind="Deployment")).switches))
    claims = [claim(name) for name in ("pvc-sonarr", CLAIM_TO, MEDIA, MEDIA_TO)]
    seen = before(**{"claims": claims, "volumes": volumes, "nodes": [node(W1), node(W2), node(W3)], **kinds})
    told = promote(seen, service=of, text=TWO_VOLUMES)
    return [hazard for hazard in told if hazard.slug.startswith(("claim-", "node-"))]


def test_claims_that_no_node_of_the_side_can_use_together_stop_the_move() -> None:
    assert with_two(on(CLAIM_TO, W2, W3), on(MEDIA_TO, W3)) == []
    (hazard,) = with_two(on(CLAIM_TO, W2), on(MEDIA_TO, W3))
    assert (hazard.slug, hazard.severity) == ("claim-elsewhere", Severity.STOP)
    assert hazard.detail == (
        "None of k3s-w2 or k3s-w3 can use the volumes of pvc-media-backup, pvc-sonarr-backup together: the pod could "
        "not be scheduled."
    )


def test_of_several_nodes_the_one_with_the_volumes_has_to_be_ready() -> None:
    here, other_is_dead = (on(CLAIM_TO, W3), on(MEDIA_TO, W2, W3)), [node(W1), dead(W2), node(W3)]
    assert with_two(*here, nodes=other_is_dead) == []
    (hazard,) = with_two(*here, nodes=[node(W1), node(W2), dead(W3)])
    assert (hazard.slug, hazard.severity, hazard.about) == ("node-not-ready", Severity.STOP, "Node k3s-w3")
    (hazard,) = with_two(*here, nodes=[node(W1), node(W2), node(W3, is_unschedulable=True)])
    assert (hazard.slug, hazard.about) == ("node-cordoned", "Node k3s-w3")


def test_a_claim_that_is_meant_to_be_empty_is_so_though_classes_may_not_be_read() -> None:
    waiting = claim(CLAIM_TO, phase="Pending", volume="", storage_class="local-path")
    seen = before(claims=[waiting], storage_classes=unseen(), volumes=[])
    assert "claim-pending" in [hazard.slug for hazard in promote(seen)]
    told = promote(seen, service=sonarr(accept=(f"claim-empty={CLAIM_TO}",)))
    assert not [hazard.slug for hazard in told if hazard.slug.startswith("claim-")]
