"""What stands where in Git, as plain values: no text, no lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from failover_api.core.splice import Selector, Value
from failover_api.core.splice.paths import Path, format_path


class Absence(Enum):
    """In place of a value: the key is not there."""

    ABSENT = "absent"


ABSENT = Absence.ABSENT
Standing = Value | Absence


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the repository. `file` is None until its manifest is found."""

    selector: Selector
    file: str | None = None

    @property
    def name(self) -> str:
        """As people say it: "ReplicationSource media/sonarr-to-w1"."""
        selector = self.selector
        name = f"{selector.namespace}/{selector.name}" if selector.namespace and selector.name else selector.name
        return " ".join(filter(None, (selector.kind, name)))


@dataclass(frozen=True, slots=True)
class Place:
    """One key of a document. Where it is taken away, a mapping above it goes too that holds nothing else."""

    document: Document
    path: Path

    @property
    def name(self) -> str:
        return f"{format_path(self.path)} of {self.document.name}"


Values = Mapping[Place, Standing]  # what stands at each place that a relocation works on
