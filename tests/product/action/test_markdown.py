"""The summary: whole pages compared, and nothing from outside is markup."""

from typing import Any

import pytest

from failover_api.core.safety.hazard import Hazard, Severity
from failover_api.edges.job.inputs import StepInputs
from failover_api.edges.job.markdown import MAX_DIFF, MAX_ROWS, outcome_page, problem_page
from failover_api.edges.job.report import Answer, outputs, side
from failover_api.edges.problems import CURES, STATUSES, cure, problem
from failover_api.errors import ManifestDrifted, OutcomeUnknown, UnsafeMove

WANTED = StepInputs("promote", "sonarr", is_group=False, is_remote=False, flags=(), reason="", key="")
CHANGE = {"file": "a.yaml", "document": "Deployment a", "path": "spec.role", "line": 3, "old": None, "new": True}
COMMIT = {"sha": "0123456789abcdef", "url": "https://github.example/c/0123", "verified": True}
PULL = {"number": 12, "url": "https://github.example/pull/12", "branch": "failover/sonarr", "state": "open"}


def outcome(**changes: Any) -> dict[str, Any]:
    return {
        "service": "sonarr",
        "action": "promote",
        "dry_run": False,
        "policy": "direct",
        "from": "primary",
        "to": "backup",
        "changed": True,
        "changes": [CHANGE],
        "diff": "-a\n+b\n",
        "commit": COMMIT,
        "pull_request": None,
        "operation": "01JD",
        "message": "sonarr moved",
        "warnings": [],
        **changes,
    }


def test_an_outcome_is_a_page() -> None:
    assert (
        outcome_page(WANTED, outcome(warnings=["no label"]))
        == """\
### promote sonarr: done

sonarr moved

- Commit <a href="https://github.example/c/0123">0123456789ab</a> (verified)
- Operation 01JD

Warning: no label

| file | key | old | new |
| --- | --- | --- | --- |
| a&#46;yaml&#58;3 | spec&#46;role | null | true |

<details><summary>Diff</summary>

```diff
-a
+b
```

</details>

"""
    )


def test_a_hazard_is_told_with_its_cure() -> None:
    said = {"severity": "warn", "where": None, "detail": "It *stays*.", "cure": "Sync it."}
    hazards = [{**said, "slug": "data-left-behind", "about": about} for about in ("a", "b")]
    assert "Warning (`data-left-behind`): It &#42;stays&#42;&#46; Sync it&#46;\n" in outcome_page(
        WANTED, outcome(hazards=hazards[:1])
    )
    assert outcome_page(WANTED, outcome(hazards=hazards)).count("data-left-behind") == 1


def test_an_unsafe_move_is_a_page_with_its_hazards_and_what_it_would_do() -> None:
    unsafe = UnsafeMove("It stops.")
    stop = Hazard("strategy-alone", Severity.STOP, "Deployment a", "a.yaml:3", "It *stops*.", "Mend it.")
    unsafe.hazards = (stop,)
    page = problem_page(WANTED, {**problem(unsafe, instance=None), "diff": "-a\n+b\n"})
    assert "### promote sonarr: refused\n" in page
    assert "Stop (`strategy-alone`): It &#42;stops&#42;&#46; Mend it&#46;\n" in page
    assert "```diff\n-a\n+b\n```" in page
    assert "Nothing was written." in page


def test_a_problem_is_a_page_with_its_cure() -> None:
    page = problem_page(WANTED, problem(ManifestDrifted("a: role is w3"), instance=None))
    assert (
        page
        == f"""\
### promote sonarr: refused

**A value is on neither side** (`manifest-drifted`): a&#58; role is w3

What to do: {CURES["manifest-drifted"].replace(".", "&#46;").replace(":", "&#58;")}

Nothing was written.

"""
    )


def test_all_that_are_refused_stand_in_a_table() -> None:
    error = ManifestDrifted("a: role is w3 (and refused as well: b)")
    error.refused = {"a": ManifestDrifted("role is w3"), "b": ManifestDrifted("`x` | [y](z)")}
    page = problem_page(WANTED, problem(error, instance=None))
    assert (
        """
| service | refused | why |
| --- | --- | --- |
| a | A value is on neither side | role is w3 |
| b | A value is on neither side | &#96;x&#96; &#124; &#91;y&#93;&#40;z&#41; |
"""
        in page
    )


def test_an_unknown_outcome_never_reads_like_a_failure() -> None:
    page = problem_page(WANTED, problem(OutcomeUnknown("no reply"), instance=None))
    assert "### promote sonarr: outcome unknown" in page
    assert "**The change may have been made.**" in page
    assert "Nothing was written" not in page


