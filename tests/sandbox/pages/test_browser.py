"""The pages in a real browser, without script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.clients import open_pull

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from failover_api.sandbox import Sandbox

TABLE = "|File|Old|New|\n|-|-|-|\n|`a/long/path/that/no/phone/has/room/for.yaml`|`one`|`two`|"
BODY = f"Look:\n\n{TABLE}\n\n```diff\n-a\n+b\n```"
PATHS = (
    "",
    "/tree/main/apps",
    "/blob/main/README.md#L1",
    "/commits",
    "/commit/{head}",
    "/compare/main...side",
    "/pulls",
    "/pull/1",
    "/nowhere",
)


@pytest.fixture
def opened(sandbox: Sandbox, client: httpx2.Client) -> Sandbox:
    """With a pull request; its lines are longer than a phone is wide."""
    sandbox.commit({"README.md": b"# side\n" + b"word " * 200 + b"\n"}, f"Change one\n\n{'word ' * 60}", "side")
    open_pull(client, body=BODY)
    return sandbox


@pytest.fixture(params=["light", "dark"])
def context(chromium: Any, url: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    width = {"light": 1280, "dark": 390}[request.param]
    look = {"color_scheme": request.param, "viewport": {"width": width, "height": 900}}
    made = chromium.new_context(base_url=url, **look)
    yield made
    made.close()


def test_every_page_can_be_used_by_everybody(opened: Sandbox, context: Any) -> None:
    """axe-core finds nothing, nothing is wider than the screen, and the style sheet is not refused."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Policy" in message.text else None)
    for path in PATHS:
        page.goto(f"/acme/homelab{path.format(head=opened.head('side'))}")
        found = axe.run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate("getComputedStyle(document.body).margin") == "0px", path
    assert refused == []


def test_a_person_merges_by_hand(opened: Sandbox, context: Any) -> None:
    page = context.new_page()
    page.goto("/acme/homelab")
    page.get_by_role("link", name="Pull requests").click()
    page.get_by_role("link", name="A pull").click()
    page.get_by_label("How").select_option("Create a merge commit")
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_text("Merged by maria").wait_for()
    assert len(opened.commit_at().parents) == 2
