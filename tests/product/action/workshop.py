"""A runner to try the action on: the step alone as a process, or a whole workflow under act, without Docker."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.project import ROOT

LIMIT_S = 60
PRODUCT = "acme/failover-api@0000000000000000000000000000000000000000"  # as the examples name it


def tool(name: str) -> str:
    """A tool beside this Python, or on PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed here: `make setup` brings it")
    return found


def action() -> Any:
    return YAML(typ="safe").load(ROOT / "action.yml")


def clean_environment(**more: str) -> dict[str, str]:
    """What any process needs, the product's source, and nothing that this run's own environment says of it."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith(("FAILOVER_", "GITHUB_", "INPUT_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{ours.get('PATH', '')}"
    return {**ours, "PATH": path, "PYTHONPATH": str(ROOT / "service"), **more}


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run. `log` is what a person can read of it."""

    code: int
    log: str
    summary: str
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The summary as it is read."""
        return html.unescape(self.summary)


def step_environment(folder: Path, inputs: Mapping[str, str], **environ: str) -> dict[str, str]:
    """What the step of action.yml gets in a job of maria's, with the defaults that are declared; but no token."""
    declared = {name: one.get("default", "") for name, one in action()["inputs"].items()}
    said = {**declared, "token": "", **inputs}
    assert said.keys() == declared.keys(), "an input that action.yml does not declare"
    return {
        **{f"INPUT_{name.upper().replace('-', '_')}": text for name, text in said.items()},
        **{name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")},
        "RUNNER_TEMP": str(folder),
        "GITHUB_WORKSPACE": str(folder),
        "GITHUB_ACTOR": "maria",
        **environ,
    }


def run_step(folder: Path, inputs: Mapping[str, str], **environ: str) -> Ran:
    """The step as a process."""
    done = subprocess.run(
        [sys.executable, "-m", "failover_api.edges.job"],
        env=clean_environment(**step_environment(folder, inputs, **environ)),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return read_step(folder, done.returncode, done.stdout + done.stderr)


def read_step(folder: Path, code: int, printed: str) -> Ran:
    """What the runner makes of it; afterwards its files are empty again."""
    texts = {}
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        texts[name] = (folder / name).read_text(encoding="utf-8")
        (folder / name).unlink()
    return Ran(code, read_log(printed), texts["GITHUB_STEP_SUMMARY"], read_outputs(texts["GITHUB_OUTPUT"]))


def read_log(text: str) -> str:
    """As the runner shows it: what is to be masked from here on is not shown itself."""
    return re.sub(r"(?m)^(::add-mask::).*$", r"\1***", text)


def read_outputs(text: str) -> dict[str, str]:
    """As the runner reads them: NAME<<END, the lines of the value, END."""
    return {name: value for name, _, value in re.findall(r"^(.+?)<<(.+)\n((?:.|\n)*?)\n\2$", text, re.MULTILINE)}


class Workflow:
    """An example workflow in a repository of its own, run by act on this machine, with the action of this source."""

    def __init__(self, folder: Path, example: str, catalog: str) -> None:
        self.act = tool("act")
        self.folder, self.home, self.product = folder / "homelab", folder / "home", folder / "product"
        self.home.mkdir()
        workflows = self.folder / ".github" / "workflows"
        workflows.mkdir(parents=True)
        shutil.copy(ROOT / "examples" / example, workflows)
        (self.folder / "config").mkdir()
        (self.folder / "config" / "services.yaml").write_text(catalog, encoding="utf-8")
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "A homelab"]):
            author = ["-c", "user.name=maria", "-c", "user.email=maria@example.org"]
            subprocess.run(["git", *author, *words], cwd=self.folder, check=True)
        ignored = shutil.ignore_patterns("__pycache__", "homelab")
        shutil.copytree(ROOT / "service", self.product / "service", ignore=ignored)
        shutil.copytree(ROOT / "requirements", self.product / "requirements")
        shutil.copy(ROOT / "action.yml", self.product)

    def run(
        self,
        inputs: Mapping[str, str],
        *,
        secrets: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        **environ: str,
    ) -> Ran:
        """Presses the button. Secrets go by the environment, as they hold line feeds."""
        secrets = secrets or {}
        said = {"PYTHONPATH": str(self.product / "service"), "FAILOVER_COMMAND": tool("failover"), **environ}
        done = subprocess.run(
            [
                *(self.act, "workflow_dispatch", "--json", "--actor", "maria"),
                *("-P", "ubuntu-latest=-self-hosted", "--action-offline-mode", "--pull=false"),
                *("--local-repository", f"{PRODUCT}={self.product}"),
                *(word for name, text in inputs.items() for word in ("--input", f"{name}={text}")),
                *(word for name, text in said.items() for word in ("--env", f"{name}={text}")),
                *(word for name, text in (variables or {}).items() for word in ("--var", f"{name}={text}")),
                *(word for name in secrets for word in ("-s", name)),
            ],
            cwd=self.folder,
            env={**clean_environment(HOME=str(self.home), XDG_CACHE_HOME=str(self.home / "cache")), **secrets},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        return _told(done)


def _told(done: subprocess.CompletedProcess[str]) -> Ran:
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    mine = [event for event in events if event.get("stepID") == ["failover"]]
    outputs = {one["name"]: one["arg"] for one in mine if one.get("command") == "set-output"}
    summary = "".join(one["content"] for one in mine if one.get("command") == "summary")
    log = "\n".join(str(event.get("msg")) for event in events)
    return Ran(done.returncode, log + done.stderr, summary, outputs)
