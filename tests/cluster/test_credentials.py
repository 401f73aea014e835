"""Credentials that change: token files, and programs that give them, in bounded time."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from failover_api.cluster import credentials as credentials_module
from failover_api.cluster import plugin as plugin_module
from failover_api.cluster.access import Endpoint, Login, Pem, Plugin
from failover_api.cluster.credentials import Credentials
from failover_api.cluster.plugin import Identity, run_plugin
from failover_api.errors import ClusterUnauthenticated
from tests.support.clock import Clock, eventually

HERE = Endpoint("https://192.0.2.10:6443")
V1 = "client.authentication.k8s.io/v1"


def program(folder: Path, body: str) -> str:
    file = folder / "get-token"
    file.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def plugin(command: str, *, version: str = V1, **more: Any) -> Plugin:
    return Plugin(command, (), (), version, **more)


def printing(folder: Path, status: Any, *, version: str = V1) -> Plugin:
    said = json.dumps({"kind": "ExecCredential", "apiVersion": version, "status": status})
    return plugin(program(folder, f"echo run >> '{folder}/runs'\ncat <<'EOF'\n{said}\nEOF"), version=version)


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text(encoding="ascii").splitlines())


@pytest.mark.parametrize("version", [V1, f"{V1}beta1"])
async def test_a_program_gives_a_token_that_expires(tmp_path: Path, version: str) -> None:
    given = printing(tmp_path, {"token": "t", "expirationTimestamp": "2026-11-30T20:00:00Z"}, version=version)
    assert await run_plugin(given, HERE) == Identity("t", expires_at=1796068800.0)


async def test_a_program_may_give_a_certificate(tmp_path: Path) -> None:
    status = {"clientCertificateData": "CERT", "clientKeyData": "KEY"}
    identity = await run_plugin(printing(tmp_path, status), HERE)
    assert identity == Identity(None, "CERT", "KEY")
    assert "KEY" not in repr(identity)


async def test_a_program_is_told_what_it_needs_and_none_of_our_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILOVER_GITHUB_TOKEN", "hunter2")
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    monkeypatch.setenv("AWS_PROFILE", "ours")
    command = program(tmp_path, f"env > '{tmp_path}/env'\nexit 1")
    told = Plugin(command, ("a", "b"), (("PROFILE", "theirs"),), V1, is_told_cluster=True, config={"audience": "x"})
    with pytest.raises(ClusterUnauthenticated):
        await run_plugin(told, HERE)
    seen = dict(
        line.split("=", 1) for line in (tmp_path / "env").read_text(encoding="utf-8").splitlines() if "=" in line
    )
    assert (seen["PROFILE"], seen["AWS_PROFILE"]) == ("theirs", "ours")
    assert "hunter2" not in str(seen)
    assert json.loads(seen["KUBERNETES_EXEC_INFO"]) == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {
            "interactive": False,
            "cluster": {
                "server": "https://192.0.2.10:6443",
                "insecure-skip-tls-verify": False,
                "config": {"audience": "x"},
            },
        },
    }


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("echo hunter2 >&2; exit 3", "ended with exit code 3: run it by hand to see why"),
        ("echo hunter2", "printed no JSON"),
        ("echo '{}'", "printed no ExecCredential of client.authentication.k8s.io/v1"),
        (f"""echo '{{"kind": "ExecCredential", "apiVersion": "{V1}alpha1"}}'""", "printed no ExecCredential of"),
        (f"""echo '{{"kind": "ExecCredential", "apiVersion": "{V1}"}}'""", "gave neither a token nor a certificate"),
        (
            f"""echo '{{"kind": "ExecCredential", "apiVersion": "{V1}", "status": {{"clientKeyData": "hunter2"}}}}'""",
            "gave neither a token nor a certificate",
        ),
        (
            f"""echo '{{"kind": "ExecCredential", "apiVersion": "{V1}",
                "status": {{"token": "hunter2", "expirationTimestamp": "tomorrow"}}}}'""",
            "gave an expirationTimestamp that is no time",
        ),
    ],
)
async def test_a_program_that_gives_nothing_of_use_is_an_error_that_shows_nothing(
    tmp_path: Path, body: str, text: str
) -> None:
    with pytest.raises(ClusterUnauthenticated, match=text) as caught:
        await run_plugin(plugin(program(tmp_path, body)), HERE)
    assert "hunter2" not in caught.value.detail


async def test_a_program_that_is_not_there_says_where_to_get_it() -> None:
    absent = plugin("no-such-program", hint="see https://example.org/\u202einstall")
    with pytest.raises(ClusterUnauthenticated) as caught:
        await run_plugin(absent, HERE)
    assert caught.value.detail == (
        "the credential plugin no-such-program cannot be run (No such file or directory): "
        "see https://example.org/\\u202einstall"
    )


