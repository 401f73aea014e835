"""dev.py: what it refuses, in one sentence; what it writes to the lock; when it makes the environment again."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import dev


def test_the_lock_has_our_header_and_no_option() -> None:
    exported = "--index-url https://example.invalid/simple\nalpha==1.0 \\\n    --hash=sha256:00\n    # via beta\n"
    header, *rest = dev.lock_text(exported).splitlines()
    assert header.startswith("# Made by `make lock`")
    assert rest == ["alpha==1.0 \\", "    --hash=sha256:00", "    # via beta"]


@pytest.mark.parametrize("line", ["alpha @ https://example.invalid/alpha.whl", "alpha @ file:///tmp/alpha"])
def test_a_lock_that_names_a_host_or_a_path_is_refused(line: str) -> None:
    with pytest.raises(dev.Refused, match="no host and no path"):
        dev.lock_text(line)


def test_declared_versions_are_those_of_the_classifiers() -> None:
    text = (dev.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = [line.split(":: ")[-1].rstrip('",') for line in text.splitlines() if ":: Python :: 3." in line]
    assert sorted(dev.DECLARED) == sorted(declared)


def fake_python(folder: Path, body: str) -> str:
    path = folder / "python3.12"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_a_python_without_ensurepip_names_the_debian_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")  # no uv
    broken = fake_python(tmp_path, "echo no module >&2; exit 1")
    with pytest.raises(dev.Refused) as refusal:
        dev.setup(tmp_path / "venv", broken)
    wanted = (
        "`python3.12 -m venv` fails until the Debian package python3-venv is installed: apt-get install python3-venv"
    )
    assert str(refusal.value) == wanted
    assert not (tmp_path / "venv").exists()


def test_an_unknown_command_prints_the_usage(tmp_path: Path) -> None:
    result = dev_py("nonesuch", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: python3 dev.py setup | demo | test")


def test_what_it_runs_keeps_the_modules_it_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setitem(dev.COMMANDS, "test", lambda _: seen.append(dict(os.environ)) or 0)
    assert dev.main("test") == 0
    assert "PYTHONDONTWRITEBYTECODE" not in seen[0]


def dev_py(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(dev.ROOT / "dev.py"), *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_an_environment_is_made_once_and_again_when_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = []

    def make(*command: str) -> int:
        made.append(command)
        inside = dev.ROOT / "nowhere" if not command else tmp_path / "venv" / "bin" / "python"
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.touch()
        return 0

    monkeypatch.setattr(dev, "run", make)
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    venv = tmp_path / "venv"
    for expected in (3, 3):  # the second time nothing is made, or said
        dev.setup(venv)
        assert len(made) == expected
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert said[0].startswith("Making venv for ")
    assert said[1].startswith(f"Installing {dev.locked_packages()} packages with ")
    assert dev.locked_packages() == sum(line[0].isalnum() for line in dev.LOCK.read_text().splitlines())
    (venv / "made-from").unlink()  # what an interrupted making looks like
    dev.setup(venv)
    assert len(made) == 6
    (tmp_path / "pyproject.toml").write_text("changed")
    dev.setup(venv)
    assert len(made) == 9


def test_an_interpreter_that_does_not_run_is_not_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_python(tmp_path, "exit 127")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert dev.interpreter("3.12") is None


def test_a_lock_keeps_the_pins_that_stand() -> None:
    locked = (
        "# Made by us\nalpha==1.0 \\\n    --hash=sha256:00\nbeta==2.0 ; sys_platform == 'win32' \\\n    # via alpha\n"
    )
    assert dev.pins(locked) == ["alpha==1.0", "beta==2.0 ; sys_platform == 'win32'"]
    bound = tomllib.loads(dev.with_constraints('[project]\nname = "x"\n', dev.pins(locked)))
    assert bound["tool"]["uv"]["constraint-dependencies"] == dev.pins(locked)
    assert bound["project"] == {"name": "x"}


def test_every_pin_of_the_lock_is_found() -> None:
    assert len(dev.pins(dev.LOCK.read_text(encoding="utf-8"))) == dev.locked_packages()


def test_lock_takes_no_other_word() -> None:
    with pytest.raises(dev.Refused, match="--upgrade"):
        dev.lock(["--upgrad"])
