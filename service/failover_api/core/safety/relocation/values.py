"""What should stand in Git at each step, what a step changes, and what undoes it: {place: value or ABSENT}.

Only these places are ever written. A step is written as the difference between what should stand there and what does.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from failover_api.core.catalog.replication import PAUSED
from failover_api.core.planning.state import is_same
from failover_api.core.safety.relocation.gitview import GitView
from failover_api.core.safety.relocation.places import ABSENT, Document, Place, Standing, Values
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.subject import STOPPED, Ends, Subject
from failover_api.core.safety.relocation.tags import Tag, next_tag, parse_tag
from failover_api.core.splice.paths import Path

_MANUAL: Path = ("spec", "trigger", "manual")


@dataclass(frozen=True, slots=True)
class PlannedEdit:
    """One value of a commit. It is written only where `old` still stands."""

    place: Place
    old: Standing
    new: Standing


def paused(document: Document) -> Place:
    return Place(document, PAUSED)


def manual(document: Document) -> Place:
    return Place(document, _MANUAL)


def places(subject: Subject) -> tuple[Place, ...]:
    """All that a relocation reads and writes, each once."""
    ends = [end for pair in (subject.towards, subject.away) if pair is not None for end in pair.both]
    of_ends = [place for end in ends for place in (paused(end), manual(end))]
    return tuple(dict.fromkeys([subject.quiesce, *(switch.place for switch in subject.switches), *of_ends]))


def edits(git: GitView, wanted: Values) -> tuple[PlannedEdit, ...]:
    """What makes of what stands there what is wanted."""
    changed = ((place, git.value(place), new) for place, new in wanted.items())
    return tuple(PlannedEdit(place, old, new) for place, old, new in changed if not same(old, new))


def same(one: Standing, other: Standing) -> bool:
    """As Kubernetes sees it."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return is_same(one, other)


# What each step wants.


def reverse(subject: Subject, git: GitView) -> Values:
    """The replication away is parked first of all: it would write into the side in use."""
    return {**_parked(subject.away), **_tagged(subject, git, Step.REVERSE)}


def quiesce(subject: Subject, git: GitView) -> Values:
    return {subject.quiesce: STOPPED}


def final_sync(subject: Subject, git: GitView) -> Values:
    return _tagged(subject, git, Step.FINAL_SYNC)


def restore(subject: Subject, git: GitView) -> Values:
    """By repository: the destination gets the tag that its source has ended."""
    assert subject.towards is not None, "it is restored by a replication"
    destination = subject.towards.destination
    return {**_running(subject, git, destination), manual(destination): git.value(manual(subject.towards.source))}


def cutover(subject: Subject, git: GitView) -> Values:
    """A switch wins where the app's number is one."""
    number = git.was(subject.quiesce)
    started = {subject.quiesce: subject.running if number is ABSENT else number}
    return {**_parked(subject.towards), **started, **{each.place: each.new for each in subject.switches}}


def protect(subject: Subject, git: GitView) -> Values:
    """What was added is taken away, and no tag of ours stays: VolSync ignores a schedule while one is there."""
    wanted: dict[Place, Standing] = {}
    if subject.away is not None:
        for end in subject.away.both:
            wanted |= {**_running(subject, git, end), **_untagged(git, end)}
    for end in subject.towards.both if subject.towards is not None else ():
        wanted |= _untagged(git, end)
    if git.was(subject.quiesce) is ABSENT and not _is_switch(subject, subject.quiesce):
        wanted[subject.quiesce] = ABSENT
    return wanted


# What has to stand there now, and the way back.


def expected(subject: Subject, git: GitView, at: Step) -> Values:
    """What should stand at every place once the commit of a step is made; the numbers of tags are taken from Git."""
    then = GitView(dict(git.former), git.former)
    for step in steps_of(subject)[: steps_of(subject).index(at) + 1]:
        wanted = {**WANTED[step](subject, then), **_restored(subject, git, then, step)}
        if step is not Step.PROTECT:
            wanted |= {place: git.value(place) for place in wanted if is_tag_of(subject, git.value(place))}
        then = GitView({**then.values, **wanted}, git.former)
    return {place: then.value(place) for place in places(subject)}


def steps_of(subject: Subject) -> tuple[Step, ...]:
    """The steps that have a commit: without a replication there is none for 1 and 3."""
    return tuple(Step) if subject.towards is not None else (Step.QUIESCE, Step.CUTOVER, Step.PROTECT)


def foreign(subject: Subject, git: GitView, at: Step) -> tuple[Place, ...]:
    """The places at which somebody else has put something since."""
    wanted = expected(subject, git, at)
    return tuple(place for place in places(subject) if not _fits(place, git.value(place), wanted[place]))


