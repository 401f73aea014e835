"""`unblock: rolling`: what a promote makes of a strategy, what puts it back, and that not a byte is left of it."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.catalog.model import Action, Service, Workload
from failover_api.core.planning.change import Change
from failover_api.core.planning.plan import Plan, plan, plan_tidy
from failover_api.core.planning.rollback import plan_rollback, reconstruct_plan
from failover_api.core.planning.round_trip import try_round_trips
from failover_api.core.planning.state import State, detect
from failover_api.core.planning.strategy import is_recreate, is_unblocked
from failover_api.core.splice import Selector, parse
from failover_api.errors import AliasInPath, CannotPlan, KeyFromMerge, ManifestError, NotAMapping, SubstitutionInTarget
from tests.support.builders import OPERATION, Files, manifests, service, switch
from tests.support.real_manifests import VARIANTS, needs_shared, real_manifests

FILE = "apps/media/sonarr/deployment.yaml"
SELECTOR = Selector("Deployment", "sonarr", "media")
ROLE = "spec.template.spec.nodeSelector.role"
SONARR = service(switch(ROLE, "primary", "backup", file=FILE, selector=SELECTOR), unblocked=Workload(FILE, SELECTOR))
HEAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: sonarr, namespace: media}
spec:
  replicas: 1
"""
TAIL = """\
  template:
    spec:
      nodeSelector:
        role: primary   # which node
"""


def deployment(strategy: str) -> bytes:
    return f"{HEAD}{strategy}{TAIL}".encode()


def promoted(text: bytes, moved: Service = SONARR) -> Plan:
    return plan(moved, manifests({FILE: text}), Action.PROMOTE)


def demoted(text: bytes, former: bytes | None) -> Plan:
    before = None if former is None else manifests({FILE: former})
    return plan(SONARR, manifests({FILE: text}), Action.DEMOTE, former=before)


def rolled_back(now: bytes, before: bytes, after: bytes) -> Plan:
    files: list[Files] = [{FILE: now}, {FILE: before}, {FILE: after}]
    return plan_rollback(SONARR, *map(manifests, files), reverts=OPERATION)


def test_a_promote_rewrites_the_whole_strategy_in_the_same_edit() -> None:
    planned = promoted(deployment("  strategy:\n    # one at a time\n    type: Recreate  # it has a lock file\n"))
    assert (
        planned.new[FILE].decode()
        == f"""\
{HEAD}  strategy:
    # one at a time
    type: RollingUpdate  # it has a lock file
    rollingUpdate:
      maxSurge: 0
      maxUnavailable: 1
{TAIL.replace("primary", "backup")}"""
    )
    document = "Deployment media/sonarr"
    assert planned.changes == (
        Change(FILE, document, ROLE, 12, "primary", "backup"),
        Change(FILE, document, "spec.strategy.type", 8, "Recreate", "RollingUpdate"),
        Change(FILE, document, "spec.strategy.rollingUpdate", 8, None, {"maxSurge": 0, "maxUnavailable": 1}),
    )
    assert planned.warnings == ()


def test_one_in_braces_stays_on_its_line() -> None:
    planned = promoted(deployment("  strategy: {type: Recreate}  # a lock\n"))
    line = "  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}  # a lock\n"
    assert planned.new[FILE] == deployment(line).replace(b"primary", b"backup")


def test_one_in_json_is_written_as_json() -> None:
    text = (
        b'{"kind": "Deployment", "metadata": {"name": "sonarr"}, "spec": {"strategy": {"type": "Recreate"}, '
        b'"template": {"spec": {"nodeSelector": {"role": "primary"}}}}}'
    )
    there = promoted(text).new[FILE]
    assert b'{"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}' in there
    assert demoted(there, text).new[FILE] == text


NEEDS_NOTHING = {
    "no strategy": "",
    "null": "  strategy:\n",
    "no type": "  strategy: {}\n",
    "no type, but a block": "  strategy:\n    rollingUpdate: {maxSurge: 1}\n",
    "a type of null": "  strategy:\n    type:\n",
    "rolling": "  strategy:\n    type: RollingUpdate\n",
    "rolling with a surge": "  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n",
    "what we would write": "  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}\n",
}


@pytest.mark.parametrize("strategy", NEEDS_NOTHING.values(), ids=NEEDS_NOTHING)
def test_a_strategy_that_waits_for_nobody_is_left_alone_there_and_back(strategy: str) -> None:
    start = deployment(strategy)
    there = promoted(start)
    assert [change.path for change in there.changes] == [ROLE]
    back = demoted(there.new[FILE], start)
    assert [change.path for change in back.changes] == [ROLE]
    assert back.new[FILE] == start


