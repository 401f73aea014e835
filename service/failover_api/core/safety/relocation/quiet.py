"""Has the app stopped: nothing may be written any more to what is copied, and nothing to where it is copied."""

from collections.abc import Iterable

from failover_api.core.safety.relocation.proofs import Quiet
from failover_api.core.safety.relocation.sight import Holder, Running, Sight
from failover_api.core.wording import cut

_NAMED = 5
_LAG_S = 32.0  # what is seen may be 30 s old, and times of objects have whole seconds: in doubt it ran


def why_not_quiet(sight: Sight) -> str:
    """ "" when it has. A pod that has no claim any more may still write where its node does not answer."""
    return sight.unseen or _why_not_stopped(sight.workload) or _down(sight.origin_down) or _held(writers(sight))


def quiet_now(sight: Sight) -> Quiet:
    """What was seen, where why_not_quiet() says nothing."""
    workload = sight.workload
    assert workload is not None, "it has been seen to be quiet"
    assert workload.generation is not None, "it has been seen to be quiet"
    at = sight.now if sight.quiet_since is None else sight.quiet_since
    return Quiet(at, workload.generation, workload.uid)


def still(known: Quiet | None, sight: Sight) -> Quiet | None:
    """Since when it has stopped as it is now, with what was known of that before; None: it has not."""
    if why_not_quiet(sight):
        return None
    now = quiet_now(sight)
    is_as_before = known is not None and (known.uid, known.generation) == (now.uid, now.generation)
    return known if known is not None and is_as_before and known.at <= now.at else now


def why_broken(quiet: Quiet, sight: Sight) -> str:
    """Why something may have been written since it was quiet, though it may be quiet again; "" when nothing was.

    Whoever scales the app up and down again leaves another generation behind, and a Job's pod that has ended stays.
    """
    workload = sight.workload
    if workload is None or (workload.uid, workload.generation) != (quiet.uid, quiet.generation):
        return "The workload was changed after the app had stopped, so it may have run again."
    later = [each for each in sight.holders if not each.is_mover and (each.created_at or 0.0) >= quiet.at - _LAG_S]
    return f"{_names(later)} ran after the app had stopped." if later else ""


def writers(sight: Sight) -> list[Holder]:
    """The pods that may write to what is moved, but the movers that are to."""
    return [each for each in sight.holders if not each.has_ended and not each.is_mover]


def why_held(sight: Sight) -> str:
    """Which pods, movers too, still have a claim; "" when none has."""
    return _held([each for each in sight.holders if not each.has_ended])


def _held(holders: list[Holder]) -> str:
    if not holders:
        return ""
    claims = ", ".join(dict.fromkeys(cut(each.claim) for each in holders if each.claim))
    is_one = len({each.name for each in holders}) == 1
    if not claims:
        return f"{_names(holders)} still {'runs' if is_one else 'run'}."
    return f"{_names(holders)} still {'has' if is_one else 'have'} {claims}."


def _why_not_stopped(workload: Running | None) -> str:
    if workload is None or workload.generation is None:
        return "The workload is not seen in the cluster."
    if workload.replicas != 0:
        return f"{cut(workload.name)} is not at 0 replicas: Flux has not applied the commit yet, or somebody scales it."
    if (workload.observed_generation or 0) < workload.generation:
        return f"Kubernetes has not taken up the change of {cut(workload.name)} yet."
    return ""


def _down(nodes: Iterable[str]) -> str:
    names = ", ".join(cut(node) for node in nodes)
    return f"Node {names} is not ready: what ran there may still write." if names else ""


def _names(holders: Iterable[Holder]) -> str:
    names = list(dict.fromkeys(f"Pod {cut(each.name)}" for each in holders))
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])
