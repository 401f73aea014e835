"""JSON as it is answered: it ends with a newline, so that a shell's prompt stands below it."""

import json
from typing import Any

from starlette.responses import Response

from failover_api.edges.models.body import Body

MEDIA_TYPE = "application/json"


def json_response(content: Body | dict[str, Any], status: int = 200, *, media_type: str = MEDIA_TYPE) -> Response:
    """A body of ours, or any other JSON object."""
    return Response(json_text(content), status, media_type=media_type)


def json_text(content: Body | dict[str, Any]) -> str:
    """Compact, and in UTF-8."""
    if isinstance(content, Body):
        return f"{content.model_dump_json(by_alias=True)}\n"
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
