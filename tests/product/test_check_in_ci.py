"""A commit or a pull request that breaks the catalog: the pre-commit hook and the example workflow tell."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.product.action.workshop import clean_environment
from tests.support.project import ROOT, hook
from tests.support.stage import RADARR, SONARR
from tests.support.working_tree import replace, working_tree

# https://pre-commit.com/#new-hooks
REQUIRED = {"id", "name", "entry", "language"}
KNOWN = REQUIRED | {"description", "files", "pass_filenames", "require_serial"}
EXAMPLE = YAML(typ="safe").load(ROOT / "examples" / "check-catalog.yml")


def steps() -> list[str]:
    (job,) = EXAMPLE["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """In the folder, with `failover` on PATH, as an installed package has it."""
    return subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False
    )


def test_the_hook_is_one_that_pre_commit_takes() -> None:
    assert hook().keys() >= REQUIRED
    assert hook().keys() <= KNOWN
    assert hook()["language"] == "python"
    assert (ROOT / "pyproject.toml").exists(), "pre-commit installs the repository that the hook stands in"
    assert hook()["pass_filenames"] is False, "the catalog is checked whole"


@pytest.mark.parametrize("changed", [SONARR, "config/services.yaml", "a/b.yml", "apps/kustomization", "x.json"])
def test_the_hook_runs_for_what_may_break_the_catalog(changed: str) -> None:
    assert re.search(hook()["files"], changed)


def test_the_hook_does_not_run_for_what_cannot() -> None:
    assert not re.search(hook()["files"], "README.md")


@pytest.mark.parametrize("command", [hook()["entry"], steps()[-1]], ids=["hook", "workflow"])
def test_a_tree_in_order_is_green_and_a_broken_one_red(tmp_path: Path, command: str) -> None:
    assert shlex.split(command)[0] == Path(sys.executable).with_name("failover").name
    working_tree(tmp_path)
    good = run(tmp_path, command)
    assert good.returncode == 0, good.stdout + good.stderr
    (tmp_path / RADARR).rename(tmp_path / "radarr.yaml")
    replace(tmp_path, SONARR, "name: config", "name: data")
    broken = run(tmp_path, command)
    assert broken.returncode == 1, broken.stderr
    assert "service radarr: no Deployment media/radarr" in broken.stdout
    assert f"service sonarr: {SONARR}" in broken.stdout
    assert "Traceback" not in broken.stderr


def test_the_hook_says_nothing_when_all_is_well(tmp_path: Path) -> None:
    done = run(working_tree(tmp_path), hook()["entry"])
    assert (done.stdout, done.stderr) == ("", "")


def test_the_workflow_installs_what_it_runs_and_nothing_else() -> None:
    install, _ = steps()
    assert shlex.split(install)[:2] == ["pipx", "install"]
    assert set(EXAMPLE["on"]) == {"pull_request"}
