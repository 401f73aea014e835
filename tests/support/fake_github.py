"""GitHub's side of a conversation, for tests that mock it: replies as GitHub sends them, and credentials."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import respx

from failover_api.forge.github.adapter import GitHub
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.connections import Connections
from failover_api.forge.http.credentials import Token
from failover_api.forge.http.rate_limit import RateLimit
from failover_api.forge.values import File, PullRequest, Snapshot, blob_sha
from tests.support.builders import MAIN, REPO

ROOT = "https://api.github.com"
GRAPHQL = f"{ROOT}/graphql"
REPOSITORY_URL = f"{ROOT}/repos/{REPO}"
FILE_URL = f"{REPOSITORY_URL}/contents/apps%2Fsonarr.yaml"
BRANCH_URL = f"{REPOSITORY_URL}/branches/main"
COMMITS_URL = f"{REPOSITORY_URL}/commits"
TREES_URL = f"{REPOSITORY_URL}/git/trees"
BLOB_URL = f"{REPOSITORY_URL}/git/blobs"
PULLS_URL = f"{REPOSITORY_URL}/pulls"
ISSUE_URL = f"{REPOSITORY_URL}/issues/7"
RULES_URL = f"{REPOSITORY_URL}/rules/branches/main"
INSTALLATION_URL = f"{REPOSITORY_URL}/installation"
MINT_URL = f"{ROOT}/app/installations/2001/access_tokens"

PATH, OTHER = "apps/sonarr.yaml", "apps/plex.yaml"
OLD, NEW = b"role: primary\n", b"role: backup\n"
HEAD, NEXT = "a" * 40, "b" * 40
HEAD_BRANCH = "failover/sonarr"
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"

ALREADY = "API rate limit already exceeded for user ID 1."
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
CREATION = "Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n"


# Replies


def answer(status: int, json: Any = None, **headers: str) -> respx.MockResponse:
    """A reply with a JSON body. `retry_after="7"` is the header retry-after."""
    return respx.MockResponse(status, json=json, headers={k.replace("_", "-"): v for k, v in headers.items()})


def refused(status: int, message: str, **headers: str) -> respx.MockResponse:
    return answer(status, {"message": message, "documentation_url": "https://docs.github.com/rest"}, **headers)


def invalid(**error: str) -> respx.MockResponse:
    return answer(422, {"message": "Validation Failed", "errors": [{"resource": "PullRequest", **error}]})


def minted(value: str = "ghs_one", expires_at: str = "2027-01-15T09:00:00Z", date: str = DATE) -> respx.MockResponse:
    return answer(201, {"token": value, "expires_at": expires_at, "permissions": {}}, date=date)


def mints(*, delay_s: float = 0.0, **how: str) -> Callable[[Any], Any]:
    """ghs_1, ghs_2, ... each after `delay_s`."""
    count = 0

    async def mint(_: Any) -> respx.MockResponse:
        nonlocal count
        count += 1
        number = count
        await asyncio.sleep(delay_s)
        return minted(f"ghs_{number}", **how)

    return mint


def branch_at(oid: str, name: str = "main") -> respx.MockResponse:
    return answer(200, {"name": name, "commit": {"sha": oid}}, etag=f'"{oid}"')


def wrapped(data: bytes) -> str:
    """Base64 with a newline every 60 characters, as GitHub sends it."""
    text = base64.b64encode(data).decode()
    return "".join(text[i : i + 60] + "\n" for i in range(0, len(text), 60))


def contents(data: bytes = OLD, path: str = PATH, **changes: Any) -> dict[str, Any]:
    """The body of GET contents."""
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": blob_sha(data),
        "size": len(data),
        "type": "file",
        "content": wrapped(data),
        "encoding": "base64",
        **changes,
    }


def put_reply(data: bytes = NEW, **commit: Any) -> dict[str, Any]:
    """The body of a PUT contents that landed."""
    made = {
        "sha": NEXT,
        "html_url": f"https://github.com/acme/homelab/commit/{NEXT}",
        "parents": [{"sha": HEAD}],
        "verification": {"verified": True, "reason": "valid"},
    }
    return {"content": {"sha": blob_sha(data)}, "commit": {**made, **commit}}


def mode(value: int | None = 0o100644) -> dict[str, Any]:
    """The answer of the query for a file's mode."""
    file = None if value is None else {"mode": value, "type": "blob"}
    return {"data": {"repository": {"ref": {"target": {"file": file}}}}}


