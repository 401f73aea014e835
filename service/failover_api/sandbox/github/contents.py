"""The contents API: read, write and delete one file. https://docs.github.com/en/rest/repos/contents"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.git.objects import EXECUTABLE, FILE, SYMLINK, NewFile
from failover_api.sandbox.github import shapes_git, writing
from failover_api.sandbox.github.answer import Answer, Refused, not_supplied
from failover_api.sandbox.github.call import Call, decoded
from failover_api.sandbox.github.refusals import violation

if TYPE_CHECKING:
    from failover_api.sandbox.git.objects import Commit, Entry

INLINE_BYTES = 1024 * 1024
LARGEST_BYTES = 100 * 1024 * 1024
DIRECTORY_LIMIT = 1000
_MOST_LINKS = 5
_URL = "https://docs.github.com/rest/repos/contents"


def get(call: Call) -> Answer:
    """A file, a directory, a symlink or a submodule, at a ref."""
    branch = call.query.get("ref") or call.repo.default_branch
    path = call.params.get("path", "").strip("/")
    head = call.resolve(branch)
    if head is None:
        raise Refused(404, f"No commit found for the ref {branch}", url=f"{_URL}#get-repository-content")
    entry = call.repo.bare.entry(call.repo.bare.commit(head).tree, path)
    if entry is None:
        raise Refused(404, "Not Found", url=f"{_URL}#get-repository-content")
    if entry.is_tree:
        return _directory(call, path, entry, branch)
    if entry.mode == SYMLINK:
        return _symlink(call, path, entry, branch, head)
    return _submodule(call, path, entry, branch, head) if entry.type == "commit" else _file(call, path, entry, branch)


def put(call: Call) -> Answer:
    """Creates or updates. The compare-and-swap is the blob sha; the branch moves only from where it was read."""
    path = call.params["path"]
    message, content = call.required("message", "content")
    branch, head = _writable(call, path)
    sha_before = call.json().get("sha")
    before = call.repo.bare.entry(call.repo.bare.commit(head).tree, path)
    _check_sha(path, before, sha_before)
    _check_rule(call, branch, "update" if before else "create")
    mode = before.mode if before and before.mode in (FILE, EXECUTABLE) else FILE
    sha = writing.commit_on(call, branch, head, {path: NewFile(decoded(content), mode)}, str(message))
    return _written(call, path, branch, sha, 200 if before else 201)


def delete(call: Call) -> Answer:
    path = call.params["path"]
    fields = {**call.query, **call.json()}
    for name in ("message", "sha"):
        if not fields.get(name):
            raise not_supplied(name)
    branch, head = _writable(call, path)
    before = call.repo.bare.entry(call.repo.bare.commit(head).tree, path)
    if before is None or before.is_tree:
        raise Refused(404, "Not Found", url=f"{_URL}#delete-a-file")
    _check_sha(path, before, fields["sha"])
    _check_rule(call, branch, "delete")
    sha = writing.commit_on(call, branch, head, {path: None}, str(fields["message"]))
    return _written(call, path, branch, sha, 200)


def _directory(call: Call, path: str, entry: Entry, branch: str) -> Answer:
    prefix = f"{path}/" if path else ""
    children = list(call.repo.bare.tree(entry.sha).items())[:DIRECTORY_LIMIT]
    items = [shapes_git.directory_item(prefix + name, child, call, branch) for name, child in children]
    if "object" not in call.accept:
        return Answer(items)
    shape = shapes_git.content_links(path, entry, call, branch)
    return Answer({**shape, "type": "dir", "entries": items})


def _file(call: Call, path: str, entry: Entry, branch: str) -> Answer:
    size = call.repo.bare.size(entry.sha)
    if size > LARGEST_BYTES:
        text = (
            "This API returns blobs up to 100 MB in size. The requested blob is too large to fetch via the API, "
            "but you can always clone the repository via Git to obtain it."
        )
        error = {"resource": "Blob", "field": "data", "code": "too_large"}
        raise Refused(403, text, url=f"{_URL}#get-repository-content", errors=[error])
    etag = f'W/"{entry.sha}"'
    if "raw" in call.accept:
        kind = {"Content-Type": "application/vnd.github.raw+json; charset=utf-8"}
        return Answer(call.repo.bare.blob(entry.sha), headers=kind, etag=etag)
    inline = size <= INLINE_BYTES
    content = shapes_git.wrapped(call.repo.bare.blob(entry.sha)) if inline else ""
    shape = shapes_git.content_links(path, entry, call, branch)
    shape |= {"type": "file", "content": content, "encoding": "base64" if inline else "none"}
    return Answer(shape, etag=etag)


def _symlink(call: Call, path: str, entry: Entry, branch: str, head: str) -> Answer:
    """The target's content when it is a file of the repository; otherwise the link itself."""
    target = call.repo.bare.blob(entry.sha).decode()
    file = _followed(call, path, entry, call.repo.bare.commit(head))
    if file is not None:
        return _file(call, path, file, branch)
    return Answer({**shapes_git.content_links(path, entry, call, branch), "type": "symlink", "target": target})


