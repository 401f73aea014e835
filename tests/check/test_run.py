"""`failover check`: a line for everything that an operator could have wrong."""

from pathlib import Path
from typing import Any

import pytest

from failover_api.check.run import check_access, check_all, check_tree
from failover_api.forge.values import Check
from failover_api.settings import Settings
from tests.support.stage import RADARR, SERVICES, SONARR, Stage, deployment, entry


async def check(stage: Stage, settings: Settings | None = None, **changes: Any) -> list[Check]:
    async with stage.open(settings, **changes) as components:
        return await check_all(components.catalog, components.github, components.failover)


def failures(checks: list[Check]) -> list[Check]:
    return [check for check in checks if not check.ok]


async def test_all_is_well_with_an_app(stage: Stage) -> None:
    checks = await check(stage, stage.app_settings())
    assert not failures(checks)
    names = [check.name.split()[0] for check in checks]
    assert names == ["catalog", "credentials", "repository", "branch", "rules", *["switch"] * 7, "claims"]
    assert checks[0].detail == "3 services, 0 groups"
    assert f"{SONARR}:12" in checks[5].detail


async def test_all_is_well_with_a_token(stage: Stage) -> None:
    assert not failures(await check(stage))


async def test_credentials_that_are_not_used_are_said(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    checks = await check(stage, stage.app_settings(github_token=stage.sandbox.token))
    (said,) = [one for one in checks if one.name == "credentials"]
    assert said == Check(
        "credentials",
        ok=True,
        detail="FAILOVER_GITHUB_APP_ID is used; FAILOVER_GITHUB_TOKEN set too, and not used",
        is_warning=True,
    )
    assert stage.sandbox.token not in caplog.text
    (line,) = [record for record in caplog.records if record.message == "more credentials are set than are used"]
    assert (vars(line)["used"], vars(line)["unused"]) == ("FAILOVER_GITHUB_APP_ID", ["FAILOVER_GITHUB_TOKEN"])


async def test_a_share_is_said(stage: Stage) -> None:
    said = {one.name: one.detail for one in await check(stage, github_share=0.4)}
    assert said["share"] == "0.4 of the installation's writes: 31 a minute, 199 an hour"
    assert "share" not in {one.name for one in await check(stage)}


async def test_nothing_is_written_by_a_check(stage: Stage) -> None:
    await check(stage)
    assert not stage.writes


def suspend(stage: Stage) -> None:
    stage.sandbox.suspend()


def uninstall(stage: Stage) -> None:
    stage.sandbox.identities.installed = False


def take_permission(stage: Stage) -> None:
    stage.sandbox.permissions["contents"] = "read"


def replace_key(stage: Stage) -> None:
    (stage.folder / "key.pem").write_text("no key at all")


def remove_key(stage: Stage) -> None:
    (stage.folder / "key.pem").unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (suspend, "suspended"),
        (uninstall, "not installed"),
        (take_permission, "permission"),
        (replace_key, "PEM"),
        (remove_key, "cannot read"),
    ],
)
async def test_an_app_that_cannot_work_is_one_failed_line(stage: Stage, spoil: Any, words: str) -> None:
    settings = stage.app_settings()
    spoil(stage)
    checks = await check(stage, settings)
    (failed,) = failures(checks)
    assert failed.name.startswith("credentials")
    assert words in failed.detail
    assert checks[-1] is failed, "what comes after is moot"


async def test_a_key_of_another_app_is_refused(stage: Stage) -> None:
    (failed,) = failures(await check(stage, stage.app_settings(github_app_id="4711")))
    assert failed.name.startswith("credentials")


async def test_no_credentials_are_named(stage: Stage) -> None:
    (failed,) = failures(await check(stage, github_token=None))
    assert "FAILOVER_GITHUB_TOKEN" in failed.detail


