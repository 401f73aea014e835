"""Servers of a bare repository, by Git's own protocols on 127.0.0.1: ssh, and HTTP by `git http-backend`."""

import contextlib
import getpass
import http.server
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_START_S = 5.0


class Missing(Exception):
    """What this machine lacks for a way of cloning, in a few words."""


@dataclass(frozen=True, slots=True)
class GitServer:
    """Where a repository is served; `environ` is what git needs to reach it."""

    port: int
    scheme: str  # http, or ssh with the user's name
    git_dir: Path
    environ: dict[str, str] = field(default_factory=dict)

    def url(self, port: int) -> str:
        """The URL to clone, at the port of a delay."""
        root = f"{self.scheme}127.0.0.1:{port}"
        return f"{root}/{self.git_dir.name}" if self.scheme == "http://" else f"{root}{self.git_dir}"


def prepare(source: Path, target: Path) -> Path:
    """A packed copy of a bare repository that may be cloned in every way, as a Git host keeps it."""
    shutil.copytree(source, target)
    for name, value in {
        "http.receivepack": "true",
        "uploadpack.allowFilter": "true",
        "uploadpack.allowAnySHA1InWant": "true",
        "receive.autogc": "false",
    }.items():
        subprocess.run(["git", "-C", target, "config", name, value], check=True)
    subprocess.run(["git", "-C", target, "repack", "-adqb"], check=True)
    return target


@contextlib.contextmanager
def serving_ssh(git_dir: Path, scratch: Path) -> Iterator[GitServer]:
    """An sshd of our own, for the user who runs this. Raises Missing where there is none."""
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not sshd or not shutil.which("ssh"):
        raise Missing("no ssh and sshd here")
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scratch / key], check=True)
    shutil.copy(scratch / "user.pub", scratch / "authorized")
    port = free_port()
    (scratch / "sshd").write_text(_SSHD.format(port=port, scratch=scratch), encoding="utf-8")
    with contextlib.suppress(PermissionError):
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd run by root wants it
    command = f"ssh -F none -i {scratch / 'user'} {_SSH_OPTIONS}"
    process = subprocess.Popen([sshd, "-D", "-f", scratch / "sshd"], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        server = GitServer(port, f"ssh://{getpass.getuser()}@", git_dir, {"GIT_SSH_COMMAND": command})
        probe = subprocess.run(
            ["git", "ls-remote", server.url(port)],
            env={**os.environ, **server.environ},
            capture_output=True,
            check=False,
        )
        if probe.returncode:
            raise Missing("sshd lets nobody in here")
        yield server
    finally:
        process.terminate()
        process.wait()


_SSH_OPTIONS = (
    "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes "
    "-o IdentitiesOnly=yes"
)
# SHLVL: Debian's bash would read ~/.bashrc for each command otherwise, which no Git host does.
_SSHD = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {scratch}/host
AuthorizedKeysFile {scratch}/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
MaxStartups 100
SetEnv SHLVL=2
"""


@contextlib.contextmanager
def serving_http(git_dir: Path) -> Iterator[GitServer]:
    """Smart HTTP over kept connections, as Git hosts serve it (without TLS)."""
    if not (_exec_path() / "git-http-backend").exists():
        raise Missing("no git http-backend here")

    class Handler(_Backend):
        root = git_dir.parent

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield GitServer(server.server_address[1], "http://", git_dir)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Backend(http.server.BaseHTTPRequestHandler):
    """Hands each request to `git http-backend`. https://git-scm.com/docs/git-http-backend"""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    root: Path

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        environ = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_USER": "bench",
        }
        body = self._body()
        environ["CONTENT_LENGTH"] = str(len(body))
        done = subprocess.run(["git", "http-backend"], env=environ, input=body, stdout=subprocess.PIPE, check=True)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in {**headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815 - the name that http.server asks for

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        pass


def _exec_path() -> Path:
    return Path(subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip())


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise Missing("sshd does not start here")
