"""`failover serve` as a process: how it starts, what it survives, how it ends."""

import contextlib
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time

import httpx2

from tests.support.clock import LIMIT_S
from tests.support.server import serving
from tests.support.stage import Stage


def test_it_says_that_it_is_open_finishes_its_work_and_ends_with_0(stage: Stage) -> None:
    with serving(stage) as server:
        url = server.url
        assert server.address[0] == "127.0.0.1"
        assert httpx2.get(f"{url}/readyz").status_code == 200
        stage.fault("slow", method="PUT", seconds=1.0)
        answers: list[httpx2.Response] = []

        def promote() -> None:
            answers.append(httpx2.post(f"{url}/api/failover/sonarr/promote", headers={"X-Request-ID": "night-1"}))

        moving = threading.Thread(target=promote)
        moving.start()
        while len(stage.sandbox.faults):
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        moving.join(LIMIT_S)
        assert server.end() == 0
    assert answers[0].status_code == 200
    assert answers[0].json()["changed"] is True
    assert len(stage.moves) == 1
    events = {line["event"]: line for line in server.log}
    assert any("open" in event and "access control" in event for event in events), server.lines
    assert events["move done"]["request_id"] == "night-1"
    assert events["move done"]["service"] == "sonarr"
    told = [line["event"] for line in server.log if line.get("request_id") == "night-1"]
    assert told == ["access allowed", "move done"], "one line a decision"
    assert stage.sandbox.token not in "".join(server.lines)


def test_hostile_connections_are_survived(stage: Stage) -> None:
    big = b"x" * 1000
    head = b"POST /api/failover/sonarr/promote HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    raw = {
        "chunked over 64 KiB": head
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"3e8\r\n%s\r\n" % big * 100
        + b"0\r\n\r\n",
        "content-length over 64 KiB": head + b"Content-Length: 100000\r\n\r\n" + big * 100,
        "content-length that lies": head + b'Content-Length: 500\r\n\r\n{"reason": "x"',
        "content-length below zero": head + b"Content-Length: -1\r\n\r\n{}",
        "two content-lengths": head + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "bad chunk": head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        "endless header": b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000,
        "absolute url": b"GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\n\r\n",
    }
    expected = {"chunked over 64 KiB": b" 413 ", "content-length over 64 KiB": b" 413 ", "absolute url": b" 404 "}
    with serving(stage) as server:
        for what, data in raw.items():
            with socket.create_connection(server.address, timeout=LIMIT_S) as connection:
                with contextlib.suppress(OSError):
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                answer = b""
                with contextlib.suppress(OSError):
                    while chunk := connection.recv(65536):
                        answer += chunk
            status = answer.split(b"\r\n")[0]
            assert expected.get(what, b" 4") in status or (what not in expected and not status), (what, answer)
        for _ in range(20):  # who hangs up with a reset while we answer
            with socket.create_connection(server.address) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.sendall(b"GET /api/failover/sonarr HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        for _ in range(3):  # GitHub hangs up: the next request finds a dead connection
            stage.fault("lost_request", times=2)
            assert httpx2.get(f"{server.url}/api/failover/plex").is_success
        assert httpx2.get(f"{server.url}/healthz").status_code == 200
        server.process.send_signal(signal.SIGINT)
        assert server.end() == 0
    assert not stage.writes
    assert not [line for line in server.lines if "Traceback" in line]


def test_a_port_that_is_taken_is_said_in_a_line(stage: Stage) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        serving(stage, "--port", str(taken.getsockname()[1])) as server,
    ):
        assert server.end() == 1
    assert not [line for line in server.lines if "Traceback" in line]
    assert "in use" in "".join(server.lines)


def test_who_forwards_is_believed_about_the_prefix_only_when_told_so(stage: Stage) -> None:
    headers = {"accept": "text/html", "x-forwarded-prefix": "/failover"}
    with serving(stage, FAILOVER_ROOT_PATH="/other") as server:
        alone = httpx2.get(server.url, headers=headers).text
    with serving(stage, FAILOVER_ROOT_PATH="/other", FORWARDED_ALLOW_IPS="127.0.0.1") as server:
        behind = httpx2.get(server.url, headers=headers).text
    assert '<a class="brand" href="/other/">' in alone
    assert '<a class="brand" href="/failover/">' in behind


def test_it_loads_nothing_that_it_does_without(stage: Stage) -> None:
    """Each takes some megabytes, and whoever runs the service has given it a limit."""
    code = textwrap.dedent(
        """
        import sys
        import uvicorn
        from failover_api.edges.server import run_server
        from failover_api.settings import Settings

        unused = "rich", "github", "apprise", "dulwich"
        uvicorn.Server.run = lambda _: print([name for name in unused if sys.modules.get(name)])
        run_server(Settings.read(), host="127.0.0.1", port=0, open_to_all=True)
        """
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=stage.environment(), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
