"""The three patches that are not apply: JSON patch, merge patch, strategic merge patch.

RFC 6902, RFC 7386, and
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

from typing import Any

from failover_api.sandbox.cluster.objects.json_values import Object, copied
from failover_api.sandbox.cluster.objects.list_keys import keys_of_list
from failover_api.sandbox.cluster.objects.refusals import bad_request, patch_failed

_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


def json_patch(target: Object, operations: Any) -> Object:
    """Raises ApiError: 400 for what is no patch, 422 for one that does not fit, a `test` that fails among them."""
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    whole: Any = {"": copied(target)}
    for operation in operations:
        _operate(whole, operation)
    return dict(whole[""])


def _operate(whole: Any, operation: Object) -> None:
    path = str(operation.get("path", ""))
    match operation.get("op"):
        case "add":
            _insert(whole, path, copied(operation.get("value")))
        case "replace":
            _remove(whole, path)
            _insert(whole, path, copied(operation.get("value")))
        case "remove":
            _remove(whole, path)
        case "move":
            _insert(whole, path, _remove(whole, str(operation.get("from"))))
        case "copy":
            _insert(whole, path, copied(_find(whole, str(operation.get("from")))))
        case "test":
            _test(whole, path, operation.get("value"))
        case other:
            raise patch_failed(f"Unexpected kind: {other}")


def _test(whole: Any, path: str, wanted: Any) -> None:
    try:
        found = _find(whole, path)
    except (KeyError, IndexError, ValueError, TypeError):
        found = None
    if found != wanted:
        raise patch_failed(f"testing value {path} failed: test failed")


def _tokens(path: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")]


def _find(whole: Any, path: str) -> Any:
    for token in _tokens(path):
        whole = whole[int(token)] if isinstance(whole, list) else whole[token]
    return whole


def _parent(whole: Any, path: str, verb: str) -> tuple[Any, str]:
    *above, last = _tokens(path)
    try:
        return (_find(whole, "/".join(token.replace("~", "~0").replace("/", "~1") for token in above)), last)
    except (KeyError, IndexError, ValueError, TypeError):
        raise patch_failed(f'{verb} operation does not apply: doc is missing path: "{path}": missing value') from None


def _insert(whole: Any, path: str, value: Any) -> None:
    if path == "":
        whole[""] = value
        return
    parent, last = _parent(whole, path, "add")
    if isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else int(last), value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise patch_failed(f'add operation does not apply: doc is missing path: "{path}": missing value')


def _remove(whole: Any, path: str) -> Any:
    if path == "":
        return whole[""]
    parent, last = _parent(whole, path, "remove")
    try:
        return parent.pop(int(last)) if isinstance(parent, list) else parent.pop(last)
    except (KeyError, IndexError, ValueError, AttributeError):
        raise patch_failed(f"remove operation does not apply: doc is missing key: {path}: missing value") from None


def merge_patch(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copied(patch)
    result = copied(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge(target: Any, patch: Any, field: str = "") -> Any:
    """`field` is the name under which both stand; it says how a list is merged."""
    if isinstance(patch, list):
        return _merge_lists(target if isinstance(target, list) else [], patch, field)
    if not isinstance(patch, dict):
        return copied(patch)
    if patch.get("$patch") == "replace":
        return {key: copied(value) for key, value in patch.items() if key != "$patch"}
    return _merge_maps(copied(target) if isinstance(target, dict) else {}, patch)


def _merge_maps(result: Object, patch: Object) -> Object:
    for key, value in patch.items():
        if key == "$retainKeys":
            kept = set(value)
            result = {name: one for name, one in result.items() if name in kept}
    for key, value in patch.items():
        if key.startswith(_DELETE_PRIMITIVES):
            name = key.removeprefix(_DELETE_PRIMITIVES)
            result[name] = [one for one in result.get(name) or [] if one not in value]
        elif key in ("$retainKeys", "$patch") or key.startswith(_ORDER):
            continue
        elif value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
            result.pop(key, None)
        else:
            result[key] = strategic_merge(result.get(key), value, key)
    return result


def _merge_lists(before: list[Any], patch: list[Any], field: str) -> list[Any]:
    keys = keys_of_list(field, [*before, *patch])[:1]
    if not keys or {"$patch": "replace"} in patch:
        return [copied(one) for one in patch if one != {"$patch": "replace"}]
    result = [copied(one) for one in before]
    for element in patch:
        same = next((i for i, one in enumerate(result) if all(one.get(k) == element.get(k) for k in keys)), None)
        if element.get("$patch") == "delete":
            result = [one for i, one in enumerate(result) if i != same]
        elif same is None:
            result.append(copied(element))
        else:
            result[same] = strategic_merge(result[same], element)
    return result
