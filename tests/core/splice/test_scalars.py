"""Scalars: what a plain text is to all readers, and that what is written is read back as the same by each."""

import io
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from failover_api.core.splice.scalars import Reading, Value, is_plain, read_plain, same, write

AGREED: list[tuple[str, Value]] = [
    ("", None), ("~", None), ("Null", None), ("nULL", "nULL"),
    ("true", True), ("FALSE", False), ("tRUE", "tRUE"), ("yEs", "yEs"), ("nope", "nope"),
    ("0", 0), ("-12", -12), ("+7", 7), ("0x1f", 31), ("0xZ", "0xZ"),
    ("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1.5e+3", 1500.0), ("-.inf", -math.inf),
    ("1.2.3", "1.2.3"), ("10Gi", "10Gi"), ("node-1", "node-1"), ("v1", "v1"), ("1-2", "1-2"), ("2024-01", "2024-01"),
    (".", "."), ("-", "-"), ("\u0153", "\u0153"), ("\u0661", "\u0661"),
]  # fmt: skip
DISPUTED = ["yes", "No", "ON", "off", "y", "N", "<<", "=", "010", "08", "0o17", "0b1", "-0x1f", "0X1F", "1_000", "1e3"]
DISPUTED += [
    "1.5e3",
    "1:30",
    "190:20:30.15",
    "2024-01-31",
    "2024-1-3",
    "2024-01-31T10:20:30Z",
    "2024-01-31 1:02:03.4 -5",
]
DISPUTED += ["9999999999999999999999"]


@pytest.mark.parametrize(("text", "value"), AGREED)
def test_readers_agree(text: str, value: Value) -> None:
    reading = read_plain(text)
    assert same(reading.value, value)
    assert not reading.ambiguous


@pytest.mark.parametrize("text", DISPUTED)
def test_readers_differ(text: str) -> None:
    assert read_plain(text) == Reading(text, ambiguous=True)


def test_not_a_number_is_one() -> None:
    value = read_plain(".nan").value
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize(
    "text",
    [
        *("a", "web-2", "node_1.example.org", "/srv/x", "./x", "a:b", "a#b", "a b", "it's", 'x"y', "50Gi", "a,b"),
        *("192.168.1.11", "192.168.1.11:8080", "10.0.0.0/8", "1.2.3", "1.2.3+4", "1-2", "1-2-3", "2024-01", "12ab34"),
        *("${VAR}", "${VAR}-b", "${VAR:-x y}", "1e3f", "0.1.0-rc.1", "e3", "fe80::1", "2024-01-31-b"),
    ],
)
def test_a_plain_text_needs_no_quotes(text: str) -> None:
    assert is_plain(text)
    assert write(text) == (text, text, "")


@pytest.mark.parametrize(
    "text",
    [
        *(
            *DISPUTED,
            "",
            "Yes",
            "nULL",
            "1",
            "1.5",
            "12e",
            "1,000",
            "1e1_0",
            "._5",
            "00:11:22:33:44:55",
            "1:99",
            "-1",
            "+x",
            "inf",
            "NaN",
            "-.Inf",
            "...",
            "---",
        ),
        *(
            " a",
            "a ",
            "a: b",
            "a #b",
            "a:",
            "- a",
            "? a",
            "@a",
            "`a",
            "$a",
            "$(A)",
            "${A: b}",
            "*a",
            "&a",
            "!a",
            "%a",
            "|",
            ">",
            "[a]",
            "{a}",
        ),
        *("'a'", '"a"', "a\tb", "a\nb", "a\x7f", "a\u00a0", "\u00e9", "\U0001f600", "a\u2028", "a\ufeff", "\u0661"),
    ],
)
def test_another_text_needs_quotes(text: str) -> None:
    assert not is_plain(text)


