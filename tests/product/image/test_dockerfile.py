"""The Dockerfile and .dockerignore, read as text: what they say agrees with the code. `make image` builds them."""

import inspect
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from failover_api.edges.cli import main as cli
from tests.product.image import engine
from tests.product.image.__main__ import main
from tests.support.project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def instructions() -> list[tuple[str, str]]:
    """(word, rest) of each instruction, continued lines joined, without comments."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return [
        (word, " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)
    ]


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions():
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, rest))
    return found


def of(word: str, stage: int = -1) -> list[str]:
    return [rest for name, rest in stages()[stage] if name == word]


def from_context() -> set[str]:
    """What the build copies out of this repository."""
    copied = [rest for word, rest in instructions() if word in {"COPY", "ADD"} and "--from=" not in rest]
    return {source.rstrip("/") for rest in copied for source in shlex.split(rest)[:-1] if not source.startswith("--")}


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not here: it comes with the lock")
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_both_stages_stand_on_the_base_that_a_release_pins() -> None:
    assert instructions()[0] == ("ARG", "BASE=python:3.13-slim")
    assert [stage[0][1] for stage in stages()] == ["${BASE} AS build", "${BASE}"]
    minor = "Python :: " + instructions()[0][1].partition(":")[2].removesuffix("-slim")
    assert any(line.endswith(minor) for line in PROJECT["classifiers"])


def test_the_image_runs_as_1000_from_app() -> None:
    assert of("USER") == ["1000:1000"]
    assert of("WORKDIR") == ["/app"]


def test_the_entry_point_is_the_command_and_takes_its_options() -> None:
    assert of("ENTRYPOINT") == ['["failover"]']
    assert PROJECT["scripts"] == {"failover": "failover_api.edges.cli.main:main"}
    name, *words = json.loads(of("CMD")[0])
    assert name == "serve"
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert given == {"--host": "0.0.0.0", "--port": "8080"}  # noqa: S104 - compared
    assert {option.lstrip("-") for option in given} <= inspect.signature(cli.serve).parameters.keys()


def test_the_port_is_the_one_that_the_command_and_serve_have() -> None:
    assert of("EXPOSE") == ["8080"]
    assert inspect.signature(cli.serve).parameters["port"].default == 8080


def test_kubernetes_asks_the_probes_and_sends_sigterm() -> None:
    assert not of("HEALTHCHECK")
    assert of("STOPSIGNAL") == ["SIGTERM"]


def test_the_end_takes_from_the_build_the_environment_alone() -> None:
    assert of("COPY") == ["--from=build /opt/failover /opt/failover"]
    (prepare,) = of("RUN")
    assert "install" not in prepare.replace("uninstall", "")
    assert "uninstall --yes" in prepare
    assert "ensurepip" in prepare


def test_everything_installed_is_locked_by_its_hash() -> None:
    installs = [command for run in of("RUN", 0) for command in run.split("&&") if " install " in command]
    assert len(installs) == 3
    for command in installs:
        assert "--no-deps" in command
        assert ("--require-hashes" in command and "--only-binary :all:" in command) or "--no-index /dist/" in command


def test_byte_code_is_made_in_the_build_and_never_at_run_time() -> None:
    for stage in (0, 1):
        assert any("compileall -q --invalidation-mode unchecked-hash" in run for run in of("RUN", stage))
    assert "PYTHONDONTWRITEBYTECODE=1" in of("ENV")[0]


def test_the_labels_are_those_of_the_project() -> None:
    labels = dict(word.split("=", 1) for word in shlex.split(of("LABEL")[0]))
    ours = {key.removeprefix("org.opencontainers.image."): value for key, value in labels.items()}
    assert ours == {
        "title": PROJECT["name"],
        "description": PROJECT["description"],
        "licenses": PROJECT["license"],
        **{name: f"${{{name.upper()}}}" for name in ("source", "version", "revision")},
    }
    assert {f'{name.upper()}=""' for name in ("source", "version", "revision")} <= set(of("ARG"))


# .dockerignore: an allow list.


def allowed() -> tuple[set[str], set[str]]:
    """What is let through, and what is not for all that."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "nothing passes unless it is named"
    return {rule[1:] for rule in rules if rule.startswith("!")}, {rule for rule in rules[1:] if rule[0] != "!"}


def test_the_build_is_given_exactly_what_it_copies() -> None:
    through, kept_out = allowed()
    assert through == from_context()
    assert kept_out == {"**/__pycache__", "**/*.egg-info"}
    assert all((ROOT / path).exists() for path in through)


def test_every_file_that_the_wheel_needs_is_given() -> None:
    """A link of the package must find its file in the build, too."""
    through = {PurePosixPath(path) for path in from_context()}
    package = ROOT / "service" / "failover_api"
    for link in (path for path in package.rglob("*") if path.is_symlink()):
        target = PurePosixPath(link.resolve().relative_to(ROOT).as_posix())
        assert {target, *target.parents} & through, f"{link.relative_to(ROOT)} leads to {target}, which is left out"
    named = {PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml"}
    assert named <= from_context()


# What builds and runs it.


def test_a_machine_without_the_tools_is_told_all_that_is_missing() -> None:
    nothing = engine.missing(stand_in=True, which=lambda _: None, uid=1000)
    assert nothing[:3] == ["buildah", "podman", "runc or crun"]
    assert nothing[3:5] == ["debootstrap", "chroot"]
    assert nothing[5].startswith("root ")
    assert engine.missing(stand_in=False, which=lambda name: f"/usr/bin/{name}", uid=0) == []


def test_without_the_tools_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main("--stand-in") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.match(
        r"The image cannot be built and run here\. Missing: buildah, podman, runc or crun, deb", printed.err
    )
