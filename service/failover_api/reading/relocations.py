"""What Git says of a service's relocation: its documents, the commits of the newest operation, what stood before.

Git is its record: nothing else is kept of a relocation, so whoever reads this can go on with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from failover_api.concurrency import together
from failover_api.core.catalog.model import Branch, Service, Side, Workload
from failover_api.core.planning.request import RELOCATE
from failover_api.core.planning.state import Detection, detect
from failover_api.core.rfc3339 import seconds_of
from failover_api.core.safety.relocation.gitview import GitView, Made
from failover_api.core.safety.relocation.manifests import standing, standing_at
from failover_api.core.safety.relocation.places import ABSENT, Place, Standing
from failover_api.core.safety.relocation.steps import Ending, Step, parse_label
from failover_api.core.safety.relocation.subject import STOPPED, Subject
from failover_api.core.safety.relocation.subject_of import a_target, subject_of, wanted
from failover_api.core.safety.relocation.tags import parse_tag
from failover_api.core.safety.relocation.values import edits, paused, protect
from failover_api.core.splice import Manifest, Selector
from failover_api.core.text.trailers import Record, read_all_records
from failover_api.errors import ManifestError, WriteConflict
from failover_api.forge.port import Forge
from failover_api.forge.values import LOG_PAGE, LoggedCommit
from failover_api.reading.services import ServiceReader, as_service, observed

PAGES = 3  # of each file's history, in which the first commit of the newest relocation is looked for
MARKED_PAGES = 20  # where the manifests show that one is under way: it is there, however much has come after it
FIRST_PAGES = 10  # of a branch's history, in which one that is under way is looked for after a start


@dataclass(frozen=True, slots=True)
class StepMade:
    """A commit of a relocation."""

    record: Record
    logged: LoggedCommit
    made: Made


@dataclass(frozen=True, slots=True)
class Relocation:
    """A service's newest relocation, or one that would begin (`steps` is empty then), as of one version of the branch.

    `services` are the service and, as if they were services, the other documents it needs; `manifests` are the files of
    all of them, by path.
    """

    service: Service
    services: tuple[Service, ...]
    detection: Detection
    subject: Subject
    git: GitView
    manifests: Mapping[str, Manifest]
    version: str
    head: str
    steps: tuple[StepMade, ...] = ()
    accepted: tuple[str, ...] = ()  # the hazards that whoever begins it has accepted

    @property
    def operation(self) -> str:
        return self.subject.operation

    @property
    def first(self) -> Record | None:
        """What its first commit says: who asked for it, and why."""
        return self.steps[0].record if self.steps else None


class RelocationReader:
    """Reads relocations of located services."""

    def __init__(self, forge: Forge, reader: ServiceReader) -> None:
        self._forge, self._reader = forge, reader
        self._begun: dict[Branch, _Begun] = {}

    async def newest(self, service: Service, *, not_before: float | None) -> Relocation | None:
        """The newest relocation of a service, over or not; None where there is none in reach.

        Raises CannotPlan where the catalog does not say what a relocation needs, and what reading raises.
        """
        read = await self._read(service, a_target(service), not_before)
        steps, moved_by = await self._steps(read)
        if not steps:
            return None
        target = _target(steps[0].record)
        subject = self._subject(read, target, steps[0].record.operation)
        former, why = await self._former(read, subject, steps[0].logged)
        made = tuple(step.made for step in steps)
        values, unreadable = _values(subject, read.manifests)
        git = GitView(values, former, made, moved_by, unreadable or why)
        has_end = not git.unreadable and bool(edits(git, protect(subject, git)))
        is_over_there = subject.away is None and steps[-1].made.step is Step.CUTOVER and not has_end
        if is_over_there and not await self._is_new(read, steps[-1]):
            return None  # its end changes no file, and is not looked for as far back
        return replace(read, subject=subject, git=git, steps=tuple(steps))

    async def beginning(
        self, service: Service, target: Side, operation: str, *, not_before: float | None
    ) -> Relocation:
        """One that begins now. Raises as newest(), and ManifestError for a value that cannot be read."""
        read = await self._read(service, target, not_before)
        subject = self._subject(read, target, operation)
        values = standing(subject, read.manifests)
        return replace(read, subject=subject, git=GitView(values, values))

    async def operations(self, service: Service, *, not_before: float | None) -> Mapping[str, tuple[StepMade, ...]]:
        """{operation: its commits, oldest first} of every relocation in reach. Raises as newest()."""
        read = await self._read(service, a_target(service), not_before)
        found: dict[str, tuple[StepMade, ...]] = {}
        for logged in reversed(await self._commits(read)):
            record = _record(logged, service.name)
            step = _step(record, logged) if record is not None else None
            if record is not None and step is not None:
                found[record.operation] = (*found.get(record.operation, ()), step)
        return found

    async def pauses_added(self, relocation: Relocation, before: str, commit: str) -> frozenset[Place]:
        """Where a commit of ours has added `paused`: there it is taken away again, not set to false.

        As far as its files can be read.
        """
        subject, paths = relocation.subject, list(relocation.manifests)
        places = [paused(end) for pair in (subject.towards, subject.away) if pair is not None for end in pair.both]
        old, new = [
            self._reader.readable((await self._forge.read_at(relocation.service.branch, sha, paths)).files)
            for sha in (before, commit)
        ]
        return frozenset(place for place in places if _stands(place, old) is ABSENT and _stands(place, new) is True)

    async def begun_on(self, branch: Branch, *, not_before: float | None) -> Mapping[str, str]:
        """The services that a relocation has lately worked on, with its operation: by a branch's newest commits.

        Of those that have come since it was asked last; of FIRST_PAGES where it has not been, or they are not found.
        """
        head = await self._forge.head(branch, not_before=not_before)
        before = self._begun.get(branch, _Begun("", {}))
        commits: list[LoggedCommit] = []
        for page in range(1, FIRST_PAGES + 1):
            found = await self._forge.log(branch, at=head, page=page, not_before=not_before)
            commits += found
            if len(found) < LOG_PAGE or any(commit.sha == before.head for commit in found):
                break
        records = [record for commit in reversed(commits) for record in read_all_records(commit.message)]
        begun = {record.service: record.operation for record in records if record.action == RELOCATE}
        self._begun[branch] = _Begun(head, {**before.operations, **begun})
        return self._begun[branch].operations

    async def _read(self, service: Service, target: Side, not_before: float | None) -> Relocation:
        """The service with all documents that it needs, at one commit. The subject is not known yet."""
        first = await self._reader.observe(service, not_before=not_before)
        asked = wanted(first.service, detect(first.service, first.manifests), target)
        services = (service, *(as_service(service, document) for document in asked))
        seen = await self._reader.observe_all(service.branch, services, not_before=not_before)
        found = [observed(seen[each.name]) for each in services]
        manifests = {path: manifest for each in found for path, manifest in each.manifests.items()}
        located = found[0].service
        places = {document.selector: _place(each.service) for document, each in zip(asked, found[1:], strict=True)}
        detection = detect(located, manifests)
        subject = subject_of(located, detection, places, target, "")
        heads = {each.snapshot.head for each in found}
        head = heads.pop()
        if heads or head is None:
            raise WriteConflict(f"{service.branch} moved while it was read")
        git = GitView({}, {})
        return Relocation(located, services, detection, subject, git, manifests, found[0].version, head)

    def _subject(self, read: Relocation, target: Side, operation: str) -> Subject:
        if read.subject.target is target:
            return replace(read.subject, operation=operation)
        places = _places(read.subject)
        return subject_of(read.service, read.detection, places, target, operation)

    async def _steps(self, read: Relocation) -> tuple[list[StepMade], str]:
        """The commits of the newest relocation, oldest first; and the operation that has moved the service since.

        Of the history up to where the values were read: what came later is another version.
        """
        commits = await self._commits(read)
        merged = _merge_times(commits, read.head)
        steps: list[StepMade] = []
        moved_by = ""
        for logged in commits:  # newest first
            record = _record(logged, read.service.name)
            if record is None:
                continue
            step = _step(record, logged)
            if step is None:
                if not steps and record.moves:
                    moved_by = moved_by or record.operation
                elif steps and record.moves:
                    break
                continue
            if steps and record.operation != steps[0].record.operation:
                break
            steps.append(_merged(step, merged.get(logged.sha)))
        return steps[::-1], moved_by if steps else ""

    async def _commits(self, read: Relocation) -> Sequence[LoggedCommit]:
        """Newest first: the branch's newest ones where all of the relocation is among them, else those of its files."""
        branch, name = read.service.branch, read.service.name
        newest = await self._forge.log(branch, at=read.head, not_before=None)
        if any(_is_first(logged, name) for logged in newest):
            return newest
        pages = MARKED_PAGES if _is_marked(read) else PAGES
        logs = await together(self._log(branch, path, read.head, name, pages) for path in read.manifests)
        found = {logged.sha: logged for log in (newest, *logs) for logged in log}  # an end may change no file
        return sorted(found.values(), key=lambda logged: _order(logged, name), reverse=True)

    async def _is_new(self, read: Relocation, step: StepMade) -> bool:
        """Whether it is among the branch's newest commits."""
        newest = await self._forge.log(read.service.branch, at=read.head, not_before=None)
        return any(logged.sha == step.logged.sha for logged in newest)

    async def _log(self, branch: Branch, path: str, head: str, name: str, pages: int) -> list[LoggedCommit]:
        """Until the first commit of one is there; where nothing is marked the first page has to show any."""
        commits: list[LoggedCommit] = []
        for page in range(1, pages + 1):
            found = await self._forge.log(branch, path, at=head, page=page, not_before=None)
            commits += found
            has_none = page == 1 and pages == PAGES and not any(_is_of_one(each) for each in found)
            if len(found) < LOG_PAGE or has_none or any(_is_first(each, name) for each in found):
                break
        return commits

    async def _former(
        self, read: Relocation, subject: Subject, first: LoggedCommit
    ) -> tuple[dict[Place, Standing], str]:
        """What stood there before the first commit; or why that cannot be read."""
        if not first.parents:
            return {}, f"what stood before commit {first.sha[:12]} is not known"
        try:
            snapshot = await self._forge.read_at(read.service.branch, first.parents[0], list(read.manifests))
            before = {path: self._reader.manifest(snapshot.file(path)) for path in read.manifests}
            return standing(subject, before), ""
        except ManifestError as exc:
            return {}, f"what stood before commit {first.sha[:12]} cannot be read: {exc.detail}"


