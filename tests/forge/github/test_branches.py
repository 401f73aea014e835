"""Branches of our own, and commits beside them, against a mocked GitHub."""

import json
from typing import Any

import httpx2
import pytest
import respx

from failover_api.core.catalog.model import Branch
from failover_api.errors import (
    BranchProtected,
    FailoverError,
    ForgeError,
    ForgePermission,
    ForgeRateLimited,
    ForgeUnavailable,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.values import Commit
from tests.support.builders import MAIN
from tests.support.fake_github import (
    CREATION,
    GRAPHQL,
    HEAD,
    HEAD_BRANCH,
    NEW,
    NEXT,
    OLD,
    PATH,
    REPOSITORY_URL,
    TREES_URL,
    Waits,
    answer,
    branch_at,
    graphql,
    graphql_error,
    refused,
    sent,
)

OURS = Branch("acme/homelab", "failover/sonarr")
OURS_URL = f"{REPOSITORY_URL}/branches/failover%2Fsonarr"
REFS_URL = f"{REPOSITORY_URL}/git/refs"
REF_URL = f"{REFS_URL}/heads/failover/sonarr"
COMMIT_URL = f"{REPOSITORY_URL}/git/commits"
ELSEWHERE = "f" * 40
DESCRIBED = {"node_id": "R_1", "full_name": "acme/homelab"}
MOVED = {"data": {"updateRefs": {"clientMutationId": None}}}


def get_ours(api: respx.Router, *replies: Any) -> respx.Route:
    given = [branch_at(reply, HEAD_BRANCH) if isinstance(reply, str) else reply for reply in replies]
    return api.get(OURS_URL).mock(side_effect=given)


@pytest.fixture(autouse=True)
def described(api: respx.Router) -> respx.Route:
    """What GitHub says of the repository."""
    return api.get(REPOSITORY_URL).mock(return_value=answer(200, DESCRIBED))


# Looking


async def test_the_head_of_a_branch_is_asked_now(github: GitHub, api: respx.Router) -> None:
    get = get_ours(api, HEAD, NEXT)
    assert [await github.branch_head(OURS) for _ in range(2)] == [HEAD, NEXT]
    assert get.call_count == 2


async def test_a_branch_that_is_not_there_is_none(github: GitHub, api: respx.Router) -> None:
    get_ours(api, refused(404, "Branch not found"))
    assert await github.branch_head(OURS) is None


async def test_a_repository_that_is_not_there_is_said(
    github: GitHub, api: respx.Router, described: respx.Route
) -> None:
    get_ours(api, refused(404, "Not Found"))
    described.mock(return_value=refused(404, "Not Found"))
    with pytest.raises(RepositoryNotFound, match="no repository acme/homelab"):
        await github.branch_head(OURS)


# Making


async def test_a_branch_is_made_at_a_commit(github: GitHub, api: respx.Router) -> None:
    post = api.post(REFS_URL).mock(return_value=answer(201, {"ref": "refs/heads/failover/sonarr"}))
    await github.create_branch(OURS, HEAD)
    assert sent(post) == {"ref": "refs/heads/failover/sonarr", "sha": HEAD}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(422, "Reference already exists"), WriteConflict),
        (refused(422, "Object does not exist"), ForgeError),
        (refused(422, CREATION), ForgePermission),
        (refused(404, "Not Found"), RepositoryNotFound),
        (refused(403, "Resource not accessible by integration"), ForgePermission),
        (refused(429, "", retry_after="5"), ForgeRateLimited),
        (refused(502, "Server Error"), WriteUnknown),
        (httpx2.ReadTimeout("slow"), WriteUnknown),
    ],
)
async def test_a_branch_is_made_once_whatever_comes(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    post = api.post(REFS_URL).mock(side_effect=[reply])
    with pytest.raises(expected):
        await github.create_branch(OURS, HEAD)
    assert post.call_count == 1


# Moving


async def test_a_branch_is_moved_by_compare_and_swap(github: GitHub, api: respx.Router, described: respx.Route) -> None:
    post = graphql(api, MOVED, MOVED)
    await github.move_branch(OURS, HEAD, NEXT)
    assert sent(post)["variables"] == {
        "input": {
            "repositoryId": "R_1",
            "refUpdates": [{"name": "refs/heads/failover/sonarr", "beforeOid": HEAD, "afterOid": NEXT, "force": True}],
        }
    }
    await github.move_branch(OURS, NEXT, HEAD)
    assert described.call_count == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (graphql_error("STALE_DATA", "The ref is not at the expected oid."), WriteConflict),
        (graphql_error("", f"cannot lock ref: is at {NEXT} but expected {HEAD}"), WriteConflict),
        (graphql_error("UNPROCESSABLE", "Repository rule violations found"), BranchProtected),
        (graphql_error("UNPROCESSABLE", "Something else"), ForgeError),
        (graphql_error("FORBIDDEN", "Resource not accessible by integration"), ForgePermission),
        (graphql_error("NOT_FOUND", "Could not resolve to a node with the global id of 'R_1'"), RepositoryNotFound),
        (refused(403, "You have exceeded a secondary rate limit.", retry_after="5"), ForgeRateLimited),
    ],
)
async def test_a_move_that_is_refused_is_said(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    post = graphql(api, reply)
    with pytest.raises(expected):
        await github.move_branch(OURS, HEAD, NEXT)
    assert post.call_count == 1


SORRY = {"data": {"updateRefs": None}, "errors": [{"message": "Something went wrong while executing your query."}]}
NO_WORD = [SORRY, {"data": {"updateRefs": None}}, refused(502, "x"), httpx2.ReadTimeout("slow")]


@pytest.mark.parametrize("reply", NO_WORD)
@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (NEXT, None),
        (HEAD, WriteUnknown),
        (ELSEWHERE, WriteConflict),
        (refused(404, "Branch not found"), WriteConflict),
        (refused(403, "Resource not accessible by integration"), WriteUnknown),
    ],
)
async def test_a_move_that_github_says_nothing_of_is_read_back(
    github: GitHub, api: respx.Router, reply: Any, found: Any, expected: type[FailoverError] | None
) -> None:
    post, get = graphql(api, reply), get_ours(api, found)
    if expected is None:
        await github.move_branch(OURS, HEAD, NEXT)
    else:
        with pytest.raises(expected) as error:
            await github.move_branch(OURS, HEAD, NEXT)
        assert type(error.value) is expected
    assert (post.call_count, get.call_count) == (1, 1)


