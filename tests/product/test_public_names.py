"""The public names of the product stay as public_names.txt has them.

A name that is meant to change: `.venv/bin/python -m tests.product.public_names` writes the file anew, and the commit
shows what changed.
"""

import pytest

from tests.product.public_names import SECTIONS, recorded


@pytest.mark.parametrize("section", SECTIONS)
def test_the_public_names_stay(section: str) -> None:
    before, now = recorded()[section], set(SECTIONS[section]())
    changes = [*(f"- {line}" for line in sorted(before - now)), *(f"+ {line}" for line in sorted(now - before))]
    how = "if that is meant, run .venv/bin/python -m tests.product.public_names"
    assert not changes, "\n".join([f"{section} changed; {how}", *changes])


def test_every_recorded_section_is_looked_at() -> None:
    assert recorded().keys() == SECTIONS.keys()
