"""Statuses, texts and headers, as GitHub gives them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.clients import NOWHERE, REPO, connect, mint

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from failover_api.sandbox import Sandbox

X = base64.b64encode(b"x\n").decode()

# method, path below the repository, body, status, text that the message has
REFUSALS: list[tuple[str, str, Any, int, str]] = [
    ("GET", "/contents/nothing", None, 404, "Not Found"),
    ("GET", "/contents/README.md?ref=gone", None, 404, "No commit found for the ref gone"),
    ("PUT", "/contents/README.md", {"message": "m", "content": X}, 422, 'Invalid request.\n\n"sha" wasn\'t supplied.'),
    ("PUT", "/contents/README.md", {"content": X}, 422, '"message" wasn\'t supplied'),
    ("PUT", "/contents/README.md", {"message": "m", "content": "%%", "sha": "README"}, 422, "not valid Base64"),
    ("PUT", "/contents/a", {"message": "m", "content": X, "branch": "gone"}, 404, "Branch gone not found"),
    (
        "PUT",
        "/contents/README.md",
        {"message": "m", "content": X, "sha": NOWHERE},
        409,
        f"README.md does not match {NOWHERE}",
    ),
    ("PUT", "/contents/a", {"message": "m", "content": X, "sha": NOWHERE}, 409, f"a does not match {NOWHERE}"),
    ("PUT", "/contents/a%2F..%2Fb", {"message": "m", "content": X}, 422, "malformed path component"),
    ("PUT", "/contents/a", "no json", 400, "Problems parsing JSON"),
    ("DELETE", "/contents/README.md", {"message": "m"}, 422, '"sha" wasn\'t supplied'),
    ("DELETE", "/contents/nothing", {"message": "m", "sha": NOWHERE}, 404, "Not Found"),
    ("GET", "/branches/gone", None, 404, "Branch not found"),
    ("GET", "/branches/main/protection", None, 404, "Branch not protected"),
    ("GET", "/commits/gone", None, 422, "No commit found for SHA: gone"),
    ("GET", "/compare/main...gone", None, 404, "Not Found"),
    ("GET", f"/git/blobs/{NOWHERE}", None, 404, "Not Found"),
    ("GET", "/git/trees/gone", None, 404, "Not Found"),
    ("GET", "/git/ref/heads/gone", None, 404, "Not Found"),
    ("POST", "/git/refs", {"ref": "main", "sha": NOWHERE}, 422, "main is not a valid ref name."),
    ("POST", "/git/refs", {"ref": "refs/heads/main", "sha": "HEAD"}, 422, "Reference already exists"),
    ("POST", "/git/refs", {"ref": "refs/heads/new", "sha": NOWHERE}, 422, "Object does not exist"),
    ("PATCH", "/git/refs/heads/gone", {"sha": "HEAD"}, 422, "Reference does not exist"),
    ("PATCH", "/git/refs/heads/main", {"sha": "SIDE"}, 422, "Update is not a fast forward"),
    ("DELETE", "/git/refs/heads/gone", None, 422, "Reference does not exist"),
    ("POST", "/git/trees", {"tree": [{"path": "a", "mode": "1", "content": "x"}]}, 422, "tree.mode 1 is not valid"),
    ("POST", "/git/commits", {"message": "m", "tree": NOWHERE}, 422, "Tree SHA does not exist"),
    ("POST", "/pulls", {"title": "t", "head": "side", "base": "gone"}, 422, "Validation Failed"),
    ("GET", "/pulls/99", None, 404, "Not Found"),
    ("GET", "/nothing/of/ours", None, 404, "Not Found"),
]


def ask(client: httpx2.Client, method: str, path: str, body: Any, known: Mapping[str, str]) -> httpx2.Response:
    """`body` may name shas by what they are: HEAD, SIDE, README."""
    if isinstance(body, dict):
        body = {name: known.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    content = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return client.request(method, f"{REPO}{path}", content=content)


@pytest.fixture
def known(sandbox: Sandbox) -> dict[str, str]:
    entry = sandbox.repository.bare.entry(sandbox.commit_at().tree, "README.md")
    assert entry
    head = sandbox.head()
    return {"SIDE": sandbox.commit({"a": b"x"}, "m", "side"), "HEAD": head, "README": entry.sha} | {
        "MAIN": sandbox.commit({"b": b"x"}, "m")
    }


def test_refusals(client: httpx2.Client, known: dict[str, str]) -> None:
    for method, path, body, status, text in REFUSALS:
        answer = ask(client, method, path, body, known)
        assert (answer.status_code, text in answer.json()["message"]) == (status, True), (method, path, answer.text)
        assert answer.json()["status"] == str(status)
        assert answer.json()["documentation_url"].startswith("https://docs.github.com")


def test_slash_and_escaped_slash_are_the_same(client: httpx2.Client) -> None:
    plain = client.get(f"{REPO}/contents/apps/sonarr/deployment.yaml")
    escaped = client.get(f"{REPO}/contents/apps%2Fsonarr%2Fdeployment.yaml")
    assert plain.json() == escaped.json()
    assert base64.b64decode(plain.json()["content"]) == b"kind: Deployment\nname: sonarr\n"


def test_file_etag_is_its_blob_sha_and_survives_a_new_token(sandbox: Sandbox, url: str) -> None:
    with connect(url, mint(sandbox, url)) as one, connect(url, mint(sandbox, url)) as other:
        first = one.get(f"{REPO}/contents/README.md")
        assert first.headers["ETag"] == f'W/"{first.json()["sha"]}"'
        seen = {"If-None-Match": first.headers["ETag"]}
        assert other.get(f"{REPO}/contents/README.md", headers=seen).status_code == 304
        assert one.get(f"{REPO}/contents/README.md", headers={"If-None-Match": "W/bad"}).status_code == 200
        repo = one.get(REPO)
        assert one.get(REPO, headers={"If-None-Match": repo.headers["ETag"]}).status_code == 304
        assert other.get(REPO, headers={"If-None-Match": repo.headers["ETag"]}).status_code == 200


def test_not_modified_is_free_and_bare(client: httpx2.Client) -> None:
    first = client.get(f"{REPO}/contents/README.md")
    again = client.get(f"{REPO}/contents/README.md", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"]
    assert first.headers["Cache-Control"].startswith("private, max-age=60")
    assert first.headers["X-GitHub-Request-Id"]
    assert "ETag" not in client.get(f"{REPO}/contents/nothing").headers


def test_large_file_comes_without_content_but_raw(client: httpx2.Client) -> None:
    shape = client.get(f"{REPO}/contents/big.bin").json()
    assert (shape["encoding"], shape["content"], shape["size"]) == ("none", "", 1024 * 1024 + 1)
    raw = client.get(f"{REPO}/contents/big.bin", headers={"Accept": "application/vnd.github.raw+json"})
    assert len(raw.content) == shape["size"]
    blob = client.get(f"{REPO}/git/blobs/{shape['sha']}").json()
    assert max(len(line) for line in blob["content"].split("\n")) == 60


def test_symlink_and_submodule(sandbox: Sandbox, client: httpx2.Client) -> None:
    sandbox.add_symlink("apps/readme", "../README.md")
    sandbox.add_symlink("dangling", "/etc/hostname")
    sandbox.add_submodule("vendor/lib")
    assert client.get(f"{REPO}/contents/apps/readme").json()["type"] == "file"
    assert base64.b64decode(client.get(f"{REPO}/contents/apps/readme").json()["content"]) == b"# homelab\n"
    assert client.get(f"{REPO}/contents/dangling").json()["target"] == "/etc/hostname"
    module = client.get(f"{REPO}/contents/vendor/lib").json()
    assert (module["type"], module["submodule_git_url"]) == ("submodule", "https://example.com/vendor/lib.git")
    listed = {item["name"]: item["type"] for item in client.get(f"{REPO}/contents/").json()}
    assert listed["dangling"] == "symlink"


def test_tree_is_truncated_over_its_limit(sandbox: Sandbox, client: httpx2.Client) -> None:
    whole = client.get(f"{REPO}/git/trees/main?recursive=0").json()
    assert (whole["truncated"], len(whole["tree"])) == (False, 7)
    sandbox.tree_limit = 3
    cut = client.get(f"{REPO}/git/trees/{sandbox.commit_at().tree}?recursive=1").json()
    assert (cut["truncated"], len(cut["tree"])) == (True, 3)


def test_commits_come_in_pages(sandbox: Sandbox, client: httpx2.Client) -> None:
    for number in range(5):
        sandbox.commit({"a": b"%d" % number}, f"Commit {number}")
    first = client.get(f"{REPO}/commits?path=a&per_page=2")
    second = client.get(first.links["next"]["url"])
    assert [item["commit"]["message"] for item in first.json() + second.json()] == [
        "Commit 4",
        "Commit 3",
        "Commit 2",
        "Commit 1",
    ]
    assert "next" not in client.get(second.links["next"]["url"]).links
    assert client.get(f"{REPO}/commits?path=README.md").json()[0]["commit"]["message"] == "Initial commit"


def test_an_app_signs_and_a_person_does_not(sandbox: Sandbox, url: str, client: httpx2.Client) -> None:
    with connect(url, mint(sandbox, url)) as app:
        mine = app.put(f"{REPO}/contents/a", json={"message": "m", "content": X}).json()["commit"]
        named = {"name": "Bot", "email": "bot@example.com"}
        body = {"message": "m", "content": X, "author": named, "committer": named}
        unsigned = app.put(f"{REPO}/contents/b", json=body).json()["commit"]
    theirs = client.put(f"{REPO}/contents/c", json={"message": "m", "content": X}).json()["commit"]
    assert [c["verification"]["verified"] for c in (mine, unsigned, theirs)] == [True, False, False]
    assert (mine["author"]["name"], mine["committer"]["name"]) == ("sandbox-app[bot]", "GitHub")
    assert [commit.author.name for commit in sandbox.log()[:3]] == ["sandbox-user", "Bot", "sandbox-app[bot]"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ruleset", "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"),
        ("classic", "Could not update file: At least 1 approving review is required by reviewers with write access."),
    ],
)
def test_a_protected_branch_refuses(sandbox: Sandbox, client: httpx2.Client, kind: Any, text: str) -> None:
    sandbox.protect(kind=kind)
    sha = client.get(f"{REPO}/contents/README.md").json()["sha"]
    put = client.put(f"{REPO}/contents/README.md", json={"message": "m", "content": X, "sha": sha})
    assert (put.status_code, put.json()["message"]) == (409, text)
    moved = client.patch(f"{REPO}/git/refs/heads/main", json={"sha": sandbox.head()})
    assert (moved.status_code, moved.json()["message"]) == (422, text.removeprefix("Could not update file: "))
    assert client.get(f"{REPO}/branches/main").json()["protected"]
    assert bool(client.get(f"{REPO}/rules/branches/main").json()) == (kind == "ruleset")
    assert client.get(f"{REPO}/branches/main/protection").status_code == (404 if kind == "ruleset" else 200)
    sandbox.unprotect()
    done = client.put(f"{REPO}/contents/README.md", json={"message": "m", "content": X, "sha": sha})
    assert done.status_code == 200


def test_enterprise_server_prefix(sandbox: Sandbox, url: str) -> None:
    with connect(f"{url}/api/v3", sandbox.token) as client:
        assert client.get(REPO).json()["url"] == f"{url}/api/v3{REPO}"
        answer = client.post(f"{url}/api/graphql", json={"query": "{viewer{login}}"})
        assert answer.json() == {"data": {"viewer": {"login": "sandbox-user"}}}


def test_without_user_agent_or_with_wrong_token(url: str) -> None:
    with connect(url, "wrong") as client:
        assert client.get("/", headers={"User-Agent": ""}).status_code == 403
        refused = client.get(REPO)
        assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")
    with connect(url, "") as nobody:
        assert nobody.get(REPO).status_code == 404
        assert nobody.get("/").status_code == 200
        assert nobody.get("/rate_limit").json()["rate"]["limit"] == 60
