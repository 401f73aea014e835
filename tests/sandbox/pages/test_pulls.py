"""The page of a pull request, and its buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.clients import REPO, open_pull

if TYPE_CHECKING:
    import httpx2

    from failover_api.sandbox import Sandbox

PAGE = "/acme/homelab/pull/1"


@pytest.fixture
def opened(sandbox: Sandbox, client: httpx2.Client) -> Sandbox:
    """With a pull request of one commit."""
    sandbox.commit({"README.md": b"# side\n"}, "Change one", "side")
    open_pull(client, body="It moves **one**.\n\n- `a`")
    return sandbox


def press_merge(sandbox: Sandbox, browser: httpx2.Client, **fields: str) -> httpx2.Response:
    head = sandbox.pull(1).head_sha
    return browser.post(f"{PAGE}/merge", data={"head": head, "method": "squash", **fields}, follow_redirects=True)


def test_the_page_tells_what_a_person_decides_by(
    opened: Sandbox, client: httpx2.Client, browser: httpx2.Client
) -> None:
    client.post(f"{REPO}/issues/1/labels", json={"labels": ["failover"]})
    client.post(f"{REPO}/pulls/1/requested_reviewers", json={"reviewers": ["jonas"], "team_reviewers": ["operators"]})
    client.post(f"{REPO}/issues/1/comments", json={"body": "Looks *good*."})
    opened.protect(checks=("lint", "test"), approvals=2)
    opened.approve(1)
    opened.pass_check(1, "lint")
    text = browser.get(PAGE).text
    for words in (
        '<span class="state open">open</span>',
        "<strong>one</strong>",
        '<span class="label">failover</span>',
        "jonas, operators",
        "<dd>maria</dd>",
        "lint: passed",
        "test: expected",
        "Looks <em>good</em>.",
        "Change one",
        "1 changed file",
        '<tr class="removed"><td>1</td><td></td><td>-# homelab</td></tr>',
        '<tr class="added"><td></td><td>1</td><td>+# side</td></tr>',
    ):
        assert words in text


@pytest.mark.parametrize(("method", "parents"), [("squash", 1), ("merge", 2), ("rebase", 1)])
def test_the_button_merges(opened: Sandbox, browser: httpx2.Client, method: str, parents: int) -> None:
    opened.commit({"b": b"on\n"}, "On")
    assert f'<option value="{method}">' in browser.get(PAGE).text
    merged = press_merge(opened, browser, method=method)
    assert (merged.status_code, merged.url.path) == (200, PAGE)
    assert "Merged by maria" in merged.text
    assert (opened.read("README.md"), opened.pull(1).merged_by) == (b"# side\n", "maria")
    assert len(opened.commit_at().parents) == parents
    assert "<button>Merge</button>" not in merged.text


def test_a_way_that_the_repository_does_not_allow_is_not_offered(opened: Sandbox, browser: httpx2.Client) -> None:
    opened.repository.allow_squash_merge = False
    assert 'value="squash"' not in browser.get(PAGE).text
    refused = press_merge(opened, browser)
    assert (refused.status_code, "Squash merges are not allowed" in refused.text) == (409, True)


def test_rules_hold_for_the_button(opened: Sandbox, browser: httpx2.Client) -> None:
    opened.protect()
    words = "At least 1 approving review is required by reviewers with write access."
    assert words in browser.get(PAGE).text
    refused = press_merge(opened, browser)
    assert (refused.status_code, words in refused.text) == (409, True)
    assert opened.pull(1).is_open
    opened.approve(1)
    assert press_merge(opened, browser).status_code == 200


@pytest.mark.parametrize(
    ("obstacle", "words"),
    [
        (lambda sandbox: sandbox.commit({"README.md": b"# main\n"}, "Conflict"), "main has changed too"),
        (lambda sandbox: setattr(sandbox.repository.pulls[1], "draft", True), "still a draft"),
        (lambda sandbox: sandbox.protect(approvals=0, queue=True), "through the merge queue"),
    ],
)
def test_what_cannot_be_merged_has_no_button(
    opened: Sandbox, browser: httpx2.Client, obstacle: object, words: str
) -> None:
    assert callable(obstacle)
    obstacle(opened)
    text = browser.get(PAGE).text
    assert (words in text, "<button>Merge</button>" in text) == (True, False)
    assert press_merge(opened, browser).status_code == 409


def test_what_was_not_seen_is_not_merged(opened: Sandbox, browser: httpx2.Client) -> None:
    seen = opened.pull(1).head_sha
    opened.commit({"c": b"more\n"}, "More", "side")
    refused = press_merge(opened, browser, head=seen)
    assert (refused.status_code, "new commits since" in refused.text) == (409, True)
    assert opened.pull(1).is_open


def test_the_button_closes(opened: Sandbox, browser: httpx2.Client) -> None:
    closed = browser.post(f"{PAGE}/close", follow_redirects=True)
    assert "Closed without a merge." in closed.text
    assert opened.pull(1).merged_at is None
    assert browser.post(f"{PAGE}/close", follow_redirects=True).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "", "origin": "http://elsewhere.example"},
        {"sec-fetch-site": "", "origin": "null"},
        {"sec-fetch-site": ""},
    ],
)
def test_another_site_cannot_press_a_button(opened: Sandbox, browser: httpx2.Client, headers: dict[str, str]) -> None:
    fields = {"head": opened.pull(1).head_sha}
    for action in ("merge", "close"):
        assert browser.post(f"{PAGE}/{action}", data=fields, headers=headers).status_code == 403
    assert opened.pull(1).is_open


def test_an_older_browser_says_where_it_comes_from(opened: Sandbox, browser: httpx2.Client, url: str) -> None:
    del browser.headers["sec-fetch-site"]
    browser.headers["origin"] = url
    assert press_merge(opened, browser).status_code == 200
