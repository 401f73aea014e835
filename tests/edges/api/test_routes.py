"""The routes of the JSON API: methods, URLs, request ids, readiness and what is refused."""

import logging
from typing import Any

import httpx2
import pytest

from failover_api.sandbox import NewFile
from failover_api.sandbox.git.objects import SUBMODULE, Entry
from tests.support.answers import problem
from tests.support.stage import SONARR, Stage, deployment, entry

# GET without dry-run, other methods, unknown URLs


@pytest.mark.parametrize(
    "path", ["failover/sonarr/promote", "failover/sonarr/demote", "failover/sonarr/rollback", "groups/all/promote"]
)
@pytest.mark.parametrize("query", ["", "?dry-run=false", "?dry_run=0", "?reason=x", "?supersede=true"])
async def test_get_without_dry_run_is_405(stage: Stage, path: str, query: str) -> None:
    async with stage.client() as client:
        response = await client.get(f"/api/{path}{query}")
    problem(response, "method-not-allowed", 405)
    assert response.headers["allow"] == "POST"
    assert not stage.requests


BOTH, READ = "GET, HEAD, OPTIONS, POST", "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/failover/sonarr/promote", BOTH),
        ("DELETE", "/api/failover/sonarr/promote", BOTH),
        ("PATCH", "/api/failover/sonarr/demote", BOTH),
        ("TRACE", "/api/failover/sonarr/promote", BOTH),
        ("PROPFIND", "/api/failover/sonarr/promote", BOTH),
        ("PUT", "/api/failover/sonarr/rollback", BOTH),
        ("DELETE", "/api/groups/all/promote", BOTH),
        ("POST", "/api/failover/sonarr/history", READ),
        ("POST", "/api/failover/sonarr", READ),
        ("DELETE", "/api/failover/sonarr", READ),
        ("POST", "/api/failover", READ),
        ("POST", "/healthz", READ),
        ("PUT", "/readyz", READ),
        ("POST", "/openapi.json", READ),
    ],
)
async def test_other_methods_are_405_and_say_which_are_allowed(
    stage: Stage, method: str, path: str, allow: str
) -> None:
    async with stage.client() as client:
        response = await client.request(method, path)
    problem(response, "method-not-allowed", 405)
    assert response.headers["allow"] == allow


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/failover/", "/api/failover/sonarr/", "/api/failover/sonarr/explode",
             "/api/groups/", "/api/groups/all", "/api/groups/all/rollback", "/api/groups/all/history",
             "/api/failover/sonarr/history/", "/api/failover/sonarr/promote/", "/api/failover/sonarr/promote/x",
             "//api/failover", "/API/failover",
             "/favicon.ico", "/.env", "/api/failover/..%2f..%2fetc%2fpasswd"]
)  # fmt: skip
async def test_an_unknown_url_is_a_problem(stage: Stage, path: str) -> None:
    async with stage.client() as client:
        problem(await client.get(path), "not-found", 404)


# Pages of other sites


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("method", "query"), [("POST", ""), ("POST", "?dry-run=true"), ("GET", "?dry-run=true"), ("GET", "")]
)
async def test_a_page_of_another_site_may_not_move(stage: Stage, site: str, method: str, query: str) -> None:
    async with stage.client() as client:
        for path in ("failover/sonarr/promote", "failover/sonarr/demote", "failover/sonarr/rollback",
                     "groups/all/promote", "groups/all/demote"):  # fmt: skip
            url = f"/api/{path}{query}"
            problem(await client.request(method, url, headers={"Sec-Fetch-Site": site}), "forbidden", 403)
    assert not stage.requests


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://failover.test.evil.example"])
async def test_a_page_whose_browser_says_no_more_than_its_origin_may_not_move(stage: Stage, origin: str) -> None:
    async with stage.client() as client:
        for path in ("failover/sonarr/promote", "groups/all/demote"):
            refused = problem(await client.post(f"/api/{path}", headers={"Origin": origin}), "forbidden", 403)
            assert refused["detail"] == "the request comes from a page of another site"
    assert not stage.requests


