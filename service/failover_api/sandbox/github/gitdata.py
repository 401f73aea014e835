"""The Git database: blobs, trees, commits and refs. https://docs.github.com/en/rest/git"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from failover_api.sandbox.git import history
from failover_api.sandbox.git.objects import Entry, NewFile
from failover_api.sandbox.git.refs import RefUpdate, is_ref_name
from failover_api.sandbox.github import shapes, shapes_git, writing
from failover_api.sandbox.github.answer import Answer, Refused, not_supplied
from failover_api.sandbox.github.call import Call, decoded
from failover_api.sandbox.github.refusals import violation
from failover_api.sandbox.hosting.pushing import push

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODES = {"100644", "100755", "040000", "160000", "120000"}
_URL = "https://docs.github.com/rest/git"


def get_blob(call: Call) -> Answer:
    sha = call.params["sha"]
    _check_kind(call, sha, "blob")
    content = call.repo.bare.blob(sha)
    if "raw" in call.accept:
        return Answer(content, headers={"Content-Type": "application/vnd.github.raw+json; charset=utf-8"})
    return Answer(
        {
            "sha": sha,
            "node_id": shapes.node("B", sha),
            "size": len(content),
            "url": f"{call.url}/git/blobs/{sha}",
            "content": shapes_git.wrapped(content),
            "encoding": "base64",
        }
    )


def post_blob(call: Call) -> Answer:
    (content,) = call.required("content")
    raw = decoded(content) if call.json().get("encoding") == "base64" else str(content).encode()
    sha = call.repo.bare.put_blob(raw)
    return Answer({"sha": sha, "url": f"{call.url}/git/blobs/{sha}"}, 201)


def get_tree(call: Call) -> Answer:
    """By tree sha, commit sha or branch. Any value of `recursive` switches it on, as with GitHub."""
    name = call.params["ref"]
    sha = name if call.repo.bare.kind(name) == "tree" else None
    commit = None if sha else call.resolve(name)
    if sha is None and commit is None:
        raise Refused(404, "Not Found", url=f"{_URL}/trees#get-a-tree")
    tree = sha or call.repo.bare.commit(str(commit)).tree
    entries = call.repo.bare.walk(tree) if "recursive" in call.query else iter(call.repo.bare.tree(tree).items())
    listed = list(itertools.islice(entries, call.world.tree_limit))
    truncated = next(entries, None) is not None
    return Answer(_tree(call, sha or str(commit), listed, truncated=truncated))


def post_tree(call: Call) -> Answer:
    fields = call.json()
    base = fields.get("base_tree")
    if not isinstance(fields.get("tree"), list):
        raise not_supplied("tree")
    if base is not None and call.repo.bare.kind(str(base)) == "commit":
        base = call.repo.bare.commit(base).tree
    if base is not None and call.repo.bare.kind(str(base)) != "tree":
        raise Refused(422, "base_tree is not a valid tree oid", url=f"{_URL}/trees#create-a-tree")
    changes = dict(_tree_change(call, item) for item in fields["tree"])
    gone = [path for path, change in changes.items() if change is None]
    if any(base is None or call.repo.bare.entry(base, path) is None for path in gone):
        raise Refused(422, "GitRPC::BadObjectState", url=f"{_URL}/trees#create-a-tree")
    tree = call.repo.bare.change(base, changes)
    return Answer(_tree(call, tree, list(call.repo.bare.tree(tree).items())), 201)


def get_commit(call: Call) -> Answer:
    _check_kind(call, call.params["sha"], "commit")
    return Answer(shapes_git.git_commit(call.repo.bare.commit(call.params["sha"]), call))


def post_commit(call: Call) -> Answer:
    fields = call.json()
    message, tree = call.required("message", "tree")
    parents = tuple(fields.get("parents") or ())
    if call.repo.bare.kind(tree) != "tree":
        raise Refused(422, "Tree SHA does not exist", url=f"{_URL}/commits#create-a-commit")
    if any(call.repo.bare.kind(parent) != "commit" for parent in parents):
        raise Refused(422, "Parent SHA does not exist or is not a commit object", url=f"{_URL}/commits#create-a-commit")
    sha = writing.commit(
        call, tree, parents, str(message), author=fields.get("author"), committer=fields.get("committer")
    )
    return Answer(shapes_git.git_commit(call.repo.bare.commit(sha), call), 201)


def get_ref(call: Call) -> Answer:
    name = f"refs/{call.params['ref']}"
    sha = _at(call, name)
    if sha is None:
        raise Refused(404, "Not Found", url=f"{_URL}/refs#get-a-reference")
    return Answer(shapes_git.ref(name, sha, call))


def get_refs(call: Call) -> Answer:
    """The old listing at git/refs/...: one ref when the name is whole, else all that start so."""
    prefix = f"refs/{call.params.get('ref', '')}"
    if sha := _at(call, prefix):
        return Answer(shapes_git.ref(prefix, sha, call))
    return matching_refs(call)


def matching_refs(call: Call) -> Answer:
    refs = call.repo.bare.refs(f"refs/{call.params.get('ref', '')}")
    return Answer([shapes_git.ref(name, sha, call) for name, sha in refs.items()])


def post_ref(call: Call) -> Answer:
    name, sha = call.required("ref", "sha")
    if not str(name).startswith("refs/") or str(name).count("/") < 2 or not is_ref_name(name):
        raise Refused(422, f"{name} is not a valid ref name.", url=f"{_URL}/refs#create-a-reference")
    _check_commit(call, sha, "create")
    if writing.land(call, RefUpdate(name, None, sha)):
        text = "Reference already exists" if call.repo.bare.ref(name) else "Reference update failed"
        raise Refused(422, text, url=f"{_URL}/refs#create-a-reference")
    return Answer(shapes_git.ref(name, sha, call), 201, {"Location": f"{call.url}/git/{name}"})


def patch_ref(call: Call) -> Answer:
    """Moves a ref, wherever it is; without `force` only forward."""
    name = f"refs/{call.params['ref']}"
    (sha,) = call.required("sha")
    writing.let_others_write(call, name)
    with call.repo.lock:
        before = _before(call, name, "update")
        _check_commit(call, sha, "update")
        if rule := call.repo.rule(name.removeprefix("refs/heads/")):
            raise Refused(422, violation(rule), url=f"{_URL}/refs#update-a-reference")
        if not call.json().get("force") and not history.is_ancestor(call.repo.bare, before, sha):
            raise Refused(422, "Update is not a fast forward", url=f"{_URL}/refs#update-a-reference")
        _push(call, RefUpdate(name, before, sha), "update")
    return Answer(shapes_git.ref(name, sha, call))


def delete_ref(call: Call) -> Answer:
    name = f"refs/{call.params['ref']}"
    branch = name.removeprefix("refs/heads/")
    writing.let_others_write(call, name)
    with call.repo.lock:
        before = _before(call, name, "delete")
        if branch == call.repo.default_branch:
            raise Refused(422, "Cannot delete the default branch", url=f"{_URL}/refs#delete-a-reference")
        if rule := call.repo.rule(branch):
            text = "Cannot delete a protected branch" if rule.kind == "classic" else violation(rule)
            raise Refused(422, text, url=f"{_URL}/refs#delete-a-reference")
        _push(call, RefUpdate(name, before, None), "delete")
    return Answer(status=204)


def _before(call: Call, name: str, act: str) -> str:
    before = call.repo.bare.ref(name)
    if before is None:
        raise Refused(422, "Reference does not exist", url=f"{_URL}/refs#{act}-a-reference")
    return before


def _push(call: Call, move: RefUpdate, act: str) -> None:
    if push(call.repo, [move], call.actor.login):
        raise Refused(422, "Reference update failed", url=f"{_URL}/refs#{act}-a-reference")


def _at(call: Call, name: str) -> str | None:
    branch = name.removeprefix("refs/heads/")
    return call.head(branch) if branch != name else call.repo.bare.ref(name)


def _check_commit(call: Call, sha: Any, act: str) -> None:
    if not isinstance(sha, str) or len(sha) != 40:
        raise Refused(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].", url=_URL)
    if call.repo.bare.kind(sha) != "commit":
        raise Refused(422, "Object does not exist", url=f"{_URL}/refs#{act}-a-reference")


def _check_kind(call: Call, sha: str, kind: str) -> None:
    if len(sha) != 40:
        raise Refused(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].", url=_URL)
    if call.repo.bare.kind(sha) != kind:
        raise Refused(404, "Not Found", url=f"{_URL}/{kind}s#get-a-{kind}")


def _tree(call: Call, sha: str, entries: list[tuple[str, Entry]], *, truncated: bool = False) -> dict[str, Any]:
    """`sha` is what was asked for: for a branch that is its commit, not its tree, as with GitHub."""
    bare, url = call.repo.bare, call.url
    lines = [shapes_git.tree_entry(path, entry, bare, url) for path, entry in entries]
    return {"sha": sha, "url": f"{call.url}/git/trees/{sha}", "tree": lines, "truncated": truncated}


def _tree_change(call: Call, item: Mapping[str, Any]) -> tuple[str, Entry | NewFile | None]:
    """One item of POST git/trees: inline content, an object by sha, or `sha: null` to delete."""
    path, mode = str(item.get("path", "")), str(item.get("mode", ""))
    if mode not in _MODES:
        raise Refused(422, f"tree.mode {mode} is not valid", url=f"{_URL}/trees#create-a-tree")
    if any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise Refused(422, "tree.path contains a malformed path component", url=f"{_URL}/trees#create-a-tree")
    if isinstance(item.get("content"), str) and item.get("sha") is None:
        return path, NewFile(item["content"].encode(), int(mode, 8))
    if "content" in item or "sha" not in item:
        text = "Must supply either tree.sha or tree.content. Request will be rejected if both are present."
        raise Refused(422, text, url=f"{_URL}/trees#create-a-tree")
    sha = item["sha"]
    if sha is None:
        return path, None
    if mode != "160000" and call.repo.bare.kind(sha) not in ("blob", "tree"):
        raise Refused(
            422, f"tree.sha {sha} is not a valid {item.get('type', 'blob')}", url=f"{_URL}/trees#create-a-tree"
        )
    return path, Entry(int(mode, 8), sha)
