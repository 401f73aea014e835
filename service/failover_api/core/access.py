"""Who is calling, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What a caller may be allowed."""

    VIEW = "view"
    PLAN = "plan"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class Caller:
    """Stands in until access control lands: everybody may do everything."""

    name: str

    def may(self, verb: Verb, service: str) -> bool:
        return True

    def may_any(self, verb: Verb) -> bool:
        return True
