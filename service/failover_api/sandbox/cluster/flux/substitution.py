"""Variables of `postBuild`: `${NAME}`, `${NAME:=default}`, `${NAME:-default}`; `$${NAME}` stays.

https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.cluster.objects.meta import annotation, labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.cluster.objects.json_values import Object

_VARIABLE = re.compile(r"\$\$\{|\$\{(\w+)(?::?[=-]([^}]*))?\}")
_SWITCH = "kustomize.toolkit.fluxcd.io/substitute"
_BOOLS = {"true": True, "false": False}


def substitute(one: Object, variables: Mapping[str, str]) -> Object:
    """The object with its variables filled in. A text that was one alone may become a number or a bool, as in YAML."""
    if "disabled" in (annotation(one, _SWITCH), labels_of(one).get(_SWITCH)):
        return one
    return {key: _filled(value, variables) for key, value in one.items()}


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {_text(key, variables): _filled(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, variables) for one in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    text = _text(value, variables)
    whole = _VARIABLE.fullmatch(value)
    return _plain(text) if whole and whole.group(1) else text


def _text(text: str, variables: Mapping[str, str]) -> str:
    def one(found: re.Match[str]) -> str:
        if found.group(1) is None:
            return "${"
        return variables.get(found.group(1)) or found.group(2) or ""

    return _VARIABLE.sub(one, text)


def _plain(text: str) -> str | int | bool:
    if text in _BOOLS:
        return _BOOLS[text]
    return int(text) if re.fullmatch(r"0|-?[1-9]\d*", text) else text