REFUSED = {
    "an alias": ("  strategy: *s\n", AliasInPath),
    "a variable": ("  strategy: {type: '${STRATEGY}'}\n", SubstitutionInTarget),
    "null beside it": ("  strategy:\n    type: Recreate\n    rollingUpdate:\n", CannotPlan),
    "a block beside it": ("  strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}\n", CannotPlan),
    "no mapping": ("  strategy: Recreate\n", NotAMapping),
    "a merge": ("  strategy: {<<: *s}\n", KeyFromMerge),
    "another key": ("  strategy: {type: Recreate, typ: x}\n", CannotPlan),
    "no strategy of Kubernetes": ("  strategy: {type: Rolling}\n", ManifestError),
}


@pytest.mark.parametrize(("strategy", "kind"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_put_back_refuses_the_promote_and_says_what_to_do(
    strategy: str, kind: type[ManifestError]
) -> None:
    start = deployment("  x: &s {type: Recreate}\n" + strategy)
    with pytest.raises(kind) as caught:
        promoted(start)
    assert "take `unblock` out of the catalog" in caught.value.detail
    assert FILE in str(caught.value)


@pytest.mark.parametrize(("strategy", "kind"), REFUSED.values(), ids=REFUSED)
def test_it_never_refuses_the_way_back(strategy: str, kind: type[ManifestError]) -> None:
    there = deployment("  x: &s {type: Recreate}\n" + strategy).replace(b"primary", b"backup")
    assert [change.path for change in demoted(there, deployment("  strategy: {type: Recreate}\n")).changes] == [ROLE]


def test_an_alias_of_the_type_comes_back() -> None:
    start = deployment("  x: &type Recreate\n  strategy: {type: *type}\n")
    there = promoted(start)
    assert there.warnings == ()
    assert demoted(there.new[FILE], start).new[FILE] == start


def test_without_unblock_a_promote_leaves_the_strategy_alone() -> None:
    plain = service(*SONARR.switches)
    start = deployment("  strategy: {type: Recreate}\n")
    assert plan(plain, manifests({FILE: start}), Action.PROMOTE).new[FILE] == start.replace(b"primary", b"backup")


def test_a_promote_of_what_is_there_changes_nothing() -> None:
    """Not even a strategy that a person, or the tidying, has put back."""
    there = deployment("  strategy: {type: Recreate}\n").replace(b"primary", b"backup")
    planned = promoted(there)
    assert (planned.changes, planned.new, planned.before.state) == ((), {}, State.BACKUP)


def test_the_strategy_is_no_part_of_a_side() -> None:
    there = promoted(deployment("  strategy: {type: Recreate}\n")).new[FILE]
    tidied = there.replace(
        b"{type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}", b"{type: Recreate}"
    )
    for text in (there, tidied):
        assert detect(SONARR, manifests({FILE: text})).state is State.BACKUP


def test_a_demote_puts_back_what_our_commit_replaced_and_nothing_else() -> None:
    start = deployment("  strategy: {type: Recreate}\n")
    there = promoted(start).new[FILE]
    back = demoted(there, start)
    assert back.new[FILE] == start
    assert [(change.path, change.old, change.new) for change in back.changes] == [
        (ROLE, "backup", "primary"),
        ("spec.strategy.type", "RollingUpdate", "Recreate"),
        ("spec.strategy.rollingUpdate", {"maxSurge": 0, "maxUnavailable": 1}, None),
    ]
    assert back.warnings == ()
    assert [change.path for change in demoted(there, None).changes] == [ROLE]  # it may be a person's


EDITED = {
    "another surge": (b"maxSurge: 0", b"maxSurge: 1"),
    "a share": (b"maxUnavailable: 1", b"maxUnavailable: 100%"),
    "true is not 1": (b"maxUnavailable: 1", b"maxUnavailable: true"),
    "back by hand": (b"{type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}", b"{type: Recreate}"),
    "gone": (b"  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}\n", b""),
}


@pytest.mark.parametrize(("old", "new"), EDITED.values(), ids=EDITED)
def test_what_a_person_made_of_the_strategy_meanwhile_wins(old: bytes, new: bytes) -> None:
    start = deployment("  strategy: {type: Recreate}\n")
    there = promoted(start).new[FILE]
    edited = there.replace(old, new)
    assert edited != there
    home = edited.replace(b"backup", b"primary")
    assert demoted(edited, start).new[FILE] == home
    assert rolled_back(edited, start, there).new[FILE] == home
    tidied = plan_tidy(SONARR, manifests({FILE: edited}), Action.PROMOTE, former=manifests({FILE: start}))
    assert (tidied.changes, tidied.new) == ((), {})


def test_a_comment_that_came_meanwhile_stays() -> None:
    start = deployment("  strategy:\n    type: Recreate\n")
    there = promoted(start).new[FILE].replace(b"RollingUpdate\n", b"RollingUpdate  # for now\n")
    assert demoted(there, start).new[FILE] == start.replace(b"Recreate\n", b"Recreate  # for now\n")


def test_tidying_puts_the_strategy_back_and_moves_nothing() -> None:
    start = deployment("  strategy:\n    type: 'Recreate' # a lock\n")
    there = promoted(start).new[FILE]
    tidied = plan_tidy(SONARR, manifests({FILE: there}), Action.PROMOTE, former=manifests({FILE: start}))
    assert tidied.new[FILE] == start.replace(b"primary", b"backup")
    assert (tidied.before.state, tidied.after, tidied.is_tidy) == (State.BACKUP, State.BACKUP, True)
    assert [change.path for change in tidied.changes] == ["spec.strategy.type", "spec.strategy.rollingUpdate"]


def test_a_rollback_undoes_the_strategy_too_and_another_the_rollback() -> None:
    start = deployment("  strategy: {type: Recreate}\n")
    there = promoted(start).new[FILE]
    back = rolled_back(there, start, there)
    assert back.new[FILE] == start
    assert len(back.changes) == 3
    assert rolled_back(start, there, start).new[FILE] == there


def test_a_rollback_of_what_was_tidied_undoes_the_whole_operation() -> None:
    start = deployment("  strategy: {type: Recreate}\n")
    there = promoted(start).new[FILE]
    tidied = start.replace(b"primary", b"backup")
    back = rolled_back(tidied, start, there)
    assert (back.new[FILE], back.warnings) == (start, ())


def test_a_rollback_says_that_what_a_person_made_of_the_strategy_stays() -> None:
    start = deployment("  strategy: {type: Recreate}\n")
    there = promoted(start).new[FILE]
    (warning,) = rolled_back(there.replace(b"maxSurge: 0", b"maxSurge: 1"), start, there).warnings
    assert (
        warning == f"spec.strategy is not as operation {OPERATION} left it: somebody changed it since, and it stays so"
    )


def test_a_rollback_of_a_move_that_left_the_strategy_alone_does_too() -> None:
    start = deployment(NEEDS_NOTHING["what we would write"])
    there = promoted(start).new[FILE]
    assert rolled_back(there, start, there).new[FILE] == start


def test_the_plan_of_a_commit_says_what_became_of_the_strategy() -> None:
    start = deployment("  strategy: {type: Recreate}\n")
    there = promoted(start)
    again = reconstruct_plan(SONARR, manifests({FILE: start}), manifests(there.new), Action.PROMOTE)
    assert (again.changes, again.new, again.warnings) == (there.changes, there.new, ())
    home = demoted(there.new[FILE], start)
    again = reconstruct_plan(SONARR, manifests(there.new), manifests(home.new), Action.DEMOTE)
    assert (again.changes, again.new, again.warnings) == (home.changes, home.new, ())


def test_several_services_of_one_file_keep_their_own() -> None:
    second = Selector("Deployment", "radarr", "media")
    radarr = service(
        switch(ROLE, "primary", "backup", file=FILE, selector=second), name="radarr", unblocked=Workload(FILE, second)
    )
    one = deployment("  strategy: {type: Recreate}\n")
    start = one + b"---\n" + one.replace(b"sonarr", b"radarr")
    there = promoted(start).new[FILE]
    both = plan(radarr, manifests({FILE: there}), Action.PROMOTE).new[FILE]
    assert both.count(b"RollingUpdate") == 2
    home = demoted(both, start).new[FILE]
    assert home.count(b"RollingUpdate") == 1
    former = manifests({FILE: there})
    assert plan(radarr, manifests({FILE: home}), Action.DEMOTE, former=former).new[FILE] == start


def test_a_deployment_in_a_file_without_a_switch_is_unblocked_too() -> None:
    elsewhere = service(switch("x", 1, 2, file="other.yaml"), unblocked=Workload(FILE, SELECTOR))
    start: Files = {"other.yaml": b"x: 1\n", FILE: deployment("  strategy: {type: Recreate}\n")}
    there = plan(elsewhere, manifests(start), Action.PROMOTE)
    assert set(there.new) == set(start)
    back = plan(elsewhere, manifests(there.new), Action.DEMOTE, former=manifests(start))
    assert back.new == start


def test_a_round_trip_goes_through_the_strategy() -> None:
    try_round_trips(SONARR, manifests({FILE: deployment("  strategy: {type: Recreate}\n")}))
    with pytest.raises(AliasInPath):
        try_round_trips(SONARR, manifests({FILE: deployment("  x: &s {type: Recreate}\n  strategy: *s\n")}))


COMMENT = st.sampled_from(["", "  # one at a time", " #", "\t# tab"])
QUOTES = st.sampled_from(["Recreate", "'Recreate'", '"Recreate"', "!!str Recreate", "&kind Recreate", '"Re\\x63reate"'])
LINES = st.sampled_from(["", "\n", "    # between\n", "  # further out\n", "\n\n      # further in\n"])


@st.composite
def strategies(draw: st.DrawFn) -> str:
    """A strategy of Recreate, as somebody may have written it, with or without a line end."""
    kind, beside, below, above = draw(QUOTES), draw(COMMENT), draw(LINES), draw(LINES)
    styles = [
        f"  strategy:{beside}\n{above}    type: {kind}{beside}\n{below}",
        f"  strategy:\n{above}        type:   {kind}{beside}\n{below}",
        f"  strategy:\n    ? type\n    : {kind}{beside}\n{below}",
        f"  strategy: &all\n    type: {kind}{beside}\n{below}",
        f"  strategy: {{type: {kind}}}{beside}\n{below}",
        f"  strategy: {{ type: {kind} , }}{beside}\n{below}",
        f"  strategy: {{{beside}\n    type: {kind}{beside}\n  }}{beside}\n{below}",
        f"  strategy: {{\n    type: {kind},{beside}\n  }}\n{below}",
        f"  strategy:\n    {{type: {kind}}}{beside}\n{below}",
        f'  "strategy": {{"type": "Recreate"}}{beside}\n{below}',
    ]
    return draw(st.sampled_from(styles))


@given(
    strategies(),
    st.booleans(),
    st.sampled_from(["", "---\na: 1\n", "---\n", "...\n"]),
    st.sampled_from([*VARIANTS.values()]),
)
def test_there_and_back_gives_the_very_same_bytes(
    strategy: str, last: bool, behind: str, variant: Callable[[str], str]
) -> None:
    body = TAIL + strategy if last else strategy + TAIL
    try:
        start = variant(f"{HEAD}{body}{behind}").encode()
        parse(start, file=FILE)
    except ManifestError:
        return  # a variant that is no YAML any more
    there = promoted(start)
    assert is_unblocked(SONARR, manifests(there.new))
    assert there.warnings == ()
    home = demoted(there.new[FILE], start)
    assert home.new[FILE] == start
    assert is_recreate(SONARR, manifests(home.new))
    assert rolled_back(there.new[FILE], start, there.new[FILE]).new[FILE] == start
    assert rolled_back(start, there.new[FILE], start).new[FILE] == there.new[FILE]
    tidied = plan_tidy(SONARR, manifests(there.new), Action.PROMOTE, former=manifests({FILE: start})).new[FILE]
    assert rolled_back(tidied, start, there.new[FILE]).new[FILE] == start


@needs_shared
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_every_real_deployment_comes_back_to_its_bytes(variant: Callable[[str], str]) -> None:
    seen = 0
    for name, text in real_manifests():
        if "Recreate" not in text:
            continue
        data = variant(text).encode()
        try:
            manifest = parse(data, file=name)
        except ManifestError:
            continue
        for document in manifest.documents:
            selector = Selector(index=document.index)
            one = service(
                switch("metadata.name", document.name or "", "elsewhere", file=name, selector=selector),
                unblocked=Workload(name, selector),
            )
            if document.kind != "Deployment" or not is_recreate(one, {name: manifest}):
                continue
            there = plan(one, {name: manifest}, Action.PROMOTE)
            assert is_unblocked(one, manifests(there.new)), name
            assert there.warnings == (), name
            back = plan(one, manifests(there.new), Action.DEMOTE, former={name: manifest})
            assert back.new[name] == data, name
            seen += 1
    assert seen > 10
