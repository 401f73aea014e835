"""Who may do what: accounts with a token, and rights as RBAC has them.

An account's rights are given here, or stand in the cluster as Roles and bindings, as a Kustomization would bring them.
https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE,
    ROLE_BINDING,
)
from failover_api.sandbox.cluster.objects.meta import name_of, namespace_of
from failover_api.sandbox.cluster.objects.refusals import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from failover_api.sandbox.cluster.store import Store

ADMIN_TOKEN = "sandbox-cluster-admin"  # noqa: S105 - opens nothing but a simulated cluster
_RULE_KEYS = ("verbs", "resources", "apiGroups", "resourceNames")
_SERVICE_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Rule:
    """`namespace` None: in the whole cluster. A subresource is written as `pods/status`."""

    verbs: tuple[str, ...]
    resources: tuple[str, ...]
    groups: tuple[str, ...] = ("",)
    names: tuple[str, ...] = ()
    namespace: str | None = None

    def allows(self, asked: Ask) -> bool:
        return (
            _has(self.verbs, asked.verb)
            and _has(self.groups, asked.group)
            and _has(self.resources, asked.resource)
            and (not self.names or asked.name in self.names)
            and self.namespace in (None, asked.namespace)
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: may this be done?"""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """`rules` None: it may do everything. Bindings in the cluster add to what it has."""

    user: str
    rules: tuple[Rule, ...] | None = ()
    groups: tuple[str, ...] = field(default=("system:authenticated",))

    @property
    def all_groups(self) -> tuple[str, ...]:
        """A service account is also in the groups of all service accounts, and of those of its namespace."""
        if not self.user.startswith(_SERVICE_ACCOUNT):
            return self.groups
        namespace = self.user.removeprefix(_SERVICE_ACCOUNT).partition(":")[0]
        return (*self.groups, "system:serviceaccounts", f"system:serviceaccounts:{namespace}")


class Accounts:
    """`by_token` may be changed in place. `blind`: all but administrators are refused, as just after a start."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.by_token = {ADMIN_TOKEN: Account("admin", None, ("system:masters", "system:authenticated"))}
        self.blind = False

    def of(self, token: str) -> Account:
        """Raises ApiError 401."""
        if not token:
            return Account("system:anonymous", (), ("system:unauthenticated",))
        if token not in self.by_token:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        return self.by_token[token]

    def allows(self, account: Account, asked: Ask) -> str:
        """By what it is allowed; empty when it is not."""
        if self.blind:
            return ""
        if account.rules is None:
            return "all"
        if any(rule.allows(asked) for rule in account.rules):
            return "its own rules"
        return next((why for rule, why in self._bound(account) if rule.allows(asked)), "")

    def _bound(self, account: Account) -> Iterator[tuple[Rule, str]]:
        for kind in (CLUSTER_ROLE_BINDING, ROLE_BINDING):
            for binding in self._store.objects(kind):
                if any(_is_subject(account, one, namespace_of(binding)) for one in at(binding, "subjects", default=[])):
                    where = namespace_of(binding) if kind is ROLE_BINDING else None
                    why = f'RBAC: allowed by {kind.kind} "{name_of(binding)}"'
                    yield from ((rule, why) for rule in self._rules(binding, where))

    def _rules(self, binding: Object, namespace: str | None) -> Iterator[Rule]:
        reference = binding["roleRef"]
        if reference["kind"] == "ClusterRole":
            role = self._store.get(CLUSTER_ROLE, "", reference["name"])
        else:
            role = self._store.get(ROLE, namespace or "", reference["name"])
        for one in at(role, "rules", default=[]):
            verbs, resources, groups, names = (tuple(one.get(key) or ()) for key in _RULE_KEYS)
            yield Rule(verbs, resources, groups, names, namespace)


def refusal(account: Account, asked: Ask) -> ApiError:
    """403, as the API server words it."""
    named = f'"{asked.name}" ' if asked.name else ""
    titled = f"{asked.resource.partition('/')[0]}{'.' + asked.group if asked.group else ''}"
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    message = (
        f'{titled} {named}is forbidden: User "{account.user}" cannot {asked.verb} resource "{asked.resource}" in API '
        f'group "{asked.group}" {where}'
    )
    details: Object = {"kind": asked.resource}
    if asked.name:
        details["name"] = asked.name
    if asked.group:
        details["group"] = asked.group
    return ApiError(403, "Forbidden", message, details)


def _is_subject(account: Account, subject: Object, namespace: str) -> bool:
    match subject.get("kind"):
        case "ServiceAccount":
            return account.user == f"{_SERVICE_ACCOUNT}{subject.get('namespace', namespace)}:{subject['name']}"
        case "Group":
            return subject["name"] in account.all_groups
    return bool(account.user == subject.get("name"))


def _has(listed: tuple[str, ...], value: str) -> bool:
    """`pods/*` and `*/status` stand for subresources of pods and statuses of anything."""
    if "*" in listed or value in listed:
        return True
    resource, slash, subresource = value.partition("/")
    return bool(slash) and (f"*/{subresource}" in listed or f"{resource}/*" in listed)
