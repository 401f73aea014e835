"""What a Git repository holds, as values, and the bytes that Git keeps them as. No I/O.

https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
DIRECTORY = 0o040000
SUBMODULE = 0o160000

# The kinds of objects, numbered as packs number them.
COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
KINDS = {COMMIT: "commit", TREE: "tree", BLOB: "blob", TAG: "tag"}


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

    @property
    def body(self) -> str:
        """The message below its headline."""
        return self.message.partition("\n")[2].strip("\n")


@dataclass(frozen=True, slots=True)
class NewFile:
    """Content with the mode it is to have, where 0644 will not do."""

    content: bytes
    mode: int = FILE


def now() -> int:
    return int(time.time())


def name_of(kind: int, raw: bytes) -> str:
    """The sha of an object."""
    whole = b"%s %d\0%s" % (KINDS[kind].encode(), len(raw), raw)
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest()


def git_order(item: tuple[str, Entry]) -> bytes:
    """What the lines of a tree are sorted by."""
    name, entry = item
    return name.encode("utf-8", "surrogateescape") + (b"/" if entry.is_tree else b"")


def tree_bytes(ordered: Mapping[str, Entry]) -> bytes:
    return b"".join(
        b"%o %s\0%s" % (entry.mode, name.encode("utf-8", "surrogateescape"), bytes.fromhex(entry.sha))
        for name, entry in ordered.items()
    )


def parse_tree(raw: bytes) -> dict[str, Entry]:
    entries = {}
    at = 0
    while at < len(raw):
        space = raw.index(b" ", at)
        end = raw.index(b"\0", space)
        name = raw[space + 1 : end].decode("utf-8", "surrogateescape")
        entries[name] = Entry(int(raw[at:space], 8), raw[end + 1 : end + 21].hex())
        at = end + 21
    return entries


def commit_bytes(tree: str, parents: Sequence[str], message: str, author: Person, committer: Person) -> bytes:
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {_signature(author)}", f"committer {_signature(committer)}", "", message]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def parse_commit(sha: str, raw: bytes) -> Commit:
    head, _, message = raw.partition(b"\n\n")
    fields: dict[bytes, list[bytes]] = {}
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        fields.setdefault(name, []).append(value)  # a signature goes on over lines that start with a space: no name
    return Commit(
        sha,
        fields[b"tree"][0].decode(),
        tuple(parent.decode() for parent in fields.get(b"parent", ())),
        _parse_person(fields[b"author"][0]),
        _parse_person(fields[b"committer"][0]),
        message.decode("utf-8", "replace"),
    )


def _parse_person(text: bytes) -> Person:
    who, at, zone = text.rsplit(b" ", 2)
    name, _, email = who.decode("utf-8", "replace").partition(" <")
    east = int(zone[-4:-2]) * 3600 + int(zone[-2:]) * 60
    return Person(name, email.rstrip(">"), int(at), -east if zone.startswith(b"-") else east)


def _signature(person: Person) -> str:
    sign, minutes = "-" if person.zone < 0 else "+", abs(person.zone) // 60
    zone = f"{sign}{minutes // 60:02}{minutes % 60:02}"
    return f"{_plain(person.name)} <{_plain(person.email)}> {person.time} {zone}"


def _plain(text: str) -> str:
    """A name without the characters that would end it inside a commit object."""
    return "".join(c for c in text if c not in "<>\n\0").strip() or "unknown"
