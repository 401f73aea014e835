"""What every JSON body has in common."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """What all have in common: `from`, a word of Python, is the field `from_`, and `from` in JSON."""

    model_config = ConfigDict(populate_by_name=True, ser_json_inf_nan="strings")


def is_none(value: object) -> bool:
    return value is None
