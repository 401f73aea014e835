"""A request, and what it is about: the kind, the object, the verb."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.manifests import documents
from failover_api.sandbox.cluster.objects.kinds import kind_at
from failover_api.sandbox.cluster.objects.refusals import ApiError, bad_request
from failover_api.sandbox.cluster.objects.selectors import named_in

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from failover_api.sandbox.cluster.objects.json_values import Object
    from failover_api.sandbox.cluster.objects.kinds import Kind

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}
_OF_NAMESPACE = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Target:
    """`name` is empty for a collection."""

    kind: Kind
    namespace: str
    name: str
    subresource: str


@dataclass(frozen=True, slots=True)
class Request:
    """Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def token(self) -> str:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "application/json").partition(";")[0].strip()

    @property
    def is_dry_run(self) -> bool:
        return self.query.get("dryRun") == "All"

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")

    def json(self) -> Any:
        """The body, JSON or YAML; an empty object when there is none. Raises ApiError."""
        if not self.body:
            return {}
        if "protobuf" in self.content_type:
            message = "the body of the request was in an unknown format - accepted media types include: "
            raise ApiError(415, "UnsupportedMediaType", message + "application/json, application/yaml")
        try:
            if "yaml" in self.content_type:
                found = documents(self.body.decode())
                return found[0] if found else {}
            return json.loads(self.body)
        except ValueError as exc:
            raise bad_request(f"the object provided is unrecognized: {exc}") from exc

    def object(self) -> Object:
        value = self.json()
        if not isinstance(value, dict):
            raise bad_request("the object provided is unrecognized (must be of type object)")
        return value

    def verb(self, target: Target) -> str:
        if self.method in ("GET", "HEAD"):
            if target.name:
                return "get"
            return "watch" if self.flag("watch") else "list"
        if self.method == "DELETE":
            return "delete" if target.name else "deletecollection"
        return _VERBS.get(self.method, self.method.lower())

    def asked_name(self, target: Target) -> str:
        """The name that rights are checked for: a collection may be asked for one by its field selector."""
        return target.name or named_in(self.query.get("fieldSelector", "")) or ""


def target_of(path: str, absent: Container[str] = ()) -> Target | None:
    """None for a path that is about no object, or about a kind of a group that is `absent`."""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _OF_NAMESPACE:
        namespace, rest = rest[1], rest[2:]
    kind = kind_at(group, version, rest[0])
    if kind is None or kind.group in absent or len(rest) > 3 or (namespace and not kind.namespaced):
        return None
    name, subresource = [*rest[1:3], "", ""][:2]
    return Target(kind, namespace, name, subresource)


def must_be_number(text: str) -> int:
    """A resourceVersion. Raises ApiError 500, as the API server does."""
    if not text.isdecimal():
        why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise ApiError(500, "InternalError", f"Internal error occurred: {why}", {"causes": [{"message": why}]})
    return int(text)
