"""What each position waits for: Go with a cause and its proof, or Wait with the reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.safety.relocation import proofs, quiet, sync, tags, values
from failover_api.core.safety.relocation.gitview import GitView
from failover_api.core.safety.relocation.sight import Sight
from failover_api.core.safety.relocation.steps import Step
from failover_api.core.safety.relocation.subject import Subject
from failover_api.core.safety.relocation.sync import Answer, Outcome
from failover_api.core.safety.relocation.table import Cause, Position
from failover_api.core.wording import cut

if TYPE_CHECKING:  # without a cluster nothing of it is loaded
    from failover_api.core.safety.observed import Replication

_AGAIN_S, _AGAIN_MOST_S = 30.0, 900.0  # between two tags of step 1, which has no limit: twice as long each time
_AT_ONCE = 5  # so many tags of step 3 follow each other at once, since the app is down; then one each _AGAIN_S


@dataclass(frozen=True, slots=True)
class Go:
    """It goes on. `proof` is what was seen, for the commit; `step` is the commit's, None where nothing is written."""

    cause: Cause
    end: Position
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """`is_stuck`: something is in the way that will not go by itself, as far as can be told.

    `awaits_word`: somebody has to say that the data is there.
    """

    reason: str
    is_stuck: bool = False
    cure: str = ""
    awaits_word: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """All that a position is judged by. `vouched_by` is who says that the data is on the target."""

    subject: Subject
    git: GitView
    sight: Sight
    vouched_by: str = ""

    @property
    def tag(self) -> str:
        return values.tag_in_git(self.subject, self.git)

    @property
    def source(self) -> "Replication | None":
        return self.sight.towards.source

    @property
    def destination(self) -> "Replication | None":
        return self.sight.towards.destination

    @property
    def quiet(self) -> proofs.Quiet | None:
        """What the newest commit says of when the app had stopped."""
        return proofs.quiet_of(self.git.last.proof) if self.git.last is not None else None

    def asked(self, *, of_source: bool = True, of_destination: bool = True) -> Answer:
        """What has become of the tag that stands in Git, at the ends that are asked."""
        towards = self.subject.towards
        assert towards is not None, "it is brought by a replication"
        answers = [sync.answer(self.source, towards.source, self.tag)] if of_source else []
        if of_destination:
            answers.append(sync.answer(self.destination, towards.destination, self.tag))
        answer = sync.both(*answers)
        return Answer(Outcome.BADLY, answer.reason, is_stuck=True) if len(answers) > 1 and self.is_alone else answer

    @property
    def is_alone(self) -> bool:
        """Whether one end has ended, and the other waits for it in vain: another tag brings both together."""
        one, other = self.source, self.destination
        if self.subject.is_by_repository or one is None or other is None or not one.manual == other.manual == self.tag:
            return False
        now = self.sight.now
        return sync.is_alone(one, other, now) or sync.is_alone(other, one, now)

    def ended(self, tag: str) -> str:
        return proofs.ended_text(tag, sync.data_time(self.source), self.sight.now)


Judged = Go | Wait
_NOT_KEPT = "The newest backup is not restored yet, and of the one before nobody keeps when it was made."
_PUT_BACK = "Bring it back, or abort: then the app is started again where it was."


def reverse(known: Known) -> Judged:
    """1: the sync has ended well on both ends. Of when its data is does not matter yet."""
    if blocked := _unseen(known):
        return blocked
    answer = known.asked(of_destination=not known.subject.is_by_repository)
    if answer.outcome is Outcome.GOING:
        return _waits_for(answer)
    if answer.outcome is Outcome.BADLY:
        return _once_more(known, answer, Position.REVERSE)
    if known.subject.is_by_repository:
        return Go(Cause.BACKED_UP, Position.RESTORE, f"backup {known.tag} ended well")
    return _brought(known)


def restore(known: Known) -> Judged:
    """1, by repository: the destination has restored as well, and began when the backup had ended."""
    if blocked := _unseen(known):
        return blocked
    answer = known.asked()
    if answer.outcome is Outcome.GOING:
        return _waits_for(answer)
    if answer.outcome is Outcome.BADLY:
        return _once_more(known, answer, Position.REVERSE)
    return _brought(known)


def quiesce(known: Known) -> Judged:
    """2: no pod has a claim but a mover, and nothing is under way that could answer the next tag."""
    if why := quiet.why_not_quiet(known.sight):
        down = known.sight.origin_down
        return Wait(why, is_stuck=bool(known.sight.unseen or down), cure=_PUT_BACK if down else "")
    if down := known.sight.target_down:
        return Wait(f"Node {', '.join(map(cut, down))} is not ready.", is_stuck=True, cure=_PUT_BACK)
    if known.subject.towards is None:
        return _without_replication(known)
    if not _is_idle(known):
        return Wait("The last sync has not been cleaned up yet.")
    seen = quiet.quiet_now(known.sight)
    if known.sight.quiet_since is not None and known.sight.now - seen.at < sync.MARGIN_S:
        return Wait(
            f"The app has stopped. Its last sync is asked for {sync.MARGIN_S:.0f} s later, to begin after that."
        )
    return Go(Cause.QUIET, Position.FINAL_SYNC, proofs.quiet_text(seen))


