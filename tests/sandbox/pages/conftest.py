"""Browsers without a token: one that asks as a browser does, and a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.clients import connect
from tests.support.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

__all__ = ["chromium"]


@pytest.fixture
def browser(url: str) -> Iterator[httpx2.Client]:
    with connect(url, "") as made:
        made.headers["sec-fetch-site"] = "same-origin"
        yield made
