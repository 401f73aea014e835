"""Pages of pull requests, and what a person may do with one: merge it, close it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from failover_api.sandbox.github.refusals import refused
from failover_api.sandbox.hosting import following, merging
from failover_api.sandbox.hosting.people import MARIA_LOGIN
from failover_api.sandbox.hosting.refusal import Refusal
from failover_api.sandbox.pages.file_diff import file_diffs
from failover_api.sandbox.pages.rendering import page, redirect
from failover_api.sandbox.pages.visit import NotThere, Visit

if TYPE_CHECKING:
    from failover_api.sandbox.hosting.repository import MergeMethod, PullRequest
    from failover_api.sandbox.http.exchange import Reply

# What a person is offered, the best first.
_METHODS: dict[MergeMethod, str] = {
    "squash": "Squash and merge",
    "merge": "Create a merge commit",
    "rebase": "Rebase and merge",
}
_CHANGED = "It has new commits since this page was loaded. Look again, then merge."


def show_all(visit: Visit) -> Reply:
    newest_first = sorted(visit.repo.pulls.values(), key=lambda pull: -pull.number)
    return page(visit, "pulls.html", title="Pull requests", pulls=newest_first)


def show(visit: Visit, number: str) -> Reply:
    return _page(visit, _pull(visit, number))


def merge(visit: Visit, number: str) -> Reply:
    """As a person who may write: the rules hold."""
    pull, form = _pull(visit, number), _form(visit)
    method = next((name for name in _METHODS if name == form.get("method")), None)
    with visit.repo.lock:
        if form.get("head") != pull.head_sha:
            return _page(visit, pull, 409, refusal=_CHANGED)
        try:
            merging.merge(visit.repo, pull, MARIA_LOGIN, method or _offered(visit)[0])
        except Refusal as exc:
            return _page(visit, pull, 409, refusal=_words(exc))
    return redirect(visit.pull_link(pull.number))


def close(visit: Visit, number: str) -> Reply:
    pull = _pull(visit, number)
    with visit.repo.lock:
        if pull.is_open:
            following.close(visit.repo, pull)
    return redirect(visit.pull_link(pull.number))


def _pull(visit: Visit, number: str) -> PullRequest:
    pull = visit.repo.pulls.get(int(number[:9]))
    if pull is None:
        raise NotThere(f"There is no pull request #{number[:9]}.")
    return pull


def _form(visit: Visit) -> dict[str, str]:
    fields = parse_qs(visit.message.body.raw.decode("utf-8", "replace"))
    return {name: values[0] for name, values in fields.items()}


def _page(visit: Visit, pull: PullRequest, status: int = 200, *, refusal: str = "") -> Reply:
    repo = visit.repo
    changes = merging.changes(repo, pull)
    rule = repo.rule(pull.base)
    return page(
        visit,
        "pull.html",
        status,
        title=f"{pull.title} #{pull.number}",
        pull=pull,
        state=_state(pull),
        obstacle=_obstacle(visit, pull),
        refusal=refusal,
        methods={method: _METHODS[method] for method in _offered(visit)},
        checks={check: check in pull.passed_checks for check in (rule.checks if rule else ())},
        commits=merging.commits(repo, pull)[::-1],
        count=len(changes),
        files=file_diffs(repo.bare, changes),
        ref=pull.head_sha,
    )


def _offered(visit: Visit) -> list[MergeMethod]:
    return [method for method in _METHODS if visit.repo.allows(method)]


def _state(pull: PullRequest) -> str:
    if pull.is_open:
        return "draft" if pull.draft else "open"
    return "merged" if pull.merged_at else "closed"


def _obstacle(visit: Visit, pull: PullRequest) -> str:
    """Why an open one cannot be merged now; "" when it can."""
    rule = visit.repo.rule(pull.base)
    match merging.state(visit.repo, pull):
        case "dirty":
            return f"It changes lines that {pull.base} has changed too. Resolve that in its branch first."
        case "draft":
            return _words(Refusal("still_a_draft"))
        case "blocked":
            return _words(Refusal("rule_unmet", rule=rule, pull=pull))
    return _words(Refusal("merge_queue_only")) if rule and rule.queue else ""


def _words(refusal: Refusal) -> str:
    """GitHub's own, on one line."""
    return ": ".join(refused(refusal).sentence.split("\n\n")).strip(": \n")
