"""How fast this machine is: what Python alone takes on it, so that times of two runs can be compared.

A whole run measures it first and last: a machine that many share may be fast for a minute, and slow after that.
"""

import subprocess
import sys
import time
from collections.abc import Iterator

from bench.rig.report import Row, median

NUMBERS = 10_000_000


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Nothing of ours runs here; neither row has a limit."""
    times = 3 if quick else 7
    yield Row("this machine: Python starts and ends", f"{median(_start_s, times) * 1000:.0f} ms")
    yield Row("this machine: Python adds ten million numbers", f"{median(_adding_s, times):.2f} s")


def _start_s() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", ""], check=True)
    return time.perf_counter() - began


def _adding_s() -> float:
    began = time.perf_counter()
    total = 0
    for number in range(NUMBERS):
        total += number
    return time.perf_counter() - began