@pytest.mark.parametrize("own", [{}, {"Authorization": "Bearer x", "Origin": "http://tool.example"}])
async def test_an_own_origin_or_a_token_may_move(stage: Stage, own: dict[str, str]) -> None:
    async with stage.client() as client:
        origin = f"{client.base_url.scheme}://{client.base_url.netloc.decode()}"
        done = await client.post("/api/failover/sonarr/promote", headers={"Origin": origin, **own})
    assert done.status_code == 200
    assert len(stage.moves) == 1


@pytest.mark.parametrize("site", ["same-origin", "none", None])
async def test_an_own_page_a_person_and_a_program_may_move(stage: Stage, site: str | None) -> None:
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    async with stage.client() as client:
        shown = await client.get("/api/failover/sonarr/promote?dry-run=true", headers=headers)
        done = await client.post("/api/failover/sonarr/promote", headers=headers)
    assert (shown.status_code, done.status_code) == (200, 200)
    assert len(stage.moves) == 1


# Request ids


@pytest.mark.parametrize("given", ["abc-123", "01JD:x.y_z", "a" * 128])
async def test_a_request_id_is_kept(stage: Stage, given: str) -> None:
    async with stage.client() as client:
        response = await client.get("/api/failover/nosuch", headers={"X-Request-ID": given})
    assert problem(response, "unknown-service", 404)["instance"] == given


@pytest.mark.parametrize("given", [None, "", "a b", "a" * 129, "x\ty", 'a"b', "ünï".encode(), "a;b", "<script>"])
async def test_a_hostile_or_missing_request_id_is_replaced(stage: Stage, given: Any) -> None:
    async with stage.client() as client:
        headers = {} if given is None else {"X-Request-ID": given}
        response = await client.get("/api/failover/nosuch", headers=headers)
        plain = await client.get("/healthz", headers=headers)
    assert len(problem(response, "unknown-service", 404)["instance"]) == 26
    assert len(plain.headers["x-request-id"]) == 26


# Health, readiness, the catalog


async def test_health_and_the_list_live_through_an_outage(stage: Stage) -> None:
    async with stage.client() as client:
        assert (await client.get("/api/failover/sonarr")).is_success
        stage.fault("status", status=503, times=None)
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        listed = await client.get("/api/failover")
        problem(await client.get("/api/failover/sonarr"), "github-unavailable", 503)
        problem(await client.post("/api/failover/sonarr/demote"), "github-unavailable", 503)
    assert listed.status_code == 200
    assert {service["error"]["status"] for service in listed.json()["services"]} == {503}


async def test_ready_says_what_is_missing(stage: Stage) -> None:
    async with stage.client() as client:
        assert (await client.get("/readyz")).status_code == 200
    async with stage.client(github_token=None) as client:
        assert "FAILOVER_GITHUB_TOKEN" in problem(await client.get("/readyz"), "not-ready", 503)["detail"]
        assert (await client.get("/healthz")).status_code == 200
    async with stage.client(stage.app_settings(github_private_key_file=stage.folder / "no.pem")) as client:
        assert "no.pem" in problem(await client.get("/readyz"), "not-ready", 503)["detail"]
    stage.catalog_file.unlink()
    async with stage.client() as client:
        assert "services.yaml" in problem(await client.get("/readyz"), "not-ready", 503)["detail"]
        problem(await client.get("/api/failover"), "not-ready", 503)
        problem(await client.post("/api/failover/sonarr/promote"), "not-ready", 503)
        assert (await client.get("/healthz")).status_code == 200


async def test_a_probe_may_ask_with_head(stage: Stage) -> None:
    async with stage.client() as client:
        for path in ("/healthz", "/readyz"):
            assert (await client.head(path)).status_code == 200
    async with stage.client(github_token=None) as client:
        assert (await client.head("/healthz")).status_code == 200
        assert (await client.head("/readyz")).status_code == 503


