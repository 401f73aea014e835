"""data-left-behind: told where a claim is left for that of primary, and nowhere else."""

import pytest

from failover_api.core.catalog.model import Action, Service, Side
from failover_api.core.planning.plan import plan
from failover_api.core.planning.rollback import plan_rollback
from failover_api.core.planning.state import detect
from failover_api.core.safety.finders.data_left_behind import data_left_behind
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import planned_move, possible_move
from tests.support.builders import manifests, service, switch

APP = b"""\
kind: Deployment
metadata: {name: sonarr, namespace: media}
spec:
  node: w1
  claimName: data
---
kind: ReplicationSource
metadata: {name: sonarr, namespace: media}
spec: {paused: false}
"""
NODE = switch("spec.node", "w1", "w2", kind="Deployment")
CLAIM = switch("spec.claimName", "data", "data-b", kind="Deployment")
PAUSED = switch("spec.paused", primary=False, backup=True, kind="ReplicationSource")
SONARR = service(NODE, CLAIM)
SINCE = Surroundings(there_since={"sonarr": "2026-11-28T20:14:00Z"})


def moved(service: Service, data: bytes = APP) -> bytes:
    """The file on backup."""
    return plan(service, manifests({"a.yaml": data}), Action.PROMOTE, force=True).new["a.yaml"]


def told(service: Service, data: bytes, action: Action, around: Surroundings = SINCE) -> list[Hazard]:
    planned = plan(service, manifests({"a.yaml": data}), action, force=True)
    return list(data_left_behind(planned_move(planned), around))


def test_a_demote_leaves_what_was_written_on_backup() -> None:
    (hazard,) = told(SONARR, moved(SONARR), Action.DEMOTE)
    assert hazard == Hazard(
        slug="data-left-behind",
        severity=Severity.WARN,
        about="Deployment media/sonarr",
        where="a.yaml:5",
        detail=(
            "What sonarr wrote on backup since 2026-11-28 20:14 UTC stays behind (claim data-b -> data): primary goes "
            "on with the data it had before, unless somebody has synced it."
        ),
        cure="Sync data-b back first, or be sure that nothing in it is needed.",
    )


def test_that_nobody_knows_since_when_is_said() -> None:
    (hazard,) = told(SONARR, moved(SONARR), Action.DEMOTE, Surroundings())
    assert hazard.detail.startswith("What sonarr wrote on backup, since when is not known here, stays behind (claim")


def test_a_promote_leaves_nothing() -> None:
    """Replication brings the data that way."""
    assert told(SONARR, APP, Action.PROMOTE) == []


@pytest.mark.parametrize("other", ["data-old", "data-b"])
def test_a_claim_of_neither_side_is_left_as_well(other: str) -> None:
    stray = APP.replace(b"claimName: data", b"claimName: " + other.encode())
    (hazard,) = told(SONARR, stray, Action.DEMOTE)
    assert f"(claim {other} -> data)" in hazard.detail
    assert told(SONARR, stray, Action.PROMOTE) == []


def test_a_move_without_a_claim_leaves_nothing() -> None:
    only_node = service(NODE)
    assert told(only_node, moved(only_node), Action.DEMOTE) == []
    same_volume = service(NODE, switch("spec.claimName", "data", "data", kind="Deployment"))
    assert told(same_volume, moved(only_node), Action.DEMOTE) == []


def test_a_claim_that_is_home_already_is_not_left() -> None:
    mixed = APP.replace(b"node: w1", b"node: w2")
    assert told(SONARR, mixed, Action.DEMOTE) == []


def test_any_place_can_hold_a_claim_that_the_catalog_calls_one() -> None:
    data = b"kind: HelmRelease\nmetadata: {name: web}\nspec: {values: {store: {volume: web-b}}}\n"
    path = "spec.values.store.volume"
    assert told(service(switch(path, "web", "web-b")), data, Action.DEMOTE) == []
    named = service(switch(path, "web", "web-b", names_claim=True))
    assert [hazard.where for hazard in told(named, data, Action.DEMOTE)] == ["a.yaml:3"]


def test_several_claims_are_one_hazard() -> None:
    data = b"kind: Deployment\nspec:\n  one: {claimName: a-b}\n  two: {claimName: b-b}\n"
    two = service(switch("spec.one.claimName", "a", "a-b"), switch("spec.two.claimName", "b", "b-b"))
    (hazard,) = told(two, data, Action.DEMOTE)
    assert "stays behind (claims a-b -> a, b-b -> b): primary goes on" in hazard.detail
    assert hazard.cure.startswith("Sync a-b and b-b back first")


def test_replication_that_the_same_commit_restarts_is_named() -> None:
    parked = service(NODE, CLAIM, PAUSED)
    (hazard,) = told(parked, moved(parked), Action.DEMOTE)
    assert hazard.cure == (
        "Sync data-b back first: this commit also restarts replication (ReplicationSource media/sonarr), which copies "
        "the older data of primary over what was written on backup."
    )


def test_a_rollback_of_a_promote_leaves_it_too_and_of_a_demote_does_not() -> None:
    home, away = manifests({"a.yaml": APP}), manifests({"a.yaml": moved(SONARR)})
    of_promote = plan_rollback(SONARR, away, home, away, reverts="01J")
    of_demote = plan_rollback(SONARR, home, away, home, reverts="01J")
    assert [hazard.slug for hazard in data_left_behind(planned_move(of_promote), SINCE)] == ["data-left-behind"]
    assert list(data_left_behind(planned_move(of_demote), SINCE)) == []


def test_a_status_tells_what_its_plan_would() -> None:
    away = moved(SONARR)
    detection = detect(SONARR, manifests({"a.yaml": away}))
    thought = data_left_behind(possible_move(SONARR, detection, Side.PRIMARY), SINCE)
    assert list(thought) == told(SONARR, away, Action.DEMOTE)
    assert list(data_left_behind(possible_move(SONARR, detection, Side.BACKUP), SINCE)) == []