@pytest.mark.parametrize("text", ["a,b", "a[b", "a]", "a{b", "a}", "a:b", "a?b", "${VAR}"])
def test_some_texts_need_quotes_in_braces_only(text: str) -> None:
    assert is_plain(text)
    assert not is_plain(text, flow=True)


@pytest.mark.parametrize(
    ("value", "style", "token"),
    [
        ("it's", "'", "'it''s'"),
        ("a\\b", "'", "'a\\b'"),
        ("a\nb", "'", '"a\\nb"'),
        ('"\\\r\t', '"', '"\\"\\\\\\r\\t"'),
        ("\u00e9\U0001f600", "", '"\u00e9\U0001f600"'),
        ("\x00\x85\u00a0\ufeff\U000e0001", "", '"\\u0000\\u0085\\u00a0\\ufeff\\U000e0001"'),
        (None, '"', "null"),
        (True, "'", "true"),
        (-7, "", "-7"),
        (0.1, "", "0.1"),
        (1e-7, "", "1.0e-07"),
        (1e300, "", "1.0e+300"),
        (math.inf, "", ".inf"),
        (-math.inf, "", "-.inf"),
        (math.nan, "", ".nan"),
    ],
)
def test_a_value_is_written(value: Value, style: str, token: str) -> None:
    assert write(value, style=style)[0] == token


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), ("1", 1), (0, False), (None, "")])
def test_values_of_two_types_are_not_the_same(one: Value, other: Value) -> None:
    assert not same(one, other)


def load(text: str, version: tuple[int, int]) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    return yaml.load(io.StringIO(f"%YAML {version[0]}.{version[1]}\n---\n{text}"))


def readings(token: str, *, flow: bool) -> list[Any]:
    """What readers make of a token: ruamel as 1.1 and as 1.2, and PyYAML where it is installed."""
    text = f"a: [{token}]\n" if flow else f"a: {token} # c\n"
    found = [load(text, version)["a"] for version in ((1, 1), (1, 2))]
    try:
        import yaml as pyyaml
    except ImportError:
        pass
    else:
        found.append(pyyaml.safe_load(text)["a"])
    return [each[0] for each in found] if flow else found


NASTY = st.text(
    alphabet=st.sampled_from("ab01$.-+:_#?,[]{}&*!|>%@`'\"\\ \t\n~=<exTZyno\u00e9\u2028\u00a0\U0001f600"), max_size=9
)
NUMBERISH = st.text(alphabet="0127.-+:_,exTtZ/", min_size=1, max_size=12)
TEXTS = NASTY | NUMBERISH | st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(DISPUTED)


@given(TEXTS, st.sampled_from(["", "'", '"']), st.booleans())
@example("\x1b\x85\ufffe", "", False)
def test_a_string_is_read_back_by_every_reader(value: str, style: str, flow: bool) -> None:
    token, text, _ = write(value, style=style, flow=flow)
    assert text == value
    assert readings(token, flow=flow) == [value] * len(readings(token, flow=flow))


@given(st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False))
def test_another_value_is_read_back_by_every_reader(value: Value) -> None:
    token, _, style = write(value)
    assert style == ""
    assert same(read_plain(token).value, value)
    assert all(same(each, value) for each in readings(token, flow=False))


@given(NASTY | NUMBERISH)
def test_what_needs_no_quotes_is_the_same_string_to_every_reader(text: str) -> None:
    if is_plain(text):
        assert same(read_plain(text).value, text)
        assert not read_plain(text).ambiguous


@pytest.mark.parametrize(
    ("start", "part", "end", "plain"),
    [
        ("", "1", "x", True),
        ("", "1:", "x", True),
        ("", "1,", "x", True),
        ("", "${", "", True),
        ("", "a ", "\t", False),
        ("1.", "_", "e", False),
    ],
)
def test_a_long_text_takes_no_more_than_one_look(start: str, part: str, end: str, plain: bool) -> None:
    """What looks twice at every character would take hours here."""
    assert is_plain(start + part * 400_000 + end) is plain
