"""The report: what is missed, and the table between README's markers."""

from pathlib import Path

from bench.rig import report
from bench.rig.report import Row, at_least, at_most, exactly, skipped


def test_a_row_says_ok_missed_or_skipped() -> None:
    rows = [
        exactly("count", 1, 1),
        exactly("count", 2, 1),
        at_most("time", 1.0, 1.0, "s"),
        at_most("time", 1.1, 1.0, "s"),
        at_least("ratio", 7.0, 8.0, "times"),
        Row("for information", "3"),
        skipped("clone", "no git here"),
    ]
    assert [row.verdict for row in rows] == ["ok", "MISSED", "ok", "MISSED", "MISSED", "", "skipped"]
    assert [row.gate for row in report.missed(rows)] == [True, False, False]


def test_only_what_is_between_the_markers_of_a_readme_changes(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.START}\nold\n{report.END}\nafter\n")
    assert report.write(readme, report.table([Row("what", "3 ms")], "One machine."))
    text = readme.read_text()
    assert text.startswith(f"before\n{report.START}\n| what | figure |")
    assert text.endswith(f"| what | 3 ms |  |  |\n\nOne machine.\n{report.END}\nafter\n")


def test_a_readme_without_markers_stays_as_it_is(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n")
    assert not report.write(readme, "table")
    assert readme.read_text() == "before\n"
