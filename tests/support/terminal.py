"""`failover` on a pseudo-terminal."""

import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from fcntl import ioctl

from tests.support.clock import LIMIT_S
from tests.support.stage import Stage

FAILOVER = [sys.executable, "-m", "failover_api"]


class OnATerminal:
    """`failover ...`, or a `program`, with a pty as its standard input and error, and as its output unless `piped`."""

    def __init__(
        self,
        stage: Stage,
        *words: str,
        columns: int = 100,
        piped: bool = False,
        program: Sequence[str] = FAILOVER,
        **environment: str,
    ) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        plain = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "COLUMNS", "CI"}}
        self.process = subprocess.Popen(
            [*program, *words],
            stdin=slave,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is an interrupt
            stdout=subprocess.PIPE if piped else slave,
            stderr=slave,
            env={**plain, **stage.environment(), "TERM": "xterm-256color", **environment},
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""

    @property
    def left(self) -> str:
        """What stays to be read when the steps, a line that is overwritten, have gone."""
        return self.seen.rpartition("\x1b[1A\x1b[2K")[2]

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if not self._read():
                raise AssertionError(f"ended without {words!r}: {self.seen}")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Reads to the end; gives the exit code."""
        while self._read():
            pass
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        os.close(self._master)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], LIMIT_S)
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # Linux's way to say that the other end is closed
            return False
        self.seen += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
