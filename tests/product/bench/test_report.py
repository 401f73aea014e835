"""The report: what is missed, and the page of results."""

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


def test_the_page_has_the_conditions_and_a_line_for_each_row() -> None:
    page = report.page([Row("what", "3 ms"), at_most("time", 1.1, 1.0, "s")], "One machine.")
    assert page.startswith("# Results\n\nOne machine.\n")
    assert page.endswith(
        "| what | figure | limit | |\n|---|---|---|---|\n"
        "| what | 3 ms |  |  |\n| time | 1.1 s | at most 1 s | MISSED |\n"
    )
