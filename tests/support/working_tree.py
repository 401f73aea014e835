"""A working tree on disk: the manifests of the stage, and their catalog where one is looked for."""

from pathlib import Path

from tests.support.stage import FILES, SERVICES

CATALOG = "config/services.yaml"


def working_tree(folder: Path, services: str = SERVICES, *, top: str = "") -> Path:
    """Writes the stage's manifests, and a catalog of `services`."""
    text = f"repository: acme/homelab\n{top}\nservices:\n{services}"
    for name, data in {**FILES, CATALOG: text.encode()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def replace(folder: Path, name: str, old: str, new: str) -> None:
    """Edits a file of it."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
