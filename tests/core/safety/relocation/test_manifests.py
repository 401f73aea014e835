"""A relocation's commits in YAML: what is added goes again, and every other byte stays."""

import pytest

from failover_api.core.catalog.model import Service, Side
from failover_api.core.catalog.replication import DataReplication, Pair, Quiesce, ReplicationKind
from failover_api.core.catalog.runtime import WorkloadName
from failover_api.core.planning.request import CUTOVER, RELOCATE
from failover_api.core.planning.state import detect
from failover_api.core.safety.relocation import ladder, values
from failover_api.core.safety.relocation.gitview import GitView, Made
from failover_api.core.safety.relocation.ladder import StepCommit
from failover_api.core.safety.relocation.manifests import changes, edited, standing
from failover_api.core.safety.relocation.places import ABSENT
from failover_api.core.safety.relocation.steps import Step, parse_label
from failover_api.core.safety.relocation.subject import Subject
from failover_api.core.safety.relocation.subject_of import subject_of, wanted
from failover_api.core.safety.relocation.table import Position
from failover_api.core.splice import Manifest, Selector, parse
from failover_api.core.splice.paths import parse_path
from failover_api.errors import CannotPlan, ManifestError
from tests.support import builders

APP = """\
# the app
apiVersion: apps/v1
kind: Deployment
metadata: {name: sonarr, namespace: media}
spec:
  strategy: {type: Recreate}   # one volume
  template:
    spec:
      nodeSelector:
        role: backup
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: b}
"""
VOLSYNC = """\
kind: ReplicationSource
metadata: {name: to-primary, namespace: media}
spec:
  paused: true  # until it is needed
  sourcePVC: b
  trigger:
    schedule: "*/15 * * * *"
---
kind: ReplicationDestination
metadata: {name: primary, namespace: media}
spec: {paused: true, rsyncTLS: {destinationPVC: a, copyMethod: Direct}}
---
kind: ReplicationSource
metadata: {name: to-backup, namespace: media}
spec:
  sourcePVC: a
  paused: true
  trigger: {schedule: "0 * * * *"}
---
kind: ReplicationDestination
metadata: {name: backup, namespace: media}
spec:
  rsyncTLS: {destinationPVC: b, copyMethod: Direct}
  paused: true
"""
FILES = {"app.yaml": APP.encode(), "volsync.yaml": VOLSYNC.encode()}
OPERATION = "01JDAAAAAAAAAAAAAAAAAAAAAA"
REPLICATION = DataReplication(
    ReplicationKind.VOLSYNC,
    to_backup=Pair("to-backup", "backup", "media", "volsync.yaml"),
    to_primary=Pair("to-primary", "primary", "media", "volsync.yaml"),
)


def service(**changes: object) -> Service:
    claim = "spec.template.spec.volumes[name=data].persistentVolumeClaim.claimName"
    switches = [
        builders.switch(path, primary, backup, file="app.yaml", kind="Deployment")
        for path, primary, backup in ((claim, "a", "b"), ("spec.template.spec.nodeSelector.role", "primary", "backup"))
    ]
    app = WorkloadName("Deployment", "sonarr", "media")
    plain: dict[str, object] = {
        "replication": REPLICATION,
        "quiesce": Quiesce(parse_path("spec.replicas")),
        "primary_workload": app,
        "backup_workload": app,
    }
    return builders.service(*switches, **{**plain, **changes})


def relocation(files: dict[str, bytes] = FILES, **changes: object) -> tuple[Service, Subject, dict[str, Manifest]]:
    one, manifests = service(**changes), builders.manifests(files)
    detection = detect(one, manifests)
    found = {document.selector: document for document in wanted(one, detection, Side.PRIMARY)}
    return one, subject_of(one, detection, found, Side.PRIMARY, OPERATION), manifests


def walked(files: dict[str, bytes] = FILES) -> list[dict[str, Manifest]]:
    """The files before it, and after each step."""
    one, subject, manifests = relocation(files)
    former = standing(subject, manifests)
    all_files, made = [manifests], []
    for step in Step:
        git = GitView(standing(subject, manifests), former, tuple(made))
        commit = StepCommit(step.label, values.edits(git, values.WANTED[step](subject, git)))
        manifests = {**manifests, **edited(one, subject, commit, manifests)}
        made.append(Made(step, 0.0))
        all_files.append(manifests)
    return all_files


def text(manifests: dict[str, Manifest], file: str) -> str:
    return manifests[file].data.decode()


def test_a_whole_relocation_changes_sides_and_nothing_else() -> None:
    after = walked()[-1]
    assert text(after, "app.yaml") == APP.replace("role: backup", "role: primary").replace(
        "claimName: b", "claimName: a"
    )
    wanted_text = VOLSYNC.replace("sourcePVC: a\n  paused: true", "sourcePVC: a\n  paused: false")
    assert text(after, "volsync.yaml") == wanted_text.removesuffix("  paused: true\n") + "  paused: false\n"


