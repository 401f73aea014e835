"""The bare Git repository under the sandbox: blobs, trees, commits and refs, by dulwich.

Laws: objects are written before the ref that names them, and a ref moves only by compare-and-swap.
So `git clone`, `git log` and `git fsck` see a whole repository at any moment.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dulwich.file import FileLocked, GitFile
from dulwich.objects import Commit as GitCommit
from dulwich.objects import ObjectID, ShaFile
from dulwich.refs import Ref, check_ref_format
from dulwich.repo import Repo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
DIRECTORY = 0o040000
SUBMODULE = 0o160000

_COMMIT, _TREE, _BLOB = 1, 2, 3
_NAMES = {_COMMIT: "commit", _TREE: "tree", _BLOB: "blob"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree."""

    mode: int
    sha: str

    @property
    def is_tree(self) -> bool:
        return self.mode == DIRECTORY

    @property
    def type(self) -> str:
        if self.mode == DIRECTORY:
            return "tree"
        return "commit" if self.mode == SUBMODULE else "blob"


@dataclass(frozen=True, slots=True)
class Person:
    """An author or a committer; `time` in seconds since the epoch, `zone` in seconds east of UTC."""

    name: str
    email: str
    time: int
    zone: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str

    @property
    def headline(self) -> str:
        return self.message.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class NewFile:
    """Content with the mode it is to have, where 0644 will not do."""

    content: bytes
    mode: int = FILE


class Bare:
    """A bare repository on disk. Safe to share between threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._repo = Repo(str(directory))
        self._lock = threading.RLock()
        self._trees: dict[str, dict[str, Entry]] = {}
        self._commits: dict[str, Commit] = {}
        self._sizes: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self._pack: list[tuple[ShaFile, str | None]] | None = None

    @classmethod
    def create(cls, directory: Path, branch: str) -> Bare:
        repo = Repo.init_bare(str(directory), mkdir=not directory.exists(), default_branch=branch.encode())
        config = repo.get_config()
        config.set((b"core",), b"logallrefupdates", b"false")
        config.write_to_path()
        repo.close()
        return cls(directory)

    def close(self) -> None:
        self._repo.close()

    @contextlib.contextmanager
    def packed(self) -> Iterator[None]:
        """What is written inside goes into one pack: for many objects, far faster than loose files."""
        with self._lock:
            self._pack = []
            try:
                yield
                if self._pack:
                    self._repo.object_store.add_objects(self._pack)
            finally:
                self._pack = None

    # Objects

    def kind(self, sha: str) -> str | None:
        """'commit', 'tree' or 'blob'; None when there is no such object."""
        with self._lock:
            if sha not in self._kinds:
                try:
                    self._kinds[sha] = self._raw(sha)[0]
                except (KeyError, ValueError, AssertionError):
                    return None
            return _NAMES.get(self._kinds[sha], "tag")

    def blob(self, sha: str) -> bytes:
        return self._raw(sha)[1]

    def size(self, sha: str) -> int:
        if sha not in self._sizes:
            self._sizes[sha] = len(self.blob(sha))
        return self._sizes[sha]

    def tree(self, sha: str) -> Mapping[str, Entry]:
        """{name: entry}, in Git's order."""
        found = self._trees.get(sha)
        if found is None:
            found = _parse_tree(self._raw(sha)[1])
            self._trees[sha] = found
        return found

    def commit(self, sha: str) -> Commit:
        """Raises KeyError when there is no such commit."""
        found = self._commits.get(sha)
        if found is None:
            if self.kind(sha) != "commit":
                raise KeyError(sha)
            found = _parse_commit(sha, self._raw(sha)[1])
            self._commits[sha] = found
        return found

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
        return self._put(_BLOB, content)

    def put_tree(self, entries: Mapping[str, Entry]) -> str:
        """`entries` in any order."""
        return self._put_ordered(dict(sorted(entries.items(), key=_git_order)))

    def _put_ordered(self, ordered: dict[str, Entry]) -> str:
        raw = b"".join(_tree_line(name, entry) for name, entry in ordered.items())
        sha = self._put(_TREE, raw)
        self._trees[sha] = ordered
        return sha

    def put_commit(
        self, tree: str, parents: tuple[str, ...], message: str, author: Person, committer: Person | None = None
    ) -> str:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {_signature(author)}", f"committer {_signature(committer or author)}", "", message]
        return self._put(_COMMIT, "\n".join(lines).encode("utf-8", "surrogateescape"))

    def change(self, tree: str | None, changes: Mapping[str, Entry | None]) -> str:
        """The tree with each path of `changes` set, or deleted where None. Emptied directories vanish."""
        return self._changed(tree, changes) or self.put_tree({})

    # Refs

    def ref(self, name: str) -> str | None:
        """Read from disk each time, so that a `git push` into the directory is seen."""
        if not is_ref_name(name):
            return None
        with self._lock:
            value = self._repo.refs.follow(Ref(name.encode()))[1]
        return value.decode() if value else None

    def refs(self, prefix: str) -> dict[str, str]:
        with self._lock:
            names = sorted(self._repo.refs.keys())
            found = {name.decode(): self._repo.refs.follow(name)[1] for name in names}
        return {name: sha.decode() for name, sha in found.items() if sha and name.startswith(prefix)}

    def head(self, branch: str) -> str | None:
        return self.ref(f"refs/heads/{branch}")

    def move(self, name: str, old: str | None, new: str | None) -> bool:
        """Compare-and-swap of a ref: `old` None makes it, `new` None deletes it. False: it was not at `old`."""
        with self._lock:
            if new is None:
                value = ObjectID(old.encode()) if old else None
                return self._repo.refs.remove_if_equals(Ref(name.encode()), value)
            path = self._directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with GitFile(str(path), "wb", fsync=False) as lock:
                    if self.ref(name) != old:
                        lock.abort()
                        return False
                    lock.write(new.encode() + b"\n")
            except FileLocked:  # a `git push` is moving it at this moment
                return False
            return True

    def _raw(self, sha: str) -> tuple[int, bytes]:
        with self._lock:
            return self._repo.object_store.get_raw(ObjectID(sha.encode()))

    def _put(self, kind: int, raw: bytes) -> str:
        whole = b"%s %d\0%s" % (_NAMES[kind].encode(), len(raw), raw)
        sha = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        with self._lock:
            if sha not in self._kinds and self._pack is not None:
                self._pack.append((ShaFile.from_raw_string(kind, raw), None))
            elif sha not in self._kinds:
                self._store(sha, whole)
            self._kinds[sha] = kind
            self._sizes[sha] = len(raw)
        return sha

    def _store(self, sha: str, whole: bytes) -> None:
        """Loose objects are written here and not by dulwich, which calls the disk three times more for each."""
        directory = self._directory / "objects" / sha[:2]
        scratch = directory / f"tmp_obj_{sha}"
        try:
            scratch.write_bytes(zlib.compress(whole, 1))
        except FileNotFoundError:  # the first of its directory, or `git gc` has just taken that away
            directory.mkdir(exist_ok=True)
            scratch.write_bytes(zlib.compress(whole, 1))
        scratch.replace(directory / sha[2:])

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


