"""Plans: whole files before and after, what is refused, and the proof."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.catalog.model import Action, Service
from failover_api.core.planning.plan import Change, Plan, plan
from failover_api.core.planning.state import State, detect
from failover_api.core.splice import Value, parse
from failover_api.errors import (
    BlockScalar,
    CannotPlan,
    DuplicateKey,
    Encrypted,
    ManifestDrifted,
    ManifestError,
    NotAScalar,
    SharedAnchor,
    SubstitutionInTarget,
    TaggedScalar,
    TemplateInTarget,
    TypeMismatch,
    UndefinedAlias,
)
from tests.support.builders import FalseEditor, Files, manifests, service, switch

DEPLOYMENT = b"""\
# Sonarr.
apiVersion: apps/v1
kind: Deployment
metadata: {name: sonarr, namespace: media}
spec:
  template:
    spec:
      nodeSelector:
        role: "primary"   # which node
      volumes:
        - name: cache
          persistentVolumeClaim: {claimName: pvc-sonarr}
        - name: sonarr-data
          persistentVolumeClaim:
            claimName: pvc-sonarr   # the claim\r
"""
MOVED = b"""\
# Sonarr.
apiVersion: apps/v1
kind: Deployment
metadata: {name: sonarr, namespace: media}
spec:
  template:
    spec:
      nodeSelector:
        role: "backup"   # which node
      volumes:
        - name: cache
          persistentVolumeClaim: {claimName: pvc-sonarr}
        - name: sonarr-data
          persistentVolumeClaim:
            claimName: pvc-sonarr-backup   # the claim\r
"""
FILE = "apps/media/sonarr/deployment.yaml"
ROLE = "spec.template.spec.nodeSelector.role"
CLAIM = "spec.template.spec.volumes[name=sonarr-data].persistentVolumeClaim.claimName"


SONARR = service(
    switch(ROLE, "primary", "backup", file=FILE, kind="Deployment"),
    switch(CLAIM, "pvc-sonarr", "pvc-sonarr-backup", file=FILE, kind="Deployment"),
)


def move(moved: Service, files: Files, action: Action = Action.PROMOTE, *, force: bool = False) -> Plan:
    return plan(moved, manifests(files), action, force=force)


def test_a_deployment_with_two_switches_moves_and_nothing_else_changes() -> None:
    planned = move(SONARR, {FILE: DEPLOYMENT})
    assert planned.new == {FILE: MOVED}
    assert planned.old == {FILE: DEPLOYMENT}
    assert planned.changes == (
        Change(FILE, "Deployment media/sonarr", ROLE, 9, "primary", "backup"),
        Change(FILE, "Deployment media/sonarr", CLAIM, 15, "pvc-sonarr", "pvc-sonarr-backup"),
    )
    assert (planned.before.state, planned.after) == (State.PRIMARY, State.BACKUP)


def test_the_way_back_gives_the_same_bytes() -> None:
    assert move(SONARR, {FILE: MOVED}, Action.DEMOTE).new == {FILE: DEPLOYMENT}


@pytest.mark.parametrize(("data", "action"), [(MOVED, Action.PROMOTE), (DEPLOYMENT, Action.DEMOTE)])
def test_already_there_changes_nothing(data: bytes, action: Action) -> None:
    planned = move(SONARR, {FILE: data}, action)
    assert (planned.changes, planned.old, planned.new) == ((), {}, {})


HELM = b"""\
kind: HelmRepository
metadata: {name: plex}
---
kind: HelmRelease
metadata:
  name: plex
spec:
  values:
    defaultPodOptions: {nodeSelector: {kubernetes.io/hostname: k3s-w1}}
    persistence:
      config:
        existingClaim: 'plex'"""
VOLSYNC = b"""\
kind: ReplicationSource
metadata: {name: plex}
spec:
    paused: false
---
kind: ReplicationDestination
metadata: {name: plex}
spec:
    paused: false
"""
PLEX = service(
    switch("spec.values.persistence.config.existingClaim", "plex", "plex-backup", file="helm.yaml", kind="HelmRelease"),
    switch("spec.paused", False, True, file="volsync.yaml", kind="ReplicationSource"),
    switch(
        'spec.values.defaultPodOptions.nodeSelector["kubernetes.io/hostname"]',
        "k3s-w1",
        "k3s-w2",
        file="helm.yaml",
        kind="HelmRelease",
    ),
    name="plex",
)


def test_a_helm_release_and_its_volsync_move_together() -> None:
    planned = move(PLEX, {"helm.yaml": HELM, "volsync.yaml": VOLSYNC})
    assert planned.new == {
        "helm.yaml": b"""\
