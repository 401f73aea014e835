"""The values of a relocation in manifests: read, and written by the editor, every other byte kept."""

from collections.abc import Mapping

from failover_api.core.catalog.model import Service, Side
from failover_api.core.planning.change import Change
from failover_api.core.planning.state import Detection, detect, document_name, is_same
from failover_api.core.planning.switch_edits import edits_from
from failover_api.core.safety.relocation.ladder import StepCommit
from failover_api.core.safety.relocation.places import ABSENT, Absence, Place, Standing
from failover_api.core.safety.relocation.subject import Subject
from failover_api.core.safety.relocation.values import PlannedEdit, places, same
from failover_api.core.splice import Edit, Manifest, Value
from failover_api.core.splice.paths import Path, format_path
from failover_api.errors import CannotPlan, ManifestError, SwitchNotFound

Manifests = Mapping[str, Manifest]


def standing(subject: Subject, manifests: Manifests) -> dict[Place, Standing]:
    """What stands at each place. Raises ManifestError for a document or a switch that cannot be read."""
    switches = {switch.place for switch in subject.switches}
    return {place: standing_at(place, manifests, is_switch=place in switches) for place in places(subject)}


def edited(service: Service, subject: Subject, commit: StepCommit, manifests: Manifests) -> dict[str, Manifest]:
    """The files that a commit changes, by path, proved: what stands there then is what was planned.

    Raises what Manifest.apply() raises, and CannotPlan.
    """
    detection = detect(service, manifests)
    by_file: dict[str, list[Edit]] = {}
    for planned in commit.edits:
        file = _file(planned.place)
        by_file.setdefault(file, []).append(_edit(planned, detection, manifests[file]))
    new = {file: manifests[file].apply(edits) for file, edits in by_file.items()}
    after = standing(subject, {**manifests, **new})
    for planned in commit.edits:
        if not same(after[planned.place], planned.new):
            raise CannotPlan(f"after the edit {planned.place.name} would be {after[planned.place]!r}")
    return new


def changes(commit: StepCommit, manifests: Manifests) -> tuple[Change, ...]:
    """What a commit lists. What is not there is null."""
    return tuple(_change(planned, manifests[_file(planned.place)]) for planned in commit.edits)


def standing_at(place: Place, manifests: Manifests, *, is_switch: bool = False) -> Standing:
    """What stands at one. A switch has to be there."""
    manifest = manifests[_file(place)]
    try:
        return manifest.find(place.document.selector, place.path).value
    except SwitchNotFound:
        manifest.select(place.document.selector)
        if is_switch:
            raise
        return ABSENT


def _file(place: Place) -> str:
    assert place.document.file is not None, "it was found"
    return place.document.file


def _edit(planned: PlannedEdit, detection: Detection, manifest: Manifest) -> Edit:
    place, selector = planned.place, planned.place.document.selector
    if isinstance(planned.new, Absence):
        return Edit(selector, _emptied(manifest, place), op="delete")
    if isinstance(planned.old, Absence):
        return Edit(selector, place.path, op="add", value=planned.new)
    if (edit := _switch_edit(planned, planned.new, detection)) is not None:
        return edit
    return Edit(selector, place.path, value=planned.new, expect=planned.old)


def _switch_edit(planned: PlannedEdit, new: Value, detection: Detection) -> Edit | None:
    """As any move edits a switch, with what the catalog allows for it."""
    for reading in detection.readings:
        switch = reading.switch
        is_it = (switch.selector, reading.file, switch.path) == (
            planned.place.document.selector, planned.place.document.file, planned.place.path,
        )  # fmt: skip
        side = next((side for side in Side if is_same(switch.value(side), new)), None)
        if is_it and side is not None:
            return edits_from([reading], side)[0]
    return None


def _emptied(manifest: Manifest, place: Place) -> Path:
    """What is taken away: the key, or the mapping above it that holds nothing else. `spec` itself never is."""
    path = place.path
    while len(path) > 2 and len(manifest.keys(place.document.selector, path[:-1])) == 1:
        path = path[:-1]
    return path


def _change(planned: PlannedEdit, manifest: Manifest) -> Change:
    selector, path = planned.place.document.selector, planned.place.path
    values: list[Value] = [None if isinstance(each, Absence) else each for each in (planned.old, planned.new)]
    line = _line(manifest, planned.place)
    return Change(_file(planned.place), document_name(manifest, selector), format_path(path), line, *values)


def _line(manifest: Manifest, place: Place) -> int:
    """That of the key, or of its document where it is not there yet."""
    try:
        return manifest.find(place.document.selector, place.path).line
    except ManifestError:
        return manifest.select(place.document.selector).line
