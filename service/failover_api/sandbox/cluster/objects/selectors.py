"""Label selectors, field selectors and node selector terms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at
from failover_api.sandbox.cluster.objects.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_KEY, _VALUE = re.compile(r"[\w./-]+"), re.compile(r"[\w.-]*")
_REQUIREMENT = re.compile(r"^\s*([\w./-]+)\s+(in|notin)\s*\(([^)]*)\)\s*$")


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector fits. None selects nothing, an empty one everything."""
    if selector is None:
        return False
    for key, value in at(selector, "matchLabels", default={}).items():
        if labels.get(key) != str(value):
            return False
    return all(_fits(one, labels) for one in at(selector, "matchExpressions", default=[]))


def term_selects(term: Object, labels: Mapping[str, str], name: str) -> bool:
    """Whether one nodeSelectorTerm fits a node."""
    fields = at(term, "matchFields", default=[])
    expressions = at(term, "matchExpressions", default=[])
    if not fields and not expressions:
        return False
    return all(_fits(one, labels) for one in expressions) and all(_fits(one, {"metadata.name": name}) for one in fields)


def _fits(requirement: Object, labels: Mapping[str, str]) -> bool:
    key, values = requirement.get("key", ""), [str(value) for value in requirement.get("values") or []]
    have = labels.get(key)
    match requirement.get("operator"):
        case "In":
            return have in values
        case "NotIn":
            return have not in values
        case "Exists":
            return have is not None
        case "DoesNotExist":
            return have is None
        case "Gt":
            return have is not None and int(have) > int(values[0])
        case "Lt":
            return have is not None and int(have) < int(values[0])
    return False


def label_selector(text: str) -> Callable[[Object], bool]:
    """Of the query parameter `labelSelector`. Raises ApiError 400."""
    tests = [_label_test(part) for part in _parts(text)]
    return lambda obj: all(test(at(obj, "metadata", "labels", default={})) for test in tests)


def _parts(text: str) -> list[str]:
    """At commas that stand in no parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _label_test(part: str) -> Callable[[Mapping[str, str]], bool]:
    if of_set := _REQUIREMENT.match(part):
        key, operator, listed = of_set.groups()
        values = {value.strip() for value in listed.split(",")}
        return lambda labels: (labels.get(key) in values) == (operator == "in")
    for sign, wanted in (("!=", False), ("==", True), ("=", True)):
        key, found, value = (one.strip() for one in part.partition(sign))
        if found and _KEY.fullmatch(key) and _VALUE.fullmatch(value):
            return _equality(key, value, wanted)
    if not _KEY.fullmatch(part.lstrip("!")):
        raise bad_request(f"unable to parse requirement: found '{part}', expected: identifier")
    return lambda labels: (part.lstrip("!") in labels) != part.startswith("!")


def _equality(key: str, value: str, wanted: bool) -> Callable[[Mapping[str, str]], bool]:
    return lambda labels: (labels.get(key) == value) == wanted


_FIELDS: dict[str, Sequence[str]] = {
    "metadata.name": ("metadata", "name"),
    "metadata.namespace": ("metadata", "namespace"),
    "spec.nodeName": ("spec", "nodeName"),
    "spec.unschedulable": ("spec", "unschedulable"),
    "spec.restartPolicy": ("spec", "restartPolicy"),
    "spec.schedulerName": ("spec", "schedulerName"),
    "spec.serviceAccountName": ("spec", "serviceAccountName"),
    "status.phase": ("status", "phase"),
    "status.podIP": ("status", "podIP"),
    "status.replicas": ("status", "replicas"),
    "involvedObject.kind": ("involvedObject", "kind"),
    "involvedObject.name": ("involvedObject", "name"),
    "involvedObject.namespace": ("involvedObject", "namespace"),
    "involvedObject.uid": ("involvedObject", "uid"),
    "involvedObject.apiVersion": ("involvedObject", "apiVersion"),
    "involvedObject.fieldPath": ("involvedObject", "fieldPath"),
    "involvedObject.resourceVersion": ("involvedObject", "resourceVersion"),
    "reason": ("reason",),
    "source": ("source", "component"),
    "type": ("type",),
}


def field_selector(text: str) -> Callable[[Object], bool]:
    """Of the query parameter `fieldSelector`. Raises ApiError 400."""
    tests = [_field_test(part) for part in _parts(text)]
    return lambda obj: all(test(obj) for test in tests)


def named_in(text: str) -> str | None:
    """The name that a field selector asks for."""
    for part in _parts(text):
        key, sign, value = part.replace("==", "=").partition("=")
        if key == "metadata.name" and sign:
            return value
    return None


def _field_test(part: str) -> Callable[[Object], bool]:
    is_not = "!=" in part
    key, _, value = part.replace("!=", "=").replace("==", "=").partition("=")
    path = _FIELDS.get(key)
    if path is None:
        raise bad_request(f'Unable to find "{key}" that match label selector "", field selector "{part}"')
    return lambda obj: (_text(at(obj, *path, default="")) == value) != is_not


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
