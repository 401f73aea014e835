"""GitHub's webhook: signed, it makes us look again; it can never move anything."""

import contextlib
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from failover_api.core.planning.request import Provenance
from failover_api.core.text.trailers import Record, write_trailers
from failover_api.edges.api.webhooks import MAX_BYTES
from failover_api.events import BranchMoved, Merged
from failover_api.wiring import Components
from tests.support.receivers import put
from tests.support.stage import RELEASE, SERVICES, SONARR, Stage

SECRET = "geheim-webhook"
SHA = "a" * 40


class Hook:
    """GitHub, as it delivers."""

    def __init__(self, client: httpx2.AsyncClient, components: Components, stage: Stage) -> None:
        self.client, self.components, self.stage = client, components, stage
        self.merged: list[Merged] = []
        self.moved: list[BranchMoved] = []
        components.events.subscribe(Merged, self.merged.append)
        components.events.subscribe(BranchMoved, self.moved.append)

    async def deliver(self, event: str, data: object, *, secret: str = SECRET, **headers: str) -> httpx2.Response:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        sent = {
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            "x-hub-signature-256": f"sha256={signed}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        raw = {name: value.encode("latin-1") for name, value in sent.items()}
        return await self.client.post("/hooks/github", content=body, headers=raw)

    def push(self, branch: str = "refs/heads/main", repository: str | None = None, after: str = SHA) -> dict[str, Any]:
        return {"ref": branch, "after": after, "repository": {"full_name": repository or self.stage.repository}}

    def pull(self, *, action: str = "closed", merged: bool = True, **changes: Any) -> dict[str, Any]:
        here = {"full_name": self.stage.repository}
        record = Record("sonarr", "promote", "primary", "backup", Provenance("OP", "maria", "", "w1 is down"))
        pull_request = {
            "number": 12,
            "html_url": f"https://github.test/{self.stage.repository}/pull/12",
            "body": f"Moves sonarr.\n\n{write_trailers([record])}",
            "merged": merged,
            "merge_commit_sha": SHA,
            "head": {"ref": "failover/sonarr", "repo": here},
            "base": {"ref": "main", "repo": here},
            **changes,
        }
        return {"action": action, "pull_request": pull_request, "repository": here}


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "webhook"
    file.write_text(f"{SECRET}\n")
    return file


@contextlib.asynccontextmanager
async def hooked(stage: Stage, secret_file: Path) -> AsyncIterator[Hook]:
    async with stage.client(webhook_secret_file=secret_file) as client:
        app: Any = client._transport.app
        yield Hook(client, app.state.components, stage)


@pytest.fixture
async def hook(stage: Stage, secret_file: Path) -> AsyncIterator[Hook]:
    async with hooked(stage, secret_file) as made:
        yield made


async def test_without_a_secret_there_is_no_webhook(stage: Stage) -> None:
    async with stage.client() as client:
        response = await client.post("/hooks/github", content=b"{}")
    assert response.status_code == 404
    assert response.json()["type"] == "urn:failover-api:problem:not-found"


async def test_a_ping_is_answered(hook: Hook) -> None:
    assert (await hook.deliver("ping", {"zen": "Keep it logically awesome."})).status_code == 200
    assert hook.moved == []


async def test_a_push_makes_the_board_look_again(hook: Hook) -> None:
    page = {"accept": "text/html"}
    assert "neither" not in (await hook.client.get("/", headers=page)).text
    hook.stage.replace(SONARR, "role: primary", "role: nowhere")
    assert "neither" not in (await hook.client.get("/", headers=page)).text, "seen in the last seconds"
    assert (await hook.deliver("push", hook.push())).status_code == 204
    assert "neither" in (await hook.client.get("/", headers=page)).text


async def test_after_a_push_nothing_is_thought_of_the_old_head(hook: Hook) -> None:
    """Without the push, the first write would be made from the old head, and lose."""
    await hook.client.get("/api/failover")
    sha = hook.stage.commit({RELEASE: (hook.stage.read(RELEASE) or b"") + b"# by hand\n"})
    hook.stage.requests.clear()
    await hook.deliver("push", hook.push(after=sha))
    assert (await hook.client.post("/api/failover/plex/promote")).json()["changed"]
    operations = [request.operation for request in hook.stage.requests]
    assert operations.count("createCommitOnBranch") == 1


async def test_the_push_of_our_own_commit_drops_nothing(hook: Hook) -> None:
    await hook.client.get("/api/failover")
    moved = (await hook.client.post("/api/failover/plex/promote")).json()
    await hook.deliver("push", hook.push(after=moved["commit"]["sha"]))
    hook.stage.requests.clear()
    again = await hook.client.post("/api/failover/plex/demote")
    assert again.json()["changed"]
    assert [request.operation for request in hook.stage.requests if request.operation] == ["createCommitOnBranch"]


@pytest.mark.parametrize(
    ("repository", "branch"),
    [("acme/other", "refs/heads/main"), (None, "refs/heads/other"), (None, "refs/tags/main"), (None, "main")],
)
async def test_what_is_not_in_the_catalog_is_nothing_to_us(hook: Hook, repository: str | None, branch: str) -> None:
    assert (await hook.deliver("push", hook.push(branch, repository))).status_code == 204
    assert hook.moved == []


async def test_the_case_of_a_repositorys_name_does_not_matter(hook: Hook) -> None:
    await hook.deliver("push", hook.push(repository=hook.stage.repository.upper()))
    assert len(hook.moved) == 1


@pytest.mark.parametrize("event", ["issues", "workflow_run", "", "pushed"])
async def test_other_events_are_nothing_to_us(hook: Hook, event: str) -> None:
    assert (await hook.deliver(event, hook.push())).status_code == 204
    assert hook.moved == []


async def test_a_merge_of_ours_is_told_once_though_it_is_delivered_twice(hook: Hook) -> None:
    for _ in range(2):
        assert (await hook.deliver("pull_request", hook.pull())).status_code == 204
    (merged,) = hook.merged
    assert (merged.number, merged.records[0].provenance.by) == (12, "maria")
    assert merged.commit == f"https://github.test/{hook.stage.repository}/commit/{SHA}"
    assert len(hook.moved) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "opened", "merged": False},
        {"merged": False},
        {"head": {"ref": "fix/typo", "repo": {"full_name": "{}"}}},
        {"head": {"ref": "failover/sonarr", "repo": {"full_name": "stranger/homelab"}}},
        {"head": {"ref": "failover/sonarr", "repo": None}},
        {"body": None},
        {"body": "Failover-Service: nobody\nFailover-Action: promote"},
    ],
)
async def test_what_is_no_merge_of_ours_is_not_told(hook: Hook, changes: dict[str, Any]) -> None:
    assert (await hook.deliver("pull_request", hook.pull(**changes))).status_code == 204
    assert hook.merged == []
    assert len(hook.moved) == 1


