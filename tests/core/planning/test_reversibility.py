"""The way back: the same bytes, or a warning that says what will differ; a rollback gives the same bytes always."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from failover_api.core.catalog.model import Action, Service, Switch
from failover_api.core.planning.plan import Plan, plan
from failover_api.core.planning.rollback import plan_rollback, reconstruct_plan
from failover_api.core.splice import Manifest, Selector, Value, parse
from failover_api.errors import FailoverError
from tests.support.builders import FIRST, Files, manifests, service, switch
from tests.support.real_manifests import VARIANTS, another, chosen, needs_shared, real_manifests
from tests.support.yaml_documents import documents


def there(moved: Service, files: Files, action: Action = Action.PROMOTE, *, force: bool = False) -> Plan:
    return plan(moved, manifests(files), action, force=force)


def check_way_back(moved: Service, files: Files, action: Action, *, force: bool = False) -> Plan:
    """The opposite gives the same bytes or there was a warning, and never both; a rollback always gives them."""
    first = there(moved, files, action, force=force)
    after = {**files, **first.new}
    back = {**after, **there(moved, after, action.opposite).new}
    assert (back == files) is not bool(first.warnings), (first.warnings, files, back)
    undone = plan_rollback(moved, manifests(after), manifests(files), manifests(after), reverts="01JD")
    assert {**after, **undone.new} == files
    assert undone.warnings == ()
    assert reconstruct_plan(moved, manifests(files), manifests(after), action).warnings == first.warnings
    return first


SAME = [
    ("a: primary # why\n", "primary", "backup"),
    ("a: 192.168.1.11\n", "192.168.1.11", "192.168.1.12"),
    ("a: 1.2.3\n", "1.2.3", "1.10.0"),
    ("a: 192.168.1.11:8080\n", "192.168.1.11:8080", "h:80"),
    ("a: 10.0.0.0/8\n", "10.0.0.0/8", "1-2"),
    ("a: ${P}\n", "${P}", "${B}"),
    ("a: ${P}/x-${Q:=y}\n", "${P}/x-${Q:=y}", "plain"),
    ("a: plain\n", "plain", "${B}"),
    ('a: "${P}"\n', "${P}", "${B}"),
    ("{a: '${P}', b: 1}\n", "${P}", "${B}"),
    ("a: 'on'\n", "on", "primary"),
    ("a: 'it''s'\n", "it's", "b"),
    ('a: "x\\ty"\n', "x\ty", "b"),
    ("a: !!str primary\n", "primary", "backup"),
    ('a: !!str "1"\n', "1", "2"),
    ("a: &x primary\n", "primary", "backup"),
    ("a: 1\n", 1, 0),
    ("a: 1\n", 1, 0.5),
    ("a: true\n", True, False),
    ("{'a': 'x, y'}\n", "x, y", "b"),
    ('{"a": "primary"}\n', "primary", 'back"up'),
    ("\ufeffa: primary\r\nb: 1", "primary", "backup"),
    ("a:   primary   \n", "primary", "backup"),
    ("a: null\n", None, "b"),
    ("a:\n  primary\n", "primary", "backup"),
]


@pytest.mark.parametrize(("text", "primary", "backup"), SAME)
def test_the_way_back_gives_the_same_bytes(text: str, primary: Value, backup: Value) -> None:
    moved = service(switch("a", primary, backup, allow="type" if primary is None else ""))
    assert check_way_back(moved, {"a.yaml": text.encode()}, Action.PROMOTE).warnings == ()
    turned = service(switch("a", backup, primary, allow="type" if primary is None else ""))
    assert check_way_back(turned, {"a.yaml": text.encode()}, Action.DEMOTE).warnings == ()


TOLD = [
    ("x: &app sonarr\na: *app # k\n", "sonarr", "b", "`a: sonarr` where `*app` stood; rollback puts the alias back", 2),
    ("a: primary\n", "primary", "on", '`a: "primary"` where `primary` stood', 1),
    ("a: primary\n", "primary", "1", '`a: "primary"` where `primary` stood', 1),
    ("{a: primary}\n", "primary", "a, b", '`a: "primary"` where `primary` stood', 1),
    ("{a: ${P}}\n", "${P}", "b", None, 1),
    ("a: 'primary'\n", "primary", "x\ty", "`a: \"primary\"` where `'primary'` stood", 1),
    ("a: n\u0153ud\n", "n\u0153ud", "b", '`a: "n\u0153ud"` where `n\u0153ud` stood', 1),
    ('a: "prim\\x61ry"\n', "primary", "b", '`a: "primary"` where `"prim\\x61ry"` stood', 1),
    ('{"a": "\\ud83d\\ude00 x"}\n', None, None, None, 1),
    ("a: two\n  words\n", "two words", "b", "`a: two words` where `two\\u000a  words` stood", 1),
    ("a: 0x10\n", 16, 17, "`a: 16` where `0x10` stood", 1),
    ("a: +1\n", 1, 2, "`a: 1` where `+1` stood", 1),
    ("a: 1.0\n", 1, 2, "`a: 1` where `1.0` stood", 1),
    ("a: 1\n", 1.0, 2.0, "`a: 1.0` where `1` stood", 1),
    ("a: 1.50\n", 1.5, 2.5, "`a: 1.5` where `1.50` stood", 1),
    ("a: True\n", True, False, "`a: true` where `True` stood", 1),
    ("a: ~\n", None, "b", "`a: null` where `~` stood", 1),
    ("a:   # why\n", None, "b", "`a: null` where nothing stood", 1),
    ("a: !!str primary\n", "primary", "on", '`a: "primary"` where `primary` stood', 1),
    ("- a\n- primary\n", "primary", "on", '`"primary"` where `primary` stood', 2),
]


@pytest.mark.parametrize(("text", "primary", "backup", "words", "line"), [row for row in TOLD if row[3]])
def test_what_the_way_back_does_not_bring_back_is_told(
    text: str, primary: Value, backup: Value, words: str, line: int
) -> None:
    allow = "type" if type(primary) is not type(backup) else ""
    path = "[1]" if text.startswith("-") else "a"
    (told,) = check_way_back(
        service(switch(path, primary, backup, allow=allow)), {"a.yaml": text.encode()}, Action.PROMOTE
    ).warnings
    assert told.startswith(f"a.yaml:{line}: demote will write {words}")
    assert "; rollback puts " in told
    (turned,) = check_way_back(
        service(switch(path, backup, primary, allow=allow)), {"a.yaml": text.encode()}, Action.DEMOTE
    ).warnings
    assert turned == told.replace("demote will", "promote will")


TWO = service(switch("a", "p", "b"), switch("c", "x", "z"))


def test_several_values_are_told_each_in_their_line() -> None:
    first = check_way_back(TWO, {"a.yaml": b"k: &k p\nd: &d x\na: *k\nc: *d\n"}, Action.PROMOTE)
    assert first.warnings == (
        "a.yaml:3: demote will write `a: p` where `*k` stood; rollback puts the alias back",
        "a.yaml:4: demote will write `c: x` where `*d` stood; rollback puts the alias back",
    )


def test_only_what_differs_is_told() -> None:
    first = check_way_back(TWO, {"a.yaml": b"k: &k p\na: *k\nc: x\n"}, Action.PROMOTE)
    assert len(first.warnings) == 1


def test_a_forced_value_is_told_as_lost_to_the_way_back() -> None:
    first = check_way_back(TWO, {"a.yaml": b"a: w3  # mine\nc: x\n"}, Action.PROMOTE, force=True)
    assert first.warnings == (
        "a.yaml:1: demote will write `a: p` where `w3` stood, which is on neither side; rollback puts it back",
    )


def test_what_was_there_already_is_told_to_go_along_on_the_way_back() -> None:
    first = check_way_back(TWO, {"a.yaml": b"a: b\nc: x\n"}, Action.PROMOTE)
    assert first.warnings == ("a.yaml:1: a is on backup already, and demote will move it too; rollback will not",)


def test_a_mixed_service_of_two_files_is_told_too() -> None:
    moved = service(switch("a", "p", "b"), switch("a", "p", "b", file="g.yaml"))
    assert len(check_way_back(moved, {"a.yaml": b"a: p\n", "g.yaml": b"a: b\n"}, Action.PROMOTE).warnings) == 1


@pytest.mark.parametrize("action", [Action.PROMOTE, Action.DEMOTE])
def test_already_there_needs_no_warning(action: Action) -> None:
    value = "b" if action is Action.PROMOTE else "p"
    assert there(service(switch("a", "p", "b")), {"a.yaml": f"a: '{value}'\n".encode()}, action).warnings == ()


def test_an_anchor_that_the_move_may_share_comes_back_with_its_alias() -> None:
    moved = service(switch("app", "p", "b", allow="shared_anchor"), switch("claim", "p", "c"))
    first = check_way_back(moved, {"a.yaml": b"app: &app p\nclaim: *app\n"}, Action.PROMOTE)
    assert first.new == {"a.yaml": b"app: &app b\nclaim: c\n"}
    assert [each.partition(":")[2].partition(";")[0] for each in first.warnings] == [
        "2: demote will write `claim: p` where `*app` stood"
    ]


# Whatever there is.


def switches_on(
    manifest: Manifest, paths: list[tuple[Any, ...]], others: list[Value], selector: Selector
) -> list[Switch]:
    found = []
    for path, other in zip(paths, others, strict=False):
        value = manifest.find(selector, path).value
        kinds = frozenset({"type", "substitution", "template", "shared_anchor"})
        found.append(Switch("app.yaml", selector, path, value, other, kinds))
    return found


OTHERS: st.SearchStrategy[Value] = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["on", "1", "a, b", "${V}", "web-2", "1.2.3.4", "x: y", None, True, 2, 2.5]
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(documents(), st.lists(OTHERS, min_size=1, max_size=3), st.booleans(), st.data())
def test_the_way_back_of_whatever_is_the_same_or_told(
    document: tuple[Manifest, list[tuple[Any, ...]]], others: list[Value], away: bool, data: st.DataObject
) -> None:
    manifest, paths = document
    assume(paths)
    chosen_paths = data.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=len(others), unique=True))
    switches = switches_on(manifest, chosen_paths, others, FIRST)
    assume(all(one.primary != one.backup for one in switches))
    if data.draw(st.booleans()):  # a stray
        switches[0] = Switch("app.yaml", FIRST, switches[0].path, "p-x", "b-x", switches[0].allow)
    moved = service(*switches)
    try:
        there(moved, {"app.yaml": manifest.data}, force=True)
    except FailoverError:
        return
    action = Action.PROMOTE if away else Action.DEMOTE
    if action is Action.DEMOTE:
        moved = service(*(Switch("app.yaml", s.selector, s.path, s.backup, s.primary, s.allow) for s in switches))
    check_way_back(moved, {"app.yaml": manifest.data}, action, force=True)


@needs_shared
@pytest.mark.parametrize(
    "vary", [VARIANTS["as it is"], VARIANTS["CRLF"], VARIANTS["BOM"]], ids=["as it is", "CRLF", "BOM"]
)
def test_the_way_back_of_real_manifests_is_the_same_or_told(vary: Callable[[str], str]) -> None:
    same = told = 0
    for file, text in real_manifests()[::40]:
        manifest = parse(vary(text).encode(), file=file)
        for selector, path in list(chosen(manifest, others=3))[:5]:
            try:
                value = manifest.find(selector, path).value
                moved = service(Switch(file, selector, path, value, another(value)))
                there(moved, {file: manifest.data})
            except FailoverError:
                continue
            if check_way_back(moved, {file: manifest.data}, Action.PROMOTE).warnings:
                told += 1
            else:
                same += 1
    assert same > 5 * told > 0
