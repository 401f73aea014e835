"""POST /graphql. https://docs.github.com/en/graphql"""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from failover_api.sandbox.github import lookup, mutations, nodes, shapes
from failover_api.sandbox.github.answer import Answer, Refused
from failover_api.sandbox.github.call import Call

if TYPE_CHECKING:
    from graphql import ExecutionResult

    from failover_api.sandbox.http.exchange import Body

_URL = "https://docs.github.com/graphql"


def post(call: Call) -> Answer:
    fields = call.json()
    query = fields.get("query")
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
        variable_values=fields.get("variables"),
        operation_name=fields.get("operationName"),
    )
    return Answer(_body(result))


def is_mutation(body: Body) -> bool:
    """Whether a request is to change something; an invalid one will not."""
    document = _document(body.query or "")
    if not isinstance(document, DocumentNode):
        return False
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return any(node.operation is OperationType.MUTATION for node in operations)


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
    shape: dict[str, Any] = dict(error.formatted)
    extensions = shape.pop("extensions", {})
    return {**({"type": extensions["type"]} if "type" in extensions else {}), **shape}


def _repository(info: GraphQLResolveInfo[Call], owner: str, name: str, **_: Any) -> nodes.Node:
    return nodes.repository(lookup.named(info.context, f"{owner}/{name}"))


def _rate_limit(info: GraphQLResolveInfo[Call], **_: Any) -> nodes.Node:
    limits = info.context.world.limits.overview(info.context.actor.key, "graphql")
    return {**limits, "cost": 1, "nodeCount": 0, "resetAt": shapes.stamp(limits["reset"])}


def _viewer(info: GraphQLResolveInfo[Call]) -> nodes.Node:
    return nodes.account(info.context, info.context.actor.login)


_ROOT = {
    "repository": _repository,
    "rateLimit": _rate_limit,
    "viewer": _viewer,
    "createCommitOnBranch": mutations.create_commit,
    "createPullRequest": mutations.create_pull_request,
    "enablePullRequestAutoMerge": mutations.enable_auto_merge,
    "enqueuePullRequest": mutations.enqueue_pull_request,
    "updateRefs": mutations.update_refs,
}
