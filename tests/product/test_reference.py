"""docs/CATALOG.md says what the schemas say."""

from tests.product.reference import PAGE, page


def test_the_reference_is_made_from_the_schemas() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `.venv/bin/python -m tests.product.reference`"


def test_each_key_has_its_row() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert any(row.startswith("| `services.NAME.helmrelease` | text |") for row in rows)
    assert any(row.startswith("| `tokens[].sha256` | text | needed |") for row in rows)
    assert all(row.endswith(". |") for row in rows)
