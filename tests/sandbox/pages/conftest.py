"""A browser without a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.clients import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2


@pytest.fixture
def browser(url: str) -> Iterator[httpx2.Client]:
    with connect(url, "") as made:
        made.headers["sec-fetch-site"] = "same-origin"
        yield made
