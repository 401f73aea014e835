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


async def review(client: Client, scope: Scope, *, timeout_s: float, kinds: Sequence[Kind] = KINDS) -> Sequence[Right]:
    """The rights that each kind takes, allowed or not. Raises ClusterFailure."""
    limit = asyncio.Semaphore(_AT_ONCE)

    async def ask(kind: Kind, verb: str, namespace: str) -> Right:
        attributes = {"verb": verb, "group": kind.group, "resource": kind.resource}
        place = {"namespace": namespace} if namespace else {}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**attributes, **place}},
        }
        async with limit:
            answer = await client.create(_PATH, body, timeout_s=timeout_s)
        return Right(verb, kind.group, kind.resource, namespace, flag(answer, "status", "allowed"))

    async def of_kind(kind: Kind) -> Sequence[Right]:
        wide = [await ask(kind, verb, kind.home) for verb in _VERBS]
        fallbacks = kind.fallbacks(scope)
        if all(right.is_allowed for right in wide) or not fallbacks:
            return wide
        return [await ask(kind, verb, namespace) for namespace in sorted(fallbacks) for verb in _VERBS]

    of_kinds = await asyncio.gather(*map(of_kind, kinds))
    return [right for rights in of_kinds for right in rights]