def _followed(call: Call, path: str, entry: Entry | None, commit: Commit) -> Entry | None:
    for _ in range(_MOST_LINKS):
        if entry is None or entry.mode != SYMLINK:
            break
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), call.repo.bare.blob(entry.sha).decode()))
        entry = None if path.startswith(("..", "/")) else call.repo.bare.entry(commit.tree, path)
    return entry if entry and entry.mode in (FILE, EXECUTABLE) else None


def _submodule(call: Call, path: str, entry: Entry, branch: str, head: str) -> Answer:
    shape = {**shapes_git.content_links(path, entry, call, branch), "type": "submodule"}
    return Answer({**shape, "submodule_git_url": _submodule_url(call, path, head)})


def _submodule_url(call: Call, path: str, head: str) -> str:
    modules = call.repo.bare.entry(call.repo.bare.commit(head).tree, ".gitmodules")
    lines = call.repo.bare.blob(modules.sha).decode().splitlines() if modules else []
    at = next((i for i, line in enumerate(lines) if line.strip() == f"path = {path}"), None)
    urls = [line.partition("url = ")[2] for line in lines[at or 0 :] if "url = " in line]
    return urls[0] if urls else f"https://example.com/{path}.git"


def _writable(call: Call, path: str) -> tuple[str, str]:
    """The branch to write to and its head."""
    fields = {**call.query, **call.json()} if call.message.method == "DELETE" else call.json()
    branch = str(fields.get("branch") or call.repo.default_branch).removeprefix("refs/heads/")
    if path.startswith(".github/workflows/") and not call.actor.may("workflows=write"):
        raise Refused(403, "Resource not accessible by integration", url=f"{_URL}#create-or-update-file-contents")
    if any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise Refused(422, "path contains a malformed path component", url=f"{_URL}#create-or-update-file-contents")
    head = call.repo.bare.head(branch)
    if head is None:
        raise Refused(404, f"Branch {branch} not found", url=f"{_URL}#create-or-update-file-contents")
    return branch, head


def _check_sha(path: str, before: Entry | None, sha: Any) -> None:
    if before is not None and not sha:
        raise not_supplied("sha")
    if sha and (before is None or before.sha != sha):
        raise Refused(409, f"{path} does not match {sha}", url=f"{_URL}#create-or-update-file-contents")


def _check_rule(call: Call, branch: str, act: str) -> None:
    rule = call.repo.rule(branch)
    if rule is None:
        return
    if rule.kind == "ruleset":
        raise Refused(409, violation(rule), url=f"{_URL}#create-or-update-file-contents")
    raise Refused(
        409, f"Could not {act} file: {violation(rule)}", url="https://docs.github.com/articles/about-protected-branches"
    )


def _written(call: Call, path: str, branch: str, sha: str, status: int) -> Answer:
    commit = call.repo.bare.commit(sha)
    entry = call.repo.bare.entry(commit.tree, path)
    content = {**shapes_git.content_links(path, entry, call, branch), "type": "file"} if entry else None
    return Answer({"content": content, "commit": shapes_git.git_commit(commit, call)}, status)
