"""What the cluster says of a relocation: who still runs, and which nodes are away, and for how long."""

from dataclasses import replace
from typing import Any

import pytest

from failover_api.core.catalog.model import Side
from failover_api.core.catalog.replication import Quiesce, ReplicationKind
from failover_api.core.safety.observed import Condition, View
from failover_api.core.safety.relocation.places import Document, Place
from failover_api.core.safety.relocation.quiet import why_not_quiet
from failover_api.core.safety.relocation.sight import LOST_AFTER_S, Sight
from failover_api.core.safety.relocation.sight_of import sight_of
from failover_api.core.safety.relocation.subject import Subject
from failover_api.core.splice import Selector
from tests.support.cluster_views import NOW, W1, W2, deployment, in_git, node, pod, sonarr, view

APP = Document(Selector("Deployment", "sonarr", "media"), "a.yaml")
QUIESCE = Quiesce(("spec", "replicas"))


def sight(of: View) -> Sight:
    service = sonarr()
    subject = Subject(
        "sonarr", "01JDAAAAAAAAAAAAAAAAAAAAAA", Side.PRIMARY, ReplicationKind.NONE, Place(APP, QUIESCE.path), ()
    )
    return sight_of(subject, service, in_git(service), of, None, now=NOW, monotonic=0.0, host_now=NOW)


def stopped(**kinds: Any) -> View:
    return view(deployments=[deployment(replicas=0)], **kinds)


def test_an_app_that_has_stopped_is_quiet() -> None:
    assert why_not_quiet(sight(stopped(pods=[]))) == ""


@pytest.mark.parametrize("claims", [("pvc-sonarr-backup",), ("media-library",), ()])
def test_a_pod_of_the_app_is_waited_for_whatever_claim_it_has(claims: tuple[str, ...]) -> None:
    """What it writes to may be one volume for both sides, which is no switch."""
    ending = pod(claims=claims, ready=None)
    assert "Pod sonarr-new-x still " in why_not_quiet(sight(stopped(pods=[ending])))


def test_one_that_has_ended_is_not() -> None:
    assert why_not_quiet(sight(stopped(pods=[pod(claims=(), phase="Succeeded")]))) == ""


@pytest.mark.parametrize(("away_s", "is_lost"), [(LOST_AFTER_S - 1, False), (LOST_AFTER_S, True)])
def test_a_node_is_lost_once_it_was_not_ready_for_long(away_s: float, is_lost: bool) -> None:
    away = replace(node(W1), ready=Condition("Ready", "Unknown", since=NOW - away_s))
    found = sight(stopped(nodes=[away, node(W2)], pods=[]))
    assert found.target_down == (W1,)
    assert found.lost == ((W1,) if is_lost else ())


def test_a_side_whose_labels_no_node_has_is_no_side_to_go_to() -> None:
    """As after the Node object was deleted and made anew; with no labels asked for, nobody can tell."""
    bare = replace(node(W1), labels={})
    found = sight(stopped(nodes=[bare, node(W2)], pods=[]))
    assert found.target_down == ("with the labels of primary (there is none)",)
    assert found.origin_down == ()
