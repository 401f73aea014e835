"""POST /hooks/github: GitHub's webhook makes the service look again. Nothing here can move a service.

    push            what is known of the branch's head is dropped, the board looks again
    pull_request    the board looks again; a merge of ours is told
    ping            200; everything else 204

The signature is checked on the raw bytes before anything is parsed. A delivery that comes twice does no harm.
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import logging
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError

from failover_api.core.catalog.model import Branch
from failover_api.core.text.trailers import read_records
from failover_api.core.untrusted_json import parse_json
from failover_api.edges.api import openapi
from failover_api.edges.api.signed_hook import SignedHook
from failover_api.errors import BadRequest, UnsupportedMediaType
from failover_api.events import BranchMoved, Merged
from failover_api.reading.pull_requests import OWN_BRANCHES
from failover_api.wiring import Components

PATH = "/hooks/github"
MAX_BYTES = 1024 * 1024  # larger ones are harmless to miss: every read asks GitHub whether it is current
_REF = "refs/heads/"
_OK, _NOTHING = 200, 204
_log = logging.getLogger(__name__)
_HOOK = SignedHook(
    PATH,
    "FAILOVER_WEBHOOK_SECRET_FILE",
    "X-Hub-Signature-256",
    "GitHub's webhook",
)


class Repository(BaseModel):
    full_name: str


class Push(BaseModel):
    """What is needed of a push."""

    ref: str
    after: str
    repository: Repository


class End(BaseModel):
    """The branch that a pull request comes from, or leads to."""

    ref: str
    repo: Repository | None = None  # None: the fork is gone


class PullRequest(BaseModel):
    number: int
    html_url: str
    body: str | None = None
    merged: bool = False
    merge_commit_sha: str | None = None
    head: End
    base: End


class PullRequestEvent(BaseModel):
    """What is needed of a pull request's event."""

    action: str
    pull_request: PullRequest
    repository: Repository


_DIGEST = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
_PUSH = {"ref": "refs/heads/main", "after": openapi.SHA, "repository": {"full_name": "acme/homelab"}}
_DELIVERY: dict[str, Any] = {
    **openapi.OPEN,  # the signature says who calls
    "parameters": [
        openapi.parameter(
            "header",
            "X-Hub-Signature-256",
            {"type": "string", "examples": [_DIGEST]},
            "The body's HMAC by the shared secret.",
            required=True,
        ),
        openapi.parameter(
            "header", "X-GitHub-Event", {"type": "string", "examples": ["push"]}, "What the delivery is about."
        ),
        openapi.parameter(
            "header", "X-GitHub-Delivery", {"type": "string", "examples": ["72d3162e-cc78-11e3"]}, "The delivery's id."
        ),
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "examples": [_PUSH]}}},
    },
}

router = APIRouter(tags=["hooks"])


@router.post(
    PATH,
    status_code=_NOTHING,
    response_class=Response,
    responses={
        _OK: {"description": "A ping was taken"},
        _NOTHING: {"description": "Taken, or about nothing that concerns us"},
        **openapi.problems(401, 404, 415, is_open=True),
    },
    operation_id="github_hook",
    summary="GitHub's webhook: look again",
    openapi_extra=_DELIVERY,
)
async def github(request: Request) -> Response:
    components: Components = request.app.state.components
    secret = _HOOK.secret(components.settings.webhook_secret_file)
    body = await request.body()
    if not _HOOK.has_signed(secret, body, request.headers.get("x-hub-signature-256", "")):
        _log.warning("webhook refused: its signature is wrong")
        raise _HOOK.refusal
    event = request.headers.get("x-github-event", "")
    if event == "ping":
        return Response(status_code=_OK)
    if event in {"push", "pull_request"}:
        _take(components, event, _parsed(request, body), request.headers.get("x-github-delivery", "")[:64])
    return Response(status_code=_NOTHING)


def _parsed(request: Request, body: bytes) -> Any:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("expected application/json: choose it as the webhook's content type")
    try:
        return parse_json(body)
    except ValueError as exc:
        raise BadRequest("the body is not JSON") from exc


def _take(components: Components, event: str, data: Any, delivery: str) -> None:
    try:
        branch = _of_push(components, data) if event == "push" else _of_pull_request(components, data)
    except ValidationError as exc:
        raise BadRequest(f"the body is not a {event} event of GitHub") from exc
    if branch is not None:
        components.events.publish(BranchMoved(branch))
        _log.info("webhook taken", extra={"about": event, "branch": str(branch), "delivery": delivery})


def _of_push(components: Components, data: Any) -> Branch | None:
    push = Push.model_validate(data)
    branch = _known(components, push.repository.full_name, push.ref.removeprefix(_REF))
    if branch is not None and push.ref.startswith(_REF):
        components.github.forget(branch, push.after)
        return branch
    return None


def _of_pull_request(components: Components, data: Any) -> Branch | None:
    event = PullRequestEvent.model_validate(data)
    pull = event.pull_request
    branch = _known(components, event.repository.full_name, pull.base.ref)
    if branch is None:
        return None
    is_ours = pull.head.repo == event.repository and pull.head.ref.startswith(OWN_BRANCHES)
    if event.action == "closed" and pull.merged and is_ours:
        services = components.catalog.current().services
        records = tuple(record for record in read_records(pull.body or "") if record.service in services)
        url = pull.html_url.rpartition("/pull/")[0]
        commit = f"{url}/commit/{pull.merge_commit_sha}" if url and pull.merge_commit_sha else ""
        components.merges.report(Merged(branch, pull.number, pull.html_url, records, commit))
    return branch


def _known(components: Components, repository: str, name: str) -> Branch | None:
    """The branch of the catalog; GitHub does not tell `Acme` from `acme`."""
    branches = components.catalog.current().branches
    return next((b for b in branches if b.repository.lower() == repository.lower() and b.name == name), None)
