"""The bodies of the JSON API, shape for shape."""

from typing import Any

import httpx2
import pytest

from tests.support.answers import problem
from tests.support.stage import RELEASE, SONARR, VOLSYNC, Stage, entry

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


def place_of_sonarr(stage: Stage) -> dict[str, Any]:
    return {
        "service": "sonarr",
        "side": "primary",
        "policy": "direct",
        "repository": stage.repository,
        "branch": "main",
        "groups": [],
        "nodes": {"primary": [], "backup": []},
        "switches": SWITCHES,
        "pull_request": None,
        "last_move": None,
        "cluster": None,
        "replication": None,
    }


def status_of_sonarr(stage: Stage) -> dict[str, Any]:
    return {**place_of_sonarr(stage), "hazards_to": [], "hazards_complete": False}


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
        "hazards": [],
        "hazards_complete": False,
        **changes,
    }


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
    assert body["services"][0] == {
        **place_of_sonarr(stage),
        "hazards_to": {"slugs": [], "severity": None},
        "error": None,
    }
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
    assert body == outcome_of_sonarr(stage, dry_run=True, hazards_complete=True)
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