def now() -> int:
    return int(time.time())


def is_ref_name(name: str) -> bool:
    return bool(name) and check_ref_format(Ref(name.encode("utf-8", "replace")))


def _git_order(item: tuple[str, Entry]) -> bytes:
    name, entry = item
    return name.encode("utf-8", "surrogateescape") + (b"/" if entry.is_tree else b"")


def _in_same_order(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> bool:
    """Whether only shas changed, so that no sorting is needed."""
    if not after or before.keys() != after.keys():
        return False
    return all(before[name].is_tree == entry.is_tree for name, entry in after.items())


def _tree_line(name: str, entry: Entry) -> bytes:
    return b"%o %s\0%s" % (entry.mode, name.encode("utf-8", "surrogateescape"), bytes.fromhex(entry.sha))


def _parse_tree(raw: bytes) -> dict[str, Entry]:
    entries = {}
    at = 0
    while at < len(raw):
        space = raw.index(b" ", at)
        end = raw.index(b"\0", space)
        name = raw[space + 1 : end].decode("utf-8", "surrogateescape")
        entries[name] = Entry(int(raw[at:space], 8), raw[end + 1 : end + 21].hex())
        at = end + 21
    return entries


def _parse_commit(sha: str, raw: bytes) -> Commit:
    git = ShaFile.from_raw_string(_COMMIT, raw)
    if not isinstance(git, GitCommit):  # pragma: no cover - the type number says so
        raise KeyError(sha)
    return Commit(
        sha,
        git.tree.decode(),
        tuple(parent.decode() for parent in git.parents),
        _parse_person(git.author, git.author_time, git.author_timezone),
        _parse_person(git.committer, git.commit_time, git.commit_timezone),
        git.message.decode("utf-8", "replace"),
    )


def _parse_person(text: bytes, at: float, zone: int) -> Person:
    name, _, email = text.decode("utf-8", "replace").partition(" <")
    return Person(name, email.rstrip(">"), int(at), zone)


def _signature(person: Person) -> str:
    sign, minutes = "-" if person.zone < 0 else "+", abs(person.zone) // 60
    zone = f"{sign}{minutes // 60:02}{minutes % 60:02}"
    return f"{_plain(person.name)} <{_plain(person.email)}> {person.time} {zone}"


def _plain(text: str) -> str:
    """A name without the characters that would end it inside a commit object."""
    return "".join(c for c in text if c not in "<>\n\0").strip() or "unknown"
