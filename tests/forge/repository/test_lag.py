"""A read that does not show our own last write is asked again, looked at by its commit, or no answer."""

import time
from typing import Any

import httpx2
import pytest
import respx

from failover_api.errors import NotShownYet, WriteConflict, WriteUnknown
from failover_api.forge.github.adapter import GitHub
from tests.support.builders import MAIN
from tests.support.fake_github import (
    BRANCH_URL,
    FILE_URL,
    GRAPHQL,
    HEAD,
    NEW,
    NEXT,
    OLD,
    OTHER,
    PATH,
    REPOSITORY_URL,
    Waits,
    answer,
    at_head,
    at_ref,
    contents,
    entry,
    get_branch,
    get_file,
    graphql,
    one_file,
    put_reply,
    read_file,
    refused,
)

AFTER = "c" * 40
COMPARE = f"{REPOSITORY_URL}/compare/{NEXT}...{AFTER}"
ELSEWHERE = b"role: elsewhere\n"


def puts(api: respx.Router, *more: Any) -> None:
    api.put(FILE_URL).mock(side_effect=[answer(200, put_reply()), *more])


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
    assert (await read_file(github)).data == OLD
    assert waits == [0.2, 0.6, 1.2]
    assert (await read_file(github)).data == OLD
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
    assert (await read_file(github)).data == ELSEWHERE
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
        await read_file(github)
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
    assert (await read_file(github)).data == NEW


async def test_a_write_that_was_refused_makes_no_version_current(github: GitHub, api: respx.Router) -> None:
    puts(api, refused(409, f"{PATH} does not match {'0' * 40}"))
    await github.commit(one_file(), {PATH: NEW}, "m")
    with pytest.raises(WriteConflict):
        await github.commit(one_file(NEW), {PATH: OLD}, "m")
    get_file(api, answer(200, contents(OLD)), answer(200, contents(NEW)))
    assert (await read_file(github)).data == NEW


@pytest.mark.parametrize("url", ["commits", "tree"])
async def test_a_commit_of_ours_that_is_not_known_everywhere_yet_is_lag(
    github: GitHub, api: respx.Router, url: str
) -> None:
    puts(api)
    await github.commit(one_file(), {PATH: NEW}, "m")
    api.get(f"{REPOSITORY_URL}/commits").mock(return_value=refused(404, "Not Found"))
    api.get(f"{REPOSITORY_URL}/git/trees/{NEXT}").mock(return_value=refused(404, "Not Found"))
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
    assert (await read_file(github)).data == ELSEWHERE
    assert compare.call_count == 0


async def test_a_read_that_lags_behind_our_write_is_asked_again(
    github: GitHub, api: respx.Router, waits: Waits
) -> None:
    api.put(FILE_URL).mock(return_value=answer(200, put_reply()))
    await github.commit(one_file(), {PATH: NEW}, "m")
    get_file(api, *[answer(200, contents(OLD))] * 3, answer(200, contents(NEW)))
    assert (await read_file(github)).data == NEW
    assert waits == [0.2, 0.6, 1.2]


async def test_going_back_at_once_is_no_lag(github: GitHub, api: respx.Router, waits: Waits) -> None:
    api.put(FILE_URL).mock(side_effect=[answer(200, put_reply()), answer(200, put_reply(OLD))])
    await github.commit(one_file(), {PATH: NEW}, "m")
    await github.commit(one_file(NEW), {PATH: OLD}, "m")
    get_file(api, answer(200, contents(OLD)))
    assert (await read_file(github)).data == OLD
    assert waits == []


async def test_a_lost_write_may_be_the_newest(github: GitHub, api: respx.Router, waits: Waits) -> None:
    api.put(FILE_URL).mock(side_effect=[answer(200, put_reply()), httpx2.ReadTimeout("slow")])
    await github.commit(one_file(), {PATH: NEW}, "m")
    with pytest.raises(WriteUnknown):
        await github.commit(one_file(NEW), {PATH: OLD}, "m")
    get_file(api, answer(200, contents(OLD)))
    assert (await read_file(github)).data == OLD
    assert waits == []


@pytest.mark.parametrize("seen_before", [False, True])
async def test_a_head_that_lags_behind_our_put_is_asked_again(
    github: GitHub, api: respx.Router, waits: Waits, seen_before: bool
) -> None:
    behind, new = at_ref(entry(OLD), entry(OLD)), at_head(entry(NEW), entry(OLD), oid=NEXT)
    api.put(FILE_URL).mock(return_value=answer(200, put_reply()))
    get_branch(api, *([HEAD] if seen_before else []), HEAD, NEXT)
    if seen_before:
        graphql(api, behind)
        await github.read(MAIN, [PATH, OTHER], not_before=None)
    await github.commit(one_file(), {PATH: NEW}, "m")
    graphql(api, *([] if seen_before else [behind, new]))
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
    assert (snapshot.head, snapshot.file(PATH).data) == (NEXT, NEW)
    assert waits == [0.2]


async def test_a_branch_that_keeps_lagging_does_not_hide_our_put(
    github: GitHub, api: respx.Router, waits: Waits
) -> None:
    api.put(FILE_URL).mock(return_value=answer(200, put_reply()))
    await github.commit(one_file(), {PATH: NEW}, "m")
    get_branch(api, *[HEAD] * 4)
    post = graphql(api, at_ref(entry(NEW), entry(OLD), oid=NEXT))
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=time.monotonic())
    assert (snapshot.head, snapshot.file(PATH).data) == (NEXT, NEW)
    assert waits == [0.2, 0.6, 1.2]
    assert post.call_count == 1
