"""Title and body of a pull request of ours: what they say of its commit, and whether they still do."""

import re

from failover_api.core.planning.request import Provenance
from failover_api.core.safety.hazard import merged
from failover_api.core.text.commit_message import headline_of
from failover_api.core.text.pull_request import pull_request_text
from failover_api.core.text.trailers import read_all_records
from failover_api.forge.values import Commit, PullRequest
from failover_api.moves.pull_request.branch_content import Base, BranchContent

_LINK = re.compile(r"/blob/([0-9a-f]{40}|[0-9a-f]{64})/")


def text_of(base: Base, commit: Commit, provenance: Provenance) -> tuple[str, str]:
    """The pull request's title and body."""
    root = commit.url.partition("/commit")[0]
    plans = [(plan, provenance) for plan in base.move_plan.plans if plan.changes]
    hazards = [f"{hazard.detail} {hazard.cure}" for hazard in merged(base.move_plan.hazards)]
    return pull_request_text(plans, at=base.head, root=root, hazards=hazards)


def is_text_of(pull: PullRequest, content: BranchContent) -> bool:
    """Whether a pull request says what its commit does: its trailers are the commit's, its links lead to its base.

    One without any has been written anew by a person.
    """
    said = {record.service: record for record in read_all_records(pull.body)}
    at = planned_at(pull.body)
    return (not said or said == content.records) and at in {None, content.began}


def planned_at(body: str) -> str | None:
    """The commit of the base that a pull request of ours was planned from, as its links say."""
    link = _LINK.search(body)
    return link[1] if link else None


def is_title_of_ours(pull: PullRequest) -> bool:
    """Whether the title is still the one that goes with the body; else it is a person's."""
    return pull.title == headline_of(read_all_records(pull.body))
