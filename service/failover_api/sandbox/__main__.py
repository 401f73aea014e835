"""python -m failover_api.sandbox: the sandbox in a process of its own.

Prints one line of JSON (url, token, app_id, key_file, git_dir) once it answers, then serves until SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import threading
from pathlib import Path

from failover_api.sandbox.hosting.world import TREE_LIMIT
from failover_api.sandbox.sandbox import Sandbox


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="sandbox-") as scratch:
        git_dir = options.git_dir or Path(scratch) / "repository.git"
        sandbox = Sandbox.create(
            git_dir, repository=options.repository, branch=options.branch, files=_files(options.files)
        )
        sandbox.tree_limit = options.tree_limit
        sandbox.limits.requests_per_hour = options.requests_per_hour
        key_file = Path(scratch) / "app.pem"
        key_file.touch(mode=0o600)
        key_file.write_text(sandbox.private_key_pem)
        stop = _on_signal()
        with sandbox.serve(options.port) as url:
            access = {"url": url, "token": sandbox.token, "app_id": sandbox.app_id}
            paths = {"key_file": str(key_file), "git_dir": str(git_dir)}
            sys.stdout.write(json.dumps({**access, **paths}) + "\n")
            sys.stdout.flush()
            stop.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m failover_api.sandbox", description="A small GitHub.")
    parser.add_argument("--files", type=Path, required=True, help="directory with the first commit's files")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--git-dir", type=Path, help="where the bare repository is made; a scratch one unless given")
    parser.add_argument("--repository", default="acme/homelab")
    parser.add_argument("--branch", default="main")
    parser.add_argument("--tree-limit", type=int, default=TREE_LIMIT, help="entries before a tree is truncated")
    parser.add_argument("--requests-per-hour", type=int, default=5000, help="the primary rate limit")
    return parser.parse_args()


def _files(directory: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(directory.rglob("*")) if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}


def _on_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


if __name__ == "__main__":
    main()