@dataclass(frozen=True, slots=True)
class _Begun:
    """What was found on a branch up to a head: {service: operation}."""

    head: str
    operations: Mapping[str, str]


def _is_marked(read: Relocation) -> bool:
    """Whether the manifests show that one may be under way: a tag of ours stands there, or the app is stopped."""
    values, _ = _values(read.subject, read.manifests)
    return any(parse_tag(value) for value in values.values()) or values.get(read.subject.quiesce) == STOPPED


def _stands(place: Place, manifests: Mapping[str, Manifest]) -> Standing | None:
    """None where nobody can tell."""
    try:
        return standing_at(place, manifests)
    except (ManifestError, KeyError):
        return None


def _place(service: Service) -> Workload:
    assert service.unblocked is not None, "it stands for a document"
    return service.unblocked


def _places(subject: Subject) -> dict[Selector, Workload]:
    """Where its documents are, by what is asked for: without the index that tells one from its namesakes."""
    pairs = [pair for pair in (subject.towards, subject.away) if pair is not None]
    documents = [*(end for pair in pairs for end in pair.both), subject.quiesce.document]
    return {replace(each.selector, index=None): Workload(each.file, each.selector) for each in documents}


def step_of(record: Record) -> tuple[Step, Ending | None] | None:
    """What trailers say of a relocation; None for another move's, and for sides that there are none of.

    Anybody who may push can write trailers.
    """
    is_one = record.action == RELOCATE and {record.before, record.after} <= set(Side)
    return parse_label(record.provenance.step or "") if is_one else None


