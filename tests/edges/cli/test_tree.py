"""`promote` and `demote` with --path: a dry run on a working tree, without credentials and network."""

from pathlib import Path

import pytest

from tests.support.shell import Cli
from tests.support.stage import RADARR, SERVICES, SONARR, Stage, entry
from tests.support.working_tree import CATALOG, replace, working_tree

GROUP = "groups: {media: [plex, sonarr, radarr]}"


@pytest.fixture
def tree(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working tree, and nothing of the stage in the environment but a server, which is not asked."""
    for name in ("CONFIG", "ACCESS", "GITHUB_TOKEN", "GITHUB_URL"):
        monkeypatch.delenv(f"FAILOVER_{name}", raising=False)
    monkeypatch.setenv("FAILOVER_SERVER", "http://127.0.0.1:9")
    (tmp_path / "tree").mkdir()
    return working_tree(tmp_path / "tree", top=GROUP)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("policy", ["direct", "pull_request"])
@pytest.mark.parametrize("words", [("promote", "sonarr"), ("demote", "sonarr"), ("promote", "--group", "media")])
def test_it_says_what_the_dry_run_on_github_says(
    stage: Stage, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, words: tuple[str, ...]
) -> None:
    top = f"{GROUP}\npolicy: {policy}\nclaims: external"
    stage.declare(SERVICES, top=top)
    on_github = cli.json(*words, "--dry-run")
    asked = len(stage.requests)
    for name in ("CONFIG", "GITHUB_TOKEN", "GITHUB_URL"):
        monkeypatch.delenv(f"FAILOVER_{name}", raising=False)
    tree = working_tree(tmp_path, top=top)
    before = contents(tree)
    on_tree = cli.json(*words, "--dry-run", "--path", str(tree))
    for key in ("message", "diff", "changed", "changes", "policy", "dry_run"):
        assert on_tree[key] == on_github[key], key
    assert len(stage.requests) == asked
    assert contents(tree) == before


def test_what_is_shown_is_the_diff_and_the_sentence(stage: Stage, tree: Path, cli: Cli) -> None:
    told = cli("promote", "sonarr", "--dry-run", "--path", str(tree))
    shown = told.stdout
    assert told.stderr.endswith(f"Planned on {tree}: its history, open pull requests and the cluster were not seen.\n")
    assert f"+++ b/{SONARR}" in shown
    assert "sonarr would move from primary to backup: 2 values in " in shown
    assert shown.rstrip().endswith("Nothing was written.")
    assert not stage.requests


def test_hazards_of_the_other_manifests_are_found_at_once(tree: Path, cli: Cli) -> None:
    body = cli.json("promote", "sonarr", "--dry-run", "--path", str(tree))
    assert body["hazards_complete"] is True


def test_a_value_on_neither_side_is_refused_with_lines_that_keep_the_tree(tree: Path, cli: Cli) -> None:
    replace(tree, RADARR, "role: primary", "role: maintenance")
    refused = cli("promote", "--group", "media", "--dry-run", "--path", str(tree), code=3)
    assert f"{RADARR}:19" in refused.stderr
    assert refused.stderr.endswith(
        f"To move the others: failover promote --group media --dry-run --skip-refused --path {tree}\n"
    )
    told = cli.json("promote", "--group", "media", "--dry-run", "--skip-refused", "--path", str(tree))
    assert [one["service"] for one in told["services"] if one.get("error")] == ["radarr"]


def test_a_path_without_a_dry_run_is_exit_2(tree: Path, cli: Cli) -> None:
    before = contents(tree)
    for words in (("promote", "sonarr"), ("demote", "--group", "media"), ("promote", "sonarr", "--yes")):
        assert "--path goes with --dry-run" in cli(*words, "--path", str(tree), code=2).stderr
    assert contents(tree) == before


def test_what_is_not_there_is_told(tree: Path, cli: Cli) -> None:
    dry = ("--dry-run", "--path")
    assert "there is no such folder" in cli.json("promote", "sonarr", *dry, str(tree / "none"), code=2)["detail"]
    assert "sonarr" in cli("promote", "sonar", *dry, str(tree), code=2).stderr
    (tree / SONARR).unlink()
    assert "no Deployment media/sonarr" in cli.json("promote", "sonarr", *dry, str(tree), code=2)["detail"]
    (tree / SONARR).symlink_to(tree / RADARR)
    assert "no Deployment media/sonarr" in cli.json("promote", "sonarr", *dry, str(tree), code=2)["detail"]


def test_a_tree_is_of_one_repository(tree: Path, cli: Cli) -> None:
    services = SERVICES + entry("tea", "media", "repository: acme/other")
    working_tree(tree, services, top="groups: {all: [sonarr, tea]}")
    detail = cli.json("promote", "--group", "all", "--dry-run", "--path", str(tree), code=2)["detail"]
    assert detail == f"{tree} is a tree of one repository, and the services are of acme/homelab and acme/other"
    assert (tree / CATALOG).exists()
