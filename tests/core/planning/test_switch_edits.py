"""Whether a switch can be moved, there and back again."""

import pytest

from failover_api.core.catalog.model import Side
from failover_api.core.planning.state import State, detect
from failover_api.core.planning.switch_edits import blocking_error
from failover_api.core.splice import Value, parse
from failover_api.errors import ManifestError
from tests.support.builders import service, switch


def in_the_way(written: str, primary: Value, backup: Value, *, allow: str = "") -> tuple[State, ManifestError | None]:
    manifest = parse(f"a: {written}\n".encode(), file="a.yaml")
    (reading,) = detect(service(switch("a", primary, backup, allow=allow)), {"a.yaml": manifest}).readings
    return reading.state, blocking_error(reading, manifest)


@pytest.mark.parametrize(
    ("written", "primary", "backup"),
    [
        ("p", "p", "b"),
        ("'b'", "p", "b"),
        ("w3", "p", "b"),
        ("", "p", "b"),
        ("true", True, False),
        ("1.0", 1, 0.5),
        ("${P}", "${P}", "b"),
        ("b", "${P}", "b"),
        ("'{{ p }}'", "{{ p }}", "b"),
        ("!!str p", "p", "1"),
    ],
)
def test_what_can_be_moved_has_nothing_in_its_way(written: str, primary: Value, backup: Value) -> None:
    assert in_the_way(written, primary, backup)[1] is None


@pytest.mark.parametrize(
    ("written", "primary", "backup", "state", "words"),
    [
        ("|\n  p", "p\n", "b", State.PRIMARY, "is written as a block"),
        ("|\n  b", "p", "b\n", State.BACKUP, "is written as a block"),
        ("${X}", "p", "b", State.UNKNOWN, "is '${X}'"),
        ("1", "1", "0", State.UNKNOWN, "take the quotes off in the catalog"),
        ("!x p", "p", "b", State.PRIMARY, "has the tag !x"),
        ("p\nsops: {}", "p", "b", State.PRIMARY, "SOPS"),
        ("&a p\nb: *a", "p", "b", State.PRIMARY, "the anchor &a shares"),
    ],
)
def test_what_is_in_the_way_is_told(written: str, primary: Value, backup: Value, state: State, words: str) -> None:
    found, error = in_the_way(written, primary, backup)
    assert found is state
    assert error is not None
    assert words in error.detail
    assert error.detail.startswith("a.yaml:")


def test_the_way_back_is_tried_too() -> None:
    """There a null takes any type; back, text would have to become a null."""
    state, error = in_the_way("null", None, "b")
    assert state is State.PRIMARY
    assert error is not None
    assert in_the_way("null", None, "b", allow="type")[1] is None


def test_each_side_has_its_other() -> None:
    assert [side.other for side in Side] == [Side.BACKUP, Side.PRIMARY]