def blob(data: bytes, **changes: Any) -> dict[str, Any]:
    """A blob of a GraphQL answer."""
    plain = {"oid": blob_sha(data), "byteSize": len(data), "isBinary": False, "isTruncated": False}
    return {**plain, "text": data.decode(errors="replace"), **changes}


def entry(data: bytes, mode: int = 0o100644, **changes: Any) -> dict[str, Any]:
    """A file of a GraphQL answer."""
    return {"mode": mode, "type": "blob", "object": blob(data, **changes)}


def at_ref(*entries: Any, oid: str = HEAD) -> dict[str, Any]:
    files = {f"f{i}": entry for i, entry in enumerate(entries)}
    return {"data": {"repository": {"ref": {"target": {"oid": oid, **files}}}}}


def at_head(*entries: Any, oid: str = HEAD) -> dict[str, Any]:
    files = {f"f{i}": entry for i, entry in enumerate(entries)}
    return {"data": {"repository": {"object": {"oid": oid, **files}}}}


def graphql_error(kind: str, message: str, data: Any = None) -> dict[str, Any]:
    return {"data": data, "errors": [{"type": kind, "path": ["createCommitOnBranch"], "message": message}]}


def listed_commit(sha: str, message: str = "m", **changes: Any) -> dict[str, Any]:
    """A commit as lists have it, with some of what nobody needs."""
    commit = {
        "author": {"name": "Maria Person", "email": "maria@example.com", "date": "2027-01-15T07:00:00Z"},
        "committer": {"name": "GitHub", "email": "noreply@github.com", "date": "2027-01-15T08:00:00Z"},
        "message": message,
        "tree": {"sha": "7" * 40, "url": f"{ROOT}/repos/acme/homelab/git/trees/{'7' * 40}"},
        "comment_count": 0,
        "verification": {"verified": True, "reason": "valid", "signature": "-----BEGIN PGP", "payload": "tree"},
    }
    return {
        "sha": sha,
        "node_id": "C_unneeded",
        "html_url": f"https://github.com/acme/homelab/commit/{sha}",
        "commit": commit,
        "author": {"login": "maria", "id": 1, "avatar_url": "https://avatars.example/unneeded"},
        "committer": {"login": "web-flow"},
        "parents": [{"sha": HEAD, "url": "https://example.com/unneeded"}],
        **changes,
    }


def listed_pull(number: int, head: str = HEAD_BRANCH, **changes: Any) -> dict[str, Any]:
    """A pull request as lists have it, with some of what nobody needs."""
    repository = {"full_name": "acme/homelab", "description": "unneeded"}
    return {
        "number": number,
        "node_id": f"PR_{number}",
        "html_url": f"https://github.com/acme/homelab/pull/{number}",
        "state": "open",
        "title": "Fail over sonarr",
        "body": "Why",
        "merged_at": None,
        "merge_commit_sha": "e" * 40,
        "draft": False,
        "head": {"label": f"acme:{head}", "ref": head, "sha": NEXT, "repo": repository},
        "base": {"label": "acme:main", "ref": "main", "sha": HEAD, "repo": repository},
        **changes,
    }


LIMITED = [
    (refused(403, SECONDARY, retry_after="30"), 30),
    (refused(403, SECONDARY), 60),
    (refused(429, "Too many requests", retry_after="12"), 12),
    (refused(403, "API rate limit exceeded for installation ID 1.", x_ratelimit_remaining="0"), 60),
]
QUOTA = [
    answer(200, graphql_error("RATE_LIMIT", ALREADY), retry_after="9"),
    refused(403, "API rate limit exceeded for installation ID 1.", retry_after="9"),
    refused(429, "no", retry_after="9", x_ratelimit_remaining="0"),
]
QUOTA_USED_UP = graphql_error("RATE_LIMIT", ALREADY)
DOWN = [
    httpx2.ReadTimeout("slow"),
    refused(502, "x"),
    refused(403, "GraphQL is not for you"),
    graphql_error("RESOURCE_LIMITS_EXCEEDED", "Resource limits for this query exceeded."),
    graphql_error("", "Something went wrong while executing your query."),
    {"data": {"repository": {"ref": {"target": {}}}}},
]


