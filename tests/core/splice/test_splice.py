"""The YAML editor: whole texts compared, with both readers. A row is a text, the edits, and what they give."""

from collections.abc import Callable

import pytest

from failover_api import errors
from failover_api.core.splice import MAX_BYTES, Edit, Selector, parse
from failover_api.core.splice.changes import prove
from failover_api.core.splice.edits import Place
from failover_api.core.splice.paths import parse_path
from failover_api.core.splice.yaml_tree import MAX_DEPTH, MAX_EVENTS, Reader, read_fast
from tests.core.splice.edits import VAULT, add, change, delete, ensure, put, restore

Make = Callable[[Selector], Edit]


REPLACED = {
    "one token of many": (
        VAULT,
        [put("spec.template.spec.volumes[name=keys].persistentVolumeClaim.claimName", "keys-2", expect="keys-1")],
        VAULT.replace("keys-1", "keys-2"),
    ),
    "several types in one pass": (
        VAULT,
        [put("spec.replicas", 0), put("spec.template.spec.nodeSelector.disk", "it's slow")],
        VAULT.replace("3 #", "0 #").replace("'fast'", "'it''s slow'"),
    ),
    "a value that is there already": ("a: &x {b: 'c'} # d\n", [put("a.b", "c")], "a: &x {b: 'c'} # d\n"),
    "a boolean and a float": ("a: True\nb: .5\n", [put("a", False), put("b", 1e20)], "a: false\nb: 1.0e+20\n"),
    "a hexadecimal number": ("a: 0x1F\n", [put("a", 32, expect=31)], "a: 32\n"),
    "a value on the next line": ("a: # why\n  # more\n  b\nc: d\n", [put("a", "x")], "a: # why\n  # more\n  x\nc: d\n"),
    "a plain value of several lines": ("a: b\n  c\n\n  d  # e\nf: g\n", [put("a", "x")], "a: x  # e\nf: g\n"),
    "a quoted value of several lines": ("a: 'b\n\n  c'\nd: e", [put("a", "x")], "a: 'x'\nd: e"),
    "behind anchor and tag": (
        "a: &one !!str b\nc: !!str &two d\n&key e: f\ng: &three\n  h\n",
        [put("a", "x"), put("c", "7"), put("e", "x"), put("g", "x")],
        'a: &one !!str x\nc: !!str &two "7"\n&key e: x\ng: &three\n  x\n',
    ),
    "list items": (
        "- a\n- [b, c]\n-\n  - d\n",
        [put("[0]", "x"), put("[1][1]", "x"), put("[2][0]", "x")],
        "- x\n- [b, x]\n-\n  - x\n",
    ),
    "a list as deep as its key": ("a:\n- b: c\n- b: d\ne: f\n", [put("a[b=d].b", "x")], "a:\n- b: c\n- b: x\ne: f\n"),
    "a key in quotes": ("'a.b/c': d\n", [put('["a.b/c"]', "x")], "'a.b/c': x\n"),
    "an explicit key": ("? a\n# why\n: b\n", [put("a", "x")], "? a\n# why\n: x\n"),
    "an alias as key": ("a: &n b\nc:\n  *n : d\n", [put("c.b", "x")], "a: &n b\nc:\n  *n : x\n"),
    "an item named by an alias": (
        "a: &n b\nl:\n- {n: *n, v: 1}\n",
        [put("l[n=b].v", 2)],
        "a: &n b\nl:\n- {n: *n, v: 2}\n",
    ),
    "an alias, and not its anchor": ("a: &n b\nc: [*n, *n]\n", [put("c[0]", "x", expect="b")], "a: &n b\nc: [x, *n]\n"),
    "an alias of a redefined anchor": (
        "a: &n 1\nb: &n 2\nc: *n\n",
        [put("c", 3, expect=2)],
        "a: &n 1\nb: &n 2\nc: 3\n",
    ),
    "a redefined anchor that is not used": ("a: &n 1\nb: *n\nc: &n 2\n", [put("c", 3)], "a: &n 1\nb: *n\nc: &n 3\n"),
    "a shared anchor, allowed": (
        "a: &n {b: c}\nd: *n\n",
        [put("a.b", "x", allow="shared_anchor")],
        "a: &n {b: x}\nd: *n\n",
    ),
    "a key that hides a merged one": (
        "a: &n {b: 1}\nc: {<<: *n, b: 2}\n",
        [put("c.b", 3)],
        "a: &n {b: 1}\nc: {<<: *n, b: 3}\n",
    ),
    "nulls": (
        "a:\nb: ~ # c\nd: {e: , f: Null}\ng: &x\n",
        [put("a", "x"), put("b", 1), put("d.e", "x"), put("d.f", True), put("g", "x")],
        "a: x\nb: 1 # c\nd: {e: x , f: true}\ng: &x x\n",
    ),
    "nulls before comments": ("a:  # b\n# c\nd: # e", [put("a", "x"), put("d", "x")], "a: x  # b\n# c\nd: x # e"),
    "nulls in lists": (
        "- \n-   # a\n-\n- - \n  -",
        [put(p, "x") for p in ("[0]", "[1]", "[2]", "[3][0]", "[3][1]")],
        "- x \n- x   # a\n- x\n- - x \n  - x",
    ),
    "a null in JSON": ('{"a":null,"b":{"c":1}}', [put("a", "x"), put("b.c", 2)], '{"a":"x","b":{"c":2}}'),
    "a key of a flow mapping without colon": ("{a: 1, b}\n", [put("b", "x")], "{a: 1, b: x}\n"),
    "a plain value that needs quotes in flow only": (
        "a: [b]\nc: d\n",
        [put("a[0]", "x{y"), put("c", "x{y")],
        'a: ["x{y"]\nc: x{y\n',
    ),
    "another type, allowed": (
        'a: 1\nb: "2"\nc: yes\nd: 010\n',
        [put(k, v, allow="type") for k, v in (("a", "x"), ("b", 3), ("c", "yes"), ("d", None))],
        'a: x\nb: 3\nc: "yes"\nd: null\n',
    ),
    "a substitution and a template, allowed": (
        "a: ${b}-c\nd: '{{ e }}'\n",
        [put("a", "${f}", allow="substitution"), put("d", "{{ g }}", allow="template")],
        "a: ${f}\nd: '{{ g }}'\n",
    ),
    "CRLF, CR and LF": ("a: b\r\nc: d\re: f\n", [put("a", "x"), put("c", "x"), put("e", "x")], "a: x\r\nc: x\re: x\n"),
    "a byte order mark": ("\ufeffa: b\r\n", [put("a", "x")], "\ufeffa: x\r\n"),
    "characters of four bytes before": (
        "# \U0001f512\na: \U0001f511\nb: c\n",
        [put("b", "x")],
        "# \U0001f512\na: \U0001f511\nb: x\n",
    ),
    "line separators inside quotes": ("a: 'b\u2028c'\nd: e\n", [put("d", "x")], "a: 'b\u2028c'\nd: x\n"),
    "blanks at the end of lines": ("a: b   \nc: d  ", [put("a", "x"), put("c", "x")], "a: x   \nc: x  "),
    "the second of documents with directives": (
        "%TAG !e! tag:e.org:\n---\na: !e!f b\n...\n%YAML 1.2\n---\na: b\n...\n",
        [put("a", "x", select=Selector(index=1))],
        "%TAG !e! tag:e.org:\n---\na: !e!f b\n...\n%YAML 1.2\n---\na: x\n...\n",
    ),
}

