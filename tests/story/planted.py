"""python -m tests.story.planted [NAME...]: plants bugs in a copy of the product, and lets the schedules look for each.

Exit code 1 when one is not found. A schedule that fails is the find; nothing is shrunk.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.story.hunt import FOUND

SERVICE = Path(__file__).parents[2] / "service"
SCHEDULES = 2000
SEED = 1
LAWS = (
    *("whole: ", "once: ", "kept: ", "true: ", "one open: ", "one key: ", "not ours: ", "finished: ", "sound: "),
    *("in vain: ", "way back: "),
    "a status is of now",
)


@dataclass(frozen=True)
class Bug:
    """`old` stands once in `file`, and becomes `new`."""

    name: str
    file: str
    old: str
    new: str


BUGS = [
    Bug(
        "a lost race is written over with the newest sha",
        "moves/direct/batch.py",
        "            except WriteConflict as exc:\n                last = exc\n",
        "            except WriteConflict as exc:\n                last = exc\n"
        "                newest = (await self._planner.look(self._live, time.monotonic()))[0]\n"
        "                read = [s.name for t, _ in planned.parts for s in t.move.services]\n"
        "                head = await self._forge.head(self._branch, not_before=time.monotonic())\n"
        "                again = snapshot_of(self._branch, newest, read, head)\n"
        "                self._lost.landed(planned, await self._forge.commit(again, planned.files, planned.message))\n"
        "                return []\n",
    ),
    Bug(
        "a lost reply is taken for a write that never was",
        "moves/direct/lost_reply.py",
        "                if queued.move.provenance.part in carried_out:\n",
        "                if False:\n",
    ),
    Bug(
        "a write is repeated blindly after a 502",
        "forge/github/replies.py",
        "            return WriteUnknown(text) if writing else _unavailable(text, reply)\n        case _:",
        "            return _unavailable(text, reply)\n        case _:",
    ),
    Bug(
        "several files are written one after the other",
        "forge/github/commits.py",
        "        if snapshot.head is None:\n",
        "        for path, data in list(files.items())[:-1]:\n"
        "            await self._put(snapshot.branch, snapshot.file(path), data, message)\n"
        "            files = {other: files[other] for other in files if other != path}\n"
        "        if len(files) == 1:\n",
    ),
    Bug(
        "what needs no write is answered from a copy",
        "moves/direct/batch.py",
        "isinstance(answer, MovePlan) and answer.is_all_change for",
        "True for",
    ),
    Bug(
        "a value on neither side is overwritten",
        "core/planning/plan.py",
        "State.UNKNOWN and not force:",
        "State.UNKNOWN and False:",
    ),
    Bug(
        "a service is twice in one commit",
        "moves/direct/writer.py",
        "        free = names.isdisjoint(own)\n",
        "        free = True\n",
    ),
    Bug(
        "a rollback overwrites what a person changed since",
        "core/planning/rollback.py",
        "    if changed:\n        raise _changed_since(",
        "    if False:\n        raise _changed_since(",
    ),
    Bug(
        "a person's push is planned over",
        "moves/pull_request/branch_content.py",
        "        if seen is None or not await self._is_ours(",
        "        if False and not await self._is_ours(",
    ),
    Bug(
        "a service and its group do not look for each other",
        "moves/pull_request/opening.py",
        "            if pull.number < own.number and names & moved:\n",
        "            if False:\n",
    ),
    Bug(
        "open pull requests are not looked at",
        "moves/pull_request/already_open.py",
        "        answers = [await self._weigh(pull, base, going, writing=writing) for pull in pulls]\n",
        "        answers = []\n",
    ),
    Bug(
        "an Idempotency-Key is not looked for",
        "moves/idempotency.py",
        "        if move.provenance.key is None:\n            return None\n        pulls",
        "        if True:\n            return None\n        pulls",
    ),
    Bug(
        "what ends one batch ends the queue",
        "moves/direct/batch.py",
        "FailoverError as exc:\n            await self._end(exc)\n        except Exception:  # noqa: BLE001 - it",
        "ForgeError as exc:\n            await self._end(exc)\n        except ArithmeticError:  # noqa: BLE001 - it",
    ),
    Bug(
        "who asked first is told that it changed something, not who did it",
        "moves/pull_request/proposal.py",
        "        answer = self.results.with_one(base, pull, commit, provenance.operation, changed=True)\n",
        "        mine = provenance.operation == self._move.provenance.operation\n"
        "        answer = self.results.with_one(base, pull, commit, provenance.operation, changed=mine)\n",
    ),
    Bug(
        "an auto-merge without a reply is told as open",
        "moves/pull_request/review.py",
        "            if await self._is_settled(is_lost=is_lost):\n",
        "            if is_lost:\n",
    ),
    Bug(
        "an auto-merge that was refused once is not tried again",
        "moves/pull_request/review.py",
        "auto_merge=False if pull.auto_merge or (options.draft and not pull.is_draft) else options.auto_merge",
        "auto_merge=False",
    ),
    Bug(
        "pull requests are not listed fresh before the first write",
        "moves/pull_request/proposal.py",
        "        pulls_not_before = self._started if bound or len(self._open_ones.branches) > 1 else None\n",
        "        pulls_not_before = self._started if bound else None\n",
    ),
    Bug(
        "a group asked again is planned with all its members",
        "moves/pull_request/group_members.py",
        "    if not members or len(members) == len(move.services):\n",
        "    if True:\n",
    ),
    Bug(
        "a pull request keeps the text of another commit",
        "moves/pull_request/open_ones.py",
        "        if not weighed.is_own or content.commit is None or is_text_of(pull, content):\n",
        "        if True:\n",
    ),
    Bug(
        "a call that has opened one is refused",
        "moves/pull_request/proposal.py",
        "            if not self.is_in_doubt:\n                raise\n            return",
        "            if True:\n                raise\n            return",
    ),
    Bug(
        "what needs history is written by the file",
        "reading/services.py",
        "head if with_history or len(files) != 1 else None",
        "head if len(files) != 1 else None",
    ),
    Bug(
        "a late write is not waited for",
        "forge/repository/unconfirmed_writes.py",
        "        return max(0.0, max(ends, default=0.0))\n",
        "        return 0.0\n",
    ),
    Bug(
        "a head that lags behind our own write is believed",
        "forge/github/heads.py",
        "        if self._lag.was_replaced(branch, HEAD, oid):\n            return True\n",
        "        if True:\n            return False\n",
    ),
    Bug(
        "a file that lags behind our own write is believed",
        "forge/repository/lag.py",
        "        return current is None or version in current\n",
        "        return True\n",
    ),
    Bug(
        "trailers are believed whoever wrote them",
        "core/text/audit.py",
        "    if not _could_be_ours(record):\n",
        "    if record:\n        return Finding(Verdict.PROVED)\n    if not _could_be_ours(record):\n",
    ),
]


def main() -> int:
    chosen = sys.argv[1:]
    missed = 0
    for bug in BUGS:
        if chosen and not any(word in bug.name for word in chosen):
            continue
        after = _found_after(bug)
        missed += after is None
        told = "MISSED" if after is None else f"found after {after} schedules"
        sys.stdout.write(f"{told}: {bug.name} ({bug.file})\n")
        sys.stdout.flush()
    return int(missed > 0)


def _found_after(bug: Bug) -> int | None:
    """How many schedules it took to find it; None when they did not."""
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(SERVICE, scratch, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        file = Path(scratch) / "failover_api" / bug.file
        text = file.read_text(encoding="utf-8")
        assert text.count(bug.old) == 1, f"{bug.name}: {bug.file} has it {text.count(bug.old)} times"
        file.write_text(text.replace(bug.old, bug.new), encoding="utf-8")
        command = [sys.executable, "-m", "tests.story.hunt", str(SCHEDULES), str(SEED)]
        path = os.pathsep.join([scratch, str(SERVICE.parent)])
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        is_found = done.returncode == FOUND and any(law in done.stderr for law in LAWS)
        return int(done.stdout.split()[-1]) if is_found else None


if __name__ == "__main__":
    sys.exit(main())
