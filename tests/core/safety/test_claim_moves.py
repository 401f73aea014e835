"""The claims that a move leaves: of variables that Flux fills in, and of workloads of which one sleeps."""

from pathlib import Path

import pytest

import failover_api
from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Action, Service, Side, Switch
from failover_api.core.planning.plan import plan
from failover_api.core.planning.state import detect
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.hazards import hazards
from failover_api.core.safety.surroundings import NOT_LOOKED_AT, Surroundings
from failover_api.core.safety.switch_moves import planned_move, possible_move
from failover_api.core.splice import Selector
from tests.core.safety.finders.ground import around, demote, only
from tests.support.builders import manifests, service, switch

FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: photoprism, namespace: flux-system}
spec:
  path: ./apps/photos
  postBuild:
    substitute:
      NODE: w1
      CLAIM: index
"""
APP = """\
kind: Deployment
metadata: {name: photoprism, namespace: photos}
spec:
  template:
    spec:
      nodeSelector: {role: '${NODE}'}
      volumes:
        - {name: index, persistentVolumeClaim: {claimName: REFERENCE}}
"""
CLAIMS = "".join(f"kind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\n---\n" for name in ("index", "index-b"))
NODE = switch('spec.postBuild.substitute["NODE"]', "w1", "w2")


def variable(name: str, primary: str = "index", backup: str = "index-b") -> Switch:
    return switch(f"spec.postBuild.substitute.{name}", primary, backup)


def left(name: str, surroundings: Surroundings, primary: str = "index", backup: str = "index-b") -> list[str]:
    """What a demote says is left, where a variable of this name is switched beside the node."""
    text = FLUX.replace("CLAIM: index", f"{name}: {primary}")
    told = demote(text, NODE, variable(name, primary, backup), surroundings=surroundings)
    return [hazard.detail.partition("(")[2].partition(")")[0] for hazard in only("data-left-behind", told)]


def used(reference: str, path: str = "apps/photos/app.yaml") -> Surroundings:
    return around({path: APP.replace("REFERENCE", reference)})


@pytest.mark.parametrize("name", ["CLAIM", "PHOTOPRISM_CLAIM", "VOLSYNC_PVC", "app_volume"])
def test_a_variable_that_says_so_is_a_claim_though_nothing_else_was_looked_at(name: str) -> None:
    assert left(name, NOT_LOOKED_AT) == ["claim index-b -> index"]


def test_a_variable_of_any_name_is_one_where_its_values_are_claims() -> None:
    assert left("STORE", around({"pvc.yaml": CLAIMS})) == ["claim index-b -> index"]
    assert left("STORE", NOT_LOOKED_AT) == []


@pytest.mark.parametrize("reference", ["'${STORE}'", '"${STORE}"', "${STORE}", "${STORE:-index}", "${STORE:=x}"])
def test_a_variable_of_any_name_is_one_where_a_workload_has_its_claim_by_it(reference: str) -> None:
    assert left("STORE", used(reference)) == ["claim index-b -> index"]


def test_a_variable_may_be_a_part_of_the_claims_name() -> None:
    assert left("SIDE", used("data-${SIDE}"), "one", "two") == ["claim data-two -> data-one"]


def test_another_kustomizations_workloads_say_nothing_of_it() -> None:
    assert left("SIDE", used("data-${SIDE}", "apps/other/app.yaml"), "one", "two") == []


def test_a_service_that_moves_only_its_node_is_never_told() -> None:
    for surroundings in (NOT_LOOKED_AT, used("index"), around({"pvc.yaml": CLAIMS})):
        assert only("data-left-behind", demote(FLUX, NODE, surroundings=surroundings)) == []
        assert left("VOLUME_SIZE", surroundings, "10Gi", "20Gi") == []


def test_a_variables_claim_that_nobody_makes_is_unknown() -> None:
    one = service(variable("CLAIM", "index", "indexx"))
    files = {"a.yaml": FLUX.encode()}
    (hazard,) = only("claim-unknown", _promoted(one, files, around({"pvc.yaml": CLAIMS})))
    assert hazard.where == "a.yaml:9"
    assert hazard.detail.startswith("No manifest in the repository makes the claim indexx; the nearest is index-b (")


def test_replication_of_a_variables_claim_is_left() -> None:
    source = "kind: ReplicationSource\nmetadata: {name: copy, namespace: photos}\nspec: {sourcePVC: index}\n"
    told = _promoted(service(variable("CLAIM")), {"a.yaml": FLUX.encode()}, around({"sync.yaml": source}))
    assert [hazard.about for hazard in only("replication-left", told)] == ["ReplicationSource photos/copy"]


@pytest.mark.parametrize("key", ["existingPVC", "existingVolumeClaim", "claimName"])
def test_a_charts_key_of_a_claim_is_one_in_any_case_of_letters(key: str) -> None:
    text = f"kind: HelmRelease\nmetadata: {{name: web}}\nspec: {{values: {{store: {{{key}: web}}}}}}\n"
    told = demote(text, switch(f"spec.values.store.{key}", "web", "web-b"))
    assert len(only("data-left-behind", told)) == 1


# Two workloads of which one sleeps

WORKLOAD = """\
kind: Deployment
metadata: {name: NAME, namespace: home}
spec:
  replicas: COUNT
  template: {spec: {volumes: [{name: data, persistentVolumeClaim: {claimName: CLAIM}}]}}
