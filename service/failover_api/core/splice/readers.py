"""The readers of YAML: a text as events, with their places in it."""

from collections.abc import Callable, Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

try:
    from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # not in its __all__
except ImportError:  # pragma: no cover - ruamel.yaml.clib is a dependency, but has no wheel for every platform
    CParser = None

Reader = Callable[[str], Iterator[Any]]


def read_fast(text: str) -> Iterator[Any]:
    """The events as libyaml sees them."""
    parser = CParser(text)
    while (event := parser.get_event()) is not None:
        yield event


def read_pure(text: str) -> Iterator[Any]:
    """The events as ruamel's own reader sees them."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:  # what it raises on odd texts
        raise MarkedYAMLError(problem="it cannot be read") from exc


DEFAULT_READER: Reader = read_pure if CParser is None else read_fast