def test_every_problem_has_a_cure() -> None:
    assert STATUSES.keys() <= CURES.keys()
    assert all(text.endswith(".") for text in CURES.values())
    assert cure("a-slug-of-a-newer-service") == ""


HOSTILE = "<img src=x onerror=alert(1)> | [a](javascript:x) `b` @maria **c** \x1b[31m ‮ \n# d"


def test_text_from_outside_is_no_markup() -> None:
    change = {**CHANGE, "file": HOSTILE, "old": HOSTILE}
    page = outcome_page(WANTED, outcome(message=HOSTILE, changes=[change], warnings=[HOSTILE], diff=""))
    for mark in ("<img", "](", "`b`", "@maria", "**c**", "\x1b", "‮", "\n# d"):
        assert mark not in page
    row = page.splitlines()[-2]
    assert row.count("|") == 5


def test_a_diff_cannot_leave_its_fence() -> None:
    page = outcome_page(WANTED, outcome(diff="+```\n+````\n+</details>\r\n"))
    assert "\n`````diff\n+```\n+````\n+</details>\n`````\n" in page


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", ""])
def test_a_link_leads_to_the_web_or_nowhere(url: str) -> None:
    assert "href" not in outcome_page(WANTED, outcome(commit={**COMMIT, "url": url}))
    quoted = outcome_page(WANTED, outcome(commit={**COMMIT, "url": 'https://x/"><script>'}))
    assert "<script>" not in quoted


def test_a_large_outcome_stays_below_what_github_takes() -> None:
    page = outcome_page(WANTED, outcome(changes=[CHANGE] * 5000, diff="+x\n" * MAX_DIFF))
    assert len(page.encode()) < 1024 * 1024
    assert f"and {5000 - MAX_ROWS} more" in page
    assert "The diff is cut here." in page


MEMBERS = [
    {"service": "sonarr", "from": "primary", "to": "backup", "changed": True},
    {"service": "plex", "from": "backup", "to": "backup", "changed": False},
]
REFUSED = {"service": "gitea", "from": None, "to": None, "changed": False, "error": {"detail": "drifted"}}


def group(**changes: Any) -> dict[str, Any]:
    body = outcome(group="media", services=MEMBERS, **changes)
    return {name: value for name, value in body.items() if name not in {"service", "from"}}


def test_a_group_lists_its_members() -> None:
    page = outcome_page(WANTED, {**group(), "services": [*MEMBERS, REFUSED]})
    assert "| sonarr | primary | backup | moves |" in page
    assert "| plex | backup | backup | is there already |" in page
    assert "| gitea |  |  | left out&#58; drifted |" in page


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (outcome(), "backup"),
        (outcome(dry_run=True), "primary"),
        (outcome(pull_request=PULL), "primary"),
        (outcome(pull_request={**PULL, "state": "merged"}), "backup"),
        (outcome(changed=False, **{"from": "backup"}), "backup"),
        (group(), "backup"),
        (group(dry_run=True), "mixed"),
        (group(pull_request=PULL), "mixed"),
        ({**group(), "services": [*MEMBERS, REFUSED]}, "unknown"),
        ({**group(policy="mixed", pull_requests=[PULL]), "services": MEMBERS[:1]}, "mixed"),
    ],
)
def test_the_side_is_where_git_has_the_service_now(body: dict[str, Any], where: str) -> None:
    assert side(body) == where


def node(**changes: Any) -> dict[str, Any]:
    body = {**group(unplaced=["<b>gitea</b>"], **changes), "node": "k3s-w1", "action": "evacuate"}
    return {name: value for name, value in body.items() if name != "group"}


def test_a_node_lists_what_moves_and_what_stays() -> None:
    page = outcome_page(WANTED, node())
    assert "| sonarr | primary | backup | moves |" in page
    assert "nobody knows their node: &#60;b&#62;gitea&#60;/b&#62;\n" in page
    assert side(node()) == "backup"
    assert side({**node(changed=False), "services": []}) == "unknown"


def test_several_repositories_give_a_line_each() -> None:
    told = outputs(Answer(group(commits=[COMMIT, {**COMMIT, "sha": "f" * 40}], pull_requests=[PULL, PULL]), 0))
    assert told["commit"] == f"{COMMIT['sha']}\n{'f' * 40}"
    assert told["pull-request"] == f"{PULL['url']}\n{PULL['url']}"


def test_a_dry_run_changed_nothing() -> None:
    assert outputs(Answer(outcome(dry_run=True, commit=None, operation=None), 0))["changed"] == "false"
