"""What to do about a problem, in a sentence: the cure of each slug."""

CURES: dict[str, str] = {
    "bad-request": "Correct what the message names, and ask again.",
    "unauthenticated": "Show a token that the access file knows; it may have expired, or be for another audience.",
    "forbidden": "Ask somebody who may, or have the access file's rule allow it.",
    "unknown-service": "Use a name of the catalog, config/services.yaml; it must be one that you may see.",
    "unknown-group": "Use a group of the catalog, config/services.yaml, of which you may see every service.",
    "not-found": "Correct the URL.",
    "repository-not-found": "Correct repository and branch in the catalog, or install the App on that repository.",
    "method-not-allowed": "Use POST to move, GET to look.",
    "body-too-large": "Send less.",
    "unsupported-media-type": "Send JSON.",
    "manifest-drifted": "Look at the value. Put it right in Git or the catalog, or overwrite it: ask again with force.",
    "conflict": "Ask again: others were writing at the same time.",
    "operation-pending": "Merge or close what is named; supersede closes a pull request that no person has pushed to.",
    "branch-protected": "Give the service policy or fallback pull_request, or let the App past the rule.",
    "nothing-to-roll-back": "Use promote or demote: Git knows of no move to undo.",
    "changed-since": "Look at the commit. What a person changed is not undone; use promote or demote.",
    "precondition-failed": "Look at the new dry run, and ask again if it is still what you want.",
    "manifest-not-found": "Correct the entry in the catalog: path, kind, name and namespace.",
    "manifest-ambiguous": "Say in the catalog which one is meant: path, kind, name and namespace.",
    "manifest-invalid": "Put right what the message names, in the manifest or in the catalog; force does not help.",
    "switch-not-found": "Add the key to the manifest, or correct its path in the catalog.",
    "idempotency-key-reused": "Use a key of its own for each wish.",
    "repository-too-large": "Name the path of each service in the catalog.",
    "cannot-plan": "Change the manifest by hand: the edit could not be proved safe. Please report it.",
    "too-many-requests": "Wait as long as told, then show a valid token.",
    "internal-error": "See where the service is before you ask again. Please report it, with the log.",
    "github-error": "Ask again; see GitHub's status page if it goes on.",
    "github-permission": "Give the App, or the job's token, the permission the message names, or a way past the rule.",
    "not-ready": "Correct what the message names: catalog, credentials, or where the service is reached.",
    "github-rate-limited": "Wait as long as told, and ask again.",
    "github-unavailable": "Ask again; when GitHub stays down, change the cluster by hand, and Git when it is back.",
    "outcome-unknown": "See where the service is before you ask again: the change may have been made.",
}


def cure(slug: str) -> str:
    """What to do, or nothing when the problem is one that we do not know."""
    return CURES.get(slug, "")