def final_sync(known: Known) -> Judged:
    """3: the tag is done, well on both ends, by a sync that began when the app had stopped."""
    if why := quiet.why_not_quiet(known.sight):
        return Wait(why, is_stuck=True, cure=_PUT_BACK if known.sight.origin_down else "")
    is_by_repository = known.subject.is_by_repository
    answer = known.asked(of_destination=not is_by_repository)
    if answer.outcome is Outcome.GOING:
        return _waits_while_down(known, answer)
    if why := answer.reason or _why_unproved(known):
        return _anew(known, why)
    if is_by_repository:
        return Go(Cause.BACKED_UP, Position.FINAL_RESTORE, _carried(known))
    return _proved(known)


def final_restore(known: Known) -> Judged:
    """3, by repository: what was backed up then has been restored."""
    if why := quiet.why_not_quiet(known.sight):
        return Wait(why, is_stuck=True, cure=_PUT_BACK if known.sight.origin_down else "")
    answer = known.asked()
    if answer.outcome is Outcome.GOING:
        return _waits_while_down(known, answer)
    if why := answer.reason or _why_unproved(known) or _why_restored_before(known):
        return _anew(known, why)
    return _proved(known)


def cutover(known: Known) -> Judged:
    """4: it serves on the target, and what brought the data there is seen to be parked."""
    sight = known.sight
    if blocked := _unseen(known):
        return blocked
    if not sight.is_serving:
        down = f"Node {', '.join(map(cut, sight.target_down))} is not ready. " if sight.target_down else ""
        return Wait(f"{down}{sight.why_not_serving or 'It does not serve on the target yet.'}", is_stuck=bool(down))
    if not (sync.is_parked(known.source) and sync.is_parked(known.destination)):
        return Wait("The replication towards the target is not parked yet: Flux has not applied all of the commit.")
    return Go(Cause.SERVING, Position.PROTECT, proofs.serving_text(sight.now))


def protect(known: Known) -> Judged:
    """5: a sync that began when it served has ended well on both ends."""
    away = known.subject.away
    if away is None:
        return Go(Cause.PROTECTED, Position.DONE)
    if blocked := _unseen(known):
        return blocked
    source, destination = known.sight.away.source, known.sight.away.destination
    if source is None or destination is None:
        return Wait("The replication away from the target is not in the cluster.", is_stuck=True)
    if source.is_paused or destination.is_paused or tags.parse_tag(source.manual) or tags.parse_tag(destination.manual):
        return Wait("The replication away from the target still stands as it was: Flux has not applied the commit yet.")
    return _protected(known, source, destination)


JUDGES: Mapping[Position, Callable[[Known], Judged]] = {
    Position.REVERSE: reverse,
    Position.RESTORE: restore,
    Position.QUIESCE: quiesce,
    Position.FINAL_SYNC: final_sync,
    Position.FINAL_RESTORE: final_restore,
    Position.CUTOVER: cutover,
    Position.PROTECT: protect,
}


def _brought(known: Known) -> Judged:
    """Before the app is stopped nothing may be in the way of what comes then."""
    sight = known.sight
    if down := (*sight.origin_down, *sight.target_down):
        return Wait(f"Node {', '.join(map(cut, down))} is not ready.", is_stuck=True, cure="Bring it back, or abort.")
    if not (sync.is_parked(sight.away.source) and sync.is_parked(sight.away.destination)):
        return Wait("The replication away from the target is not parked yet: Flux has not applied all of the commit.")
    return Go(Cause.BROUGHT, Position.QUIESCE, known.ended(known.tag))


def _without_replication(known: Known) -> Judged:
    seen = proofs.quiet_text(quiet.quiet_now(known.sight))
    if known.subject.kind is ReplicationKind.NONE:
        return Go(Cause.QUIET, Position.CUTOVER, seen)
    if known.vouched_by:
        word = f"{cut(known.vouched_by)} says that the data is on {known.subject.target}"
        return Go(Cause.VOUCHED, Position.CUTOVER, proofs.joined(seen, word))
    return Wait(
        f"The app has stopped. Bring its data to {known.subject.target}, and say when it is there.",
        is_stuck=True,
        cure="Relocate again with `--synced`, over HTTP with `synced=true`.",
        awaits_word=True,
    )


def _is_idle(known: Known) -> bool:
    return sync.is_idle(known.source) and sync.is_idle(known.destination)


def _why_unproved(known: Known) -> str:
    """Why the sync that has answered may miss something that was written; "" when it cannot."""
    seen = known.quiet
    if seen is None:
        return "No commit says when the app had stopped."
    if why := quiet.why_broken(seen, known.sight):
        return why
    ends = (known.source,) if known.subject.is_by_repository else (known.source, known.destination)
    early = next((end for end in ends if not sync.began_after(end, seen.at, known.sight.now)), None)
    return "" if early is None else f"{_sync_of(early)} is not known to have begun after the app had stopped."


