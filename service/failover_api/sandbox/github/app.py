"""The table of endpoints, and how a request passes through it: who, limits, permission, endpoint, ETag.

Laws: a repository the caller may not see is 404, a permission that is missing is 403 and named in
X-Accepted-GitHub-Permissions, and a 304 costs nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.sandbox.github import account, branches, contents, discussion, gitdata, graphql, pulls
from failover_api.sandbox.github.answer import Answer, Refused
from failover_api.sandbox.github.call import Call
from failover_api.sandbox.github.identity import Actor
from failover_api.sandbox.github.refusals import of_fault, refused
from failover_api.sandbox.hosting.merging import settle
from failover_api.sandbox.hosting.people import MARIA_LOGIN
from failover_api.sandbox.hosting.refusal import Refusal
from failover_api.sandbox.http.exchange import Reply
from failover_api.sandbox.http.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp

    from failover_api.sandbox.github.identity import Identities
    from failover_api.sandbox.hosting.faults import Fault
    from failover_api.sandbox.hosting.world import World
    from failover_api.sandbox.http.exchange import Message

FREE = "free"
JWT = "jwt"
USER = "user"

_NO_USER_AGENT = (
    b"\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header "
    b"(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). "
    b"Check https://developer.github.com for other possible causes.\r\n"
)

_READ, _WRITE, _META = "contents=read", "contents=write", "metadata=read"
_PULLS_READ, _PULLS = "pull_requests=read", "pull_requests=write"
_ISSUES_READ, _ISSUES = "issues=read; pull_requests=read", "issues=write; pull_requests=write"
_R = "/repos/{owner}/{repo}"

# method, path, needed permission (or FREE, JWT, USER), endpoint. A name with `*` takes slashes too.
TABLE: list[tuple[str, str, str, Callable[[Call], Answer]]] = [
    ("GET", "/", FREE, account.get_root),
    ("GET", "/rate_limit", FREE, account.get_rate_limit),
    ("GET", "/user", USER, account.get_user),
    ("GET", "/app", JWT, account.get_app),
    ("GET", "/app/installations", JWT, account.get_installations),
    ("GET", "/app/installations/{id}", JWT, account.get_installation),
    ("POST", "/app/installations/{id}/access_tokens", JWT, account.post_access_token),
    ("GET", "/installation/repositories", USER, account.get_repositories),
    ("POST", "/graphql", USER, graphql.post),
    ("GET", f"{_R}/installation", JWT, account.get_installation),
    ("GET", _R, _META, branches.get_repository),
    ("GET", f"{_R}/contents", _READ, contents.get),
    ("GET", f"{_R}/contents/{{path*}}", _READ, contents.get),
    ("PUT", f"{_R}/contents/{{path*}}", _WRITE, contents.put),
    ("DELETE", f"{_R}/contents/{{path*}}", _WRITE, contents.delete),
    ("GET", f"{_R}/git/blobs/{{sha}}", _READ, gitdata.get_blob),
    ("POST", f"{_R}/git/blobs", _WRITE, gitdata.post_blob),
    ("GET", f"{_R}/git/trees/{{ref*}}", _READ, gitdata.get_tree),
    ("POST", f"{_R}/git/trees", _WRITE, gitdata.post_tree),
    ("GET", f"{_R}/git/commits/{{sha}}", _READ, gitdata.get_commit),
    ("POST", f"{_R}/git/commits", _WRITE, gitdata.post_commit),
    ("GET", f"{_R}/git/ref/{{ref*}}", _READ, gitdata.get_ref),
    ("GET", f"{_R}/git/matching-refs/{{ref*}}", _READ, gitdata.matching_refs),
    ("GET", f"{_R}/git/refs", _READ, gitdata.get_refs),
    ("GET", f"{_R}/git/refs/{{ref*}}", _READ, gitdata.get_refs),
    ("POST", f"{_R}/git/refs", _WRITE, gitdata.post_ref),
    ("PATCH", f"{_R}/git/refs/{{ref*}}", _WRITE, gitdata.patch_ref),
    ("DELETE", f"{_R}/git/refs/{{ref*}}", _WRITE, gitdata.delete_ref),
    ("GET", f"{_R}/branches", _READ, branches.get_branches),
    ("GET", f"{_R}/branches/{{branch*}}/protection", "administration=read", branches.get_protection),
    ("GET", f"{_R}/branches/{{branch*}}", _READ, branches.get_branch),
    ("GET", f"{_R}/rules/branches/{{branch*}}", _META, branches.get_rules),
    ("GET", f"{_R}/commits", _READ, branches.get_commits),
    ("GET", f"{_R}/commits/{{ref*}}/pulls", _PULLS_READ, pulls.get_pulls_of_commit),
    ("GET", f"{_R}/commits/{{ref*}}", _READ, branches.get_commit),
    ("GET", f"{_R}/compare/{{basehead*}}", _READ, branches.compare),
    ("GET", f"{_R}/pulls", _PULLS_READ, pulls.get_pulls),
    ("POST", f"{_R}/pulls", _PULLS, pulls.post_pull),
    ("GET", f"{_R}/pulls/{{number}}", _PULLS_READ, pulls.get_pull),
    ("PATCH", f"{_R}/pulls/{{number}}", _PULLS, pulls.patch_pull),
    ("GET", f"{_R}/pulls/{{number}}/commits", _PULLS_READ, pulls.get_commits),
    ("GET", f"{_R}/pulls/{{number}}/files", _PULLS_READ, pulls.get_files),
    ("GET", f"{_R}/pulls/{{number}}/merge", _PULLS_READ, pulls.get_merge),
    ("PUT", f"{_R}/pulls/{{number}}/merge", _WRITE, pulls.put_merge),
    ("GET", f"{_R}/pulls/{{number}}/reviews", _PULLS_READ, discussion.get_reviews),
    ("POST", f"{_R}/pulls/{{number}}/requested_reviewers", _PULLS, discussion.post_reviewers),
    ("GET", f"{_R}/issues/{{number}}/labels", _ISSUES_READ, discussion.get_labels),
    ("POST", f"{_R}/issues/{{number}}/labels", _ISSUES, discussion.post_labels),
    ("GET", f"{_R}/issues/{{number}}/comments", _ISSUES_READ, discussion.get_comments),
    ("POST", f"{_R}/issues/{{number}}/comments", _ISSUES, discussion.post_comment),
]


@dataclass(frozen=True, slots=True)
class Endpoint:
    method: str
    pattern: re.Pattern[str]
    needs: str
    run: Callable[[Call], Answer]


def _pattern(path: str) -> re.Pattern[str]:
    wide = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", path)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", wide) + "/?")


def create_app(world: World, identities: Identities, pages: Callable[[Message], Reply | None]) -> ASGIApp:
    """The API, under / and under /api/v3, with faults and the control endpoints at /_sandbox; `pages` as in Wire."""
    return Wire(world, GitHub(world, identities), pages)


class GitHub:
    """The dialect: answers one request, without knowing of sockets or faults on the wire."""

    def __init__(self, world: World, identities: Identities) -> None:
        self._world = world
        self._identities = identities
        self._endpoints = [Endpoint(method, _pattern(path), needs, run) for method, path, needs, run in TABLE]

    def below_root(self, message: Message) -> Message:
        """GitHub Enterprise Server has the API at /api/v3 and /api/graphql."""
        for prefix, below in (("/api/v3", ""), ("/api/graphql", "/graphql")):
            if message.path == prefix or message.path.startswith(f"{prefix}/"):
                path = below + message.path.removeprefix(prefix) or "/"
                return dataclasses.replace(message, path=path, base=f"{message.web}/api/v3")
        return message

    def credentials(self, authorization: str) -> str:
        return self._identities.kind(authorization)

    def refuse(self, fault: Fault) -> Reply:
        request_id = "0" * 32
        answer = of_fault(fault, self._world.clock()).answer(request_id)
        reply = Reply.json(answer.status, answer.body)
        return dataclasses.replace(
            reply, headers={**reply.headers, "X-GitHub-Request-Id": request_id, **answer.headers}
        )

    def answer(self, message: Message) -> Reply:
        request_id = secrets.token_hex(16).upper()
        if not message.headers.get("user-agent"):
            return Reply(403, {"Content-Type": "text/html; charset=utf-8"}, _NO_USER_AGENT)
        resource = "graphql" if message.path == "/graphql" else "core"
        actor, needs = Actor("none", "", "anonymous"), ""
        try:
            actor = self._identities.actor(message.headers.get("authorization", ""))
            needs, answer = self._answer(message, actor, resource)
        except Refusal as refusal:
            answer = refused(refusal).answer(request_id)
        except Refused as exc:
            needs = exc.headers.pop("X-Accepted-GitHub-Permissions", needs)
            answer = exc.answer(request_id)
        return self._reply(message, actor, resource, answer, request_id, needs)

    def _answer(self, message: Message, actor: Actor, resource: str) -> tuple[str, Answer]:
        endpoint, params = self._find(message)
        if endpoint.needs == FREE and message.path == "/rate_limit":
            return FREE, self._allowed(message, actor, endpoint, params)
        self._world.limits.admit(actor.key, resource, writes=_writes(message, endpoint))
        answer = _conditional(message, actor, self._allowed(message, actor, endpoint, params))
        if answer.status == 304:
            self._world.limits.give_back(actor.key, resource)
        return endpoint.needs, answer

    def _find(self, message: Message) -> tuple[Endpoint, Mapping[str, str]]:
        for endpoint in self._endpoints:
            if endpoint.method == message.method.replace("HEAD", "GET"):
                match = endpoint.pattern.fullmatch(message.path)
                if match:
                    return endpoint, match.groupdict()
        raise Refused(404, "Not Found")

    def _allowed(self, message: Message, actor: Actor, endpoint: Endpoint, params: Mapping[str, str]) -> Answer:
        """Runs the endpoint once it is clear that this caller may."""
        repo = self._world.repositories.get(f"{params.get('owner')}/{params.get('repo')}".lower())
        call = Call(self._world, self._identities, actor, message, params, repo)
        if endpoint.needs == JWT and actor.kind != "jwt":
            raise Refused(401, "A JSON web token could not be decoded", url="https://docs.github.com/rest/apps/apps")
        if endpoint.needs == USER and actor.kind not in ("installation", "token"):
            raise Refused(401, "Requires authentication" if actor.kind == "none" else "Bad credentials")
        if "repo" in params and (repo is None or (endpoint.needs != JWT and not actor.sees(repo.full_name))):
            raise Refused(404, "Not Found", url="https://docs.github.com/rest/repos/repos#get-a-repository")
        if "=" in endpoint.needs and not actor.may(endpoint.needs):
            named = {"X-Accepted-GitHub-Permissions": endpoint.needs}
            raise Refused(403, "Resource not accessible by integration", headers=named)
        if repo is not None and repo.pulls:
            settle(repo, MARIA_LOGIN)  # a `git push` into the directory passes nobody by
        return endpoint.run(call)

    def _reply(
        self, message: Message, actor: Actor, resource: str, answer: Answer, request_id: str, needs: str
    ) -> Reply:
        body = _encoded(answer.body)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Api-Version-Selected": message.headers.get("x-github-api-version", "2022-11-28"),
            "X-GitHub-Request-Id": request_id,
            "Server": "github.com",
            "X-Content-Type-Options": "nosniff",
            **_limit_headers(self._world.limits.overview(actor.key, resource), resource),
        }
        if "=" in needs and actor.kind == "installation":
            headers["X-Accepted-GitHub-Permissions"] = needs
        if actor.kind == "token":
            headers |= {"X-OAuth-Scopes": "repo, workflow", "X-Accepted-OAuth-Scopes": ""}
        if message.method in ("GET", "HEAD") and answer.status in (200, 304):
            headers |= {"Cache-Control": "private, max-age=60, s-maxage=60"}
            headers |= {"Vary": "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With"}
        if answer.etag:
            headers["ETag"] = answer.etag
        headers |= answer.headers
        if answer.status in (204, 304):
            headers.pop("Content-Type", None)
        return Reply(answer.status, headers, body)


def _limit_headers(overview: Mapping[str, int], resource: str) -> dict[str, str]:
    values = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in overview.items()}
    return {**values, "X-RateLimit-Resource": resource}


def _writes(message: Message, endpoint: Endpoint) -> bool:
    """Whether it counts against the limits on creating content."""
    if endpoint.run is graphql.post:
        return graphql.is_mutation(message.body)
    return message.method not in ("GET", "HEAD") and endpoint.needs != JWT


def _conditional(message: Message, actor: Actor, answer: Answer) -> Answer:
    """Gives a read its ETag, and turns it into 304 when the caller has that already."""
    if message.method not in ("GET", "HEAD") or answer.status != 200:
        return answer
    body = _encoded(answer.body)
    secret = message.headers.get("authorization", "").encode()
    etag = answer.etag or f'W/"{hashlib.sha256(secret + body).hexdigest()}"'
    known = [tag.strip().removeprefix("W/") for tag in message.headers.get("if-none-match", "").split(",")]
    if etag.removeprefix("W/") in known and actor.kind != "none":
        return Answer(b"", 304, etag=etag)
    return dataclasses.replace(answer, body=body, etag=etag)


def _encoded(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
