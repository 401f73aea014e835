"""Automatic failover: from the death of a node to a commit and to serving elsewhere; what it takes of memory and CPU.

A death is in the simulated world of the demo, watched by two replicas of `failover serve`, each a process of its own.
All times are real ones: neither clock skips anything from before the death on. What comes after the commit (Flux, the
start of a container) takes what the simulation takes, and is no promise for a real cluster.
"""

import asyncio
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import httpx2

from bench.figures.cluster import SERVICES, at_rest
from bench.figures.process import serving
from bench.figures.serving import DIES, steps_after
from bench.rig.cluster_host import NAMESPACE, clustering, objects
from bench.rig.host import Host, hosting
from bench.rig.report import Row, at_most, skipped, spread
from bench.rig.scratch import scratch
from bench.rig.worlds import in_worlds
from failover_api.edges.demo.world import World

DEAD_FOR_S = 60
COMMIT_S = DEAD_FOR_S + 45, DEAD_FOR_S + 65  # of a leader that lives; Kubernetes hears of nothing for 43 to 55 s
ANOTHER_S = 75  # more, where another has to lead first
LEADER_DIES_S = (95.0, 45.0, 0.0)  # after the node; the first is right before the commit
MEMORY_LIMIT_MB = 10.0
DEATHS = 3
MOVED = ("sonarr", "radarr", "home-assistant")
_RULES = f"automatic: {{mode: act, dead_for: {DEAD_FOR_S}s, fence: none}}\n"
_OWN = "    automatic: act\n    replication: {kind: none}\n"
_WELL_S = 400  # skipped before the replicas start: a target has to have been ready for five minutes
_APART_S = 3.4  # kubelets renew their Leases every ten seconds: each node dies at another moment of that
_SETTLE_S = 90.0  # it looks for a minute before it acts
_IMPORTED_S, _GIVE_UP_S = 20.0, 300.0
_NAMESPACE = "flux-system"
_STARTING = threading.Lock()  # many that start at once are slow, and may choose one port


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Deaths, several at once, with a leader that lives and with one that is killed, too; then memory and CPU."""
    deaths = 1 if quick else DEATHS
    waits = [number * _APART_S for number in range(deaths)]
    with scratch() as compiled:
        lives = [partial(_death, compiled, wait_s=wait_s) for wait_s in waits]
        killed = [partial(_death, compiled, leader_dies_s=after_s) for after_s in LEADER_DIES_S[:deaths]]
        seen = in_worlds([*lives, *killed])
    yield from _deaths(seen[:deaths], seen[deaths:])
    yield from _resting(20 if quick else SERVICES, rest_s=5.0 if quick else 60.0)


# A death


def _deaths(lives: Sequence[tuple[float, float]], killed: Sequence[tuple[float, float]]) -> Iterator[Row]:
    least, most = COMMIT_S
    of = f"death of a node, `dead_for: {DEAD_FOR_S}s`, real time"
    commits = [commit for commit, _ in lives]
    is_within = least <= min(commits) and max(commits) <= most
    yield Row(f"{of}: to the commit", spread(commits), f"{least} to {most} s", is_within)
    yield Row(f"{of}: to serving on the other node, simulated Flux and start", spread([serves for _, serves in lives]))
    for after_s, (commit, serves) in zip(LEADER_DIES_S, killed, strict=False):
        what = f"{of}, and of the leader {after_s:g} s later: to the commit"
        yield at_most(what, commit, most + ANOTHER_S, "s", note=f" (to serving {serves:.1f} s)")


def _death(
    compiled: Path, world: World, *, wait_s: float = 0.0, leader_dies_s: float | None = None
) -> tuple[float, float]:
    """Seconds from the death to the commit, and until all that has moved serves."""
    world.catalog.write_text(with_automatic(world.catalog.read_text(encoding="utf-8")), encoding="utf-8")
    world.skip(_WELL_S)
    settings = world.settings()
    variables = {"FAILOVER_LEASE_NAMESPACE": _NAMESPACE, "PYTHONPYCACHEPREFIX": str(compiled)}
    with ExitStack() as stack:
        with _STARTING:
            replicas = [stack.enter_context(serving(settings, **variables)) for _ in range(2)]
        leader = _leader_of(replicas[0][0])
        time.sleep(wait_s)
        before = world.sandbox.head()
        (process,) = [process for _, process, _ in replicas if process.pid == leader]
        world.act(DIES, "kill")
        began = time.perf_counter()
        if leader_dies_s is not None:
            time.sleep(leader_dies_s)
            process.kill()
        while (commit := world.sandbox.head()) == before:
            if time.perf_counter() - began > _GIVE_UP_S:
                (alive, *_) = [url for url, process, _ in replicas if process.poll() is None]
                raise RuntimeError(f"nothing moves: {_told(alive)}")
            time.sleep(0.05)
        committed_s = time.perf_counter() - began
        return committed_s, asyncio.run(_serves(world, commit, began))


def with_automatic(catalog: str) -> str:
    """The demo's catalog, in which some of its services move by themselves."""
    for name in MOVED:
        assert f"\n  {name}:\n" in catalog, name
        catalog = catalog.replace(f"\n  {name}:\n", f"\n  {name}:\n{_OWN}")
    return _RULES + catalog


