"""The objects of GitHub's GraphQL schema, as graphql-core resolves them: {field: value or function}."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.git import history
from failover_api.sandbox.github import shapes
from failover_api.sandbox.hosting import merging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from failover_api.sandbox.git.objects import Commit, Entry, Person
    from failover_api.sandbox.github.call import Call
    from failover_api.sandbox.hosting.repository import PullRequest

Node = dict[str, Any]

TEXT_BYTES = 512_000


def repository(call: Call) -> Node:
    repo = call.repo
    return {
        "autoMergeAllowed": repo.allow_auto_merge,
        "databaseId": repo.id,
        "defaultBranchRef": lambda _: ref(call, f"refs/heads/{repo.default_branch}"),
        "deleteBranchOnMerge": repo.delete_branch_on_merge,
        "id": repo.node_id,
        "isArchived": repo.archived,
        "isPrivate": True,
        "mergeCommitAllowed": repo.allow_merge_commit,
        "name": repo.name,
        "nameWithOwner": repo.full_name,
        "object": lambda _, oid=None, expression=None: _object(call, oid, expression),
        "owner": {"__typename": "Organization", **account(call, repo.owner)},
        "pullRequest": lambda _, number: pull_request(call, repo.pulls[number]) if number in repo.pulls else None,
        "rebaseMergeAllowed": repo.allow_rebase_merge,
        "ref": lambda _, qualifiedName: ref(call, _full_name(qualifiedName)),  # noqa: N803 - the schema's name
        "squashMergeAllowed": repo.allow_squash_merge,
        "url": call.html_url,
        "viewerPermission": "WRITE" if call.actor.may("contents=write") else "READ",
    }


def account(call: Call, login: str) -> Node:
    return {"id": shapes.node("U", login), "login": login, "url": f"{call.web}/{login}"}


def ref(call: Call, name: str) -> Node | None:
    sha = call.resolve(name)
    if sha is None:
        return None
    prefix = "refs/tags/" if name.startswith("refs/tags/") else "refs/heads/"
    return {
        "id": ref_id(call, name),
        "name": name.removeprefix(prefix),
        "prefix": prefix,
        "repository": lambda _: repository(call),
        "target": lambda _: git_object(call, sha),
    }


def ref_id(call: Call, name: str) -> str:
    return shapes.node("REF", f"{call.repo.full_name}:{name}")


def git_object(call: Call, sha: str) -> Node | None:
    match call.repo.bare.kind(sha):
        case "commit":
            return commit(call, call.repo.bare.commit(sha))
        case "tree":
            return tree(call, sha)
        case "blob":
            return _blob(call, sha)
    return None


def commit(call: Call, item: Commit) -> Node:
    bare = call.repo.bare
    return {
        **_git_object(call, "Commit", item.sha),
        "author": _actor(item.author),
        "authoredDate": shapes.stamp(item.author.time),
        "committedDate": shapes.stamp(item.committer.time),
        "committer": _actor(item.committer),
        "file": lambda _, path: _entry_at(call, item.tree, path),
        "history": lambda _, first=None, after=None, path="": _history(call, item.sha, first, after, path),
        "message": item.message,
        "messageBody": item.body,
        "messageHeadline": item.headline,
        "parents": lambda _, first=None: _commits(call, [bare.commit(sha) for sha in item.parents][:first]),
        "signature": _signature(item.sha in call.repo.signed),
        "tree": lambda _: tree(call, item.tree),
        "url": f"{call.html_url}/commit/{item.sha}",
    }


def tree(call: Call, sha: str, path: str = "") -> Node:
    prefix = f"{path}/" if path else ""
    items = call.repo.bare.tree(sha).items()
    entries = lambda _: [_entry(call, prefix + name, entry) for name, entry in items]  # noqa: E731 - resolved on demand
    return {**_git_object(call, "Tree", sha), "entries": entries}


def pull_request(call: Call, pull: PullRequest) -> Node:
    state = merging.state(call.repo, pull)
    merged = pull.merged_at is not None
    auto = pull.auto_merge and {
        "enabledAt": shapes.stamp(pull.updated_at),
        "mergeMethod": pull.auto_merge.method.upper(),
    }
    return {
        "autoMergeRequest": auto,
        "baseRefName": pull.base,
        "body": pull.body or "",
        "headRefName": pull.head,
        "headRefOid": pull.head_sha,
        "id": pull_id(call, pull),
        "isDraft": pull.draft,
        "isInMergeQueue": pull.is_queued,
        "mergeStateStatus": state.upper(),
        "mergeable": {"dirty": "CONFLICTING", "unknown": "UNKNOWN"}.get(state, "MERGEABLE"),
        "merged": merged,
        "number": pull.number,
        "state": "MERGED" if merged else pull.state.upper(),
        "title": pull.title,
        "url": f"{call.html_url}/pull/{pull.number}",
    }


def pull_id(call: Call, pull: PullRequest) -> str:
    return shapes.node("PR", f"{call.repo.full_name}#{pull.number}")


def _git_object(call: Call, kind: str, sha: str) -> Node:
    return {
        "__typename": kind,
        "abbreviatedOid": sha[:7],
        "commitUrl": f"{call.html_url}/commit/{sha}",
        "id": shapes.node(kind[0], f"{call.repo.full_name}:{sha}"),
        "oid": sha,
    }


def _blob(call: Call, sha: str) -> Node:
    content = call.repo.bare.blob(sha)
    binary = b"\0" in content[:8000]
    text = None if binary else content[:TEXT_BYTES].decode("utf-8", "replace")
    shape = {**_git_object(call, "Blob", sha), "byteSize": len(content), "isBinary": binary, "text": text}
    return {**shape, "isTruncated": not binary and len(content) > TEXT_BYTES}


def _object(call: Call, oid: str | None, expression: str | None) -> Node | None:
    if oid is not None:
        return git_object(call, oid)
    revision, colon, path = (expression or "").partition(":")
    sha = call.resolve(None if revision == "HEAD" else revision)
    if sha is None:
        return git_object(call, revision) if len(revision) == 40 and not colon else None
    if not colon:
        return git_object(call, sha)
    entry = call.repo.bare.entry(call.repo.bare.commit(sha).tree, path.strip("/"))
    return _entry_object(call, path.strip("/"), entry) if entry else None


def _entry_at(call: Call, root: str, path: str) -> Node | None:
    entry = call.repo.bare.entry(root, path.strip("/"))
    return _entry(call, path.strip("/"), entry) if entry and path.strip("/") else None


def _entry(call: Call, path: str, entry: Entry) -> Node:
    name = path.rpartition("/")[2]
    return {
        "extension": f".{name.rpartition('.')[2]}" if "." in name else "",
        "mode": entry.mode,
        "name": name,
        "object": lambda _: _entry_object(call, path, entry),
        "oid": entry.sha,
        "path": path,
        "size": lambda _: call.repo.bare.size(entry.sha) if entry.type == "blob" else 0,
        "type": entry.type,
    }


def _entry_object(call: Call, path: str, entry: Entry) -> Node | None:
    return tree(call, entry.sha, path) if entry.is_tree else git_object(call, entry.sha)


def _history(call: Call, start: str, first: int | None, after: str | None, path: str | None) -> Node:
    """Cursors are `<start> <index>`, as GitHub's are."""
    skip = int(after.rpartition(" ")[2]) + 1 if after else 0
    size = first or 100
    log: Iterator[Commit] = history.log(call.repo.bare, start, (path or "").strip("/"))
    commits = list(itertools.islice(log, skip, skip + size + 1))
    page = {"endCursor": f"{start} {skip + len(commits[:size]) - 1}", "hasNextPage": len(commits) > size}
    total = lambda _: sum(1 for _commit in history.log(call.repo.bare, start, (path or "").strip("/")))  # noqa: E731 - counted on demand
    return {**_commits(call, commits[:size]), "pageInfo": page, "totalCount": total}


def _commits(call: Call, items: list[Commit]) -> Node:
    nodes = [commit(call, item) for item in items]
    return {"nodes": nodes, "edges": [{"node": item} for item in nodes], "totalCount": len(nodes)}


def _actor(person: Person) -> Node:
    return {"name": person.name, "email": person.email, "date": shapes.stamp(person.time)}


def _signature(signed: bool) -> Node | None:
    valid = {"__typename": "GpgSignature", "isValid": True, "state": "VALID", "wasSignedByGitHub": True}
    return valid if signed else None


def _full_name(name: str) -> str:
    return name if name.startswith("refs/") else f"refs/heads/{name}"
