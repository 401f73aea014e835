"""The JSON API, shape for shape: the real app, the real adapter, the sandbox."""

import json
import logging
import re
from typing import Any

import httpx2
import pytest

from failover_api.sandbox import NewFile
from failover_api.sandbox.git.objects import SUBMODULE, Entry
from tests.support.answers import problem
from tests.support.stage import FILES, RELEASE, SONARR, VOLSYNC, Stage, deployment, entry

SWITCHES = [
    {
        "file": SONARR,
        "document": "Deployment media/sonarr",
        "path": "spec.template.spec.nodeSelector.role",
        "line": 12,
        "value": "primary",
        "primary": "primary",
        "backup": "backup",
        "side": "primary",
    },
    {
        "file": SONARR,
        "document": "Deployment media/sonarr",
        "path": "spec.template.spec.volumes[name=config].persistentVolumeClaim.claimName",
        "line": 19,
        "value": "pvc-sonarr",
        "primary": "pvc-sonarr",
        "backup": "pvc-sonarr-backup",
        "side": "primary",
    },
]
DIFF = f"""\
--- a/{SONARR}
+++ b/{SONARR}
@@ -9,11 +9,11 @@
   template:
     spec:
       nodeSelector:
-        role: primary   # which node
+        role: backup   # which node
       containers:
         - name: sonarr
           image: "ghcr.io/home/sonarr:1.0"
       volumes:
         - name: config
           persistentVolumeClaim:
-            claimName: "pvc-sonarr"
+            claimName: "pvc-sonarr-backup"
"""


def status_of_sonarr(stage: Stage) -> dict[str, Any]:
    return {
        "service": "sonarr",
        "side": "primary",
        "policy": "direct",
        "repository": stage.repository,
        "branch": "main",
        "groups": [],
        "switches": SWITCHES,
        "pull_request": None,
        "last_move": None,
    }


def outcome_of_sonarr(stage: Stage, **changes: Any) -> dict[str, Any]:
    made = [
        {key: switch[key] for key in ("file", "document", "path", "line")}
        | {"old": switch["primary"], "new": switch["backup"]}
        for switch in SWITCHES
    ]
    return {
        "service": "sonarr",
        "action": "promote",
        "dry_run": False,
        "policy": "direct",
        "from": "primary",
        "to": "backup",
        "changed": True,
        "changes": made,
        "diff": DIFF,
        "commit": None,
        "pull_request": None,
        "operation": None,
        "warnings": [],
        **changes,
    }


# Shapes


async def test_a_status_has_the_shape_of_the_contract(stage: Stage) -> None:
    async with stage.client() as client:
        response = await client.get("/api/failover/sonarr")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == status_of_sonarr(stage)
    assert response.headers["etag"].startswith('"')


async def test_the_list_has_the_shape_of_the_contract(stage: Stage) -> None:
    async with stage.client() as client:
        body = (await client.get("/api/failover")).json()
    assert body.keys() == {"services", "config_error"}
    assert body["config_error"] is None
    assert [service["service"] for service in body["services"]] == ["sonarr", "radarr", "plex"]
    assert body["services"][0] == {**status_of_sonarr(stage), "error": None}
    assert [switch["value"] for switch in body["services"][2]["switches"]] == ["k3s-w1", "plex", False]


