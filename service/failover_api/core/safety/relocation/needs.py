"""What a relocation needs of a service's manifests, told long before one is made: for `failover check`.

What of it would bring nothing, or the wrong data, is asked for once more when one is begun: obstacles().

    both pairs are in the catalog and were found      the reverse one is parked, the other one is not
    source and destination have one mover, of `via`   the destination writes into the claim itself (copyMethod Direct)
    they share the key of rsync-tls                   they copy the claims of the switches, and each claim is copied
    no tag stands beside a schedule                   all steps can be written, there and back again

https://volsync.readthedocs.io/en/stable/usage/rsync-tls.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from failover_api.core.catalog.model import ReplicationEnd, Service, Side
from failover_api.core.catalog.replication import ALL_MOVERS, MOVERS, SOURCE, DataReplication, ReplicationKind, Via
from failover_api.core.planning.state import Detection, document_name
from failover_api.core.safety.documents import When
from failover_api.core.safety.relocation.gitview import GitView
from failover_api.core.safety.relocation.manifests import standing
from failover_api.core.safety.relocation.rehearsal import rehearse
from failover_api.core.safety.relocation.subject_of import subject_of, wanted
from failover_api.core.safety.relocation.tags import parse_tag
from failover_api.core.splice import Manifest
from failover_api.core.wording import cut
from failover_api.errors import FailoverError

Manifests = Mapping[str, Manifest]
DIRECT, SUBSTITUTE = "Direct", "spec.postBuild.substitute"
_REHEARSED = "00000000000000000000000000"


@dataclass(frozen=True, slots=True)
class Need:
    """One that is not met: then a relocation is refused or brings nothing; or, `is_warning`, worth a word."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class _End:
    """One end as its manifest has it; "" for what it does not say."""

    side: Side
    kind: str
    name: str
    about: str  # "apps/x/volsync.yaml:12: ReplicationSource media/x"
    paused: str
    manual: str
    schedule: str
    mover: str
    claim: str
    copy_method: str
    key: str
    older: str = ""  # the option by which it restores an older snapshot than the newest
    keeps_deleted: bool = False  # whether a restore leaves files that the snapshot has not

    @property
    def is_paused(self) -> bool:
        return self.paused in {"true", "True", "TRUE", "yes", "on"}


def needs(service: Service, detection: Detection, manifests: Manifests) -> tuple[Need, ...]:
    """What is not met, of a located service with `replication`. `manifests` is {path: manifest}."""
    replication = service.replication
    if replication is None:
        return ()
    ends, found = _of_ends(service, replication, manifests)
    found = [*_of_catalog(service), *found]
    if not any(parse_tag(each.manual) for each in ends):  # else a relocation is under way
        found += _of_state(detection, ends)
    found += _uncopied(service, ends)
    if not any(not need.is_warning for need in found):
        found += _of_steps(service, detection, manifests)
    return tuple(dict.fromkeys(found))


def obstacles(service: Service, manifests: Manifests) -> tuple[Need, ...]:
    """Those that are not met and that a relocation of a located service must not begin with: it would be no proof.

    Which replication is paused just now is none: its first step sees to that.
    """
    if service.replication is None:
        return ()
    _, found = _of_ends(service, service.replication, manifests)
    return tuple(need for need in dict.fromkeys(found) if not need.is_warning)


def uncopied(service: Service, manifests: Manifests, target: Side) -> tuple[str, ...]:
    """The claims of a located service that are left and that no source brings to the target, as far as can be read."""
    if service.replication is None or service.replication.kind is not ReplicationKind.VOLSYNC:
        return ()
    ends, _ = _of_ends(service, service.replication, manifests)
    return tuple(_left(service, ends, target))


def _of_ends(service: Service, replication: DataReplication, manifests: Manifests) -> tuple[list[_End], list[Need]]:
    """The ends that can be read, and what is wrong with each and with their pairs."""
    found: list[Need] = []
    ends: list[_End] = []
    for end in service.ends:
        read = _read(end, manifests)
        if isinstance(read, Need):
            found.append(read)
        else:
            ends.append(read)
    for side in Side:
        pair = [each for each in ends if each.side is side]
        found += [need for each in pair for need in _of_end(replication, each)]
        if len(pair) == len(("source", "destination")):
            found += _of_pair(service, side, *sorted(pair, key=lambda each: each.kind != SOURCE))
    return ends, found


