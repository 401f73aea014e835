"""Everything that can go wrong, as one family.

    FailoverError
    ├── BadRequest                  the request is malformed
    ├── ConfigInvalid               services.yaml or access.yaml cannot be used
    │   └── BadPath                 a switch's path is not a path
    ├── Unauthenticated             it is not known who is calling
    ├── UnknownService, UnknownGroup, UnknownUrl
    ├── Forbidden                   the caller may not do this
    ├── MethodNotAllowed, BodyTooLarge, UnsupportedMediaType
    ├── TooManyRequests             too many failed attempts from one address
    ├── PreconditionFailed          the manifests are not those the caller saw
    ├── ManifestDrifted             a value is on neither side
    ├── Conflict                    the branch kept changing
    │   ├── WriteConflict           one compare-and-swap lost: read, plan and write again
    │   └── NotPermitted            what a move by itself was based on is true no longer
    ├── BranchProtected             the branch takes pull requests only
    ├── OperationPending            another pull request, or a person's commit, stands in the way
    ├── RelocationRunning           a relocation to the other side is under way
    ├── ClusterNeeded               no cluster is configured, or we may not do there what it takes
    ├── NodeAlive                   a node that lives cannot be said to be off
    ├── UnsafeMove                  a hazard stops it that nobody has accepted
    ├── NothingToRollBack           no failover commit of the service is known
    ├── ChangedSince                a person changed what a rollback would put back
    ├── IdempotencyKeyReused        the key has been used for another move
    ├── ManifestNotFound
    │   ├── FileNotFound            no such file on the branch
    │   └── DocumentNotFound        the file has no such document
    ├── ManifestAmbiguous
    │   └── AmbiguousDocument       the file has several
    ├── ManifestInvalid             what is there cannot be edited safely
    │   ├── NotUTF8, ParseError, Encrypted, DuplicateKey, UndefinedAlias
    │   ├── AliasInPath, KeyFromMerge, SharedAnchor
    │   ├── NotAScalar, NotAMapping, BlockScalar, TaggedScalar, TypeMismatch
    │   └── SubstitutionInTarget, TemplateInTarget, ValueHasSubstitution, ValueHasTemplate
    ├── SwitchNotFound              the path leads nowhere
    │   └── PathNotFound, ItemNotFound, IndexOutOfRange, AmbiguousItem
    ├── RepositoryTooLarge          too large to search: name a `path`
    ├── CannotPlan                  no plan can be made, or proved
    │   └── VerifyFailed, UnexpectedOldValue, OverlappingEdits, KeyExists, LastEntry
    ├── NotReady                    the process cannot work yet
    ├── ForgeFailure                a request to the Git host failed
    │   ├── RepositoryNotFound      there is no such repository or branch, or the credentials cannot see it
    │   ├── ForgeError              GitHub's reply is an error, or not understood
    │   │   └── ForgePermission     the credentials may not do this
    │   ├── ForgeUnavailable        GitHub cannot be reached, or fails
    │   │   └── NotShownYet         its reads lag behind a write of ours
    │   └── ForgeRateLimited        GitHub asks us to wait
    ├── ClusterFailure              the cluster was not seen; told as unseen, so it never reaches an edge
    │   ├── ClusterUnavailable      it cannot be reached, or its answer is not understood
    │   │   └── WatchCut            a watch ended in the middle: it can be resumed
    │   ├── ClusterUnauthenticated  it does not know who we are
    │   ├── ClusterForbidden        we may not read this
    │   ├── KindNotInstalled        it does not know this kind of object
    │   ├── ObjectMissing           it has no object of this name, or not the namespace
    │   ├── ObjectChanged           somebody else wrote first: read again
    │   ├── ClusterRejected         what we sent is not accepted as it is
    │   │   └── ClusterInvalid      by the rules for such objects, or by an admission policy
    │   └── VersionExpired          it no longer has the version that was asked for: list again
    ├── OutcomeUnknown              a write may or may not have landed
    │   └── WriteUnknown            one write's reply was lost: read back
    └── InternalError               a defect of ours
        └── Interrupted             it ended before anything was written

Each class has a stable `slug`; several classes may share one. HTTP statuses are in edges/problems.py, exit codes in
edges/cli.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class FailoverError(Exception):
    """What went wrong, where, and what was expected, in one sentence a person can read.

    `refused` is for a group that did not move: {service: error}, in the order of the group.
    """

    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    outcome: ClassVar[str] = "not-applied"

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.refused: Mapping[str, FailoverError] = {}


class BadRequest(FailoverError):
    slug, title = "bad-request", "Bad request"


class ConfigInvalid(FailoverError):
    """`FILE:LINE: KEY: message`: the first error; `errors` has them all."""

    slug, title = "not-ready", "The configuration is invalid"
    errors: tuple[str, ...] = ()


class BadPath(ConfigInvalid):
    """A switch's path is not a path."""