async def test_a_token_that_github_refuses_is_one_failed_line(stage: Stage) -> None:
    checks = await check(stage, github_token="ghp_wrong")
    (failed,) = failures(checks)
    assert failed.name == f"credentials {stage.repository}@main"
    assert "401" in failed.detail
    assert [one for one in checks if one.name.startswith("credentials")] == [failed], "none of them is well"


@pytest.mark.parametrize("top", ["repository: acme/nowhere", "branch: nosuch"])
async def test_a_repository_or_branch_that_is_missing_is_named(stage: Stage, top: str) -> None:
    key = top.partition(":")[0]
    text = stage.catalog_file.read_text()
    stage.catalog_file.write_text("\n".join(top if line.startswith(f"{key}:") else line for line in text.splitlines()))
    (failed,) = failures(await check(stage))
    assert failed.name.startswith(key)
    assert "no such" in failed.detail


async def test_an_archived_repository_is_named(stage: Stage) -> None:
    stage.sandbox.repositories[stage.repository].archived = True
    (failed,) = failures(await check(stage))
    assert "archived" in failed.detail


async def test_a_ruleset_fails_and_the_switches_are_shown_all_the_same(stage: Stage) -> None:
    stage.sandbox.protect(kind="ruleset", repository=stage.repository)
    checks = await check(stage)
    (failed,) = failures(checks)
    assert failed.name.startswith("rules")
    assert "pull request" in failed.detail
    assert sum(check.name.startswith("switch") for check in checks) == 7


async def test_classic_protection_is_mentioned(stage: Stage) -> None:
    stage.sandbox.protect(kind="classic", repository=stage.repository)
    (rules,) = [check for check in await check(stage) if check.name.startswith("rules")]
    assert "protection" in rules.detail


async def test_each_switch_and_service_that_is_wrong_has_its_line(stage: Stage) -> None:
    stage.declare(SERVICES + entry("gone") + entry("odd", "media", f"path: {SONARR}"))
    stage.replace(SONARR, "role: primary", "role: maintenance")
    drifted, gone, odd = failures(await check(stage))
    assert (drifted.name, gone.name, odd.name) == ("switch sonarr", "service gone", "service odd")
    assert f"{SONARR}:12" in drifted.detail
    assert "'maintenance'" in drifted.detail or "maintenance" in drifted.detail
    assert "under apps/" in gone.detail
    assert SONARR in odd.detail


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("role: primary", "role: ${ROLE}", "role is '${ROLE}'"),
        ("role: primary", "role: |-\n          primary", "is written as a block (|), expected one line"),
        ("role: primary", "role: !x primary", "has the tag !x"),
        ("role: primary", "role: 3", "is 3 (a number), and the catalog says 'primary' (text) and 'backup' (text)"),
        ("role: primary", "role: &r primary\n        other: *r", "is in what the anchor &r shares"),
    ],
)
async def test_a_switch_that_cannot_be_moved_has_its_line(stage: Stage, old: str, new: str, words: str) -> None:
    stage.replace(SONARR, old, new)
    (failed,) = failures(await check(stage))
    assert failed.name == "switch sonarr"
    assert failed.detail.startswith(f"cannot be moved: {SONARR}:12")
    assert words in failed.detail
    assert "force" not in failed.detail


async def test_a_check_asks_github_for_no_more_because_moves_are_tried(stage: Stage) -> None:
    async with stage.open() as components:
        await components.failover.list_all()
        asked = len(stage.requests)
        await components.failover.list_all(try_moves=True)
        assert len(stage.requests) - asked <= asked


async def test_a_catalog_with_errors_is_all_its_errors_and_nothing_else(stage: Stage) -> None:
    stage.declare(
        entry("sonarr").replace("deployment:", "deploiment:") + entry("radarr").replace("volume_name", "volume")
    )
    checks = await check(stage)
    assert len(checks) >= 2
    assert {(check.name, check.ok) for check in checks} == {("catalog", False)}
    assert not stage.requests


