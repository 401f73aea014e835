"""The site of `make docs`: built of the same pages, searched, and without anything from another host."""

import functools
import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dev
from tests.support.browser import chromium

__all__ = ["chromium"]  # a fixture

OF_ANOTHER_HOST = re.compile(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=[\"'](?:https?:)?//(?!failover-api\.)")


def laid_out(folder: Path) -> Path:
    """The site's configuration in a folder, and its pages below it."""
    settings = (dev.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    settings = settings.replace("docs_dir: .site/pages", "docs_dir: pages").replace(".site/html", "html")
    settings = settings.replace("custom_dir: ", f"custom_dir: {dev.ROOT}/")
    (folder / "mkdocs.yml").write_text(settings, encoding="utf-8")
    dev.lay_out_pages(folder / "pages")
    return folder


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """mkdocs as `make check` runs it, in a folder that is laid out."""
    command = map(str, dev.building_the_site(Path(sys.executable)))
    return subprocess.run([*command], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = laid_out(tmp_path_factory.mktemp("site"))
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder / "html"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass


@pytest.fixture
def url(site: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_page_is_built_and_nothing_is_loaded_from_another_host(site: Path) -> None:
    pages = {file.relative_to(site).as_posix(): file.read_text(encoding="utf-8") for file in site.rglob("*.html")}
    assert pages.keys() >= {"index.html", "OPERATIONS.html", "docs/SETTINGS.html", "docs/HAZARDS.html"}
    assert {name for name, text in pages.items() if OF_ANOTHER_HOST.search(text)} == set()


def test_what_the_pages_show_and_link_to_is_there(site: Path) -> None:
    assert (site / "docs/images/two-nodes.svg").exists()
    assert (site / "config/services.yaml").exists()
    assert (site / "examples/failover.yml").exists()


def test_the_search_knows_the_pages_words(site: Path) -> None:
    index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"].partition("#")[0] for entry in index["docs"] if "out-of-service" in entry["text"]}
    assert found >= {"OPERATIONS.html", "docs/KUBERNETES.html"}


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    (laid_out(tmp_path) / "pages/SECURITY.md").unlink()
    done = build(tmp_path)
    assert done.returncode != 0
    assert "'SECURITY.md', but the target is not found" in done.stderr


def test_docs_takes_no_other_word() -> None:
    with pytest.raises(dev.Refused, match="expected nothing or `serve`"):
        dev.docs(["serv"])


@pytest.mark.parametrize(("width", "scheme"), [pytest.param(1440, "light", marks=pytest.mark.long), (390, "dark")])
def test_each_page_is_shown_whole_without_an_error(
    site: Path, url: str, chromium: Any, width: int, scheme: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("response", lambda response: errors.append(response.url) if response.status >= 400 else None)
    for file in sorted(site.rglob("*.html")):
        name = file.relative_to(site).as_posix()
        if name == "404.html":  # its links are for the site's own host
            continue
        page.goto(f"{url}/{name}")
        assert page.locator("html").get_attribute("data-bs-theme") == scheme, name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.evaluate("[...document.images].filter(image => !image.naturalWidth).length") == 0, name
    context.close()
    assert errors == []


def test_a_search_leads_to_the_page(url: str, chromium: Any) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{url}/index.html?q=taint")
    page.locator("#mkdocs-search-results").get_by_role("link", name="When the node is off").click()
    page.get_by_role("heading", name="When the node is off").wait_for()
    context.close()