def undone(subject: Subject, git: GitView, at: Step) -> Values:
    """What was there before, wherever what we have put there still stands. A person's value stays.

    A replication away stays parked, be it that it was not before: the app is where it would write.
    """
    theirs = set(foreign(subject, git, at))
    parked = {paused(end) for end in subject.away.both} if subject.away is not None else set()
    return {place: _former(git, place) for place in places(subject) if place not in theirs | parked}


def tidied(subject: Subject, git: GitView, at: Step) -> Values:
    """After the cutover: the tags go, but where one is all that keeps a replication from writing to the target.

    Where somebody has brought the app back by hand, what would write there now is parked, as a move would do.
    """
    wanted: dict[Place, Standing] = {}
    if any(same(git.value(each.place), each.old) and not same(each.old, each.new) for each in subject.switches):
        theirs = foreign(subject, git, at)
        wanted |= {place: value for place, value in _parked(subject.away).items() if place not in theirs}
    for end in subject.away.both if subject.away is not None else ():
        wanted |= _untagged(git, end)
    for end in subject.towards.both if subject.towards is not None else ():
        if git.value(paused(end)) is True:
            wanted |= _untagged(git, end)
    return wanted


def tag_in_git(subject: Subject, git: GitView) -> str:
    """The tag of ours that the source has; "" when it has none."""
    assert subject.towards is not None, "it is brought by a replication"
    value = git.value(manual(subject.towards.source))
    return str(value) if is_tag_of(subject, value) else ""


def is_restoring(subject: Subject, git: GitView) -> bool:
    """By repository: whether the destination has the tag of its source already."""
    if not subject.is_by_repository or subject.towards is None:
        return False
    return git.value(manual(subject.towards.destination)) == git.value(manual(subject.towards.source))


def is_tag_of(subject: Subject, value: Standing) -> bool:
    tag = parse_tag(value)
    return tag is not None and tag.operation == subject.operation


def _tagged(subject: Subject, git: GitView, step: Step) -> Values:
    """A tag that has not been used; by repository the destination waits for its source."""
    assert subject.towards is not None, "it is brought by a replication"
    source, destination = subject.towards.both
    tag = str(_next(subject, git, step))
    ends: Iterable[Document] = (source,) if subject.is_by_repository else (source, destination)
    wanted: dict[Place, Standing] = {}
    for end in ends:
        wanted |= {**_running(subject, git, end), manual(end): tag}
    return wanted


def _next(subject: Subject, git: GitView, step: Step) -> Tag:
    assert subject.towards is not None, "it is brought by a replication"
    return next_tag(subject.operation, step, git.value(manual(subject.towards.source)))


def _parked(pair: Ends | None) -> Values:
    return {paused(end): True for end in pair.both} if pair is not None else {}


def _restored(subject: Subject, git: GitView, then: GitView, step: Step) -> Values:
    """By repository: what a restore has made of the destination, where it has a tag of ours."""
    if subject.towards is None or not subject.is_by_repository or step not in {Step.REVERSE, Step.FINAL_SYNC}:
        return {}
    end = subject.towards.destination
    tag = git.value(manual(end))
    return {**_running(subject, then, end), manual(end): tag} if is_tag_of(subject, tag) else {}


def _running(subject: Subject, git: GitView, end: Document) -> Values:
    """Not paused, and written only where it is: a key that we have added goes, another is set to false."""
    place = paused(end)
    if git.value(place) is not True:
        return {place: git.value(place)}
    return {place: ABSENT if place in subject.unparked else False}


def _untagged(git: GitView, end: Document) -> Values:
    """The tag that was there before, if it was none of ours."""
    place = manual(end)
    return {place: _former(git, place)} if parse_tag(git.value(place)) is not None else {}


def _former(git: GitView, place: Place) -> Standing:
    """A tag that another operation has left behind is not put back."""
    was = git.was(place)
    return ABSENT if parse_tag(was) is not None else was


def _fits(place: Place, value: Standing, wanted: Standing) -> bool:
    """A `paused` that is not there is false."""
    if place.path == PAUSED:
        value, wanted = (False if each is ABSENT else each for each in (value, wanted))
    return same(value, wanted)


def _is_switch(subject: Subject, place: Place) -> bool:
    return any(switch.place == place for switch in subject.switches)


Wanted = Callable[[Subject, GitView], Values]
WANTED: Mapping[Step, Wanted] = {
    Step.REVERSE: reverse,
    Step.QUIESCE: quiesce,
    Step.FINAL_SYNC: final_sync,
    Step.CUTOVER: cutover,
    Step.PROTECT: protect,
}
