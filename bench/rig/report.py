"""The report: rows of figures, printed as they come, and the same as a page.

A row with a limit says "ok" or "MISSED", one without is for information, one that could not be measured says why.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

OK, MISSED, SKIPPED = "ok", "MISSED", "skipped"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `limit` is what was promised, as text; `ok` is None where nothing was."""

    what: str
    figure: str
    limit: str = ""
    ok: bool | None = None
    gate: bool = False  # a count: may fail a build, as no time may
    skipped: bool = False

    @property
    def verdict(self) -> str:
        if self.skipped:
            return SKIPPED
        return "" if self.ok is None else OK if self.ok else MISSED


def exactly(what: str, count: int, wanted: int, unit: str = "request") -> Row:
    """A count that must be met."""
    return Row(what, _count(count, unit), _count(wanted, unit), count == wanted, gate=True)


def no_more(what: str, count: int, limit: int, unit: str = "request") -> Row:
    """A count that must not be larger."""
    return Row(what, _count(count, unit), f"at most {_count(limit, unit)}", count <= limit, gate=True)


def at_most(what: str, value: float, limit: float, unit: str, *, digits: int = 1, note: str = "") -> Row:
    """A measured value that must not be larger."""
    figure = f"{value:.{digits}f} {unit}{note}"
    return Row(what, figure, f"at most {limit:g} {unit}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str, *, note: str = "") -> Row:
    """A measured value that must not be smaller."""
    return Row(what, f"{value:.0f} {unit}{note}", f"at least {limit:g} {unit}", value >= limit)


def skipped(what: str, why: str) -> Row:
    """What this machine cannot measure."""
    return Row(what, f"not measured: {why}", skipped=True)


def median(take: Callable[[], float], times: int) -> float:
    """The median of several measurements."""
    return statistics.median(take() for _ in range(times))


def spread(seconds: Sequence[float], *, digits: int = 1) -> str:
    """Several measurements of one time: the median, how many, the shortest and the longest."""
    median_s, least_s, most_s = statistics.median(seconds), min(seconds), max(seconds)
    return f"{median_s:.{digits}f} s (of {len(seconds)}; {least_s:.{digits}f} to {most_s:.{digits}f} s)"


def line(row: Row) -> str:
    """A row on the terminal."""
    limit = f"   [{row.limit}]" if row.limit else ""
    return f"{row.verdict:7} {row.what}: {row.figure}{limit}"


def page(rows: Iterable[Row], conditions: str) -> str:
    """All rows in Markdown, below what they were measured with."""
    lines = [f"| {row.what} | {row.figure} | {row.limit} | {row.verdict} |" for row in rows]
    return "\n".join([_HEAD.format(conditions=conditions), *lines, ""])


def missed(rows: Sequence[Row]) -> list[Row]:
    """The rows beyond their limit."""
    return [row for row in rows if row.ok is False]


_HEAD = """\
# Results

{conditions}

MISSED is a figure that was promised and not reached; a row without a limit promises nothing.

| what | figure | limit | |
|---|---|---|---|"""


def _count(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
