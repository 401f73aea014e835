"""What any object of a cluster may have: conditions, an owner, somebody who applies it."""

from collections.abc import Sequence
from dataclasses import dataclass

Key = tuple[str, str]  # namespace and name; the namespace is "" of what has none


@dataclass(frozen=True, slots=True)
class Condition:
    """One of an object's conditions. `status` is True, False or Unknown; `since` when that last changed."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    since: float | None = None

    @property
    def is_true(self) -> bool:
        return self.status == "True"


def condition(conditions: Sequence[Condition], type_: str) -> Condition | None:
    return next((found for found in conditions if found.type == type_), None)


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that another belongs to, or is about."""

    kind: str
    name: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Applier:
    """Who applies an object, by its labels: a Kustomization, a HelmRelease, both or neither.

    `is_ignored`: an annotation or a label of the object tells Flux to leave it alone.
    """

    kustomization: Key | None = None
    helm_release: Key | None = None
    is_ignored: bool = False


NOBODY = Applier()
