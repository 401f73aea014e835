"""What a relocation of each service with `replication` needs, as lines of `failover check`."""

from collections.abc import Iterator, Sequence

from failover_api.core.catalog.model import Policy
from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.wording import listed
from failover_api.forge.values import Check
from failover_api.operations.relocation_proposals import merges_by_itself
from failover_api.reading.status import Status

MAX_NAMED = 3


def check_relocation(status: Status, around: Surroundings) -> Iterator[Check]:
    """A line for each need that is not met, or one that says that all are."""
    service = status.service
    if service.replication is None:
        return
    name = f"relocate {service.name}"
    found = [
        *(Check(name, ok=need.is_warning, detail=need.text, is_warning=need.is_warning) for need in status.needs),
        *(Check(name, ok=False, detail=detail) for detail in _shared(status, around)),
        *_of_policy(status, name),
    ]
    kind = service.replication.kind
    what = "replication, claims and all its steps" if kind is ReplicationKind.VOLSYNC else "all its steps"
    yield from found or [Check(name, ok=True, detail=f"{what} are as a relocation needs them ({kind})")]


def _shared(status: Status, around: Surroundings) -> Iterator[str]:
    """Files of a pair that are built into several Kustomizations: a commit to one is a commit to all of them."""
    if around.neighbours is None:
        return
    files: Sequence[str] = [end.document.file for end in status.service.ends if end.document.file and not end.trouble]
    for file in dict.fromkeys(files):
        appliers = {each.about: each.where for each in around.neighbours.applying(file)}
        if len(appliers) > 1:
            yield (
                f"{file} is used by {listed(sorted(appliers), MAX_NAMED)}: what is paused or tagged there "
                "is so for all of them; give the app a file of its own, or make these values variables, each app's own "
                "in the `postBuild.substitute` of its Kustomization"
            )


def _of_policy(status: Status, name: str) -> Iterator[Check]:
    """As one that is begun is refused; and what a review would mean."""
    service = status.service
    if service.policy is not Policy.PULL_REQUEST:
        return
    if not merges_by_itself(service):
        detail = (
            "under policy `pull_request` it is refused: no review may lie between its steps; write `auto_merge`, no "
            "`draft`, or `policy: direct` for it"
        )
        yield Check(name, ok=False, detail=detail)
        return
    detail = (
        "under policy `pull_request` each of its five steps is a pull request that has to merge by itself: five "
        "reviews, where the branch wants them, of which two lie inside the downtime"
    )
    yield Check(name, ok=True, detail=detail, is_warning=True)