def test_each_step_writes_what_it_says() -> None:
    _, reverse, quiesce, final, cutover, _ = walked()
    tag = f"failover-{OPERATION.lower()}"
    assert f'schedule: "*/15 * * * *"\n    manual: {tag}-1-1\n' in text(reverse, "volsync.yaml")
    assert "paused: false  # until it is needed" in text(reverse, "volsync.yaml")
    assert f"trigger: {{manual: {tag}-1-1}}" in text(reverse, "volsync.yaml")
    assert text(reverse, "app.yaml") == APP
    assert text(quiesce, "app.yaml") == f"{APP}".replace("claimName: b}\n", "claimName: b}\n  replicas: 0\n")
    assert text(final, "volsync.yaml") == text(reverse, "volsync.yaml").replace(f"{tag}-1-1", f"{tag}-3-1")
    assert "replicas: 1\n" in text(cutover, "app.yaml")
    assert "paused: true  # until it is needed" in text(cutover, "volsync.yaml")


def test_what_is_undone_is_the_text_of_before() -> None:
    one, subject, manifests = relocation()
    former = standing(subject, manifests)
    for number, manifests in enumerate(walked()[1:4], start=1):
        made = tuple(Made(step, 0.0) for step in list(Step)[:number])
        git = GitView(standing(subject, manifests), former, made)
        wanted_values = values.undone(subject, git, made[-1].step)
        commit = StepCommit("", values.edits(git, wanted_values))
        back = {**manifests, **edited(one, subject, commit, manifests)}
        assert {file: manifest.data for file, manifest in back.items()} == FILES


def test_a_commit_lists_what_it_changes() -> None:
    _, subject, manifests = relocation()
    git = GitView(standing(subject, manifests), standing(subject, manifests))
    commit = StepCommit("2/5 quiesce", values.edits(git, values.quiesce(subject, git)))
    assert [str(each) for each in changes(commit, manifests)] == [
        "Change(file='app.yaml', document='Deployment media/sonarr', path='spec.replicas', line=2, old=None, new=0)"
    ]


def test_a_switch_that_is_not_there_cannot_be_read_and_a_pause_that_is_not_is_absent() -> None:
    _, subject, manifests = relocation()
    assert standing(subject, manifests)[subject.quiesce] is ABSENT
    broken = builders.manifests({**FILES, "app.yaml": APP.replace("        role: backup\n", "        x: y\n").encode()})
    with pytest.raises(ManifestError, match="role"):
        standing(subject, broken)
    gone = builders.manifests({**FILES, "volsync.yaml": b"kind: ConfigMap\nmetadata: {name: x}\n"})
    with pytest.raises(ManifestError, match="ReplicationSource"):
        standing(subject, gone)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"replication": None}, "no `replication`"),
        ({"quiesce": None}, "no `quiesce`"),
        ({"replication": DataReplication(ReplicationKind.VOLSYNC, to_backup=REPLICATION.to_backup)}, "no `to_primary`"),
    ],
)
def test_what_the_catalog_does_not_say_cannot_be_planned(entry: dict[str, object], words: str) -> None:
    with pytest.raises(CannotPlan, match=words):
        relocation(**entry)


def test_the_app_is_found_where_no_switch_is_in_its_document() -> None:
    workload = WorkloadName("Deployment", "other", "media")
    one = service(primary_workload=workload, backup_workload=workload)
    detection = detect(one, builders.manifests(FILES))
    selectors = [(each.selector.kind, each.selector.name) for each in wanted(one, detection, Side.PRIMARY)]
    assert ("Deployment", "other") in selectors


@pytest.mark.parametrize("order", [("media", "office"), ("office", "media")])
def test_a_namesake_in_another_namespace_is_not_stopped_in_its_place(order: tuple[str, str]) -> None:
    apps = "---\n".join(APP.replace("namespace: media", f"namespace: {namespace}") for namespace in order)
    selectors = [Selector("Deployment", "sonarr", namespace) for namespace in order]
    switches = [
        builders.switch("spec.template.spec.nodeSelector.role", "primary", "backup", file="app.yaml", selector=selector)
        for selector in selectors
    ]
    files = {**FILES, "app.yaml": apps.encode()}
    _, subject, _ = relocation(files, switches=tuple(switches))
    assert subject.quiesce.document.selector.namespace == "media"


def test_where_only_a_namesake_has_switches_the_app_itself_is_looked_for() -> None:
    files = {**FILES, "app.yaml": APP.replace("namespace: media", "namespace: office").encode()}
    one = service()
    asked = wanted(one, detect(one, builders.manifests(files)), Side.PRIMARY)
    assert asked[-1].selector == Selector("Deployment", "sonarr", "media")


def test_the_words_of_trailers_are_those_of_the_steps() -> None:
    assert Step.CUTOVER.label == CUTOVER
    assert parse_label(CUTOVER) == (Step.CUTOVER, None)
    assert RELOCATE == "relocate"
    assert ladder.position_of(relocation()[1], GitView({}, {}, (Made(Step.CUTOVER, 0.0),))) is Position.CUTOVER


def test_the_files_are_yaml() -> None:
    assert len(parse(VOLSYNC.encode(), file="volsync.yaml").documents) == 4