async def test_a_bad_reload_is_shown_and_replaces_nothing(stage: Stage) -> None:
    app = stage.app()
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://failover.test") as client,
    ):
        stage.declare(entry("sonarr").replace("deployment:", "deploiment:"))
        app.state.components.catalog.reload()
        body = (await client.get("/api/failover")).json()
        assert (await client.get("/readyz")).status_code == 200
        stage.declare(entry("sonarr"))
        app.state.components.catalog.reload()
        mended = (await client.get("/api/failover")).json()
    assert [service["service"] for service in body["services"]] == ["sonarr", "radarr", "plex"]
    assert body["config_error"].startswith(f"{stage.catalog_file}:")
    assert "deploiment" in body["config_error"]
    assert mended["config_error"] is None
    assert [service["service"] for service in mended["services"]] == ["sonarr"]


# Manifests nobody should edit

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(b)}: &{chr(b)} [{','.join('*' + chr(b - 1) for _ in range(9))}]\n" for b in range(98, 110)
)
ODD: dict[str, Any] = {
    "directory": {"apps/x.yaml/deployment.yaml": deployment("x")},
    "symlink": "symlink",
    "submodule": "submodule",
    "not-utf8": {"apps/x.yaml": deployment("x").encode("utf-16")},
    "latin-1": {"apps/x.yaml": deployment("x").encode() + b"# \xe9\n"},
    "too-large": {"apps/x.yaml": deployment("x") + "#" * 1024 * 1024},
    "bomb": {"apps/x.yaml": deployment("x") + "---\n" + BOMB},
    "not-yaml": {"apps/x.yaml": deployment("x") + "\t}"},
    "deep": {"apps/x.yaml": deployment("x") + "---\n" + "[" * 5000},
    "duplicate-key": {
        "apps/x.yaml": deployment("x").replace("    spec:", "    spec:\n      nodeSelector: {role: primary}")
    },
    "alias-in-the-way": {
        "apps/x.yaml": "base: &b {role: primary}\n"
        + deployment("x").replace("nodeSelector:\n        role: primary", "nodeSelector: *b")
    },
}


@pytest.mark.parametrize("odd", ODD)
async def test_a_manifest_that_cannot_be_edited_is_422(stage: Stage, odd: str) -> None:
    stage.declare(entry("sonarr") + entry("x", "media", "path: apps/x.yaml"))
    match ODD[odd]:
        case "symlink":
            stage.commit({"apps/x.yaml": NewFile(b"media/sonarr/deployment.yaml", 0o120000)})
        case "submodule":
            stage.commit({"apps/x.yaml": Entry(SUBMODULE, "1" * 40)})
        case files:
            stage.commit(files)
    async with stage.client() as client:
        for method, path in (("GET", ""), ("GET", "/promote?dry-run=true"), ("POST", "/promote"), ("POST", "/demote")):
            body = problem(await client.request(method, f"/api/failover/x{path}"), "manifest-invalid", 422)
            assert "apps/x.yaml" in body["detail"]
        listed = (await client.get("/api/failover")).json()["services"]
    assert [service["error"] is None for service in listed] == [True, False]
    assert not stage.writes


async def test_a_switch_that_is_not_there_names_how_far_the_path_led(stage: Stage) -> None:
    stage.declare(entry("sonarr").replace("backup_node_label", "node_label_key: zone\n    backup_node_label"))
    async with stage.client() as client:
        body = problem(await client.post("/api/failover/sonarr/promote"), "switch-not-found", 422)
    assert f"{SONARR}:" in body["detail"]
    assert "nodeSelector" in body["detail"]


# Defects


async def test_a_defect_is_500_without_details_and_logged_with_its_id(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    app = stage.app()
    transport = httpx2.ASGITransport(app=app)

    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("the secret is hunter2")

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://failover.test") as client,
    ):
        app.state.components = Broken()
        response = await client.get("/api/failover/sonarr", headers={"X-Request-ID": "find-me"})
        body = problem(response, "internal-error", 500)
    assert "hunter2" not in response.text
    assert body["instance"] == "find-me"
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert "hunter2" in str(record.exc_info[1])
