"""Each status and text of GitHub has its meaning. A row is what GitHub sends, word for word."""

from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from failover_api.errors import (
    BranchProtected,
    Conflict,
    FailoverError,
    FileNotFound,
    ForgeError,
    ForgePermission,
    ForgeRateLimited,
    ForgeUnavailable,
    RepositoryNotFound,
    WriteConflict,
    WriteUnknown,
)
from failover_api.forge.github.replies import (
    AlreadyMergeable,
    BadCredentials,
    TokenNotActiveYet,
    UnsupportedQuery,
    graphql_refusal,
    refusal,
)
from failover_api.forge.github.rules import parse_violations
from failover_api.forge.http.reply import Reply
from failover_api.forge.http.transport import no_reply_error
from tests.support.fake_github import ALREADY, CREATION

NOW = 1_800_000_000.0
SHA, OTHER = "3d21ec53a331a6f037a91c368710b99387d012c1", "95b966ae1c166bd92f8ae7d1c313e738c731dfc3"
RULESET = "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"
REVIEW = "Could not update file: At least 1 approving review is required by reviewers with write access."
CHECK = 'Could not update file: Required status check "ci" is expected.'
PUSH = (
    "Could not update file: You're not authorized to push to this branch. "
    "Visit https://docs.github.com/articles/about-protected-branches/ for more information."
)
SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID 1A2B:3C."
)
PRIMARY = "API rate limit exceeded for installation ID 2001."
FORCED = "Changes must be made through a pull request. Cannot force-push to this branch"
NO_SHA = 'Invalid request.\n\n"sha" wasn\'t supplied.'
NOT_GRANTED = "The permissions requested are not granted to this installation."
NOT_IN_IT = "There is at least one repository that does not exist or is not accessible to the parent installation."
SORRY = "Something went wrong while executing your query. This may be the result of a timeout, or it could be a bug."


def reply(status: int, message: str | None = None, **headers: str) -> Reply:
    data = None if message is None else {"message": message}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply("PUT", "/x", status, named, b"", data)


def meaning(status: int, message: str | None = None, *, writing: bool = True, **headers: str) -> FailoverError:
    return refusal(reply(status, message, **headers), now=NOW, what="writing a.yaml", writing=writing)


@pytest.mark.parametrize(
    ("status", "message", "expected", "slug"),
    [
        (409, f"apps/sonarr.yaml does not match {SHA}", WriteConflict, "conflict"),
        (409, f"is at {SHA} but expected {OTHER}", WriteConflict, "conflict"),
        (409, f"refs/heads/main expected to be at {SHA}", WriteConflict, "conflict"),
        (409, RULESET, BranchProtected, "branch-protected"),
        (409, REVIEW, BranchProtected, "branch-protected"),
        (409, CHECK, BranchProtected, "branch-protected"),
        (409, PUSH, BranchProtected, "branch-protected"),
        (403, PUSH, BranchProtected, "branch-protected"),
        (422, RULESET, BranchProtected, "branch-protected"),
        (409, "Could not update file: Commits must have verified signatures.", Conflict, "conflict"),
        (409, "Could not create file: Cannot change this locked branch", ForgePermission, "github-permission"),
        (422, "Secret detected in content", ForgePermission, "github-permission"),
        (409, "Could not update file: Merging is blocked by policy", Conflict, "conflict"),
        (422, "refs/heads/failover/x is not a valid ref name.", ForgeError, "github-error"),
        (409, "Git Repository is empty.", RepositoryNotFound, "repository-not-found"),
        (422, NO_SHA, WriteConflict, "conflict"),
        (422, "Update is not a fast forward", WriteConflict, "conflict"),
        (422, "Reference already exists", WriteConflict, "conflict"),
        (422, "Reference does not exist", WriteConflict, "conflict"),
        (422, "Object does not exist", ForgeError, "github-error"),
        (422, CREATION, ForgePermission, "github-permission"),
        (422, FORCED, ForgePermission, "github-permission"),
        (405, "Pull Request is not mergeable", ForgeError, "github-error"),
        (405, "Squash merges are not allowed on this repository.", ForgeError, "github-error"),
        (409, "Head branch was modified. Review and try the merge again.", Conflict, "conflict"),
        (422, NOT_GRANTED, ForgePermission, "github-permission"),
        (422, NOT_IN_IT, ForgePermission, "github-permission"),
        (422, "path contains a malformed path component", ForgeError, "github-error"),
        (401, "Bad credentials", BadCredentials, "github-permission"),
        (403, "Resource not accessible by integration", TokenNotActiveYet, "github-permission"),
        (403, "Resource not accessible by personal access token", TokenNotActiveYet, "github-permission"),
        (403, "This installation has been suspended", ForgePermission, "github-permission"),
        (404, "Not Found", FileNotFound, "manifest-not-found"),
        (404, "Branch main not found", FileNotFound, "manifest-not-found"),
        (301, "Moved Permanently", RepositoryNotFound, "repository-not-found"),
        (307, "Temporary Redirect", RepositoryNotFound, "repository-not-found"),
        (400, "Problems parsing JSON", ForgeError, "github-error"),
        (403, PRIMARY, ForgeRateLimited, "github-rate-limited"),
        (403, SECONDARY, ForgeRateLimited, "github-rate-limited"),
        (429, None, ForgeRateLimited, "github-rate-limited"),
        (500, None, WriteUnknown, "outcome-unknown"),
        (502, "Server Error", WriteUnknown, "outcome-unknown"),
        (503, None, WriteUnknown, "outcome-unknown"),
        (504, "We couldn't respond to your request in time.", WriteUnknown, "outcome-unknown"),
        (408, None, WriteUnknown, "outcome-unknown"),
    ],
)
def test_each_text_of_a_write_has_its_meaning(
    status: int, message: str | None, expected: type[FailoverError], slug: str
) -> None:
    error = meaning(status, message)
    assert type(error) is expected
    assert error.slug == slug
    if message and expected is not ForgeRateLimited:
        assert " ".join(message.split()) in error.detail  # GitHub's own text is handed on


