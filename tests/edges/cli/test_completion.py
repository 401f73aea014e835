"""Completion, as the shells do it: the script is loaded, and TAB is what is tried."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from typer._completion_classes import completion_init
from typer.testing import CliRunner

from failover_api.edges.cli.main import app
from tests.support.shell import Cli, answering
from tests.support.stage import SERVICES, Stage

BASH = shutil.which("bash")
GROUPS = "groups: {media: [radarr, sonarr], office: [sonarr]}\nnodes: {primary: k3s-w1, backup: k3s-w2}"
TAB = """\
source <(printf '%s' "$SCRIPT")
complete -p failover
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_failover_completion "$1"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@cache
def script() -> str:
    """The same for everybody."""
    command = [sys.executable, "-m", "failover_api", "completion", "bash"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def completed(stage: Stage, *words: str, **environment: str) -> list[str]:
    """What bash is told at TAB after these words; nothing may be said beside it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", TAB, "bash", "failover", *words],
        env={**os.environ, **stage.environment(), "PATH": path, "SCRIPT": script(), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    bound, *found = done.stdout.splitlines()
    assert bound == "complete -o default -F _failover_completion failover"
    return list(filter(None, found))


def answered(stage: Stage, *words: str, **environment: str) -> list[str]:
    """What the script is told when it asks, in this process."""
    completion_init()
    asked = {"_FAILOVER_COMPLETE": "complete_bash", "COMP_CWORD": str(len(words))}
    asked["COMP_WORDS"] = "\n".join(("failover", *words))
    said = CliRunner().invoke(app, [], env={**stage.environment(), **asked, **environment}, prog_name="failover")
    assert (said.exit_code, said.stderr) == (0, "")
    return list(filter(None, said.stdout.splitlines()))


pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("stat",), ["status"]),
        (("token", ""), ["new"]),
        (("status", "s"), ["sonarr"]),
        (("history", ""), ["sonarr", "radarr", "plex"]),
        (("promote", "--dry-run", "r"), ["radarr"]),
        (("promote", "--group", ""), ["media", "office"]),
        (("list", "--group", "o"), ["office"]),
        (("evacuate", ""), ["k3s-w1", "k3s-w2"]),
        (("evacuate", "--dry-run", "k3s-w2"), ["k3s-w2"]),
        (("list", "--side", "b"), ["backup"]),
        (("list", "-o", ""), ["wide", "json", "name"]),
        (("promote", "--skip"), ["--skip-refused"]),
        (("promote", "--accept", "node-"), ["node-missing", "node-not-ready"]),
        (("evacuate", "--accept", "claim-u"), []),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("schema", ""), ["services", "access"]),
        (("status", "nosuch"), []),
    ],
)
def test_commands_options_and_names_are_completed(stage: Stage, words: tuple[str, ...], expected: list[str]) -> None:
    stage.declare(SERVICES, top=GROUPS)
    assert answered(stage, *words) == expected
    assert not stage.requests, "GitHub is not asked"


def test_a_shell_is_told_the_same(stage: Stage) -> None:
    stage.declare(SERVICES, top=GROUPS)
    assert completed(stage, "promote", "--group", "") == ["media", "office"]
    assert completed(stage, "status", "nosuch") == []


def test_names_come_from_the_service_where_one_is_named(stage: Stage, tmp_path: Path) -> None:
    stage.declare(SERVICES, top=GROUPS)
    nothing = {"FAILOVER_CONFIG": str(tmp_path / "none.yaml")}
    with stage.served() as url:
        assert completed(stage, "status", "s", FAILOVER_SERVER=url, **nothing) == ["sonarr"]
        assert answered(stage, "promote", "--server", url, "--group", "m", **nothing) == ["media"]
        assert answered(stage, "evacuate", "", FAILOVER_SERVER=url, **nothing) == ["k3s-w1", "k3s-w2"]


@pytest.mark.parametrize(
    "environment",
    [
        {"FAILOVER_CONFIG": "/nowhere/services.yaml"},
        {"FAILOVER_CONFIG": __file__},
        {"FAILOVER_DEADLINE_S": "soon"},
        {"FAILOVER_SERVER": "http://127.0.0.1:9"},
        {"FAILOVER_SERVER": "ftp://x"},
    ],
)
def test_an_error_is_no_completion_and_no_noise(stage: Stage, environment: dict[str, str]) -> None:
    assert answered(stage, "status", "s", **environment) == []


def test_an_error_leaves_the_line_of_a_shell_as_it_was(stage: Stage) -> None:
    assert completed(stage, "status", "s", FAILOVER_CONFIG="/nowhere/services.yaml") == []


def test_a_foreign_server_is_no_completion_and_no_noise(stage: Stage) -> None:
    with answering(200, b'{"services": [1], "groups": 2}') as url:
        assert answered(stage, "status", "s", FAILOVER_SERVER=url) == []


def test_a_person_presses_tab(stage: Stage, run) -> None:
    """A real bash on a real terminal."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = run(program=["bash", "--norc"], PATH=path, PS1="$ ")
    shell.type("source <(failover completion bash)\n")
    shell.type("failover status son\t")
    shell.wait_for("failover status sonarr ")
    shell.type("\x15exit\n")
    shell.end()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_its_script(cli: Cli, tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(cli("completion", shell).stdout)
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_shell_is_exit_2(cli: Cli) -> None:
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in cli("completion", "tcsh", code=2).stderr
