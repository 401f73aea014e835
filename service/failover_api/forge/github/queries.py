"""The GraphQL queries and mutations. Values are passed in variables, never in the text.

https://docs.github.com/en/graphql/reference/objects#commit
"""

from collections.abc import Sequence

_BLOB = "... on Blob { oid text byteSize isBinary isTruncated }"

CREATE_COMMIT = """\
mutation CreateCommit($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid url signature { isValid } } }
}
"""

UPDATE_REFS = """\
mutation UpdateRefs($input: UpdateRefsInput!) {
  updateRefs(input: $input) { clientMutationId }
}
"""

ENABLE_AUTO_MERGE = """\
mutation EnableAutoMerge($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { clientMutationId }
}
"""

ENQUEUE_PULL_REQUEST = """\
mutation EnqueuePullRequest($input: EnqueuePullRequestInput!) {
  enqueuePullRequest(input: $input) { clientMutationId }
}
"""

IS_QUEUED = """\
query IsQueued($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { isInMergeQueue } }
}
"""

FILE_MODE = """\
query FileMode($owner: String!, $name: String!, $ref: String!, $path: String!) {
  repository(owner: $owner, name: $name) {
    ref(qualifiedName: $ref) { target { ... on Commit { file(path: $path) { mode type } } } }
  }
}
"""


def files_at(paths: Sequence[str], *, head: str | None) -> tuple[str, dict[str, str]]:
    """Reads files and their modes at a commit, or at the branch's head when `head` is None.

    Gives the query and the variables p0, p1, ...; the caller adds owner, name and ref (or head).
    """
    start, names = _variables(paths, "p", "String!")
    files = "\n".join(f"f{i}: file(path: $p{i}) {{ mode type object {{ {_BLOB} }} }}" for i in range(len(paths)))
    if head is None:
        at = f"ref(qualifiedName: $ref) {{ target {{ oid ... on Commit {{ {files} }} }} }}"
        return _repository("FilesAtRef", f"$ref: String!, {start}", at), names
    at = f"object(oid: $head) {{ oid ... on Commit {{ {files} }} }}"
    return _repository("FilesAtHead", f"$head: GitObjectID!, {start}", at), names


def files_at_commits(places: Sequence[tuple[str, str]]) -> tuple[str, dict[str, str]]:
    """Reads files at several commits. `places` are (commit, path); c0, c1, ... in the answer have f0, f1, ...

    Gives the query and the variables; place i is file f{i} of c{j}, j the place of its commit among the commits.
    """
    commits = list(dict.fromkeys(commit for commit, _ in places))
    declared_commits, oids = _variables(commits, "c", "GitObjectID!")
    declared_paths, paths = _variables([path for _, path in places], "p", "String!")
    of_commit: dict[str, list[str]] = {commit: [] for commit in commits}
    for i, (commit, _) in enumerate(places):
        of_commit[commit].append(f"f{i}: file(path: $p{i}) {{ mode object {{ {_BLOB} }} }}")
    objects = "\n".join(
        f"c{j}: object(oid: $c{j}) {{ ... on Commit {{ {' '.join(of_commit[commit])} }} }}"
        for j, commit in enumerate(commits)
    )
    return _repository("FilesAtCommits", f"{declared_commits}, {declared_paths}", objects), {**oids, **paths}


def presence(places: Sequence[tuple[str, str]]) -> tuple[str, dict[str, str]]:
    """Whether there are files at commits and at their first parents. `places` are (commit, path): c0, c1, ..."""
    declared_commits, oids = _variables([commit for commit, _ in places], "c", "GitObjectID!")
    declared_paths, paths = _variables([path for _, path in places], "p", "String!")
    objects = "\n".join(
        f"c{i}: object(oid: $c{i}) {{ ... on Commit {{ file(path: $p{i}) {{ mode }} "
        f"parents(first: 1) {{ nodes {{ file(path: $p{i}) {{ mode }} }} }} }} }}"
        for i in range(len(places))
    )
    return _repository("Presence", f"{declared_commits}, {declared_paths}", objects), {**oids, **paths}


def modes_at(paths: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Reads the modes of files at a commit. Gives the query and the variables p0, p1, ...; the caller adds head."""
    start, names = _variables(paths, "p", "String!")
    files = "\n".join(f"f{i}: file(path: $p{i}) {{ mode }}" for i in range(len(paths)))
    at = f"object(oid: $head) {{ ... on Commit {{ {files} }} }}"
    return _repository("ModesAtHead", f"$head: GitObjectID!, {start}", at), names


def blobs(shas: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Reads blobs by their shas. Gives the query and the variables b0, b1, ..."""
    start, names = _variables(shas, "b", "GitObjectID!")
    objects = "\n".join(f"f{i}: object(oid: $b{i}) {{ {_BLOB} }}" for i in range(len(shas)))
    return _repository("Blobs", start, objects), names


def _variables(values: Sequence[str], letter: str, kind: str) -> tuple[str, dict[str, str]]:
    declared = ", ".join(f"${letter}{i}: {kind}" for i in range(len(values)))
    return declared, {f"{letter}{i}": value for i, value in enumerate(values)}


def _repository(operation: str, variables: str, selection: str) -> str:
    return (
        f"query {operation}($owner: String!, $name: String!, {variables}) {{\n"
        f"repository(owner: $owner, name: $name) {{ {selection} }}\n}}"
    )