# Rules, as a ruleset lists them; and what is advised where a pull request does not help.
CURED = [
    "Changes must be made through a pull request.",
    "Changes must be made through the merge queue",
    "Changes must be made via a pull request.",
    "A pull request is required to update this branch.",
    "At least 1 approving review is required by reviewers with write access.",
    "New changes require approval from someone other than the last pusher.",
    'Required status check "ci" is expected.',
    'Required status check "commit message lint" is expected.',
    "4 of 4 required status checks are expected.",
    "Missing successful active github-pages deployment.",
    "Code scanning is waiting for results from CodeQL for the commit e2e2b1f.",
    "Cannot update this protected ref.",
]
NOT_CURED = [
    ("Push cannot contain secrets", "out of the file"),
    ("Secret detected in content", "out of the file"),
    (f"Commits must have verified signatures.\n  Found 1 violation:\n\n  {SHA}", "work as a GitHub App"),
    ("Commit message must match a given regex pattern: ^JIRA-[0-9]+", "another commit message"),
    ("Commit message must start with a matching pattern: fix:", "another commit message"),
    ("Commit message must contain a matching pattern: #", "another commit message"),
    ("Commit author email must match a given regex pattern: @acme.com$", "another author"),
    ("File path apps/media/sonarr/deployment.yaml is restricted", "keeps that file"),
    ("Changes to restricted file paths are not allowed: apps/**", "keeps that file"),
    ("File size must not exceed 1 MB", "keeps that file"),
    ("File extension .yaml is restricted", "keeps that file"),
    ("Branch name must match a given regex pattern: ^feature/", "leave `failover/**` out"),
    ("Cannot create ref due to creations being restricted.", "leave `failover/**` out"),
    ("Cannot force-push to this branch", "leave `failover/**` out"),
    ("Cannot delete this branch", "leave `failover/**` out"),
    ("Cannot change this locked branch", "unlock it"),
    ("This branch must not contain merge commits.", "bypass list"),
    ("A rule that nobody has seen yet", "bypass list"),
]


def listed(*rules: str) -> str:
    return "\n\n".join(("Repository rule violations found", *rules)) + "\n\n"


def refusals(message: str) -> list[FailoverError]:
    """What a text means, however it comes."""
    pushed = f"error: GH013: Repository rule violations found for refs/heads/main.\n\n- {message.partition(chr(10))[2]}"
    by_rest = [meaning(status, text) for text in (message, pushed) for status in (403, 409, 422)]
    return [*by_rest, graphql("UNPROCESSABLE", message), graphql("", message)]


@pytest.mark.parametrize("rules", [*((rule,) for rule in CURED), CURED, ()])
def test_rules_that_want_a_pull_request_say_so(rules: Sequence[str]) -> None:
    for error in refusals(listed(*rules)):
        assert type(error) is BranchProtected, error
        assert error.detail.endswith("; the service needs `policy: pull_request` (or `fallback: pull_request`)")
        assert error.detail.startswith(error.said)


