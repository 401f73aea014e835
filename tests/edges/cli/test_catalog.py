"""`failover suggest` and `failover schema`."""

import json
from pathlib import Path

import pytest

from failover_api.core.catalog.load import parse_catalog
from tests.support.shell import Cli
from tests.support.stage import SONARR, Stage, deployment

GUESS = "# TODO: the claim of the copy on the other node"


def test_what_the_repository_holds_is_suggested(stage: Stage, cli: Cli) -> None:
    stage.commit({"apps/media/tea.yaml": deployment("tea")})
    result = cli("suggest")
    assert result.stdout.startswith(
        "  tea:\n    deployment: tea\n    namespace: media\n    path: apps/media/tea.yaml\n"
    )
    assert GUESS in result.stdout
    assert "are marked TODO: correct them, then run `failover check`." in result.stderr


def test_all_is_a_whole_file_that_the_reader_takes(stage: Stage, cli: Cli) -> None:
    text = cli("suggest", "--all").stdout
    assert text.startswith(f"repository: {stage.repository}\n\nservices:\n")
    services = parse_catalog(text, file="services.yaml").services
    assert services["sonarr"].files == (SONARR,)


def test_one_is_named(stage: Stage, cli: Cli) -> None:
    assert [entry["name"] for entry in cli.json("suggest", "radarr")["entries"]] == ["radarr"]
    problem = cli.json("suggest", "radar", code=2)
    assert "no workload with a claim is named 'radar'; did you mean radarr?" in problem["detail"]


def test_a_working_tree_needs_no_credentials(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAILOVER_GITHUB_TOKEN", raising=False)
    monkeypatch.setenv("FAILOVER_CONFIG", str(tmp_path / "none.yaml"))
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/tea.yaml").write_text(deployment("tea"))
    (tmp_path / "apps/note.txt").write_text("kind: Deployment")
    body = cli.json("suggest", "--path", str(tmp_path))
    assert [(entry["name"], entry["file"]) for entry in body["entries"]] == [("tea", "apps/tea.yaml")]
    assert "there is no such folder" in cli.json("suggest", "--path", str(tmp_path / "nowhere"), code=2)["detail"]


def test_without_a_catalog_a_repository_is_named(
    stage: Stage, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILOVER_CONFIG", str(tmp_path / "none.yaml"))
    assert "Say --repository OWNER/NAME" in cli.json("suggest", code=2)["detail"]
    assert "sonarr" in [entry["name"] for entry in cli.json("suggest", "--repository", stage.repository)["entries"]]


def test_where_the_catalog_has_all_there_is_nothing_to_suggest(cli: Cli) -> None:
    result = cli("suggest", code=1)
    assert result.stdout == ""
    assert "Nothing to suggest" in result.stderr


@pytest.mark.parametrize(
    "words", [("suggest", "x", "--all"), ("suggest", "--path", ".", "--repository", "a/b"), ("schema", "x")]
)
def test_what_makes_no_sense_together_is_refused(cli: Cli, words: tuple[str, ...]) -> None:
    cli(*words, code=2)


@pytest.mark.parametrize("name", ["services", "access"])
async def test_the_schema_is_printed_served_and_in_the_repository(stage: Stage, cli: Cli, name: str) -> None:
    from tests.support.project import ROOT

    printed = cli("schema", name).stdout
    assert printed == (ROOT / "config" / f"{name}.schema.json").read_text(encoding="utf-8"), (
        f"run `failover schema {name} > config/{name}.schema.json`"
    )
    async with stage.client() as client:
        served = await client.get(f"/schema/{name}.json")
    assert served.json() == json.loads(printed)


def test_the_sample_homelab_is_suggested_whole(cli: Cli) -> None:
    import failover_api

    homelab = Path(failover_api.__file__).parent / "sandbox" / "homelab"
    body = cli.json("suggest", "--all", "--path", str(homelab))
    assert {"sonarr", "plex", "paperless", "nextcloud"} <= {entry["name"] for entry in body["entries"]}
    assert body["refused"] == []


def test_entries_that_name_no_node_are_counted(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(deployment("one"))
    (tmp_path / "two.yaml").write_text(deployment("two").replace("nodeSelector:", "unused:"))
    result = cli("suggest", "--all", "--path", str(tmp_path))
    assert "1 of 2 name no node: of these only the claim moves" in " ".join(result.stderr.split())
    assert [entry["names_node"] for entry in cli.json("suggest", "--all", "--path", str(tmp_path))["entries"]] == [
        True,
        False,
    ]


def test_a_working_tree_says_which_repository_it_is(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(deployment("one"))
    text = cli("suggest", "--all", "--path", str(tmp_path)).stdout
    assert text.startswith("repository: owner/name  # TODO: the repository's own\n\nservices:\n")
    (tmp_path / ".git").mkdir()
    config = '[remote "origin"]\n\turl = https://me:ghp_secret@github.com/acme/tea.git\n'
    (tmp_path / ".git/config").write_text(config)
    text = cli("suggest", "--all", "--path", str(tmp_path)).stdout
    assert text.startswith("repository: acme/tea\n\nservices:\n")
    assert "secret" not in text
