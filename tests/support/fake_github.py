"""GitHub's side of a conversation, for tests that mock it: replies as GitHub sends them, and credentials."""

import base64
import time
from typing import Any

import httpx2
import respx

from failover_api.core.catalog.model import Branch
from failover_api.forge.github.client import GitHubClient
from failover_api.forge.http.connections import Connections
from failover_api.forge.http.credentials import Token
from failover_api.forge.http.pace import RateLimit
from failover_api.forge.port import blob_sha

ROOT = "https://api.github.com"
GRAPHQL = f"{ROOT}/graphql"
MAIN = Branch("acme/homelab", "main")
PATH = "apps/sonarr.yaml"
OLD, NEW = b"role: primary\n", b"role: backup\n"
HEAD, NEXT = "a" * 40, "b" * 40

FILE_URL = f"{ROOT}/repos/acme/homelab/contents/apps%2Fsonarr.yaml"
BRANCH_URL = f"{ROOT}/repos/acme/homelab/branches/main"


def answer(status: int, json: Any = None, **headers: str) -> respx.MockResponse:
    """A reply with a JSON body. `retry_after="7"` is the header retry-after."""
    return respx.MockResponse(status, json=json, headers={k.replace("_", "-"): v for k, v in headers.items()})


def refused(status: int, message: str, **headers: str) -> respx.MockResponse:
    return answer(status, {"message": message, "documentation_url": "https://docs.github.com/rest"}, **headers)


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


def listed_pull(number: int, head: str = "failover/sonarr", **changes: Any) -> dict[str, Any]:
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


class Waits(list[float]):
    """What the adapter waited for, without waiting."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client_with(
    http: httpx2.AsyncClient, credentials: Any, waits: Waits, base_url: str = ROOT, pace: RateLimit | None = None
) -> GitHubClient:
    client = GitHubClient(Connections(lambda: http), base_url=base_url, timeout_s=5.0, sleep=waits, pace=pace)
    client.credentials = credentials
    return client