async def test_a_merge_is_found_by_the_webhook_as_the_pull_request_really_is(stage: Stage, secret_file: Path) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with hooked(stage, secret_file) as hook:
        proposed = (await hook.client.post("/api/failover/sonarr/promote?reason=w1+is+down")).json()
        assert not hook.components.merges.is_watching()
        number = proposed["pull_request"]["number"]
        stage.merge(number)
        pull = stage.github("GET", f"/pulls/{number}")
        here = {"full_name": stage.repository}
        for end in ("head", "base"):
            pull[end] = {"ref": pull[end]["ref"], "repo": here}
        await hook.deliver("pull_request", {"action": "closed", "pull_request": pull, "repository": here})
        (merged,) = hook.merged
    assert merged.records[0].operation == proposed["operation"]


# Whose it is


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "sha256=00", f"sha1={SHA}", f"sha256={'0' * 64}", "sha256=é", "geheim"],
)
async def test_a_wrong_signature_is_refused_before_anything_is_read(hook: Hook, signature: str) -> None:
    response = await hook.deliver("push", b"no json", x_hub_signature_256=signature)
    assert response.status_code == 401
    assert response.json()["type"] == "urn:failover-api:problem:unauthenticated"
    assert hook.moved == []


async def test_another_secret_or_another_body_is_refused(hook: Hook) -> None:
    assert (await hook.deliver("push", hook.push(), secret="another")).status_code == 401
    of_another = hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    response = await hook.deliver("push", hook.push(), x_hub_signature_256=f"sha256={of_another}")
    assert response.status_code == 401


