"""What a host refuses, in no host's words: each dialect has its own for every reason."""

from __future__ import annotations

from typing import Any, Literal

Reason = Literal[
    # limits; in parentheses the facts that come along
    "requests_exhausted",  # (who)
    "writes_exhausted",  # (wait_s)
    # a pull request: opening and editing
    "unknown_head",
    "unknown_base",
    "unknown_state",
    "already_open",  # (owner, head)
    "drafts_not_supported",
    "no_commits",  # (base, head)
    # opening it again
    "already_merged",
    "branch_deleted",  # (branch)
    "no_new_commits",  # (base, head)
    "head_rewritten",  # (head)
    # merging it
    "method_not_allowed",  # (method)
    "still_a_draft",
    "not_mergeable",
    "not_rebasable",
    "merge_queue_only",
    "rule_unmet",  # (rule, pull)
    "base_moved",
]


class Refusal(Exception):
    """`facts` are what a dialect may put into its words."""

    def __init__(self, reason: Reason, **facts: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts
