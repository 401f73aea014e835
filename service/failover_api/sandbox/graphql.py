"""POST /graphql: queries, and the mutations that REST cannot do. https://docs.github.com/en/graphql

A refused mutation is HTTP 200 with `errors[].type`, as with GitHub.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
from importlib import resources
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from failover_api.sandbox import merging, nodes, shapes, writing
from failover_api.sandbox.call import Answer, Call, Refused
from failover_api.sandbox.objects import FILE, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import ExecutionResult

    from failover_api.sandbox.repository import PullRequest, Repository

_URL = "https://docs.github.com/graphql"


def post(call: Call) -> Answer:
    given = call.json()
    query = given.get("query")
    if not isinstance(query, str):
        raise Refused(400, "A query attribute must be specified and must be a string.", url=_URL)
    document = _document(query)
    if not isinstance(document, DocumentNode):
        return Answer({"errors": [_formatted(error) for error in document]})
    result = execute_sync(
        _schema(),
        document,
        _ROOT,
        context_value=call,
        variable_values=given.get("variables"),
        operation_name=given.get("operationName"),
    )
    return Answer(_body(result))


@functools.cache
def _schema() -> GraphQLSchema:
    return build_schema(resources.files(__package__).joinpath("schema.graphql").read_text())


@functools.lru_cache(maxsize=256)
def _document(query: str) -> DocumentNode | list[GraphQLError]:
    """The query once parsed and found valid, or what is wrong with it."""
    try:
        document = parse(query)
    except GraphQLError as exc:
        return [exc]
    return validate(_schema(), document) or document


def _body(result: ExecutionResult) -> dict[str, Any]:
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [_formatted(error) for error in result.errors]
    return body


def _formatted(error: GraphQLError) -> dict[str, Any]:
    """GitHub has `type` beside the message, not among the extensions."""
    shown: dict[str, Any] = dict(error.formatted)
    extensions = shown.pop("extensions", {})
    return {**({"type": extensions["type"]} if "type" in extensions else {}), **shown}


def refuse(kind: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"type": kind})


def _repository(info: GraphQLResolveInfo[Call], owner: str, name: str, **_: Any) -> nodes.Node:
    return nodes.repository(_on(info.context, f"{owner}/{name}"))


def _on(call: Call, full_name: str) -> Call:
    """The same call, about one repository."""
    repo = call.sandbox.repositories.get(full_name.lower())
    if repo is None or not call.actor.sees(repo.full_name):
        raise refuse("NOT_FOUND", f"Could not resolve to a Repository with the name '{full_name}'.")
    if not call.actor.may("contents=read"):
        raise refuse("FORBIDDEN", "Resource not accessible by integration")
    return dataclasses.replace(call, repository=repo)


def _rate_limit(info: GraphQLResolveInfo[Call], **_: Any) -> nodes.Node:
    seen = info.context.sandbox.limits.overview(info.context.actor.key, "graphql")
    return {**seen, "cost": 1, "nodeCount": 0, "resetAt": shapes.stamp(seen["reset"])}


def _viewer(info: GraphQLResolveInfo[Call]) -> nodes.Node:
    return nodes.account(info.context, info.context.actor.login)


def _create_commit(info: GraphQLResolveInfo[Call], input: Mapping[str, Any]) -> nodes.Node:  # noqa: A002 - the schema's name
    """All changes in one commit, signed by GitHub, if the branch is still at `expectedHeadOid`."""
    call, branch = _branch(info.context, input["branch"])
    if not call.actor.may("contents=write"):
        raise refuse("FORBIDDEN", "Resource not accessible by integration")
    head, expected = call.repo.bare.head(branch), input["expectedHeadOid"]
    if head is None:
        raise refuse("NOT_FOUND", f'Could not resolve to a branch with the name "{branch}".')
    if head != expected:
        raise _stale(expected)
    _check_rule(call, branch)
    changes = _changes(call, head, input.get("fileChanges") or {})
    tree = call.repo.bare.change(call.repo.bare.commit(head).tree, changes)
    sha = writing.commit(call, tree, (head,), _message(input["message"]), signed=True)
    if not writing.land(call, f"refs/heads/{branch}", head, sha):
        raise _stale(expected)
    commit = nodes.commit(call, call.repo.bare.commit(sha))
    ref = nodes.ref(call, f"refs/heads/{branch}")
    return {"clientMutationId": input.get("clientMutationId"), "commit": commit, "ref": ref}


def _stale(expected: str) -> GraphQLError:
    return refuse("STALE_DATA", f'Expected branch to point to "{expected}" but it did not.  Pull and try again.')


def _check_rule(call: Call, branch: str) -> None:
    rule = writing.rule_for(call, branch)
    if rule is None:
        return
    if rule.kind == "ruleset":
        raise refuse("UNPROCESSABLE", rule.violation)
    text = f"protected branch '{branch}' check failed:\n {rule.violation}"
    raise refuse("BRANCH_PROTECTION_RULE_VIOLATION", text)


def _branch(call: Call, given: Mapping[str, Any]) -> tuple[Call, str]:
    """A committable branch: by repository and name, or by node id."""
    if given.get("repositoryNameWithOwner") and given.get("branchName"):
        return _on(call, given["repositoryNameWithOwner"]), given["branchName"].removeprefix("refs/heads/")
    for repo in call.sandbox.repositories.values():
        on = dataclasses.replace(call, repository=repo)
        for name in repo.branches():
            if call.actor.sees(repo.full_name) and nodes.ref_id(on, f"refs/heads/{name}") == given.get("id"):
                return on, name
    raise refuse("NOT_FOUND", f"Could not resolve to a node with the global id of '{given.get('id')}'.")


def _changes(call: Call, head: str, given: Mapping[str, Any]) -> dict[str, Entry | None]:
    tree = call.repo.bare.commit(head).tree
    changes: dict[str, Entry | None] = {}
    for deletion in given.get("deletions") or ():
        if call.repo.bare.entry(tree, deletion["path"]) is None:
            text = f"A path was requested for deletion which does not exist as of commit oid `{head}`"
            raise refuse("UNPROCESSABLE", text)
        changes[deletion["path"]] = None
    for addition in given.get("additions") or ():
        before = call.repo.bare.entry(tree, addition["path"])
        mode = before.mode if before and before.type == "blob" else FILE
        changes[addition["path"]] = Entry(mode, call.repo.bare.put_blob(_contents(addition)))
    return changes


def _contents(addition: Mapping[str, Any]) -> bytes:
    path = addition["path"]
    if any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise refuse("UNPROCESSABLE", f"A path was requested which is not valid: `{path}`")
    try:
        return base64.b64decode("".join(addition["contents"].split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise refuse("UNPROCESSABLE", "contents is not valid Base64") from exc


def _message(given: Mapping[str, Any]) -> str:
    body = given.get("body")
    return f"{given['headline']}\n\n{body}" if body else str(given["headline"])


def _create_pull_request(info: GraphQLResolveInfo[Call], input: Mapping[str, Any]) -> nodes.Node:  # noqa: A002 - the schema's name
    found = [repo for repo in info.context.sandbox.repositories.values() if repo.node_id == input["repositoryId"]]
    if not found:
        raise refuse("NOT_FOUND", f"Could not resolve to a node with the global id of '{input['repositoryId']}'.")
    call = _on(info.context, found[0].full_name)
    _may_pull(call)
    try:
        pull = merging.open_pull(
            call.repo,
            call.actor.login,
            title=input["title"],
            body=input.get("body"),
            head=input["headRefName"],
            base=input["baseRefName"],
            draft=bool(input.get("draft")),
        )
    except Refused as refused:
        raise refuse("UNPROCESSABLE", merging.reason(refused)) from refused
    return {"clientMutationId": input.get("clientMutationId"), "pullRequest": nodes.pull_request(call, pull)}


def _enable_auto_merge(info: GraphQLResolveInfo[Call], input: Mapping[str, Any]) -> nodes.Node:  # noqa: A002 - the schema's name
    """https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge"""
    call, pull = _pull(info.context, input["pullRequestId"])
    _may_pull(call)
    method = input["mergeMethod"].lower()
    if problem := _auto_merge_problem(call.repo, pull, method):
        raise refuse("UNPROCESSABLE", problem)
    pull.auto_merge, pull.auto_merge_by = method, call.actor.login
    actor = {"__typename": "User", **nodes.account(call, call.actor.login)}
    payload = {"clientMutationId": input.get("clientMutationId"), "actor": actor}
    return {**payload, "pullRequest": nodes.pull_request(call, pull)}


def _auto_merge_problem(repo: Repository, pull: PullRequest, method: Any) -> str | None:
    if not repo.allow_auto_merge:
        return "Pull request Auto merge is not allowed for this repository"
    if not repo.allows(method):
        return f"Merge method {method} merging is not allowed on this repository"
    if repo.rules.get(pull.base) is None and merging.state(repo, pull) != "clean":
        return "Pull request Protected branch rules not configured for this branch"
    if merging.state(repo, pull) == "clean":
        return "Pull request Pull request is in clean status"
    return None


def _pull(call: Call, node_id: str) -> tuple[Call, PullRequest]:
    for repo in call.sandbox.repositories.values():
        on = dataclasses.replace(call, repository=repo)
        for pull in repo.pulls.values():
            if call.actor.sees(repo.full_name) and nodes.pull_id(on, pull) == node_id:
                return on, pull
    raise refuse("NOT_FOUND", f"Could not resolve to a node with the global id of '{node_id}'.")


def _may_pull(call: Call) -> None:
    if not call.actor.may("pull_requests=write"):
        raise refuse("FORBIDDEN", "Resource not accessible by integration")


_ROOT = {
    "repository": _repository,
    "rateLimit": _rate_limit,
    "viewer": _viewer,
    "createCommitOnBranch": _create_commit,
    "createPullRequest": _create_pull_request,
    "enablePullRequestAutoMerge": _enable_auto_merge,
}
