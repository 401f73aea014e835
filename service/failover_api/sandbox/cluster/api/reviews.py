"""SelfSubjectAccessReview, which any account may ask, and SelfSubjectReview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.api.accounts import Ask
from failover_api.sandbox.cluster.api.protobuf import access_review
from failover_api.sandbox.cluster.objects.json_values import Object, at

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.api.accounts import Account, Accounts
    from failover_api.sandbox.cluster.api.request import Request

_ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def answer(accounts: Accounts, account: Account, request: Request) -> Object | None:
    """None when the request is no review."""
    if request.method != "POST" or request.path not in (_ACCESS, _SELF):
        return None
    if request.path == _ACCESS and "protobuf" in request.content_type:
        body = access_review(request.body)
    else:
        body = {} if "protobuf" in request.content_type else request.object()
    if request.path == _SELF:
        user = {"username": account.user, "groups": list(account.all_groups)}
        said = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}
        return {**said, **body, "status": {"userInfo": user}}
    asked = at(body, "spec", "resourceAttributes", default={})
    resource = asked.get("resource", "")
    if asked.get("subresource"):
        resource = f"{resource}/{asked['subresource']}"
    verb, group, namespace, name = (str(asked.get(key) or "") for key in ("verb", "group", "namespace", "name"))
    why = accounts.allows(account, Ask(verb, group, resource, namespace, name))
    return {**body, "status": {"allowed": True, "reason": why} if why else {"allowed": False}}
