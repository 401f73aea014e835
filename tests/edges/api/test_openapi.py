"""Requests that schemathesis makes up from our own OpenAPI document, against the real app and the sandbox."""

import html
import json
import logging
import platform
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.python import asgi
from schemathesis.specs.openapi import checks

import failover_api
from failover_api.edges.examples import ULID
from failover_api.edges.http.throttle import Throttle
from failover_api.edges.problems import CURES
from failover_api.metrics.counters import slugs
from tests.support.stage import SERVICES, Stage

EXAMPLES = 8  # of each operation and mode
NAMES = {"service": ("sonarr", "plex"), "group": ("media",), "node": ("k3s-w1",), "operation": (ULID,)}
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
    assert len(operations) == 45
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
        case.headers["Authorization"] = "Bearer x"  # the app is open; what is no bearer token is refused all the same
        operation.app.state.throttle = Throttle()  # each request is of another caller: one may look only so often
        response = case.call()
        refused = [] if response.status_code == _PRECONDITION else [checks.negative_data_rejection]
        case.validate_response(response, checks=[*CHECKS, *refused])
        seen[response.status_code] += 1
        assert str(response.status_code) in declared, "not even `default` is needed"

    run()
    return seen


KEYS = {"dry_run", "reason", "force", "supersede", "accept"}
MOVES = {
    "/api/failover/{service}/promote": KEYS,
    "/api/failover/{service}/demote": KEYS,
    "/api/failover/{service}/rollback": KEYS - {"force"},
    "/api/groups/{group}/promote": KEYS | {"skip_refused"},
    "/api/groups/{group}/demote": KEYS | {"skip_refused"},
    "/api/nodes/{node}/evacuate": KEYS | {"skip_refused"},
    "/api/failover/{service}/relocate": {"to", "dry_run", "reason", "accept", "synced"},
    "/api/groups/{group}/relocate": {"to", "dry_run", "reason", "accept", "skip_refused"},
    "/api/nodes/{node}/relocate": {"home", "dry_run", "reason", "accept", "skip_refused"},
}
OPEN = {"/healthz", "/readyz", "/version", "/schema/services.json", "/schema/access.json"}  # no token is needed
BESIDE = OPEN | {"/metrics", "/hooks/github", "/hooks/flux", "/hooks/alertmanager", "/hooks/grafana"}
AUTOMATIC = {
    "/api/automatic",
    "/api/automatic/pauses",
    "/api/automatic/pauses/{id}",
    "/api/automatic/acks",
    "/api/nodes/{node}/attestations",
    "/api/nodes/{node}/attestations/{id}",
}
BODIES = {
    "service": ["OutcomeBody"],
    "group": ["GroupOutcomeBody", "PartedOutcomeBody"],
    "node": ["NodeOutcomeBody", "PartedNodeOutcomeBody"],
}
RELOCATIONS = {"service": ["RelocationBody"], "group": ["GroupRelocationBody"], "node": ["GroupRelocationBody"]}


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
    looking = {
        "/api/failover",
        "/api/failover/{service}",
        "/api/failover/{service}/history",
        "/api/failover/{service}/rollout",
        "/api/groups",
        "/api/nodes",
        "/api/operations/{operation}",
        "/api/failover/{service}/relocate/abort",
        "/api/groups/{group}/relocate/abort",
        "/api/nodes/{node}/relocate/abort",
    }
    assert set(document["paths"]) == looking | set(MOVES) | AUTOMATIC | BESIDE
    for path, keys in MOVES.items():
        kind = next((kind for kind in ("group", "node") if f"{kind}s" in path), "service")
        bodies_of = (RELOCATIONS if "relocate" in path else BODIES)[kind]
        query = {("query", key.replace("dry_run", "dry-run")) for key in keys}
        common = {("path", kind), ("header", "If-Match"), *query}
        get, post = document["paths"][path]["get"], document["paths"][path]["post"]
        assert named(get) == common | {("header", "If-None-Match")}
        assert named(post) == common | {("header", "Idempotency-Key")}
        assert set(post["requestBody"]["content"]["application/json"]["schema"]["properties"]) == keys
        assert {"200", "202", "default"} <= set(post["responses"])
        bodies = [references(one) for one in (get["responses"]["200"], *map(post["responses"].get, ("200", "202")))]
        assert bodies[0] == bodies[1] == bodies[2] == {f"#/components/schemas/{name}" for name in bodies_of}
    assert named(document["paths"]["/api/failover/{service}/history"]["get"]) == {
        ("path", "service"), ("query", "limit"), ("query", "cursor"), ("header", "If-None-Match"),
    }  # fmt: skip
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                assert answer["description"]
                if status == "default" or int(status) >= 400:
                    assert answer["content"].keys() == {"application/problem+json"}, (
                        "the framework's own 422 is our 400"
                    )
    for reference in references(document):
        at: Any = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]


@pytest.fixture
async def document(stage: Stage) -> dict[str, Any]:
    async with stage.client() as client:
        found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