# What is asked for


def get_file(api: respx.Router, *replies: Any) -> respx.Route:
    return api.get(FILE_URL, params={"ref": "main"}).mock(side_effect=list(replies))


def get_branch(api: respx.Router, *replies: Any) -> respx.Route:
    """A reply is the head, or whatever comes instead."""
    given = [branch_at(reply) if isinstance(reply, str) else reply for reply in replies]
    return api.get(BRANCH_URL).mock(side_effect=given)


def graphql(api: respx.Router, *replies: Any) -> respx.Route:
    given = [answer(200, reply) if isinstance(reply, dict) else reply for reply in replies]
    return api.post(GRAPHQL).mock(side_effect=given)


def rest_tree(api: respx.Router, ref: str, *nodes: tuple[str, str, bytes], truncated: bool = False) -> respx.Route:
    for _, _, data in nodes:
        body = {"sha": blob_sha(data), "size": len(data), "encoding": "base64", "content": wrapped(data)}
        api.get(f"{BLOB_URL}/{blob_sha(data)}").mock(return_value=answer(200, body))
    tree = [
        {"path": path, "mode": mode, "type": "blob", "sha": blob_sha(data), "size": len(data)}
        for path, mode, data in nodes
    ]
    url = f"{TREES_URL}/{ref}?recursive=1"
    return api.get(url).mock(return_value=answer(200, {"sha": ref, "tree": tree, "truncated": truncated}))


def sent(route: respx.Route, number: int = -1) -> Any:
    return json.loads(route.calls[number].request.content)


async def hang(*_: Any, **__: Any) -> Any:
    await asyncio.sleep(60)


# What it means


def pull(number: int, branch: str = HEAD_BRANCH, **changes: Any) -> PullRequest:
    """What listed_pull() means."""
    told = {
        "url": f"https://github.com/acme/homelab/pull/{number}",
        "state": "open",
        "head": NEXT,
        "body": "Why",
        "node_id": f"PR_{number}",
        "base": "main",
        "base_head": HEAD,
        "merge_commit": None,
    }
    return PullRequest(number=number, branch=branch, **{**told, **changes})


def one_file(data: bytes = OLD) -> Snapshot:
    return Snapshot(MAIN, {PATH: File(PATH, data, blob_sha(data))})


def two_files(head: str = HEAD) -> Snapshot:
    return Snapshot(MAIN, {path: File(path, OLD, blob_sha(OLD)) for path in (PATH, OTHER)}, head)


async def read_file(github: GitHub, **how: Any) -> File:
    snapshot = await github.read(MAIN, [PATH], **{"not_before": time.monotonic(), **how})
    return snapshot.file(PATH)


# Who asks


class Purse:
    """Credentials that have the given tokens, one after the other; `age_s` is that of all of them."""

    def __init__(self, *values: str, age_s: float = 600.0) -> None:
        self.tokens = [Token(value, time.monotonic() - age_s, float("inf")) for value in values or ("ghs_one",)]
        self.asked: list[bool] = []  # for each token, whether it was asked for to work on pull requests

    def key(self, repository: str) -> str:
        return repository.partition("/")[0]

    async def token(self, repository: str, *, pulls: bool = False) -> Token:
        self.asked.append(pulls)
        return self.tokens[0]

    def drop(self, repository: str, token: Token) -> bool:
        if token is self.tokens[0] and len(self.tokens) > 1:
            self.tokens.pop(0)
            return True
        return False

    def check_readable(self) -> None:
        pass

    def secret(self) -> bytes:
        return self.tokens[0].value.encode()

    async def aclose(self) -> None:
        pass


def used(client: GitHubClient) -> list[bool]:
    """For each request, whether it had the token for pull requests."""
    purse = client.credentials
    assert isinstance(purse, Purse)
    return purse.asked


class Waits(list[float]):
    """What the adapter waited for, without waiting."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client_with(
    http: httpx2.AsyncClient, credentials: Any, waits: Waits, base_url: str = ROOT, rate_limit: RateLimit | None = None
) -> GitHubClient:
    client = GitHubClient(
        Connections(lambda: http), base_url=base_url, timeout_s=5.0, sleep=waits, rate_limit=rate_limit
    )
    client.credentials = credentials
    return client