def _record(logged: LoggedCommit, service: str) -> Record | None:
    return next((record for record in read_all_records(logged.message) if record.service == service), None)


def _step(record: Record, logged: LoggedCommit) -> StepMade | None:
    """What a commit of a relocation is; None for any other's."""
    label = step_of(record)
    if label is None:
        return None
    at = seconds_of(logged.at)
    return StepMade(record, logged, Made(label[0], at if at is not None else 0.0, record.proof, label[1]))


def _merge_times(commits: Sequence[LoggedCommit], head: str) -> dict[str, str]:
    """When the branch got what a merge has brought: {commit: time}.

    Of the commit that was merged, and of what that was before the branch was merged into it ("Update branch").
    """
    known = {commit.sha: commit for commit in commits}
    found: dict[str, str] = {}
    at: LoggedCommit | None = known.get(head)
    while at is not None:
        for sha in at.parents[1:]:
            found[sha] = at.at
            while (brought := known.get(sha)) is not None and len(brought.parents) > 1:
                sha = brought.parents[0]
                found[sha] = at.at
        at = known.get(at.parents[0]) if at.parents else None
    return found


def _merged(step: StepMade, at: str | None) -> StepMade:
    """A step of a pull request counts from its merge, where that made a commit of its own."""
    merged_at = seconds_of(at) if at is not None else None
    return step if merged_at is None else replace(step, made=replace(step.made, at=merged_at))


def _is_first(logged: LoggedCommit, service: str) -> bool:
    """Whether a commit begins a relocation of a service: nothing has let that go on. Or it says that none begins."""
    record = _record(logged, service)
    step = _step(record, logged) if record is not None else None
    return step is not None and (step.made.ending is Ending.HELD or not (step.made.ending or step.made.proof))


def _order(logged: LoggedCommit, service: str) -> tuple[str, int, bool]:
    """Git's times have whole seconds: within one the steps tell."""
    record = _record(logged, service)
    step = _step(record, logged) if record is not None else None
    return (logged.at, step.made.step.number, step.made.ending is not None) if step else (logged.at, 0, False)


def _is_of_one(logged: LoggedCommit) -> bool:
    return any(record.action == RELOCATE for record in read_all_records(logged.message))


def _target(first: Record) -> Side:
    """From = To until the cutover: it leads to the other side."""
    label = step_of(first)
    is_over = label is not None and label[0].number >= Step.CUTOVER.number
    return Side(first.after) if is_over else Side(first.before).other


def _values(subject: Subject, manifests: Mapping[str, Manifest]) -> tuple[dict[Place, Standing], str]:
    try:
        return standing(subject, manifests), ""
    except ManifestError as exc:
        return {}, exc.detail
