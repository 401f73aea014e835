"""Advice on each error, in plain words for the web pages."""

from failover_api.edges.problems import cure
from failover_api.errors import FailoverError

# Where a page has something else to offer than a script has.
ADVICE = {
    "bad-request": "Go back and try again from the page; an address that was typed may have a slip in it.",
    "unauthenticated": "Sign in with a token that an operator gave you.",
    "forbidden": "Your token does not allow this. Whoever keeps the access file can change that.",
    "unknown-service": "It is not in the catalog, or not among what you may see. The board lists what there is.",
    "unknown-group": "It is not in the catalog, or not among what you may see. The board lists what there is.",
    "not-found": "The board has links to every page there is.",
    "method-not-allowed": "Use the buttons of the page instead of its address.",
    "manifest-drifted": "Somebody set a value that is on neither side. Put it right in Git, or move it all the same.",
    "conflict": "Others were writing at the same time. Look again and repeat the move.",
    "operation-pending": "Look at what is named. Merge or close it; what no person has pushed to can give way.",
    "unsafe-move": "Read what may go wrong. Mend it, or tick what you accept; the commit will say that you did.",
    "cannot-plan": "Write the key of the catalog that is named. Where none is, edit the manifest and report it.",
    "nothing-to-roll-back": "No move of this service that can be proved is in its history. Promote or demote instead.",
    "changed-since": "Somebody changed these values after the move. Promote or demote instead, or edit by hand.",
    "precondition-failed": "The manifests changed since you looked. Look at what would change now, and decide anew.",
    "unsupported-media-type": "Use the forms of these pages; scripts have the API under /api.",
    "idempotency-key-reused": "Load the page again: this form was used for another move.",
    "too-many-requests": "Wait a moment, then load the page again.",
    "internal-error": "Look at the service in Git before you try again. The log has the details under the id below.",
    "github-error": "Try again in a moment. If it stays so, the log has the details under the id below.",
    "outcome-unknown": "Look at the service's history before you try again. A second rollback would undo the first.",
}


def advice_on(error: FailoverError) -> str:
    return ADVICE.get(error.slug) or cure(error.slug)