@pytest.mark.parametrize(("rule", "advice"), NOT_CURED)
def test_rules_that_no_pull_request_cures_are_refused_with_what_helps(rule: str, advice: str) -> None:
    for rules in ((rule,), (CURED[0], rule), (rule, CURED[1], CURED[4])):
        for error in refusals(listed(*rules)):
            assert type(error) is ForgePermission, error
            assert " ".join(rule.split()) in error.detail, "in GitHub's own words"
            assert advice in error.detail
            assert "policy: pull_request" not in error.detail


def test_several_rules_that_do_not_come_with_lines_of_their_own_are_told_apart_too() -> None:
    message = "Repository rule violations found Changes must be made through a pull request. "
    assert type(meaning(422, message)) is BranchProtected
    assert type(meaning(422, f"{message}Cannot change this locked branch")) is ForgePermission


def test_rules_are_told_apart_in_time_that_grows_as_the_text() -> None:
    for piece in ("Repository rule violations found ", "successful ", "protected branch '", 'review "', "- https://"):
        parse_violations(f"Repository rule violations found\n{piece * 20_000}")


def invalid(*errors: Any) -> FailoverError:
    """What a 422 means that tells more of single fields."""
    body = {"message": "Validation Failed", "errors": list(errors)}
    return refusal(Reply("POST", "/x", 422, {}, b"", body), now=NOW, what="opening", writing=True)


PULL = "PullRequest"
REVIEWERS = "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not."


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [
        (
            {"resource": PULL, "code": "custom", "message": "A pull request already exists for acme:failover/x."},
            WriteConflict,
            "Validation Failed: A pull request already exists for acme:failover/x.",
        ),
        (
            {"resource": PULL, "code": "custom", "message": "No commits between main and failover/x"},
            WriteConflict,
            "Validation Failed: No commits between main and failover/x",
        ),
        ({"resource": PULL, "field": "head", "code": "invalid"}, WriteConflict, "PullRequest head invalid"),
        ({"resource": PULL, "field": "base", "code": "invalid"}, ForgeError, "PullRequest base invalid"),
        ({"resource": "Label", "code": "missing_field", "field": "name"}, ForgeError, "Label name missing_field"),
        (REVIEWERS, ForgeError, f"Validation Failed: {REVIEWERS}"),
        (None, ForgeError, "(Validation Failed)"),
        ({}, ForgeError, "(Validation Failed)"),
    ],
)
def test_what_is_wrong_with_a_field_is_read_and_said(error: Any, expected: type[FailoverError], said: str) -> None:
    met = invalid(error)
    assert type(met) is expected
    assert said in met.detail


def test_several_fields_are_said_together() -> None:
    fields = [{"resource": PULL, "field": field, "code": "invalid"} for field in ("base", "title")]
    assert "(Validation Failed: PullRequest base invalid; PullRequest title invalid)" in invalid(*fields).detail


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_read_that_failed_on_their_side_may_be_asked_again(status: int) -> None:
    error = meaning(status, writing=False)
    assert type(error) is ForgeUnavailable
    assert error.retry_after_s == 5.0


def test_the_time_a_sick_server_asks_for_is_handed_on() -> None:
    assert meaning(503, writing=False, retry_after="17").retry_after_s == 17.0


def test_an_unknown_409_is_no_lost_race() -> None:
    error = meaning(409, "Merging is blocked by policy")
    assert type(error) is Conflict
    assert not isinstance(error, WriteConflict)


def test_the_missing_permission_is_named() -> None:
    named = "contents=write; workflows=write"
    error = meaning(403, "Resource not accessible by integration", x_accepted_github_permissions=named)
    assert "contents: write; workflows: write" in error.detail


def test_a_suspended_installation_is_said_to_be_suspended() -> None:
    assert "the App's installation is suspended" in meaning(403, "This installation has been suspended").detail


