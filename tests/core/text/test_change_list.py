"""What a message or a body lists is read back."""

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.plan import Plan, plan
from failover_api.core.splice import Value
from failover_api.core.splice.paths import format_path, parse_path
from failover_api.core.text.change_list import MAX_LINE, ListedChange, change_text, read_change_list
from failover_api.core.text.commit_message import commit_message
from failover_api.core.text.pull_request import pull_request_text
from tests.support.builders import manifests, provenance, service, switch

ASKED = provenance("it is: down -> for now")


def planned(path: str, old: Value, new: Value, text: str, file: str = "apps/a.yaml") -> Plan:
    one = switch(path, old, new, file=file, allow="type template substitution")
    return plan(service(one), manifests({file: text.encode()}), Action.PROMOTE)


@pytest.mark.parametrize(
    ("path", "old", "new", "text"),
    [
        ("role", "primary", "backup", "role: primary\n"),
        ('a["x: y"]', False, True, "a: {'x: y': false}\n"),
        ('a["b | c"]', "p | q", "r|s", "a: {'b | c': p | q}\n"),
        ("role", "one -> two", "two: three", "role: one -> two\n"),
        ("role", "`x`", "` y `", "role: '`x`'\n"),
        ("role", None, "x", "role:\n"),
        ("role", "closes #12", "@acme/ops [skip ci]", "role: 'closes #12'\n"),
        ("volumes[name=data].claim", "c" * 200, "d", f"volumes: [{{name: data, claim: {'c' * 200}}}]\n"),
        ("role", "first", "and a value of many words that no line of seventy-two has room for", "role: first\n"),
    ],
)
def test_what_is_written_is_read_back(path: str, old: Value, new: Value, text: str) -> None:
    made = planned(path, old, new, text)
    expected = {ListedChange("apps/a.yaml", format_path(parse_path(path)), change_text(old, new))}
    assert read_change_list(commit_message([(made, ASKED)])) == expected
    _, body = pull_request_text([(made, ASKED)], at="0" * 40, root="https://github.com/acme/lab")
    assert read_change_list(body) == expected
    assert read_change_list(body.replace("\n", "\r\n")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "    role: a -> b\n",
        "  apps/a.yaml\nrole: a -> b\n",
        "  apps/a.yaml\n    no path here\n",
        f"  apps/a.yaml\n    role: {'a' * MAX_LINE} -> b\n",
        "| [`a.yaml:1`](x) | `role` |\n",
    ],
)
def test_what_is_no_listing_is_none(text: str) -> None:
    assert read_change_list(text) == frozenset()


@pytest.mark.parametrize("length", range(66, 78))
def test_a_line_that_is_just_full_does_not_swallow_the_next(length: int) -> None:
    """A manual tag of a relocation makes a line of exactly 72: what follows is no rest of it."""
    first = "spec.trigger.manual: ".ljust(length - 4 - len(" -> null"), "x") + " -> null"
    found = read_change_list(f"Subject\n\n  a.yaml\n    {first}\n    spec.replicas: 1 -> null\n\nReason: x\n")
    assert ListedChange("a.yaml", "spec.replicas", "1 -> null") in found
    assert len(found) == 2
