"""JSON Schema of a file, made of the shapes that read it: for editors, and for the documents.

https://json-schema.org/draft/2020-12/schema
"""

from collections.abc import Iterator, Mapping
from typing import Any

from failover_api.core.config.schema import Schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(shape: type[Schema], title: str) -> dict[str, Any]:
    """The JSON Schema of a file that has this shape."""
    schema = shape.model_json_schema()
    _drop_titles(schema)
    return {"$schema": DIALECT, "title": title, **schema}


def let_be_null(key: dict[str, Any]) -> None:
    """Change the schema of a key so that it takes null too."""
    about: dict[str, Any] = {name: key.pop(name) for name in ("description", "default") if name in key}
    options = key.pop("anyOf", None) or [dict(key)]
    key.clear()
    key["anyOf"] = options if {"type": "null"} in options else [*options, {"type": "null"}]
    key.update(about)


def reference(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Each key of a schema, in the order of the file: its place, what it may hold, its default, what it means."""
    yield from _keys(schema, schema, "")


def _drop_titles(node: Any) -> None:
    """pydantic's, which only repeat the keys."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        for child in node.values():
            _drop_titles(child)
    elif isinstance(node, list):
        for child in node:
            _drop_titles(child)


def _keys(node: Mapping[str, Any], root: Mapping[str, Any], place: str) -> Iterator[tuple[str, str, str, str]]:
    for name, key in node.get("properties", {}).items():
        here = f"{place}.{name}" if place else name
        default = "needed" if name in node.get("required", ()) else key.get("default")
        yield here, _type(key, root), default, key.get("description", "")
        inner, suffix = _below(key, root)
        if inner is not None:
            yield from _keys(inner, root, f"{here}{suffix}")


def _below(key: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The mapping that a key holds, alone, in a list or by name."""
    if "$ref" in key:
        return root["$defs"][key["$ref"].rpartition("/")[2]], ""
    for option in key.get("anyOf", ()):
        if "$ref" in option or "items" in option:
            return _below(option, root)
    if isinstance(key.get("items"), dict) and "$ref" in key["items"]:
        return _below(key["items"], root)[0], "[]"
    if isinstance(key.get("additionalProperties"), dict) and "$ref" in key["additionalProperties"]:
        return _below(key["additionalProperties"], root)[0], ".NAME"
    return None, ""


def _type(key: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    if "enum" in key:
        return " or ".join(f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in key["enum"])
    if "const" in key:
        return f"`{key['const']}`"
    if "anyOf" in key:
        return " or ".join(dict.fromkeys(_type(option, root) for option in key["anyOf"] if option != {"type": "null"}))
    if "$ref" in key:
        return "mapping"
    match key.get("type"):
        case "array":
            return f"list of {_plural(_type(key.get('items', {}), root))}"
        case "object":
            return "mapping"
        case "string":
            return "text"
        case "boolean":
            return "true or false"
        case list():
            return "any scalar"
        case kind:
            return str(kind)


def _plural(kind: str) -> str:
    return {"text": "texts", "mapping": "mappings"}.get(kind, kind)
