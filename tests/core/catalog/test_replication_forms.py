"""`replication`, `quiesce` and `relocate`: how the data comes home."""

import pytest

from failover_api.core.catalog.model import Service
from failover_api.core.catalog.replication import (
    DataReplication,
    Pair,
    Quiesce,
    RelocationLimits,
    ReplicationKind,
    Via,
)
from tests.support.catalog_text import LABELS, parsed, refusal, refusals, service_text

TO_BACKUP = "to_backup: {source: x-to-w2, destination: x-w2}"
VOLSYNC = f"replication: {{kind: volsync, {TO_BACKUP}}}\n"
RELEASE = LABELS.replace("deployment", "helmrelease")
SWITCHES = "switches:\n- {file: a.yaml, kind: Deployment, path: spec.a, primary: a, backup: b}\n"
FULL = """\
replication:
  kind: volsync
  via: repository
  to_backup: {source: x-to-w2, destination: x-w2, namespace: data, file: apps/x/volsync.yaml}
  to_primary: {source: x-to-w1, destination: x-w1}
quiesce: {path: spec.replicas, running: 2}
relocate: {quiesce: 1m, final_sync: 2h, cutover: 90s}
"""


def loaded(entry: str, top: str = "repository: acme/homelab\n") -> Service:
    return parsed(service_text(entry, top=top)).services["x"]


def test_without_a_word_there_is_none() -> None:
    service = loaded(LABELS)
    assert service.replication is None
    assert service.relocate == RelocationLimits(300, 1800, 300)


def test_all_keys_are_read() -> None:
    service = loaded(LABELS + FULL)
    assert service.replication == DataReplication(
        ReplicationKind.VOLSYNC,
        Via.REPOSITORY,
        Pair("x-to-w2", "x-w2", "data", "apps/x/volsync.yaml"),
        Pair("x-to-w1", "x-w1", "m"),
    )
    assert service.quiesce == Quiesce(("spec", "replicas"), 2)
    assert service.relocate == RelocationLimits(60, 7200, 90)


def test_its_objects_are_no_switches() -> None:
    assert loaded(LABELS + FULL).switches == loaded(LABELS).switches


def test_another_replication_is_another_entry() -> None:
    digests = {loaded(LABELS).digest, loaded(LABELS + VOLSYNC).digest, loaded(LABELS + FULL).digest}
    assert len(digests) == 3, "a move parks it, so what was seen of one must not be taken for the other"


@pytest.mark.parametrize("kind", ["deployment", "statefulset"])
def test_a_workload_of_kubernetes_is_stopped_by_its_replicas(kind: str) -> None:
    assert loaded(LABELS.replace("deployment", kind) + VOLSYNC).quiesce == Quiesce(("spec", "replicas"), 1)


def test_one_that_is_named_for_both_sides_too() -> None:
    workload = "workload: {primary: {kind: Deployment, name: x}, backup: {kind: StatefulSet, name: z}}\n"
    assert loaded(SWITCHES + workload + VOLSYNC).quiesce == Quiesce(("spec", "replicas"), 1)


def test_a_release_names_its_own() -> None:
    service = loaded(f"{RELEASE}{VOLSYNC}quiesce: {{path: spec.values.replicas}}\n")
    assert service.quiesce == Quiesce(("spec", "values", "replicas"), 1)


@pytest.mark.parametrize("kind", ["manual", "none"])
def test_other_kinds_have_no_pairs(kind: str) -> None:
    assert loaded(f"{LABELS}replication: {{kind: {kind}}}\n").replication == DataReplication(ReplicationKind(kind))


def test_what_brings_no_data_stops_nothing() -> None:
    assert loaded(f"{RELEASE}replication: {{kind: none}}\n").quiesce is None


@pytest.mark.parametrize(
    ("kind", "more", "has_it"),
    [("volsync, " + TO_BACKUP, "", False), ("volsync, " + TO_BACKUP, "workload: {kind: Deployment, name: x}\n", True),
     ("none", "", True)],
)  # fmt: skip
def test_a_default_holds_where_it_can_be_said_what_is_stopped(kind: str, more: str, has_it: bool) -> None:
    top = f"repository: a/b\ndefaults: {{replication: {{kind: {kind}}}}}\n"
    assert (loaded(SWITCHES + more, top=top).replication is not None) is has_it


def test_defaults_hold_the_names_of_each_service() -> None:
    defaults = "{replication: {kind: volsync, to_backup: {source: '{service}-a', destination: '{service}-b'}}}"
    service = loaded(LABELS, top=f"repository: a/b\ndefaults: {defaults}\n")
    assert service.replication is not None
    assert service.replication.to_backup == Pair("x-a", "x-b", "m")


