"""A client that a generator makes of our document moves a service: the document is all it knows of us."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from failover_api.core.access.model import digest_of
from tests.support.generated_client import GeneratedClient
from tests.support.stage import RADARR, SERVICES, Stage

TOKEN = "failover_for-the-test"
HEAD = """
import json, sys
from failover_api_client import AuthenticatedClient, Client
from failover_api_client.api.groups import list_groups, promote_group
from failover_api_client.api.hooks import github_hook
from failover_api_client.api.process import healthz, metrics, readyz, services_schema, version
from failover_api_client.api.services import history, list_services, promote, promote_dry_run, rollback, status
from failover_api_client.models import (
    Action, GroupOutcomeBody, OutcomeBody, ProblemBody, ProblemBodyOutcome, PromoteBody, State, StatusBody,
)

url, token = sys.argv[1:]
us = AuthenticatedClient(base_url=url, token=token)
"""
MOVES = """
before = status.sync("sonarr", client=us)
assert isinstance(before, StatusBody) and before.side is State.PRIMARY
shown = promote_dry_run.sync_detailed("sonarr", client=us, dry_run=True, supersede=False)
made = promote.sync(
    "sonarr", client=us, body=PromoteBody(reason="k3s-w1 is down"), if_match=shown.headers["etag"],
    idempotency_key="monday",
)
assert isinstance(made, OutcomeBody) and made.action is Action.PROMOTE and made.to is State.BACKUP
again = promote.sync("sonarr", client=us, reason="k3s-w1 is down", idempotency_key="monday")
entries = history.sync("sonarr", client=us, limit=5).entries
named = list_services.sync(client=us).services
json.dump({
    "dry": [shown.parsed.dry_run, shown.parsed.changed],
    "changed": made.changed, "operation": made.operation, "again": again.operation, "sha": made.commit.sha,
    "side": status.sync("sonarr", client=us).side,
    "history": [[e.kind, e.action, e.from_, e.to, e.by, e.reason, e.operation, e.commit.sha] for e in entries[:1]],
    "services": [[one.service, one.side] for one in named],
    "back": rollback.sync("sonarr", client=us).to,
}, sys.stdout)
"""
REFUSALS = """
refused = promote.sync_detailed("radarr", client=us)
assert refused.status_code == 409 and isinstance(refused.parsed, ProblemBody)
assert refused.parsed.outcome is ProblemBodyOutcome.NOT_APPLIED
group = promote_group.sync("media", client=us)
forced = promote.sync("radarr", client=us, force=True)
stranger = status.sync("sonarr", client=AuthenticatedClient(base_url=url, token="wrong"))
json.dump({
    "problem": refused.parsed.to_dict(), "group": [one.service for one in group.refused],
    "forced": [forced.from_, forced.changed], "stranger": [stranger.status, stranger.type_],
}, sys.stdout)
"""
BESIDE = """
anybody = Client(base_url=url)
json.dump({
    "alive": healthz.sync(client=anybody).status, "ready": readyz.sync(client=anybody).status,
    "version": version.sync(client=anybody).to_dict(),
    "schema": "properties" in services_schema.sync(client=anybody).to_dict(),
    "groups": [[one.name, one.services] for one in list_groups.sync(client=us).groups],
    "metrics": metrics.sync_detailed(client=us).status_code,
}, sys.stdout)
"""


@pytest.fixture
def run(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Runs a program that uses the client against the real app, which wants a token."""
    stage.declare(SERVICES, top="groups: {media: [sonarr, radarr]}")
    stage.access_file.write_text(
        f"tokens:\n  - {{name: robot, sha256: {digest_of(TOKEN)}, allow: [view, plan, execute], "
        'services: ["*"], expires: 2099-01-01}\n'
    )
    with stage.served() as url:
        yield lambda code: generated(url, tmp_path_factory).run(HEAD + code, url, TOKEN)


_MADE: list[GeneratedClient] = []


def generated(url: str, folders: pytest.TempPathFactory) -> GeneratedClient:
    """Made once a run: the document does not differ from test to test."""
    if not _MADE:
        document = httpx2.get(f"{url}/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).text
        _MADE.append(GeneratedClient(document, folders.mktemp("client")))
    return _MADE[0]


def test_it_moves_a_service_and_reads_what_git_says_of_it(run: Any, stage: Stage) -> None:
    said = run(MOVES)
    assert said["dry"] == [True, True]
    assert said["changed"] is True
    assert said["operation"] == said["again"]
    assert said["side"] == "backup"
    assert said["history"] == [
        ["failover", "promote", "primary", "backup", "robot", "k3s-w1 is down", said["operation"], said["sha"]]
    ]
    assert said["services"] == [["sonarr", "backup"], ["radarr", "primary"], ["plex", "primary"]]
    assert said["back"] == "primary"
    assert len(stage.moves) == 2


def test_a_refusal_is_a_problem_that_it_can_read(run: Any, stage: Stage) -> None:
    stage.replace(RADARR, "role: primary", "role: maintenance")
    said = run(REFUSALS)
    assert said["problem"]["type"] == "urn:failover-api:problem:manifest-drifted"
    assert said["problem"]["status"] == 409
    assert RADARR in said["problem"]["detail"]
    assert said["group"] == ["radarr"]
    assert said["forced"] == ["unknown", True]
    assert said["stranger"] == [401, "urn:failover-api:problem:unauthenticated"]
    assert len(stage.moves) == 1


def test_it_knows_what_stands_beside_the_api(run: Any) -> None:
    said = run(BESIDE)
    assert (said["alive"], said["ready"]) == ("alive", "ready")
    assert said["version"].keys() == {"version", "api", "python"}
    assert said["schema"] is True
    assert said["groups"] == [["media", ["sonarr", "radarr"]]]
    assert said["metrics"] == 200
