"""`failover check`: its levels and its lines, a working tree, another branch."""

import json
from pathlib import Path

import pytest

from failover_api.edges.cli.check_lines import MOST_SWITCHES
from tests.support.shell import Cli
from tests.support.stage import RADARR, RELEASE, SERVICES, SONARR, VOLSYNC, Stage, deployment, entry
from tests.support.working_tree import CATALOG, replace, working_tree


@pytest.fixture
def tree(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working tree, and nothing of the stage in the environment."""
    for name in ("CONFIG", "ACCESS", "GITHUB_TOKEN", "GITHUB_URL"):
        monkeypatch.delenv(f"FAILOVER_{name}", raising=False)
    (tmp_path / "tree").mkdir()
    return working_tree(tmp_path / "tree")


def failed(body: dict) -> list[str]:
    return [f"{check['name']}: {check['detail']}" for check in body["checks"] if check["level"] == "failed"]


# Levels and lines


def test_each_check_has_its_level_and_failures_are_last(stage: Stage, cli: Cli) -> None:
    stage.replace(RADARR, "role: primary", "role: maintenance")
    body = cli.json("check", code=1)
    levels = [check["level"] for check in body["checks"]]
    assert levels == sorted(levels, key=["ok", "warn", "failed"].index)
    assert set(levels) == {"ok", "warn", "failed"}
    assert all(check["ok"] == (check["level"] != "failed") for check in body["checks"])


def test_a_warning_fails_nothing(cli: Cli) -> None:
    body = cli.json("check")
    assert body["ok"] is True
    assert [check["name"] for check in body["checks"] if check["level"] == "warn"] == [
        "switch sonarr",
        "switch radarr",
        f"claims {cli.stage.repository}@main",
    ]
    assert f"warn    switch sonarr: the catalog names no `path`, so it is searched for: write `path: {SONARR}`" in (
        cli("check").stdout.splitlines()
    )


def test_quiet_prints_only_what_failed(stage: Stage, cli: Cli) -> None:
    assert cli("check", "--quiet").stdout == ""
    stage.replace(RADARR, "role: primary", "role: maintenance")
    first, last = cli("check", "-q", code=1).stdout.splitlines()
    assert first.startswith("FAILED  switch radarr: ")
    assert last.startswith("1 of ")


def test_two_hundred_services_and_two_failures_fit_a_screen(tree: Path, cli: Cli) -> None:
    names = [f"app-{number}" for number in range(200)]
    for name in names:
        (tree / f"apps/{name}.yaml").write_text(deployment(name))
    (tree / CATALOG).write_text("repository: acme/homelab\nclaims: external\nservices:\n" + "".join(map(entry, names)))
    replace(tree, "apps/app-7.yaml", "role: primary", "role: w3")
    (tree / "apps/app-9.yaml").unlink()
    lines = cli("check", "--path", str(tree), code=1).stdout.splitlines()
    assert sum(1 + len(line) // 80 for line in lines) < 24
    assert [line.split(": ")[0] for line in lines[-3:-1]] == ["FAILED  switch app-7", "FAILED  service app-9"]
    assert f"{198 * 2 + 1 - 198} switches of 199 services: found, and can be moved both ways" in "\n".join(lines)
    assert "warn    switch: 198 services (app-0, app-1, app-2, app-3, app-4 and 193 more): such as app-0: the " in (
        "\n".join(lines)
    )
    assert lines[-1] == "2 of 400 checks failed. 198 warnings; --json has each."
    assert len(names) > MOST_SWITCHES


def test_one_credential_error_is_said_once(stage: Stage, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.declare(entry("sonarr") + entry("radarr", "media", "repository: acme/other"))
    monkeypatch.delenv("FAILOVER_GITHUB_TOKEN")
    lines = [line for line in cli("check", code=1).stdout.splitlines() if line.startswith("FAILED")]
    assert len(lines) == 1
    assert "set FAILOVER_GITHUB_APP_ID" in lines[0]


def test_progress_is_shown_on_a_terminal_and_gone_after(stage: Stage, run) -> None:
    shell = run("check", NO_COLOR="1")
    assert shell.end() == 0
    assert " ..." in shell.seen, "which step is seen is a matter of time"
    assert "..." not in shell.left


# A working tree


def test_a_tree_needs_no_credentials_and_no_network(stage: Stage, tree: Path, cli: Cli) -> None:
    body = cli.json("check", "--path", str(tree))
    assert body["ok"] is True
    assert sum(check["name"].startswith("switch ") for check in body["checks"]) == 7
    assert not stage.requests


def test_a_tree_has_its_own_catalog_unless_another_is_named(
    tree: Path, stage: Stage, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(tree, CATALOG, "  radarr:", "  sonarr2:")
    assert "switch sonarr2" in cli("check", "--path", str(tree)).stdout
    monkeypatch.setenv("FAILOVER_CONFIG", str(stage.catalog_file))
    assert "sonarr2" not in cli("check", "--path", str(tree)).stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (SONARR, "name: config", "name: data", "service sonarr: "),
        (SONARR, "role: primary", "role: w3", f"switch sonarr: {SONARR}:12: "),
        (RELEASE, "k3s-w1", "!x k3s-w1", "switch plex: cannot be moved: "),
        (VOLSYNC, "paused:", "pause:", "service plex: "),
        (SONARR, "kind: Deployment", "kind: [", "service sonarr: no Deployment media/sonarr"),
        (CATALOG, "deployment: radarr", "deploiment: radarr", "catalog: "),
    ],
)
def test_what_breaks_the_catalog_is_told(tree: Path, cli: Cli, file: str, old: str, new: str, said: str) -> None:
    replace(tree, file, old, new)
    (line, *_) = failed(cli.json("check", "--path", str(tree), code=1))
    assert line.startswith(said)


def test_a_manifest_that_is_there_twice_is_told(tree: Path, cli: Cli) -> None:
    (tree / "apps/copy.yaml").write_bytes((tree / SONARR).read_bytes())
    (line,) = failed(cli.json("check", "--path", str(tree), code=1))
    assert (
        f"Deployment media/sonarr of service sonarr is in {SONARR}, apps/copy.yaml" in line or "apps/copy.yaml" in line
    )
    assert line.startswith("service sonarr: ")


def test_a_file_of_any_name_is_read_when_the_catalog_names_it(tree: Path, cli: Cli) -> None:
    (tree / SONARR).rename(tree / "apps/sonarr.manifest")
    (tree / CATALOG).write_text(
        "repository: acme/homelab\nservices:\n" + entry("sonarr", "media", "path: apps/sonarr.manifest")
    )
    assert cli.json("check", "--path", str(tree))["ok"] is True


def test_a_file_that_is_gone_is_not_in_the_tree(tree: Path, cli: Cli) -> None:
    (tree / RELEASE).unlink()
    (line,) = failed(cli.json("check", "--path", str(tree), code=1))
    assert line.startswith(f"service plex: {RELEASE}: no such file on the working tree {tree}")


def test_a_group_that_cannot_be_moved_is_told(tree: Path, cli: Cli) -> None:
    services = entry("sonarr", "media", "policy: pull_request") + entry(
        "radarr", "media", "policy: pull_request", "branch: other"
    )
    working_tree(tree, services, top="groups: {media: [sonarr, radarr]}")
    (line,) = failed(cli.json("check", "--path", str(tree), code=1))
    assert line.startswith("group media: media has services on main and on other of acme/homelab")


def test_a_service_of_another_repository_is_a_warning(tree: Path, cli: Cli) -> None:
    working_tree(tree, SERVICES + entry("tea", "media", "repository: acme/other"))
    body = cli.json("check", "--path", str(tree))
    (tea,) = [check for check in body["checks"] if check["name"] == "service tea"]
    assert tea["level"] == "warn"
    assert "acme/other" in tea["detail"]
    other = cli.json("check", "--path", str(tree), "--repository", "acme/other", code=1)
    assert [line.partition(":")[0] for line in failed(other)] == ["service tea"]


def test_a_folder_that_is_none_is_exit_2(cli: Cli) -> None:
    assert "there is no such folder" in cli.json("check", "--path", "/nowhere", code=2)["detail"]


@pytest.mark.parametrize("words", [("--path", ".", "--branch", "x"), ("--repository", "a/b")])
def test_what_makes_no_sense_together_is_refused(cli: Cli, words: tuple[str, ...]) -> None:
    cli("check", *words, code=2)


# Another branch


def test_another_branch_is_checked_instead(stage: Stage, cli: Cli) -> None:
    head = stage.sandbox.head(repository=stage.repository)
    stage.github("POST", "/git/refs", {"ref": "refs/heads/renovate", "sha": head})
    broken = (stage.read(SONARR) or b"").replace(b"name: config", b"name: data")
    stage.commit({SONARR: broken}, branch="renovate")
    assert cli.json("check")["ok"] is True
    body = cli.json("check", "--branch", "renovate", code=1)
    assert f"branch {stage.repository}@renovate" in [check["name"] for check in body["checks"]]
    assert [line.partition(":")[0] for line in failed(body)] == ["service sonarr"]
    assert "no such branch" in json.dumps(cli.json("check", "--branch", "nosuch", code=1))


# What `failover suggest` could not know


def test_a_file_of_suggestions_that_nobody_corrected_is_told(tree: Path, cli: Cli) -> None:
    text = cli("suggest", "--all", "--path", str(tree)).stdout
    (tree / CATALOG).write_text(text)
    body = cli.json("check", "--path", str(tree))
    told = [check["detail"] for check in body["checks"] if check["name"] == "catalog placeholder"]
    words = ("have `repository: owner/name`", "have `the-other-node`", "lines have a `# TODO`")
    assert [word in detail for word, detail in zip(words, told, strict=True)] == [True] * 3
    assert body["ok"] is True
