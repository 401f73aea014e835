"""Texts that only go-yaml reads, or that it does not: edited in their place, or refused with a reason."""

from collections.abc import Iterator
from typing import Any

import pytest

from failover_api import errors
from failover_api.core.splice import Edit, Selector, parse
from failover_api.core.splice.paths import parse_path
from failover_api.core.splice.yaml_tree import read_fast, read_pure
from tests.support.builders import FIRST


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ("{image: ghcr.io/a/b:1.25, args: [--db=http://db:5432]}\n", "image", "c", "1.25, args|c, args"),
        ("{image: ghcr.io/a/b:1.25, args: [--db=http://db:5432]}\n", "args[0]", "no-db", "--db=http://db:5432|no-db"),
        ("# \U0001f511 a:b\n{a: b:c, d: 'e:f', g: h} # i:j\n", "g", "x", "h} #|x} #"),
        ("a: [b:c]\nd: e:f # g:h\n", "d", "x", "e:f #|x #"),
        ("a: {b:, c: d}\n", "a.c", "x", "c: d|c: x"),
        ('a: {b: "it\\\'s", c: d:e}\n', "a.c", "x", "d:e|x"),
        ("\ufeffa: [b:c]\r\nd: e\r\n", "d", "x", "d: e|d: x"),
        ("a: b\n---\n\ufeffc: d\ne: f\n", "e", "x", "e: f|e: x"),
    ],
)
def test_a_value_changes_in_its_place(text: str, path: str, value: str, expected: str) -> None:
    manifest = parse(text.encode(), file="app.yaml")
    selector = Selector(index=manifest.documents[-1].index)
    old, new = expected.split("|")
    if path == "image":
        old, new = "ghcr.io/a/b:" + old, new
    changed = manifest.apply([Edit(selector, parse_path(path), value=value)])
    assert changed.data.decode() == text.replace(old, new)
    raw = manifest.find(selector, parse_path(path)).raw
    assert changed.apply([Edit(selector, parse_path(path), op="restore", raw=raw)]).data.decode() == text


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('{"a": 1,\n"b": "\\ud83d\\ude00"}\n', 2, "the YAML reader of kubectl kustomize and Flux refuses it"),
        ('{"a": 1,\n"b": "\\uDE00"}\n', 2, "\\uDE00, half of a character, is for readers of JSON"),
        (
            '{"a":\n"b\\/c"}\n',
            2,
            "\\/ is for readers of JSON; the YAML reader of kubectl kustomize and Flux refuses it",
        ),
        ("a: b\n--- {c: d}\n", 2, "'{c: d}' on the line of a `---`, which kubectl and Flux refuse"),
        ("a: b\n---c: d\n", 2, "'c: d' on the line of a `---`"),
        ("a: b\n---\n# c\n...\n", 3, "nothing between `---` and `...`, which kubectl and Flux refuse"),
        ("a: b\n\ufeffc: d\n", 2, "a byte order mark inside the text is a letter to kubectl and Flux"),
        ("a: [b:c,\nd: {e}\n", 3, "did not find expected ',' or ']'"),
    ],
)
def test_a_refusal_says_where_and_who_refuses(text: str, line: int, reason: str) -> None:
    with pytest.raises(errors.ParseError) as caught:
        parse(text.encode(), file="app.yaml")
    assert reason in caught.value.detail
    assert caught.value.line == line


@pytest.mark.parametrize(
    "text", ["a: '\\/'\n", "a: \\/\n", 'a: "\\\\/"\n', "a: '\\ud83d'\n", 'a: "\\\\ud83d" # \\ud83d\n']
)
def test_what_only_looks_like_an_escape_is_read(text: str) -> None:
    parse(text.encode(), file="app.yaml")


def test_a_document_that_kubectl_does_not_see_is_not_there() -> None:
    manifest = parse(b"kind: A\r---\rkind: B\r", file="app.yaml")
    assert [each.kind for each in manifest.documents] == ["A"]
    with pytest.raises(errors.DocumentNotFound):
        manifest.select(Selector("B"))


def test_documents_keep_their_index() -> None:
    text = b"kind: A\n---\n---\n--- # c\nkind: B\n...\n---\nkind: C\n"
    assert [(each.index, each.kind) for each in parse(text, file="app.yaml").documents] == [
        (0, "A"),
        (3, "B"),
        (4, "C"),
    ]


def test_a_letter_that_stands_for_a_colon_is_none_of_the_text() -> None:
    text = 'a: [b:c, "\\ue000", \ue001, "\\uE002"]\n'
    manifest = parse(text.encode(), file="app.yaml")
    found = [manifest.find(FIRST, parse_path(f"a[{at}]")).value for at in range(4)]
    assert found == ["b:c", "\ue000", "\ue001", "\ue002"]


