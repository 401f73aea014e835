"""The lines of `failover check`: what is well and what could be better in short, what failed in full, and last.

And those of `failover notify --test`, which look the same.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from failover_api.edges.cli.check_warnings import is_merged, warning_lines
from failover_api.edges.printable import printable

Body = dict[str, Any]

MOST_SWITCHES = 12  # that are well and get a line each; more are counted
_MARKS = {"ok": ("ok    ", "green"), "warn": ("warn  ", "yellow"), "failed": ("FAILED", "bold red")}


def check_lines(body: Body, *, quiet: bool) -> Iterator[Text]:
    """With `quiet` only what failed; nothing when nothing did."""
    by_level: dict[str, list[Body]] = {level: [] for level in _MARKS}
    for check in body["checks"]:
        by_level[check["level"]].append(check)
    if not quiet:
        yield from _well(by_level["ok"])
        yield from (_marked("warn", line) for line in warning_lines(by_level["warn"]))
    yield from _failed(by_level["failed"])
    if not quiet or by_level["failed"]:
        yield Text(_summary(len(by_level["failed"]), by_level["warn"], len(body["checks"])))


def target_lines(body: Body) -> Iterator[Text]:
    """Those that a test message went to, and what was wrong; nothing where nobody would be told."""
    targets = body["targets"]
    for target in targets:
        line = "" if target["line"] is None else f":{target['line']}"
        kind = f" ({target['notifier']})" if target["notifier"] else ""
        what = "took the test message" if target["ok"] else target["detail"]
        yield _marked("ok" if target["ok"] else "failed", f"{target['file']}{line}{kind}: {what}")
    if len(targets) > 1:
        yield Text(f"{sum(target['ok'] for target in targets)} of {len(targets)} took it.")


def _well(checks: Sequence[Body]) -> Iterator[Text]:
    switches = [check for check in checks if check["name"].startswith("switch ")]
    if len(switches) <= MOST_SWITCHES:
        yield from map(_line, checks)
        return
    yield from (_line(check) for check in checks if check not in switches)
    services = len({check["name"] for check in switches})
    yield _marked("ok", f"{len(switches)} switches of {services} services: found, and can be moved both ways")


def _failed(checks: Sequence[Body]) -> Iterator[Text]:
    """Each in full; what is wrong with many to the letter, such as their node, is one thing and said once."""
    alike: dict[tuple[str, str], list[str]] = {}
    for check in checks:
        word, _, subject = check["name"].partition(" ")
        alike.setdefault((word, check["detail"]), []).append(subject)
    for (word, detail), subjects in alike.items():
        names = ", ".join(filter(None, subjects))
        yield _marked("failed", f"{word}{f' {names}' if names else ''}: {detail}")


def _line(check: Body) -> Text:
    return _marked(check["level"], f"{check['name']}: {check['detail']}")


def _marked(level: str, text: str) -> Text:
    return Text.assemble(_MARKS[level], f"  {printable(text)}")


def _summary(failed: int, warnings: Sequence[Body], of: int) -> str:
    more = "; --json has each" if is_merged(warnings) else ""
    beside = f" {len(warnings)} {'warning' if len(warnings) == 1 else 'warnings'}{more}." if warnings else ""
    return (f"{failed} of {of} checks failed." if failed else "All is well.") + beside
