"""A warm promote against the ways that clone: clone, edit, commit, push. Both behind the same line.

The limits are what the line alone gives, if no computer took any time: behind 50 ms a promote is one round trip and a
few milliseconds, 60 ms. Over ssh the two connections are 20 round trips, and the best way has 10; then come the
bytes. There is no TLS, no slow start and no server time, so the ways that make more connections and carry more bytes
are flattered.
"""

import asyncio
import itertools
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures.flows import warm
from bench.rig import repositories
from bench.rig.delay import Delay, delaying
from bench.rig.git_servers import GitServer, Missing, prepare, serving_http, serving_ssh
from bench.rig.host import Host, hosting
from bench.rig.report import Row, at_least, skipped
from bench.rig.scratch import scratch

ROUND_TRIPS_S = (0.020, 0.050, 0.100)
LIMIT_AT_S = 0.050
DOWN_MBIT_S, UP_MBIT_S = 100, 20
BEST_LIMIT = 8.0
SHALLOW = ("--depth", "1")
BEST = ("--depth", "1", "--filter=blob:none", "--no-checkout", "--single-branch", "--no-tags")


@dataclass(frozen=True, slots=True)
class Ground:
    """A repository to compare on. `limit` is how many times faster a promote is than a clone over ssh, at least."""

    name: str
    files: dict[str, bytes]
    service: str
    path: str
    limit: float
    commits: int = 0
    catalog: str = ""  # empty: that of the sample

    @property
    def is_large(self) -> bool:
        return len(self.files) > 10_000


@dataclass(frozen=True, slots=True)
class Way:
    """A way that clones. `server` is ssh or http; a sparse one checks out the one file only."""

    name: str
    server: str
    options: tuple[str, ...] = ()
    sparse: bool = False


WAYS = (
    Way("clone over ssh", "ssh"),
    Way("clone --depth 1 over ssh", "ssh", SHALLOW),
    Way("best git way (depth 1, no blobs, sparse, HTTP)", "http", BEST, sparse=True),
)


def grounds() -> Iterator[Ground]:
    """Small, with a history, large."""
    yield Ground("sample homelab", repositories.sample(), "sonarr", "apps/media/sonarr/deployment.yaml", 15.0)
    # The pack of the large one has 7 MB: more than half a second.
    for name, services, commits, limit in (("homelab with history", 120, 600, 15.0), ("large", 20_000, 0, 25.0)):
        first = repositories.names(1)
        yield Ground(
            f"{name}, {services:,} files" + (f", {commits} commits" if commits else ""),
            repositories.generated(services),
            first[0],
            repositories.path_of(first[0]),
            limit,
            commits,
            repositories.catalog(first),
        )


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Every repository, round trip and way."""
    if not shutil.which("git"):
        yield skipped("promote against the ways that clone", "no git here")
        return
    for ground in grounds():
        if quick and ground.catalog:
            yield skipped(f"promote against clones: {ground.name}", "left out by --quick")
            continue
        with scratch() as folder, hosting(ground.files, folder) as host:
            repeats = 1 if quick or ground.is_large else 3
            yield from _on(ground, host, folder, (LIMIT_AT_S,) if quick else ROUND_TRIPS_S, repeats)


def _on(ground: Ground, host: Host, folder: Path, round_trips_s: Sequence[float], repeats: int) -> Iterator[Row]:
    repositories.add_history(host.git_dir, ground.commits)
    copy = prepare(host.git_dir, folder / "served.git")
    catalog = repositories.SAMPLE_CATALOG
    if ground.catalog:
        catalog = folder / "services.yaml"
        catalog.write_text(ground.catalog, encoding="utf-8")
    for server_name in ("ssh", "http"):
        ways = [way for way in WAYS if way.server == server_name]
        try:
            with serving_ssh(copy, folder) if server_name == "ssh" else serving_http(copy) as server:
                for way, round_trip_s in itertools.product(ways, round_trips_s):
                    with (
                        _over_the_line(server.port, round_trip_s) as theirs,
                        _over_the_line(host.port, round_trip_s) as ours,
                    ):
                        move = _Clone(way, ground.path, server, theirs.port, folder)
                        pair = asyncio.run(_by_turns(move, warm(host, catalog, ours, ground.service), repeats))
                    yield _row(way, ground, round_trip_s, *pair)
        except Missing as exc:
            yield from (skipped(f"promote against {way.name}: {ground.name}", str(exc)) for way in ways)


def _over_the_line(port: int, round_trip_s: float) -> AbstractContextManager[Delay]:
    return delaying(port, round_trip_s, down_mbit_s=DOWN_MBIT_S, up_mbit_s=UP_MBIT_S)


async def _by_turns(
    clone: "_Clone", warmed: AbstractAsyncContextManager[Callable[[], Awaitable[float]]], repeats: int
) -> tuple[float, float]:
    """The median seconds of the way that clones and of a warm promote, in turn on the same machine."""
    theirs_s, ours_s = [], []
    async with warmed as promote:
        for _ in range(repeats):
            ours_s += [await promote() for _ in range(8)]
            theirs_s.append(clone.move())
            ours_s += [await promote() for _ in range(8)]
    return statistics.median(theirs_s), statistics.median(ours_s)


def _row(way: Way, ground: Ground, round_trip_s: float, theirs_s: float, ours_s: float) -> Row:
    line = f"behind {round_trip_s * 1000:.0f} ms, {DOWN_MBIT_S} Mbit/s down and {UP_MBIT_S} up"
    what = f"{way.name} / promote, {line}: {ground.name}"
    ratio, note = theirs_s / ours_s, f" ({theirs_s:.2f} s / {ours_s * 1000:.0f} ms)"
    limit = BEST_LIMIT if way.sparse else ground.limit
    if round_trip_s == LIMIT_AT_S and (way.sparse or not way.options):
        return at_least(what, ratio, limit, "times", note=note)
    return Row(what, f"{ratio:.0f} times{note}")


@dataclass(frozen=True, slots=True)
class _Clone:
    """A move as a script without the API makes it, in a folder of its own. `port` is that of a delay."""

    way: Way
    path: str
    server: GitServer
    port: int
    folder: Path

    def move(self) -> float:
        """Seconds from clone to push."""
        with TemporaryDirectory(dir=self.folder) as folder:
            started = time.perf_counter()
            self._carry_out(Path(folder) / "clone")
            return time.perf_counter() - started

    def _carry_out(self, clone: Path) -> None:
        self._git("clone", "-q", *self.way.options, self.server.url(self.port), str(clone))
        if self.way.sparse:
            self._git("-C", str(clone), "sparse-checkout", "set", "--no-cone", f"/{self.path}")
            self._git("-C", str(clone), "checkout", "-q")
        text = (clone / self.path).read_text(encoding="utf-8")
        there, back = "role: primary", "role: backup"
        text = text.replace(there, back) if there in text else text.replace(back, there)
        (clone / self.path).write_text(text, encoding="utf-8")
        self._git("-C", str(clone), "commit", "-q", "-a", "-m", "Move by hand")
        self._git("-C", str(clone), "push", "-q", "origin", "HEAD")

    def _git(self, *args: str) -> None:
        subprocess.run(["git", *args], env={**os.environ, **_PERSON, **_ALONE, **self.server.environ}, check=True)


_PERSON = {
    "GIT_AUTHOR_NAME": "Bench",
    "GIT_AUTHOR_EMAIL": "bench@example.com",
    "GIT_COMMITTER_NAME": "Bench",
    "GIT_COMMITTER_EMAIL": "bench@example.com",
}
# Nobody's own settings, and nobody is asked anything.
_ALONE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