async def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    body = f"sleep 60 &\necho $! > '{tmp_path}/child'\nwait"
    with pytest.raises(ClusterUnauthenticated, match=r"was not done within 0\.5 s"):
        await run_plugin(plugin(program(tmp_path, body)), HERE, timeout_s=0.5)
    child = int((tmp_path / "child").read_text(encoding="ascii"))
    await eventually(lambda: not _is_running(child))


def _is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


async def test_a_program_that_prints_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_module, "_MAX_BYTES", 10_000)
    with pytest.raises(ClusterUnauthenticated, match="printed more than 10000 bytes"):
        await run_plugin(plugin(program(tmp_path, "yes")), HERE)


def credentials(login: Login, now: Clock | None = None) -> Credentials:
    return Credentials(login, HERE, now=now or Clock())


async def test_a_program_is_run_once_for_all_who_wait_for_it(tmp_path: Path) -> None:
    shared = credentials(Login(plugin=printing(tmp_path, {"token": "t"})))
    found = await asyncio.gather(*(shared.current() for _ in range(10)))
    assert {identity.token for identity in found} == {"t"}
    assert runs(tmp_path) == 1


async def test_a_program_is_run_again_before_its_token_expires(tmp_path: Path) -> None:
    now = Clock(1796068800.0 - 60)
    status = {"token": "t", "expirationTimestamp": "2026-11-30T20:00:00Z"}
    expiring = credentials(Login(plugin=printing(tmp_path, status)), now)
    await expiring.current()
    await expiring.current()
    assert runs(tmp_path) == 1
    now.now += 55
    await expiring.current()
    assert runs(tmp_path) == 2


async def test_a_program_is_run_again_when_its_token_is_refused(tmp_path: Path) -> None:
    refused = credentials(Login(plugin=printing(tmp_path, {"token": "t"})))
    await refused.current(await refused.current())
    assert runs(tmp_path) == 2


async def test_a_program_that_failed_is_not_run_for_everybody_who_asks(tmp_path: Path) -> None:
    failing = credentials(Login(plugin=plugin(program(tmp_path, f"echo run >> '{tmp_path}/runs'\nexit 1"))))
    for _ in range(5):
        with pytest.raises(ClusterUnauthenticated):
            await failing.current()
    assert runs(tmp_path) == 1


async def test_whoever_stops_waiting_does_not_end_the_program(tmp_path: Path) -> None:
    said = json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": {"token": "t"}})
    slow = credentials(Login(plugin=plugin(program(tmp_path, f"sleep 1\necho '{said}'"))))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await slow.current()
    assert (await slow.current()).token == "t"


async def test_a_program_that_runs_is_ended_at_the_end(tmp_path: Path) -> None:
    login = Login(plugin=plugin(program(tmp_path, f"echo $$ > '{tmp_path}/pid'\nexec sleep 60")))
    ended = credentials(login)
    waiting = asyncio.create_task(ended.current())
    pid = tmp_path / "pid"
    await eventually(lambda: pid.exists() and bool(pid.read_text(encoding="ascii").strip()))
    await ended.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not _is_running(int(pid.read_text(encoding="ascii")))


@pytest.mark.parametrize("token", ["two words", "tok\u00e9n", "a\nb"])
async def test_a_token_that_cannot_be_sent_is_an_error_without_it(tmp_path: Path, token: str) -> None:
    with pytest.raises(ClusterUnauthenticated) as caught:
        await credentials(Login(plugin=printing(tmp_path, {"token": token}))).current()
    assert token not in caught.value.detail


async def test_a_token_file_is_read_again_each_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    file.write_text("first", encoding="ascii")
    rotated = credentials(Login(token_file=file))
    assert (await rotated.current()).token == "first"
    file.write_text("second", encoding="ascii")
    assert (await rotated.current()).token == "first"
    monkeypatch.setattr(credentials_module, "REREAD_S", 0.0)
    await asyncio.sleep(0.01)
    assert (await rotated.current()).token == "second"


async def test_certificates_are_read_with_the_token(tmp_path: Path) -> None:
    for name in ("token", "crt", "key"):
        (tmp_path / name).write_text(name, encoding="ascii")
    login = Login(token_file=tmp_path / "token", certificate=Pem(file=tmp_path / "crt"), key=Pem(file=tmp_path / "key"))
    assert await credentials(login).current() == Identity("token", "crt", "key")


async def test_a_missing_token_file_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ClusterUnauthenticated, match="cannot read the cluster's token"):
        await credentials(Login(token_file=tmp_path / "token")).current()
