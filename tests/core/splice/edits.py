"""Edits in one word, and what they make of a text."""

from typing import Any

from failover_api.core.splice import Edit, Scalar, Selector, parse
from failover_api.core.splice.paths import parse_path
from failover_api.core.splice.yaml_tree import Reader, read_fast
from tests.support.builders import FIRST


def edit(op: Any, path: str, value: Any = None, *, select: Selector = FIRST, allow: str = "", **rest: Any) -> Edit:
    return Edit(select, parse_path(path), op=op, value=value, allow=frozenset(allow.split()), **rest)


def put(path: str, value: Any, **rest: Any) -> Edit:
    return edit("set", path, value, **rest)


def add(path: str, value: Any = "new", **rest: Any) -> Edit:
    return edit("add", path, value, **rest)


def ensure(path: str, value: Any = "new", **rest: Any) -> Edit:
    return edit("ensure", path, value, **rest)


def delete(path: str, **rest: Any) -> Edit:
    return edit("delete", path, **rest)


def restore(path: str, raw: str | None, value: Any = None, **rest: Any) -> Edit:
    return edit("restore", path, value, raw=raw, **rest)


def change(text: str, *edits: Edit, reader: Reader) -> str:
    return parse(text.encode(), file="app.yaml", reader=reader).apply(edits).data.decode()


def find(text: str, path: str, reader: Reader = read_fast, select: Selector = FIRST) -> Scalar:
    return parse(text.encode(), file="app.yaml", reader=reader).find(select, parse_path(path))


VAULT = """\
kind: StatefulSet
metadata: {name: vault, namespace: safe}
spec:
  replicas: 3 # odd
  template:
    spec:
      nodeSelector:
        disk: 'fast'
      volumes:
      - name: keys
        persistentVolumeClaim:
          claimName: "keys-1"
      - name: logs
        emptyDir: {}
"""