ADDED = {
    "behind the last entry": (
        "a:\n  b: 1 # c\n\n  # d\ne: 2\n",
        [add("a.f")],
        "a:\n  b: 1 # c\n  f: new\n\n  # d\ne: 2\n",
    ),
    "with parents, at the file's step": (
        "a:\n   b: 1\n",
        [add("a.c.d", 7), add("e.f", True)],
        "a:\n   b: 1\n   c:\n      d: 7\ne:\n   f: true\n",
    ),
    "under one parent from two edits": (
        "a: 1\n",
        [add("b.c"), add("b.d.e"), add("b.d.f")],
        "a: 1\nb:\n  c: new\n  d:\n    e: new\n    f: new\n",
    ),
    "to an inner and an outer mapping": (
        "a:\n  b:\n    c: 1\n",
        [add("a.d"), add("a.b.e")],
        "a:\n  b:\n    c: 1\n    e: new\n  d: new\n",
    ),
    "a mapping": (
        "a: 1\n",
        [add("b", {"c": {"d": "0"}, "e": {}, "f": None})],
        'a: 1\nb:\n  c:\n    d: "0"\n  e: {}\n  f: null\n',
    ),
    "to a list item": (
        "- a: 1\n  b:\n  - c\n-   d: 1\n",
        [add("[0].e"), add("[1].f.g")],
        "- a: 1\n  b:\n  - c\n  e: new\n-   d: 1\n    f:\n      g: new\n",
    ),
    "behind a list as deep as its key": ("a:\n  b:\n  - c\n", [add("a.d")], "a:\n  b:\n  - c\n  d: new\n"),
    "behind a block scalar": ("a:\n  b: >-\n    c\n\n\n# d\n", [add("a.e")], "a:\n  b: >-\n    c\n  e: new\n\n\n# d\n"),
    "behind a block scalar that keeps its blank lines": (
        "a:\n  b: |2+ # c\n    d\n\ne: 1\n",
        [add("a.f")],
        "a:\n  b: |2+ # c\n    d\n\n  f: new\ne: 1\n",
    ),
    "behind a block scalar whose last line is blanks": (
        "a:\n  b: |\n   c\n     \nd: 1\n",
        [add("a.e")],
        "a:\n  b: |\n   c\n     \n  e: new\nd: 1\n",
    ),
    "behind an empty value": (
        "a:\n  b:\n  c: # d\ne:\n",
        [add("a.f"), add("g")],
        "a:\n  b:\n  c: # d\n  f: new\ne:\ng: new\n",
    ),
    "to an explicit key": (
        "? a\n: b: 1\n? c\n: d\n",
        [add("a.e"), add("f")],
        "? a\n: b: 1\n  e: new\n? c\n: d\nf: new\n",
    ),
    "with CRLF": (
        "a:\r\n  b: 1\r\nc: 2",
        [add("a.d.e"), add("f")],
        "a:\r\n  b: 1\r\n  d:\r\n    e: new\r\nc: 2\r\nf: new",
    ),
    "without a line break at the end": ("a: 1", [add("b.c")], "a: 1\nb:\n  c: new"),
    "before the end of a document": ("a: 1\n---\nb: 2\n", [add("c")], "a: 1\nc: new\n---\nb: 2\n"),
    "a key that needs quotes": ("a: 1\n", [add('["on"]', "off"), add('["b: c"]', 1)], 'a: 1\n"on": "off"\n"b: c": 1\n'),
    "to braces": (
        "a: {b: 1}\nc: {d: 1,}\ne: { f: 1 }\n",
        [add("a.g"), add("c.h.i"), add("e.j")],
        "a: {b: 1, g: new}\nc: {d: 1, h: {i: new},}\ne: { f: 1, j: new }\n",
    ),
    "to empty braces": (
        "a: {} # b\nc: {  }\nd: &e {}\n",
        [add("a.f"), add("c.g"), add("d.h")],
        "a: {f: new} # b\nc: { g: new }\nd: &e {h: new}\n",
    ),
    "to braces over several lines": (
        "a: {\n  b: 1, # c\n  d: 2 # e\n}\nf: {\n  g: 1,\n}\n",
        [add("a.h"), add("f.i")],
        "a: {\n  b: 1, # c\n  d: 2, # e\n  h: new\n}\nf: {\n  g: 1,\n  i: new,\n}\n",
    ),
    "to JSON": (
        '{"a": {\n  "b": 1\n}, "c": {}}\n',
        [add("a.d", 2), add("c.e")],
        '{"a": {\n  "b": 1,\n  "d": 2\n}, "c": {"e": "new"}}\n',
    ),
    "under nulls": (
        "a:  # b\nc: ~\nd: {e: , f: null}\n",
        [add("a.g.h"), add("c.i"), add("d.e.j"), add("d.f.k")],
        "a:  # b\n  g:\n    h: new\nc: {i: new}\nd: {e: {j: new} , f: {k: new}}\n",
    ),
    "under a null in a list": ("-\n- a: 1\n", [add("[0].b")], "-\n  b: new\n- a: 1\n"),
    "under a null with an anchor": ("a: &b\nc: 1\n", [add("a.d")], "a: &b\n  d: new\nc: 1\n"),
    "where it may be there": (
        "a: b\nc: {d: e}\n",
        [ensure("a"), ensure("c.f", 1), ensure("c.d", "e")],
        "a: new\nc: {d: e, f: 1}\n",
    ),
}

