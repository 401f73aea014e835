"""action.yml, the examples and our own workflows: they agree, and the linters of the trade have nothing to say."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from failover_api.core.catalog.model import Action
from failover_api.edges.job.inputs import ACTIONS
from failover_api.edges.job.report import OUTPUTS
from tests.product.action.workshop import PRODUCT, ROOT, action, tool

EXAMPLES = sorted((ROOT / "examples").glob("*.yml"))
MOVING = [ROOT / "examples" / name for name in ("failover.yml", "failover-remote.yml")]
OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PIN = re.compile(r"uses: ([\w./-]+)@([0-9a-f]{40})(?: # v(\d+)\.\d+\.\d+$)?", re.MULTILINE)
BY_BRANCH = {"pypa/gh-action-pypi-publish": "release/v1"}  # has no major tag


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def test_actionlint_is_content() -> None:
    done = subprocess.run([tool("actionlint"), *EXAMPLES, *OURS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_actionlint_knows_every_input_of_the_action(tmp_path: Path) -> None:
    """It reads the metadata of an action that lies in the repository."""
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for folder in (".git", "product"):  # it looks for actions below the folder with .git
        (tmp_path / folder).mkdir()
    (tmp_path / "product" / "action.yml").write_bytes((ROOT / "action.yml").read_bytes())
    for example in EXAMPLES:
        (workflows / example.name).write_text(example.read_text(encoding="utf-8").replace(PRODUCT, "./product"))
    command = [tool("actionlint"), *workflows.iterdir()]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    broken = workflows / MOVING[0].name
    broken.write_text(broken.read_text().replace("          dry-run: $", "          dryrun: $"))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 'input "dryrun" is not defined in action "failover"' in done.stdout


def by_major(found: re.Match[str]) -> str:
    name, _, major = found.groups()
    return f"uses: {name}@{BY_BRANCH.get(name, f'v{major}')}"


def test_actionlint_knows_every_input_that_our_workflows_give(tmp_path: Path) -> None:
    """It knows the inputs of actions by their major tag, not by a commit."""
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    for path in OURS:
        (workflows / path.name).write_text(PIN.sub(by_major, path.read_text(encoding="utf-8")))
    command = [tool("actionlint"), *workflows.iterdir()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    broken = workflows / "release.yml"
    broken.write_text(broken.read_text().replace("provenance: ", "provenence: "))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 'input "provenence" is not defined in action "docker/build-push-action@' in done.stdout


def test_zizmor_is_content() -> None:
    command = [tool("zizmor"), "--offline", "--persona=pedantic", ROOT / "action.yml", *EXAMPLES, *OURS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_what_it_should(tmp_path: Path) -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    (tmp_path / "action.yml").write_text(
        text.replace('cd "$ACTION_PATH', 'echo "${{ inputs.reason }}"\n        cd "$A')
    )
    command = [tool("zizmor"), "--offline", tmp_path / "action.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "template-injection" in done.stdout


def test_no_shell_reads_an_expression() -> None:
    (step,) = action()["runs"]["steps"]
    assert "${{" not in step["run"]
    assert "uses" not in step


def test_every_input_reaches_the_step() -> None:
    (step,) = action()["runs"]["steps"]
    passed = {name: text for name, text in step["env"].items() if name.startswith("INPUT_")}
    declared = action()["inputs"]
    assert passed == {f"INPUT_{name.upper().replace('-', '_')}": f"${{{{ inputs.{name} }}}}" for name in declared}
    assert all(one["description"] for one in declared.values())


def test_the_outputs_are_those_that_are_reported() -> None:
    declared = action()["outputs"]
    assert set(declared) == set(OUTPUTS)
    assert all(one["value"] == f"${{{{ steps.move.outputs.{name} }}}}" for name, one in declared.items())


def test_the_actions_are_those_of_the_product() -> None:
    assert set(ACTIONS) == {one.value for one in Action}


@pytest.mark.parametrize("path", MOVING, ids=lambda path: path.name)
def test_an_example_asks_for_what_there_is(path: Path) -> None:
    workflow = read(path)
    (job,) = workflow["jobs"].values()
    (step,) = [one for one in job["steps"] if one["uses"].startswith("acme/failover-api@")]
    assert step["uses"] == PRODUCT
    assert step["with"].keys() <= action()["inputs"].keys()
    offered = workflow["on"]["workflow_dispatch"]["inputs"]
    assert set(offered["action"]["options"]) == {*ACTIONS, "evacuate"}
    used = set(re.findall(r"inputs\.([a-z-]+)", path.read_text(encoding="utf-8")))
    assert used == offered.keys()
    assert set(workflow["on"]) == {"workflow_dispatch"}


@pytest.mark.parametrize("path", MOVING, ids=lambda path: path.name)
def test_an_example_offers_all_that_a_move_may_be_told(path: Path) -> None:
    """All but how it works, which an example has settled; a group is chosen as `group-NAME`."""
    (job,) = read(path)["jobs"].values()
    given = job["steps"][-1]["with"].keys()
    settled = {"mode", "config", "token", "app-id", "app-private-key", "server", "audience"}
    assert action()["inputs"].keys() - settled - {"group"} == given - settled


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("failover.yml", {"contents": "read"}),
        ("failover-remote.yml", {"id-token": "write"}),
        ("check-catalog.yml", {"contents": "read"}),
    ],
)
def test_an_example_may_do_the_least(name: str, allowed: dict[str, str]) -> None:
    workflow = read(ROOT / "examples" / name)
    assert workflow["permissions"] == {}
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == allowed


def test_an_action_of_others_is_pinned_to_one_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in (*EXAMPLES, *OURS):
        text = path.read_text(encoding="utf-8")
        assert len(re.findall(r"uses: (?!\./)", text)) == len(PIN.findall(text)), path
        for name, commit, major in PIN.findall(text):
            assert major or f"{name}@{commit}" == PRODUCT, f"{name}: its version is said behind the commit"
            pins.setdefault(name, set()).add(commit)
    assert [name for name, commits in pins.items() if len(commits) > 1] == []