class UnknownService(FailoverError):
    slug, title = "unknown-service", "Unknown service"


class UnknownGroup(FailoverError):
    slug, title = "unknown-group", "Unknown group"


class UnknownNode(FailoverError):
    slug, title = "unknown-node", "Unknown node"


class UnknownUrl(FailoverError):
    slug, title = "not-found", "Not found"


class Unauthenticated(FailoverError):
    slug, title = "unauthenticated", "Unauthenticated"


class TooManyRequests(FailoverError):
    slug, title = "too-many-requests", "Too many requests"


class Forbidden(FailoverError):
    slug, title = "forbidden", "Forbidden"


class MethodNotAllowed(FailoverError):
    slug, title = "method-not-allowed", "Method not allowed"


class BodyTooLarge(FailoverError):
    slug, title = "body-too-large", "Body too large"


class UnsupportedMediaType(FailoverError):
    slug, title = "unsupported-media-type", "Unsupported media type"


class PreconditionFailed(FailoverError):
    slug, title = "precondition-failed", "The manifests changed since they were read"


class ManifestDrifted(FailoverError):
    slug, title = "manifest-drifted", "A value is on neither side"


class Conflict(FailoverError):
    slug, title = "conflict", "The branch kept changing"


class WriteConflict(Conflict):
    """One compare-and-swap lost: the target has changed, or already exists. `detail` is the host's text."""


class NotPermitted(Conflict):
    """What a move that nobody asked for was based on is true no longer, right before the write. Nothing was written."""


class BranchProtected(FailoverError):
    """The branch takes no direct commit, but a pull request. `said` is the host's text, without our advice."""

    slug, title = "branch-protected", "The branch is protected"

    def __init__(self, detail: str, *, said: str = "") -> None:
        super().__init__(detail)
        self.said = said or detail


class OperationPending(FailoverError):
    slug, title = "operation-pending", "Another operation is under way"


class RelocationRunning(FailoverError):
    slug, title = "relocation-running", "A relocation is under way"


class ClusterNeeded(FailoverError):
    slug, title = "cluster-needed", "A cluster is needed"


class NodeAlive(FailoverError):
    slug, title = "node-alive", "The node is alive"


class UnsafeMove(FailoverError):
    """A hazard stops it that nobody has accepted.

    `hazards` are all of the service, `outcomes` what it would come to: a dry run's for each part (moves/outcome.py), as
    far as nothing else refuses a service. Of a relocation it is `steps` (operations/relocation_report.py), and
    `message` says it. `version` names the manifests of all, `group` whose services they are. What may not be accepted
    cannot work.
    """

    slug, title = "unsafe-move", "The move is not safe"
    may_be_accepted: bool = True
    hazards: tuple[Any, ...] = ()
    outcomes: tuple[Any, ...] = ()
    steps: tuple[Any, ...] = ()
    message: str = ""
    version: str = ""
    group: str | None = None


class NothingToRollBack(FailoverError):
    slug, title = "nothing-to-roll-back", "Nothing to roll back"


class ChangedSince(FailoverError):
    slug, title = "changed-since", "Changed since by somebody else"


class IdempotencyKeyReused(FailoverError):
    slug, title = "idempotency-key-reused", "The key was used for another request"


class ManifestError(FailoverError):
    """About one place in one file. `line` counts from 1; `path` is the switch's path as text."""

    def __init__(self, detail: str, *, file: str = "", line: int | None = None, path: str = "") -> None:
        place = f"{file}:{line}" if file and line else file
        super().__init__(f"{place}: {detail}" if place else detail)
        self.file = file
        self.line = line
        self.path = path


class ManifestNotFound(ManifestError):
    slug, title = "manifest-not-found", "Manifest not found"


class FileNotFound(ManifestNotFound):
    """No such file on the branch."""


class DocumentNotFound(ManifestNotFound):
    """The file has no such document."""


class ManifestAmbiguous(ManifestError):
    slug, title = "manifest-ambiguous", "Several manifests match"


class AmbiguousDocument(ManifestAmbiguous):
    """The file has several documents that match."""


class ManifestInvalid(ManifestError):
    slug, title = "manifest-invalid", "The manifest cannot be edited safely"


class NotUTF8(ManifestInvalid):
    """The file is not UTF-8 text."""


class ParseError(ManifestInvalid):
    """The file is not YAML."""


class Encrypted(ManifestInvalid):
    """The document is covered by a SOPS MAC."""


class DuplicateKey(ManifestInvalid):
    """A mapping on the path has a key twice."""


class UndefinedAlias(ManifestInvalid):
    """The document uses an anchor it does not define."""


class AliasInPath(ManifestInvalid):
    """The path runs through an alias: the edit would change another place too."""