DELETED = {
    "a line": ("a: 1 # b\n# c\nd: 2\n", [delete("a")], "# c\nd: 2\n"),
    "all under a key": (
        "a:\n  b: [1,\n    2] # c\n  d:\n    e: 'f\n\n      g'\n\nh: 1\n",
        [delete("a.d"), delete("h")],
        "a:\n  b: [1,\n    2] # c\n\n",
    ),
    "the last line without line break": ("a: 1\r\nb: 2", [delete("b")], "a: 1"),
    "a block scalar": ("a: |+\n  b\n\nc: >\n  d\n\ne: 1\n", [delete("a"), delete("c")], "\ne: 1\n"),
    "the first key of a list item": (
        "- a: 1\n  b: 2\n- a: 1 # c\n  # d\n  b: 2\n",
        [delete("[0].a"), delete("[1].a")],
        "- b: 2\n-\n  # d\n  b: 2\n",
    ),
    "an explicit key": ("? a\n: b\n? c\n: d\n", [delete("a")], "? c\n: d\n"),
    "of a flow mapping": ("a: {b: 1, c: 2, d: 3 }\n", [delete("a.c")], "a: {b: 1, d: 3 }\n"),
    "the last of a flow mapping": (
        "a: {b: 1, c: 2, d: 3 }\n",
        [delete("a.d"), delete("a.c"), add("a.e")],
        "a: {b: 1, e: new }\n",
    ),
    "of a flow mapping over several lines": (
        "a: {\n  b: 1, # c\n  # d\n  e: 2,\n}\n",
        [delete("a.b")],
        "a: {\n  # d\n  e: 2,\n}\n",
    ),
    "the last of JSON over several lines": ('{\n  "a": 1,\n  "b": 2\n}\n', [delete("b")], '{\n  "a": 1\n}\n'),
    "an anchor used only inside": ("a: {b: &n 1, c: *n}\nd: 1\n", [delete("a")], "d: 1\n"),
    "and add and set in one pass": (
        "a: 1\nb: 2\nc: 3\n",
        [delete("a"), put("b", 4), add("d"), delete("c")],
        "b: 4\nd: new\n",
    ),
}

