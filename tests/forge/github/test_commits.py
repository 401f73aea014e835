"""Commits on a branch, by compare-and-swap, against a mocked GitHub."""

import asyncio
import base64
import time
from typing import Any

import httpx2
import pytest
import respx

from failover_api.errors import (
    BranchProtected,
    Conflict,
    FailoverError,
    ForgePermission,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.values import Commit, blob_sha
from tests.support.builders import MAIN
from tests.support.fake_github import (
    FILE_URL,
    GRAPHQL,
    HEAD,
    NEW,
    NEXT,
    OLD,
    OTHER,
    PATH,
    ROOT,
    answer,
    at_ref,
    contents,
    entry,
    get_branch,
    get_file,
    graphql,
    mode,
    one_file,
    put_reply,
    read_file,
    refused,
    sent,
    two_files,
)


async def test_a_put_says_what_it_must_and_names_no_author(github: GitHub, api: respx.Router) -> None:
    put = api.put(FILE_URL).mock(return_value=answer(200, put_reply()))
    commit = await github.commit(one_file(), {PATH: NEW}, "Fail over sonarr\n\nWhy\n\nA: b\n")
    assert commit == Commit(NEXT, f"https://github.com/acme/homelab/commit/{NEXT}", verified=True)
    assert sent(put) == {
        "message": "Fail over sonarr\n\nWhy\n\nA: b\n",
        "content": base64.b64encode(NEW).decode(),
        "sha": blob_sha(OLD),
        "branch": "main",
    }
    assert put.calls[0].request.url.raw_path == b"/repos/acme/homelab/contents/apps%2Fsonarr.yaml"
    assert "if-match" not in put.calls[0].request.headers


async def test_several_files_are_one_mutation(github: GitHub, api: respx.Router) -> None:
    made = {"oid": NEXT, "url": f"https://github.com/acme/homelab/commit/{NEXT}", "signature": {"isValid": True}}
    post = graphql(api, {"data": {"createCommitOnBranch": {"commit": made}}})
    commit = await github.commit(two_files(), {PATH: NEW, OTHER: OLD}, "Headline\n\nBody one\n\nA: b\n")
    assert commit == Commit(NEXT, made["url"], verified=True)
    assert sent(post)["variables"] == {
        "input": {
            "branch": {"repositoryNameWithOwner": "acme/homelab", "branchName": "main"},
            "expectedHeadOid": HEAD,
            "fileChanges": {
                "additions": [
                    {"path": PATH, "contents": base64.b64encode(NEW).decode()},
                    {"path": OTHER, "contents": base64.b64encode(OLD).decode()},
                ]
            },
            "message": {"headline": "Headline", "body": "Body one\n\nA: b\n"},
        }
    }


@pytest.mark.parametrize(
    ("commit", "verified"),
    [({}, True), ({"verification": {"verified": False}}, False), ({"verification": None}, False)],
)
async def test_a_commit_is_verified_when_github_says_so(
    github: GitHub, api: respx.Router, commit: Any, verified: bool
) -> None:
    api.put(FILE_URL).mock(return_value=answer(200, put_reply(**commit)))
    assert (await github.commit(one_file(), {PATH: NEW}, "m")).verified is verified


@pytest.mark.parametrize("body", [None, {}, [], {"commit": None}, {"commit": {"sha": NEXT}}, {"commit": "x"}, "ok"])
async def test_a_write_whose_answer_names_no_commit_is_unknown(github: GitHub, api: respx.Router, body: Any) -> None:
    put = api.put(FILE_URL).mock(return_value=answer(200, body))
    with pytest.raises(WriteUnknown):
        await github.commit(one_file(), {PATH: NEW}, "m")
    assert put.call_count == 1


@pytest.mark.parametrize("made", [None, {}, {"commit": None}, {"commit": {"url": "x"}}, {"commit": "x"}])
async def test_a_mutation_whose_answer_names_no_commit_is_unknown(github: GitHub, api: respx.Router, made: Any) -> None:
    graphql(api, {"data": {"createCommitOnBranch": made}})
    with pytest.raises(WriteUnknown):
        await github.commit(two_files(), {PATH: NEW, OTHER: NEW}, "m")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(409, f"{PATH} does not match {blob_sha(OLD)}"), WriteConflict),
        (refused(409, f"is at {NEXT} but expected {HEAD}"), WriteConflict),
        (
            refused(409, "Repository rule violations found\n\nChanges must be made through a pull request."),
            BranchProtected,
        ),
        (refused(409, "Could not update file: Commits must have verified signatures."), Conflict),
        (refused(404, "Branch main not found"), RepositoryNotFound),
        (refused(404, "Not Found"), RepositoryNotFound),
        (refused(307, "Temporary Redirect", location=f"{ROOT}/repositories/1/contents/a"), RepositoryNotFound),
        (refused(403, "Resource not accessible by integration"), ForgePermission),
        (refused(502, "Server Error"), WriteUnknown),
        (httpx2.RemoteProtocolError("Server disconnected without sending a response."), WriteUnknown),
    ],
)
async def test_a_put_is_sent_once_whatever_comes(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    put = api.put(FILE_URL).mock(side_effect=[reply])
    with pytest.raises(expected) as error:
        await github.commit(one_file(), {PATH: NEW}, "m")
    assert type(error.value) is expected or expected is ForgePermission
    assert put.call_count == 1


async def test_after_a_write_the_new_file_is_known(github: GitHub, api: respx.Router) -> None:
    api.put(FILE_URL).mock(return_value=answer(200, put_reply()))
    get = get_file(api, answer(304))
    started = time.monotonic()
    await github.commit(one_file(), {PATH: NEW}, "m")
    assert (await read_file(github, not_before=started)).data == NEW
    assert get.call_count == 0
    assert (await read_file(github)).data == NEW
    assert get.calls[0].request.headers["if-none-match"] == f'W/"{blob_sha(NEW)}"'


async def test_a_slow_read_does_not_undo_a_write(github: GitHub, api: respx.Router) -> None:
    written = asyncio.Event()

    async def slow(_: httpx2.Request) -> respx.MockResponse:
        if written.is_set():
            return answer(200, contents(NEW))
        await written.wait()
        return answer(200, contents(OLD))

    api.get(FILE_URL).mock(side_effect=slow)
    graphql(api, mode())
    api.put(FILE_URL).mock(return_value=answer(200, put_reply()))
    reading = asyncio.create_task(github.read(MAIN, [PATH], not_before=None))
    await asyncio.sleep(0.01)
    await github.commit(one_file(), {PATH: NEW}, "m")
    written.set()
    assert (await reading).file(PATH).data == NEW
    assert (await read_file(github, not_before=None)).data == NEW


async def test_a_slow_read_does_not_undo_a_later_head(github: GitHub, api: respx.Router) -> None:
    seen = asyncio.Event()

    first = True

    async def in_turn(_: httpx2.Request) -> respx.MockResponse:
        nonlocal first
        slow, first = first, False
        if slow:
            await seen.wait()
            return answer(200, at_ref(entry(OLD), entry(OLD)))
        return answer(200, at_ref(entry(NEW), entry(OLD), oid=NEXT))

    api.post(GRAPHQL).mock(side_effect=in_turn)
    get_branch(api, HEAD, NEXT)
    slow = asyncio.create_task(github.read(MAIN, [PATH, OTHER], not_before=None))
    await asyncio.sleep(0.01)
    await github.read(MAIN, [PATH, OTHER], not_before=None)
    seen.set()
    assert (await slow).head == HEAD  # it is what that read saw
    snapshot = await github.read(MAIN, [PATH, OTHER], not_before=None)
    assert (snapshot.head, snapshot.file(PATH).data) == (NEXT, NEW)
