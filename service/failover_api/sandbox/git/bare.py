"""The bare Git repository under the sandbox: blobs, trees, commits and refs.

Laws: objects are written before the ref that names them, and a ref moves only by compare-and-swap.
So `git clone`, `git log` and `git fsck` see a whole repository at any moment.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID, ShaFile

from failover_api.sandbox.git.objects import (
    BLOB,
    COMMIT,
    DIRECTORY,
    KINDS,
    TREE,
    Commit,
    Entry,
    NewFile,
    Person,
    commit_bytes,
    git_order,
    name_of,
    parse_commit,
    parse_tree,
    tree_bytes,
)
from failover_api.sandbox.git.refs import Refs, RefUpdate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

LOOSE_AT_MOST = 8
PAST = 256  # moves of a branch that are remembered
_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n\tlogallrefupdates = false\n"
_SHA = re.compile("[0-9a-f]{40}")


class Bare:
    """A bare repository on disk. Safe to share between threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._refs = Refs(directory)
        self._lock = threading.RLock()
        self._store = DiskObjectStore(directory / "objects", loose_compression_level=1, pack_compression_level=1)
        self._pending: dict[str, tuple[int, bytes]] = {}
        self._batches = 0
        self._is_closed = False
        self._kinds: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._lines: dict[str, int] = {}
        self._trees: dict[str, dict[str, Entry]] = {}
        self._commits: dict[str, Commit] = {}
        self._ranks: dict[str, tuple[int, int]] = {}
        self._past: dict[str, deque[tuple[float, str | None]]] = {}

    @classmethod
    def create(cls, directory: Path, branch: str) -> Bare:
        for folder in ("objects/pack", "refs/heads", "refs/tags"):
            (directory / folder).mkdir(parents=True)
        (directory / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        (directory / "config").write_text(_CONFIG)
        return cls(directory)

    def close(self) -> None:
        """Ends it: a request that is late finds no object any more."""
        with self._lock:
            self._is_closed = True
            self._store.close()

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """What is written inside reaches the disk together, at the end."""
        with self._lock:
            self._batches += 1
            try:
                yield
            finally:
                self._batches -= 1
                self._flush()

    # Objects

    def kind(self, sha: str) -> str | None:
        """'commit', 'tree' or 'blob'; None when there is no such object."""
        number = self._kinds.get(sha)
        if number is None:
            try:
                number = self._kinds[sha] = self._raw(sha)[0]
            except KeyError:
                return None
        return KINDS[number]

    def blob(self, sha: str) -> bytes:
        return self._raw(sha)[1]

    def size(self, sha: str) -> int:
        if sha not in self._sizes:
            self._sizes[sha] = len(self.blob(sha))
        return self._sizes[sha]

    def lines(self, sha: str) -> int:
        """How many a blob has."""
        if sha not in self._lines:
            self._lines[sha] = self.blob(sha).count(b"\n")
        return self._lines[sha]

    def tree(self, sha: str) -> Mapping[str, Entry]:
        """{name: entry}, in Git's order."""
        entries = self._trees.get(sha)
        if entries is None:
            entries = self._trees[sha] = parse_tree(self._raw(sha)[1])
        return entries

    def commit(self, sha: str) -> Commit:
        """Raises KeyError when there is no such commit."""
        commit = self._commits.get(sha)
        if commit is None:
            if self.kind(sha) != "commit":
                raise KeyError(sha)
            commit = self._commits[sha] = parse_commit(sha, self._raw(sha)[1])
        return commit

    def rank(self, sha: str) -> tuple[int, int]:
        """Time and generation of a commit: above those of every commit before it, however wrong the clocks were."""
        waiting = [sha]
        while waiting:
            commit = self.commit(waiting[-1])
            unknown = [parent for parent in commit.parents if parent not in self._ranks]
            if unknown:
                waiting += unknown
                continue
            before = [self._ranks[parent] for parent in commit.parents]
            time = max([commit.committer.time, *(time for time, _ in before)])
            self._ranks[commit.sha] = time, 1 + max((generation for _, generation in before), default=0)
            waiting.pop()
        return self._ranks[sha]

    def entry(self, tree: str, path: str) -> Entry | None:
        """What is at `path` under `tree`; the empty path is the tree itself."""
        entry: Entry | None = Entry(DIRECTORY, tree)
        for name in path.split("/") if path else ():
            if entry is None or not entry.is_tree:
                return None
            entry = self.tree(entry.sha).get(name)
        return entry

    def walk(self, tree: str, prefix: str = "") -> Iterator[tuple[str, Entry]]:
        """Every entry under `tree`, directories included, each before what is in it."""
        for name, entry in self.tree(tree).items():
            path = prefix + name
            yield path, entry
            if entry.is_tree:
                yield from self.walk(entry.sha, path + "/")

    def put_blob(self, content: bytes) -> str:
        sha = self._put(BLOB, content)
        self._sizes[sha] = len(content)
        return sha

    def put_tree(self, entries: Mapping[str, Entry]) -> str:
        """`entries` in any order."""
        return self._put_ordered(dict(sorted(entries.items(), key=git_order)))

    def put_commit(
        self, tree: str, parents: tuple[str, ...], message: str, author: Person, committer: Person | None = None
    ) -> str:
        raw = commit_bytes(tree, parents, message, author, committer or author)
        sha = self._put(COMMIT, raw)
        self._commits[sha] = parse_commit(sha, raw)
        return sha

    def change(self, tree: str | None, changes: Mapping[str, Entry | NewFile | None]) -> str:
        """The tree with each path of `changes` set, or deleted where None. Emptied directories vanish."""
        with self.batch():
            entries = {path: self._stored(change) for path, change in changes.items()}
            return self._changed(tree, entries) or self.put_tree({})

    # Refs

    def ref(self, name: str) -> str | None:
        return self._refs.get(name)

    def refs(self, prefix: str) -> dict[str, str]:
        return self._refs.under(prefix)

    def head(self, branch: str) -> str | None:
        return self._refs.get(f"refs/heads/{branch}")

    def heads(self, branch: str) -> list[str | None]:
        """All places that a branch was moved to through us, oldest first; None where it was deleted."""
        return [sha for _, sha in self._past.get(f"refs/heads/{branch}", ())]

    def head_ago(self, branch: str, seconds: float) -> str | None:
        """Where a branch was so long ago, as far as it was moved through us; its oldest place when it was not there."""
        past = list(self._past.get(f"refs/heads/{branch}", ()))
        if not past:
            return self.head(branch)
        then = time.monotonic() - seconds
        before = [sha for at, sha in past if at <= then]
        return before[-1] if before else past[0][1]

    def move(self, moves: Sequence[RefUpdate]) -> RefUpdate | None:
        """Makes all moves, or none. The one that could not be made, if there is one."""
        refused = self._refs.move(moves)
        if refused is None:
            now = time.monotonic()
            for move in moves:
                self._past.setdefault(move.name, deque(maxlen=PAST)).append((now, move.new))
        return refused

    def _raw(self, sha: str) -> tuple[int, bytes]:
        """Kind and content. Raises KeyError."""
        if pending := self._pending.get(sha):
            return pending
        if not _SHA.fullmatch(sha):
            raise KeyError(sha)
        with self._lock:
            if self._is_closed:
                raise KeyError(sha)
            return self._store.get_raw(ObjectID(sha.encode()))

    def _put(self, kind: int, raw: bytes) -> str:
        sha = name_of(kind, raw)
        if sha not in self._kinds:
            with self._lock:
                self._pending[sha] = kind, raw
                self._kinds[sha] = kind
                self._flush()
        return sha

    def _flush(self) -> None:
        """A few objects are a file each; many are one pack."""
        if not self._pending or self._batches or self._is_closed:
            return
        objects = [ShaFile.from_raw_string(kind, raw) for kind, raw in self._pending.values()]
        if len(objects) > LOOSE_AT_MOST:
            self._store.add_objects([(one, None) for one in objects])
        else:
            for one in objects:
                self._store.add_object(one)
        self._pending = {}

    def _put_ordered(self, ordered: dict[str, Entry]) -> str:
        sha = self._put(TREE, tree_bytes(ordered))
        self._trees[sha] = ordered
        return sha

    def _stored(self, change: Entry | NewFile | None) -> Entry | None:
        return Entry(change.mode, self.put_blob(change.content)) if isinstance(change, NewFile) else change

    def _changed(self, tree: str | None, changes: Mapping[str, Entry | None]) -> str | None:
        before = self.tree(tree) if tree else {}
        entries = dict(before)
        nested: dict[str, dict[str, Entry | None]] = {}
        for path, entry in changes.items():
            name, slash, rest = path.partition("/")
            if slash:
                nested.setdefault(name, {})[rest] = entry
            elif entry is None:
                entries.pop(name, None)
            else:
                entries[name] = entry
        for name, inner in nested.items():
            self._change_directory(entries, name, inner)
        if _in_same_order(before, entries):
            return self._put_ordered(entries)
        return self.put_tree(entries) if entries else None

    def _change_directory(self, entries: dict[str, Entry], name: str, inner: Mapping[str, Entry | None]) -> None:
        before = entries.get(name)
        sha = self._changed(before.sha if before and before.is_tree else None, inner)
        if sha:
            entries[name] = Entry(DIRECTORY, sha)
        elif before and before.is_tree:
            del entries[name]


def _in_same_order(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> bool:
    """Whether only shas changed, so that no sorting is needed."""
    if not after or before.keys() != after.keys():
        return False
    return all(before[name].is_tree == entry.is_tree for name, entry in after.items())
