"""Paths: the grammar, its canonical form, and that writing is the inverse of reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.splice.paths import Path, Where, format_path, parse_path
from failover_api.errors import BadPath

READ: list[tuple[str, Path, str]] = [
    ("replicas", ("replicas",), "replicas"),
    ("a.b-c.d_9", ("a", "b-c", "d_9"), "a.b-c.d_9"),
    ('a."b.c/d".e', ("a", "b.c/d", "e"), 'a["b.c/d"].e'),
    ('"a.b"', ("a.b",), '["a.b"]'),
    ('["a.b"].c["d"]["e f"]', ("a.b", "c", "d", "e f"), '["a.b"].c.d["e f"]'),
    ("b/c.$d e", ("b/c", "$d e"), '["b/c"]["$d e"]'),
    ('["\\"\\\\\\n\u00e9"]', ('"\\\n\u00e9',), '["\\"\\\\\\n\u00e9"]'),
    ("a[name=b.c/d:1].e", ("a", Where("name", "b.c/d:1"), "e"), "a[name=b.c/d:1].e"),
    ('a[name="b"]["c.d"="e f]"]', ("a", Where("name", "b"), Where("c.d", "e f]")), 'a[name=b]["c.d"="e f]"]'),
    ("a[k=x=y][c.d=1]", ("a", Where("k", "x=y"), Where("c.d", "1")), 'a[k="x=y"]["c.d"=1]'),
    ("[0].a[12][0]", (0, "a", 12, 0), "[0].a[12][0]"),
    ("0", ("0",), "0"),
    ('[""]', ("",), '[""]'),
]


@pytest.mark.parametrize(("text", "path", "canonical"), READ)
def test_a_path_is_read_and_written(text: str, path: Path, canonical: str) -> None:
    assert parse_path(text) == path
    assert format_path(path) == canonical
    assert parse_path(canonical) == path


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", ".a", "a.", "a..b", "a.[0]", "a[0]b", "a[", "a[]", "a[-1]", "a[01]", "a[b]", "a[b=]", "a[=b]", "a]"),
        *('a"b"', '"a', '["a]', '["a"', '"\\x"', "a[1234567890]", '["a"=', 'a[b="c]'),
    ],
)
def test_what_is_not_a_path_is_refused(text: str) -> None:
    with pytest.raises(BadPath, match="path"):
        parse_path(text)


def test_the_error_points_at_the_character() -> None:
    with pytest.raises(BadPath, match=r"path 'spec\.\.x': expected a key at character 6"):
        parse_path("spec..x")


STEPS = st.one_of(st.text(), st.integers(0, 999_999_999), st.builds(Where, st.text(), st.text()))


@given(st.lists(STEPS, min_size=1, max_size=6).map(tuple))
def test_writing_is_the_inverse_of_reading(path: Path) -> None:
    assert parse_path(format_path(path)) == path


@given(st.text(alphabet='ab.[]"=\\01 ', max_size=12))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = parse_path(text)
    except BadPath:
        return
    assert parse_path(format_path(path)) == path
