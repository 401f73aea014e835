"""The values of the editor: which document (Selector), which change (Edit), what stands there (Scalar), Place."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeVar

from failover_api.core.splice.paths import INSIDE, Path, format_path
from failover_api.core.splice.scalars import Value
from failover_api.errors import ManifestError

Operation = Literal["set", "add", "ensure", "delete", "restore"]
_Error = TypeVar("_Error", bound=ManifestError)


class _Any(Enum):
    ANY = "any"


ANY = _Any.ANY


@dataclass(frozen=True, slots=True)
class Selector:
    """Which document of a file. None matches anything; `index` counts every document, from 0."""

    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class DocumentId:
    """A document of a file: its position, and its kind, name and namespace. `line` counts from 1."""

    index: int
    kind: str | None
    name: str | None
    namespace: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """What stands at a path. `raw` is the token as written; `line` counts from 1.

    For an alias, `value` is what its anchor says. When readers differ on the type it is `ambiguous`,
    and `value` is its text.
    """

    value: Value
    raw: str
    line: int
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """One change. `expect` and `expect_raw` are the old value: the edit is refused when another stands there.

    set: replace a scalar. add: a key that is not there yet, with its missing parents. ensure: set or add.
    delete: a key and all under it. restore: put `raw` back, a token as `find` gave it; with a `value`, an alias
    must stand for it. `allow` lifts refusals: substitution, template, shared_anchor, type.
    """

    selector: Selector
    path: Path
    op: Operation = "set"
    value: Value | Mapping[str, object] = None
    expect: Value | _Any = ANY
    raw: str | None = None
    expect_raw: str | None = None
    allow: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an error is: the file, and the path in it."""

    file: str
    path: Path = ()
    block: Path = ()  # the way to the text block that `path` is in

    @property
    def name(self) -> str:
        """The whole path, as people write it."""
        return format_path((*self.block, INSIDE, *self.path) if self.block else self.path)

    def error(self, kind: type[_Error], detail: str, line: int | None = None) -> _Error:
        """An error of this kind in this file."""
        return kind(detail, file=self.file, line=line, path=self.name)

    def refusal(self, kind: type[_Error], detail: str, line: int | None = None) -> _Error:
        """An error whose sentence begins with the path."""
        return self.error(kind, f"{self.name} {detail}".lstrip(), line)