RESTORED = {
    "an alias that another edit moves": (
        "a: 1\nb: &n c\nd: x\ne: *n\n",
        [delete("a"), restore("d", "*n"), put("e", "c"), add("f")],
        "b: &n c\nd: *n\ne: *n\nf: new\n",
    ),
    "an alias": ("a: &n b\nc: x\n", [restore("c", "*n", "b", expect="x")], "a: &n b\nc: *n\n"),
    "quotes": ("a: x\n", [restore("a", '"\\x62"', expect_raw="x")], 'a: "\\x62"\n'),
    "a text of several lines": ("a: x\nb: c\n", [restore("a", "'d\n  e'")], "a: 'd\n  e'\nb: c\n"),
    "an empty value": (
        "a: x\nb: x # c\nd: {e: x , f: 1}\n",
        [restore(p, "") for p in ("a", "b", "d.e")],
        "a:\nb: # c\nd: {e: , f: 1}\n",
    ),
    "behind an anchor": ("a: &n x\n", [restore("a", "~")], "a: &n ~\n"),
    "where nothing is": ("a:\n", [restore("a", "x y")], "a: x y\n"),
}

TABLES = {"set": REPLACED, "add": ADDED, "delete": DELETED, "restore": RESTORED}
ROWS = [pytest.param(*row, id=f"{table}: {name}") for table, rows in TABLES.items() for name, row in rows.items()]


@pytest.mark.parametrize(("text", "edits", "expected"), ROWS)
def test_an_edit_changes_what_it_names(text: str, edits: list[Edit], expected: str, reader: Reader) -> None:
    assert change(text, *edits, reader=reader) == expected


@pytest.mark.parametrize(("text", "edits", "expected"), ROWS)
def test_an_edit_works_the_same_behind_a_byte_order_mark(text: str, edits: list[Edit], expected: str) -> None:
    text, expected = ("\ufeff" + each.removeprefix("\ufeff") for each in (text, expected))
    assert change(text, *edits, reader=read_fast) == expected


