"""All steps of a relocation, as they would be written if each went well at the first attempt: for a dry run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from failover_api.core.catalog.model import Service
from failover_api.core.safety.relocation import values
from failover_api.core.safety.relocation.gitview import GitView, Made
from failover_api.core.safety.relocation.ladder import StepCommit
from failover_api.core.safety.relocation.manifests import Manifests, edited, standing
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.subject import Subject
from failover_api.core.splice import Manifest


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One commit: `before` and `after` are the files that it changes, by path."""

    step: Step
    commit: StepCommit
    before: dict[str, Manifest]
    after: dict[str, Manifest]


def rehearse(service: Service, subject: Subject, git: GitView, manifests: Manifests) -> Iterator[Rehearsed]:
    """Raises what Manifest.apply() raises, and CannotPlan: before anything is written, all of it can be."""
    now = dict(manifests)
    for step, function in _commits(subject):
        wanted = function(subject, git)
        commit = StepCommit(step.label, values.edits(git, wanted))
        if commit.edits:
            new = edited(service, subject, commit, now)
            yield Rehearsed(step, commit, {path: now[path] for path in new}, new)
            now |= new
        made = (*git.made, Made(step, 0.0))
        git = replace(git, values=standing(subject, now), made=made)


def _commits(subject: Subject) -> Iterator[tuple[Step, values.Wanted]]:
    """By repository the destination has a commit of its own in steps 1 and 3."""
    for step in values.steps_of(subject):
        yield step, values.WANTED[step]
        if subject.is_by_repository and step in {Step.REVERSE, Step.FINAL_SYNC}:
            yield step, values.restore
