"""Where the API's links lead, and that the API is not disturbed by it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest

from tests.sandbox.clients import REPO, open_pull

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from failover_api.sandbox import Sandbox

HOME = "/acme/homelab"
NASTY = "<script>alert(1)</script>"
# What the service prints and links to; `avatar_url`, accounts and teams are none of these.
LINKS = {"html_url", "blob_url", "raw_url"}


class Parsed(HTMLParser):
    """Links and tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]


def links_of(value: Any) -> Iterator[str]:
    """The links to pages in an answer of the API, without those of accounts."""
    if isinstance(value, dict):
        if "login" not in value:
            yield from (link for name, link in value.items() if name in LINKS and link)
            for inner in value.values():
                yield from links_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links_of(inner)


@pytest.fixture
def changed(sandbox: Sandbox, client: httpx2.Client) -> Sandbox:
    """With a second commit, and a pull request from a branch that has a slash in its name."""
    sandbox.commit({"README.md": b"# other\n", "a b/50%.yaml": b"a: 1\n"}, "Change two")
    sandbox.commit({"README.md": b"# side\n"}, "Change one", "failover/side")
    open_pull(client, "failover/side", body="Because.")
    return sandbox


def test_every_link_of_the_api_leads_to_a_page(changed: Sandbox, client: httpx2.Client, browser: httpx2.Client) -> None:
    head = changed.head()
    paths = ["", "/contents", "/contents/a b", "/commits", f"/commits/{head}", f"/git/commits/{head}"]
    paths += ["/pulls", "/pulls/1", "/pulls/1/files", "/pulls/1/commits", "/contents/apps?ref=failover/side"]
    links = {link for path in paths for link in links_of(client.get(f"{REPO}{path}").json())}
    assert {link.split("/")[5] for link in links if link.count("/") > 4} == {"blob", "raw", "tree", "commit", "pull"}
    for link in links:
        assert browser.get(link).status_code == 200, link


def test_every_link_of_a_page_leads_to_a_page(changed: Sandbox, browser: httpx2.Client) -> None:
    waiting, seen = [f"{HOME}", f"{HOME}/compare/main...failover/side"], set[str]()
    while waiting:
        at = waiting.pop()
        seen.add(at)
        answer = browser.get(at)
        assert answer.status_code == 200, at
        if answer.headers["content-type"].startswith("text/html"):
            links = {urljoin(at, link).partition("#")[0] for link in Parsed(answer.text).links}
            waiting += links - seen - set(waiting)
    assert {path.split("/")[3] for path in seen if path.count("/") > 2} >= {"tree", "blob", "raw", "commit", "commits"}
    assert f"{HOME}/blob/main/a%20b/50%25.yaml" in seen
    assert f"{HOME}/tree/failover/side" in seen


def test_the_api_notices_nothing_of_a_page(sandbox: Sandbox, client: httpx2.Client, browser: httpx2.Client) -> None:
    used = client.get("/rate_limit").json()["rate"]["used"]
    client.post("/_sandbox/faults", json={"kind": "status", "status": 500})
    sandbox.requests.clear()
    assert browser.get(HOME).status_code == 200
    assert sandbox.requests == []
    assert client.get(REPO).status_code == 500
    assert client.get("/rate_limit").json()["rate"]["used"] == used


@pytest.mark.parametrize("path", ["/acme", "/acme/other", "/repos/acme/homelab", "/api/v3/acme/homelab"])
def test_what_is_no_page_is_answered_by_the_api(browser: httpx2.Client, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


@pytest.mark.parametrize(
    "path",
    [
        "nonsense",
        "tree/gone",
        "blob/main/gone",
        "raw/main/apps",
        f"commit/{'0' * 40}",
        "commit/main",
        "compare/main...gone",
        "commits/gone",
        "pull/99999999999",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(browser: httpx2.Client, path: str) -> None:
    answer = browser.get(f"{HOME}/{path}")
    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in answer.text


def test_a_page_has_no_script_and_may_do_nothing(browser: httpx2.Client) -> None:
    answer = browser.get(HOME)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy
    assert "script" not in Parsed(answer.text).tags
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_what_anybody_wrote_is_escaped(sandbox: Sandbox, client: httpx2.Client, browser: httpx2.Client) -> None:
    path = f"{NASTY.replace('/', '')}.yaml"
    sha = sandbox.commit({path: NASTY.encode()}, f"{NASTY}\n\n{NASTY}", NASTY.replace("<", "").replace(">", ""))
    body = f"{NASTY}\n\n```diff\n+{NASTY}\n```\n\n[link](javascript:alert(1))\n\n|a|\n|-|\n|{NASTY}|"
    branch = next(name for name in sandbox.repository.branches() if name != "main")
    open_pull(client, branch, title=NASTY, body=body)
    for page in (f"commit/{sha}", f"commits/{branch}", f"tree/{branch}", f"blob/{sha}/{path}", "pulls", "pull/1"):
        text = browser.get(f"{HOME}/{page}").text
        assert "script" not in Parsed(text).tags, page
        assert not [link for link in Parsed(text).links if link.startswith("javascript:")], page
    assert browser.get(f"{HOME}/raw/{sha}/{path}").headers["content-type"] == "text/plain; charset=utf-8"


def test_the_lines_of_a_file_have_anchors(browser: httpx2.Client) -> None:
    text = browser.get(f"{HOME}/blob/main/apps/sonarr/deployment.yaml").text
    assert '<tr id="L2"><td><a href="#L2">2</a></td><td>name: sonarr</td></tr>' in text


def test_what_is_not_text_is_not_shown(sandbox: Sandbox, browser: httpx2.Client) -> None:
    sha = sandbox.commit({"icon.png": b"\x89PNG\0"}, "An icon")
    assert "It is not text." in browser.get(f"{HOME}/blob/main/icon.png").text
    assert "It is not text." in browser.get(f"{HOME}/commit/{sha}").text
    assert browser.get(f"{HOME}/raw/main/icon.png").headers["content-type"] == "application/octet-stream"


def test_a_history_goes_on_where_a_page_ends(sandbox: Sandbox, browser: httpx2.Client) -> None:
    for number in range(50):
        sandbox.commit({"n": b"%d" % number}, f"Number {number}")
    first, second = browser.get(f"{HOME}/commits"), browser.get(f"{HOME}/commits?page=2")
    assert 'href="?page=2"' in first.text
    assert ("Number 0" in first.text, "Initial commit" in first.text) == (True, False)
    assert ("Number 0" in second.text, "Initial commit" in second.text) == (False, True)
    assert "Number" not in browser.get(f"{HOME}/commits/main/README.md").text


def test_a_page_for_get_is_not_for_post(browser: httpx2.Client) -> None:
    assert browser.post(HOME).status_code == 405
    assert browser.get(f"{HOME}/pull/1/merge").status_code == 405
    assert browser.head(HOME).status_code == 200