@pytest.mark.parametrize(
    ("status", "message", "headers", "wait_s"),
    [
        (403, PRIMARY, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(NOW) + 90)}, 90.0),
        (429, PRIMARY, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(NOW) + 90)}, 90.0),
        (403, PRIMARY, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(NOW) - 90)}, 1.0),
        (403, PRIMARY, {"x_ratelimit_remaining": "0"}, 60.0),
        (403, PRIMARY, {}, 60.0),
        (403, SECONDARY, {"retry_after": "7"}, 7.0),
        (403, SECONDARY, {"retry_after": "0"}, 1.0),
        (403, SECONDARY, {}, 60.0),
        (403, SECONDARY, {"x_ratelimit_remaining": "4990", "x_ratelimit_reset": str(int(NOW) + 3000)}, 60.0),
        (429, None, {"retry_after": "12"}, 12.0),
        (429, None, {"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60.0),
        (429, None, {"retry_after": "inf"}, 60.0),
        (429, None, {"retry_after": "nan"}, 60.0),
        (429, None, {"retry_after": "-5"}, 60.0),
        (429, None, {"retry_after": "999999"}, 3600.0),
        (403, "You have triggered an abuse detection mechanism.", {}, 60.0),
        (403, None, {"retry_after": "3"}, 3.0),
    ],
)
def test_how_long_github_asks_us_to_wait(
    status: int, message: str | None, headers: dict[str, str], wait_s: float
) -> None:
    error = meaning(status, message, **headers)
    assert type(error) is ForgeRateLimited
    assert error.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("status", "message", "headers", "secondary"),
    [
        (403, PRIMARY, {}, False),
        (429, PRIMARY, {}, False),
        (403, "no", {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(NOW) + 90)}, False),
        (403, SECONDARY, {}, True),
        (429, SECONDARY, {"x_ratelimit_remaining": "0"}, True),
        (403, "You have triggered an abuse detection mechanism.", {}, True),
        (429, None, {}, True),
        (429, "Too many requests", {"retry_after": "5", "x_ratelimit_remaining": "4990"}, True),
        (403, None, {"retry_after": "3"}, True),
    ],
)
def test_a_limit_that_does_not_say_it_is_the_quota_is_the_secondary_one(
    status: int, message: str | None, headers: dict[str, str], secondary: bool
) -> None:
    error = meaning(status, message, **headers)
    assert isinstance(error, ForgeRateLimited)
    assert error.secondary is secondary
    assert ("secondary" in error.detail) is secondary


@pytest.mark.parametrize(
    ("kind", "message", "secondary"),
    [
        ("RATE_LIMITED", PRIMARY, False),
        ("RATE_LIMIT", "Any text", False),
        ("", PRIMARY, False),
        ("", SECONDARY, True),
        ("RATE_LIMITED", SECONDARY, True),
    ],
)
def test_graphql_tells_its_quota_from_the_secondary_limit(kind: str, message: str, secondary: bool) -> None:
    error = graphql(kind, message)
    assert isinstance(error, ForgeRateLimited)
    assert error.secondary is secondary


def test_the_reset_is_by_githubs_clock() -> None:
    date = "Fri, 15 Jan 2027 07:00:00 GMT"  # an hour behind NOW
    error = meaning(403, PRIMARY, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(NOW) - 3600 + 50), date=date)
    assert error.retry_after_s == 50.0


def graphql(kind: str, message: str, *, data: Any = None, writing: bool = True, **headers: str) -> FailoverError:
    body = {"data": data, "errors": [{"type": kind, "message": message}]}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = Reply("POST", "/graphql", 200, named, b"", body)
    return graphql_refusal(given, now=NOW, what="writing 2 files", writing=writing)


STALE = f'Expected branch to point to "{SHA}" but it did not.  Pull and try again.'
CLASSIC = "protected branch 'main' check failed:\n At least 1 approving review is required"
NO_REPOSITORY = "Could not resolve to a Repository with the name 'acme/homelab'."


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("STALE_DATA", STALE, WriteConflict),
        ("", STALE, WriteConflict),
        ("UNPROCESSABLE", RULESET, BranchProtected),
        ("BRANCH_PROTECTION_RULE_VIOLATION", CLASSIC, BranchProtected),
        ("RATE_LIMITED", "API rate limit exceeded for installation ID 2001.", ForgeRateLimited),
        ("RATE_LIMIT", ALREADY, ForgeRateLimited),
        ("", ALREADY, ForgeRateLimited),
        ("", SECONDARY, ForgeRateLimited),
        ("FORBIDDEN", "Resource not accessible by integration", TokenNotActiveYet),
        ("NOT_FOUND", NO_REPOSITORY, RepositoryNotFound),
        ("", SORRY, WriteUnknown),
        ("UNPROCESSABLE", "A path was requested which is not valid: `../x`", ForgeError),
        ("INSUFFICIENT_SCOPES", "Your token has not been granted the required scopes.", ForgeError),
        ("RESOURCE_LIMITS_EXCEEDED", "Resource limits for this query exceeded.", WriteUnknown),
        ("SERVICE_UNAVAILABLE", "Try again later.", WriteUnknown),
        ("", "A text that nobody has seen yet", WriteUnknown),
        ("UNPROCESSABLE", "Pull request Pull request is in clean status", AlreadyMergeable),
        ("", "Pull request Pull request is in clean status", AlreadyMergeable),
        ("UNPROCESSABLE", "Pull request Pull request is in unstable status", ForgeError),
        ("UNPROCESSABLE", "Pull request Auto merge is not allowed for this repository", ForgeError),
        ("", f"cannot lock ref 'refs/heads/x': is at {SHA} but expected {OTHER}", WriteConflict),
        ("UNPROCESSABLE", CREATION, ForgePermission),
    ],
)
def test_each_error_of_graphql_has_its_meaning(kind: str, message: str, expected: type[FailoverError]) -> None:
    error = graphql(kind, message)
    assert type(error) is expected


