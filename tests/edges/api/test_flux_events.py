"""Flux's notifications: signed, they make us look again, and tell what was fetched and applied."""

import hashlib
import hmac
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from failover_api.edges.api.flux_events import MAX_BYTES
from tests.support.answers import problem
from tests.support.stage import Stage

SECRET = "flux-geheim"
AT = ""  # after any commit of a test, and not so far ahead that a clock must be wrong


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 120))
    monkeypatch.setattr(sys.modules[__name__], "AT", later)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "flux"
    file.write_text(f"{SECRET}\n", encoding="ascii")
    return file


@pytest.fixture
async def client(stage: Stage, secret_file: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with stage.client(flux_events_secret_file=secret_file) as made:
        yield made


async def deliver(client: httpx2.AsyncClient, data: object, *, secret: str = SECRET, **headers: str) -> httpx2.Response:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    sent = {"content-type": "application/json", "x-signature": f"sha256={signed}", **headers}
    return await client.post("/hooks/flux", content=body, headers={name: text.encode() for name, text in sent.items()})


def event(kind: str, name: str, revision: str, **changes: Any) -> dict[str, Any]:
    group = "kustomize" if kind == "Kustomization" else "source"
    plain = {
        "involvedObject": {"apiVersion": "v1", "kind": kind, "name": name, "namespace": "flux-system", "uid": "u"},
        "severity": "info",
        "timestamp": AT,
        "message": "stored artifact",
        "reason": "NewArtifact",
        "reportingController": f"{group}-controller",
        "metadata": {f"{group}.toolkit.fluxcd.io/revision": f"main@sha1:{revision}"},
    }
    return {**plain, **changes}


async def steps(client: httpx2.AsyncClient) -> dict[str, tuple[str | None, str]]:
    body = (await client.get("/api/failover/sonarr/rollout")).json()
    return {step["name"]: (step["at"], step["detail"]) for step in body["steps"]}


async def test_without_rights_in_the_cluster_it_tells_fetched_and_applied(client: httpx2.AsyncClient) -> None:
    sha = (await client.post("/api/failover/sonarr/promote")).json()["commit"]["sha"]
    assert (await steps(client))["fetched"] == (None, "not seen from here")
    assert (await deliver(client, event("GitRepository", "flux-system", sha))).status_code == 204
    assert (await steps(client))["fetched"] == (AT, "")
    assert (await steps(client))["applied"] == (None, "not seen from here")
    message = "Deployment/media/sonarr configured\nService/media/sonarr unchanged"
    await deliver(client, event("Kustomization", "apps", sha, message=message))
    found = await steps(client)
    assert (found["applied"], found["ready"]) == ((AT, ""), (None, "not seen from here"))


async def test_a_later_revision_has_the_commit_too(stage: Stage, client: httpx2.AsyncClient) -> None:
    await client.post("/api/failover/sonarr/promote")
    await deliver(client, event("Kustomization", "apps", stage.commit({"README.md": "# later\n"})))
    assert (await steps(client))["applied"][0] == AT


async def test_an_earlier_revision_has_not(stage: Stage, client: httpx2.AsyncClient) -> None:
    before = stage.sandbox.head(repository=stage.repository)
    await client.post("/api/failover/sonarr/promote")
    await deliver(client, event("Kustomization", "apps", before))
    assert (await steps(client))["applied"] == (None, f"at {before[:12]}")


async def test_of_several_kustomizations_the_one_that_applies_the_service_counts(client: httpx2.AsyncClient) -> None:
    sha = (await client.post("/api/failover/sonarr/promote")).json()["commit"]["sha"]
    await deliver(client, event("Kustomization", "infra", sha))
    await deliver(client, event("Kustomization", "other", sha))
    assert (await steps(client))["applied"] == (None, "not seen from here")
    await deliver(client, event("Kustomization", "apps", sha, message="Deployment/media/sonarr configured"))
    assert (await steps(client))["applied"] == (AT, "")


async def test_an_error_is_told(client: httpx2.AsyncClient) -> None:
    sha = (await client.post("/api/failover/sonarr/promote")).json()["commit"]["sha"]
    failed = event("Kustomization", "apps", sha, severity="error", message="dry-run failed:\nForbidden\u202e")
    await deliver(client, failed)
    assert (await steps(client))["applied"] == (None, "dry-run failed:; Forbidden\\u202e")


async def test_an_event_that_comes_late_changes_nothing(client: httpx2.AsyncClient) -> None:
    sha = (await client.post("/api/failover/sonarr/promote")).json()["commit"]["sha"]
    await deliver(client, event("Kustomization", "apps", sha))
    await deliver(client, event("Kustomization", "apps", "0" * 40, timestamp="2026-01-01T00:00:00Z"))
    assert (await steps(client))["applied"] == (AT, "")


async def test_a_release_says_nothing_of_a_commit(client: httpx2.AsyncClient) -> None:
    await client.post("/api/failover/sonarr/promote")
    release = event("HelmRelease", "sonarr", "", metadata={"helm.toolkit.fluxcd.io/revision": "3.2.1"})
    assert (await deliver(client, release)).status_code == 204
    assert (await steps(client))["applied"] == (None, "not seen from here")


async def test_a_wrong_signature_is_401_whatever_the_body(client: httpx2.AsyncClient) -> None:
    for response in (
        await deliver(client, event("Kustomization", "apps", "0" * 40), secret="wrong"),
        await deliver(client, b"garbage", secret="wrong"),
        await deliver(client, {}, **{"x-signature": "sha1=00"}),
        await client.post("/hooks/flux", content=b"{}"),
    ):
        problem(response, "unauthenticated", 401)


async def test_without_a_secret_there_is_no_such_hook(stage: Stage) -> None:
    async with stage.client() as client:
        problem(await deliver(client, {}), "not-found", 404)


async def test_an_empty_secret_signs_nothing(stage: Stage, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n", encoding="ascii")
    async with stage.client(flux_events_secret_file=empty) as client:
        problem(await deliver(client, {}, secret=""), "not-ready", 503)


@pytest.mark.parametrize(
    "body", [b"", b"garbage", b"[]", b"{}", b'{"involvedObject": {}}', b'{"involvedObject": 1}', b"\xff", b"[" * 9999]
)
async def test_garbage_is_400(client: httpx2.AsyncClient, body: bytes) -> None:
    problem(await deliver(client, body), "bad-request", 400)


async def test_a_large_body_is_413(client: httpx2.AsyncClient) -> None:
    problem(await deliver(client, b" " * (MAX_BYTES + 1)), "body-too-large", 413)


async def test_a_callers_token_is_not_needed_and_moves_nothing(stage: Stage, client: httpx2.AsyncClient) -> None:
    await deliver(client, event("Kustomization", "apps", "0" * 40))
    assert not stage.writes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(data=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.sampled_from(["involvedObject", "kind", "name", "metadata", "timestamp", "message"]), of)))  # fmt: skip  # noqa: E501
async def test_no_event_breaks_us(client: httpx2.AsyncClient, data: object) -> None:
    assert (await deliver(client, data)).status_code in {204, 400}


@pytest.mark.parametrize(
    "at", ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "NaN"]
)
async def test_a_time_that_no_calendar_shows_is_absent(client: httpx2.AsyncClient, at: str) -> None:
    sha = (await client.post("/api/failover/sonarr/promote")).json()["commit"]["sha"]
    assert (await deliver(client, event("Kustomization", "apps", sha, timestamp=at))).status_code == 204
    assert "2020" < str((await steps(client))["applied"][0]) < "2100"