def test_the_quiesce_of_releases_is_no_default_of_deployments() -> None:
    top = "repository: a/b\ndefaults: {quiesce: {path: spec.values.replicas, running: 3}}\n"
    assert loaded(LABELS + VOLSYNC, top=top).quiesce == Quiesce(("spec", "replicas"), 1)
    assert loaded(RELEASE, top=top).quiesce == Quiesce(("spec", "values", "replicas"), 3)
    other = "repository: a/b\ndefaults: {quiesce: {path: spec.replicas, running: 3}}\n"
    assert loaded(LABELS, top=other).quiesce == Quiesce(("spec", "replicas"), 3)
    assert loaded(RELEASE, top=other).quiesce is None


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ("replication: {via: direct}\n", "8: services.x.replication.kind: is missing"),
        (
            "replication: {kind: rsync}\n",
            "8: services.x.replication.kind: expected 'volsync', 'manual' or 'none', not 'rsync'",
        ),
        (
            f"replication: {{kind: volsync, via: restic, {TO_BACKUP}}}\n",
            "8: services.x.replication.via: expected 'direct' or 'repository', not 'restic'",
        ),
        (
            "replication: {kind: volsync}\n",
            (
                "8: services.x.replication.to_backup: is missing; `kind: volsync` needs it, and `to_primary` "
                "to come home"
            ),
        ),
        (
            f"replication: {{kind: manual, {TO_BACKUP}}}\n",
            ("8: services.x.replication.to_backup: is of `kind: volsync`; with `kind: manual` nothing is synced by us"),
        ),
        (
            "replication: {kind: volsync, to_backup: {source: a}}\n",
            "8: services.x.replication.to_backup.destination: is missing",
        ),
        (
            "replication: {kind: volsync, to_backup: {source: a, destination: b, file: ../c.yaml}}\n",
            (
                "8: services.x.replication.to_backup.file: expected a path inside the repository, as in "
                "'apps/web/deployment.yaml', without '..', not '../c.yaml'"
            ),
        ),
        (
            "replication: {kind: volsync, to_backup: {source: a, destination: b, dst: c}}\n",
            (
                "8: services.x.replication.to_backup.dst: unknown key, expected one of destination, file, namespace, "
                "source"
            ),
        ),
        (
            "quiesce: {path: spec.}\n",
            "8: services.x.quiesce.path: path 'spec.': expected a key at character 6",
        ),
        (
            "quiesce: {path: spec.replicas, running: 0}\n",
            "8: services.x.quiesce.running: expected a whole number of at least 1, not 0",
        ),
        (
            "relocate: {fast: 5m}\n",
            "8: services.x.relocate.fast: unknown key, expected one of cutover, final_sync, quiesce",
        ),
        (
            "relocate: {quiesce: 5}\n",
            "8: services.x.relocate.quiesce: expected a duration like '90s', '5m', '2h' or '1d', not 5",
        ),
    ],
)
def test_what_it_may_not_hold(entry: str, error: str) -> None:
    assert refusals(service_text(LABELS + entry))[0] == f"services.yaml:{error}"


def test_a_release_that_names_no_number_cannot_be_stopped() -> None:
    assert refusal(service_text(RELEASE + VOLSYNC)) == (
        "services.yaml:3: services.x.quiesce: is missing; `replication` needs it: name the number of the HelmRelease "
        "that stops the app when it is 0, as in `quiesce: {path: spec.values.replicas, running: 1}`"
    )


@pytest.mark.parametrize("more", ["", "quiesce: {path: spec.replicas, running: 1}\n"])
def test_switches_alone_do_not_say_what_is_stopped(more: str) -> None:
    assert refusal(service_text(SWITCHES + VOLSYNC + more)) == (
        "services.yaml:3: services.x.workload: is missing; `replication` needs it, since switches alone do not say "
        "what is stopped and looked at"
    )
    assert loaded(f"{SWITCHES}{VOLSYNC}{more}workload: {{kind: Deployment, name: x}}\n").replication is not None


# `paused`


@pytest.mark.parametrize(
    ("switch", "object_"),
    [
        ("file: a.yaml, kind: ReplicationSource, name: x-to-w2", "ReplicationSource x-to-w2"),
        ("file: a.yaml, kind: ReplicationDestination, name: x-w2, namespace: m", "ReplicationDestination x-w2"),
        ("file: a.yaml, kind: ReplicationSource", "ReplicationSource x-to-w2"),
        ("file: a.yaml", "ReplicationSource x-to-w2"),
    ],
)
def test_a_switch_on_what_is_paused_anyhow_is_named(switch: str, object_: str) -> None:
    entry = f"{LABELS}{VOLSYNC}switches:\n- {{{switch}, path: spec.paused, primary: false, backup: true}}\n"
    assert refusal(service_text(entry)) == (
        f"services.yaml:10: services.x.switches[0].path: `replication` pauses {object_} by itself: take the switch on "
        "its spec.paused out (a.yaml)"
    )


@pytest.mark.parametrize(
    "switch",
    [
        "file: a.yaml, kind: ReplicationSource, name: other, path: spec.paused",
        "file: a.yaml, kind: ReplicationSource, name: x-to-w2, namespace: other, path: spec.paused",
        "file: a.yaml, kind: Deployment, path: spec.paused",
        "file: a.yaml, kind: ReplicationSource, name: x-to-w2, path: spec.suspended",
    ],
)
def test_a_switch_on_anything_else_may_stay(switch: str) -> None:
    assert loaded(f"{LABELS}{VOLSYNC}switches:\n- {{{switch}, primary: false, backup: true}}\n")


def test_two_services_do_not_pause_the_same() -> None:
    other = LABELS.replace("deployment: x", "deployment: z")
    text = (
        service_text(LABELS + VOLSYNC) + "  z:\n" + "".join(f"    {line}\n" for line in (other + VOLSYNC).splitlines())
    )
    errors = refusals(text)
    assert errors[0] == (
        "services.yaml:14: services.z.replication: spec.paused of the same document is moved by the service 'x' too"
    )
