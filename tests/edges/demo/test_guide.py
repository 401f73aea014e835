"""How a shell calls this program."""

import shlex
import sys
from pathlib import Path

import pytest

from failover_api.edges.demo.guide import exports, own_command

HERE = Path(sys.executable).parent
URL = "http://127.0.0.1:8080"
SERVER = f"export FAILOVER_SERVER={URL} FAILOVER_TOKEN=demo"


def test_on_path_its_name_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "failover").symlink_to(HERE / "failover")  # as pipx does
    assert (own_command(), exports(URL)) == ("failover", [SERVER])


def test_elsewhere_its_path_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert own_command() == shlex.quote(str(HERE / "failover"))
    monkeypatch.chdir(HERE.parent)
    assert own_command() == "bin/failover"
    assert own_command(anywhere=True) == shlex.quote(str(HERE / "failover"))
    assert exports(URL) == [f'export PATH={shlex.quote(str(HERE))}:"$PATH"', SERVER]


def test_another_program_of_that_name_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "failover").touch(mode=0o755)
    assert own_command() != "failover"
