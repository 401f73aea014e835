"""What the schemas of services.yaml and access.yaml are made of: known keys, and errors in plain words."""

import difflib
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, ValidationError, WithJsonSchema
from pydantic.functional_validators import AfterValidator, BeforeValidator

from failover_api.core.config.yaml import AmbiguousScalar, Location
from failover_api.core.splice.shown import quoted

MAX_TEXT = 512


class Schema(BaseModel):
    """A mapping of known keys. A default is for a key that is absent: a key with no value is an error."""

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
    """A validator that takes one of the choices, of the same type: 1 is not true."""
    expected = ", ".join(map(describe, choices[:-1])) + f" or {describe(choices[-1])}"

    def check(value: object) -> object:
        if any(value == choice and type(value) is type(choice) for choice in choices):
            return value
        raise ValueError(f"expected {expected}, not {describe(value)}")

    return check


def choice_of(*choices: object) -> WithJsonSchema:
    """What one_of() takes, as JSON Schema says it."""
    return WithJsonSchema({"enum": list(choices)})


def explained(
    error: ValidationError, schema_at: Callable[[Location], type[Schema]]
) -> list[tuple[Location, Callable[[], str]]]:
    """Pydantic's errors as (location, maker of the message): a message is only made for an error that is shown."""
    return [(each["loc"], partial(_explain, each["loc"], each, schema_at)) for each in error.errors()]


def _explain(location: Location, error: Any, schema_at: Callable[[Location], type[Schema]]) -> str:
    match error["type"]:
        case "value_error":
            return str(error["ctx"]["error"])
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"unknown key{_hint(str(location[-1]), schema_at(location[:-1]))}"
        case "list_type":
            return f"expected a list, not {describe(error['input'])}"
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"expected a mapping, not {describe(error['input'])}"
        case _:  # pragma: no cover - every field has one of the above
            return str(error["msg"])


def _hint(key: str, schema: type[Schema]) -> str:
    close = difflib.get_close_matches(key, schema.model_fields, n=1, cutoff=0.7)
    return f"; did you mean '{close[0]}'?" if close else f", expected one of {', '.join(sorted(schema.model_fields))}"


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


def _count(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"expected a whole number of at least 1, not {describe(value)}")
    return value


Count = Annotated[int, BeforeValidator(_count), WithJsonSchema({"type": "integer", "minimum": 1})]
Text = Annotated[str, BeforeValidator(_text)]
NonEmpty = Annotated[Text, AfterValidator(_non_empty)]
