"""What we may read, as the API server itself says: it asks for no right to be asked.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

import asyncio
from collections.abc import Sequence

from failover_api.cluster.client import Client
from failover_api.cluster.fields import flag
from failover_api.cluster.kinds import KINDS, Kind
from failover_api.cluster.port import Right, Scope

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_AT_ONCE = 8
_VERBS = ("list", "watch")


async def review_lease(client: Client, name: str, namespace: str, *, timeout_s: float) -> Sequence[Right]:
    """Of a Lease to lead by: it is read, made and replaced. Raises ClusterFailure."""
    group, resource = "coordination.k8s.io", "leases"

    async def ask(verb: str) -> Right:
        named = {} if verb == "create" else {"name": name}  # a name is not known when it is made
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace, **named}
        return Right(verb, group, resource, namespace, await _is_allowed(client, attributes, timeout_s))

    return await asyncio.gather(*map(ask, ("get", "create", "update")))


async def _is_allowed(client: Client, attributes: dict[str, str], timeout_s: float) -> bool:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return flag(await client.create(_PATH, body, timeout_s=timeout_s), "status", "allowed")


async def review(client: Client, scope: Scope, *, timeout_s: float, kinds: Sequence[Kind] = KINDS) -> Sequence[Right]:
    """The rights that each kind takes, allowed or not. Raises ClusterFailure."""
    limit = asyncio.Semaphore(_AT_ONCE)

    async def ask(kind: Kind, verb: str, namespace: str) -> Right:
        attributes = {"verb": verb, "group": kind.group, "resource": kind.resource}
        place = {"namespace": namespace} if namespace else {}
        async with limit:
            is_allowed = await _is_allowed(client, {**attributes, **place}, timeout_s)
        return Right(verb, kind.group, kind.resource, namespace, is_allowed)

    async def of_kind(kind: Kind) -> Sequence[Right]:
        wide = [await ask(kind, verb, kind.home) for verb in _VERBS]
        fallbacks = kind.fallbacks(scope)
        if all(right.is_allowed for right in wide) or not fallbacks:
            return wide
        return [await ask(kind, verb, namespace) for namespace in sorted(fallbacks) for verb in _VERBS]

    of_kinds = await asyncio.gather(*map(of_kind, kinds))
    return [right for rights in of_kinds for right in rights]
