"""The history of a service."""

from failover_api.edges.bodies.commits import pull_request_body
from failover_api.edges.models.commits import NamedCommitBody
from failover_api.edges.models.history import EntryBody, EntryStepBody, HistoryBody
from failover_api.reading.history import Entry, Page, PastStep


def history_body(page: Page) -> HistoryBody:
    return HistoryBody(entries=[entry_body(entry) for entry in page.entries], next=page.next)


def entry_body(entry: Entry) -> EntryBody:
    record, logged = entry.record, entry.logged
    return EntryBody(
        kind="failover" if record else "edit",
        time=logged.at,
        action=record.action if record else None,
        from_=record.before if record else None,
        to=record.after if record else None,
        by=entry.by,
        reason=(record and record.provenance.reason) or None,
        operation=record.operation if record else None,
        commit=NamedCommitBody(sha=logged.sha, url=logged.url),
        pull_request=pull_request_body(entry.pull_request) if entry.pull_request else None,
        message=entry.subject,
        verified=entry.verified,
        accepted=list(entry.accepted),
        trigger=record.provenance.trigger if record else None,
        evidence=list(record.provenance.evidence) if record else [],
        steps=[_entry_step(step) for step in entry.steps],
    )


def _entry_step(step: PastStep) -> EntryStepBody:
    commit = NamedCommitBody(sha=step.logged.sha, url=step.logged.url)
    return EntryStepBody(
        step=step.record.provenance.step or "", at=step.logged.at, commit=commit, proof=step.record.proof
    )