@pytest.mark.parametrize("kind", ["RESOURCE_LIMITS_EXCEEDED", "SERVICE_UNAVAILABLE", ""])
def test_an_unknown_error_of_a_query_is_no_unknown_outcome(kind: str) -> None:
    assert type(graphql(kind, "A text that nobody has seen yet", writing=False)) is ForgeError


@pytest.mark.parametrize(
    ("ran", "expected"),
    [({}, UnsupportedQuery), ({"data": None}, WriteUnknown), ({"data": {"createCommitOnBranch": None}}, WriteUnknown)],
)
def test_a_mutation_that_is_refused_as_a_query_never_ran(ran: Any, expected: type[FailoverError]) -> None:
    # What was carried out names its place in the query as well, but has `data`.
    wrong = {"locations": [{"line": 2, "column": 3}], "message": "Field 'x' doesn't exist on type 'Commit'"}
    given = Reply("POST", "/graphql", 200, {}, b"", {"errors": [wrong], **ran})
    assert type(graphql_refusal(given, now=NOW, what="writing 2 files", writing=True)) is expected


def test_a_query_that_went_wrong_may_be_asked_again() -> None:
    assert type(graphql("", SORRY, writing=False)) is ForgeUnavailable


def test_a_mutation_that_was_carried_out_is_never_called_a_failure() -> None:
    done = {"createCommitOnBranch": {"commit": {"oid": SHA, "signature": None}}}
    assert type(graphql("UNPROCESSABLE", "the signature is not there yet", data=done)) is WriteUnknown


@pytest.mark.parametrize("done", [None, {}, {"createCommitOnBranch": None}])
def test_a_mutation_that_gave_nothing_was_not_carried_out(done: Any) -> None:
    assert type(graphql("STALE_DATA", STALE, data=done)) is WriteConflict


@pytest.mark.parametrize(
    ("message", "headers", "wait_s"),
    [
        (ALREADY, {}, 60.0),
        (ALREADY, {"retry_after": "9"}, 9.0),
        (ALREADY, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(NOW) + 33)}, 33.0),
        (ALREADY, {"x_ratelimit_remaining": "2", "x_ratelimit_reset": str(int(NOW) + 33)}, 33.0),
        (SECONDARY, {"x_ratelimit_remaining": "9", "x_ratelimit_reset": str(int(NOW) + 33)}, 60.0),
        (SECONDARY, {"retry_after": "30"}, 30.0),
    ],
)
def test_how_long_graphql_asks_us_to_wait(message: str, headers: dict[str, str], wait_s: float) -> None:
    assert graphql("RATE_LIMIT", message, **headers).retry_after_s == wait_s


@pytest.mark.parametrize("errors", [["not a mapping"], "text", {"message": "alone"}])
def test_errors_of_an_unknown_shape_are_an_error(errors: Any) -> None:
    given = Reply("POST", "/graphql", 200, {}, b"", {"data": None, "errors": errors})
    assert type(graphql_refusal(given, now=NOW, what="x", writing=False)) is ForgeError
    assert type(graphql_refusal(given, now=NOW, what="x", writing=True)) is WriteUnknown


@pytest.mark.parametrize(
    ("writing", "sent", "expected"),
    [
        (True, True, WriteUnknown),
        (True, False, ForgeUnavailable),
        (False, True, ForgeUnavailable),
        (False, False, ForgeUnavailable),
    ],
)
def test_a_missing_reply_is_unknown_only_for_a_write_that_left(
    writing: bool, sent: bool, expected: type[FailoverError]
) -> None:
    error = no_reply_error(httpx2.ReadTimeout("secret detail"), what="writing", sent=sent, writing=writing)
    assert type(error) is expected
    assert error.detail == "writing: no reply from GitHub (no answer in time)"


def test_a_reply_is_shown_without_its_body() -> None:
    secret = Reply("POST", "/x", 201, {}, b'{"token": "ghs_secret"}', {"token": "ghs_secret"})
    assert "ghs_secret" not in repr(secret)


def test_a_long_text_is_cut_and_kept_on_one_line() -> None:
    error = meaning(400, "a\nb " * 400)
    assert "\n" not in error.detail
    assert len(error.detail) < 400
