"""The one message that kubectl sends in protobuf alone: a SelfSubjectAccessReview.

https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.refusals import bad_request

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.objects.json_values import Object

_MAGIC = b"k8s\x00"
_ATTRIBUTES = {1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource", 6: "subresource", 7: "name"}


def access_review(body: bytes) -> Object:
    """As JSON has it. Raises ApiError 400."""
    if not body.startswith(_MAGIC):
        raise bad_request("the object provided is unrecognized (must be of type protobuf)")
    try:
        spec = _fields(_fields(_fields(body[len(_MAGIC) :])[2])[2])
    except (IndexError, KeyError, ValueError):
        raise bad_request("the object provided is unrecognized (must be of type protobuf)") from None
    attributes = {_ATTRIBUTES[number]: value.decode() for number, value in _fields(spec.get(1, b"")).items()}
    kind = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
    return {**kind, "spec": {"resourceAttributes": attributes}}


def _fields(raw: bytes) -> dict[int, bytes]:
    """Fields of bytes, by their numbers; the last of each. Numbers are skipped."""
    found, at = {}, 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        value, at = _varint(raw, at)
        if tag & 7 == 2:
            found[tag >> 3] = raw[at : at + value]
            at += value
        elif tag & 7:
            raise ValueError("neither a number nor bytes")
    return found


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
