"""The diff: exactly what changed, in a form that git takes."""

import os
import random
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from failover_api.core.text.diff import unified_diff
from tests.support.git import needs_git


def diff(old: bytes, new: bytes, *, path: str = "a.yaml") -> str:
    return unified_diff({path: old}, {path: new})


def test_the_diff_of_two_values_in_one_file() -> None:
    old = b"".join(b"line %d\n" % n for n in range(1, 10))
    assert (
        diff(old, old.replace(b"line 4", b"LINE 4").replace(b"line 6", b"LINE 6"), path="apps/a.yaml")
        == """\
--- a/apps/a.yaml
+++ b/apps/a.yaml
@@ -1,9 +1,9 @@
 line 1
 line 2
 line 3
-line 4
+LINE 4
 line 5
-line 6
+LINE 6
 line 7
 line 8
 line 9
"""
    )


def test_changes_far_apart_are_two_hunks_and_files_follow_each_other() -> None:
    old = b"".join(b"%d\n" % n for n in range(1, 21))
    new = old.replace(b"\n2\n", b"\ntwo\n").replace(b"\n19\n", b"\nnineteen\n")
    same = {"same.yaml": b"x\n"}
    assert (
        unified_diff({"a": old, "b": b"x", **same}, {"a": new, "b": b"y", **same})
        == """\
--- a/a
+++ b/a
@@ -1,5 +1,5 @@
 1
-2
+two
 3
 4
 5
@@ -16,5 +16,5 @@
 16
 17
 18
-19
+nineteen
 20
--- a/b
+++ b/b
@@ -1 +1 @@
-x
\\ No newline at end of file
+y
\\ No newline at end of file
"""
    )


def test_hunks_six_lines_apart_are_one_and_seven_are_two() -> None:
    for between, hunks in [(6, 1), (7, 2)]:
        old = b"a\n" + b"x\n" * between + b"b\n"
        assert diff(old, old.replace(b"a", b"A").replace(b"b", b"B")).count("@@ -") == hunks


def test_a_value_that_took_two_lines_and_takes_one() -> None:
    old = b"head\na: 'one\n  two'\nmiddle\nb: x\n"
    assert (
        diff(old, b"head\na: 'three'\nmiddle\nb: y\n")
        == """\
--- a/a.yaml
+++ b/a.yaml
@@ -1,5 +1,4 @@
 head
-a: 'one
-  two'
+a: 'three'
 middle
-b: x
+b: y
"""
    )


def test_line_ends_and_separators_of_unicode_stay_in_their_line() -> None:
    old = "a: x\u2028y\x85z\r\nb: 1\r\nc: \f\r\n".encode()
    assert diff(old, old.replace(b"1", b"2")) == (
        "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,3 +1,3 @@\n a: x\u2028y\x85z\r\n-b: 1\r\n+b: 2\r\n c: \f\r\n"
    )


def test_a_name_with_a_blank_ends_with_a_tab_as_git_writes_it() -> None:
    assert diff(b"x\n", b"y\n", path="a b") == "--- a/a b\t\n+++ b/a b\t\n@@ -1 +1 @@\n-x\n+y\n"


def test_nothing_changed_is_nothing() -> None:
    assert unified_diff({"a": b"x\n"}, {"a": b"x\n"}) == ""
    assert unified_diff({"a": b"x\n"}, {}) == ""


# The same diff as Git applies it.