---
"""


def pair(one: str, other: str) -> str:
    first = WORKLOAD.replace("NAME", "broker").replace("COUNT", "1").replace("CLAIM", one)
    return first + WORKLOAD.replace("NAME", "standby").replace("COUNT", "0").replace("CLAIM", other)


def replicas(name: str, primary: int, backup: int, path: str = "spec.replicas") -> Switch:
    return switch(path, primary, backup, selector=Selector(name=name))


BOTH = (replicas("broker", 1, 0), replicas("standby", 0, 1))


def test_the_claim_of_the_workload_that_goes_to_sleep_is_left() -> None:
    (hazard,) = only("data-left-behind", demote(pair("data-p", "data-b"), *BOTH))
    assert "(claim data-b -> data-p)" in hazard.detail
    assert (hazard.about, hazard.where) == ("Deployment home/standby", "a.yaml:10")


def test_a_claim_that_both_have_is_not_left() -> None:
    assert only("data-left-behind", demote(pair("shared", "shared"), *BOTH)) == []


def test_a_promote_of_two_workloads_leaves_nothing() -> None:
    files = {"a.yaml": pair("data-p", "data-b").encode()}
    assert only("data-left-behind", _promoted(service(*BOTH), files, NOT_LOOKED_AT)) == []


def test_a_claim_of_the_workload_that_wakes_may_be_unknown() -> None:
    claims = "kind: PersistentVolumeClaim\nmetadata: {name: data-p}\n"
    files = {"a.yaml": pair("data-p", "data-b").encode()}
    (hazard,) = only("claim-unknown", _promoted(service(*BOTH), files, around({"pvc.yaml": claims})))
    assert (hazard.about, "claim data-b" in hazard.detail) == ("Deployment home/standby", True)


def test_two_stateful_sets_have_claims_of_their_templates() -> None:
    text = pair("x", "x").replace("Deployment", "StatefulSet")
    text = text.replace(
        "  template: {spec: {volumes:", "  volumeClaimTemplates: [{metadata: {name: data}}]\n  _: {x: {y:"
    )
    (hazard,) = only("data-left-behind", demote(text, *BOTH))
    assert "(claim data-standby-0 -> data-broker-0)" in hazard.detail


def test_two_releases_have_the_claims_of_their_values() -> None:
    one = (
        "kind: HelmRelease\nmetadata: {name: NAME}\nspec: {values: {replicaCount: 1, store: {existingClaim: CLAIM}}}\n"
    )
    text = one.replace("NAME", "broker").replace("CLAIM", "p") + "---\n"
    text += one.replace("NAME", "standby").replace("CLAIM", "b").replace("replicaCount: 1", "replicaCount: 0")
    path = "spec.values.replicaCount"
    both = (replicas("broker", 1, 0, path), replicas("standby", 0, 1, path))
    assert "(claim b -> p)" in only("data-left-behind", demote(text, *both))[0].detail


# The sample repository


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("photoprism", "photoprism-index-backup -> photoprism-index"),
        ("mosquitto", "mosquitto-backup -> mosquitto-primary"),
    ],
)
def test_the_samples_of_both_forms_tell_it_without_a_look_around(name: str, claims: str) -> None:
    folder = Path(failover_api.__file__).parent / "sandbox"
    one = parse_catalog((folder / "services.yaml").read_text(), file="services.yaml").service(name)
    home = manifests({file: (folder / "homelab" / file).read_bytes() for file in one.files})
    away = manifests(plan(one, home, Action.PROMOTE).new)
    move = planned_move(plan(one, away, Action.DEMOTE), away)
    (hazard,) = only("data-left-behind", list(hazards(move, NOT_LOOKED_AT)))
    assert f"stays behind (claim {claims}): primary goes on with the data it had before" in hazard.detail


def _promoted(one: Service, files: dict[str, bytes], surroundings: Surroundings) -> list[Hazard]:
    parsed = manifests(files)
    return list(hazards(possible_move(one, detect(one, parsed), Side.BACKUP, parsed), surroundings))