def _sync_of(one: "Replication") -> str:
    """ "The sync of ReplicationSource sonarr-to-w1 (from 2026-11-29T21:40:00Z to ...)", by its own times."""
    times = [proofs.stamp(at) if at is not None else "?" for at in (sync.data_time(one), one.last_sync_at)]
    return f"The sync of {one.kind} {cut(one.name)} (from {times[0]} to {times[1]})"


def _why_restored_before(known: Known) -> str:
    source = known.source
    at = source.last_sync_at if source is not None else None
    if at is None or not sync.began_after(known.destination, at, known.sight.now):
        return "The restore that answered is not known to have begun after the backup had ended."
    return ""


def _anew(known: Known, why: str) -> Judged:
    """Another tag, once nothing is under way that could answer it with data from before the app had stopped."""
    seen = known.quiet
    is_still = seen is not None and not quiet.why_broken(seen, known.sight)
    is_to_come = seen is not None and seen.at > known.sight.now  # the clock was set back: no sync would begin after it
    since = seen if seen is not None and is_still and not is_to_come else quiet.quiet_now(known.sight)
    if not (_may_be_tagged(known) or (is_still and known.is_alone)):
        return Wait(why)
    if _tries(known, Step.FINAL_SYNC) >= _AT_ONCE and _since_last(known) < _AGAIN_S:
        return Wait(why, is_stuck=True)
    return Go(Cause.UNPROVED, Position.FINAL_SYNC, proofs.quiet_text(since, why))


def _may_be_tagged(known: Known) -> bool:
    return sync.is_idle(known.source) and (known.subject.is_by_repository or sync.is_idle(known.destination))


def _proved(known: Known) -> Judged:
    """All is there. Before the app starts on the target no mover may hold a claim, and its node has to be well."""
    sight = known.sight
    if held := quiet.why_held(sight):
        return Wait(held)
    if down := sight.target_down:
        return Wait(f"Node {', '.join(map(cut, down))} is not ready: the app could not start there.", is_stuck=True)
    return Go(Cause.PROVED, Position.CUTOVER, proofs.joined(known.ended(known.tag), _carried(known)))


def _carried(known: Known) -> str:
    return proofs.quiet_text(known.quiet) if known.quiet is not None else ""


def _protected(known: Known, source: "Replication", destination: "Replication") -> Judged:
    served = proofs.serving_at(known.git.last.proof) if known.git.last is not None else None
    since = known.sight.now - known.sight.since(known.git.began(Step.PROTECT) or 0.0) if served is None else served
    began, ended = sync.data_time(source), destination.last_sync_at
    failed = next((one for one in (source, destination) if one.result == "Failed"), None)
    # One that is tried again has said nothing yet: the times are of the sync before it, which had ended well.
    if failed is not None and failed.sync_started_at is None:
        return Wait(f"The last sync of {failed.kind} {cut(failed.name)} failed.", is_stuck=True)
    if not sync.began_after(source, since, known.sight.now):
        return Wait("No sync away from the target has begun and ended since it serves.")
    after = source.last_sync_at if known.subject.is_by_repository else began
    arrived = sync.data_time(destination) if known.subject.is_by_repository else ended
    if arrived is None or after is None or arrived < after:
        if known.subject.is_by_repository and sync.began_after(destination, since, known.sight.now):
            return Wait(_NOT_KEPT)  # so it may have ended long ago, and whoever saw that was started anew
        return Wait("The sync away from the target has not ended on its destination.")
    return Go(Cause.PROTECTED, Position.DONE)


def _once_more(known: Known, answer: Answer, end: Position) -> Judged:
    """Another tag for step 1; not at once, since nothing limits how often."""
    tries = min(_tries(known, Step.REVERSE), 10)
    if _since_last(known) < min(_AGAIN_MOST_S, _AGAIN_S * 2.0 ** (tries - 1)):
        return Wait(answer.reason, is_stuck=True)
    return Go(Cause.UNPROVED, end, answer.reason)


def _tries(known: Known, step: Step) -> int:
    """How many commits of a step there are: each is a tag, or by repository its restore."""
    return sum(made.step is step and made.ending is None for made in known.git.made)


def _since_last(known: Known) -> float:
    last = known.git.last
    return known.sight.since(last.at) if last is not None else 0.0


def _unseen(known: Known) -> Wait | None:
    return Wait(known.sight.unseen, is_stuck=True) if known.sight.unseen else None


def _waits_for(answer: Answer) -> Wait:
    return Wait(answer.reason, answer.is_stuck)


def _waits_while_down(known: Known, answer: Answer) -> Wait:
    """The same once the app is stopped: what a dead node keeps waiting is better put back than waited for."""
    if not (down := known.sight.target_down):
        return _waits_for(answer)
    reason = f"Node {', '.join(map(cut, down))} is not ready. {answer.reason}"
    return Wait(reason, is_stuck=True, cure=_PUT_BACK)