LINES = st.sampled_from(
    ["a: 1", "b: two", "", "  - c", "x\u2028y", "\x85", "tab\t", "end\r", "ü", "-- x", "++ y", "\f", "@@"]
)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and the same with some lines changed, and now and then some added or taken away."""
    old = draw(st.lists(LINES, min_size=1, max_size=30))
    new: list[str] = []
    for line in old:
        match draw(st.integers(0, 11)):
            case 0:
                new.append(line + "changed")
            case 1 if draw(st.booleans()):
                new += [line, "added"]
            case 2 if draw(st.booleans()):
                pass
            case _:
                new.append(line)
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    ends = draw(st.sampled_from([newline, ""]))
    return newline.join(old) + ends, newline.join(new) + ends


def applied(folder: Path, old: Mapping[str, bytes], patch: str) -> dict[str, bytes]:
    for name, data in old.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    command = ["git", "apply", "--whitespace=nowarn", "-p1", "-"]
    env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent), "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(command, cwd=folder, input=patch.encode(), check=True, capture_output=True, env=env)
    return {name: (folder / name).read_bytes() for name in old}


@needs_git
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["a.yaml", "apps/web/a b.yaml", "ü/ö.yaml", 'q"uote.yaml', "a\u00a0b", "-x", "dev/null"]),
        texts().filter(lambda pair: pair[0] != pair[1] and all(pair)),
        min_size=1,
        max_size=3,
    )
)
def test_git_applies_the_diff_and_gets_the_new_bytes(tmp_path: Path, files: dict[str, tuple[str, str]]) -> None:
    old = {name: pair[0].encode() for name, pair in files.items()}
    new = {name: pair[1].encode() for name, pair in files.items()}
    assert applied(tmp_path, old, unified_diff(old, new)) == new


@given(st.lists(LINES, min_size=1, max_size=40), st.sets(st.integers(0, 39), min_size=1), st.booleans())
def test_only_the_changed_lines_are_in_the_diff(lines: list[str], changed: set[int], ends: bool) -> None:
    at = sorted(n for n in changed if n < len(lines))
    new = [line + "!" if n in at else line for n, line in enumerate(lines)]
    last = "\n" if ends or not lines[-1] else ""  # an empty line is one only with its end
    body = diff(("\n".join(lines) + last).encode(), ("\n".join(new) + last).encode()).split("\n")[2:]
    gone = [line[1:] for line in body if line.startswith("-")]
    come = [line[1:] for line in body if line.startswith("+")]
    assert (gone, come) == ([lines[n] for n in at], [new[n] for n in at])


@pytest.mark.parametrize("shape", ["alike", "distinct", "random"])
@pytest.mark.parametrize("shift", [False, True])
def test_a_mebibyte_with_changes_at_both_ends_takes_milliseconds(shape: str, shift: bool) -> None:
    chance = random.Random(1)  # noqa: S311 - a test text, no secret
    make = {"alike": lambda n: "- a: b", "distinct": lambda n: f"- {n}", "random": lambda n: f"- {chance.randrange(9)}"}
    lines = [make[shape](n) for n in range(1024 * 1024 // 7)]
    new = ["first", *lines[1:-1], "last", *(["more"] if shift else [])]
    one, other = ("\n".join(text).encode() for text in (lines, new))
    started = time.process_time()
    found = diff(one, other)
    assert time.process_time() - started < 1.5  # 0.1 s here
    assert found.startswith("--- a/a.yaml\n")


def test_lines_that_come_in_many_places_of_a_long_file_are_all_that_it_shows() -> None:
    """A group's strategies in one file: more pairs of lines than are compared with each other."""
    rest = "  x: 1\n" * 40
    apps = [f"name: app{number}\n  strategy:\n    type: Recreate\n{rest}" for number in range(30)]
    old = "---\n".join(apps)
    new = old.replace("Recreate\n", "RollingUpdate\n    rollingUpdate:\n      maxSurge: 0\n")
    diff = unified_diff({"a.yaml": old.encode()}, {"a.yaml": new.encode()})
    marks = [line[:1] for line in diff.splitlines()[2:]]
    assert (marks.count("-"), marks.count("+")) == (30, 90)


def test_where_no_line_is_there_once_a_long_text_is_replaced_as_a_whole() -> None:
    old = "a\nb\n" * 400
    diff = unified_diff({"a.yaml": f"x\n{old}".encode()}, {"a.yaml": f"y\nb\n{old}b\nz\n".encode()})
    assert diff.count("\n-") > 700
