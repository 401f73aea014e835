"""JSON from outside, parsed: deep nesting is an error like any other."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """As json.loads(). Raises ValueError, also for what is nested deeper than can be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
