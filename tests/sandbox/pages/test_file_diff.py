"""Changes as numbered lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.git import history
from failover_api.sandbox.pages import file_diff
from failover_api.sandbox.pages.file_diff import FileDiff, file_diffs, lines_of

if TYPE_CHECKING:
    import pytest

    from failover_api.sandbox import Sandbox

LINES = [f"line {number}" for number in range(1, 21)]


def diffs(sandbox: Sandbox, changes: dict[str, bytes | None]) -> list[FileDiff]:
    before = sandbox.commit_at().tree
    sandbox.commit(changes, "Change")
    bare = sandbox.repository.bare
    return file_diffs(bare, history.diff(bare, before, sandbox.commit_at().tree))


def text(lines: list[str]) -> bytes:
    return "\n".join([*lines, ""]).encode()


def test_three_lines_stand_around_a_change(sandbox: Sandbox) -> None:
    sandbox.commit({"a": text(LINES)}, "Twenty lines")
    one = diffs(sandbox, {"a": text([*LINES[:9], "other", *LINES[10:]])})[0]
    assert [(row.kind, row.old, row.new) for row in one.rows] == [
        ("gap", None, None),
        *[("same", number, number) for number in (7, 8, 9)],
        ("removed", 10, None),
        ("added", None, 10),
        *[("same", number, number) for number in (11, 12, 13)],
    ]
    assert (one.added, one.removed, one.note) == (1, 1, "")


def test_added_removed_and_moved_files(sandbox: Sandbox) -> None:
    sandbox.commit({"old": text(LINES), "gone": b"x\n"}, "Files")
    found = {one.path: one for one in diffs(sandbox, {"new": b"y\n", "gone": None, "old": None, "moved": text(LINES)})}
    assert {path: (one.change.status, one.added, one.removed) for path, one in found.items()} == {
        "gone": ("removed", 0, 1),
        "moved": ("renamed", 0, 0),
        "new": ("added", 1, 0),
    }
    assert found["moved"].note == "No line differs."


def test_what_is_no_text_has_no_lines(sandbox: Sandbox) -> None:
    assert diffs(sandbox, {"a.bin": b"\0"})[0].note == "It is not text."
    assert lines_of(b"a\r\nb\x0bc") == ["a", "b\x0bc"]
    assert lines_of(b"") == []


def test_a_submodule_is_one_line(sandbox: Sandbox) -> None:
    before = sandbox.commit_at().tree
    sandbox.add_submodule("lib")
    bare = sandbox.repository.bare
    found = {one.path: one for one in file_diffs(bare, history.diff(bare, before, sandbox.commit_at().tree))}
    assert [row.text for row in found["lib"].rows] == [f"Subproject commit {'1' * 40}"]


def test_a_long_diff_is_cut(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_diff, "MAX_ROWS", 5)
    one = diffs(sandbox, {"a": text(LINES)})[0]
    assert (len(one.rows), one.note) == (5, "Only the first 5 lines are shown.")
