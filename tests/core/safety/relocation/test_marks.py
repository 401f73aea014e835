"""A relocation is seen in the cluster by its tags."""

from dataclasses import replace

import pytest

from failover_api.core.catalog.model import Side
from failover_api.core.catalog.replication import DataReplication, Pair, ReplicationKind
from failover_api.core.safety.observed import Replication, Seen, View
from failover_api.core.safety.relocation.marks import ends_towards, is_filled, operation_on
from failover_api.core.splice import Selector
from tests.core.safety.relocation.ground import OPERATION
from tests.support import builders

TAG = f"failover-{OPERATION.lower()}-1-1"
NAMED = DataReplication(ReplicationKind.VOLSYNC, to_primary=Pair("sonarr-to-a", "sonarr-a", "media"))


def one(manual: str, *, name: str = "sonarr-to-a", is_paused: bool = False) -> Replication:
    return Replication("media", name, "ReplicationSource", manual=manual, is_paused=is_paused)


def seen(replication: Replication) -> View:
    return View(replication_sources=Seen({(replication.namespace, replication.name): replication}))


@pytest.mark.parametrize(
    ("replication", "operation"),
    [(one(TAG), OPERATION), (one(""), ""), (one("by-hand"), ""), (one(TAG, name="other"), "")],
)
def test_the_tag_names_the_operation(replication: Replication, operation: str) -> None:
    assert operation_on(builders.service(replication=NAMED), seen(replication)) == operation


def test_what_another_namespace_has_of_its_name_is_anothers() -> None:
    nowhere = DataReplication(ReplicationKind.VOLSYNC, to_primary=Pair("sonarr-to-a", "sonarr-a"))
    switch = builders.switch("spec.replicas", 1, 0, selector=Selector("Deployment", "sonarr", "office"))
    service = builders.service(switch, replication=nowhere)
    assert service.namespaces == {"office"}
    assert operation_on(service, seen(one(TAG))) == ""
    assert not list(ends_towards(service, Side.PRIMARY, seen(one(TAG))))
    unsaid = replace(service, switches=(replace(switch, selector=Selector("Deployment", "sonarr")),))
    assert operation_on(unsaid, seen(one(TAG))) == OPERATION


def test_without_replication_or_a_cluster_there_is_none() -> None:
    assert operation_on(builders.service(), seen(one(TAG))) == ""
    assert operation_on(builders.service(replication=NAMED), None) == ""


def test_what_is_paused_fills_nothing() -> None:
    assert is_filled(one(TAG))
    assert not is_filled(one(TAG, is_paused=True))
    assert not is_filled(one("by-hand"))
    assert not is_filled(None)
