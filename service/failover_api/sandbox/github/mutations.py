"""The mutations: what REST cannot do, or not at once. https://docs.github.com/en/graphql/reference/mutations

A refused one is HTTP 200 with `errors[].type`, as with GitHub.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from failover_api.sandbox.git import history
from failover_api.sandbox.git.objects import FILE, NewFile
from failover_api.sandbox.git.refs import RefUpdate, is_ref_name
from failover_api.sandbox.github import lookup, nodes, writing
from failover_api.sandbox.github.lookup import refuse
from failover_api.sandbox.github.refusals import refused, violation
from failover_api.sandbox.hosting import merging, opening
from failover_api.sandbox.hosting.pushing import push
from failover_api.sandbox.hosting.refusal import Refusal
from failover_api.sandbox.hosting.repository import AutoMerge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLResolveInfo

    from failover_api.sandbox.github.call import Call
    from failover_api.sandbox.hosting.repository import PullRequest, Repository

    Input = Mapping[str, Any]

_NOWHERE = "0" * 40


def create_commit(info: GraphQLResolveInfo[Call], input: Input) -> nodes.Node:  # noqa: A002 - the schema's name
    """All changes in one commit, signed by GitHub, if the branch is still at `expectedHeadOid`."""
    call, branch = _branch(info.context, input["branch"])
    lookup.require(call, "contents=write")
    head, expected = call.repo.bare.head(branch), input["expectedHeadOid"]
    if head is None:
        raise refuse("NOT_FOUND", f'Could not resolve to a branch with the name "{branch}".')
    if head != expected:
        raise _stale("branch", expected)
    _check_rule(call, branch)
    changes = _changes(call, head, input.get("fileChanges") or {})
    with call.repo.bare.batch():
        tree = call.repo.bare.change(call.repo.bare.commit(head).tree, changes)
        sha = writing.commit(call, tree, (head,), _message(input["message"]), signed=True)
    if writing.land(call, RefUpdate(f"refs/heads/{branch}", head, sha)):
        raise _stale("branch", expected)
    commit = nodes.commit(call, call.repo.bare.commit(sha))
    ref = nodes.ref(call, f"refs/heads/{branch}")
    return {"clientMutationId": input.get("clientMutationId"), "commit": commit, "ref": ref}


def update_refs(info: GraphQLResolveInfo[Call], input: Input) -> nodes.Node:  # noqa: A002 - the schema's name
    """Makes, moves and deletes refs, all or none."""
    call = lookup.by_id(info.context, input["repositoryId"])
    lookup.require(call, "contents=write")
    names = [update["name"] for update in input["refUpdates"]]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise refuse("UNPROCESSABLE", f"multiple updates for ref '{twice}' not allowed")
    writing.let_others_write(call, *names)
    with call.repo.lock:
        moves = [_move(call, update) for update in input["refUpdates"]]
        if failed := push(call.repo, moves, call.actor.login):
            raise _stale_ref(call, failed.name, failed.old or _NOWHERE)
    return {"clientMutationId": input.get("clientMutationId")}


def create_pull_request(info: GraphQLResolveInfo[Call], input: Input) -> nodes.Node:  # noqa: A002 - the schema's name
    call = lookup.by_id(info.context, input["repositoryId"])
    lookup.require(call, "pull_requests=write")
    try:
        pull = opening.open_pull(
            call.repo,
            call.actor.login,
            title=input["title"],
            body=input.get("body"),
            head=input["headRefName"],
            base=input["baseRefName"],
            draft=bool(input.get("draft")),
        )
    except Refusal as refusal:
        raise refuse("UNPROCESSABLE", refused(refusal).sentence) from refusal
    return {"clientMutationId": input.get("clientMutationId"), "pullRequest": nodes.pull_request(call, pull)}


def enable_auto_merge(info: GraphQLResolveInfo[Call], input: Input) -> nodes.Node:  # noqa: A002 - the schema's name
    call, pull = lookup.pull_request(info.context, input["pullRequestId"])
    lookup.require(call, "pull_requests=write")
    method = input["mergeMethod"].lower()
    with call.repo.lock:
        if problem := _auto_merge_problem(call.repo, pull, method, input.get("expectedHeadOid")):
            raise refuse("UNPROCESSABLE", problem)
        title, message = input.get("commitHeadline"), input.get("commitBody")
        pull.auto_merge = AutoMerge(method, call.actor.login, title, message)
        pull.updated_at = call.repo.now()
    actor = {"__typename": "User", **nodes.account(call, call.actor.login)}
    payload = {"clientMutationId": input.get("clientMutationId"), "actor": actor}
    return {**payload, "pullRequest": nodes.pull_request(call, pull)}


def enqueue_pull_request(info: GraphQLResolveInfo[Call], input: Input) -> nodes.Node:  # noqa: A002 - the schema's name
    """Into the merge queue: only what could be merged now."""
    call, pull = lookup.pull_request(info.context, input["pullRequestId"])
    lookup.require(call, "pull_requests=write")
    with call.repo.lock:
        if problem := _queue_problem(call.repo, pull, input.get("expectedHeadOid")):
            raise refuse("UNPROCESSABLE", problem)
        pull.is_queued, pull.updated_at = True, call.repo.now()
    entry = {"id": f"MQE_{pull.number}", "position": 1, "state": "QUEUED"}
    return {"clientMutationId": input.get("clientMutationId"), "mergeQueueEntry": entry}


def _stale(what: str, expected: str) -> GraphQLError:
    return refuse("STALE_DATA", f'Expected {what} to point to "{expected}" but it did not.  Pull and try again.')


def _stale_ref(call: Call, name: str, expected: str) -> GraphQLError:
    """GitHub has been seen to say less: https://github.com/orgs/community/discussions/213655"""
    if not call.world.names_stale_refs:
        return GraphQLError("Something went wrong while executing your query. Please include `0` when reporting this.")
    return _stale(name, expected)