def _of_catalog(service: Service) -> Iterator[Need]:
    for side in (Side.BACKUP, Side.PRIMARY):
        if not _has_way(service, side):
            what = "cannot be relocated home" if side is Side.PRIMARY else "cannot be relocated to backup"
            yield Need(f"the catalog has no `replication.to_{side}`, so it {what}", is_warning=True)


def _read(end: ReplicationEnd, manifests: Manifests) -> _End | Need:
    selector, file = end.document.selector, end.document.file
    if end.trouble or file is None or file not in manifests:
        why = end.trouble or "its manifest could not be read"
        hint = (
            "; what a component makes for many apps cannot be paused for one of them: give the app documents of its "
            f"own, or make `paused` a variable there, and a switch in the app's own {SUBSTITUTE}"
        )
        return Need(f"to_{end.side}: {selector.kind} {cut(selector.name or '')}: {why}{hint}")
    manifest = manifests[file]
    identity = manifest.select(selector)
    document = When(manifest.tree, manifest.tree.documents[identity.index].root, {})
    mover = next((name for name in ALL_MOVERS if any(document.below("spec", name))), "")
    pinned = {key: document.text("spec", mover, key) for key in ("restoreAsOf", "previous")}
    claim = document.text("spec", "sourcePVC") if selector.kind == SOURCE else None
    return _End(
        side=end.side,
        kind=selector.kind or "",
        name=identity.name or "",
        about=f"{file}:{identity.line}: {cut(document_name(manifest, selector))}",
        paused=document.text("spec", "paused") or "",
        manual=document.text("spec", "trigger", "manual") or "",
        schedule=document.text("spec", "trigger", "schedule") or "",
        mover=mover,
        claim=claim or document.text("spec", mover, "destinationPVC") or "",
        copy_method=document.text("spec", mover, "copyMethod") or "",
        key=document.text("spec", mover, "keySecret") or document.text("spec", mover, "repository") or "",
        older=next((key for key, value in pinned.items() if value not in (None, "", "0")), ""),
        keeps_deleted=mover == "restic" and not document.is_true("spec", mover, "enableFileDeletion"),
    )


def _of_end(replication: DataReplication, end: _End) -> Iterator[Need]:
    movers = MOVERS[replication.via]
    if end.mover not in movers:
        which = f"has the mover {end.mover}" if end.mover else "has no mover that is known"
        other = Via.REPOSITORY if replication.via is Via.DIRECT else Via.DIRECT
        cure = f"; write `via: {other}`" if end.mover in MOVERS[other] else ""
        yield Need(f"{end.about} {which}, and `via: {replication.via}` takes {' or '.join(movers)}{cure}")
    if end.paused.startswith("$"):
        yield Need(
            f"{end.about} takes `paused` from a variable, so no move pauses it: write it out, or leave this pair out, "
            f"and make the variable a switch, in {SUBSTITUTE} of the app's own Kustomization"
        )
    if end.manual and end.schedule and parse_tag(end.manual) is None:
        yield Need(f"{end.about} has a manual tag beside its schedule: VolSync ignores the schedule while it stands")
    if end.kind != SOURCE and end.mover:
        yield from _of_destination(replication, end)


def _of_destination(replication: DataReplication, end: _End) -> Iterator[Need]:
    if end.copy_method and end.copy_method != DIRECT:
        yield Need(
            f"{end.about} has copyMethod {cut(end.copy_method)}: it makes an image for a new claim, and does not write "
            "into the one that the app takes; make it Direct, or say `kind: manual`"
        )
    elif not end.claim:
        yield Need(f"{end.about} names no destinationPVC, so it writes into a claim of its own: name the app's")
    elif replication.via is Via.REPOSITORY and end.manual and not end.schedule and parse_tag(end.manual) is None:
        yield Need(
            f"{end.about} restores only when its manual tag changes, so its claim stays as old as the last restore: "
            "give it a schedule",
            is_warning=True,
        )
    elif not end.copy_method:
        yield Need(f"{end.about} says no copyMethod: write `copyMethod: Direct`, so that it writes into the claim")
    if end.older:
        yield Need(f"{end.about} has {end.older}: it restores an older snapshot than the newest; take it out")
    if end.keeps_deleted and end.mover in MOVERS[replication.via]:
        yield Need(
            f"{end.about} restores over what is there, and files that were deleted meanwhile come back: write "
            "`enableFileDeletion: true`",
            is_warning=True,
        )


