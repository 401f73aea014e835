"""`after`: which services others wait for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.catalog.order import find_cycle
from tests.support.catalog_text import parsed, refusal, refusals

NAMES = "abcdef"


def catalog_text(**after: str) -> str:
    entry = "namespace: m, deployment: {0}, primary_node_label: a, backup_node_label: b, after: [{1}]"
    lines = (f"  {name}: {{{entry.format(name, named)}}}\n" for name, named in after.items())
    return f"repository: a/b\nservices:\n{''.join(lines)}"


def test_the_names_are_kept_in_their_order() -> None:
    assert parsed(catalog_text(a="", b="", c="b, a")).services["c"].after == ("b", "a")


def test_a_service_that_does_not_exist_is_named() -> None:
    assert refusal(catalog_text(a="b")) == "services.yaml:3: services.a.after[0]: no service is named 'b'"


def test_a_service_is_named_once() -> None:
    assert refusal(catalog_text(a="", b="a, a")) == "services.yaml:4: services.b.after[1]: 'a' is there twice"


@pytest.mark.parametrize(
    ("after", "line", "name", "shown"),
    [
        ({"a": "a"}, 3, "a", "a -> a"),
        ({"a": "b", "b": "a"}, 3, "a", "a -> b -> a"),
        ({"x": "b", "a": "c", "b": "a", "c": "b"}, 4, "a", "a -> c -> b -> a"),
    ],
)
def test_a_cycle_is_named(after: dict[str, str], line: int, name: str, shown: str) -> None:
    assert refusal(catalog_text(**after)) == (
        f"services.yaml:{line}: services.{name}.after: each of these would wait for the next, and so for ever: "
        f"{shown}. Take one of the names out"
    )


def test_after_is_no_default() -> None:
    text = f"defaults: {{after: [a]}}\n{catalog_text(a='')}"
    assert refusals(text)[0].startswith("services.yaml:1: defaults.after: unknown key")


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), unique=True), min_size=1))
def test_a_cycle_is_found_where_there_is_one(drawn: dict[str, list[str]]) -> None:
    after = {name: drawn.get(name, []) for name in NAMES}
    cycle = find_cycle(after)
    for name, following in zip(cycle, (*cycle[1:], *cycle[:1]), strict=True):
        assert following in after[name]
    if not cycle:
        done: set[str] = set()
        while ready := [name for name in NAMES if name not in done and done.issuperset(after[name])]:
            done.update(ready)
        assert done == set(NAMES), "without a cycle all have their turn"
