"""POST /hooks/flux: Flux's notifications make the service look again. Nothing here can move a service.

They come from a Provider of type generic-hmac, which signs the raw body:
https://fluxcd.io/flux/components/notification/providers/#generic-webhook-with-hmac

With no right in the cluster they are what tells of a commit that it was fetched and applied.
"""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, ValidationError

from failover_api.core.rfc3339 import seconds_of
from failover_api.core.untrusted_json import parse_json
from failover_api.core.wording import one_line
from failover_api.edges.api import openapi
from failover_api.edges.api.signed_hook import SignedHook
from failover_api.errors import BadRequest
from failover_api.events import FluxReported
from failover_api.reading.flux_reports import FluxReport
from failover_api.wiring import Components

PATH = "/hooks/flux"
MAX_BYTES = 256 * 1024
MAX_NAME, MAX_MESSAGE = 253, 4000
_NOTHING = 204
_REVISION = "/revision"  # kustomize.toolkit.fluxcd.io/revision, source.toolkit.fluxcd.io/revision
_OF_CHART = "helm.toolkit.fluxcd.io/"  # a release's revision is its chart's version
_log = logging.getLogger(__name__)
_HOOK = SignedHook(
    PATH,
    "FAILOVER_FLUX_EVENTS_SECRET_FILE",
    "X-Signature",
    "Flux's notifications",
)

_Name = Annotated[str, Field(max_length=MAX_NAME)]


class InvolvedObject(BaseModel):
    """What an event is about."""

    kind: _Name
    name: _Name
    namespace: _Name = ""


class FluxEvent(BaseModel):
    """What is needed of an event. https://fluxcd.io/flux/components/notification/events/"""

    involvedObject: InvolvedObject  # noqa: N815 - as Flux writes it
    severity: str = "info"
    timestamp: str = ""
    message: str = ""
    metadata: dict[str, str] | None = None


_SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
_EVENT = {
    "involvedObject": {"kind": "Kustomization", "name": "apps", "namespace": "flux-system"},
    "severity": "info",
    "timestamp": "2026-11-23T04:00:21Z",
    "message": "Deployment/media/sonarr configured",
    "reason": "ReconciliationSucceeded",
    "metadata": {"kustomize.toolkit.fluxcd.io/revision": f"main@sha1:{openapi.SHA}"},
}
_DELIVERY: dict[str, Any] = {
    **openapi.OPEN,  # the signature says who calls
    "parameters": [
        openapi.parameter(
            "header",
            "X-Signature",
            {"type": "string", "examples": [_SIGNATURE]},
            "The body's HMAC by the shared secret.",
            required=True,
        )
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "examples": [_EVENT]}}},
    },
}

router = APIRouter(tags=["hooks"])


@router.post(
    PATH,
    status_code=_NOTHING,
    response_class=Response,
    responses={_NOTHING: {"description": "Taken"}, **openapi.problems(404)},
    operation_id="flux_hook",
    summary="Flux's notifications: look again",
    openapi_extra=_DELIVERY,
)
async def flux(request: Request) -> Response:
    components: Components = request.app.state.components
    secret = _HOOK.secret(components.settings.flux_events_secret_file)
    body = await request.body()
    if not _HOOK.has_signed(secret, body, request.headers.get("x-signature", "")):
        _log.warning("flux event refused: its signature is wrong")
        raise _HOOK.refusal
    report = _report(body)
    components.failover.flux_reports.take(report)
    components.events.publish(FluxReported(report))
    facts = {"about": f"{report.kind} {report.namespace}/{report.name}", "revision": report.revision}
    _log.info("flux event taken", extra=facts)
    return Response(status_code=_NOTHING)


def _report(body: bytes) -> FluxReport:
    try:
        event = FluxEvent.model_validate(parse_json(body))
    except ValidationError as exc:
        raise BadRequest("the body is no event of Flux") from exc
    except ValueError as exc:
        raise BadRequest("the body is not JSON") from exc
    about = event.involvedObject
    return FluxReport(
        kind=one_line(about.kind),
        namespace=one_line(about.namespace),
        name=one_line(about.name),
        revision=_revision(event.metadata or {}),
        at=seconds_of(event.timestamp),
        is_error=event.severity == "error",
        message=one_line(event.message[:MAX_MESSAGE].replace("\n", "; "))[:MAX_MESSAGE],
    )


def _revision(metadata: dict[str, str]) -> str:
    found = (value for key, value in metadata.items() if key.endswith(_REVISION) and not key.startswith(_OF_CHART))
    return one_line(next(found, "")[:MAX_NAME])
