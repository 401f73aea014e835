"""Whatever YAML there is: a strategy for documents, and the paths to their scalars."""

import re
from typing import Any

from hypothesis import strategies as st

from failover_api.core.splice import Manifest, parse
from failover_api.core.splice.yaml_tree import Reader, read_fast, read_pure

READERS = st.sampled_from([read_fast, read_fast, read_pure])
KEYS = st.from_regex(re.compile(r"[a-z][a-z0-9_-]{0,6}", re.ASCII), fullmatch=True).filter(
    lambda key: key not in {"y", "n", "no", "on", "yes", "off", "true", "null", "false", "sops"}
)
SCALARS = st.sampled_from(
    [
        *("", "b", "web-1", "'it''s'", '"a\\tb"', '""', "1", "-2.5", "true", "~", "2 words", "a#b", "\u00e9\U0001f600"),
        *("&x v", "!!str w", "&y !!str 'z'", "${v}", "'two\n\n          lines'"),
    ]
)
COMMENTS = st.sampled_from(["", "", " # why", "   # \U0001f600 \u00e9", "  "])
GAPS = st.sampled_from(["", "", "\n", "# between\n", "   # deep: er\n\n"])
BREAKS = st.sampled_from(["\n", "\n", "\r\n"])


@st.composite
def mappings(draw: st.DrawFn, indent: int, depth: int) -> tuple[str, list[tuple[Any, ...]]]:
    """Lines of a block mapping, and the paths to its scalars."""
    step, lines, paths = draw(st.integers(1, 4)), "", []
    for key in draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)):
        inner, found = draw(values(indent, step, depth))
        lines += draw(GAPS) + " " * indent + draw(st.sampled_from([key, f"'{key}'", f'"{key}"'])) + ":" + inner
        paths += [(key, *path) for path in found]
    return lines, paths


@st.composite
def values(draw: st.DrawFn, indent: int, step: int, depth: int) -> tuple[str, list[tuple[Any, ...]]]:
    """What stands behind a key's colon, with the line break."""
    kind = (
        draw(st.sampled_from(["scalar", "scalar", "flow", "block", "mapping", "mapping", "list"]))
        if depth
        else "scalar"
    )
    comment = draw(COMMENTS)
    if kind == "mapping":
        lines, paths = draw(mappings(indent + step, depth - 1))
        return comment + "\n" + lines, paths
    if kind == "list":
        lines, paths = draw(mappings(indent + 2, depth - 1))
        item = " " * indent + "-" + comment + "\n" + lines
        return "\n" + item * 2, [(at, *path) for at in (0, 1) for path in paths]
    if kind == "flow":
        first, second = draw(st.tuples(FLOWN, FLOWN))
        return f" {{ f: {first}, g: [{second}],}}{comment}\n", [("f",), ("g", 0)]
    if kind == "block":
        mark = draw(st.sampled_from(["|", ">-", "|+", "|2"]))
        return f" {mark}{comment}\n" + " " * (indent + 2) + "text: x\n\n", []
    scalar = draw(SCALARS)
    return (" " + scalar if scalar else "") + comment + "\n", [()]


FLOWN = st.sampled_from(["b", "h:i", "nfs://j:1/k", "'c, d'", '"}"', "7", "false", "null"])


@st.composite
def documents(draw: st.DrawFn) -> tuple[Manifest, list[tuple[Any, ...]]]:
    lines, paths = draw(mappings(0, 3))
    text = (
        draw(st.sampled_from(["", "", "---\n", "%YAML 1.2\n---\n# top\n"]))
        + lines
        + draw(st.sampled_from(["", "...\n", "# end\n"]))
    )
    text = text.replace("\n", draw(BREAKS))
    text = text.rstrip("\r\n") if draw(st.booleans()) else text
    bom = draw(st.sampled_from(["", "", "\ufeff"]))
    reader: Reader = draw(READERS)
    return parse((bom + text).encode(), file="app.yaml", reader=reader), paths
