"""Rules of a branch (rulesets, classic protection): which ones refuse our commits, and whether a pull request helps.

    parse_violations(text)     from a refusal, which lists each violated rule on a line of its own
    broken_rules(rules)        beforehand, from the rules that hold for a branch

A pull request helps only when it helps with every violated rule; an unknown rule counts as one it does not help with.

https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Rules about how a change reaches the branch, not about what it contains: a pull request complies with them.
_ABOUT_THE_WAY = re.compile(
    r"(through|via|by|using) (a pull request|the merge queue)|pull requests? (is|are) required|"
    r"requires? (a )?pull requests?|approving review|approval (from|is required)|"
    r"review (is |are )?required|review from|code owner|status checks?\b|"
    r"requires? (a )?deployments?|required deployments?|successful [^\n]{0,80}deployments?|"
    r"code (scanning|quality)|required workflow|conversations? must be resolved|must be resolved|"
    r"protected branch|update this protected ref|authorized to push to this branch",
    re.IGNORECASE,
)
_BYPASS = "let the App past that rule (its bypass list)"
_OWN = f"leave `failover/**` out of that rule, or {_BYPASS}"

# Other rules, and what to do about them. These texts also come without a list of violations:
_BY_THEMSELVES = (
    (
        r"contain secrets?|secrets? (was |were )?(detected|found)|push protection",
        "GitHub takes something in the file for a secret: take it out of the file, or allow it on GitHub",
    ),
    (
        r"verified signatures?|signed commits|commits? must be signed",
        "work as a GitHub App, whose commits GitHub signs, or let these credentials past that rule",
    ),
    (r"locked branch|branch is locked", "the branch is locked: unlock it on GitHub"),
    (r"creations? (being|is|are) restricted|cannot create (ref|this)", _OWN),
    (r"force-push", _OWN),
    (r"cannot delete (this|a) |deletions? (being|is|are) restricted", _OWN),
)
_LISTED = (
    (r"commit messages?\b", f"a rule of the branch wants another commit message: {_BYPASS}"),
    (r"\be-?mails?\b", f"a rule wants another author: {_BYPASS}"),
    (
        r"\bfiles?\b|path length|restricted paths?|paths? (is|are) restricted|size limit|maximum (allowed )?size",
        f"a rule keeps that file from being changed: {_BYPASS}",
    ),
    (r"(branch|ref) names?\b", f"a rule wants other names of branches: {_OWN}"),
)
_ALONE, _IN_LIST = (
    tuple((re.compile(pattern, re.IGNORECASE), advice) for pattern, advice in table)
    for table in (_BY_THEMSELVES, (*_BY_THEMSELVES, *_LISTED))
)
_FOUND = re.compile(r"Repository rule violations found(?: for \S+?)?[.:]?(?=\s|$)")
_PROTECTED = re.compile(
    r"protected branch '[^'\n]*' (check|hook) (failed|declined):?|Protected branch update failed(?: for \S+)?"
)
# Text around the listed rules.
_FRAME = re.compile(
    r"\b(error|remote): |\bGH\d+:|Could not (update|create|delete) file:|Validation Failed|"
    r"Review all repository rules at \S+|Visit \S+ for more information\.?|(- )?https?://\S+|"
    r"Found \d+ violations?:?|\b[0-9a-f]{40}\b",
)
_NAME = re.compile(r'"[^"]*"')  # of a check, say: it may be any


@dataclass(frozen=True, slots=True)
class RuleViolations:
    """The rules that refused a write. `needs_pull_request`: a pull request would comply with all; else `advice`."""

    needs_pull_request: bool
    advice: str = ""


def parse_violations(text: str) -> RuleViolations | None:
    """The violated rules in GitHub's text; None when it is about something else."""
    is_list = bool(_FOUND.search(text) or _PROTECTED.search(text))
    lines = _lines(text)
    table = _IN_LIST if is_list else _ALONE
    advice = [what for line in lines for pattern, what in table if pattern.search(line)]
    unknown = [line for line in lines if not _ABOUT_THE_WAY.search(line)]
    if not is_list and not advice and len(unknown) == len(lines):
        return None
    if advice or unknown:
        return RuleViolations(needs_pull_request=False, advice="; ".join(dict.fromkeys(advice)) or _BYPASS)
    return RuleViolations(needs_pull_request=True)


