"""What follows from observed values by themselves: which node a volume or a pod may be on, how old data is."""

import pytest

from failover_api.core.safety.observed import (
    EVERYWHERE,
    Condition,
    Lease,
    Node,
    NodeTerms,
    Pod,
    Replication,
    Requirement,
    Seen,
    Taint,
    Toleration,
    View,
    Volume,
)

W1 = Node("k3s-w1", labels={"kubernetes.io/hostname": "k3s-w1", "role": "primary", "cores": "4"})
UNREACHABLE = Taint("node.kubernetes.io/unreachable", "", "NoExecute")


@pytest.mark.parametrize(
    ("requirement", "is_met"),
    [
        (Requirement("role", "In", ("primary", "backup")), True),
        (Requirement("role", "In", ("backup",)), False),
        (Requirement("role", "NotIn", ("backup",)), True),
        (Requirement("missing", "NotIn", ("backup",)), True),
        (Requirement("role", "Exists"), True),
        (Requirement("missing", "Exists"), False),
        (Requirement("missing", "DoesNotExist"), True),
        (Requirement("cores", "Gt", ("3",)), True),
        (Requirement("cores", "Lt", ("3",)), False),
        (Requirement("role", "Gt", ("3",)), False),
        (Requirement("cores", "Gt"), False),
        (Requirement("role", "Near", ("primary",)), False),
        (Requirement("metadata.name", "In", ("k3s-w1",)), True),
    ],
)
def test_a_requirement_is_about_a_label_or_the_name(requirement: Requirement, is_met: bool) -> None:
    assert W1.meets(((requirement,),)) is is_met


@pytest.mark.parametrize(
    ("terms", "is_usable"),
    [
        (None, True),
        ((), False),
        (((),), False),
        (((Requirement("role", "In", ("backup",)),), (Requirement("role", "In", ("primary",)),)), True),
        (((Requirement("role", "Exists"), Requirement("role", "In", ("backup",))),), False),
    ],
)
def test_a_volume_is_where_any_of_its_terms_is_met_in_full(terms: NodeTerms | None, is_usable: bool) -> None:
    assert Volume("pv", node_terms=terms).is_usable_on(W1) is is_usable


@pytest.mark.parametrize(
    ("toleration", "tolerates"),
    [
        (Toleration(operator="Exists"), True),
        (Toleration("node.kubernetes.io/unreachable", "Exists", effect="NoExecute"), True),
        (Toleration("node.kubernetes.io/unreachable", "Exists", effect="NoSchedule"), False),
        (Toleration("node.kubernetes.io/unreachable"), True),
        (Toleration("node.kubernetes.io/unreachable", value="x"), False),
        (Toleration("other", "Exists"), False),
        (Toleration("node.kubernetes.io/unreachable", "Perhaps"), False),
    ],
)
def test_a_toleration_is_for_a_key_a_value_and_an_effect(toleration: Toleration, tolerates: bool) -> None:
    assert toleration.tolerates(UNREACHABLE) is tolerates


def test_a_node_is_ready_when_it_says_so_and_not_when_it_says_nothing() -> None:
    assert Node("a", ready=Condition("Ready", "True")).is_ready
    assert not Node("a", ready=Condition("Ready", "Unknown")).is_ready
    assert not Node("a").is_ready
    assert Node("a", labels={"node-role.kubernetes.io/control-plane": ""}).is_control_plane
    assert not W1.is_control_plane


def test_a_pod_on_its_way_out_does_not_serve() -> None:
    ready = Condition("Ready", "True")
    assert Pod("media", "a", ready=ready).is_ready
    assert not Pod("media", "a", ready=ready, deletion_at=1.0).is_ready
    assert Pod("media", "a", phase="Failed").has_ended


def test_data_is_as_old_as_the_beginning_of_its_sync() -> None:
    source = Replication("media", "sonarr", "ReplicationSource", last_sync_at=1000.0, last_sync_duration_s=63.5)
    assert source.data_as_of == 936.5
    assert Replication("media", "sonarr", "ReplicationSource", last_sync_at=1000.0).data_as_of is None


def test_what_was_not_looked_at_is_unseen_and_says_so() -> None:
    assert View().nodes.why_unseen() == "it was not looked at"
    assert View().why_unseen == "it was not looked at"
    assert View().heard_at is None


def test_a_reason_is_that_of_its_namespace() -> None:
    pods: Seen[Pod] = Seen(heard_at=5.0, unseen={"office": "forbidden"})
    assert pods.why_unseen("media") == ""
    assert pods.why_unseen("office") == "forbidden"
    assert pods.why_unseen(EVERYWHERE) == "forbidden"
    everywhere: Seen[Pod] = Seen(unseen={EVERYWHERE: "no answer"})
    assert everywhere.why_unseen("media") == "no answer"


def test_a_view_was_heard_when_its_newest_kind_was() -> None:
    leases: Seen[Lease] = Seen(heard_at=9.0)
    view = View(nodes=Seen(heard_at=5.0), leases=leases, pods=Seen(unseen={"": "forbidden"}))
    assert view.heard_at == 9.0
    assert view.why_unseen == ""


def test_data_that_would_be_older_than_any_calendar_has_no_age() -> None:
    source = Replication("media", "sonarr", "ReplicationSource", last_sync_at=1e9, last_sync_duration_s=3.6e15)
    assert source.data_as_of is None


def test_a_view_is_whole_where_only_what_may_not_be_read_is_missing() -> None:
    forbidden: Seen[Node] = Seen(unseen={EVERYWHERE: "nodes is forbidden"}, is_forbidden=True)
    assert View(nodes=forbidden).is_whole
    assert not View(nodes=forbidden, pods=Seen(unseen={"media": "no answer within 2 s"})).is_whole
