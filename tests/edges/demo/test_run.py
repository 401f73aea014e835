"""The demo ends by itself, tells the story, and goes on serving only when asked to."""

import contextlib
import itertools
import os
import pty
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
import yaml

from failover_api.edges.demo import run
from failover_api.edges.demo.catalog import SANDBOX, add_unblock, demo_catalog
from failover_api.edges.demo.run import addresses, listen
from failover_api.edges.demo.world import World
from failover_api.host_clock import HostClock
from failover_api.sandbox.cluster.clock import Clock

COMMAND = [sys.executable, "-m", "failover_api", "demo"]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("FAILOVER_")} | {"COLUMNS": "80"}


@pytest.fixture
def git_alone(tmp_path: Path) -> Path:
    """A PATH with Git and without kubectl."""
    git = shutil.which("git")
    assert git
    (tmp_path / "git").symlink_to(git)
    return tmp_path


def test_the_demo_tells_the_story_and_ends_with_0(git_alone: Path) -> None:
    no_kubectl = ENVIRONMENT | {"PATH": str(git_alone)}
    told = subprocess.run(COMMAND, env=no_kubectl, capture_output=True, text=True, timeout=240, check=False)
    assert told.returncode == 0, told.stdout
    assert told.stderr == ""
    story = [
        "simulated",
        "cluster     http://127.0.0.1:",
        "$ failover list",
        "sonarr          primary  serving  k3s-w1",
        "unknown",
        "The power of k3s-w1 is off (simulated)",
        "s here, skipped",
        "$ failover status sonarr",
        "in the cluster: blocked",
        "$ failover promote zigbee2mqtt --dry-run",
        "[recreate-blocks]",
        "unblock: rolling",
        "$ failover promote sonarr --dry-run",
        "+        role: backup",
        "Nothing was written.",
        "$ failover promote sonarr --until serving --reason",
        "(signature verified by GitHub)",
        "sonarr is serving",
        "sonarr was Ready on k3s-w2 ",
        "$ failover rollout sonarr",
        "committed",
        "fetched",
        "applied",
        "started",
        "ready",
        "Fail over sonarr to backup",
        "Failover-Service: sonarr",
        "already on backup in Git; nothing to do",
        "$ failover promote zigbee2mqtt --until serving",
        "4 values",
        "zigbee2mqtt was Ready on k3s-w2 ",
        "2 files changed",
        "'maintenance', expected 'primary'",
        "$ failover promote --group media",
        "2 services moved to backup",
        "$ failover promote photoprism",
        "pull request #1 is open: http",
        "merges it",
        "photoprism is on backup",
        "last move: ",
        "k3s-w1 boots (simulated)",
        "$ failover status plex",
        "spec.paused = true",
        "in the cluster: serving",
        "$ failover rollback radarr",
        "$ failover history radarr",
        "rollback  backup   primary",
        "promote   primary  backup",
        "jellyfin wrote on k3s-w2: ",
        "$ failover demote jellyfin",
        "The move is not safe: nothing was written",
        "[data-left-behind]",
        "`failover relocate jellyfin --to primary` brings it home",
        "$ failover demote jellyfin --dry-run --accept data-left-behind",
        "would be left behind on jellyfin-w2",
        "$ failover relocate jellyfin --to primary --reason",
        "1/5 reverse",
        "2/5 quiesce",
        "3/5 final-sync",
        "quiet at ",
        "4/5 cutover",
        "5/5 protect",
        "serving at ",
        "jellyfin is on primary, and copied from there again.",
        "had written on k3s-w2 are on jellyfin-w1",
        "It stood still for ",
        "$ failover demote sonarr --dry-run",
        "[data-left-behind]",
        "Not safe!",
        "copy the data back, from pvc-sonarr-backup to pvc-sonarr",
        "plex needs the same care",
        "$ failover demote sonarr --until serving --reason",
        "sonarr was Ready on k3s-w1 ",
        "byte for byte",
        "Fail back sonarr to primary",
        "Put back the strategy of zigbee2mqtt",
        "What to do next",
        "suggest --all --path DIR",
        "FAILOVER_GITHUB_TOKEN",
        "Deploy it",
    ]
    rest = told.stdout
    for words in story:
        assert words in rest, f"{words!r} is not told, or too early"
        rest = rest.split(words, 1)[1]
    assert all(len(line) <= 80 for line in told.stdout.splitlines() if "http" not in line)