async def test_values_keep_their_type(stage: Stage) -> None:
    sides = {"n": ("1", "0"), "f": ("1.5", "2.5"), "b": ("true", "false"), "s": ("'1'", "'2'"), "t": ("one", "null")}
    stage.declare(
        "  odd:\n    switches:\n"
        + "".join(
            f"      - {{file: apps/odd.yaml, kind: Odd, path: spec.{key},"
            f" primary: {one}, backup: {other}, allow: [type]}}\n"
            for key, (one, other) in sides.items()
        )
    )
    stage.commit({"apps/odd.yaml": "kind: Odd\nspec: {n: 1, f: 1.5, b: true, s: '1', t: null}\n"})
    async with stage.client() as client:
        switches = (await client.get("/api/failover/odd")).json()["switches"]
    assert [(type(switch["value"]), switch["value"]) for switch in switches] == [
        (int, 1), (float, 1.5), (bool, True), (str, "1"), (type(None), None),
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_dry_run_has_the_shape_of_the_contract(stage: Stage, method: str) -> None:
    async with stage.client() as client:
        response = await client.request(method, "/api/failover/sonarr/promote?dry-run=true")
    body = response.json()
    assert response.status_code == 200
    assert "would move" in body.pop("message")
    assert body == outcome_of_sonarr(stage, dry_run=True)
    assert response.headers["etag"].startswith('"')
    assert not stage.writes


async def test_a_move_has_the_shape_of_the_contract(stage: Stage) -> None:
    async with stage.client() as client:
        response = await client.post("/api/failover/sonarr/promote", json={"reason": "k3s-w1 is down"})
    body = response.json()
    assert response.status_code == 200
    commit, operation = body.pop("commit"), body.pop("operation")
    assert "moved from primary to backup" in body.pop("message")
    assert {**body, "commit": None, "operation": None} == outcome_of_sonarr(stage)
    assert commit == {"sha": stage.sandbox.head(repository=stage.repository), "url": commit["url"], "verified": False}
    assert commit["url"].endswith(f"/{stage.repository}/commit/{commit['sha']}")
    assert httpx2.URL(commit["url"]).is_absolute_url
    assert len(operation) == 26
    assert f"Failover-Operation: {operation}" in stage.messages[0]
    assert "etag" not in response.headers, "the manifests are others now"


async def test_an_apps_commit_is_verified(stage: Stage) -> None:
    async with stage.client(stage.app_settings()) as client:
        one = (await client.post("/api/failover/sonarr/promote")).json()
        several = (await client.post("/api/failover/plex/promote")).json()
    assert one["commit"]["verified"] is True
    assert several["commit"]["verified"] is True
    assert [change["file"] for change in several["changes"]] == [RELEASE, RELEASE, VOLSYNC]


async def test_already_there_is_200_without_a_commit(stage: Stage) -> None:
    async with stage.client() as client:
        response = await client.post("/api/failover/sonarr/demote")
    body = response.json()
    assert response.status_code == 200
    assert "already on primary" in body.pop("message")
    assert body == outcome_of_sonarr(stage, action="demote", to="primary", changed=False, changes=[], diff="")
    assert not stage.writes


async def test_a_body_may_ask_for_a_dry_run(stage: Stage) -> None:
    async with stage.client() as client:
        for wish in ({"dry_run": True}, {"dry-run": True}, {"dry_run": 1}):
            assert (await client.post("/api/failover/sonarr/promote", json=wish)).json()["dry_run"] is True
        for query in ("dry-run=true", "dry_run=true", "dry-run=1"):
            assert (await client.post(f"/api/failover/sonarr/promote?{query}")).json()["dry_run"] is True
    assert not stage.writes


async def test_force_moves_a_drifted_service(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: maintenance")
    async with stage.client() as client:
        refused = await client.post("/api/failover/sonarr/promote")
        detail = problem(refused, "manifest-drifted", 409)["detail"]
        for word in (f"{SONARR}:12", "maintenance", "primary", "backup"):
            assert word in detail
        body = (await client.post("/api/failover/sonarr/promote?force=true")).json()
    assert (body["from"], body["changed"]) == ("unknown", True)


async def test_a_drifted_service_is_unknown_and_shown(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: maintenance")
    async with stage.client() as client:
        body = (await client.get("/api/failover/sonarr")).json()
    assert body["side"] == "unknown"
    assert [switch["side"] for switch in body["switches"]] == ["unknown", "primary"]


async def test_a_service_that_cannot_be_read_does_not_hide_the_others(stage: Stage) -> None:
    stage.declare(entry("sonarr") + entry("gone", "media", "path: apps/gone.yaml"))
    async with stage.client() as client:
        listed = await client.get("/api/failover")
        alone = problem(await client.get("/api/failover/gone"), "manifest-not-found", 422)
    assert listed.status_code == 200
    sonarr, gone = listed.json()["services"]
    assert sonarr["error"] is None
    assert (gone["side"], gone["switches"], gone["pull_request"]) == ("unknown", [], None)
    assert gone["error"]["type"] == alone["type"]
    assert gone["error"]["detail"] == alone["detail"]
    assert gone["error"].keys() >= {"type", "title", "status", "detail"}


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


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/failover/sonarr/promote", "GET, POST"),
        ("DELETE", "/api/failover/sonarr/promote", "GET, POST"),
        ("PATCH", "/api/failover/sonarr/demote", "GET, POST"),
        ("HEAD", "/api/failover/sonarr/promote", "GET, POST"),
        ("OPTIONS", "/api/failover/sonarr/promote", "GET, POST"),
        ("TRACE", "/api/failover/sonarr/promote", "GET, POST"),
        ("PROPFIND", "/api/failover/sonarr/promote", "GET, POST"),
        ("PUT", "/api/failover/sonarr/rollback", "GET, POST"),
        ("DELETE", "/api/groups/all/promote", "GET, POST"),
        ("POST", "/api/failover/sonarr/history", "GET"),
        ("POST", "/api/failover/sonarr", "GET"),
        ("DELETE", "/api/failover/sonarr", "GET"),
        ("POST", "/api/failover", "GET"),
        ("HEAD", "/api/failover/sonarr", "GET"),
        ("HEAD", "/api/failover", "GET"),
        ("POST", "/healthz", "GET, HEAD"),
        ("PUT", "/readyz", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_other_methods_are_405_and_say_which_are_allowed(
    stage: Stage, method: str, path: str, allow: str
) -> None:
    async with stage.client() as client:
        response = await client.request(method, path)
    if method == "HEAD":
        assert response.status_code == 405
    else:
        problem(response, "method-not-allowed", 405)
    assert response.headers["allow"] == allow


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/failover/", "/api/failover/sonarr/", "/api/failover/sonarr/explode",
             "/api/groups", "/api/groups/all", "/api/groups/all/rollback", "/api/groups/all/history",
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


@pytest.mark.parametrize("site", ["same-origin", "none", None])
async def test_an_own_page_a_person_and_a_program_may_move(stage: Stage, site: str | None) -> None:
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    async with stage.client() as client:
        shown = await client.get("/api/failover/sonarr/promote?dry-run=true", headers=headers)
        done = await client.post("/api/failover/sonarr/promote", headers=headers)
    assert (shown.status_code, done.status_code) == (200, 200)
    assert len(stage.moves) == 1


# ETags


async def test_if_none_match_gives_304(stage: Stage) -> None:
    async with stage.client() as client:
        for path in ("/api/failover/sonarr", "/api/failover/plex/promote?dry-run=true"):
            etag = (await client.get(path)).headers["etag"]
            for header in (etag, f'"other", {etag}', f"W/{etag}", "*"):
                again = await client.get(path, headers={"If-None-Match": header})
                assert (again.status_code, again.headers["etag"], again.content) == (304, etag, b"")
            assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200
        etag = (await client.get("/api/failover/sonarr")).headers["etag"]
        stage.replace(SONARR, "role: primary", "role: backup")
        changed = await client.get("/api/failover/sonarr", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


@pytest.mark.parametrize("name", ["sonarr", "plex"])
@pytest.mark.parametrize(
    ("method", "below"), [("GET", ""), ("GET", "/promote?dry-run=true"), ("POST", "/promote?dry-run=true")]
)
async def test_if_match_takes_the_etag_of_a_status_and_of_either_dry_run(
    stage: Stage, name: str, method: str, below: str
) -> None:
    async with stage.client() as client:
        etag = (await client.request(method, f"/api/failover/{name}{below}")).headers["etag"]
        stage.commit({"README.md": "a person's other work\n"})
        done = await client.post(f"/api/failover/{name}/promote", headers={"If-Match": etag})
        assert done.json()["changed"] is True
        again = await client.post(f"/api/failover/{name}/demote", headers={"If-Match": etag})
    problem(again, "precondition-failed", 412)
    assert len(stage.moves) == 1


async def test_a_change_since_the_dry_run_is_412_also_between_check_and_write(stage: Stage) -> None:
    async with stage.client() as client:
        etag = (await client.get("/api/failover/sonarr/promote?dry-run=true")).headers["etag"]
        stage.before_write(lambda: stage.commit({SONARR: FILES[SONARR] + b"# in between\n"}))
        problem(
            await client.post("/api/failover/sonarr/promote", headers={"If-Match": etag}), "precondition-failed", 412
        )
        problem(
            await client.get("/api/failover/sonarr/promote?dry-run=1", headers={"If-Match": etag}),
            "precondition-failed",
            412,
        )
    assert not stage.moves


@pytest.mark.parametrize(
    "header", ["", "x", '"x"', "null", '""', 'w/"{etag}"', "{etag}x", '"{etag}", bad', "{bare}",
               '"' + "a" * 9000 + '"', "'{bare}'", '"..", ".."']
)  # fmt: skip
async def test_a_malformed_if_match_is_412(stage: Stage, header: str) -> None:
    async with stage.client() as client:
        etag = (await client.get("/api/failover/sonarr")).headers["etag"]
        given = header.replace('"{etag}"', etag).replace("{etag}", etag).replace("{bare}", etag.strip('"'))
        response = await client.post("/api/failover/sonarr/promote", headers={"If-Match": given})
    problem(response, "precondition-failed", 412)
    assert not stage.writes


@pytest.mark.parametrize("form", ["W/{etag}", '{bare}-gzip"', 'W/{bare}-gzip"', '{bare};br"', '{bare}--gzip"'])
async def test_what_a_proxy_that_compresses_makes_of_an_etag_is_taken(stage: Stage, form: str) -> None:
    async with stage.client() as client:
        etag = (await client.get("/api/failover/sonarr")).headers["etag"]
        given = form.format(etag=etag, bare=etag.removesuffix('"'))
        same = await client.get("/api/failover/sonarr", headers={"If-None-Match": given})
        assert (same.status_code, same.headers["etag"]) == (304, etag)
        moved = await client.post("/api/failover/sonarr/promote", headers={"If-Match": given})
        assert (moved.status_code, moved.json()["changed"]) == (200, True)
        again = await client.post("/api/failover/sonarr/demote", headers={"If-Match": given})
        problem(again, "precondition-failed", 412)


async def test_any_of_several_if_match_etags_will_do(stage: Stage) -> None:
    async with stage.client() as client:
        etag = (await client.get("/api/failover/sonarr")).headers["etag"]
        stale = f'"{"0" * 32}.{"0" * 16}"'
        assert (await client.post("/api/failover/sonarr/promote", headers={"If-Match": f"{stale}, {etag}"})).is_success
        assert (await client.post("/api/failover/sonarr/demote", headers={"If-Match": "*"})).is_success


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


# OpenAPI

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
    looking = {"/api/failover", "/api/failover/{service}", "/api/failover/{service}/history"}
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