def _lines(text: str) -> list[str]:
    """The rules, each by itself; none when a list names no rule, which a pull request may help with."""
    bare = _FOUND.sub("\n", _PROTECTED.sub("\n", text))
    stripped = (_NAME.sub("", _FRAME.sub(" ", line)).strip(" \t\r-*.:") for line in bare.split("\n"))
    return [line for line in stripped if line]


# Beforehand, by the kinds of rules that hold for a branch. https://docs.github.com/en/rest/repos/rules

NEEDS_PULL_REQUEST = {
    "pull_request", "required_status_checks", "update", "merge_queue", "required_deployments", "code_scanning",
    "code_quality", "workflows",
}  # fmt: skip
_VERBS = {"starts_with": "start with", "ends_with": "end with", "contains": "contain"}
_HEADLINES = ("Fail over sonarr to backup", "Fail back sonarr to primary")
_BODY = "\n\nFailover-Service: sonarr\nFailover-Requested-At: 2026-01-01T00:00:00Z"
_COMMITTER = "noreply@github.com"  # GitHub commits what comes by its API
# A rule's regular expression is tried only if it is surely fast: on one line, with few repeats, none of a group.
_MOST_REPEATS = 3
_REPEAT = re.compile(r"(?<!\()[*+?{]")
_REPEATED_GROUP = re.compile(r"\)[*+{]")


def broken_rules(rules: Sequence[Mapping[str, Any]], *, signs: bool, own: str | None = None) -> list[str]:
    """The rules of a branch that our commits violate, also by pull request.

    `signs`: GitHub signs our commits. `own`: the branch is one of ours, of that name.
    """
    broken: list[str] = []
    for rule in rules:
        kind, parameters = str(rule.get("type")), rule.get("parameters") or {}
        if _breaks(kind, parameters, signs=signs, own=own):
            broken.append(" ".join(filter(None, (kind, _wanted(parameters)))))
    return list(dict.fromkeys(broken))


def unchecked_rules(rules: Sequence[Mapping[str, Any]], *, own: str | None = None) -> list[str]:
    """The rules whose regular expression is not tried here: whether our commits comply is not known beforehand."""
    about = {"commit_message_pattern", "committer_email_pattern"} | ({"branch_name_pattern"} if own else set())
    unchecked = [
        f"{rule['type']} {_wanted(parameters)}"
        for rule in rules
        if rule.get("type") in about
        and (parameters := rule.get("parameters") or {}).get("operator") == "regex"
        and not _is_quick(str(parameters.get("pattern", "")))
    ]
    return list(dict.fromkeys(unchecked))


def _is_quick(pattern: str) -> bool:
    return len(_REPEAT.findall(pattern)) <= _MOST_REPEATS and not _REPEATED_GROUP.search(pattern)


def _breaks(kind: str, parameters: Mapping[str, Any], *, signs: bool, own: str | None) -> bool:
    match kind:
        case "required_signatures":
            return not signs
        case "commit_message_pattern":
            regex = parameters.get("operator") == "regex"
            return not all(_fits(parameters, line if regex else line + _BODY) for line in _HEADLINES)
        case "committer_email_pattern":
            return not _fits(parameters, _COMMITTER)
        case "branch_name_pattern":
            return own is not None and not _fits(parameters, own)
        case "file_extension_restriction":
            refused = {
                str(extension).lstrip("*.").lower() for extension in parameters.get("restricted_file_extensions", ())
            }
            return not refused.isdisjoint({"yaml", "yml"})
        case "lock_branch":
            return True
        case _:
            return own is not None and (kind == "creation" or kind in NEEDS_PULL_REQUEST)


def _fits(parameters: Mapping[str, Any], text: str) -> bool:
    """Whether a rule's pattern accepts the text; in doubt it does."""
    pattern = str(parameters.get("pattern", ""))
    match parameters.get("operator"):
        case "starts_with":
            matches = text.startswith(pattern)
        case "ends_with":
            matches = text.endswith(pattern)
        case "contains":
            matches = pattern in text
        case "regex":
            if not _is_quick(pattern):
                return True
            try:
                matches = re.search(pattern, text) is not None
            except (re.error, OverflowError, RecursionError):  # GitHub's expressions are not quite Python's
                return True
        case _:
            return True
    return matches is not bool(parameters.get("negate"))


def _wanted(parameters: Mapping[str, Any]) -> str:
    """The pattern, for people."""
    if "pattern" not in parameters:
        return ""
    negated = "must not" if parameters.get("negate") else "must"
    verb = _VERBS.get(str(parameters.get("operator")), "match")
    return f"{negated} {verb} {str(parameters['pattern'])[:80]!r}"
