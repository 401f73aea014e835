"""Twenty clients at once, each in a thread of its own: of those that expect the same, exactly one wins."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.sandbox.clients import COMMIT, NOWHERE, REPO, UPDATE_REFS, commit_input, update
from tests.support.git import git

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from failover_api.sandbox import Sandbox

CLIENTS = 20

Ask = tuple[str, str, Any]


def at_once(sandbox: Sandbox, asks: Sequence[Ask]) -> list[httpx2.Response]:
    """Sends each from a thread with an event loop of its own, all when the last is ready."""
    ready = threading.Barrier(len(asks))
    transport = httpx2.ASGITransport(app=sandbox.app)
    answers: list[httpx2.Response] = []

    async def send(ask: Ask) -> None:
        method, path, body = ask
        headers = {"authorization": f"Bearer {sandbox.token}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as client:
            ready.wait(10)
            answers.append(await client.request(method, path, json=body))

    threads = [threading.Thread(target=lambda ask=ask: asyncio.run(send(ask))) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def won(answer: httpx2.Response) -> bool:
    return answer.status_code < 300 and "errors" not in answer.json()


def graphql(query: str, given: Any) -> Ask:
    return "POST", "/graphql", {"query": query, "variables": {"input": given}}


def commits(sandbox: Sandbox) -> list[Ask]:
    return [graphql(COMMIT, commit_input(sandbox.head(), **{f"f{i}": b"1\n"})) for i in range(CLIENTS)]


def moves(sandbox: Sandbox) -> list[Ask]:
    head, repository = sandbox.head(), sandbox.repository.node_id
    shas = [sandbox.commit({f"f{i}": b"1\n"}, "m", f"b{i}") for i in range(CLIENTS)]
    updates = [[update("main", head, sha), update("new", NOWHERE, sha)] for sha in shas]
    return [graphql(UPDATE_REFS, {"repositoryId": repository, "refUpdates": one}) for one in updates]


def puts(sandbox: Sandbox) -> list[Ask]:
    entry = sandbox.repository.bare.entry(sandbox.commit_at().tree, "README.md")
    assert entry
    body = {"message": "m", "sha": entry.sha}
    return [("PUT", f"{REPO}/contents/README.md", {**body, "content": f"eAo{i % 10}"}) for i in range(CLIENTS)]


def refs(sandbox: Sandbox) -> list[Ask]:
    return [("POST", f"{REPO}/git/refs", {"ref": "refs/heads/new", "sha": sandbox.head()})] * CLIENTS


def pulls(sandbox: Sandbox) -> list[Ask]:
    sandbox.commit({"a": b"1\n"}, "m", "side")
    return [("POST", f"{REPO}/pulls", {"title": "t", "head": "side", "base": "main"})] * CLIENTS


def merges(sandbox: Sandbox) -> list[Ask]:
    sandbox.commit({"a": b"1\n"}, "m", "side")
    number = sandbox.open_pull("side")
    return [("PUT", f"{REPO}/pulls/{number}/merge", {"merge_method": "squash"})] * CLIENTS


@pytest.mark.parametrize("ask", [commits, moves, puts, refs, pulls, merges])
def test_exactly_one_wins(sandbox: Sandbox, ask: Callable[[Sandbox], list[Ask]]) -> None:
    answers = at_once(sandbox, ask(sandbox))
    assert len(answers) == CLIENTS
    assert [won(answer) for answer in answers].count(True) == 1
    assert all(answer.status_code < 500 for answer in answers)
    assert git("-C", sandbox.git_dir, "fsck", "--strict", "--no-dangling") == ""


def test_no_write_is_lost_when_all_try_again(sandbox: Sandbox) -> None:
    """Each client has a file of its own: whoever lost the branch asks again."""
    asks: list[Ask] = [("PUT", f"{REPO}/contents/f{i}", {"message": "m", "content": "eAo="}) for i in range(CLIENTS)]
    while asks:
        answers = at_once(sandbox, asks)
        assert {answer.status_code for answer in answers} <= {201, 409}
        done = {answer.request.url.path for answer in answers if answer.status_code == 201}
        assert done
        asks = [ask for ask in asks if ask[1] not in done]
    assert len(sandbox.log()) == CLIENTS + 1
    assert all(sandbox.read(f"f{i}") == b"x\n" for i in range(CLIENTS))


def test_limits_hold_for_all_together(sandbox: Sandbox) -> None:
    sandbox.limits.writes_per_minute = 5
    answers = at_once(sandbox, [("POST", f"{REPO}/git/blobs", {"content": str(i)}) for i in range(CLIENTS)])
    assert [answer.status_code for answer in answers].count(201) == 5