REFUSED: list[tuple[type[errors.ManifestError], str, list[Edit]]] = [
    (errors.PathNotFound, "a: {b: 1}\n", [put("a.c", 1)]),
    (errors.PathNotFound, "a:\n", [put("a.b", 1)]),
    (errors.PathNotFound, "a: 1\n", [delete("b")]),
    (errors.PathNotFound, "a: 1\n", [restore("b", "x")]),
    (errors.ItemNotFound, "a: [{b: c}, d, 1]\n", [put("a[b=d].e", 1)]),
    (errors.ItemNotFound, "a:\n", [add("a[b=c].d")]),
    (errors.ItemNotFound, "a: {}\n", [add("a.l[b=c].d")]),
    (errors.IndexOutOfRange, "a: [1, 2]\n", [put("a[2]", 1)]),
    (errors.IndexOutOfRange, "a: {}\n", [add("a.l[0].d")]),
    (errors.AmbiguousItem, "d: &n {b: c}\na: [{b: c}, {<<: *n}]\n", [put("a[b=c].b", "x")]),
    (errors.NotAMapping, "a: b\n", [put("a.c", 1)]),
    (errors.NotAMapping, "a: [b]\n", [put("a.c", 1)]),
    (errors.NotAMapping, "a: {b: 1}\n", [put("a[0]", 1)]),
    (errors.NotAMapping, "a: ''\n", [add("a.b")]),
    (errors.NotAMapping, "a: [b: c]\n", [add("a[0].d")]),
    (errors.NotAMapping, "a: [b, c]\n", [delete("a[0]")]),
    (errors.NotAScalar, "a: [1]\n", [put("a", "x")]),
    (errors.NotAScalar, "a: &n {b: 1}\nc: *n\n", [put("c", "x")]),
    (errors.NotAScalar, "a: {b: 1}\n", [ensure("a", {"c": 1})]),
    (errors.NotAScalar, "a: {{ .Values.b }}\n", [put("a", "x")]),
    (errors.BlockScalar, "a: >+\n  b\n", [put("a", "x")]),
    (errors.BlockScalar, "a: |\n  b\n", [restore("a", "x")]),
    (errors.TaggedScalar, "a: !!int 1\n", [put("a", 2)]),
    (errors.TaggedScalar, "a: ! b\n", [put("a", "x")]),
    (errors.TypeMismatch, "a: 1\n", [put("a", "2")]),
    (errors.TypeMismatch, "a: 1\n", [put("a", True)]),
    (errors.TypeMismatch, "a: 1\n", [put("a", 1.0)]),
    (errors.TypeMismatch, "a: b\n", [put("a", None)]),
    (errors.TypeMismatch, "a: 'true'\n", [put("a", True)]),
    (errors.TypeMismatch, "a: 0777\n", [put("a", 7)]),
    (errors.TypeMismatch, "a: on\n", [put("a", "off", expect="on")]),
    (errors.TypeMismatch, "a: !!str b\n", [put("a", 1, allow="type")]),
    (errors.TypeMismatch, "a: b\n", [put("a", {"c": 1}, allow="type")]),
    (errors.TypeMismatch, "a: 1\n", [add("b", ["c"])]),
    (errors.TypeMismatch, "a: 1\n", [add("b", {1: "c"})]),
    (errors.DuplicateKey, "a:\n  b: 1\n  c: 2\n  'c': 3\n", [put("a.b", 2)]),
    (errors.DuplicateKey, "k: &n a\na: 1\n*n : 2\n", [put("k", "b")]),
    (errors.UndefinedAlias, "a: *n\nb: &n c\n", [put("b", "x")]),
    (errors.UndefinedAlias, "&n a: 1\n---\nb: *n\n", [put("b", 1, select=Selector(index=1))]),
    (errors.AliasInPath, "a: &n {b: 1}\nc: *n\n", [put("c.b", 2)]),
    (errors.AliasInPath, "a: &n [{b: 1}]\nc: *n\n", [put("c[0].b", 2)]),
    (errors.AliasInPath, "a: &n {b: 1}\nc: [*n]\n", [add("c[b=1].d", 2)]),
    (errors.KeyFromMerge, "a: &n {b: 1}\nc:\n  <<: [{d: 1}, *n]\n", [put("c.b", 2)]),
    (errors.KeyFromMerge, "a: &n {b: 1}\nc: &m {<<: *n}\nd: {<<: *m}\n", [add("d.b", 2)]),
    (errors.KeyFromMerge, "a: &n {b: 1}\nc: {<<: *n, b: 2, d: 3}\n", [delete("c.b")]),
    (errors.SharedAnchor, "a: &n b\nc: *n\n", [put("a", "x")]),
    (errors.SharedAnchor, "a: &n [{b: c}]\nd: *n\n", [put("a[b=c].b", "x")]),
    (errors.SharedAnchor, "a: &n {b: c}\nd: {<<: [*n]}\n", [add("a.e")]),
    (errors.SharedAnchor, "a: &n {b: c, d: e}\nf: *n\n", [delete("a.b")]),
    (errors.SharedAnchor, "a: {b: {&n c: 1}}\nd: *n\n", [delete("a")]),
    (errors.SharedAnchor, "a: &n\nb: *n\n", [add("a.c")]),
    (errors.SubstitutionInTarget, "a: b-${c}\n", [put("a", "x")]),
    (errors.SubstitutionInTarget, "a: &n ${b}\nc: *n\n", [put("c", "x")]),
    (errors.TemplateInTarget, "a: '{{ b }}'\n", [put("a", "x", allow="substitution")]),
    (errors.ValueHasSubstitution, "a: b\n", [put("a", "${b}")]),
    (errors.ValueHasSubstitution, "a: b\n", [add("c", {"d": "${b}"})]),
    (errors.ValueHasTemplate, "a: b\n", [put("a", "{{ b }}")]),
    (errors.Encrypted, "a: 1\nsops: {mac: x}\n", [put("a", 2)]),
    (errors.Encrypted, "a: 1\n'sops':\n", [add("b")]),
    (errors.UnexpectedOldValue, "a: b\n", [put("a", "x", expect="c")]),
    (errors.UnexpectedOldValue, "a: 1\n", [put("a", 2, expect=True)]),
    (errors.UnexpectedOldValue, "a: '1'\n", [put("a", "2", expect_raw='"1"')]),
    (errors.UnexpectedOldValue, "a: {b: 1, c: 1}\n", [delete("a.b", expect=2)]),
    (errors.UnexpectedOldValue, "a: {}\n", [ensure("a.b", 1, expect=2)]),
    (errors.KeyExists, "a: b\n", [add("a")]),
    (errors.LastEntry, "a: {b: 1}\n", [delete("a.b")]),
    (errors.LastEntry, "a:\n  b: 1\n  c: 2\n", [delete("a.b"), delete("a.c")]),
    (errors.OverlappingEdits, "a: b\n", [put("a", "x"), put("a", "x")]),
    (errors.OverlappingEdits, "a:\nb: 1\n", [put("a", "x"), add("a.c")]),
    (errors.OverlappingEdits, "a: {b: 1}\nc: 1\n", [delete("a"), add("a.d")]),
    (errors.OverlappingEdits, "a: 1\nb: 2\n", [delete("a"), delete("a")]),
    (errors.OverlappingEdits, "a: 1\n", [add("b"), add("b")]),
    (errors.OverlappingEdits, "a: 1\n", [add("b"), add("b.c")]),
    (errors.VerifyFailed, "a: b\n", [restore("a", "*n")]),
    (errors.VerifyFailed, "a: b\nc: &n d\n", [restore("a", "*n")]),
    (errors.VerifyFailed, "a: &n {b: c}\nd: e\n", [restore("d", "*n")]),
    (errors.VerifyFailed, "a: &n moved\nb: c\n", [restore("b", "*n", "old")]),
    (errors.VerifyFailed, "a: &n b\n&m c: &k d\n", [restore("c", "*n")]),
    *(
        (errors.VerifyFailed, "a: b\n", [restore("a", raw)])
        for raw in ("c # d", "c\nd: e", "c: d", "[c]", "|\n c", "'", "&n c", None)
    ),
    (errors.VerifyFailed, "a: [b]\n", [restore("a[0]", "c, d")]),
    (errors.VerifyFailed, "a: &n b\nc: d\n", [delete("a"), restore("c", "*n")]),
    (errors.VerifyFailed, "a: &n b\nc: &n d\ne: f\n", [delete("c"), restore("e", "*n", "d")]),
    (errors.VerifyFailed, "? a\n? b\n: c\n", [put("a", "x")]),
    (errors.OverlappingEdits, "a: {\n  b: 1,\n  c: 2,\n  d: 3 }\n", [delete("a.c"), delete("a.d")]),
    (errors.VerifyFailed, "a:\n  b: |\n    c", [add("a.d")]),
    (errors.VerifyFailed, "a: b\n", [put("a", "\ud800")]),
    (errors.VerifyFailed, "a: b\n", [restore("a", "'\ud800'")]),
    (errors.DocumentNotFound, "# nothing\n---\n", [put("a", 1)]),
]