async def _serves(world: World, commit: str, began: float) -> float:
    steps = await asyncio.gather(*(steps_after(world, service, commit, began) for service in MOVED))
    return max(each["ready"] for each in steps)


def _leader_of(url: str) -> int:
    """The process that leads, once it would act."""
    due = time.monotonic() + _GIVE_UP_S
    while (told := _told(url))["view"] != "watching":
        assert time.monotonic() < due, told
        time.sleep(0.5)
    return int(str(told["leader"]).split("_")[-2])  # host, process, and something of its own


def _told(url: str) -> dict[str, object]:
    body: dict[str, object] = httpx2.get(f"{url}/api/automatic", timeout=30).raise_for_status().json()
    return body


# Memory and CPU


def _resting(services: int, *, rest_s: float) -> Iterator[Row]:
    what = f"automatic failover of {services} services"
    if not Path("/proc/self/status").exists():
        yield skipped(f"{what}: memory and CPU", "no /proc on this system")
        return
    names = [f"service-{number}" for number in range(services)]
    with scratch() as folder, hosting(manifests(names), folder) as host, clustering(services, folder) as kubeconfig:
        with _replica(host, kubeconfig, names, "act"):  # the first writes the .pyc files
            time.sleep(_IMPORTED_S)
        modes = ("none", "observe", "act")
        rest = partial(_rest, host, kubeconfig, names, rest_s=rest_s)
        with ThreadPoolExecutor(len(modes)) as pool:  # side by side: what befalls one befalls the others
            (without_mb, without), *seen = pool.map(rest, modes)
    for mode, (memory_mb, cpu) in zip(modes[1:], seen, strict=True):
        more_mb = memory_mb - without_mb
        yield at_most(f"{what}, mode {mode}: memory (RSS) more than none", more_mb, MEMORY_LIMIT_MB, "MB")
        yield Row(f"{what}, mode {mode}: CPU at rest", f"{cpu:.2f} % (mode none {without:.2f} %)")


def _rest(host: Host, kubeconfig: Path, names: Sequence[str], mode: str, *, rest_s: float) -> tuple[float, float]:
    with ExitStack() as stack:
        with _STARTING:
            url, process, _ = stack.enter_context(_replica(host, kubeconfig, names, mode))
        found = at_rest(process.pid, _SETTLE_S, rest_s)
        told = _told(url)
        assert told["view"] == ("off" if mode == "none" else "watching"), told
        return found


def _replica(
    host: Host, kubeconfig: Path, names: Sequence[str], mode: str
) -> AbstractContextManager[tuple[str, "subprocess.Popen[bytes]", float]]:
    config = kubeconfig.parent / f"{mode}.yaml"
    config.write_text(catalog(names, mode), encoding="utf-8")
    namespace = NAMESPACE if mode == "act" else _NAMESPACE  # each leads
    places = {"FAILOVER_CLUSTER": str(kubeconfig), "FAILOVER_LEASE_NAMESPACE": namespace}
    return serving(host.settings(config, as_app=True), **places)


def _path(name: str) -> str:
    return f"apps/{name}/deployment.yaml"


def manifests(names: Sequence[str]) -> dict[str, bytes]:
    """The Deployments of the cluster, as JSON, which is YAML."""
    found = {name: next(one for one in objects(name) if one["kind"] == "Deployment") for name in names}
    return {_path(name): json.dumps(one, indent=1).encode() for name, one in found.items()}


def catalog(names: Sequence[str], mode: str) -> str:
    """A catalog of the services of the cluster."""
    head = f"""\
repository: acme/homelab
automatic: {{mode: {mode}}}
defaults:
  namespace: {NAMESPACE}
  volume_name: config
  primary_node_label: primary
  backup_node_label: backup
  automatic: act
services:
"""
    return head + "".join(
        f"  {name}: {{deployment: {name}, path: {_path(name)}, primary_pvc: {name}-primary, "
        f"backup_pvc: {name}-backup}}\n"
        for name in names
    )
