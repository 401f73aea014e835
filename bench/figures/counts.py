"""Requests and commits of each flow, counted by the sandbox. Exact, so they may fail a build.

Each flow is carried out by the product's own client, as a GitHub App, against a sandbox that has just been made.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.rig import repositories
from bench.rig.report import Row, exactly, no_more
from bench.rig.scratch import scratch
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.failover import Failover
from failover_api.sandbox import Request, Sandbox
from failover_api.settings import Settings
from failover_api.wiring import open_failover

COLD_AT_MOST = 5  # installation, token, what there is (or how a file is kept, or the branch), read, write
PULL_REQUEST_AT_MOST = 4  # what is open, branch, commit, pull request
LARGE_REPOSITORY = 300  # files that are read before one is chosen: a hundred for each request
COLD_LARGE_AT_MOST = COLD_AT_MOST + 2
LISTED = 20
GROUPED = 100
Act = Callable[[Failover], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What one act cost. `requests` are in the order GitHub got them."""

    requests: tuple[Request, ...]
    commits: int

    @property
    def is_one_304(self) -> bool:
        return [request.status for request in self.requests] == [304]


@dataclass(frozen=True, slots=True)
class Flow:
    """An act to be counted, after the acts of `before`. Without `before` it is the first of its process: cold."""

    what: str
    act: Act
    before: tuple[Act, ...] = ()
    requests: int = 1
    commits: int = 0
    only_304: bool = False
    services: int = 0  # generated ones; 0 is the sample homelab
    grouped: bool = True  # the generated services are one group `all`
    top: str = ""  # more lines of the catalog
    protected: bool = False  # the branch takes pull requests only
    searched: bool = False  # the generated services name no `path`
    edited: int | None = None  # a person commits just before the act: to so many of the manifests; 0: elsewhere


def promote(name: str, *, dry_run: bool = False) -> Act:
    """Moves a service to backup."""
    return lambda failover: failover.move(name, Action.PROMOTE, MoveRequest(by="bench", dry_run=dry_run))


def demote(name: str) -> Act:
    """Moves a service to primary."""
    return lambda failover: failover.move(name, Action.DEMOTE, MoveRequest(by="bench"))


def status(name: str) -> Act:
    """Asks where a service is."""
    return lambda failover: failover.status(name)


def move_group(action: Action) -> Act:
    """Moves the generated services together."""
    return lambda failover: failover.move_group("all", action, MoveRequest(by="bench"))


def history(name: str) -> Act:
    """Asks what Git says of a service."""
    return lambda failover: failover.history(name, limit=20)


def list_all(failover: Failover) -> Awaitable[object]:
    """Asks where all are."""
    return failover.list_all()


