"""The report: what is missed, and the page of results."""

from bench.rig import report
from bench.rig.report import Row, at_least, at_most, exactly, no_more, skipped, spread


def test_a_row_says_ok_missed_or_skipped() -> None:
    rows = [
        exactly("count", 1, 1),
        exactly("count", 2, 1),
        no_more("count", 1, 2),
        no_more("count", 3, 2),
        at_most("time", 1.0, 1.0, "s"),
        at_most("time", 1.1, 1.0, "s"),
        at_least("ratio", 7.0, 8.0, "times"),
        Row("for information", "3"),
        skipped("clone", "no git here"),
    ]
    assert [row.verdict for row in rows] == ["ok", "MISSED"] * 3 + ["MISSED", "", "skipped"]
    assert [row.gate for row in report.missed(rows)] == [True, True, False, False]


def test_the_page_has_the_conditions_and_a_line_for_each_row() -> None:
    page = report.page([Row("what", "3 ms"), at_most("time", 1.1, 1.0, "s")], "One machine.")
    assert page.startswith("# Results\n\nOne machine.\n")
    assert page.endswith(
        "| what | figure | limit | |\n|---|---|---|---|\n"
        "| what | 3 ms |  |  |\n| time | 1.1 s | at most 1 s | MISSED |\n"
    )


def test_several_times_are_told_as_one() -> None:
    assert spread([3.0, 1.0, 2.26]) == "2.3 s (of 3; 1.0 to 3.0 s)"
    assert spread([1.0, 2.0], digits=2) == "1.50 s (of 2; 1.00 to 2.00 s)"