def test_a_root_path_of_ours_is_refused_before_anything_starts() -> None:
    environment = ENVIRONMENT | {"FAILOVER_ROOT_PATH": "/api/x"}
    told = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout) == (2, "")
    assert "FAILOVER_ROOT_PATH: expected a path like /failover" in told.stderr


def test_the_service_is_below_the_root_path_that_is_set() -> None:
    with run._running(0, "/ops") as running:
        assert running.url.endswith("/ops")
        assert '"/ops/static/' in httpx2.get(f"{running.url}/").text
        assert httpx2.get(f"{running.url}/api/failover").status_code == 200
        assert 'action="/ops/demo/k3s-w1/kill"' in httpx2.get(f"{running.url}/demo").text


@pytest.fixture(scope="module")
def printed() -> Iterator[str]:
    """What `failover demo --serve` has printed once it waits. It ends with 0 when it is told to."""
    with subprocess.Popen([*COMMAND, "--serve"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        late = threading.Timer(240, demo.kill)
        late.start()
        try:
            text = ""
            while not text.endswith("Ctrl-C ends it.\n"):
                line = demo.stdout.readline()
                assert line, text
                text += line
            yield text
            demo.send_signal(signal.SIGTERM)
            assert demo.wait(timeout=30) == 0
        finally:
            demo.kill()
            late.cancel()


def section(printed: str, title: str) -> list[str]:
    """The lines below a title, until the next blank one."""
    lines = printed.partition(f"\n{title}\n")[2].splitlines()
    return [line.strip() for line in itertools.takewhile(lambda line: line.startswith("  "), lines)]


def paste(lines: list[str], folder: Path) -> str:
    """What a new shell of somebody with a server and a token of his own prints, once all lines went well."""
    environment = ENVIRONMENT | {"FAILOVER_SERVER": "http://127.0.0.1:9", "FAILOVER_TOKEN": "real"}
    script = "set -eu\n" + "\n".join(lines)
    shell = subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert shell.returncode == 0, (script, shell.stderr)
    return shell.stdout


def test_the_lines_to_try_fit_into_a_terminal(printed: str) -> None:
    assert all(len(line) <= 80 for line in printed.partition("what to try")[2].splitlines())


def test_the_lines_to_try_can_be_pasted(printed: str, tmp_path: Path) -> None:
    exports = section(printed, "In another terminal, first (any token will do)")
    told = paste([*exports, *section(printed, "and then")], tmp_path)
    assert "radarr moved from primary to backup" in told
    assert "radarr rolled back" in told
    assert "office: 3 services moved to backup" in told
    assert "pull request #2 is open: " in told
    requests = [shlex.split(line) for line in section(printed, "The same by HTTP")]
    assert [request[0] for request in requests] == ["curl"] * 3
    for request in requests:
        answer = httpx2.request("POST" if "POST" in request else "GET", request[-1], timeout=30)
        assert answer.status_code == 200, request
    paste(section(printed, "The repository itself"), tmp_path)
    assert (tmp_path / "homelab/README.md").exists()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
def test_kubectl_sees_the_simulated_cluster_and_no_other(printed: str, tmp_path: Path) -> None:
    (line,) = section(printed, "The simulated cluster itself, if you have kubectl")
    assert "--kubeconfig " in line, "k3s-w1 may be a machine of the reader's own cluster too"
    pods = paste([line], tmp_path)
    assert re.search(r"^media +sonarr-", pods, re.MULTILINE), pods


def fate(*arguments: str) -> tuple[int, str]:
    """What `failover demo` with these arguments ends with, and says."""
    told = subprocess.run(
        [*COMMAND, *arguments], env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False
    )
    return told.returncode, told.stdout + told.stderr


def machines(printed: str) -> dict[str, str]:
    """{machine: what it is} on the demo's page."""
    page = httpx2.get(f"{section(printed, 'In a browser')[1].split()[0]}", timeout=30).text
    return dict(re.findall(r'<th scope="row">(\S+)</th>\s*<td[^>]*>.*?</td>\s*<td[^>]*>(.*?)</td>', page, re.DOTALL))


def test_a_machine_is_killed_and_revived_from_another_terminal(printed: str) -> None:
    assert machines(printed) == {"k3s-cp": "well", "k3s-w1": "well", "k3s-w2": "well"}
    assert fate("kill", "k3s-w1") == (0, "k3s-w1: the power is off; Kubernetes notices after 40 to 50 s (simulated)\n")
    assert machines(printed)["k3s-w1"] == "dead, or cut off"
    assert fate("revive", "k3s-w1")[0] == 0
    assert machines(printed)["k3s-w1"] == "well"
    url = re.findall(r"cluster +(http://\S+) ", printed)[0]
    assert fate("cut", "k3s-w2", "--cluster", url) == (0, "k3s-w2: off the network; its apps run on (simulated)\n")
    assert machines(printed)["k3s-w2"] == "dead, or cut off"
    assert fate("revive", "k3s-w2", "--cluster", url)[0] == 0


def test_of_the_only_control_plane_it_is_said_what_a_real_one_takes_with_it(printed: str) -> None:
    code, told = fate("kill", "k3s-cp")
    assert (code, "A real cluster's only control-plane node takes the API server with it" in told) == (0, True)
    assert fate("revive", "k3s-cp") == (0, "k3s-cp: it is back (simulated)\n")
    page = httpx2.get(section(printed, "In a browser")[1].split()[0], timeout=30).text
    assert "Here the API server goes on" in page
    assert '<table class="plain switches">' in page, "as all tables of the board"


def test_a_machine_that_is_not_there_is_said(printed: str) -> None:
    code, told = fate("kill", "k3s-w9")
    assert (code, "the demo has no machine 'k3s-w9'; it has k3s-cp, k3s-w1 and k3s-w2" in told) == (2, True)
    assert fate("kill", "../../api/v1/nodes")[0] == 2


def test_the_same_by_a_button_of_the_boards_foot(printed: str) -> None:
    board, page = (line.split()[0] for line in section(printed, "In a browser")[:2])
    assert '<a href="/demo">Machines (simulated)</a>' in httpx2.get(board, timeout=30).text
    ours = {"sec-fetch-site": "same-origin"}
    done = httpx2.post(f"{page}/k3s-w1/kill", headers=ours, timeout=30)
    assert (done.status_code, done.headers["location"]) == (303, "/demo")
    assert machines(printed)["k3s-w1"] == "dead, or cut off"
    foreign = httpx2.post(f"{page}/k3s-w1/revive", headers={"origin": "http://elsewhere.example"}, timeout=30)
    assert foreign.status_code == 403
    assert machines(printed)["k3s-w1"] == "dead, or cut off"
    assert httpx2.post(f"{page}/k3s-w1/revive", headers=ours, timeout=30).status_code == 303
    assert machines(printed)["k3s-w1"] == "well"
    assert httpx2.post(f"{page}/k3s-w9/kill", headers=ours, timeout=30).status_code == 404
    assert httpx2.post(f"{page}/k3s-w1/explode", headers=ours, timeout=30).status_code == 400


def test_the_service_sees_what_a_machine_meets(printed: str) -> None:
    """By its kubeconfig alone: nothing tells it."""
    status = httpx2.get(section(printed, "In a browser")[0].split()[0] + "api/failover/sonarr", timeout=30).json()
    assert (status["cluster"]["stage"], status["cluster"]["node"]) == ("serving", "k3s-w1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("kill",), "NODE"),
        (("--serve", "kill", "k3s-w1"), "--serve and --step go without a command"),
        (("kill", "k3s-w1", "--cluster", "https://10.0.0.1:6443"), "is no demo's cluster"),
    ],
)
def test_what_makes_no_sense_is_exit_2(arguments: tuple[str, ...], words: str) -> None:
    code, told = fate(*arguments)
    assert (code, words in told) == (2, True), told


def test_every_link_leads_somewhere(printed: str) -> None:
    board, machines, docs, repository, pulls = (line.split()[0] for line in section(printed, "In a browser"))
    told = set(re.findall(r"http://127\.0\.0\.1:\d+/acme/[^\s']*", printed))
    assert {link.split("/")[5] for link in told - {repository}} == {"commit", "pull", "pulls"}
    shown = set(re.findall('href="(http[^"]+)"', httpx2.get(f"{board}services/sonarr", timeout=30).text))
    assert {link.split("/")[5] for link in shown} >= {"blob", "tree", "commit"}
    for link in {board, machines, docs, repository, pulls} | told | shown:
        assert httpx2.get(link, timeout=30).status_code == 200, link


def test_a_taken_port_is_said_and_another_one_is_used() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with contextlib.closing(listen(port)) as other:
            url = f"http://127.0.0.1:{other.getsockname()[1]}"
    assert f"port {port} is taken" in addresses(url, "", "", port)
    with contextlib.closing(listen(port)) as free:
        assert free.getsockname()[1] == port
    assert "taken" not in addresses(f"http://127.0.0.1:{port}", "", "", port)


def test_a_port_that_another_process_is_about_to_listen_on_is_taken_or_ours() -> None:
    """Two may bind one port with SO_REUSEADDR while neither listens: it is ours only once we do."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        with contextlib.closing(listen(other.getsockname()[1])) as ours:
            assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if ours.getsockname() == other.getsockname():
                with pytest.raises(OSError, match="in use"):
                    other.listen()


def test_a_pause_needs_a_terminal() -> None:
    told = subprocess.run(
        [*COMMAND, "--step"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert "--step waits for Enter" in told.stderr


@pytest.mark.parametrize(("typed", "steps"), [(b"q\n", 0), (b"\n\n\x04", 2)])
def test_a_person_steps_through_it_and_ends_it(typed: bytes, steps: int) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, typed)
    environment = ENVIRONMENT | {"TERM": "dumb"}
    with subprocess.Popen([*COMMAND, "--step"], env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as demo:
        os.close(theirs)
        told = b""
        with contextlib.suppress(OSError):  # how Linux says that the other side has closed it
            while chunk := os.read(ours, 65536):
                told += chunk
    os.close(ours)
    assert demo.wait() == 0
    assert told.count(b"Enter: next step") == steps + 1
    shown = [re.search(rb"%d/\d\d" % number, told) is not None for number in (1, 2, 3)]
    assert shown == [number <= steps for number in (1, 2, 3)]


def test_the_demo_uses_the_example_catalog_of_the_repository() -> None:
    assert (SANDBOX / "services.yaml").read_bytes() == (SANDBOX.parents[2] / "config/services.yaml").read_bytes()


def test_the_line_that_the_story_adds_makes_it_the_example_again(tmp_path: Path) -> None:
    file, example = tmp_path / "services.yaml", (SANDBOX / "services.yaml").read_text()
    file.write_text(demo_catalog("http://127.0.0.1:9/hook/x", tmp_path / "token"))
    assert "unblock" not in file.read_text()
    assert add_unblock(file) == "    unblock: rolling"
    assert yaml.safe_load(file.read_text())["services"] == yaml.safe_load(example)["services"]


def test_of_time_that_is_skipped_the_service_hears_at_once(tmp_path: Path) -> None:
    """It would learn of it by the end of its watches alone, and take a sync for one of the future until then."""
    cluster, heard = SimpleNamespace(clock=Clock()), HostClock()
    world = World(*[cast(Any, cluster)] * 2, "", "", tmp_path, tmp_path, [heard])
    world.skip(1.0)
    assert heard.now() == pytest.approx(cluster.clock.now, abs=1.5)
    world.skip(300.0)
    assert heard.now() == pytest.approx(cluster.clock.now, abs=1.5)
