"""python -m bench [SUBJECT...] [--quick] [--no-write]: measures and prints; a whole run writes RESULTS.md.

Exit code 1 when a count of requests or commits is missed; a missed time says MISSED and fails nothing.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from bench.figures import (
    automatic,
    board,
    clones,
    cluster,
    counts,
    flows,
    growth,
    hazards,
    machine,
    process,
    relocation,
    serving,
    soak,
    splice,
    storms,
)
from bench.rig import report
from bench.rig.report import Row
from bench.rig.repositories import ROOT
from bench.rig.scratch import in_memory

RESULTS = ROOT / "bench" / "RESULTS.md"
SUBJECTS: dict[str, Callable[..., Iterator[Row]]] = {
    "machine": machine.measure,
    "counts": counts.measure,
    "splice": splice.measure,
    "process": process.measure,
    "flows": flows.measure,
    "storms": storms.measure,
    "growth": growth.measure,
    "clones": clones.measure,
    "board": board.measure,
    "hazards": hazards.measure,
    "cluster": cluster.measure,
    "serving": serving.measure,
    "automatic": automatic.measure,
    "relocation": relocation.measure,
    "soak": soak.measure,
}


def main() -> int:
    """Runs the subjects that are named, or all."""
    options = _options()
    rows: list[Row] = []
    for name in options.subjects or [*SUBJECTS, "machine"]:
        print(f"== {name}", flush=True)
        for row in SUBJECTS[name](quick=options.quick):
            rows.append(row)
            print(report.line(row), flush=True)
    missed = report.missed(rows)
    print(f"{len(rows)} rows, {len(missed)} missed")
    whole = not options.subjects and not options.quick
    if whole and options.write:
        RESULTS.write_text(report.page(rows, _conditions()), encoding="utf-8")
        print("bench/RESULTS.md: written")
    return int(any(row.gate for row in missed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What a promote costs.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, small repositories; writes nothing")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave bench/RESULTS.md as it is")
    options = parser.parse_args()
    if unknown := [name for name in options.subjects if name not in SUBJECTS]:
        parser.error(f"no subject {', '.join(unknown)}; there are: {', '.join(SUBJECTS)}")
    return options


def _conditions() -> str:
    python, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    day, where = datetime.now(UTC).date().isoformat(), "in memory" if in_memory() else "on disk"
    return (
        f"One run of `make bench` on {day}: Python {python}, {system}, {os.cpu_count()} cores. Everything on loopback, "
        f"repositories and clones {where}, no TLS; the server is the sandbox. Behind 50 ms is a round trip; bandwidth "
        "is limited, and the server takes a time of its own, where a row says so. The first two rows and the last "
        "two say how fast the machine was: a time of this page is no time of another machine."
    )


if __name__ == "__main__":
    sys.exit(main())
