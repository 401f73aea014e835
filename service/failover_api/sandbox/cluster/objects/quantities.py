"""Quantities such as `100m` and `5Gi`."""

from __future__ import annotations

import re

_SUFFIXES = {
    "": 1.0,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY = re.compile(r"([+-]?[\d.]+(?:e[+-]?\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")


def quantity(text: object) -> float:
    """Raises ValueError."""
    found = _QUANTITY.fullmatch(str(text))
    if not found:
        raise ValueError(f"{text!r} is no quantity")
    return float(found.group(1)) * _SUFFIXES[found.group(2) or ""]


def share_of(value: object, whole: int, *, up: bool) -> int:
    """An int-or-percent such as `25%` of `whole`."""
    text = str(value)
    if not text.endswith("%"):
        return int(text)
    scaled = int(text[:-1]) * whole
    return -(-scaled // 100) if up else scaled // 100
