"""`failover serve` as a process."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from tests.support.clock import LIMIT_S
from tests.support.stage import Stage


class Server:
    """A running `failover serve` and its log."""

    def __init__(self, stage: Stage, *words: str, **environment: str) -> None:
        if not stage.access_file.exists():
            words = ("--insecure-no-auth", *words)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "failover_api", "serve", "--port", "0", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **stage.environment(), **environment},
        )
        self.lines: list[str] = []
        self._new: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._follow, daemon=True)
        self._reader.start()

    def _follow(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            self._new.put(line)

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def wait_for(self, words: str) -> str:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                if words in (line := self._new.get(timeout=0.1)):
                    return line
            assert self.process.poll() is None or not self._new.empty(), self.lines
        raise AssertionError(f"no {words!r} in {self.lines}")

    @property
    def address(self) -> tuple[str, int]:
        if not hasattr(self, "_address"):
            event = json.loads(self.wait_for("running on"))["event"]
            host, _, port = event.split("http://")[1].split()[0].rpartition(":")
            self._address = (host, int(port))
        return self._address

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def end(self) -> int:
        code = self.process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.end()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@contextlib.contextmanager
def serving(stage: Stage, *words: str, **environment: str) -> Iterator[Server]:
    server = Server(stage, *words, **environment)
    try:
        yield server
    finally:
        server.close()