def test_what_only_looks_like_the_code_of_a_letter_takes_none() -> None:
    text = "a: [b:c]\n# " + "".join(f"{code:x}" for code in range(0xE000, 0xF900)) + "\n"
    assert parse(text.encode(), file="app.yaml").find(FIRST, parse_path("a[0]")).value == "b:c"


def test_escaped_apostrophes_are_read_however_many_strings_have_one() -> None:
    """Whatever else has quotes in its line: what is no string in double quotes keeps its backslash."""
    line = "a{0}: \"it\\'s\"\nb{0}: x\\'s # 12\" of it\\'s\nc{0}: 'x\\'\nd{0}: [\"e\\\\\\'f\", g\"h\\'i]\n"
    manifest = parse("".join(line.format(at) for at in range(100)).encode(), file="app.yaml")
    for at in (0, 50, 99):
        found = [manifest.find(FIRST, parse_path(path)).value for path in (f"a{at}", f"b{at}", f"c{at}")]
        assert found == ["it's", "x\\'s", "x\\"]
        found = [manifest.find(FIRST, parse_path(f"d{at}[{item}]")).value for item in (0, 1)]
        assert found == ["e\\'f", "g\"h\\'i"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: \"it\\'s\"\nb: 'x \"y\\'\n# '\n", 'x "y\\'),
        ("a: \"it\\'s\"\nb: 'x \"y\\'\nc: ' z\" w'\n", 'x "y\\'),
        ('a: "it\\\'s"\nb: \'"\\\'\nc: ["d\\\'e", f:g]\n', '"\\'),
    ],
)
def test_a_quote_that_was_taken_for_another_is_never_misread(text: str, value: str) -> None:
    manifest = parse(text.encode(), file="app.yaml")
    assert [manifest.find(FIRST, parse_path(key)).value for key in "ab"] == ["it's", value]


def test_a_text_without_a_letter_to_spare_is_refused() -> None:
    text = "a: [b:c]\n# " + "".join(map(chr, range(0xE000, 0xF8FF))) + "\n"
    with pytest.raises(errors.ParseError, match="found unexpected ':'"):
        parse(text.encode(), file="app.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "a: [" + "x :b, " * 2000 + "]\n",
        "a: [" + 'x"y":b, ' * 2000 + "]\n",
        'a: ["\n \\\'"' + ',"\n \\\'"' * 999 + "]\n",
    ],
)
def test_a_text_is_read_a_bounded_number_of_times(text: str) -> None:
    reads = 0

    def counting(readable: str) -> Iterator[Any]:
        nonlocal reads
        reads += 1
        return read_fast(readable)

    with pytest.raises(errors.ParseError):
        parse(text.encode(), file="app.yaml", reader=counting)
    assert 1 < reads <= 9
    reads = 0
    with pytest.raises(errors.ParseError):
        parse(text.encode() + b"#" * 1_000_000, file="app.yaml", reader=counting)
    assert reads <= 4


@pytest.mark.parametrize(
    "text",
    [
        "a: &x:y b\n",
        "a: &x b\nc: *x:\n",
        "a: b\u2028c\n",
        "a: b\x85c: d\n",
        "# b\u2029c: d\na: e\n",
        "a: [b?c]\n",
        'a: "\\ud83d\\ude00"\n',
        'a: "\\/"\n',
        'a: "\\UFFFFFFFF"\n',
        ": b\n",
        "a: b\n--- c\n",
    ],
)
def test_the_reader_without_libyaml_refuses_what_it_would_read_otherwise(text: str) -> None:
    with pytest.raises(errors.ParseError):
        parse(text.encode(), file="app.yaml", reader=read_pure)


@pytest.mark.parametrize("text", ["a: 'b\u2028c'\nd: \"e\x85f\"\n", "a: {b: c}\nd: e?\n", "a: &x-1 b\nc: *x-1\n"])
def test_the_reader_without_libyaml_reads_what_it_reads_alike(text: str) -> None:
    pure, fast = (parse(text.encode(), file="app.yaml", reader=reader) for reader in (read_pure, read_fast))
    assert pure.tree.shapes == fast.tree.shapes


def test_the_keys_of_a_mapping_in_their_order() -> None:
    manifest = parse(b"a: {z: 1, 'y': [2], <<: *b}\nb: &b 3\nc:\n  - x\n".replace(b"*b", b"{}"), file="app.yaml")
    assert manifest.keys(FIRST, parse_path("a")) == ("z", "y", "<<")
    for path, kind in (("b", errors.NotAMapping), ("c", errors.NotAMapping), ("d", errors.PathNotFound)):
        with pytest.raises(kind):
            manifest.keys(FIRST, parse_path(path))
