"""The site of `make docs`: built of the same pages, searched, and without anything from another host."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dev

OF_ANOTHER_HOST = re.compile(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=[\"'](?:https?:)?//(?!failover-api\.)")


def laid_out(folder: Path) -> Path:
    """The site's configuration in a folder, and its pages below it."""
    settings = (dev.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    settings = settings.replace("docs_dir: .site/pages", "docs_dir: pages").replace(".site/html", "html")
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
