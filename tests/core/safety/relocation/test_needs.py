"""What a relocation needs of the manifests: nothing is told where all is well, and each trap by itself."""

from dataclasses import replace

import pytest

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Service
from failover_api.core.planning.state import detect
from failover_api.core.safety.relocation.needs import Need, needs
from failover_api.core.splice import Manifest, parse
from tests.support.relocating import APP, CATALOG, VOLSYNC, app, by_restic, running_to_backup

TO_A = "{copyMethod: Direct, keySecret: key, destinationPVC: a}"
TO_B = TO_A.replace("destinationPVC: a", "destinationPVC: b")
SOURCE_A = "spec:\n  sourcePVC: a\n"
EVERY_3_M = 'trigger: {schedule: "*/3 * * * *"}'
RESTIC = "has the mover restic, and `via: direct` takes rsyncTLS or rsync; write `via: repository`"
HEAD = "repository: acme/homelab\nbranch: main\nservices:\n"
RUNNING = running_to_backup()


def located(catalog: str = CATALOG, *, without: str = "") -> Service:
    """The service with all that it names found, but one end."""
    service = parse_catalog(HEAD + catalog, file="services.yaml").service("sonarr").located(APP)
    ends = []
    for end in service.named_ends:
        document = replace(end.document, file=VOLSYNC)
        trouble = "no such document" if document.selector.name == without else ""
        ends.append(replace(end, document=document, trouble=trouble))
    return replace(service, ends=tuple(ends))


def told(text: str = RUNNING, *, side: str = "primary", catalog: str = CATALOG, without: str = "") -> list[Need]:
    files = {APP: app(side), VOLSYNC: text}
    manifests: dict[str, Manifest] = {path: parse(data.encode(), file=path) for path, data in files.items()}
    service = located(catalog, without=without)
    return list(needs(service, detect(service, manifests), manifests))


def test_nothing_is_told_where_all_is_well() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("paused: true", "paused: false", "is not paused, and writes into primary, where the app is"),
        (f"rsyncTLS: {TO_B}", "restic: {copyMethod: Direct, repository: key, destinationPVC: b}", RESTIC),
        (TO_A, TO_A.replace("Direct", "Snapshot"), "has copyMethod Snapshot: it makes an image for a new claim"),
        (TO_A, "{copyMethod: Direct, keySecret: key}", "names no destinationPVC"),
        (TO_A, "{keySecret: key, destinationPVC: a}", "says no copyMethod"),
        (TO_B, TO_B.replace("keySecret: key", "keySecret: other"), "name another key Secret (key and other)"),
        ("keySecret: key, ", "", "names no keySecret"),
        ("destinationPVC: b", "destinationPVC: c", "copies a to c, and the switches say a to b"),
        (EVERY_3_M, EVERY_3_M.replace("}", ", manual: now}"), "has a manual tag beside its schedule"),
        (SOURCE_A, f"{SOURCE_A}  paused: ${{PAUSED}}\n", "takes `paused` from a variable"),
        (SOURCE_A, f"{SOURCE_A}  paused: true\n", "is paused: nothing is copied from primary to backup"),
    ],
)
def test_each_trap_is_told_with_its_place(old: str, new: str, words: str) -> None:
    assert old in RUNNING
    found = told(RUNNING.replace(old, new))
    assert [need for need in found if words in need.text], found
    assert all(need.text.startswith((f"{VOLSYNC}:", "to_")) for need in found)


def test_on_backup_it_is_the_other_pair_that_has_to_be_paused() -> None:
    found = [need.text for need in told(side="backup")]
    assert len([text for text in found if "is not paused, and writes into backup" in text]) == 2
    assert len([text for text in found if "is paused: nothing is copied from backup to primary" in text]) == 2


def test_an_end_that_was_not_found_is_told_with_what_to_do_about_a_component() -> None:
    (need,) = [one for one in told(without="sonarr-a") if not one.is_warning]
    assert need.text.startswith("to_primary: ReplicationDestination sonarr-a: no such document")
    assert "spec.postBuild.substitute" in need.text


def test_a_way_home_that_is_missing_is_a_warning() -> None:
    catalog = "".join(line for line in CATALOG.splitlines(keepends=True) if "to_primary" not in line)
    (need,) = told(catalog=catalog)
    assert need.is_warning
    assert need.text == "the catalog has no `replication.to_primary`, so it cannot be relocated home"


def test_a_number_that_cannot_stop_the_app_is_told() -> None:
    catalog = f"{CATALOG}    quiesce: {{path: spec.selector, running: 1}}\n"
    (need,) = told(catalog=catalog)
    assert need.text.startswith("a relocation to backup cannot be written: ")
    assert not need.is_warning


def test_a_relocation_under_way_is_not_told_of_what_it_paused() -> None:
    tag = "failover-01jdaaaaaaaaaaaaaaaaaaaaaa-1-1"
    text = RUNNING.replace("spec:\n  sourcePVC: a\n", "spec:\n  sourcePVC: a\n  paused: true\n")
    assert told(text)
    assert told(text.replace('"*/3 * * * *"', f'"*/3 * * * *", manual: {tag}')) == []


TO_A_RESTIC = "{copyMethod: Direct, repository: from-b, destinationPVC: a}"
RESTIC_CATALOG = CATALOG.replace("kind: volsync\n", "kind: volsync\n      via: repository\n")


@pytest.mark.parametrize(
    ("new", "words", "is_warning"),
    [
        (TO_A_RESTIC, "files that were deleted meanwhile come back", True),
        (TO_A_RESTIC.replace("Direct", "Direct, restoreAsOf: '2026-01-01T00:00:00Z'"), "has restoreAsOf", False),
        (TO_A_RESTIC.replace("Direct", "Direct, previous: 1"), "has previous: it restores an older snapshot", False),
        (TO_A_RESTIC.replace("from-b", "other"), "another Secret of the repository (from-b and other)", False),
    ],
)
def test_a_restore_brings_the_newest_of_the_same_repository_and_nothing_else(
    new: str, words: str, is_warning: bool
) -> None:
    text = by_restic().replace(TO_A_RESTIC, new)
    found = told(text, side="backup", catalog=RESTIC_CATALOG)
    assert [need.is_warning for need in found if words in need.text and "sonarr-b" not in need.text] == [is_warning]


def test_a_restore_that_deletes_as_well_is_told_of_nothing() -> None:
    text = by_restic().replace("copyMethod: Direct, repository: from-b, dest", "copyMethod: Direct, previous: 0, enableFileDeletion: true, repository: from-b, dest")  # fmt: skip # noqa: E501
    found = told(text, side="backup", catalog=RESTIC_CATALOG)
    assert not [need for need in found if "media/sonarr-a" in need.text and "paused" not in need.text]