async def test_a_new_secret_holds_at_once(hook: Hook, secret_file: Path) -> None:
    put(secret_file, "another")
    assert (await hook.deliver("push", hook.push())).status_code == 401
    assert (await hook.deliver("push", hook.push(), secret="another")).status_code == 204


@pytest.mark.parametrize("content", [None, "", "\n"])
async def test_without_a_usable_secret_nobody_is_believed(hook: Hook, secret_file: Path, content: str | None) -> None:
    put(secret_file, content)
    response = await hook.deliver("push", hook.push(), secret="")
    assert response.status_code == 503
    assert hook.moved == []


# What it is


async def test_what_is_too_large_is_refused_unread(hook: Hook) -> None:
    response = await hook.deliver("push", b" " * (MAX_BYTES + 1))
    assert response.status_code == 413
    assert (await hook.deliver("ping", b" " * MAX_BYTES)).status_code == 200


@pytest.mark.parametrize("event", ["push", "pull_request"])
@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"{}", b"[" * 100_000, b"\xff", b'{"ref": 1}', b"null"])
async def test_what_is_signed_but_makes_no_sense_is_a_bad_request(hook: Hook, event: str, body: bytes) -> None:
    assert (await hook.deliver(event, body)).status_code == 400
    assert hook.moved == []


async def test_a_form_is_refused_with_what_to_choose(hook: Hook) -> None:
    response = await hook.deliver("push", hook.push(), content_type="application/x-www-form-urlencoded")
    assert response.status_code == 415
    assert "application/json" in response.json()["detail"]


async def test_only_post_is_there(hook: Hook) -> None:
    response = await hook.client.get("/hooks/github")
    assert (response.status_code, response.headers["allow"]) == (405, "OPTIONS, POST")


# What it can never do

_TEXT = st.text(max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


async def test_no_payload_ever_writes(hook: Hook) -> None:
    """Shapes of ours and GitHub's, whatever they name, and every action there is."""
    names = ["push", "pull_request", "ping", "issue_comment", "repository_dispatch", "workflow_dispatch"]
    wishes = [{"service": "sonarr", "action": "promote"}, {"client_payload": {"service": "sonarr"}}, [], "promote"]
    pulls = [hook.pull(action=action) for action in ("opened", "closed", "labeled", "synchronize", "promote")]
    hook.stage.requests.clear()
    before = hook.stage.read(SONARR)
    for event in names:
        for data in [*wishes, *pulls, hook.push()]:
            await hook.deliver(event, data)
    assert hook.stage.requests == []  # it does not even read
    assert hook.stage.read(SONARR) == before


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=st.sampled_from(["push", "pull_request"]), junk=_JSON, key=st.sampled_from(["ref", "pull_request", "x"]))
async def test_generated_payloads_are_taken_or_refused_and_never_ask_github(
    hook: Hook, event: str, junk: Any, key: str
) -> None:
    for data in (junk, {**hook.pull(), **hook.push(), key: junk}):
        assert (await hook.deliver(event, data)).status_code in {204, 400}
    assert hook.stage.requests == []


async def test_no_secret_is_in_any_line_of_the_log_nor_in_any_answer(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "failover_api")
    answers = [
        await hook.deliver("push", hook.push()),
        await hook.deliver("push", hook.push(), secret="geheim-other"),
        await hook.deliver("push", b"geheim"),
        await hook.deliver("push", hook.push(), x_hub_signature_256="geheim"),
    ]
    assert caplog.messages.count("webhook taken") == 1
    assert caplog.messages.count("webhook refused: its signature is wrong") == 2
    said = [str(vars(record)) for record in caplog.records] + [answer.text for answer in answers]
    assert not [text for text in said if "geheim" in text]
