"""githubkit's models, made from GitHub's own OpenAPI, accept what the sandbox answers."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from githubkit import AppAuthStrategy, GitHub, TokenAuthStrategy
from githubkit.exception import RequestFailed

from tests.sandbox.clients import AUTO_MERGE, UPDATE_REFS

if TYPE_CHECKING:
    from collections.abc import Callable

    from failover_api.sandbox import Sandbox

HERE = ("acme", "homelab")

READS: list[tuple[str, Callable[[GitHub], object]]] = [
    ("root", lambda hub: hub.rest.meta.root()),
    ("rate limit", lambda hub: hub.rest.rate_limit.get()),
    ("user", lambda hub: hub.rest.users.get_authenticated()),
    ("repository", lambda hub: hub.rest.repos.get(*HERE)),
    ("file", lambda hub: hub.rest.repos.get_content(*HERE, "README.md")),
    ("large file", lambda hub: hub.rest.repos.get_content(*HERE, "big.bin")),
    ("directory", lambda hub: hub.rest.repos.get_content(*HERE, "apps")),
    ("symlink", lambda hub: hub.rest.repos.get_content(*HERE, "link")),
    ("submodule", lambda hub: hub.rest.repos.get_content(*HERE, "vendor")),
    ("branches", lambda hub: hub.rest.repos.list_branches(*HERE)),
    ("branch", lambda hub: hub.rest.repos.get_branch(*HERE, "main")),
    ("protection", lambda hub: hub.rest.repos.get_branch_protection(*HERE, "classic")),
    ("rules", lambda hub: hub.rest.repos.get_branch_rules(*HERE, "ruled")),
    ("commits", lambda hub: hub.rest.repos.list_commits(*HERE)),
    ("commit", lambda hub: hub.rest.repos.get_commit(*HERE, "main")),
    ("compare", lambda hub: hub.rest.repos.compare_commits(*HERE, "main...side")),
    ("tree", lambda hub: hub.rest.git.get_tree(*HERE, "main", recursive="1")),
    ("ref", lambda hub: hub.rest.git.get_ref(*HERE, "heads/main")),
    ("matching refs", lambda hub: hub.rest.git.list_matching_refs(*HERE, "heads/")),
    ("compare in pages", lambda hub: hub.rest.repos.compare_commits(*HERE, "main...side", per_page=1)),
    ("pulls of a commit", lambda hub: hub.rest.repos.list_pull_requests_associated_with_commit(*HERE, "side")),
    ("pulls", lambda hub: hub.rest.pulls.list(*HERE)),
    ("closed pulls", lambda hub: hub.rest.pulls.list(*HERE, state="closed", sort="updated", direction="desc")),
    ("pull", lambda hub: hub.rest.pulls.get(*HERE, 1)),
    ("pull commits", lambda hub: hub.rest.pulls.list_commits(*HERE, 1)),
    ("pull files", lambda hub: hub.rest.pulls.list_files(*HERE, 1)),
    ("labels", lambda hub: hub.rest.issues.list_labels_on_issue(*HERE, 1)),
    ("comments", lambda hub: hub.rest.issues.list_comments(*HERE, 1)),
]


@pytest.fixture
def hub(sandbox: Sandbox, url: str) -> GitHub:
    return GitHub(TokenAuthStrategy(sandbox.token), base_url=url, http_cache=False, auto_retry=False)


def prepare(sandbox: Sandbox, hub: GitHub) -> None:
    """One of everything that can be read."""
    sandbox.add_symlink("link", "nowhere")
    sandbox.add_submodule("vendor")
    for branch, path in (("side", "a"), ("classic", "b"), ("ruled", "c")):
        sandbox.commit({path: b"x\n"}, f"On {branch}", branch)
    sandbox.protect("classic", "classic", checks=("ci",))
    sandbox.protect("ruled", "ruleset", checks=("ci",))
    hub.rest.pulls.create(*HERE, title="A pull", head="side", base="main")
    hub.rest.issues.add_labels(*HERE, 1, labels=["failover"])
    hub.rest.issues.create_comment(*HERE, 1, body="hello")
    sandbox.commit({"README.md": None, "docs/README.md": b"# homelab\n"}, "Move", "moved")
    sandbox.close_pull(sandbox.open_pull("moved"))


def test_models_accept_every_read(sandbox: Sandbox, hub: GitHub) -> None:
    prepare(sandbox, hub)
    for name, read in READS:
        try:
            parsed = read(hub).parsed_data
        except Exception as exc:
            raise AssertionError(name) from exc
        assert parsed is not None, name


def test_models_accept_writes(sandbox: Sandbox, hub: GitHub) -> None:
    content = base64.b64encode(b"new\n").decode()
    put = hub.rest.repos.create_or_update_file_contents(*HERE, "new", message="Add", content=content).parsed_data
    assert put.commit.sha == sandbox.head()
    hub.rest.repos.delete_file(*HERE, "new", message="Remove", sha=put.content.sha).parsed_data  # noqa: B018 - reading it validates it
    head = hub.rest.repos.get_branch(*HERE, "main").parsed_data.commit
    items = [{"path": "a", "mode": "100644", "type": "blob", "content": "a\n"}]
    tree = hub.rest.git.create_tree(*HERE, tree=items, base_tree=head.commit.tree.sha).parsed_data
    commit = hub.rest.git.create_commit(*HERE, message="Tree", tree=tree.sha, parents=[head.sha]).parsed_data
    assert hub.rest.git.update_ref(*HERE, "heads/main", sha=commit.sha).parsed_data.object_.sha == sandbox.head()
    assert hub.rest.git.create_ref(*HERE, ref="refs/heads/side", sha=head.sha).parsed_data.ref == "refs/heads/side"


def test_models_accept_pull_requests(sandbox: Sandbox, hub: GitHub) -> None:
    sandbox.commit({"a": b"x\n"}, "Change", "side")
    pull = hub.rest.pulls.create(*HERE, title="A pull", head="side", base="main").parsed_data
    asked = hub.rest.pulls.request_reviewers(*HERE, pull.number, reviewers=["maria"], team_reviewers=["operators"])
    assert asked.parsed_data.requested_reviewers[0].login == "maria"
    hub.rest.issues.add_labels(*HERE, pull.number, labels=["failover"]).parsed_data  # noqa: B018 - reading it validates it
    changed = hub.rest.pulls.update(*HERE, pull.number, title="Another name").parsed_data
    assert changed.title == "Another name"
    merged = hub.rest.pulls.merge(*HERE, pull.number, sha=pull.head.sha).parsed_data
    assert merged.sha == sandbox.head()
    shown = hub.rest.pulls.get(*HERE, pull.number).parsed_data
    assert (shown.merged, shown.state, shown.auto_merge) == (True, "closed", None)


def test_models_accept_a_proposal_that_is_closed_and_made_again(sandbox: Sandbox, hub: GitHub) -> None:
    sandbox.protect()
    head = sandbox.head()
    hub.rest.git.create_ref(*HERE, ref="refs/heads/side", sha=head).parsed_data  # noqa: B018 - reading it validates it
    on = sandbox.commit({"a": b"x\n"}, "Change", "side")
    compared = hub.rest.repos.compare_commits(*HERE, f"{head}...{on}").parsed_data
    assert [(file.filename, file.status) for file in compared.files] == [("a", "added")]
    pull = hub.rest.pulls.create(*HERE, title="A pull", head="side", base="main", draft=True).parsed_data
    assert (pull.draft, pull.mergeable_state, pull.head.sha) == (True, "draft", on)
    comment = hub.rest.issues.create_comment(*HERE, pull.number, body="not now").parsed_data
    assert comment.body == "not now"
    assert hub.rest.pulls.update(*HERE, pull.number, state="closed").parsed_data.closed_at is not None
    again = hub.rest.pulls.create(*HERE, title="Again", head="side", base="main").parsed_data
    labels = hub.rest.issues.add_labels(*HERE, again.number, labels=["failover"]).parsed_data
    assert [label.name for label in labels] == ["failover"]
    hub.graphql(AUTO_MERGE, {"id": again.node_id})
    waiting = hub.rest.pulls.get(*HERE, again.number).parsed_data
    assert (waiting.mergeable_state, waiting.auto_merge.merge_method) == ("blocked", "squash")
    sandbox.approve(again.number)
    assert [item.commit.message for item in hub.rest.repos.list_commits(*HERE, per_page=1).parsed_data] == [
        sandbox.log()[0].message
    ]
    assert hub.rest.git.delete_ref(*HERE, "heads/side").status_code == 204
    moved = {"name": "refs/heads/new", "afterOid": head}
    variables = {"input": {"repositoryId": sandbox.repository.node_id, "refUpdates": [moved]}}
    assert hub.graphql(UPDATE_REFS, variables) == {"updateRefs": {"clientMutationId": None}}


def test_app_auth(sandbox: Sandbox, url: str) -> None:
    auth = AppAuthStrategy(sandbox.app_id, sandbox.private_key_pem)
    app = GitHub(auth, base_url=url, http_cache=False, auto_retry=False)
    installation = app.rest.apps.get_repo_installation(*HERE).parsed_data
    assert app.rest.apps.get_authenticated().parsed_data.slug == "sandbox-app"
    minted = app.rest.apps.create_installation_access_token(installation.id, repositories=["homelab"]).parsed_data
    assert minted.permissions.contents == "write"
    acting = app.with_auth(auth.as_installation(installation.id))
    assert acting.rest.repos.get(*HERE).parsed_data.full_name == "acme/homelab"
    assert acting.rest.apps.list_repos_accessible_to_installation().parsed_data.total_count == 1


def test_graphql(sandbox: Sandbox, hub: GitHub) -> None:
    answer = hub.graphql('query { repository(owner: "acme", name: "homelab") { defaultBranchRef { name } } }')
    assert answer["repository"]["defaultBranchRef"]["name"] == "main"


def test_conflict_is_409(sandbox: Sandbox, hub: GitHub) -> None:
    with pytest.raises(RequestFailed) as caught:
        hub.rest.repos.create_or_update_file_contents(*HERE, "README.md", message="m", content="", sha="0" * 40)
    assert caught.value.response.status_code == 409
