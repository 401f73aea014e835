"""Pull requests. https://docs.github.com/en/rest/pulls/pulls"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.github import shapes_git, shapes_pulls
from failover_api.sandbox.github.answer import Answer, Refused, invalid
from failover_api.sandbox.github.call import Call, paged
from failover_api.sandbox.hosting import merging, opening

if TYPE_CHECKING:
    from failover_api.sandbox.hosting.repository import PullRequest

_URL = "https://docs.github.com/rest/pulls"


def get_pulls(call: Call) -> Answer:
    """Filtered by state, head (ORG:BRANCH) and base; the newest first, unless asked for otherwise."""
    listed = [pull for pull in call.repo.pulls.values() if _is_listed(call, pull)]
    by_update = call.query.get("sort") == "updated"
    listed.sort(key=lambda pull: (pull.updated_at if by_update else 0, pull.number))
    default = "desc" if call.query.get("sort", "created") == "created" else "asc"
    upward = call.query.get("direction", default) == "asc"
    items, links = paged(call, listed if upward else listed[::-1])
    return Answer([shapes_pulls.pull(item, call) for item in items], headers=links)


def get_pulls_of_commit(call: Call) -> Answer:
    """The merged ones that brought it, and the open ones that would.

    https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit
    """
    sha = call.resolve(call.params["ref"])
    if sha is None:
        url = "https://docs.github.com/rest/commits/commits#list-pull-requests-associated-with-a-commit"
        raise Refused(422, f"No commit found for SHA: {call.params['ref']}", url=url)
    items, links = paged(call, [pull for pull in call.repo.pulls.values() if _brings(call, pull, sha)])
    return Answer([shapes_pulls.pull(item, call) for item in items], headers=links)


def post_pull(call: Call) -> Answer:
    fields = call.json()
    for name in ("title", "head", "base"):
        if not fields.get(name):
            raise invalid("PullRequest", field=name, code="missing_field")
    pull = opening.open_pull(
        call.repo,
        call.actor.login,
        title=fields["title"],
        body=fields.get("body"),
        head=fields["head"],
        base=fields["base"],
        draft=bool(fields.get("draft")),
    )
    return Answer(shapes_pulls.full(pull, call), 201, {"Location": f"{call.url}/pulls/{pull.number}"})


def get_pull(call: Call) -> Answer:
    return Answer(shapes_pulls.full(pull_of(call), call))


def patch_pull(call: Call) -> Answer:
    pull = pull_of(call)
    opening.edit(call.repo, pull, call.json())
    return Answer(shapes_pulls.full(pull, call))


def get_commits(call: Call) -> Answer:
    items, links = paged(call, merging.commits(call.repo, pull_of(call)))
    return Answer([shapes_git.commit(item, call) for item in items], headers=links)


def get_files(call: Call) -> Answer:
    pull = pull_of(call)
    items, links = paged(call, shapes_git.files(merging.changes(call.repo, pull), call, pull.head_sha))
    return Answer(items, headers=links)


def get_merge(call: Call) -> Answer:
    if pull_of(call).merged_at is None:
        raise Refused(404, "Not Found", url=f"{_URL}/pulls#check-if-a-pull-request-has-been-merged")
    return Answer(status=204)


def put_merge(call: Call) -> Answer:
    """Merges; `sha` is a compare-and-swap on the head of the pull request."""
    pull, fields = pull_of(call), call.json()
    with call.repo.lock:
        if fields.get("sha") and fields["sha"] != pull.head_sha:
            text = "Head branch was modified. Review and try the merge again."
            raise Refused(409, text, url=f"{_URL}/pulls#merge-a-pull-request")
        sha = merging.merge(
            call.repo,
            pull,
            call.actor.login,
            fields.get("merge_method", "merge"),
            title=fields.get("commit_title"),
            message=fields.get("commit_message"),
        )
    return Answer({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def pull_of(call: Call) -> PullRequest:
    """The one that the path names. Raises Refused 404."""
    number = call.params["number"]
    pull = call.repo.pulls.get(int(number)) if number.isdecimal() else None
    if pull is None:
        raise Refused(404, "Not Found", url=f"{_URL}/pulls#get-a-pull-request")
    return pull


def _brings(call: Call, pull: PullRequest, sha: str) -> bool:
    if pull.is_open:
        return any(commit.sha == sha for commit in merging.commits(call.repo, pull))
    return sha in pull.merged_commits


def _is_listed(call: Call, pull: PullRequest) -> bool:
    state, head, base = (call.query.get(name) for name in ("state", "head", "base"))
    # A head without "owner:" is not a filter to GitHub: everything comes back.
    owner, colon, branch = (head or "").partition(":")
    by_head = not colon or (owner.lower(), branch) == (call.repo.owner.lower(), pull.head)
    return (state or "open") in ("all", pull.state) and by_head and base in (None, "", pull.base)
