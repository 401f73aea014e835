"""The report of an answer to the runner: outputs for later steps, the summary, the log."""

from dataclasses import dataclass
from typing import Any

from failover_api.edges.job.inputs import StepInputs
from failover_api.edges.job.markdown import commits_of, outcome_page, problem_page, pulls_of, slug_of
from failover_api.edges.job.runner import Runner
from failover_api.edges.printable import printable

Body = dict[str, Any]

OUTPUTS = ("side", "commit", "pull-request", "changed", "operation", "message", "problem")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of the call: an outcome or a problem, as with `--json`.

    An outcome has exit code 0, or says what was not waited for to its end: the change is made all the same.
    """

    body: Body
    code: int

    @property
    def is_outcome(self) -> bool:
        return "changes" in self.body and "type" not in self.body


def report(wanted: StepInputs | None, answer: Answer, runner: Runner) -> None:
    """`wanted` is None when the inputs did not say."""
    runner.put_outputs({**dict.fromkeys(OUTPUTS, ""), **outputs(answer)})
    if not answer.is_outcome or wanted is None:
        problem = answer.body
        runner.put_summary(problem_page(wanted, problem))
        runner.complain(str(problem.get("title", "Error")), str(problem.get("detail", "")))
        return
    runner.put_summary(outcome_page(wanted, answer.body))
    with runner.quoting():
        runner.say(printable(answer.body["message"]))
        runner.say(printable(answer.body["diff"]))
    if answer.code:
        runner.complain(f"Not {wanted.until}", f"{answer.body['message']} What was waited for did not come in time.")


def outputs(answer: Answer) -> dict[str, str]:
    """Values of several repositories stand on a line each."""
    body = answer.body
    if not answer.is_outcome:
        return {"changed": "false", "problem": slug_of(body), "message": str(body.get("detail", ""))}
    return {
        "side": side(body),
        "commit": "\n".join(commit["sha"] for commit in commits_of(body)),
        "pull-request": "\n".join(pull["url"] for pull in pulls_of(body)),
        "changed": "true" if body["changed"] and not body["dry_run"] else "false",
        "operation": body["operation"] or "",
        "message": body["message"],
    }


def side(body: Body) -> str:
    """Where Git has the service after the call: a dry run and an open pull request leave it where it was."""
    waits = body["dry_run"] or any(pull["state"] != "merged" for pull in pulls_of(body))
    if "services" not in body:
        return str(body["from"] if waits else body["to"])
    members = body["services"]
    sides = {str(member["from"] if waits or member["to"] is None else member["to"]) for member in members}
    if body["policy"] == "mixed" and waits and not body["dry_run"] and any(member["changed"] for member in members):
        return "mixed"  # some are written, others proposed
    return "unknown" if not sides or "None" in sides else sides.pop() if len(sides) == 1 else "mixed"
