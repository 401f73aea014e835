"""claim-unknown: the target's claim is nowhere in the repository."""

import pytest

from failover_api.core.catalog.model import Action, Service
from failover_api.core.planning.plan import plan
from failover_api.core.safety.finders.claim_unknown import claim_unknown
from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.core.safety.surroundings import NOT_LOOKED_AT, Surroundings
from failover_api.core.safety.switch_moves import planned_move
from failover_api.core.search.known_claims import KnownClaims
from failover_api.core.search.known_neighbours import KnownNeighbours
from tests.support.builders import manifests, service, switch

APP = b"kind: Deployment\nmetadata: {name: sonarr, namespace: media}\nspec:\n  claimName: data\n"
KNOWN = Surroundings(
    KnownClaims({"data": "pvc.yaml:4", "data-backup": "pvc.yaml:12", "other": "pvc.yaml:20"}), KnownNeighbours()
)


def sonarr(backup: str, **changes: bool) -> Service:
    return service(switch("spec.claimName", "data", backup), **changes)


def told(service: Service, around: Surroundings = KNOWN) -> list[Hazard]:
    return list(claim_unknown(planned_move(plan(service, manifests({"a.yaml": APP}), Action.PROMOTE)), around))


def test_a_slip_of_the_pen_is_told_with_the_name_that_was_meant() -> None:
    (hazard,) = told(sonarr("data-backpu"))
    assert hazard == Hazard(
        slug="claim-unknown",
        severity=Severity.WARN,
        about="Deployment media/sonarr",
        where="a.yaml:4",
        detail=(
            "No manifest in the repository makes the claim data-backpu; the nearest is data-backup (pvc.yaml:12). "
            "Without it the pod cannot start."
        ),
        cure=(
            "Correct the name in the catalog, or add the claim to the repository. Where claims are made elsewhere, "
            "write `claims: external` in the catalog."
        ),
    )


def test_a_claim_that_is_known_is_not_told() -> None:
    assert told(sonarr("data-backup")) == []


def test_the_service_s_own_claim_is_not_what_was_meant() -> None:
    (hazard,) = told(sonarr("data-2"))
    assert "the claim data-2. Without" in hazard.detail


@pytest.mark.parametrize("name", ["${APP}-backup", "{{ .Release.Name }}-b", ""])
def test_a_name_that_is_filled_in_is_left_alone(name: str) -> None:
    allowed = service(switch("spec.claimName", "data", name, allow="substitution template type"))
    assert told(allowed) == []


def test_claims_that_are_made_elsewhere_are_not_looked_for() -> None:
    assert told(sonarr("data-backpu", has_external_claims=True)) == []


def test_a_repository_that_makes_no_claim_tells_nobody_whether_one_is_missing() -> None:
    assert told(sonarr("data-backpu"), Surroundings(KnownClaims({}), KnownNeighbours())) == []
    assert [hazard.slug for hazard in told(sonarr("data-backpu"))] == ["claim-unknown"]


def test_nothing_is_told_where_nobody_has_looked() -> None:
    assert told(sonarr("data-backpu"), NOT_LOOKED_AT) == []
    assert not NOT_LOOKED_AT.is_complete
    assert KNOWN.is_complete
