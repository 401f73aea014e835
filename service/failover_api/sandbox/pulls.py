"""Pull requests, their labels, comments and reviewers. https://docs.github.com/en/rest/pulls/pulls"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox import merging, shapes_git, shapes_pulls
from failover_api.sandbox.call import Answer, Call, Refused, invalid, paged
from failover_api.sandbox.objects import now
from failover_api.sandbox.repository import Comment

if TYPE_CHECKING:
    from failover_api.sandbox.repository import PullRequest

_URL = "https://docs.github.com/rest/pulls"


def get_pulls(call: Call) -> Answer:
    """Newest first, filtered by state, head (ORG:BRANCH) and base."""
    found = [pull for pull in call.repo.pulls.values() if _wanted(call, pull)]
    items, links = paged(call, found if call.query.get("direction") == "asc" else found[::-1])
    return Answer([shapes_pulls.pull(item, call) for item in items], headers=links)


def post_pull(call: Call) -> Answer:
    given = call.json()
    for name in ("title", "head", "base"):
        if not given.get(name):
            raise invalid("PullRequest", field=name, code="missing_field")
    pull = merging.open_pull(
        call.repo,
        call.actor.login,
        title=given["title"],
        body=given.get("body"),
        head=given["head"],
        base=given["base"],
        draft=bool(given.get("draft")),
    )
    return Answer(shapes_pulls.full(pull, call), 201, {"Location": f"{call.url}/pulls/{pull.number}"})


def get_pull(call: Call) -> Answer:
    return Answer(shapes_pulls.full(_pull(call), call))


def patch_pull(call: Call) -> Answer:
    pull, given = _pull(call), call.json()
    if given.get("state") == "open" and pull.merged_at:
        raise invalid("PullRequest", field="state", code="invalid")
    pull.title, pull.body = given.get("title", pull.title), given.get("body", pull.body)
    pull.base = given.get("base", pull.base)
    if given.get("state") in ("open", "closed") and given["state"] != pull.state:
        pull.head_sha, pull.base_sha = merging.head(call.repo, pull), merging.base(call.repo, pull)
        pull.state = given["state"]
        pull.closed_at = now() if pull.state == "closed" else None
    pull.updated_at = now()
    return Answer(shapes_pulls.full(pull, call))


def get_commits(call: Call) -> Answer:
    items, links = paged(call, merging.commits(call.repo, _pull(call)))
    return Answer([shapes_git.commit(item, call) for item in items], headers=links)


def get_files(call: Call) -> Answer:
    pull = _pull(call)
    found = shapes_git.files(merging.changes(call.repo, pull), call, merging.head(call.repo, pull))
    items, links = paged(call, found)
    return Answer(items, headers=links)


def get_merge(call: Call) -> Answer:
    if _pull(call).merged_at is None:
        raise Refused(404, "Not Found", url=f"{_URL}/pulls#check-if-a-pull-request-has-been-merged")
    return Answer(status=204)


def put_merge(call: Call) -> Answer:
    """Merges; `sha` is a compare-and-swap on the head of the pull request."""
    pull, given = _pull(call), call.json()
    if given.get("sha") and given["sha"] != merging.head(call.repo, pull):
        text = "Head branch was modified. Review and try the merge again."
        raise Refused(409, text, url=f"{_URL}/pulls#merge-a-pull-request")
    sha = merging.merge(
        call.repo,
        pull,
        call.actor.login,
        given.get("merge_method", "merge"),
        title=given.get("commit_title"),
        message=given.get("commit_message"),
    )
    return Answer({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def post_reviewers(call: Call) -> Answer:
    """All of them or none: one unknown name refuses the request."""
    pull, given = _pull(call), call.json()
    people, teams = given.get("reviewers") or [], given.get("team_reviewers") or []
    if pull.author in people:
        text = "Review cannot be requested from pull request author."
        raise Refused(422, text, url=f"{_URL}/review-requests#request-reviewers-for-a-pull-request")
    if not set(people) <= set(call.repo.collaborators) or not set(teams) <= set(call.repo.teams):
        text = (
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified "
            f"is not a collaborator of the {call.repo.full_name} repository."
        )
        raise Refused(422, text, url=f"{_URL}/review-requests#request-reviewers-for-a-pull-request")
    pull.reviewers = list(dict.fromkeys([*pull.reviewers, *people]))
    pull.teams = list(dict.fromkeys([*pull.teams, *teams]))
    return Answer(shapes_pulls.pull(pull, call), 201)


def get_labels(call: Call) -> Answer:
    return Answer([shapes_pulls.label(name, call) for name in _pull(call).labels])


def post_labels(call: Call) -> Answer:
    """Takes {"labels": [...]} or the bare list. Labels that are new to the repository are made, as with GitHub."""
    pull = _pull(call)
    given = call.value()
    names = given if isinstance(given, list) else call.wanted("labels")[0]
    pull.labels = list(dict.fromkeys([*pull.labels, *(str(name) for name in names)]))
    return Answer([shapes_pulls.label(name, call) for name in pull.labels])


def get_comments(call: Call) -> Answer:
    pull = _pull(call)
    items, links = paged(call, pull.comments)
    return Answer([shapes_pulls.comment(item, pull.number, call) for item in items], headers=links)


def post_comment(call: Call) -> Answer:
    pull = _pull(call)
    (body,) = call.wanted("body")
    comment = Comment(8000 + 100 * pull.number + len(pull.comments), call.actor.login, str(body), now())
    pull.comments.append(comment)
    return Answer(shapes_pulls.comment(comment, pull.number, call), 201)


def _pull(call: Call) -> PullRequest:
    number = call.params["number"]
    found = call.repo.pulls.get(int(number)) if number.isdecimal() else None
    if found is None:
        raise Refused(404, "Not Found", url=f"{_URL}/pulls#get-a-pull-request")
    return found


def _wanted(call: Call, pull: PullRequest) -> bool:
    state, head, base = (call.query.get(name) for name in ("state", "head", "base"))
    # A head without "owner:" is not a filter to GitHub: everything comes back.
    by_head = not head or ":" not in head or head.lower() == f"{call.repo.owner}:{pull.head}".lower()
    return (state or "open") in ("all", pull.state) and by_head and base in (None, "", pull.base)
