"""docs/CATALOG.md says what the schemas say, docs/SETTINGS.md what settings.py says."""

from pathlib import Path

import pytest

from failover_api.settings import Settings
from tests.product.reference import PAGES, catalog_page, settings_page


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_the_reference_is_made_from_its_source(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == PAGES[file](), "run `.venv/bin/python -m tests.product.reference`"


def test_each_key_of_the_catalog_has_its_row() -> None:
    rows = [line for line in catalog_page().splitlines() if line.startswith("| `")]
    assert any(row.startswith("| `services.NAME.helmrelease` | text |") for row in rows)
    assert any(row.startswith("| `tokens[].sha256` | text | needed |") for row in rows)
    assert all(row.endswith(". |") for row in rows)


def test_each_setting_has_its_row_with_a_sentence() -> None:
    rows = [line.split(" | ") for line in settings_page().splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == [f"| `FAILOVER_{name.upper()}`" for name in Settings.model_fields]
    assert all(row[1].endswith(".") for row in rows)


def test_a_setting_says_what_it_holds_and_what_it_is_without() -> None:
    rows = settings_page().splitlines()
    assert any(row.endswith("| seconds, above 0 and at most 3600 | `30` |") for row in rows)
    assert any(row.startswith("| `FAILOVER_GITHUB_TOKEN` | ") and row.endswith(" | a secret |  |") for row in rows)
