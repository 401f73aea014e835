"""As relocating.py, with several services of one group: `app` comes after `db`, and `web` after `app`."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from failover_api.core.catalog.model import Side
from failover_api.core.planning.request import MoveRequest
from failover_api.core.safety.relocation.ladder import State
from failover_api.operations.relocation_report import GroupRelocationReport, RelocationReport
from failover_api.sandbox.cluster.cluster import SimulatedCluster
from failover_api.wiring import Components
from tests.support.relocating import ASKED, CATALOG, NO_DATA, UNREPLICATED, Homelab, app, claims, volsync
from tests.support.simulated import kubeconfig_of
from tests.support.stage import Stage

NAMES = ("app", "db")  # in the catalog's order, which is not theirs
# The commits of both, home, with `kind: none`.
QUICK = ["app quiesce", "app cutover", "app protect", "db quiesce", "db cutover", "db protect"]


def own(text: str, name: str) -> str:
    """The text of relocating.py, of another service with claims of its own."""
    text = text.replace("sonarr", name)
    for side in ("a", "b"):
        for before, after in (('"claimName": "', '"'), ("sourcePVC: ", "\n"), ("destinationPVC: ", "}")):
            text = text.replace(f"{before}{side}{after}", f"{before}{name}-{side}{after}")
        text = text.replace(f"_pvc: {side}\n", f"_pvc: {name}-{side}\n")
    return text


def files_of(name: str) -> tuple[str, str]:
    return f"apps/{name}/deployment.yaml", f"apps/{name}/volsync.yaml"


def catalog(names: Sequence[str] = NAMES, *, without: Sequence[str] = (), kind: str = "volsync") -> str:
    """`without` have no `replication`; `kind: none` brings no data, which is fewer steps."""
    entries = []
    for name in names:
        entry = UNREPLICATED if name in without else {"volsync": CATALOG, "none": NO_DATA}[kind]
        entries.append(own(entry, name) + {"app": "    after: [db]\n", "web": "    after: [app]\n"}.get(name, ""))
    return "".join(entries)


def declare(stage: Stage, names: Sequence[str] = NAMES, *, without: Sequence[str] = (), kind: str = "volsync") -> None:
    stage.declare(catalog(names, without=without, kind=kind), top=f"groups: {{all: [{', '.join(names)}]}}\n")


@contextlib.contextmanager
def group_lab(
    stage: Stage,
    folder: Path,
    names: Sequence[str] = NAMES,
    *,
    side: str = "backup",
    without: Sequence[str] = (),
    kind: str = "volsync",
    replication: str = "",
) -> Iterator[Homelab]:
    """All serve on one side, and both replications of each are parked; `replication` says otherwise, of sonarr."""
    written: dict[str, str] = {}
    for name in names:
        deployment, pairs = files_of(name)
        written |= {deployment: own(app(side), name), pairs: own(replication or volsync(), name)}
    stage.commit(written)
    declare(stage, names, without=without, kind=kind)
    cluster = SimulatedCluster()
    cluster.install_volsync()
    for name in names:
        for one in claims():
            cluster.apply(_claim(one, name))
    with kubeconfig_of(cluster, folder) as kubeconfig:
        lab = Homelab(stage, cluster, kubeconfig, tuple(written))
        lab.pass_by(60)
        yield lab


def _claim(one: dict[str, Any], name: str) -> dict[str, Any]:
    """A claim of relocating.py, and its volume, of one service."""
    meta = {**one["metadata"]}
    spec = {**one["spec"]}
    if one["kind"] == "PersistentVolume":
        side = meta["name"].removeprefix("pv-")
        meta["name"] = f"pv-{name}-{side}"
        spec["hostPath"] = {"path": f"/data/{name}-{side}"}
        spec["claimRef"] = {"name": f"{name}-{side}", "namespace": "media"}
    else:
        side = meta["name"]
        meta["name"], spec["volumeName"] = f"{name}-{side}", f"pv-{name}-{side}"
    return {**one, "metadata": meta, "spec": spec}


async def begin(
    components: Components, request: MoveRequest = ASKED, target: Side = Side.PRIMARY
) -> GroupRelocationReport:
    groups = components.failover.group_relocations
    return await groups.start(groups.of_group("all", target), request)


async def look(components: Components, operation: str | None) -> GroupRelocationReport:
    found = await components.failover.group_relocations.find(operation or "")
    assert isinstance(found, GroupRelocationReport)
    return found


async def go_on(components: Components, operation: str | None) -> GroupRelocationReport:
    return await components.failover.group_relocations.go_on(operation or "")


async def until(
    lab: Homelab,
    components: Components,
    operation: str | None,
    wanted: State = State.DONE,
    *,
    at_most: int = 60,
    seconds: float = 20.0,
) -> GroupRelocationReport:
    """Goes on, and lets time pass between, until all of it is so."""
    for _ in range(at_most):
        report = await go_on(components, operation)
        if report.state is wanted:
            return report
        lab.pass_by(seconds)
    raise AssertionError(f"it never is {wanted}: {report.state} {report.at} {report.reason}")


async def until_begun(lab: Homelab, components: Components, operation: str | None, name: str) -> GroupRelocationReport:
    """Until a service has begun."""
    for _ in range(160):
        report = await go_on(components, operation)
        if of(report, name).operation is not None:
            return report
        lab.pass_by(2)
    raise AssertionError(f"{name} never begins: {report.state} {report.at} {report.reason}")


def of(report: GroupRelocationReport, name: str) -> RelocationReport:
    (one,) = [each for each in report.relocations if each.service == name]
    return one


def made(lab: Homelab) -> list[str]:
    """The commits of relocations, as "db reverse", oldest first."""
    found = [message.split() for message in lab.messages() if message.startswith("Relocate ")]
    return [f"{words[1]} {words[-1]}" for words in found]


async def first_done(lab: Homelab, components: Components) -> None:
    """Until the first of them is done, and nobody has begun the next."""
    for _ in range(60):
        report = await components.failover.relocations.advance("app")
        assert report is not None
        if report.state is State.DONE:
            return
        lab.pass_by(2)
    raise AssertionError("app is never done")


async def to_the_second(lab: Homelab, components: Components) -> GroupRelocationReport:
    """Begun, and the first of them done; nobody has begun the next."""
    begun = await begin(components)
    await first_done(lab, components)
    return begun
