"""Requests that schemathesis makes up from our own OpenAPI document, against the real app and the sandbox."""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.python import asgi
from schemathesis.specs.openapi import checks

from tests.support.stage import SERVICES, Stage

EXAMPLES = 8  # of each operation and mode
NAMES = {"service": ("sonarr", "plex"), "group": ("media",)}
CHECKS = [
    not_a_server_error,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]
_PRECONDITION = 412  # schemathesis does not count it among the refusals


@pytest.fixture
def schema(stage: Stage) -> Iterator[Any]:
    """Our OpenAPI document, and the app that it is of."""
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}")
    yield schemathesis.openapi.from_asgi("/openapi.json", stage.app(stage.settings()))
    asgi.shutdown_lifespans()


@pytest.mark.parametrize(
    ("mode", "reached"),
    [(GenerationMode.POSITIVE, {200, 400, 404, 412}), (GenerationMode.NEGATIVE, {400, 404})],
    ids=["that fit", "that do not"],
)
def test_no_request_of_the_document_breaks_us(
    schema: Any, mode: GenerationMode, reached: set[int], caplog: pytest.LogCaptureFixture
) -> None:
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == 14
    seen: Counter[int] = Counter()
    for operation in operations:
        if mode.is_positive or operation.definition.raw.get("parameters"):  # without any there is nothing to get wrong
            seen += try_out(operation, mode)
    assert reached <= seen.keys(), seen
    assert seen.keys() <= {200, 400, 404, 405, 409, 412, 415, 422}, seen
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def try_out(operation: Any, mode: GenerationMode) -> Counter[int]:
    """Sends what is made up for one operation; gives how often each status came."""
    declared, seen = set(operation.definition.raw["responses"]), Counter[int]()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        for kind in case.path_parameters.keys() & NAMES.keys() if mode.is_positive else ():
            if data.draw(st.booleans()):  # a made-up name is 404, and shows little
                case.path_parameters[kind] = data.draw(st.sampled_from(NAMES[kind]))
        response = case.call()
        refused = [] if response.status_code == _PRECONDITION else [checks.negative_data_rejection]
        case.validate_response(response, checks=[*CHECKS, *refused])
        seen[response.status_code] += 1
        assert str(response.status_code) in declared, "not even `default` is needed"

    run()
    return seen


KEYS = {"dry_run", "reason", "force", "supersede"}
MOVES = {
    "/api/failover/{service}/promote": KEYS,
    "/api/failover/{service}/demote": KEYS,
    "/api/failover/{service}/rollback": KEYS - {"force"},
    "/api/groups/{group}/promote": KEYS | {"skip_refused"},
    "/api/groups/{group}/demote": KEYS | {"skip_refused"},
}
BODIES = {"service": ["OutcomeBody"], "group": ["GroupOutcomeBody", "PartedOutcomeBody"]}


def references(part: Any) -> set[str]:
    return set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(part)))


def named(operation: dict[str, Any]) -> set[tuple[str, str]]:
    return {(parameter["in"], parameter["name"]) for parameter in operation["parameters"]}


async def test_the_openapi_document_tells_the_truth(stage: Stage) -> None:
    async with stage.client() as client:
        response = await client.get("/openapi.json")
        docs = await client.get("/docs")
    document = response.json()
    assert docs.status_code == 200
    assert "text/html" in docs.headers["content-type"]
    assert document["openapi"].startswith("3.1")
    looking = {"/api/failover", "/api/failover/{service}", "/api/failover/{service}/history", "/api/groups"}
    assert set(document["paths"]) == looking | set(MOVES)
    for path, keys in MOVES.items():
        kind = "group" if "groups" in path else "service"
        query = {("query", key.replace("dry_run", "dry-run")) for key in keys}
        common = {("path", kind), ("header", "If-Match"), *query}
        get, post = document["paths"][path]["get"], document["paths"][path]["post"]
        assert named(get) == common | {("header", "If-None-Match")}
        assert named(post) == common | {("header", "Idempotency-Key")}
        assert set(post["requestBody"]["content"]["application/json"]["schema"]["properties"]) == keys
        assert {"200", "202", "default"} <= set(post["responses"])
        bodies = [references(one) for one in (get["responses"]["200"], *map(post["responses"].get, ("200", "202")))]
        assert bodies[0] == bodies[1] == bodies[2] == {f"#/components/schemas/{name}" for name in BODIES[kind]}
    assert named(document["paths"]["/api/failover/{service}/history"]["get"]) == {
        ("path", "service"), ("query", "limit"), ("query", "cursor"), ("header", "If-None-Match"),
    }  # fmt: skip
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if status == "default" or int(status) >= 400:
                    assert answer["content"].keys() == {"application/problem+json"}, (
                        "the framework's own 422 is our 400"
                    )
    for reference in references(document):
        at: Any = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]