@pytest.mark.parametrize(("category", "text", "edits"), REFUSED)
def test_an_edit_is_refused(category: type[errors.ManifestError], text: str, edits: list[Edit], reader: Reader) -> None:
    with pytest.raises(errors.ManifestError) as caught:
        change(text, *edits, reader=reader)
    assert type(caught.value) is category
    assert caught.value.file == "app.yaml"
    assert caught.value.detail.startswith("app.yaml:")
    if len(edits) == 1:
        assert parse_path(caught.value.path) == edits[0].path


@pytest.mark.parametrize(
    ("text", "category"),
    [
        (b"a: \xe9\n", errors.NotUTF8),
        ("a: b\n".encode("utf-16"), errors.NotUTF8),
        ("a: b\n".encode("utf-16-le"), errors.NotUTF8),
        (b"a:\n\tb: 1\n", errors.ParseError),
        (b"{{- if .Values.a }}\nb: 1\n{{- end }}\n", errors.ParseError),
        (b"a: 'b\n", errors.ParseError),
        (b"a: \x07\n", errors.ParseError),
        (b"\xef\xbb\xbf\xef\xbb\xbfa: 1\n", errors.ParseError),
        (b"[" * 10_000, errors.ParseError),
        (b"- " * (MAX_DEPTH + 1), errors.ParseError),
        (b"[1," * 1_000 + b"1" + b"]" * 1_000, errors.ParseError),
        (b"#" * (MAX_BYTES + 1), errors.ManifestInvalid),
    ],
)
def test_a_file_that_cannot_be_edited_is_refused(
    text: bytes, category: type[errors.ManifestInvalid], reader: Reader
) -> None:
    with pytest.raises(errors.ManifestInvalid) as caught:
        parse(text, file="app.yaml", reader=reader)
    assert type(caught.value) is category
    assert caught.value.file == "app.yaml"


