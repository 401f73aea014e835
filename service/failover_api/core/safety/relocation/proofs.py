"""What was seen that let a relocation go on, as one line of a commit; two of them are read back.

quiet    the app has stopped: since when, and which generation of its workload that was
serving  it serves on the target: since when that was seen
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from failover_api.core.rfc3339 import rfc3339, seconds_of
from failover_api.core.wording import one_line

_TIME = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
_QUIET = re.compile(rf"quiet at {_TIME} at generation ([0-9]{{1,19}}) of ([^\s;]+)")
_SERVING = re.compile(rf"serving at {_TIME}")
_DATA = re.compile(rf"with data of {_TIME}")


@dataclass(frozen=True, slots=True)
class Quiet:
    """`at` is the API server's time (s), rounded up: nothing had the claims then. `uid` is the workload's."""

    at: float
    generation: int
    uid: str


def quiet_text(quiet: Quiet, rest: str = "") -> str:
    """ "quiet at 2026-11-29T21:45:00Z at generation 17 of 0f3c..."."""
    return _with(f"quiet at {stamp(quiet.at)} at generation {quiet.generation} of {quiet.uid}", rest)


def quiet_of(proof: str) -> Quiet | None:
    match = _QUIET.search(proof)
    at = seconds_of(match[1]) if match else None
    return Quiet(at, int(match[2]), match[3]) if match and at is not None else None


def serving_text(at: float) -> str:
    return f"serving at {stamp(at)}"


def serving_at(proof: str) -> float | None:
    """When it was seen to serve (s); None where a proof does not say."""
    match = _SERVING.search(proof)
    return seconds_of(match[1]) if match else None


def ended_text(tag: str, data_as_of: float | None, at: float) -> str:
    """ "sync failover-01jd...-1-1 with data of 2026-11-29T21:40:00Z ended well on both ends, seen at ..."."""
    data = f" with data of {stamp(data_as_of, up=False)}" if data_as_of is not None else ""
    return f"sync {tag}{data} ended well on both ends, seen at {stamp(at)}"


def data_as_of(proof: str) -> float | None:
    """The time of the data that a sync has brought (s); None where a proof does not say."""
    match = _DATA.search(proof)
    return seconds_of(match[1]) if match else None


def downtime_s(proofs: Iterable[str]) -> float | None:
    """From when the app was seen quiet until it was seen to serve on the target, by the proofs of all steps in order.

    None where they do not say both. A cluster is looked at every few seconds, so it is as exact as that.
    """
    texts = list(proofs)
    quiet = next((found.at for text in texts if (found := quiet_of(text)) is not None), None)
    serving = next((at for text in texts if (at := serving_at(text)) is not None), None)
    return None if quiet is None or serving is None else max(0.0, serving - quiet)


def joined(*proofs: str) -> str:
    return "; ".join(filter(None, proofs))


def _with(text: str, rest: str) -> str:
    return f"{text}; {one_line(rest)}" if rest else text


def stamp(at: float, *, up: bool = True) -> str:
    """To the second. What has to be later than something is rounded up: to be early would prove too much."""
    whole = int(at) + 1 if up and at != int(at) else int(at)
    return rfc3339(whole)