class PromoteIfMatch:
    """A promote with the version that the status before it gave."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._version = ""

    async def look(self, failover: Failover) -> None:
        self._version = (await failover.status(self._name)).version

    async def move(self, failover: Failover) -> None:
        await failover.move(self._name, Action.PROMOTE, MoveRequest(by="bench", versions=frozenset({self._version})))


def flows() -> list[Flow]:
    """All that is promised about requests."""
    bound, listed = PromoteIfMatch("sonarr"), f"list of {LISTED} services"
    warm = (promote("sonarr"), demote("sonarr"))
    warm_several = (promote("plex"), demote("plex"))
    rehearse = promote("sonarr", dry_run=True)
    return [
        Flow("promote, warm, one file", promote("sonarr"), warm, commits=1),
        Flow("promote, warm, one file, with If-Match", bound.move, (*warm, bound.look), requests=2, commits=1),
        Flow("promote, warm, two files", promote("plex"), warm_several, commits=1),
        Flow("promote, already there", promote("sonarr"), (promote("sonarr"),), only_304=True),
        Flow("dry run, the first of a branch: its listing and manifests too", rehearse, (status("sonarr"),), 3),
        Flow("dry run, warm", rehearse, (*warm, rehearse), only_304=True),
        Flow("status, warm", status("sonarr"), (status("sonarr"),), only_304=True),
        Flow("status, warm, two files", status("plex"), (status("plex"),), only_304=True),
        Flow(f"{listed}, warm", list_all, (list_all,), only_304=True, services=LISTED),
        Flow(f"{listed}, when the branch moved elsewhere", list_all, (list_all,), 3, services=LISTED, edited=0),
        Flow(
            f"{listed}, when the branch moved by one of their files",
            list_all,
            (list_all,),
            4,
            services=LISTED,
            edited=1,
        ),
        Flow("history, warm", history("sonarr"), (*warm, history("sonarr")), only_304=True),
        Flow(f"promote of a group of {GROUPED}, warm", move_group(Action.PROMOTE), (list_all,), 2, 1, services=GROUPED),
        Flow(
            "promote, warm, by pull request",
            promote("app-0000"),
            (status("app-0000"),),
            requests=PULL_REQUEST_AT_MOST,
            services=1,
            grouped=False,
            top="policy: pull_request",
        ),
        Flow(  # another group's may hold it: what is open is asked for before the first write
            "promote of a service of a group, warm, by pull request",
            promote("app-0000"),
            (status("app-0000"),),
            requests=PULL_REQUEST_AT_MOST + 1,
            services=1,
            top="policy: pull_request",
        ),
        Flow(
            "promote, warm, by pull request with labels, reviewers, auto-merge",
            promote("app-0000"),
            (status("app-0000"),),
            requests=PULL_REQUEST_AT_MOST + 3,
            services=1,
            grouped=False,
            top="policy: pull_request\npull_request: {labels: [failover], reviewers: [alice], auto_merge: squash}",
            protected=True,
        ),
        Flow("promote, cold, manifest to be found", promote("sonarr"), requests=COLD_AT_MOST, commits=1),
        Flow(
            f"promote, cold, manifest to be found among {LARGE_REPOSITORY}",
            promote("app-0000"),
            requests=COLD_LARGE_AT_MOST,
            commits=1,
            services=LARGE_REPOSITORY,
            searched=True,
        ),
        Flow("promote, cold, path in the catalog", promote("jellyfin"), requests=COLD_AT_MOST, commits=1),
        Flow("promote, cold, two files read at one head", promote("plex"), requests=COLD_AT_MOST, commits=1),
    ]


async def count(flow: Flow, folder: Path) -> Counted:
    """Carries a flow out in a new process' state, against a new sandbox in `folder`."""
    async with _opened(flow, folder) as (sandbox, failover):
        for act in flow.before:
            await act(failover)
        if flow.edited is not None:
            paths = [*repositories.generated(flow.services)][: flow.edited] or ["NOTES.md"]
            sandbox.commit({path: (sandbox.read(path) or b"") + b"# by hand\n" for path in paths}, "Edit by hand")
        requests, commits = len(sandbox.requests), len(sandbox.log())
        await flow.act(failover)
        return Counted(tuple(sandbox.requests[requests:]), len(sandbox.log()) - commits)


def rows_of(flow: Flow, counted: Counted) -> Iterator[Row]:
    """Requests, and commits where the flow is to make one."""
    what, asked = f"requests: {flow.what}", len(counted.requests)
    row = exactly(what, asked, flow.requests)
    if flow.only_304:
        answer = "a 304" if counted.is_one_304 else f"not a 304: {[r.status for r in counted.requests]}"
        row = Row(what, f"{row.figure} ({answer})", "1 request, a 304", counted.is_one_304, gate=True)
    elif not flow.before or flow.requests > 1:
        row = no_more(what, asked, flow.requests)
    yield row
    if flow.commits or counted.commits:
        yield exactly(f"commits: {flow.what}", counted.commits, flow.commits, "commit")


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Every flow, one after the other; there is nothing to shorten when `quick`."""
    for flow in flows():
        with scratch() as folder:
            yield from rows_of(flow, asyncio.run(count(flow, folder)))


@asynccontextmanager
async def _opened(flow: Flow, folder: Path) -> AsyncIterator[tuple[Sandbox, Failover]]:
    files = repositories.generated(flow.services) if flow.services else repositories.sample()
    sandbox = Sandbox.create(folder / "homelab.git", files=files)
    catalog, key = repositories.SAMPLE_CATALOG, folder / "key.pem"
    key.write_text(sandbox.private_key_pem, encoding="utf-8")
    if flow.services:
        catalog = folder / "services.yaml"
        services = repositories.names(flow.services)
        groups = f"groups: {{all: [{', '.join(services)}]}}" if flow.grouped else ""
        text = f"{flow.top}\n{groups}\n{repositories.catalog(services, searched=flow.searched)}"
        catalog.write_text(text, encoding="utf-8")
    if flow.protected:
        sandbox.protect()
    with sandbox.serve() as url:
        settings = Settings(config=catalog, github_url=url, github_app_id=sandbox.app_id, github_private_key_file=key)
        async with open_failover(settings) as components:
            yield sandbox, components.failover
    sandbox.close()
