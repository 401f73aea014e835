"""A read that does not show our own last write is asked again, looked at by its commit, or no answer."""

import time
from typing import Any

import pytest
import respx

from failover_api.errors import NotShownYet, WriteConflict
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.port import File, Snapshot, blob_sha
from tests.support.fake_github import (
    BRANCH_URL,
    FILE_URL,
    GRAPHQL,
    HEAD,
    MAIN,
    NEW,
    NEXT,
    OLD,
    PATH,
    ROOT,
    Waits,
    answer,
    at_ref,
    contents,
    entry,
    put_reply,
    refused,
)

AFTER = "c" * 40
COMPARE = f"{ROOT}/repos/acme/homelab/compare/{NEXT}...{AFTER}"
ELSEWHERE = b"role: elsewhere\n"


def one_file(data: bytes = OLD) -> Snapshot:
    return Snapshot(MAIN, {PATH: File(PATH, data, blob_sha(data))})


async def read(github: GitHub) -> File:
    return (await github.read(MAIN, [PATH], not_before=time.monotonic())).file(PATH)


def puts(api: respx.Router, *more: Any) -> None:
    api.put(FILE_URL).mock(side_effect=[answer(200, put_reply()), *more])


def get_file(api: respx.Router, *replies: Any) -> respx.Route:
    return api.get(FILE_URL, params={"ref": "main"}).mock(side_effect=list(replies))


def get_branch(api: respx.Router, *oids: str) -> None:
    replies = [answer(200, {"name": "main", "commit": {"sha": oid}}, etag=f'"{oid}"') for oid in oids]
    api.get(BRANCH_URL).mock(side_effect=replies)


def graphql(api: respx.Router, *replies: dict[str, Any]) -> None:
    api.post(GRAPHQL).mock(side_effect=[answer(200, reply) for reply in replies])


def comparison(merge_base: str) -> respx.MockResponse:
    compared = {"merge_base_commit": {"sha": merge_base}, "commits": [], "files": [], "total_commits": 0}
    return answer(200, compared)


async def test_what_somebody_brought_back_is_believed_at_their_commit(
    github: GitHub, api: respx.Router, waits: Waits
) -> None:
    puts(api)
    await github.commit(one_file(), {PATH: NEW}, "m")
    get_file(api, *[answer(200, contents(OLD))] * 5)
    get_branch(api, AFTER)
    compare = api.get(COMPARE).mock(return_value=comparison(NEXT))
    graphql(api, at_ref(entry(OLD), oid=AFTER))
    assert (await read(github)).data == OLD
    assert waits == [0.2, 0.6, 1.2]
    assert (await read(github)).data == OLD
    assert waits == [0.2, 0.6, 1.2], "it is known now"
    assert compare.call_count == 1


async def test_what_another_wrote_after_us_is_seen_without_a_wait(
    github: GitHub, api: respx.Router, waits: Waits
) -> None:
    puts(api)
    await github.commit(one_file(), {PATH: NEW}, "m")
    get_file(api, answer(200, contents(ELSEWHERE)))
    get_branch(api, AFTER)
    api.get(COMPARE).mock(return_value=comparison(NEXT))
    graphql(api, at_ref(entry(ELSEWHERE), oid=AFTER))
    assert (await read(github)).data == ELSEWHERE
    assert waits == []


@pytest.mark.parametrize("shown", [OLD, b"role: of before that\n"])
@pytest.mark.parametrize("head", [HEAD, AFTER])
async def test_a_read_that_never_shows_our_write_is_no_answer(
    github: GitHub, api: respx.Router, shown: bytes, head: str
) -> None:
    """What our write replaced, and what stood there before that: on another replica, by somebody else's commit."""
    puts(api)
    await github.commit(one_file(), {PATH: NEW}, "m")
    get_file(api, *[answer(200, contents(shown))] * 4)
    get_branch(api, *[head] * 4)
    api.get(COMPARE).mock(return_value=comparison(HEAD))
    graphql(api, *[at_ref(entry(shown), oid=head)] * 2)
    with pytest.raises(NotShownYet) as caught:
        await read(github)
    assert (caught.value.slug, caught.value.outcome) == ("github-unavailable", "not-applied")
    assert 5 < (caught.value.retry_after_s or 0) <= 10


async def test_a_file_that_seems_gone_after_our_write_is_looked_for_at_its_commit(
    github: GitHub, api: respx.Router
) -> None:
    puts(api)
    await github.commit(one_file(), {PATH: NEW}, "m")
    get_file(api, refused(404, "Not Found"))
    get_branch(api, NEXT, NEXT)
    graphql(api, at_ref(entry(NEW), oid=NEXT))
    assert (await read(github)).data == NEW


async def test_a_write_that_was_refused_makes_no_version_current(github: GitHub, api: respx.Router) -> None:
    puts(api, refused(409, f"{PATH} does not match {'0' * 40}"))
    await github.commit(one_file(), {PATH: NEW}, "m")
    with pytest.raises(WriteConflict):
        await github.commit(one_file(NEW), {PATH: OLD}, "m")
    get_file(api, answer(200, contents(OLD)), answer(200, contents(NEW)))
    assert (await read(github)).data == NEW


@pytest.mark.parametrize("url", ["commits", "tree"])
async def test_a_commit_of_ours_that_is_not_known_everywhere_yet_is_lag(
    github: GitHub, api: respx.Router, url: str
) -> None:
    puts(api)
    await github.commit(one_file(), {PATH: NEW}, "m")
    api.get(f"{ROOT}/repos/acme/homelab/commits").mock(return_value=refused(404, "Not Found"))
    api.get(f"{ROOT}/repos/acme/homelab/git/trees/{NEXT}").mock(return_value=refused(404, "Not Found"))
    api.post(GRAPHQL).mock(return_value=answer(200, {"data": {"repository": {"object": None}}}))
    with pytest.raises(NotShownYet):
        await (
            github.log(MAIN, PATH, at=NEXT, not_before=None) if url == "commits" else github.read_at(MAIN, NEXT, ["b"])
        )


async def test_a_commit_right_on_top_of_ours_costs_no_request_more(github: GitHub, api: respx.Router) -> None:
    puts(api)
    await github.commit(one_file(), {PATH: NEW}, "m")
    get_file(api, answer(200, contents(ELSEWHERE)))
    on_top = {"name": "main", "commit": {"sha": AFTER, "parents": [{"sha": NEXT}]}}
    api.get(BRANCH_URL).mock(return_value=answer(200, on_top))
    compare = api.get(COMPARE).mock(return_value=comparison(NEXT))
    graphql(api, at_ref(entry(ELSEWHERE), oid=AFTER))
    assert (await read(github)).data == ELSEWHERE
    assert compare.call_count == 0
