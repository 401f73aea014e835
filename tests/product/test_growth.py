"""Foreign text costs time in proportion to its length: four times the text, about four times the time, never sixteen.

It is the growth that is looked at, on the processor's clock, and not the time: a slow or busy machine changes nothing.
"""

import contextlib
import time
from collections.abc import Callable

import httpx2
import pytest

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.search.file_summary import summarize_file
from failover_api.core.search.near_misses import SearchContext, near_misses, nearest_path
from failover_api.core.splice import Edit, Selector, parse
from failover_api.core.splice.scalars import read_plain, write
from failover_api.core.splice.shown import shown
from failover_api.core.text.trailers import read_records
from failover_api.core.wording import one_line
from failover_api.edges.board.sides import side_by_side
from failover_api.edges.http.etags import matches_none
from failover_api.edges.job.markdown import problem_page
from failover_api.edges.printable import printable
from failover_api.errors import FailoverError
from failover_api.forge.github.replies import refusal
from failover_api.forge.http.reply import Reply

TIMES, LIMIT = 4, 9.0  # a quadratic cost would be sixteen times as much


def one_line_json(size: int, value: str) -> bytes:
    return b'{"kind":"ConfigMap","data":"' + b"a/b" * (size // 3) + b'","role":"%s"}\n' % value.encode()


def board_diff(size: int) -> None:
    old, new = (one_line_json(size, value) for value in ("primary", "backup"))
    side_by_side({"a.json": old}, {"a.json": new})


def many_lines_diff(size: int) -> None:
    old = b"word\n" * (size // 5)
    side_by_side({"a": old + b"x\n" + old}, {"a": old + b"y\nz\n" + old})


def wrapped_message(size: int) -> None:
    read_records("Move\n\n" + ("word " * 14 + "ab\n") * (size // 73) + "\nFailover-Service: web\n")


def blank_message(size: int) -> None:
    read_records("Move\n" + "\n   \t " * (size // 6) + "x")


def trailer_message(size: int) -> None:
    read_records("\n".join(["Failover-" + "A-" * (size // 4), "Failover-Service: " + "x" * (size // 2)]))


def manifest(size: int) -> None:
    text = b"kind: Deployment\nmetadata: {name: web}\nitems:\n" + b"- {name: a, value: b}\n" * (size // 22)
    parsed = parse(text + b"role: primary\n", file="a.yaml")
    parsed.apply([Edit(Selector(), ("role",), value="backup")])


def disguised(size: int) -> None:
    for piece in ("it:s, ", '"it\\\'s", ', '\\"', "!x:y ", "e000f8ff"):
        with contextlib.suppress(FailoverError):
            parse(b"a: [b:c, " + piece.encode() * (size // len(piece)) + b"]\n", file="a.yaml")


def merged_items(size: int) -> None:
    count = size // 60
    shared = "x: &x {" + ", ".join(f"k{i}: v" for i in range(30)) + "}\nitems:\n"
    parse((shared + "- {<<: *x, name: a}\n" * count).encode(), file="a.yaml").find(Selector(), ("x", "k1"))


def plain_scalars(size: int) -> None:
    for text in ("1" * size, "1:" * (size // 2), "a " * (size // 2) + ":", "0x" + "f" * size, "1_" * size + "."):
        read_plain(text)
        write(text)


def held(size: int) -> None:
    text = "kind: List\nitems:\n" + "- {kind: Deployment, metadata: {name: a}}\n" * (size // 42)
    summarize_file("a.yaml", text.encode())
    patches = "patches:\n" + "- path: x/deployment.yaml\n" * (size // 27)
    summarize_file("kustomization.yaml", patches.encode())


def nearest(size: int) -> None:
    summary = summarize_file("a.yaml", b"kind: Deployment\nmetadata: {name: webb, namespace: shop}\n")
    wanted = Selector(kind="Deployment", name="web", namespace="shop")
    near_misses(wanted, ("web",), SearchContext({f"{i}.yaml": summary for i in range(size // 20)}))
    nearest_path("apps/web.yaml", [f"apps/{i}/web.yaml" for i in range(size // 20)])


def github_reply(size: int) -> None:
    for word in ("is at ", "rate limit ", "Repository rule ", "a" * 6):
        text = word * (size // 6)
        reply = Reply(
            method="PUT", url="/x", status=409, headers=httpx2.Headers(), body=text.encode(), data={"message": text}
        )
        refusal(reply, now=0.0, what="writing", writing=True)


def etag_header(size: int) -> None:
    for header in ('W/"' * (size // 3), '"' + "a" * size, '"a",' * (size // 4)):
        matches_none(header, '"x"')


def said(size: int) -> None:
    text = "`@[x](y)\u202e" * (size // 10)
    one_line(text)
    shown(text)
    printable(text)
    problem_page(None, {"title": text, "detail": text, "type": "urn:" + text})


def group(size: int) -> None:
    names = [f"s{i}" for i in range(size // 100)]
    text = f"repository: a/b\ngroups: {{g: [{', '.join(names)}]}}\nservices: {{}}\n"
    with pytest.raises(FailoverError):
        parse_catalog(text, file="services.yaml")


@pytest.mark.parametrize(
    ("work", "size"),
    [
        (board_diff, 12_000),
        (many_lines_diff, 100_000),
        (wrapped_message, 400_000),
        (blank_message, 400_000),
        (trailer_message, 400_000),
        (manifest, 20_000),
        (disguised, 20_000),
        (merged_items, 20_000),
        (plain_scalars, 60_000),
        (held, 20_000),
        (nearest, 60_000),
        (github_reply, 30_000),
        (etag_header, 200_000),
        (said, 60_000),
        (group, 40_000),
    ],
)
def test_work_on_foreign_text_grows_with_its_length_only(work: Callable[[int], object], size: int) -> None:
    ratios = []
    for _ in range(4):
        ratios.append(cpu_s(work, size * TIMES) / cpu_s(work, size))
        if ratios[-1] < LIMIT:
            return
    pytest.fail(f"{TIMES} times the text took {min(ratios):.0f} times the work")


def cpu_s(work: Callable[[int], object], size: int) -> float:
    taken = []
    for _ in range(3):
        started = time.thread_time()
        work(size)
        taken.append(time.thread_time() - started)
    return max(min(taken), 1e-5)