async def test_an_operation_has_a_name_of_its_own_that_is_no_path(document: dict[str, Any]) -> None:
    names = {of: operation["operationId"] for of, operation in operations(document).items()}
    assert len(set(names.values())) == len(names)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) and "_api_" not in name for name in names.values()), names
    assert names["GET /api/failover"] == "list_services"
    assert names["POST /api/failover/{service}/promote"] == "promote"
    tags = {tag["name"] for tag in document["tags"]}
    assert {tag for operation in operations(document).values() for tag in operation["tags"]} == tags
    assert all(operation["summary"] for operation in operations(document).values())


async def test_what_needs_a_token_says_so(document: dict[str, Any], stage: Stage) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["type"] == "http"
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    stage.access_file.write_text("anonymous: none\ntokens: []\n")
    async with stage.client() as client:
        for of, operation in operations(document).items():
            method, path = of.split()
            is_open = path in OPEN | {"/hooks/github", "/hooks/flux"}
            assert operation["security"] == ([] if is_open else [{"bearer": []}]), of
            response = await client.request(
                method, path.format(**{key: one for key, (one, *_) in NAMES.items()}, id="x")
            )
            assert (response.status_code == 401) == (not is_open), of


def schemas_of_values(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str | None]]:
    """Each parameter and each key of a body: where it is, its schema, and what is said of it."""
    for of, operation in operations(document).items():
        for parameter in operation.get("parameters", ()):
            yield f"{of} {parameter['name']}", parameter["schema"], parameter.get("description")
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for name, schema in content["schema"].get("properties", {}).items():
                yield f"{of} {name}", schema, schema.get("description")
    for body, schema in document["components"]["schemas"].items():
        assert schema["description"], body
        for name, value in schema.get("properties", {}).items():
            yield f"{body}.{name}", value, value.get("description")


async def test_every_key_has_a_description_and_an_example_that_fits(document: dict[str, Any]) -> None:
    seen = 0
    for place, schema, description in schemas_of_values(document):
        assert description, place
        whole = {**schema, "components": document["components"]}
        examples = schema.get("examples") or next(one["examples"] for one in schema["anyOf"] if "examples" in one)
        for example in examples:
            jsonschema.Draft202012Validator(whole).validate(example)
        seen += 1
    assert seen > 150


async def test_a_bool_is_a_boolean_and_a_word_is_one_of_an_enum(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for path, keys in MOVES.items():
        for method in ("get", "post"):
            flags = {one["name"]: one["schema"]["type"] for one in document["paths"][path][method]["parameters"]}
            is_flag = {flags[key.replace("dry_run", "dry-run")] for key in keys - {"reason", "accept", "to"}}
            assert is_flag == {"boolean"}
    for place, words in {
        "OutcomeBody.action": ["promote", "demote", "rollback"],
        "OutcomeBody.policy": ["direct", "pull_request"],
        "GroupOutcomeBody.policy": ["direct", "pull_request", "mixed"],
        "OutcomeBody.from": ["primary", "backup", "mixed", "unknown"],
        "StatusBody.side": ["primary", "backup", "mixed", "unknown"],
        "PullRequestBody.state": ["open", "merged", "closed"],
        "HazardBody.severity": ["info", "warn", "stop"],
        "EntryBody.kind": ["failover", "edit"],
        "ProblemBody.outcome": ["not-applied", "unknown"],
    }.items():
        body, _, key = place.partition(".")
        schema = schemas[body]["properties"][key]
        schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        assert schema["enum"] == words, place


@pytest.mark.parametrize("text", ["true", "1", "false", "0"])
async def test_the_text_forms_of_a_bool_are_still_taken(stage: Stage, text: str) -> None:
    async with stage.client() as client:
        answer = await client.post(f"/api/failover/sonarr/promote?dry-run={text}")
        other = await client.post("/api/failover/sonarr/promote?dry-run=yes")
    assert answer.json()["dry_run"] is (text in {"true", "1"})
    assert other.status_code == 400


async def test_the_version_is_told_without_a_token(stage: Stage) -> None:
    stage.access_file.write_text("anonymous: none\ntokens: []\n")
    async with stage.client() as client:
        body = (await client.get("/version")).json()
    assert body == {
        "version": failover_api.__version__,
        "api": ".".join(failover_api.__version__.split(".")[:2]),
        "python": platform.python_version(),
    }


# A problem leads to its cure


async def test_a_problem_s_type_leads_to_what_to_do_about_it(stage: Stage) -> None:
    """Its last word is an anchor of /docs, and the Link header has the URL whole."""
    async with stage.client() as client:
        refused = await client.get("/api/failover/nonesuch")
        page = (await client.get("/docs")).text
    slug = refused.json()["type"].rpartition(":")[2]
    assert refused.headers["link"] == f'</docs#{slug}>; rel="help"'
    assert len(slugs()) > 30
    for slug in slugs():
        section = re.search(rf'<h3 id="{slug}">.*?</section>', page, re.DOTALL)
        assert section, slug
        assert CURES[slug] in html.unescape(section[0])
        assert f"<code>urn:failover-api:problem:{slug}</code>" in section[0]
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


async def test_below_a_path_of_a_proxy_the_link_is_too(stage: Stage) -> None:
    app = stage.app(stage.settings())
    transport = httpx2.ASGITransport(app=app, root_path="/ops")
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://failover.test") as client,
    ):
        response = await client.get("/ops/api/nonesuch")
    assert response.headers["link"] == '</ops/docs#not-found>; rel="help"'