def _check_rule(call: Call, branch: str) -> None:
    rule = call.repo.rule(branch)
    if rule is None:
        return
    if rule.kind == "ruleset":
        raise refuse("UNPROCESSABLE", violation(rule))
    text = f"protected branch '{branch}' check failed:\n {violation(rule)}"
    raise refuse("BRANCH_PROTECTION_RULE_VIOLATION", text)


def _branch(call: Call, branch: Input) -> tuple[Call, str]:
    """A committable branch: by repository and name, or by node id."""
    if branch.get("repositoryNameWithOwner") and branch.get("branchName"):
        return lookup.named(call, branch["repositoryNameWithOwner"]), branch["branchName"].removeprefix("refs/heads/")
    for repo in call.world.repositories.values():
        on = dataclasses.replace(call, repository=repo)
        for name in repo.branches():
            if call.actor.sees(repo.full_name) and nodes.ref_id(on, f"refs/heads/{name}") == branch.get("id"):
                return on, name
    raise lookup.unknown(str(branch.get("id")))


def _changes(call: Call, head: str, files: Input) -> dict[str, NewFile | None]:
    tree = call.repo.bare.commit(head).tree
    changes: dict[str, NewFile | None] = {}
    for deletion in files.get("deletions") or ():
        if call.repo.bare.entry(tree, deletion["path"]) is None:
            text = f"A path was requested for deletion which does not exist as of commit oid `{head}`"
            raise refuse("UNPROCESSABLE", text)
        changes[deletion["path"]] = None
    for addition in files.get("additions") or ():
        before = call.repo.bare.entry(tree, addition["path"])
        mode = before.mode if before and before.type == "blob" else FILE
        changes[addition["path"]] = NewFile(_contents(addition), mode)
    return changes


def _contents(addition: Input) -> bytes:
    path = addition["path"]
    if any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise refuse("UNPROCESSABLE", f"A path was requested which is not valid: `{path}`")
    try:
        return base64.b64decode("".join(addition["contents"].split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise refuse("UNPROCESSABLE", "contents is not valid Base64") from exc


def _message(message: Input) -> str:
    body = message.get("body")
    return f"{message['headline']}\n\n{body}" if body else str(message["headline"])


def _move(call: Call, update: Input) -> RefUpdate:
    """One of updateRefs, checked. Without `beforeOid` it does not matter where the ref is."""
    name, expected, after = update["name"], update.get("beforeOid"), update["afterOid"]
    if not name.startswith("refs/") or not is_ref_name(name):
        raise refuse("UNPROCESSABLE", f"{name} is not a valid ref name.")
    before, target = call.repo.bare.ref(name), None if after == _NOWHERE else after
    if expected is not None and (before or _NOWHERE) != expected:
        raise _stale_ref(call, name, expected)
    if before is None and target is None and expected is None:
        raise refuse("UNPROCESSABLE", f"Reference {name} does not exist")
    if target and call.repo.bare.kind(target) != "commit":
        raise refuse("NOT_FOUND", f"Could not resolve to a commit with the oid '{target}'.")
    if before and before != target:
        _check_move(call, name, before, target, force=bool(update.get("force")))
    return RefUpdate(name, before, target)


def _check_move(call: Call, name: str, before: str, after: str | None, *, force: bool) -> None:
    branch = name.removeprefix("refs/heads/")
    _check_rule(call, branch)
    if after is None and branch == call.repo.default_branch:
        raise refuse("UNPROCESSABLE", "Cannot delete the default branch")
    if after and not force and not history.is_ancestor(call.repo.bare, before, after):
        raise refuse("UNPROCESSABLE", f"Update of {name} is not a fast forward")


def _auto_merge_problem(repo: Repository, pull: PullRequest, method: Any, expected_head: str | None) -> str | None:
    if not repo.allow_auto_merge:
        return "Pull request Auto merge is not allowed for this repository"
    if not repo.allows(method):
        return f"Merge method {method} merging is not allowed on this repository"
    if not pull.is_open:
        return "Pull request is closed"
    if expected_head is not None and expected_head != pull.head_sha:
        return f"Expected head oid {expected_head} does not match {pull.head_sha}"
    rule = repo.rule(pull.base)
    if rule and rule.queue and method != "merge":  # "merge" is also what stands for none
        return f"The merge strategy for {pull.base} is set by the merge queue"
    if rule is None and merging.state(repo, pull) != "clean":
        return "Pull request Protected branch rules not configured for this branch"
    if merging.state(repo, pull) == "clean":
        return "Pull request Pull request is in clean status"
    return None


def _queue_problem(repo: Repository, pull: PullRequest, expected_head: str | None) -> str | None:
    rule = repo.rule(pull.base)
    if rule is None or not rule.queue:
        return "Pull request Merge queue is not enabled for this branch"
    if expected_head is not None and expected_head != pull.head_sha:
        return f"Expected head oid {expected_head} does not match {pull.head_sha}"
    if pull.is_queued:
        return "Pull request is already in the queue"
    return None if merging.state(repo, pull) == "clean" else "Pull request is not mergeable"