def test_aliases_that_multiply_are_refused(reader: Reader) -> None:
    bomb = "a: &a [x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{below}'] * 4)}]\n"
        for below, name in zip("abcdefghijkl", "bcdefghijklm", strict=True)
    )
    with pytest.raises(errors.ParseError, match="through its aliases"):
        parse(bomb.encode(), file="app.yaml", reader=reader)


def test_too_many_nodes_are_refused() -> None:
    with pytest.raises(errors.ParseError, match=f"more than {MAX_EVENTS} nodes"):
        parse(b"[" + b"1," * MAX_EVENTS + b"]", file="app.yaml")


def test_an_alias_of_what_holds_it_is_no_endless_loop(reader: Reader) -> None:
    assert change("a: &n\n  <<: *n\n  b: 1\nc: 2\n", put("c", 3), reader=reader) == "a: &n\n  <<: *n\n  b: 1\nc: 3\n"
    with pytest.raises(errors.PathNotFound):
        change("a: &n\n  <<: *n\n  b: 1\n", put("a.c", 3), reader=reader)


def test_tabs_are_read_as_go_reads_them() -> None:
    assert change("a:\tb\t# c\n", put("a", "x"), reader=read_fast) == "a:\tx\t# c\n"


def test_lines_end_where_go_ends_them() -> None:
    assert change("a:\n  b: 1\x85c: 2\n", add("a.d"), reader=read_fast) == "a:\n  b: 1\x85  d: new\x85c: 2\n"


def test_no_edits_give_the_manifest_itself() -> None:
    manifest = parse(VAULT.encode(), file="app.yaml")
    assert manifest.apply([]) is manifest


def test_a_changed_manifest_is_read_already() -> None:
    manifest = parse(VAULT.encode(), file="app.yaml").apply([put("metadata.name", "safe")])
    assert manifest == parse(manifest.data, file="app.yaml")
    assert manifest.documents[0].name == "safe"


def test_a_text_that_reads_otherwise_than_planned_is_refused() -> None:
    planned, written = (parse(text, file="app.yaml").tree for text in (b"a: b # c\n", b"a: b c\n"))
    prove([], planned.shapes, planned, planned, Place("app.yaml"))
    with pytest.raises(errors.VerifyFailed):
        prove([], planned.shapes, planned, written, Place("app.yaml"))
