"""python -m tests.story.hunt [SCHEDULES [SEED]]: runs schedules (see schedules.py) on the product that is on the path.

The same seed makes the same schedules. One that violates a law is printed as it is, with its seed, and the exit code is
FOUND.
"""

import os
import sys
import tempfile
import traceback
from pathlib import Path

from failover_api.sandbox import Sandbox
from tests.story.schedules import STEPS, World, run
from tests.support.stage import FaultsAndActs

FOUND = 3


def hunt(schedules: int, seed: int) -> None:
    """Leaves with FOUND at a violation; how many schedules there were is printed last."""
    with tempfile.TemporaryDirectory() as scratch:
        sandbox = Sandbox.create(Path(scratch) / "homelab.git", files={"README.md": b"# Homelab\n"})
        sandbox.faults = FaultsAndActs()
        with sandbox.serve() as url:
            try:
                run(sandbox, url, schedules, seed=seed, shrink=False)
            except BaseException:  # noqa: BLE001 - whatever ends it: nothing is left to be closed in order
                traceback.print_exc()
                sys.stderr.flush()
                os.write(1, f"{World.runs}\n".encode())
                os._exit(FOUND)
        sandbox.close()


def main() -> None:
    schedules, seed = (*map(int, sys.argv[1:]), *(2000, 1)[len(sys.argv) - 1 :])
    hunt(schedules, seed)
    sys.stdout.write(f"{World.runs} schedules of at most {STEPS} steps from seed {seed} on, no violation\n")


if __name__ == "__main__":
    main()
