"""What Git says of a relocation: the commits of its operation, what stands now, and what stood before them."""

from dataclasses import dataclass

from failover_api.core.safety.relocation.places import ABSENT, Place, Standing, Values
from failover_api.core.safety.relocation.steps import Ending, Step


@dataclass(frozen=True, slots=True)
class Made:
    """A commit of the operation. `at` is the host's time of it (s), `proof` what let the relocation go on."""

    step: Step
    at: float
    proof: str = ""
    ending: Ending | None = None


@dataclass(frozen=True, slots=True)
class GitView:
    """`made` is oldest first. `values` is the newest state of the branch, `former` that before the first commit.

    `moved_by` is the operation of a later move of the service, "" when there is none. `unreadable` says why the values
    are not known. All of it is of one version: what is written because of it is written only if that is still the
    newest.
    """

    values: Values
    former: Values
    made: tuple[Made, ...] = ()
    moved_by: str = ""
    unreadable: str = ""

    @property
    def last(self) -> Made | None:
        return self.made[-1] if self.made else None

    def began(self, step: Step) -> float | None:
        """When the first commit of a step was made (s)."""
        return next((made.at for made in self.made if made.step is step and made.ending is None), None)

    def value(self, place: Place) -> Standing:
        return self.values.get(place, ABSENT)

    def was(self, place: Place) -> Standing:
        """What stood there before the relocation."""
        return self.former.get(place, ABSENT)
