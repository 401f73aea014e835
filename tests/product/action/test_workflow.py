"""The example workflows from end to end: act presses the button, the sandbox is GitHub, an issuer signs for the job."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.product.action.workshop import Ran, Workflow
from tests.support.issuer import Issuer
from tests.support.server import Server
from tests.support.stage import PLEX, SONARR, Stage, entry

AUDIENCE = "failover-api"


@pytest.fixture
def direct(stage: Stage, tmp_path: Path) -> Workflow:
    return Workflow(tmp_path, "failover.yml", stage.catalog_file.read_text(encoding="utf-8"))


def as_app(workflow: Workflow, stage: Stage, **inputs: str) -> Ran:
    """As the example is: with a GitHub App."""
    return workflow.run(
        inputs,
        secrets={"FAILOVER_APP_PRIVATE_KEY": stage.sandbox.private_key_pem},
        variables={"FAILOVER_APP_ID": str(stage.sandbox.app_id)},
        FAILOVER_GITHUB_URL=stage.url,
    )


def assert_secret(ran: Ran, workflow: Workflow, *secrets: str) -> None:
    """None of the secrets' lines is in what was printed, or on the runner's disk."""
    lines = [line for secret in secrets for line in secret.splitlines() if not line.startswith("-----")]
    files = [file for file in workflow.home.rglob("*") if file.is_file() and not file.is_symlink()]
    kept = [ran.log, *(file.read_text(encoding="utf-8", errors="replace") for file in files)]
    assert not [line for line in lines if any(line in text for text in kept)]
    assert not list(workflow.home.rglob("*.pem"))


def test_a_person_moves_a_service_with_the_app(stage: Stage, direct: Workflow) -> None:
    ran = as_app(direct, stage, what="sonarr", action="promote", reason="k3s-w1 is down")
    assert ran.code == 0, ran.log
    (message,) = stage.moves
    assert "Reason: k3s-w1 is down\n" in message
    assert "Failover-Requested-By: maria\n" in message
    commit = stage.sandbox.log(repository=stage.repository)[0].sha
    assert (ran.outputs["side"], ran.outputs["changed"], ran.outputs["commit"]) == ("backup", "true", commit)
    assert f"Failover-Operation: {ran.outputs['operation']}\n" in message
    assert "### promote sonarr: done" in ran.page
    assert f"| {SONARR}:12 | spec.template.spec.nodeSelector.role | primary | backup |" in ran.page
    assert "-        role: primary   # which node\n+        role: backup   # which node" in ran.summary
    assert_secret(ran, direct, stage.sandbox.private_key_pem)


def test_what_is_typed_is_text_and_nothing_runs(stage: Stage, direct: Workflow, tmp_path: Path) -> None:
    bare_or_quoted = """$(touch ~/planted)'$(touch ~/planted)'"; touch ~/planted; " `touch ~/planted`"""
    reason = f"{bare_or_quoted} ${{{{ github.token }}}} %0A::error::x"
    ran = as_app(direct, stage, what="sonarr", action="promote", reason=reason)
    assert ran.code == 0, ran.log
    assert f"\nReason: {reason}\n" in stage.moves[0]
    assert not list(tmp_path.rglob("planted"))


def test_a_choice_that_is_none_is_refused(stage: Stage, direct: Workflow, tmp_path: Path) -> None:
    ran = as_app(direct, stage, what='$(touch ~/planted)"; touch ~/planted; "', action="promote")
    assert (ran.code, ran.outputs["problem"]) == (1, "unknown-service")
    assert not stage.writes
    assert not list(tmp_path.rglob("planted"))


def test_a_refusal_tells_its_cure(stage: Stage, direct: Workflow) -> None:
    stage.replace(SONARR, "role: primary", "role: w3")
    ran = as_app(direct, stage, what="sonarr", action="promote")
    assert ran.code == 1
    assert (ran.outputs["problem"], ran.outputs["changed"], ran.outputs["side"]) == ("manifest-drifted", "false", "")
    assert "### promote sonarr: refused" in ran.page
    assert f"{SONARR}:12" in ran.page
    assert "What to do: Look at the value." in ran.page
    assert not stage.moves


def test_the_job_token_shows_a_dry_run_of_a_group(stage: Stage, direct: Workflow) -> None:
    catalog = direct.folder / "config" / "services.yaml"
    stage.declare(entry("sonarr") + PLEX + "groups:\n  k3s-w1: [sonarr, plex]\n")
    catalog.write_text(stage.catalog_file.read_text(encoding="utf-8"), encoding="utf-8")
    ran = direct.run(
        {"what": "group-k3s-w1", "action": "promote", "dry-run": "true"},
        secrets={"GITHUB_TOKEN": stage.sandbox.token},
        FAILOVER_GITHUB_URL=stage.url,
    )
    assert ran.code == 0, ran.log
    assert (ran.outputs["side"], ran.outputs["changed"], ran.outputs["commit"]) == ("primary", "false", "")
    assert "### promote group k3s-w1: dry run, nothing was written" in ran.page
    assert "| plex | primary | backup | moves |" in ran.page
    assert not stage.writes
    assert_secret(ran, direct, stage.sandbox.token)


# Through a running service


@pytest.fixture
def service(stage: Stage, issuer: Issuer) -> Iterator[Server]:
    """A process of its own. It lets in jobs of one repository."""
    stage.access_file.write_text(
        f"""\
issuers:
  - issuer: {issuer.url}
    audience: {AUDIENCE}
    rules:
      - match: {{repository_id: "123456", ref: refs/heads/main, event_name: workflow_dispatch}}
        allow: [view, plan, execute]
        services: ["*"]
""",
        encoding="utf-8",
    )
    server = Server(stage)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def remote(service: Server, tmp_path: Path) -> Workflow:
    return Workflow(tmp_path, "failover-remote.yml", "")


def by_service(workflow: Workflow, service: Server, issuer: Issuer, **inputs: str) -> Ran:
    return workflow.run(inputs, variables={"FAILOVER_SERVER": service.url}, **issuer.job_environment())


def test_a_job_moves_a_service_by_its_own_identity(
    stage: Stage, remote: Workflow, service: Server, issuer: Issuer
) -> None:
    ran = by_service(remote, service, issuer, what="sonarr", action="promote", reason="$(id) is down")
    assert ran.code == 0, ran.log
    assert "\nReason: $(id) is down\n" in stage.moves[0]
    assert "Failover-Requested-By: maria@acme/homelab\n" in stage.moves[0]
    assert ran.outputs["side"] == "backup"
    assert "### promote sonarr: done" in ran.page
    assert f"/token?api-version=2.0&audience={AUDIENCE}" in issuer.requests
    assert_secret(ran, remote, issuer.request_token, *issuer.tokens)


def test_a_job_of_another_repository_moves_nothing(
    stage: Stage, remote: Workflow, service: Server, issuer: Issuer
) -> None:
    issuer.claims["repository_id"] = "999999"
    ran = by_service(remote, service, issuer, what="sonarr", action="promote")
    assert (ran.code, ran.outputs["problem"]) == (1, "forbidden")
    assert "What to do: Ask somebody who may" in ran.page
    assert not stage.writes
