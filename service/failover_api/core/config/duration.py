"""Durations as people write them: `90s`, `5m`, `2h`, `1d`."""

import re
from typing import Annotated

from pydantic import WithJsonSchema
from pydantic.functional_validators import BeforeValidator

from failover_api.core.config.schema import describe

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}


def seconds_of(text: str) -> float:
    """Of a duration that a schema has taken."""
    match = _DURATION.fullmatch(text)
    assert match is not None, "a schema has taken it"
    return float(int(match[1]) * _UNIT_S[match[2]])


def is_duration(text: str) -> bool:
    return _DURATION.fullmatch(text) is not None


def _duration(value: object) -> object:
    if not isinstance(value, str) or not is_duration(value):
        raise ValueError(f"expected a duration like '90s', '5m', '2h' or '1d', not {describe(value)}")
    return value


Duration = Annotated[
    str, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"})
]
