"""What people hear of a relocation: that it has begun, that it waits, that it is done, or stopped.

The cutover is told as any move is. One process tells: the one that made the newest step, or that was started after it.
That it waits all who watch tell from the second time on: rather twice than never.
"""

from collections.abc import Callable

from cachetools import LRUCache

from failover_api.core.catalog.notification import Event
from failover_api.core.planning.request import MoveRequest
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.relocation.ladder import State
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.text.trailers import Record
from failover_api.events import Events, RelocationTold
from failover_api.moves.outcome import Outcome
from failover_api.operations.relocation_report import RelocationReport

MAX_KEPT = 1024
_OVER = frozenset({State.DONE, State.STOPPED})


class RelocationNews:
    """Publishes what is new. `now` is the Git host's clock (s)."""

    def __init__(self, events: Events, now: Callable[[], float]) -> None:
        self._events, self._now = events, now
        self._began_at = now()
        # By operation and service: the newest commit that was made here; and of those that were seen under way here.
        self._made: LRUCache[tuple[str, str], str] = LRUCache(MAX_KEPT)
        self._words: LRUCache[tuple[str, str], int] = LRUCache(MAX_KEPT)

    def made(self, report: RelocationReport, outcome: Outcome, request: MoveRequest) -> None:
        """A step was made here; `report` is of before it."""
        operation = outcome.operation or report.operation or ""
        commit, its = outcome.commit, (operation, report.service)
        self._made[its] = commit.sha if commit is not None else ""
        self._words.setdefault(its, 0)
        if not report.steps:
            self._tell(Event.RELOCATING, report, _BEGUN, request.by, request.reason, operation)

    def seen(self, report: RelocationReport, first: Record | None) -> None:
        """How it is, as often as anybody looks."""
        operation = report.operation
        if operation is None or first is None:
            return
        its = operation, report.service
        if not report.is_under_way:
            if self._words.pop(its, None) is not None and report.state in _OVER and self._is_own(report):
                event = Event.RELOCATED if report.state is State.DONE else Event.RELOCATION_STOPPED
                text = _DONE if report.state is State.DONE else _STOPPED
                self._tell(event, report, text, first.provenance.by, first.provenance.reason, operation)
            return
        before = self._words.setdefault(its, report.words)
        if report.words > before:
            self._words[its] = report.words
            if self._is_own(report) or report.words > 1:
                self._tell(Event.RELOCATING, report, _WAITS, first.provenance.by, first.provenance.reason, operation)

    def _is_own(self, report: RelocationReport) -> bool:
        last = report.steps[-1] if report.steps else None
        if last is None:
            return True
        if last.commit is not None and self._made.get((report.operation or "", report.service)) == last.commit.sha:
            return True
        made_at = seconds_of(last.at) if last.at is not None else None
        return made_at is not None and made_at + 1.0 <= self._began_at  # commits have whole seconds: it is not before

    def _tell(
        self, about: Event, report: RelocationReport, text: tuple[str, str], by: str, reason: str, operation: str
    ) -> None:
        said = {
            "name": report.service,
            "to": report.target.value,
            "step": report.step.label,
            "for": _span(report.waited_s),
            "why": f"{report.reason} {report.cure}".strip(),
            "begun": _COPIED if report.step is Step.REVERSE else "it is stopped, and its data is brought over",
            "copied": _KEPT_UP if any(each.step is Step.PROTECT for each in report.steps) else "",
            "still": f" It stood still for {_span(report.downtime_s)}." if report.downtime_s is not None else "",
        }
        title, message = (words.format(**said) for words in text)
        commit = report.steps[-1].commit if report.steps else None
        told = RelocationTold(
            about, report.service, report.target, operation, by, reason, title, message, commit.url if commit else ""
        )
        self._events.publish(told)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds // 60:.0f} min"


_COPIED = "its data is copied while it runs; it stops for the last of it"
_KEPT_UP = ", and its copy on the other side is kept up again"
_BEGUN = (
    "{name} is being relocated to {to}",
    "The relocation of {name} to {to} has begun: {begun}.",
)
_WAITS = ("{name} waits in {step}", "The relocation of {name} to {to} is in {step} for {for}. {why}")
_DONE = (
    "{name} is relocated to {to}",
    "{name} serves on {to} with all its data{copied}.{still}",
)
_STOPPED = ("The relocation of {name} is stopped", "The relocation of {name} to {to} is stopped in {step}. {why}")