kind: HelmRepository
metadata: {name: plex}
---
kind: HelmRelease
metadata:
  name: plex
spec:
  values:
    defaultPodOptions: {nodeSelector: {kubernetes.io/hostname: k3s-w2}}
    persistence:
      config:
        existingClaim: 'plex-backup'""",
        "volsync.yaml": b"""\
kind: ReplicationSource
metadata: {name: plex}
spec:
    paused: true
---
kind: ReplicationDestination
metadata: {name: plex}
spec:
    paused: false
""",
    }
    assert [(change.file, change.old, change.new) for change in planned.changes] == [
        ("helm.yaml", "plex", "plex-backup"),
        ("volsync.yaml", False, True),
        ("helm.yaml", "k3s-w1", "k3s-w2"),
    ]


def test_a_mixed_service_moves_only_what_is_not_there_yet() -> None:
    planned = move(PLEX, {"helm.yaml": HELM, "volsync.yaml": VOLSYNC.replace(b"false", b"true", 1)})
    assert planned.before.state is State.MIXED
    assert list(planned.new) == ["helm.yaml"]
    assert {change.file for change in planned.changes} == {"helm.yaml"}


# Drift.


def test_a_value_on_neither_side_is_refused_with_its_place() -> None:
    with pytest.raises(ManifestDrifted) as caught:
        move(SONARR, {FILE: DEPLOYMENT.replace(b'"primary"', b"w3")})
    assert caught.value.detail == (
        f"{FILE}:9: {ROLE} is 'w3', expected 'primary' (primary) or 'backup' (backup); "
        "say force to move it all the same"
    )


def test_a_drifted_value_is_moved_by_force_and_only_from_what_was_seen() -> None:
    planned = move(SONARR, {FILE: DEPLOYMENT.replace(b'"primary"', b"w3")}, force=True)
    assert planned.before.state is State.UNKNOWN
    assert planned.changes[0] == Change(FILE, "Deployment media/sonarr", ROLE, 9, "w3", "backup")
    assert planned.new == {FILE: MOVED.replace(b'"backup"', b"backup")}


@pytest.mark.parametrize(
    ("written", "primary", "backup", "message"),
    [
        ("null", False, True, "a is null, expected false (primary) or true (backup)"),
        ("1.50", 1, 2, "a is 1.5, expected 1 (primary) or 2 (backup)"),
        ("''", "x", "y", "a is '', expected 'x' (primary) or 'y' (backup)"),
        ('"\\u202e\\n"', "it's", "y", "a is \"\\u202e\\n\", expected 'it''s' (primary) or 'y' (backup)"),
    ],
)
def test_a_drift_is_told_as_yaml_would_show_it(written: str, primary: Value, backup: Value, message: str) -> None:
    with pytest.raises(ManifestDrifted) as caught:
        move(service(switch("a", primary, backup)), {"a.yaml": f"a: {written}\n".encode()})
    assert caught.value.detail == f"a.yaml:1: {message}; say force to move it all the same"


def test_every_drifted_value_is_named() -> None:
    with pytest.raises(ManifestDrifted) as caught:
        move(PLEX, {"helm.yaml": HELM.replace(b"w1", b"w9"), "volsync.yaml": VOLSYNC.replace(b"false", b"null")})
    assert caught.value.detail == (
        "volsync.yaml:4: spec.paused is null, expected false (primary) or true (backup); "
        "helm.yaml:9: spec.values.defaultPodOptions.nodeSelector[\"kubernetes.io/hostname\"] is 'k3s-w9', "
        "expected 'k3s-w1' (primary) or 'k3s-w2' (backup); say force to move it all the same"
    )


# Force is advised only where it helps.

BEYOND_FORCE: list[tuple[bytes, Value, Value, type[ManifestError], str]] = [
    (b"a: |\n  w3\n", "p", "b", BlockScalar, "a is written as a block (|), expected one line: write it so first"),
    (b"a: >-\n  w3\n", "p", "b", BlockScalar, "a is written as a block (>), expected one line: write it so first"),
    (b"a: ${W}\n", "p", "b", SubstitutionInTarget, "a is '${W}'"),
    (b"a: '{{ .w }}'\n", "p", "b", TemplateInTarget, "a is '{{ .w }}'"),
    (b"a: !x w3\n", "p", "b", TaggedScalar, "a has the tag !x"),
    (b"a: &x w3\nb: *x\n", "p", "b", SharedAnchor, "a is in what the anchor &x shares"),
    (b"a: w3\nsops: {mac: x}\n", "p", "b", Encrypted, "is encrypted with SOPS"),
    (b"a: w3\nz: *nowhere\n", "p", "b", UndefinedAlias, "has the alias *nowhere"),
    (b"a: [w3]\n", "p", "b", NotAScalar, "a is a list, expected a scalar"),
    (b"a: {b: w3}\n", "p", "b", NotAScalar, "a is a mapping, expected a scalar"),
    (b"a: w3\na: w4\n", "p", "b", DuplicateKey, "has the key 'a' again"),
    (b"a: yes\n", True, False, TypeMismatch, "readers differ: write true or false first"),
    (b"a: yes\n", "p", "b", TypeMismatch, "readers differ: quote it first"),
    (b"a: 010\n", 8, 9, TypeMismatch, "readers differ: write it as a plain decimal number first"),
]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(("data", "primary", "backup", "error", "words"), BEYOND_FORCE)
def test_what_force_cannot_move_is_no_drift(
    data: bytes, primary: Value, backup: Value, error: type[ManifestError], words: str, *, force: bool
) -> None:
    for action in (Action.PROMOTE, Action.DEMOTE):
        with pytest.raises(error) as caught:
            move(service(switch("a", primary, backup)), {"a.yaml": data}, action, force=force)
        assert type(caught.value) is error
        assert words in caught.value.detail
        assert "force" not in caught.value.detail


@pytest.mark.parametrize(
    ("written", "primary", "backup", "message"),
    [
        ("1", "1", "0", "a is 1 (a number), and the catalog says '1' (text) and '0' (text): take the quotes off"),
        ("'1'", 1, 0, "a is '1' (text), and the catalog says 1 (a number) and 0 (a number): put them in quotes"),
        ("'true'", True, False, "a is 'true' (text), and the catalog says true (a bool) and false (a bool): put them"),
        (
            "true",
            "true",
            "false",
            "a is true (a bool), and the catalog says 'true' (text) and 'false' (text): take the",
        ),
        ("true", 1, 0, "a is true (a bool), and the catalog says 1 (a number) and 0 (a number): correct the one"),
        ("1.50", "x", "", "a is 1.5 (a number), and the catalog says 'x' (text) and '' (text): correct the one"),
        ("!!str 1", 1, 0, "a is '1' (text), and the catalog says 1 (a number) and 0 (a number): put them in quotes"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_type_that_does_not_fit_is_told_as_the_catalogs(
    written: str, primary: Value, backup: Value, message: str, *, force: bool
) -> None:
    with pytest.raises(TypeMismatch) as caught:
        move(service(switch("a", primary, backup)), {"a.yaml": f"a: {written}\n".encode()}, force=force)
    assert caught.value.detail.startswith(f"a.yaml:1: {message}")


def test_a_neighbour_that_cannot_be_edited_is_told_before_a_drift() -> None:
    moved = service(switch("a", "p", "b"), switch("b", "p", "b"))
    with pytest.raises(BlockScalar):
        move(moved, {"a.yaml": b"a: w3\nb: |-\n  p\n"})


@pytest.mark.parametrize("written", ["w3", "'w3'", "~", "", "!!str w3", "&x w3", "${P}-old", "w3  # why"])
def test_where_force_is_advised_it_helps(written: str) -> None:
    moved, files = service(switch("a", "p", "${P}")), {"a.yaml": f"a: {written}\n".encode()}
    for action in (Action.PROMOTE, Action.DEMOTE):
        with pytest.raises(ManifestDrifted, match="say force"):
            move(moved, files, action)
        assert move(moved, files, action, force=True).after.value == action.target.value


# What a switch allows.


@pytest.mark.parametrize(
    ("written", "primary", "backup", "after"),
    [
        ("${P}", "${P}", "${B}", "a: ${B}\n"),
        ('"${P}"', "${P}", "plain", 'a: "plain"\n'),
        ("plain", "plain", "${B}", "a: ${B}\n"),
        ("'{{ .p }}'", "{{ .p }}", "b", "a: 'b'\n"),
        ("1", 1, 0.5, "a: 0.5\n"),
        ("0.5", 0.5, 1, "a: 1\n"),
        ("1.0", 1, 2, "a: 2\n"),
    ],
)
def test_a_side_allows_what_it_says_itself(written: str, primary: Value, backup: Value, after: str) -> None:
    planned = move(service(switch("a", primary, backup)), {"a.yaml": f"a: {written}\n".encode()})
    assert planned.new == {"a.yaml": after.encode()}


@pytest.mark.parametrize(
    ("written", "primary", "backup", "error"),
    [
        ("${X}", "a", "b", SubstitutionInTarget),
        ("${X}", "a", "{{b}}", SubstitutionInTarget),
        ("x", "${a}", "{{b}}", None),
        ("yes", "yes", "no", TypeMismatch),
        ("true", "a", "b", TypeMismatch),
        ("1", True, False, TypeMismatch),
    ],
)
def test_force_does_not_lift_what_the_switch_does_not_allow(
    written: str, primary: Value, backup: Value, error: type[Exception] | None
) -> None:
    moved, files = service(switch("a", primary, backup)), {"a.yaml": f"a: {written}\n".encode()}
    if error is None:
        assert move(moved, files, force=True).changes
        return
    with pytest.raises(error, match=r"a\.yaml:1"):
        move(moved, files, force=True)


def test_what_the_switch_allows_is_allowed() -> None:
    moved = service(switch("a", "b", None, allow="type substitution"))
    assert move(moved, {"a.yaml": b"a: b\n"}).new == {"a.yaml": b"a: null\n"}


# The proof.


def false_editor(data: bytes, answer: bytes) -> FalseEditor:
    return FalseEditor(parse(data, file=FILE), answer)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (DEPLOYMENT, "primary"),
        (MOVED.replace(b'"backup"', b'"primary"'), "mixed"),
        (MOVED.replace(b'"backup"', b'"bakcup"'), "unknown"),
    ],
)
def test_an_edit_that_does_not_reach_the_side_is_no_plan(answer: bytes, found: str) -> None:
    fake = false_editor(DEPLOYMENT, answer)
    with pytest.raises(CannotPlan) as caught:
        plan(SONARR, {FILE: fake}, Action.PROMOTE)  # type: ignore[dict-item]  # a fake
    assert caught.value.detail == f"after the edit sonarr would be {found}, expected backup"


def test_every_edit_expects_the_value_that_was_read() -> None:
    fake = false_editor(DEPLOYMENT.replace(b'"primary"', b"w3"), MOVED)
    plan(SONARR, {FILE: fake}, Action.PROMOTE, force=True)  # type: ignore[dict-item]  # a fake
    assert [(edit.op, edit.value, edit.expect) for edit in fake.asked] == [
        ("set", "backup", "w3"),
        ("set", "pvc-sonarr-backup", "pvc-sonarr"),
    ]


TEXTS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="{") | st.just(" "), max_size=12)


@given(st.lists(st.tuples(TEXTS, TEXTS).filter(lambda sides: sides[0] != sides[1]), min_size=1, max_size=4), st.data())
def test_promote_and_demote_are_inverse_from_any_mixture(sides: list[tuple[str, str]], data: st.DataObject) -> None:
    moved = service(*(switch(f"k{n}", one, other) for n, (one, other) in enumerate(sides)))
    start = [data.draw(st.sampled_from(pair)) for pair in sides]
    text = "".join(f"k{n}: '{value.replace(chr(39), chr(39) * 2)}' # note\n" for n, value in enumerate(start)).encode()
    there = {"a.yaml": text, **move(moved, {"a.yaml": text}).new}
    back = {**there, **move(moved, there, Action.DEMOTE).new}
    for files, state in [(there, State.BACKUP), (back, State.PRIMARY)]:
        assert detect(moved, {"a.yaml": parse(files["a.yaml"], file="a.yaml")}).state is state
    assert move(moved, back).new == {"a.yaml": there["a.yaml"]}
