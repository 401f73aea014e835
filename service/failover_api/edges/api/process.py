"""What the process says of itself: that it lives, that it can work, which version it is; and what its files may say.

Without a token: a probe has none, and an editor asks for the schemas.
"""

import platform

from fastapi import APIRouter, Request, Response

import failover_api
from failover_api.core.access.json_schema import access_schema
from failover_api.core.catalog.json_schema import services_schema
from failover_api.edges.api import openapi
from failover_api.edges.http.json_response import json_response
from failover_api.edges.models.process import AliveBody, ReadyBody, VersionBody
from failover_api.edges.targets import components_of

# The first two numbers of the version: while it is 0.x, the second is raised when something is taken away.
API_VERSION = ".".join(failover_api.__version__.split(".")[:2])
_SCHEMA = {"type": "object", "examples": [{"$schema": "https://json-schema.org/draft/2020-12/schema"}]}

router = APIRouter(tags=["process"])


@router.get(
    "/healthz",
    response_model=AliveBody,
    responses=openapi.problems(is_open=True),
    operation_id="healthz",
    summary="Whether the process lives",
    response_description="It does",
    openapi_extra=openapi.OPEN,
)
async def alive() -> Response:
    return json_response(AliveBody(status="alive"))


@router.get(
    "/readyz",
    response_model=ReadyBody,
    responses=openapi.problems(is_open=True),
    operation_id="readyz",
    summary="Whether it can work: the catalog is loaded, and the credentials can be read",
    response_description="It can",
    openapi_extra=openapi.OPEN,
)
async def ready(request: Request) -> Response:
    components = components_of(request)
    components.catalog.current()
    components.credentials.check_readable()
    return json_response(ReadyBody(status="ready"))


@router.get(
    "/version",
    response_model=VersionBody,
    responses=openapi.problems(is_open=True),
    operation_id="version",
    summary="Which version runs",
    response_description="The version",
    openapi_extra=openapi.OPEN,
)
async def version() -> Response:
    body = VersionBody(version=failover_api.__version__, api=API_VERSION, python=platform.python_version())
    return json_response(body)


@router.get(
    "/schema/services.json",
    responses={
        **openapi.content("application/json", _SCHEMA, "JSON Schema of services.yaml"),
        **openapi.problems(is_open=True),
    },
    operation_id="services_schema",
    summary="What services.yaml may say",
    openapi_extra=openapi.OPEN,
)
def services_yaml() -> Response:
    return json_response(services_schema())


@router.get(
    "/schema/access.json",
    responses={
        **openapi.content("application/json", _SCHEMA, "JSON Schema of access.yaml"),
        **openapi.problems(is_open=True),
    },
    operation_id="access_schema",
    summary="What access.yaml may say",
    openapi_extra=openapi.OPEN,
)
def access_yaml() -> Response:
    return json_response(access_schema())
