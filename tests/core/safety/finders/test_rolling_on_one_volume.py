"""rolling-on-one-volume: told of a promote with `unblock: rolling`, and of what stands so until it is home."""

from failover_api.core.catalog.model import Action, Side, Workload
from failover_api.core.planning.plan import plan
from failover_api.core.planning.state import detect
from failover_api.core.safety.hazard import Severity
from failover_api.core.safety.hazards import hazards
from failover_api.core.safety.surroundings import NOT_LOOKED_AT
from failover_api.core.safety.switch_moves import made_move, planned_move, possible_move
from failover_api.core.splice import Manifest, Selector, parse
from tests.core.safety.finders.ground import NODE, around, only, promote
from tests.support.builders import service, switch

APP = """\
kind: Deployment
metadata: {name: sonarr, namespace: media}
spec:
  strategy:
    type: Recreate
  template:
    spec:
      nodeSelector: {role: primary}
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""
CLAIM = switch("spec.template.spec.volumes[name=data].persistentVolumeClaim.claimName", "data", "data-b")
ROLLING = {"unblocked": Workload("a.yaml", Selector("Deployment"))}
CLAIMS = "kind: PersistentVolumeClaim\nmetadata: {{name: {}, namespace: media}}\nspec: {{accessModes: [{}]}}\n"


def claims(primary: str, backup: str) -> str:
    return CLAIMS.format("data", primary) + "---\n" + CLAIMS.format("data-b", backup)


def test_a_promote_that_unblocks_is_warned_and_waits_for_no_pod() -> None:
    (hazard,) = promote(APP, NODE, CLAIM, **ROLLING)
    assert (hazard.slug, hazard.severity) == ("rolling-on-one-volume", Severity.WARN)
    assert (hazard.about, hazard.where) == ("Deployment media/sonarr", "a.yaml:5")
    assert "both write to one volume" in hazard.detail
    assert "once it is seen serving" in hazard.cure, "with a cluster nobody waits for the way home"


def test_without_it_the_strategy_blocks() -> None:
    assert [hazard.slug for hazard in promote(APP, NODE, CLAIM)] == ["recreate-blocks"]


def test_a_claim_of_one_pod_keeps_them_apart() -> None:
    one = around({"pvc.yaml": claims("ReadWriteOnce", "ReadWriteOncePod")})
    many = around({"pvc.yaml": claims("ReadWriteOncePod", "ReadWriteOnce")})
    assert promote(APP, NODE, CLAIM, surroundings=one, **ROLLING) == []
    assert len(promote(APP, NODE, CLAIM, surroundings=many, **ROLLING)) == 1, "the claim that it moves to counts"


def test_it_stands_until_it_is_moved_home_and_the_way_home_puts_it_back() -> None:
    one = service(NODE, CLAIM, **ROLLING)
    home = {"a.yaml": parse(APP.encode(), file="a.yaml")}
    away = {"a.yaml": parse(plan(one, home, Action.PROMOTE).new["a.yaml"], file="a.yaml")}
    thought = hazards(possible_move(one, detect(one, away), Side.PRIMARY, away), NOT_LOOKED_AT)
    assert len(only("rolling-on-one-volume", list(thought))) == 1
    back = plan(one, away, Action.DEMOTE, former=home)
    planned = hazards(planned_move(back, away), NOT_LOOKED_AT)
    assert [hazard.slug for hazard in planned] == ["recreate-blocks", "data-left-behind"]


def test_of_the_move_that_was_made_it_is_told_until_the_strategy_is_put_back() -> None:
    """A rollout tells it: not of the next promote, but of this one."""
    one = service(NODE, CLAIM, **ROLLING)
    home = {"a.yaml": parse(APP.encode(), file="a.yaml")}
    rolls = plan(one, home, Action.PROMOTE).new["a.yaml"]
    put_back = APP.replace("role: primary", "role: backup").replace("claimName: data", "claimName: data-b")
    for text, told in ((rolls, 1), (put_back.encode(), 0)):
        away = {"a.yaml": parse(text, file="a.yaml")}
        detection = detect(one, away)
        assert detection.state == Side.BACKUP
        made = hazards(made_move(one, detection, Side.BACKUP, away), NOT_LOOKED_AT)
        assert len(only("rolling-on-one-volume", list(made))) == told, text


def test_the_whole_block_that_it_writes_can_go_back() -> None:
    one = service(NODE, CLAIM, **ROLLING)
    manifests: dict[str, Manifest] = {"a.yaml": parse(APP.encode(), file="a.yaml")}
    there = plan(one, manifests, Action.PROMOTE)
    assert only("strategy-alone", list(hazards(planned_move(there, manifests), NOT_LOOKED_AT))) == []
