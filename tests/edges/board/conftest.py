"""The board in a real browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from failover_api.overview import Intervals
from tests.support.browser import chromium
from tests.support.stage import Stage, deployment, entry, serving

__all__ = ["chromium"]
NODES = "nodes: {primary: k3s-w1, backup: k3s-w2}"


@pytest.fixture
def crowd(stage: Stage) -> Stage:
    """Two hundred services, all in one group."""
    names = [f"media-service-{number:03}" for number in range(200)]
    stage.commit({f"apps/{name}.yaml": deployment(name) for name in names})
    entries = (entry(name, "media", f"path: apps/{name}.yaml", NODES) for name in names)
    stage.declare("".join(entries), top=f"groups: {{all: [{', '.join(names)}]}}")
    return stage


@pytest.fixture
def served(stage: Stage) -> Iterator[str]:
    """The stage's app, which looks at Git anew for every page."""
    app = stage.app()
    with serving(app) as url:
        app.state.components.overview.intervals = Intervals(fresh_s=0, apart_s=0)
        yield url


@pytest.fixture
def visit(chromium: Any, served: str) -> Iterator[Callable[..., Any]]:
    """Opens a page in a context of its own. Whatever the browser complains of fails the test."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def heard(message: Any) -> None:
        expected = (
            "the server responded with a status of 4" in message.text or "ERR_INTERNET_DISCONNECTED" in message.text
        )
        if message.type in {"error", "warning"} and not expected:
            complaints.append(f"{message.type}: {message.text}")

    def open_page(path: str = "/", **options: Any) -> Any:
        context = chromium.new_context(base_url=served, **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.clock.install()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, complaints
