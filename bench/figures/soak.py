"""A busy year in some minutes: whether the memory of the service grows with what passes through it.

A file of 1 MiB has a thousand versions, ten thousand names are asked for that nobody knows, a thousand callers come.
Each row is the memory (RSS) at the end of it over that after its first tenth: a flat line is 1.
"""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2

from bench.figures.process import rss_mb, serving
from bench.rig import repositories
from bench.rig.host import Host, hosting
from bench.rig.report import Row, at_most, skipped
from bench.rig.scratch import scratch

VERSIONS, NAMES, CALLERS = 1_000, 10_000, 1_000
SIZE_BYTES = 1_000_000
AT_ONCE = 8
LIMIT = 1.25  # what the first tenth has not filled yet, and what the allocator keeps
PATH = "apps/media/radarr/radarr.yaml"


def measure(*, quick: bool = False) -> Iterator[Row]:
    """One after the other, in one process."""
    if not Path("/proc/self/status").exists():
        yield skipped("memory over many versions, names and callers", "no /proc on this system")
        return
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        host = stack.enter_context(hosting(repositories.sample(), folder))
        settings = host.settings(repositories.SAMPLE_CATALOG, as_app=True)
        url, process, _ = stack.enter_context(serving(settings, FORWARDED_ALLOW_IPS="127.0.0.1"))
        http = stack.enter_context(httpx2.Client(base_url=url, timeout=30))
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        yield from _rows(host, process.pid, http, pool, 10 if quick else 1)


def _rows(host: Host, pid: int, http: httpx2.Client, pool: ThreadPoolExecutor, part: int) -> Iterator[Row]:
    def version(number: int) -> None:
        _commit(host, number)
        http.get("/api/failover/radarr", headers=_from(number)).raise_for_status()

    def unknown(number: int) -> None:
        assert http.get(f"/api/failover/nobody-{number}").status_code == 404

    def caller(number: int) -> None:
        who = {"authorization": f"Bearer caller-{number}", **_from(number)}
        http.get("/api/failover/sonarr/promote?dry-run=true", headers=who).raise_for_status()

    versions, names, callers = VERSIONS // part, NAMES // part, CALLERS // part
    yield _row(f"{versions:,} versions of a file of 1 MiB", pid, versions, lambda at: map(version, at))
    yield _row(f"{names:,} unknown names", pid, names, lambda at: pool.map(unknown, at))
    yield _row(f"{callers:,} callers", pid, callers, lambda at: pool.map(caller, at))


def _from(number: int) -> dict[str, str]:
    """Another address for each: one alone may not look so often."""
    return {"x-forwarded-for": f"10.{number // 250}.{number % 250}.1"}


def _row(what: str, pid: int, count: int, run: Callable[[range], Iterator[None]]) -> Row:
    list(run(range(count // 10)))
    first_mb = rss_mb(pid)
    list(run(range(count // 10, count)))
    last_mb = rss_mb(pid)
    note = f" ({last_mb:.0f} MB / {first_mb:.0f} MB)"
    return at_most(
        f"memory (RSS) after {what} / after a tenth of them", last_mb / first_mb, LIMIT, "times", digits=2, note=note
    )


def _commit(host: Host, number: int) -> None:
    """Another version of the file, as a robot pushes it."""
    own = repositories.sample()[PATH]
    rest = b"---\nkind: ConfigMap\nmetadata: {name: large}\ndata:\n  text: |\n" + b"    %060d\n" % number * (
        SIZE_BYTES // 65
    )
    data, message = own + rest, b"Version %d" % number
    stream = b"commit refs/heads/main\ncommitter Robot <robot@example.com> %d +0000\ndata %d\n%s\n" % (
        1_700_000_000 + number,
        len(message),
        message,
    )
    stream += b"from refs/heads/main^0\nM 100644 inline %s\ndata %d\n%s\n" % (PATH.encode(), len(data), data)
    subprocess.run(["git", "-C", host.git_dir, "fast-import", "--quiet"], input=stream, check=True)