class KeyFromMerge(ManifestInvalid):
    """The key is there only through `<<`, or a `<<` behind it has it too."""


class SharedAnchor(ManifestInvalid):
    """The target, or something above it, is anchored and used elsewhere."""


class NotAScalar(ManifestInvalid):
    """The path leads to a mapping or a list."""


class NotAMapping(ManifestInvalid):
    """The path runs through a scalar, or asks a list for a key."""


class BlockScalar(ManifestInvalid):
    """The target is written as a block (`|` or `>`)."""


class TaggedScalar(ManifestInvalid):
    """The target has a tag other than `!!str`."""


class TypeMismatch(ManifestInvalid):
    """The new value is of another type than the old one."""


class SubstitutionInTarget(ManifestInvalid):
    """The old value holds `${...}`."""


class TemplateInTarget(ManifestInvalid):
    """The old value holds `{{...}}`."""


class ValueHasSubstitution(ManifestInvalid):
    """The new value holds `${...}`."""


class ValueHasTemplate(ManifestInvalid):
    """The new value holds `{{...}}`."""


class SwitchNotFound(ManifestError):
    slug, title = "switch-not-found", "Switch not found"


class PathNotFound(SwitchNotFound):
    """A key on the path is missing."""


class ItemNotFound(SwitchNotFound):
    """No list item matches."""


class IndexOutOfRange(SwitchNotFound):
    """The list is shorter than the index."""


class AmbiguousItem(SwitchNotFound):
    """Several list items match."""


class RepositoryTooLarge(FailoverError):
    slug, title = "repository-too-large", "The repository is too large to search"


class CannotPlan(ManifestError):
    slug, title = "cannot-plan", "No safe plan can be made"


class VerifyFailed(CannotPlan):
    """Parsed again, the edited text differs from the old in more or less than was planned."""


class UnexpectedOldValue(CannotPlan):
    """The old value is not the one the edit was computed from."""


class OverlappingEdits(CannotPlan):
    """Two edits touch the same bytes."""


class KeyExists(CannotPlan):
    """The key to add is there already."""


class LastEntry(CannotPlan):
    """Deleting the last entry would leave an empty mapping."""


class NotReady(FailoverError):
    slug, title = "not-ready", "Not ready"


class ForgeFailure(FailoverError):
    """A request to the Git host failed. Only the classes below are raised."""


class RepositoryNotFound(ForgeFailure):
    slug, title = "repository-not-found", "Repository or branch not found"


class ForgeError(ForgeFailure):
    slug, title = "github-error", "GitHub answered unexpectedly"


class ForgePermission(ForgeError):
    slug, title = "github-permission", "GitHub denied permission"


class ForgeUnavailable(ForgeFailure):
    slug, title = "github-unavailable", "GitHub is not available"


class NotShownYet(ForgeUnavailable):
    """What was read is older than our own last write."""


class ForgeRateLimited(ForgeFailure):
    """`secondary`: not a used-up quota, but too many requests at once. Then the whole account has to wait."""

    slug, title = "github-rate-limited", "GitHub asks us to wait"

    def __init__(self, detail: str, *, retry_after_s: float | None = None, secondary: bool = False) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.secondary = secondary


class ClusterFailure(FailoverError):
    """The cluster was not seen. It refuses no move: what it kept from being seen is told as unseen."""


class ClusterUnavailable(ClusterFailure):
    """It cannot be reached, asks us to wait, or its answer is not understood."""


class WatchCut(ClusterUnavailable):
    """A watch had begun, and was cut: it can go on from its last version."""


class ClusterUnauthenticated(ClusterFailure):
    """It does not know who we are, or we have nothing to show."""


class ClusterForbidden(ClusterFailure):
    """We may not read this."""


class KindNotInstalled(ClusterFailure):
    """The cluster does not know this kind of object, so it has none."""


class ObjectMissing(ClusterFailure):
    """It has no object of this name, or no such namespace."""


class ObjectChanged(ClusterFailure):
    """Somebody else has changed the object since it was read, or made it before us. Nothing was written."""


class ClusterRejected(ClusterFailure):
    """What we sent is not accepted as it is: asking again with the same is of no use."""


class ClusterInvalid(ClusterRejected):
    """The rules for such objects, or an admission policy, refuse it (422). Nothing was written."""


class VersionExpired(ClusterFailure):
    """It no longer has the version that was asked for."""


class OutcomeUnknown(FailoverError):
    slug, title = "outcome-unknown", "It is not known whether the change was made"
    outcome = "unknown"


class WriteUnknown(OutcomeUnknown):
    """One write's reply was lost."""


class InternalError(FailoverError):
    """A defect of ours; the log has the traceback. It is not known whether anything was written."""

    outcome = "unknown"


class Interrupted(InternalError):
    """A defect, or the end of the process, came before anything was written."""

    outcome = "not-applied"
