"""What `make bench` starts: `python -m bench`, for who runs a file."""

import runpy
import sys
from pathlib import Path

# Its own folder is not where imports are looked for: the folder above is.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
runpy.run_module("bench", run_name="__main__")
