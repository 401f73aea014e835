"""The JSON API: where it is asked, and what an answer has to have, whatever it says."""

from collections.abc import Mapping
from typing import Any

import httpx2

from failover_api.edges.http.hardening import SECURITY_HEADERS

STATUS = "/api/failover/sonarr"
PROMOTE, ROLLBACK, HISTORY = f"{STATUS}/promote", f"{STATUS}/rollback", f"{STATUS}/history"

PROBLEM_KEYS = {"type", "title", "status", "detail", "instance", "outcome"}
REFUSED_KEYS = {"service", "type", "title", "detail", "hazards"}


def problem(response: httpx2.Response, slug: str, status: int) -> dict[str, Any]:
    """The problem object, after everything that holds for each has been checked."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["type"]) == (status, f"urn:failover-api:problem:{slug}"), body
    assert response.headers["content-type"] == "application/problem+json"
    unsafe = {"hazards", "changes", "diff", "message"} if slug == "unsafe-move" else set()
    assert body.keys() - {"refused"} == PROBLEM_KEYS | unsafe
    for one in body.get("refused", ()):
        assert one.keys() == REFUSED_KEYS
    if "refused" in body:
        assert body["refused"][0]["type"] == body["type"]
    assert body["status"] == status
    assert body["instance"] == response.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]
    assert body["outcome"] == ("unknown" if slug in {"outcome-unknown", "internal-error"} else "not-applied")
    if status == 503:
        assert int(response.headers["retry-after"]) >= 1
    return body


def is_guarded(headers: Mapping[str, str]) -> bool:
    return all(headers[name.lower()] == value for name, value in SECURITY_HEADERS.items())
