"""The YAML readers: from a text to events with their positions. libyaml where there is one, else ruamel's own."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError

try:
    from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # not in its __all__
except ImportError:  # pragma: no cover - ruamel.yaml.clib is a dependency, but has no wheel for every platform
    CParser = None

_ANCHOR = re.compile(r"[A-Za-z0-9_-]+")
_RARE_BREAK = re.compile("[\x85\u2028\u2029]")

Reader = Callable[[str], Iterator[Any]]


def read_fast(text: str) -> Iterator[Any]:
    """The events of libyaml."""
    parser = CParser(text)
    while (event := parser.get_event()) is not None:
        yield event


def read_pure(text: str) -> Iterator[Any]:
    """The events of ruamel's own reader, for platforms without libyaml.

    It accepts much that libyaml and go-yaml refuse or read otherwise: every known case of that is refused.
    """
    strict = _Strict(text)
    for event in _pure_events(text):
        strict.check(event)
        yield event


def _pure_events(text: str) -> Iterator[Any]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:  # what it raises on odd texts
        raise MarkedYAMLError(problem="it cannot be read") from exc


class _Strict:
    """Refuses what only ruamel's own reader takes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0  # of brackets and braces
        self.breaks = [found.start() for found in _RARE_BREAK.finditer(text)][::-1]  # not yet seen in quotes

    def check(self, event: Any) -> None:
        """Raises MarkedYAMLError."""
        anchor = getattr(event, "anchor", None)
        if anchor is not None and not _ANCHOR.fullmatch(anchor):
            raise _refusal(event, "did not find expected alphabetic or numeric character")
        self._check_breaks(event)
        match event:
            case events.CollectionStartEvent():
                self.depth += bool(event.flow_style)
            case events.CollectionEndEvent():
                self.depth -= (
                    self.text[event.end_mark.index - 1 : event.end_mark.index] in ("]", "}") and self.depth > 0
                )
            case events.ScalarEvent() if not event.style:
                self._check_plain(event)

    def _check_plain(self, event: Any) -> None:
        text = self.text[event.start_mark.index : event.end_mark.index]
        if self.depth and ("?" in text or text.startswith(":")):
            raise _refusal(event, "found '?' or ':' where readers differ")
        if not text and self.text.startswith(":", event.start_mark.index):
            raise _refusal(event, "did not find expected key")

    def _check_breaks(self, event: Any) -> None:
        """A rare line break is one to libyaml only: in quotes it is the same to both."""
        start, end = event.start_mark.index, event.end_mark.index
        quoted = isinstance(event, events.ScalarEvent) and event.style in ("'", '"')
        while self.breaks and self.breaks[-1] < end:
            if not quoted or self.breaks.pop() < start:
                raise _refusal(event, "found a line break that is none to all readers")


def _refusal(event: Any, problem: str) -> MarkedYAMLError:
    return MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


DEFAULT_READER: Reader = read_pure if CParser is None else read_fast
