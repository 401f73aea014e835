"""What a client of the sandbox needs: Git, a connection, a JWT, a token, mutations."""

from __future__ import annotations

import base64
import functools
import ssl
import time
from typing import TYPE_CHECKING, Any

import httpx2
import jwt

if TYPE_CHECKING:
    from failover_api.sandbox import Sandbox

REPO = "/repos/acme/homelab"
MINT = "/app/installations/2001/access_tokens"


def connect(url: str, token: str) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.Client(base_url=url, headers=headers, timeout=10, verify=_trust())


@functools.cache
def _trust() -> ssl.SSLContext:
    """Loaded once: it takes a client 50 ms, and nothing here speaks TLS."""
    return ssl.create_default_context()


def app_jwt(sandbox: Sandbox, *, key: str | None = None, **claims: Any) -> str:
    """A good JWT, but for `claims`; None leaves one out."""
    now = int(time.time())
    whole = {"iat": now - 60, "exp": now + 540, "iss": sandbox.app_id, **claims}
    kept = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(kept, key or sandbox.private_key_pem, algorithm="RS256")


def ask_mint(sandbox: Sandbox, url: str, **fields: Any) -> httpx2.Response:
    with connect(url, app_jwt(sandbox)) as app:
        return app.post(MINT, json=fields)


def mint(sandbox: Sandbox, url: str, **fields: Any) -> str:
    answer = ask_mint(sandbox, url, **fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


NOWHERE = "0" * 40
UPDATE_REFS = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }"
COMMIT = """mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid url signature { isValid } } }
}"""
AUTO_MERGE = """mutation($id: ID!) {
  enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: SQUASH}) { pullRequest { number } }
}"""


def commit_input(head: str, branch: str = "main", **files: bytes | None) -> dict[str, Any]:
    contents = {path: base64.b64encode(content).decode() for path, content in files.items() if content is not None}
    return {
        "branch": {"repositoryNameWithOwner": "acme/homelab", "branchName": branch},
        "expectedHeadOid": head,
        "message": {"headline": "Two files", "body": "Because."},
        "fileChanges": {
            "additions": [{"path": path, "contents": content} for path, content in contents.items()],
            "deletions": [{"path": path} for path, content in files.items() if content is None],
        },
    }


def update(name: str, before: str | None, after: str, **how: Any) -> dict[str, Any]:
    """One of updateRefs; `name` is a branch."""
    return {"name": f"refs/heads/{name}", "beforeOid": before, "afterOid": after, **how}


def update_refs(client: httpx2.Client, *updates: dict[str, Any]) -> Any:
    """The error, or None."""
    repository = client.get(REPO).json()["node_id"]
    given = {"input": {"repositoryId": repository, "refUpdates": list(updates), "clientMutationId": "ours"}}
    answer = client.post("/graphql", json={"query": UPDATE_REFS, "variables": given})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if "errors" in body:
        assert body["data"] == {"updateRefs": None}
        return body["errors"][0]
    assert body["data"] == {"updateRefs": {"clientMutationId": "ours"}}
    return None


def open_pull(client: httpx2.Client, head: str = "side", base: str = "main", **more: Any) -> dict[str, Any]:
    answer = client.post(f"{REPO}/pulls", json={"title": "A pull", "head": head, "base": base, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())
