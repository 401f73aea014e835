"""A running demo is found by its own user, and nothing else is taken for one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from failover_api.edges.demo.announcement import announced, on_loopback, running_demo
from failover_api.errors import BadRequest, NotReady

URL = "http://127.0.0.1:4711"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / f"failover-demo-{os.getuid()}"


def test_it_is_found_while_it_runs_and_not_afterwards() -> None:
    with announced(URL) as file:
        assert running_demo() == URL
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not file.exists()
    with pytest.raises(NotReady, match="no demo is running here"):
        running_demo()


def test_what_a_dead_demo_left_behind_is_removed(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    with announced(URL) as file:
        left = file.with_name(f"{ended.pid}.url")
        left.write_text("http://127.0.0.1:1")
        assert running_demo() == URL
    assert not left.exists()


def test_of_several_one_must_be_named(folder: Path) -> None:
    with announced(URL) as file:
        file.with_name(f"{os.getppid()}.url").write_text("http://127.0.0.1:4712")
        with pytest.raises(BadRequest, match=f"--cluster .*{URL}"):
            running_demo()


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707])
def test_a_folder_that_others_may_enter_is_refused(folder: Path, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(NotReady, match="not a folder of this user alone"):
        running_demo()


def test_a_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotReady, match="not a folder of this user alone"):
        running_demo()


@pytest.mark.parametrize(
    "text", ["https://kubernetes.example.org:6443", "http://10.0.0.1:80", "", "\xff", "x" * 10_000]
)
def test_a_file_with_anything_else_is_no_demo(folder: Path, text: str) -> None:
    with announced(URL) as file:
        file.write_text(text)
        with pytest.raises(NotReady, match="no demo is running"):
            running_demo()


def test_a_file_that_is_a_link_or_a_pipe_is_no_demo(folder: Path, tmp_path: Path) -> None:
    with announced(URL) as file:
        file.unlink()
        (tmp_path / "other").write_text(URL)
        file.symlink_to(tmp_path / "other")
        with pytest.raises(NotReady, match="no demo is running"):
            running_demo()
        file.unlink()
        os.mkfifo(file)
        with pytest.raises(NotReady, match="no demo is running"):
            running_demo()


@pytest.mark.parametrize("url", [URL, f"{URL}/", "http://localhost:80", "http://[::1]:80"])
def test_a_url_on_loopback_is_taken(url: str) -> None:
    assert on_loopback(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:6443",
        "http://10.0.0.1:8080",
        "http://127.0.0.1.example.org:80",
        "http://127.0.0.1",
        "http://127.0.0.1:80/api",
        "http://you@127.0.0.1:80",
        "http://127.0.0.1:99999",
        "http://[",
        "k3s-w1",
    ],
)
def test_no_other_url_is(url: str) -> None:
    with pytest.raises(BadRequest, match="is no demo's cluster"):
        on_loopback(url)
