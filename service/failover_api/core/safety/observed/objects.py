"""What any object of a cluster may have: conditions, an owner, somebody who applies it."""

from collections.abc import Sequence
from dataclasses import dataclass

Key = tuple[str, str]  # namespace and name; the namespace is "" of what has none


@dataclass(frozen=True, slots=True)
class Condition:
    """One of an object's conditions. `status` is True, False or Unknown; `since` when that last changed.

    `generation` is the one of the object that it is about; None: it does not say.
    """

    type: str
    status: str
    reason: str = ""
    message: str = ""
    since: float | None = None
    generation: int | None = None

    @property
    def is_true(self) -> bool:
        return self.status == "True"


def is_behind(generation: int | None, observed: int | None) -> bool:
    """Whether a status is of an older spec than stands there now, and so says nothing of it, however good it is.

    Flux counts a spec as observed once it is applied well: while it fails, its conditions alone are of now.
    https://github.com/kubernetes/community/blob/main/contributors/devel/sig-architecture/api-conventions.md
    """
    return generation is not None and observed is not None and observed < generation


def of_now(condition: Condition | None, generation: int | None, observed: int | None) -> Condition | None:
    """The condition, where it is about the spec that stands there now."""
    if condition is None:
        return None
    about = observed if condition.generation is None else condition.generation
    return None if is_behind(generation, about) else condition


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
