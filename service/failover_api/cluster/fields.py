"""Fields of an object of the Kubernetes API, whatever it holds: what is of another type than expected is not there.

Every function takes the object and the keys that lead to the field. None raises an error, whatever the JSON; texts and
lists are cut at a bound.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.observed import NOBODY, Applier, Condition, Key, NodeTerms, Owner, Requirement
from failover_api.core.wording import one_line

MAX_NAME, MAX_MESSAGE = 253, 1000
MAX_ITEMS = 1000  # of any list of an object
_MAX_INTERNED = 64
_MAX_NUMBER = 2**53
_UNIT_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,12})?(?:h|ms|m|s|us|µs|μs|ns))+")
_DURATION_PART = re.compile(r"([0-9.]+)(h|ms|m|s|us|µs|μs|ns)")
_FLUX = "kustomize.toolkit.fluxcd.io"
_HELM = "helm.toolkit.fluxcd.io"


def value_at(data: object, *path: str) -> Any:
    """What is there; None where the path leads nowhere."""
    for key in path:
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def text(data: object, *path: str, limit: int = MAX_NAME) -> str:
    """A text, on one line and cut; "" where there is none."""
    value = value_at(data, *path)
    return _bounded(value, limit) if isinstance(value, str) else ""


def _bounded(value: str, limit: int) -> str:
    """Short texts are shared: most of them stand in many objects."""
    line = one_line(value[:limit])[:limit]
    return sys.intern(line) if len(line) <= _MAX_INTERNED else line


def message(data: object, *path: str) -> str:
    return text(data, *path, limit=MAX_MESSAGE)


def number(data: object, *path: str) -> int | None:
    value = value_at(data, *path)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MAX_NUMBER:
        return None
    return value


def flag(data: object, *path: str) -> bool:
    return value_at(data, *path) is True


def time(data: object, *path: str) -> float | None:
    """A time of RFC 3339, in seconds since 1970; None for one that no calendar can show."""
    value = value_at(data, *path)
    return seconds_of(value) if isinstance(value, str) else None


def duration(data: object, *path: str) -> float | None:
    """A duration as Go writes it, in seconds: `1m3.5s`. https://pkg.go.dev/time#ParseDuration"""
    value = value_at(data, *path)
    if not isinstance(value, str) or len(value) > 60 or not _DURATION.fullmatch(value):
        return None
    return sum(float(count) * _UNIT_S[unit] for count, unit in _DURATION_PART.findall(value))


def items(data: object, *path: str, most: int = MAX_ITEMS) -> Iterator[dict[str, Any]]:
    """The objects of a list, at most so many; whatever else stands in it is left out."""
    value = value_at(data, *path)
    return (item for item in value[:most] if isinstance(item, dict)) if isinstance(value, list) else iter(())


def texts(data: object, *path: str) -> tuple[str, ...]:
    value = value_at(data, *path)
    if not isinstance(value, list):
        return ()
    return tuple(_bounded(item, MAX_NAME) for item in value[:MAX_ITEMS] if isinstance(item, str))


def labels(data: object, *path: str) -> Mapping[str, str]:
    """A mapping of texts, such as labels."""
    value = value_at(data, *path)
    if not isinstance(value, dict):
        return {}
    pairs = ((key, item) for key, item in list(value.items())[:MAX_ITEMS] if isinstance(item, str))
    return {_bounded(key, MAX_NAME): _bounded(item, MAX_NAME) for key, item in pairs}


# What many kinds have


def namespace_and_name(data: object) -> Key | None:
    """None for what has no name, and so is no object."""
    name = text(data, "metadata", "name")
    return (text(data, "metadata", "namespace"), name) if name else None


def conditions(data: object, *types: str) -> tuple[Condition, ...]:
    """The status' conditions of these types."""
    found = (item for item in items(data, "status", "conditions") if item.get("type") in types)
    return tuple(
        Condition(
            type=text(item, "type"),
            status=text(item, "status"),
            reason=text(item, "reason"),
            message=message(item, "message"),
            since=time(item, "lastTransitionTime"),
            generation=number(item, "observedGeneration"),
        )
        for item in found
    )


def condition(data: object, type_: str) -> Condition | None:
    return next(iter(conditions(data, type_)), None)


def controller(data: object) -> Owner | None:
    """The object that owns this one and sees to it."""
    owners = (item for item in items(data, "metadata", "ownerReferences") if flag(item, "controller"))
    return next((Owner(text(item, "kind"), text(item, "name"), text(item, "uid")) for item in owners), None)


def applier(data: object) -> Applier:
    """https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources"""
    own, notes = value_at(data, "metadata", "labels"), value_at(data, "metadata", "annotations")
    either = [notes, own]
    is_ignored = any(
        text(of, f"{_FLUX}/ssa").lower() in ("ifnotpresent", "ignore")
        or text(of, f"{_FLUX}/reconcile").lower() == "disabled"
        for of in either
    )
    by = Applier(_named_by(own, _FLUX), _named_by(own, _HELM), is_ignored)
    return NOBODY if by == NOBODY else by


def _named_by(own: object, group: str) -> Key | None:
    name = text(own, f"{group}/name")
    return (text(own, f"{group}/namespace"), name) if name else None


def node_terms(data: object, *path: str) -> NodeTerms:
    """Node selector terms: each a list of what labels, or the node's name, have to be."""
    terms = (
        tuple(
            Requirement(text(item, "key"), text(item, "operator"), texts(item, "values"))
            for of in ("matchExpressions", "matchFields")
            for item in items(term, of)
        )
        for term in items(data, *path)
    )
    return tuple(terms)
