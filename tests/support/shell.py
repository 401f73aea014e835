"""The command line, run in this process; and a server that is no failover-api for it to meet."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from failover_api.edges.cli.main import app
from tests.support.stage import Stage


class Cli:
    """Runs `failover ...` against a stage, as a script would: nothing is a terminal."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def __call__(self, *words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == code, (result.output, result.exception)
        assert "Traceback" not in result.output
        return result

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        result = self(*words, "--json", code=code)
        body: dict[str, Any] = json.loads(result.stdout)
        return body


@contextmanager
def answering(status: int, body: bytes, media_type: str = "application/json") -> Iterator[str]:
    """A server that is no failover-api."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - named by the library

        def log_message(self, *args: object) -> None:
            pass

    with listening(Handler) as url:
        yield url


@contextmanager
def listening(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server of the standard library; gives its URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
