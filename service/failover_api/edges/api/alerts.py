"""POST /hooks/alertmanager and /hooks/grafana: alerts testify, or ask for moves, as the catalog's `alerts` says.

Whoever sends them shows a token of access.yaml with `execute`: on the services that an alert would move, and on `"*"`
where it is about a node. What each alert came to is in the answer; Alertmanager and Grafana only look at its status:

    200    all was taken; what is held is held for a reason that does not pass by itself
    503    something is held that passes by itself: they send it again
    4xx    nothing was read or nothing may be done; they do not send it again
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from failover_api.core.access.model import Verb
from failover_api.edges import examples
from failover_api.edges.api import openapi
from failover_api.edges.api.routes import Wired, refuse_foreign_page
from failover_api.edges.bodies.alerts import alerts_body
from failover_api.edges.http.access import Session, Who
from failover_api.edges.http.json_response import json_response
from failover_api.edges.models.alerts import AlertsBody
from failover_api.errors import FailoverError, Forbidden, UnsupportedMediaType
from failover_api.events import AlertTaken
from failover_api.wiring import Components

if TYPE_CHECKING:  # nothing of it is loaded until an alert comes
    from failover_api.automatic.alert_desk import AlertEnd
    from failover_api.core.safety.alerts import Meant

ALERTMANAGER, GRAFANA = "/hooks/alertmanager", "/hooks/grafana"
MAX_BYTES = 1024 * 1024
RETRY_S, MAX_RETRY_S = 30.0, 60.0
_AGAIN = 503
_RESPONSES: openapi.Responses = {
    _AGAIN: {
        "description": "Something is held for now, and should be sent again; the body says what",
        "model": AlertsBody,
    },
    **openapi.problems(409, 415),
}
_BODY: Any = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "examples": [examples.ALERTS_SENT]}}},
    }
}

router = APIRouter(tags=["hooks"])


@router.post(
    ALERTMANAGER,
    response_model=AlertsBody,
    responses=_RESPONSES,
    operation_id="alertmanager_hook",
    summary="Alertmanager's alerts, version 4",
    response_description="What each alert came to",
    openapi_extra=_BODY,
)
async def alertmanager(request: Request, components: Wired, who: Who) -> Response:
    return await _taken(request, components, who, ALERTMANAGER)


@router.post(
    GRAFANA,
    response_model=AlertsBody,
    responses=_RESPONSES,
    operation_id="grafana_hook",
    summary="Grafana's alerts",
    response_description="What each alert came to",
    openapi_extra=_BODY,
)
async def grafana(request: Request, components: Wired, who: Who) -> Response:
    return await _taken(request, components, who, GRAFANA)


async def _taken(request: Request, components: Components, who: Session, hook: str) -> Response:
    from failover_api.core.safety.alerts import ALERTMANAGER_VERSIONS, GRAFANA_VERSIONS, read_body

    refuse_foreign_page(request)
    who.needs_any(Verb.EXECUTE, "alerts")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("expected application/json, as Alertmanager and Grafana send it")
    versions = GRAFANA_VERSIONS if hook == GRAFANA else ALERTMANAGER_VERSIONS
    body = read_body(await request.body(), versions)
    refused: list[FailoverError] = []
    ends = await components.automatic.alert_desk().take(body.alerts, _may(who, refused))
    for end in ends:
        components.events.publish(AlertTaken(end.result.value))
    if refused and all(end.meant is None or end.result == "forbidden" for end in ends):
        raise refused[0]
    return _answer(ends, alerts_body(ends, left_out=body.left_out), components)


def _may(who: Session, refused: list[FailoverError]) -> Callable[["Meant"], bool]:
    """Whether its sender may do what an alert means; where he may not, that is written down, and is in `refused`.

    What it means is not told him: the catalog may name services of which he knows nothing.
    """

    def may(meant: "Meant") -> bool:
        try:
            if meant.node is not None:
                who.needs_everything(Verb.EXECUTE, f"node {meant.node}")
            else:
                what = meant.group or meant.services[0]
                who.needs_every(Verb.EXECUTE, what, meant.services)
        except Forbidden:
            refused.append(Forbidden(f"{who.name} may not do what the catalog says that the alert means"))
            return False
        return True

    return may


def _answer(ends: "Sequence[AlertEnd]", body: AlertsBody, components: Components) -> Response:
    again = [end.held for end in ends if end.is_to_come_again and end.held is not None]
    if not again:
        return json_response(body)
    response = json_response(body, _AGAIN)
    now = components.cluster.clock.now() if components.cluster is not None else time.time()
    waits = [hold.until - now for hold in again if hold.until is not None] or [RETRY_S]
    response.headers["Retry-After"] = str(math.ceil(min(max(1.0, min(waits)), MAX_RETRY_S)))
    response.headers["Connection"] = "close"  # another replica may lead: the next try has to be able to reach it
    return response
