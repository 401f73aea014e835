"""get and list."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.api.request import must_be_number
from failover_api.sandbox.cluster.objects.meta import name_of, namespace_of
from failover_api.sandbox.cluster.objects.refusals import ApiError, bad_request, expired, not_found
from failover_api.sandbox.cluster.objects.selectors import field_selector, label_selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox.cluster.api.request import Request, Target
    from failover_api.sandbox.cluster.objects.json_values import Object
    from failover_api.sandbox.cluster.store import Store

_TOO_OLD = "The resourceVersion for the provided list is too old."
_CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter."
)


class TooLargeVersion(ApiError):
    """A version of the future: the answer comes after 3 s."""

    def __init__(self, asked: int, current: int) -> None:
        message = f"Timeout: Too large resource version: {asked}, current: {current}"
        causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        super().__init__(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})


@dataclass(frozen=True, slots=True)
class Page:
    """Where a list goes on: at a version, after a key."""

    version: int
    after: tuple[str, str]

    @property
    def token(self) -> str:
        text = json.dumps({"rv": self.version, "start": list(self.after)})
        return base64.urlsafe_b64encode(text.encode()).decode()

    @classmethod
    def parse(cls, token: str) -> Page:
        try:
            value = json.loads(base64.urlsafe_b64decode(token))
            return cls(int(value["rv"]), (value["start"][0], value["start"][1]))
        except (ValueError, KeyError, IndexError, TypeError, binascii.Error):
            raise bad_request("continue key is not valid") from None


def get(store: Store, target: Target) -> Object:
    found = store.get(target.kind, target.namespace, target.name)
    if found is None:
        raise not_found(target.kind, target.name)
    return found


def selected(request: Request) -> Callable[[Object], bool]:
    """Whether an object is asked for, by its labels and fields."""
    labels = label_selector(request.query.get("labelSelector", ""))
    fields = field_selector(request.query.get("fieldSelector", ""))
    return lambda obj: labels(obj) and fields(obj)


def list_(store: Store, target: Target, request: Request) -> Object:
    page = Page.parse(request.query["continue"]) if request.query.get("continue") else None
    version = page.version if page is not None else _version(store, request)
    if version < store.compacted and version != store.version:
        raise expired(_CONTINUE_TOO_OLD if page is not None else _TOO_OLD)
    objects = store.objects_at(target.kind, target.namespace, version)
    found = [one for one in objects if selected(request)(one)] if _has_selector(request) else objects
    if page is not None:
        found = [one for one in found if (namespace_of(one), name_of(one)) > page.after]
    return _whole(target, found, version, int(request.query.get("limit") or 0))


def _has_selector(request: Request) -> bool:
    return bool(request.query.get("labelSelector") or request.query.get("fieldSelector"))


def _version(store: Store, request: Request) -> int:
    """The version that is listed: the present one, unless exactly another is asked for."""
    text = request.query.get("resourceVersion", "")
    if not text or text == "0":
        return store.version
    asked = must_be_number(text)
    if asked > store.version:
        raise TooLargeVersion(asked, store.version)
    return asked if request.query.get("resourceVersionMatch") == "Exact" else store.version


def _whole(target: Target, found: list[Object], version: int, limit: int) -> Object:
    meta: Object = {"resourceVersion": str(version)}
    if limit and len(found) > limit:
        last = found[limit - 1]
        meta["continue"] = Page(version, (namespace_of(last), name_of(last))).token
        meta["remainingItemCount"] = len(found) - limit
        found = found[:limit]
    kind = target.kind
    items = found if kind.custom else [_bare(one) for one in found]
    return {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": meta, "items": items}


def _bare(obj: Object) -> Object:
    """Items of a built-in kind do not say their kind."""
    return {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}
