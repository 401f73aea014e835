"""How a commit of the API comes about: who signs it, and how it lands on a branch.

Law: a commit lands only where its parent is still the head; otherwise it was for nothing.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.git.objects import Person
from failover_api.sandbox.git.refs import RefUpdate
from failover_api.sandbox.github.answer import Refused
from failover_api.sandbox.hosting import people, pushing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.git.objects import NewFile
    from failover_api.sandbox.github.call import Call


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
    by = person(call, author or committer)
    named = Person(*people.GITHUB, call.repo.now()) if signed else person(call, committer or author)
    sha = call.repo.bare.put_commit(tree, parents, message, by, named)
    if signed:
        call.repo.signed.add(sha)
    return sha


def commit_on(call: Call, branch: str, head: str, changes: Mapping[str, NewFile | None], message: str) -> str:
    """Commits `changes` on `head` and moves the branch there. Raises Refused 409 when it has moved."""
    fields = call.json()
    with call.repo.bare.batch():
        tree = call.repo.bare.change(call.repo.bare.commit(head).tree, changes)
        sha = commit(call, tree, (head,), message, author=fields.get("author"), committer=fields.get("committer"))
    if land(call, RefUpdate(f"refs/heads/{branch}", head, sha)):
        raise Refused(409, f"is at {call.repo.bare.head(branch)} but expected {head}")
    return sha


def land(call: Call, move: RefUpdate) -> RefUpdate | None:
    """Moves a ref; gives the move back when someone else was faster."""
    let_others_write(call, move.name)
    return pushing.push(call.repo, [move], call.actor.login)


def let_others_write(call: Call, *refs: str) -> None:
    """The moment before refs are written, in which others may write them."""
    if call.world.write_delay_s:
        time.sleep(call.world.write_delay_s)
    branches = [name.removeprefix("refs/heads/") for name in refs if name.startswith("refs/heads/")]
    if "race" in call.message.faults and branches:
        pushing.commit(call.repo, branches[0], {}, "Someone else was faster")


def person(call: Call, fields: Mapping[str, Any] | None) -> Person:
    """The author that a client names, or the one who asks."""
    asking = people.by(call.actor.login, call.repo.now())
    if not fields:
        return asking
    at, zone = _moment(str(fields["date"])) if fields.get("date") else (asking.time, 0)
    return Person(str(fields.get("name", asking.name)), str(fields.get("email", asking.email)), at, zone)


def _moment(text: str) -> tuple[int, int]:
    """Seconds since the epoch, and the zone in seconds east of UTC."""
    moment = datetime.fromisoformat(text)
    offset = moment.utcoffset()
    return int(moment.timestamp()), int(offset.total_seconds()) if offset else 0