def _of_pair(service: Service, side: Side, source: _End, destination: _End) -> Iterator[Need]:
    if source.mover and destination.mover and source.mover != destination.mover:
        yield Need(f"{source.about} has the mover {source.mover}, and its destination {destination.mover}")
    elif source.mover == "rsyncTLS" and not source.key:
        yield Need(
            f"{source.about} names no keySecret: make the Secret beforehand and name it at both ends, so that both "
            "pairs can stand in Git"
        )
    elif source.key != (destination.key or _made_key(destination)):
        both = f"{cut(source.key) or 'none'} and {cut(destination.key) or 'none'}"
        is_repository = source.mover in MOVERS[Via.REPOSITORY]  # else the two ends do not even talk to each other
        what = "Secret of the repository" if is_repository else "key Secret"
        text = f"{source.about} and its destination name another {what} ({both}): it has to be one and the same"
        yield Need(text, is_warning=not is_repository)
    claims = _claims(service, side)
    pair = (source.claim, destination.claim)
    if claims and all(pair) and not any("$" in claim for claim in pair) and pair not in claims:
        wanted_pairs = " or ".join(f"{cut(old)} to {cut(new)}" for old, new in claims)
        yield Need(f"{source.about} copies {cut(pair[0])} to {cut(pair[1])}, and the switches say {wanted_pairs}")


def _made_key(destination: _End) -> str:
    """The Secret that VolSync makes for a destination that names none."""
    return f"volsync-rsync-tls-{destination.name}" if destination.mover == "rsyncTLS" else ""


def _claims(service: Service, side: Side) -> list[tuple[str, str]]:
    """What has to be copied to a side: the claims of the switches, from and to."""
    switches = [switch for switch in service.switches if switch.is_claim]
    pairs = [(str(switch.value(side.other)), str(switch.value(side))) for switch in switches]
    return [pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1]]


def _of_state(detection: Detection, ends: Sequence[_End]) -> Iterator[Need]:
    """What writes into the side in use is parked, and what copies away from it is not."""
    if detection.state.value not in set(Side):
        return
    side = Side(detection.state.value)
    for end in ends:
        if end.side is side and not end.is_paused and not end.paused.startswith("$"):
            yield Need(f"{end.about} is not paused, and writes into {side}, where the app is: set spec.paused to true")
        if end.side is not side and end.is_paused:
            yield Need(f"{end.about} is paused: nothing is copied from {side} to {end.side}", is_warning=True)


def _uncopied(service: Service, ends: Sequence[_End]) -> Iterator[Need]:
    """Claims that no pair brings to the other side: they stay behind."""
    for side in Side:
        left = _left(service, ends, side)
        if left and len(left) < len(_claims(service, side)):
            what = f"claim {', '.join(map(cut, left))}"
            yield Need(f"to_{side} does not copy {what}: what is in there does not come along", is_warning=True)


def _left(service: Service, ends: Sequence[_End], side: Side) -> list[str]:
    sources = [end.claim for end in ends if end.side is side and end.kind == SOURCE]
    if not sources or any("$" in claim for claim in sources):
        return []
    return [old for old, _ in _claims(service, side) if old not in sources]


def _of_steps(service: Service, detection: Detection, manifests: Manifests) -> Iterator[Need]:
    """All steps as they would be written, to the other side and back."""
    if detection.state.value not in set(Side):
        return
    target, now = Side(detection.state.value).other, dict(manifests)
    for side in (target, target.other):
        if not _has_way(service, side):
            return
        try:
            now = _rehearsed(service, detection, now, side)
        except FailoverError as exc:
            yield Need(f"a relocation to {side} cannot be written: {exc.detail}")
            return


def _rehearsed(service: Service, detection: Detection, manifests: Manifests, target: Side) -> dict[str, Manifest]:
    """The files after it. Raises what refuses it."""
    asked = wanted(service, detection, target)
    places = {
        named.document.selector: end.document for named, end in zip(service.named_ends, service.ends, strict=True)
    }
    if any(document.selector not in places for document in asked):
        return dict(manifests)  # the app's own document is none of those that were read
    subject = subject_of(service, detection, places, target, _REHEARSED)
    values = standing(subject, manifests)
    now = dict(manifests)
    for step in rehearse(service, subject, GitView(values, values), manifests):
        now |= step.after
    return now


def _has_way(service: Service, side: Side) -> bool:
    """Whether the catalog says how data comes to a side; where it does not, that is told already."""
    replication = service.replication
    assert replication is not None, "it was looked at"
    if replication.kind is not ReplicationKind.VOLSYNC:
        return True
    return service.pair_towards(side) is not None
