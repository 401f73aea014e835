"""The JSON of GitHub's REST API: commits, branches, trees, blobs, refs and contents."""

from __future__ import annotations

import base64
import itertools
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from failover_api.sandbox.git.history import with_renames
from failover_api.sandbox.git.objects import SYMLINK
from failover_api.sandbox.github import shapes
from failover_api.sandbox.hosting.people import login_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failover_api.sandbox.git.bare import Bare
    from failover_api.sandbox.git.history import Change
    from failover_api.sandbox.git.objects import Commit, Entry, Person
    from failover_api.sandbox.github.call import Call

_SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\nthe sandbox signs nothing\n-----END PGP SIGNATURE-----\n"


def identity(person: Person) -> dict[str, str]:
    """Name, email, date: the date in UTC, as GitHub gives it."""
    return {"name": person.name, "email": person.email, "date": shapes.stamp(person.time)}


def account(person: Person, call: Call) -> dict[str, Any] | None:
    """The account that an email belongs to."""
    login = login_of(person)
    return shapes.user(login, call.base, call.web) if login else None


def verification(commit: Commit, call: Call) -> dict[str, Any]:
    if commit.sha not in call.repo.signed:
        return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
    payload = f"tree {commit.tree}\n" + "".join(f"parent {parent}\n" for parent in commit.parents)
    at = shapes.stamp(commit.committer.time)
    return {"verified": True, "reason": "valid", "signature": _SIGNATURE, "payload": payload, "verified_at": at}


def git_commit(commit: Commit, call: Call) -> dict[str, Any]:
    """A commit as the Git database has it; also the `commit` of PUT contents."""
    return {
        "sha": commit.sha,
        "node_id": shapes.node("C", commit.sha),
        "url": f"{call.url}/git/commits/{commit.sha}",
        "html_url": f"{call.html_url}/commit/{commit.sha}",
        "author": identity(commit.author),
        "committer": identity(commit.committer),
        "tree": {"sha": commit.tree, "url": f"{call.url}/git/trees/{commit.tree}"},
        "message": commit.message,
        "parents": parents(commit, call, "git/commits"),
        "verification": verification(commit, call),
    }


def parents(commit: Commit, call: Call, at: str = "commits") -> list[dict[str, str]]:
    return [
        {"sha": sha, "url": f"{call.url}/{at}/{sha}", "html_url": f"{call.html_url}/commit/{sha}"}
        for sha in commit.parents
    ]


def commit(item: Commit, call: Call) -> dict[str, Any]:
    """A commit as it stands in lists."""
    url = f"{call.url}/commits/{item.sha}"
    return {
        "sha": item.sha,
        "node_id": shapes.node("C", item.sha),
        "commit": {
            "author": identity(item.author),
            "committer": identity(item.committer),
            "message": item.message,
            "tree": {"sha": item.tree, "url": f"{call.url}/git/trees/{item.tree}"},
            "url": f"{call.url}/git/commits/{item.sha}",
            "comment_count": 0,
            "verification": verification(item, call),
        },
        "url": url,
        "html_url": f"{call.html_url}/commit/{item.sha}",
        "comments_url": f"{url}/comments",
        "author": account(item.author, call),
        "committer": account(item.committer, call),
        "parents": parents(item, call),
    }


def files(changes: Mapping[str, Change], call: Call, ref: str, most: int | None = None) -> list[dict[str, Any]]:
    """What a commit or a comparison changed. Line counts take each changed file as wholly replaced."""
    listed = itertools.islice(with_renames(call.repo.bare, changes).items(), most)
    return [_file(path, change, call, ref) for path, change in listed]


def _file(path: str, change: Change, call: Call, ref: str) -> dict[str, Any]:
    moved = change.before is not None
    added, removed = (0 if moved else _lines(entry, call) for entry in (change.new, change.old))
    entry = change.new or change.old
    quoted = quote(path, safe="")
    shape = {
        "sha": entry.sha if entry else None,
        "filename": path,
        "status": change.status,
        "additions": added,
        "deletions": removed,
        "changes": added + removed,
        "blob_url": f"{call.html_url}/blob/{ref}/{quoted}",
        "raw_url": f"{call.html_url}/raw/{ref}/{quoted}",
        "contents_url": f"{call.url}/contents/{quoted}?ref={ref}",
    }
    return {**shape, "previous_filename": change.before} if moved else shape


def _lines(entry: Entry | None, call: Call) -> int:
    return call.repo.bare.lines(entry.sha) if entry and entry.type == "blob" else 0


def tree_entry(path: str, entry: Entry, bare: Bare, url: str) -> dict[str, Any]:
    """One line of a tree; `url` is the repository's."""
    kind = entry.type
    shape: dict[str, Any] = {"path": path, "mode": f"{entry.mode:06o}", "type": kind, "sha": entry.sha}
    if kind == "blob":
        shape["size"] = bare.size(entry.sha)
    if kind != "commit":
        shape["url"] = f"{url}/git/{kind}s/{entry.sha}"
    return shape


def ref(name: str, sha: str, call: Call) -> dict[str, Any]:
    return {
        "ref": name,
        "node_id": shapes.node("REF", name),
        "url": f"{call.url}/git/{name}",
        "object": {"sha": sha, "type": "commit", "url": f"{call.url}/git/commits/{sha}"},
    }


def wrapped(content: bytes) -> str:
    """Base64 with a line break after every 60 characters and at the end."""
    text = base64.b64encode(content).decode()
    return "".join(text[at : at + 60] + "\n" for at in range(0, len(text), 60))


def content_links(path: str, entry: Entry, call: Call, branch: str) -> dict[str, Any]:
    """What every item of the contents API has."""
    quoted = quote(path)
    url = f"{call.url}/contents/{quoted}?ref={quote(branch)}"
    shape = {"name": path.rpartition("/")[2], "path": path, "sha": entry.sha}
    if entry.type == "commit":
        git_url, html_url, download_url = None, None, None
    else:
        git_url = f"{call.url}/git/{entry.type}s/{entry.sha}"
        html_url = f"{call.html_url}/{entry.type}/{branch}/{quoted}"
        download_url = f"{call.web}/raw/{call.repo.full_name}/{branch}/{quoted}" if entry.type == "blob" else None
    return {
        **shape,
        "size": call.repo.bare.size(entry.sha) if entry.type == "blob" else 0,
        "url": url,
        "html_url": html_url,
        "git_url": git_url,
        "download_url": download_url,
        "_links": {"self": url, "git": git_url, "html": html_url},
    }


def directory_item(path: str, entry: Entry, call: Call, branch: str) -> dict[str, Any]:
    """An item of a listing; a submodule is called a file there, as GitHub does."""
    kind = {"tree": "dir", "commit": "file"}.get(entry.type, "symlink" if entry.mode == SYMLINK else "file")
    return {**content_links(path, entry, call, branch), "type": kind}
