"""What is said about a pull request: labels, comments, reviewers. https://docs.github.com/en/rest/issues"""

from __future__ import annotations

from failover_api.sandbox.github import shapes_pulls
from failover_api.sandbox.github.answer import Answer, Refused
from failover_api.sandbox.github.call import Call, paged
from failover_api.sandbox.github.pulls import pull_of
from failover_api.sandbox.hosting.repository import Comment

_REVIEWERS = "https://docs.github.com/rest/pulls/review-requests#request-reviewers-for-a-pull-request"


def post_reviewers(call: Call) -> Answer:
    """All of them or none: one unknown name refuses the request."""
    pull, fields = pull_of(call), call.json()
    people, teams = fields.get("reviewers") or [], fields.get("team_reviewers") or []
    if pull.author in people:
        text = "Review cannot be requested from pull request author."
        raise Refused(422, text, url=_REVIEWERS)
    if not set(people) <= set(call.repo.collaborators) or not set(teams) <= set(call.repo.teams):
        text = (
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified "
            f"is not a collaborator of the {call.repo.full_name} repository."
        )
        raise Refused(422, text, url=_REVIEWERS)
    pull.reviewers = list(dict.fromkeys([*pull.reviewers, *people]))
    pull.teams = list(dict.fromkeys([*pull.teams, *teams]))
    pull.updated_at = call.repo.now()
    return Answer(shapes_pulls.pull(pull, call), 201)


def get_reviews(call: Call) -> Answer:
    """https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request"""
    pull = pull_of(call)
    items, links = paged(call, sorted(pull.approvals))
    return Answer([shapes_pulls.review(login, pull, call) for login in items], headers=links)


def get_labels(call: Call) -> Answer:
    return Answer([shapes_pulls.label(name, call) for name in pull_of(call).labels])


def post_labels(call: Call) -> Answer:
    """Takes {"labels": [...]} or the bare list. Labels that are new to the repository are made, as with GitHub."""
    pull = pull_of(call)
    value = call.value()
    names = value if isinstance(value, list) else call.required("labels")[0]
    pull.labels = list(dict.fromkeys([*pull.labels, *(str(name) for name in names)]))
    pull.updated_at = call.repo.now()
    return Answer([shapes_pulls.label(name, call) for name in pull.labels])


def get_comments(call: Call) -> Answer:
    pull = pull_of(call)
    items, links = paged(call, pull.comments)
    return Answer([shapes_pulls.comment(item, pull.number, call) for item in items], headers=links)


def post_comment(call: Call) -> Answer:
    pull = pull_of(call)
    (body,) = call.required("body")
    pull.updated_at = call.repo.now()
    comment = Comment(8000 + 100 * pull.number + len(pull.comments), call.actor.login, str(body), pull.updated_at)
    pull.comments.append(comment)
    return Answer(shapes_pulls.comment(comment, pull.number, call), 201)
