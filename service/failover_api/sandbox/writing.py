"""How a commit of the API comes about: who signs it, and how it lands on a branch.

Law: a commit lands only where its parent is still the head; otherwise it was for nothing.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.call import Refused
from failover_api.sandbox.objects import Person, now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.call import Call
    from failover_api.sandbox.objects import Entry
    from failover_api.sandbox.repository import Rule

GITHUB = ("GitHub", "noreply@github.com")
BOT_ID = 4001


def email(login: str) -> str:
    return f"{BOT_ID if login.endswith('[bot]') else 1}+{login}@users.noreply.github.com"


def commit(
    call: Call,
    tree: str,
    parents: tuple[str, ...],
    message: str,
    *,
    author: Mapping[str, Any] | None = None,
    committer: Mapping[str, Any] | None = None,
    signed: bool | None = None,
) -> str:
    """Writes a commit. GitHub signs those of an App that names neither author nor committer."""
    if signed is None:
        signed = call.actor.kind == "installation" and not author and not committer
    by = person(author or committer, call.actor.login)
    named = Person(*GITHUB, now()) if signed else person(committer or author, call.actor.login)
    sha = call.repo.bare.put_commit(tree, parents, message, by, named)
    if signed:
        call.repo.signed.add(sha)
    return sha


def commit_on(call: Call, branch: str, head: str, changes: Mapping[str, Entry | None], message: str) -> str:
    """Commits `changes` on `head` and moves the branch there. Raises Refused 409 when it has moved."""
    given = call.json()
    tree = call.repo.bare.change(call.repo.bare.commit(head).tree, changes)
    sha = commit(call, tree, (head,), message, author=given.get("author"), committer=given.get("committer"))
    if not land(call, f"refs/heads/{branch}", head, sha):
        raise Refused(409, f"is at {call.repo.bare.head(branch)} but expected {head}")
    return sha


def land(call: Call, ref: str, head: str, sha: str) -> bool:
    """Moves the ref from `head` to `sha`; False when someone else has moved it."""
    if call.sandbox.write_delay_s:
        time.sleep(call.sandbox.write_delay_s)
    if "race" in call.faults:
        branch = ref.removeprefix("refs/heads/")
        call.sandbox.commit({}, "Someone else was faster", branch, repository=call.repo.full_name)
    return call.repo.bare.move(ref, head, sha)


def person(given: Mapping[str, Any] | None, login: str) -> Person:
    """The author that a client names, or the one who asks."""
    if not given:
        return Person(login, email(login), now())
    at, zone = _moment(str(given["date"])) if given.get("date") else (now(), 0)
    return Person(str(given.get("name", login)), str(given.get("email", email(login))), at, zone)


def rule_for(call: Call, branch: str) -> Rule | None:
    return call.repo.rules.get(branch)


def _moment(text: str) -> tuple[int, int]:
    """Seconds since the epoch, and the zone in seconds east of UTC."""
    moment = datetime.fromisoformat(text)
    offset = moment.utcoffset()
    return int(moment.timestamp()), int(offset.total_seconds()) if offset else 0