UNKNOWN_MUTATION = {
    "errors": [
        {
            "path": ["mutation UpdateRefs", "updateRefs"],
            "extensions": {"code": "undefinedField", "typeName": "Mutation", "fieldName": "updateRefs"},
            "locations": [{"line": 2, "column": 3}],
            "message": "Field 'updateRefs' doesn't exist on type 'Mutation'",
        }
    ]
}


async def test_where_updaterefs_is_not_known_the_branch_is_read_and_forced(github: GitHub, api: respx.Router) -> None:
    graphql(api, UNKNOWN_MUTATION)
    get_ours(api, HEAD)
    patch = api.patch(REF_URL).mock(return_value=answer(200, {}))
    await github.move_branch(OURS, HEAD, NEXT)
    assert sent(patch) == {"sha": NEXT, "force": True}


@pytest.mark.parametrize("found", [NEXT, refused(404, "Branch not found")])
async def test_a_branch_that_is_elsewhere_is_not_forced(github: GitHub, api: respx.Router, found: Any) -> None:
    graphql(api, UNKNOWN_MUTATION)
    get_ours(api, found)
    patch = api.patch(REF_URL)
    with pytest.raises(WriteConflict, match=r"branch acme/homelab@failover/sonarr is (gone|at b{12})"):
        await github.move_branch(OURS, HEAD, NEXT)
    assert patch.call_count == 0


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(422, "Reference does not exist"), WriteConflict),
        (
            refused(422, "Changes must be made through a pull request. Cannot force-push to this branch"),
            ForgePermission,
        ),
        (refused(404, "Not Found"), RepositoryNotFound),
        (refused(502, "x"), WriteUnknown),
    ],
)
async def test_a_force_that_is_refused_is_said(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    graphql(api, UNKNOWN_MUTATION)
    get_ours(api, HEAD)
    patch = api.patch(REF_URL).mock(side_effect=[reply])
    with pytest.raises(expected):
        await github.move_branch(OURS, HEAD, NEXT)
    assert patch.call_count == 1


async def test_a_head_from_before_the_move_is_asked_again(github: GitHub, api: respx.Router, waits: Waits) -> None:
    graphql(api, MOVED)
    await github.move_branch(OURS, HEAD, NEXT)
    get_ours(api, HEAD, NEXT)
    assert await github.branch_head(OURS) == NEXT
    assert waits == [0.2]


@pytest.mark.parametrize("act", ["move", "create"])
async def test_a_branch_may_come_back_to_where_it_was(
    github: GitHub, api: respx.Router, waits: Waits, act: str
) -> None:
    graphql(api, MOVED, MOVED)
    api.post(REFS_URL).mock(return_value=answer(201, {}))
    await github.move_branch(OURS, HEAD, NEXT)
    await (github.move_branch(OURS, NEXT, HEAD) if act == "move" else github.create_branch(OURS, HEAD))
    get_ours(api, HEAD)
    assert await github.branch_head(OURS) == HEAD
    assert waits == []


async def test_after_a_move_the_old_files_are_not_known(github: GitHub, api: respx.Router) -> None:
    files = {"f0": None}
    graphql(
        api,
        {"data": {"repository": {"ref": {"target": {"oid": HEAD, **files}}}}},
        MOVED,
        {"data": {"repository": {"ref": {"target": {"oid": NEXT, **files}}}}},
    )
    get_ours(api, HEAD, NEXT)
    assert (await github.read(OURS, [PATH], not_before=None, at_head=True)).head == HEAD
    await github.move_branch(OURS, HEAD, NEXT)
    assert (await github.read(OURS, [PATH], not_before=None, at_head=True)).head == NEXT


@pytest.mark.parametrize("body", [[], None, "x"])
async def test_a_repository_that_is_none_is_an_error(
    github: GitHub, api: respx.Router, described: respx.Route, body: Any
) -> None:
    described.mock(return_value=answer(200, body))
    with pytest.raises(ForgeError, match="no repository"):
        await github.move_branch(OURS, HEAD, NEXT)


# Commits beside the branches


def modes(*values: int | None) -> dict[str, Any]:
    files = {f"f{i}": None if value is None else {"mode": value} for i, value in enumerate(values)}
    return {"data": {"repository": {"object": files}}}


MADE = {
    "sha": NEXT,
    "html_url": f"https://github.com/acme/homelab/commit/{NEXT}",
    "verification": {"verified": True},
}


def git_data(api: respx.Router, tree: Any = None, commit: Any = None) -> tuple[respx.Route, respx.Route]:
    """The routes that make a tree and a commit."""
    api.get(f"{COMMIT_URL}/{HEAD}").mock(return_value=answer(200, {"sha": HEAD, "tree": {"sha": "7" * 40}}))
    trees = api.post(TREES_URL).mock(side_effect=tree or [answer(201, {"sha": "8" * 40})])
    return trees, api.post(COMMIT_URL).mock(side_effect=commit or [answer(201, MADE)])


async def test_a_commit_beside_the_branches_keeps_modes_and_names_nobody(github: GitHub, api: respx.Router) -> None:
    post = graphql(api, modes(0o100644, 0o100755, None, 0o100664))
    trees, commits = git_data(api)
    text = "\ufeffä: 1\r\n".encode()
    files = {PATH: NEW, "run.sh": OLD, "new.yaml": text, "group.yaml": OLD}
    commit = await github.make_commit(MAIN, HEAD, files, "Fail over\n\nA: b\n")
    assert commit == Commit(NEXT, MADE["html_url"], verified=True)
    assert sent(post)["variables"]["head"] == HEAD
    assert sent(trees) == {
        "base_tree": "7" * 40,
        "tree": [
            {"path": PATH, "mode": "100644", "type": "blob", "content": NEW.decode()},
            {"path": "run.sh", "mode": "100755", "type": "blob", "content": OLD.decode()},
            {"path": "new.yaml", "mode": "100644", "type": "blob", "content": "\ufeffä: 1\r\n"},
            {"path": "group.yaml", "mode": "100644", "type": "blob", "content": OLD.decode()},
        ],
    }
    assert sent(commits) == {"message": "Fail over\n\nA: b\n", "tree": "8" * 40, "parents": [HEAD]}


@pytest.mark.parametrize(
    "reply", [refused(502, "x"), refused(403, "no"), {"data": {"repository": {"object": None}}}, modes()]
)
async def test_modes_that_graphql_does_not_give_are_in_the_tree(github: GitHub, api: respx.Router, reply: Any) -> None:
    graphql(api, *[reply] * 2)
    nodes = [{"path": PATH, "mode": "100755", "type": "blob", "sha": "1" * 40, "size": 1}]
    api.get(f"{TREES_URL}/{HEAD}?recursive=1").mock(return_value=answer(200, {"tree": nodes, "truncated": False}))
    trees, _ = git_data(api)
    await github.make_commit(MAIN, HEAD, {PATH: NEW, "new.yaml": NEW}, "m")
    assert [entry["mode"] for entry in sent(trees)["tree"]] == ["100755", "100644"]


async def test_modes_are_read_a_hundred_at_a_time(github: GitHub, api: respx.Router) -> None:
    def reply(request: httpx2.Request) -> respx.MockResponse:
        names = json.loads(request.content)["variables"]
        return answer(200, modes(*[0o100755] * (len(names) - 3)))

    post = api.post(GRAPHQL).mock(side_effect=reply)
    trees, _ = git_data(api)
    await github.make_commit(MAIN, HEAD, {f"{i}.yaml": NEW for i in range(230)}, "m")
    assert post.call_count == 3
    assert {entry["mode"] for entry in sent(trees)["tree"]} == {"100755"}


@pytest.mark.parametrize("fault", [httpx2.ReadTimeout("slow"), refused(502, "x"), httpx2.ConnectError("refused")])
async def test_a_commit_that_nobody_sees_is_asked_for_again(github: GitHub, api: respx.Router, fault: Any) -> None:
    graphql(api, modes(None))
    trees, commits = git_data(api, [fault, answer(201, {"sha": "8" * 40})], [fault, fault, answer(201, MADE)])
    assert (await github.make_commit(MAIN, HEAD, {PATH: NEW}, "m")).sha == NEXT
    assert (trees.call_count, commits.call_count) == (2, 3)


@pytest.mark.parametrize("step", ["tree", "commit"])
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(404, "Not Found"), RepositoryNotFound),
        (refused(422, "tree.sha is not a valid blob"), ForgeError),
        (refused(403, "Resource not accessible by integration"), ForgePermission),
        (refused(502, "x"), ForgeUnavailable),
        (answer(201, {}), ForgeError),
        (answer(201, []), ForgeError),
    ],
)
async def test_why_there_is_no_commit_is_said(
    github: GitHub, api: respx.Router, step: str, reply: Any, expected: type[FailoverError]
) -> None:
    graphql(api, modes(None))
    git_data(api, **{step: [reply] * 3})
    with pytest.raises(expected) as error:
        await github.make_commit(MAIN, HEAD, {PATH: NEW}, "m")
    assert error.value.outcome == "not-applied"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(404, "Not Found"), RepositoryNotFound),
        (answer(200, {}), ForgeError),
        (answer(200, []), ForgeError),
        (answer(200), ForgeError),
    ],
)
async def test_a_parent_that_is_no_commit_is_said(
    github: GitHub, api: respx.Router, reply: Any, expected: type[FailoverError]
) -> None:
    api.get(f"{COMMIT_URL}/{HEAD}").mock(return_value=reply)
    with pytest.raises(expected):
        await github.make_commit(MAIN, HEAD, {PATH: NEW}, "m")