async def test_a_missing_catalog_is_named(stage: Stage) -> None:
    stage.catalog_file.unlink()
    (failed,) = await check(stage)
    assert "services.yaml" in failed.detail


async def test_a_check_is_bounded_by_the_deadline(stage: Stage) -> None:
    settings = stage.app_settings(deadline_s=1.0)
    stage.fault("slow", seconds=0.25, times=None)  # none of its requests takes too long, all together do
    catalog, branch = await check(stage, settings)
    assert catalog.ok
    assert (branch.ok, branch.detail) == (False, "not done within 1 s; nothing was written")


async def test_each_branch_is_checked(stage: Stage) -> None:
    other = f"{stage.repository}-other"
    stage.sandbox.add_repository(other, {SONARR: stage.read(SONARR) or b""})
    stage.declare(entry("radarr") + entry("sonarr", "media", f"repository: {other}"))
    checks = await check(stage)
    assert not failures(checks)
    assert {check.name for check in checks if check.name.startswith("branch")} == {
        f"branch {stage.repository}@main",
        f"branch {other}@main",
    }


# The access file


def test_no_access_file_is_fine_for_the_command_line(stage: Stage) -> None:
    (told,) = check_access(stage.access_file)
    assert told.ok
    assert "`failover serve` needs one" in told.detail


def test_an_access_file_is_counted(stage: Stage) -> None:
    entry = f"{{name: ops, sha256: {'0' * 64}, allow: [view]}}"
    stage.access_file.write_text(f"anonymous: plan\ntokens: [{entry}]\n")
    (told,) = check_access(stage.access_file)
    assert told.ok
    assert told.detail == "1 token, 0 issuers, a caller without a token may view and plan"


def test_each_fault_of_an_access_file_is_a_line(stage: Stage) -> None:
    stage.access_file.write_text("anonymous: all\ntoken: []\n")
    told = check_access(stage.access_file)
    assert [check.ok for check in told] == [False, False]
    assert "access.yaml:2: token: unknown key" in told[1].detail


async def test_a_service_without_a_path_is_told_which_to_write(stage: Stage) -> None:
    stage.declare(entry("sonarr") + entry("radarr", "media", f"path: {RADARR}"))
    checks = [one for one in await check(stage) if one.name.startswith("switch")]
    assert all(one.ok for one in checks)
    assert [f"write `path: {SONARR}`" in one.detail for one in checks] == [True, False, False, False]
    assert [one.name.split()[1] for one in checks] == ["sonarr", "sonarr", "radarr", "radarr"]


UNBLOCK = entry("sonarr", "media", "unblock: rolling")


@pytest.mark.parametrize(
    ("strategy", "ok", "detail"),
    [
        (
            "  strategy: {type: Recreate}\n",
            True,
            "is Recreate; a promote makes it RollingUpdate, until it is seen serving, or else moved home",
        ),
        ("", True, "waits for no dead node: a promote leaves it as it is"),
        (
            "  strategy: {type: Recreate, rollingUpdate: null}\n",
            False,
            "; `unblock: rolling` changes it with a promote: mend it, or take `unblock` out of the catalog",
        ),
    ],
)
async def test_what_unblock_comes_to_is_said_before_it_is_needed(
    stage: Stage, tmp_path: Path, strategy: str, ok: bool, detail: str
) -> None:
    text = deployment("sonarr").replace("spec:\n  replicas", f"spec:\n{strategy}  replicas")
    stage.commit({SONARR: text})
    stage.declare(UNBLOCK)
    folder = tmp_path / "tree" / SONARR
    folder.parent.mkdir(parents=True)
    folder.write_text(text)
    async with stage.open() as components:
        in_tree = await check_tree(components.catalog, tmp_path / "tree", repository=stage.repository)
    for checks in (await check(stage), in_tree):
        (found,) = [one for one in checks if one.name == "strategy sonarr"]
        assert found.ok is ok
        assert found.detail.endswith(detail)
