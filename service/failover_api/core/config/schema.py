"""What both schemas are made of: keys that are known, values in plain words, errors that people understand."""

import difflib
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic.functional_validators import AfterValidator, BeforeValidator

from failover_api.core.config.yaml import AmbiguousScalar, Location
from failover_api.core.wording import quoted

MAX_TEXT = 512


class Schema(BaseModel):
    """A mapping of known keys. A key without a value is an error too; a default stands for a key that is not there."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    def has(self, key: str) -> bool:
        """The key is written in the file."""
        return key in self.model_fields_set


def describe(value: object) -> str:
    """A value in an error: `'text'`, `true`, `a mapping`."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case AmbiguousScalar(text):
            return text
        case None | str() | int() | float():
            return quoted(value)
        case _:  # pragma: no cover - the reader makes nothing else
            return type(value).__name__


def one_of(*choices: object) -> Callable[[object], object]:
    """Equal is not enough: 1 is not true."""
    expected = ", ".join(map(describe, choices[:-1])) + f" or {describe(choices[-1])}"

    def check(value: object) -> object:
        if any(value == choice and type(value) is type(choice) for choice in choices):
            return value
        raise ValueError(f"expected {expected}, not {describe(value)}")

    return check


def explain(location: Location, error: Any, *, shapes: Callable[[Location], type[Schema]]) -> str:
    """One of pydantic's errors in plain words. `shapes`: what may stand at a location."""
    match error["type"]:
        case "value_error":
            return str(error["ctx"]["error"])
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"unknown key{_hint(str(location[-1]), shapes(location[:-1]))}"
        case "list_type":
            return f"expected a list, not {describe(error['input'])}"
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"expected a mapping, not {describe(error['input'])}"
        case _:  # pragma: no cover - every field has one of the above
            return str(error["msg"])


def _hint(key: str, shape: type[Schema]) -> str:
    close = difflib.get_close_matches(key, shape.model_fields, n=1, cutoff=0.7)
    return f"; did you mean '{close[0]}'?" if close else f", expected one of {', '.join(sorted(shape.model_fields))}"


def _text(value: object) -> object:
    match value:
        case str():
            return value
        case AmbiguousScalar(text):
            raise ValueError(f"expected text; readers of YAML differ on the type of {text}, so put it in quotes")
        case bool() | int() | float():
            raise ValueError(f"expected text, not {describe(value)}; put it in quotes if it is meant as text")
        case _:
            raise ValueError(f"expected text, not {describe(value)}")


def _non_empty(value: str) -> str:
    if not value.strip():
        raise ValueError("expected text, not an empty string")
    if len(value) > MAX_TEXT:
        raise ValueError(f"expected at most {MAX_TEXT} characters, not {len(value)}")
    return value


Text = Annotated[str, BeforeValidator(_text)]
NonEmpty = Annotated[Text, AfterValidator(_non_empty)]
