"""Where the project is: its documents, manifests and tools."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
