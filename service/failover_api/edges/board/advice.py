"""What to do about an error, in plain words."""

from failover_api.errors import FailoverError

ADVICE = {
    "bad-request": "Go back and try again from the page; an address that was typed may have a slip in it.",
    "unauthenticated": "Sign in with a token that an operator gave you.",
    "forbidden": "Your token does not allow this. Whoever keeps the access file can change that.",
    "unknown-service": "It is not in the catalog, or not among what you may see. The board lists what there is.",
    "unknown-group": "It is not in the catalog, or not among what you may see. The board lists what there is.",
    "not-found": "The board has links to every page there is.",
    "repository-not-found": "Check the repository and branch in the catalog, and that the credentials may read them.",
    "method-not-allowed": "Use the buttons of the page instead of its address.",
    "manifest-drifted": "Somebody set a value that is on neither side. Put it right in Git, or move it all the same.",
    "conflict": "Others were writing at the same time. Look again and repeat the move.",
    "branch-protected": "The branch takes pull requests only: set policy: pull_request, or fallback: pull_request.",
    "operation-pending": "Look at the pull request or commit that is named: merge it, close it, or let it give way.",
    "nothing-to-roll-back": "No move of this service is in the history that was searched. Promote or demote instead.",
    "changed-since": "Somebody changed these values after the move. Promote or demote instead, or edit by hand.",
    "precondition-failed": "The manifests changed since you looked. Look at what would change now, and decide anew.",
    "body-too-large": "Write less.",
    "unsupported-media-type": "Use the forms of these pages; scripts have the API under /api.",
    "manifest-not-found": "Check the path, kind, name and namespace in the catalog against the repository.",
    "manifest-ambiguous": "Several manifests fit. Name the path in the catalog, or the document's name and namespace.",
    "manifest-invalid": "The file cannot be edited safely as it is. The line that is named has to be changed by hand.",
    "switch-not-found": "Check the path of the switch in the catalog against the file that is named.",
    "repository-too-large": "Name the path of the manifest in the catalog, so that nothing has to be searched.",
    "cannot-plan": "Nothing was written, because the result could not be proved to be right. Change the file by hand.",
    "idempotency-key-reused": "Load the page again: this form was used for another move.",
    "too-many-requests": "Wait a moment, then load the page again.",
    "internal-error": "Look at the service in Git before you try again. The log has the details under the id below.",
    "github-error": "Try again in a moment. If it stays so, the log has the details under the id below.",
    "github-permission": "Give the GitHub App, or the token, the permission that is named.",
    "not-ready": "The catalog or the credentials have to be put right first; the log says what is wrong.",
    "github-rate-limited": "GitHub asks us to wait. Load the page again later; nothing has to be repeated by hand.",
    "github-unavailable": "GitHub cannot be reached from here. Try again in a moment.",
    "outcome-unknown": "Look at the service's history before you try again. Asking again does not move it twice.",
}


def advice_on(error: FailoverError) -> str:
    return ADVICE[error.slug]
