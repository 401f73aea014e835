"""PyGithub, which knows nothing of us, can work with the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import github
import pytest
from github import Auth, Github, GithubException, GithubIntegration, UnknownObjectException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from failover_api.sandbox import Sandbox

PLAIN = {"retry": None, "seconds_between_requests": None, "seconds_between_writes": None}


@pytest.fixture
def hub(sandbox: Sandbox, url: str) -> Iterator[Github]:
    made = Github(base_url=url, auth=Auth.Token(sandbox.token), **PLAIN)
    yield made
    made.close()


def test_repository_and_branch(hub: Github, sandbox: Sandbox) -> None:
    repo = hub.get_repo("acme/homelab")
    assert repo.default_branch == "main"
    assert repo.permissions.push
    assert repo.allow_squash_merge
    branch = repo.get_branch("main")
    assert branch.commit.sha == sandbox.head()
    assert not branch.protected
    assert hub.get_user().login == "sandbox-user"
    assert hub.get_rate_limit().rate.limit == 5000


def test_update_file_is_a_compare_and_swap(hub: Github, sandbox: Sandbox) -> None:
    repo = hub.get_repo("acme/homelab")
    before = repo.get_contents("README.md")
    assert before.decoded_content == b"# homelab\n"
    done = repo.update_file("README.md", "Say more", b"# home\n", before.sha)
    assert sandbox.read("README.md") == b"# home\n"
    assert done["commit"].sha == sandbox.head()
    assert sandbox.log()[0].message == "Say more"
    with pytest.raises(GithubException) as caught:
        repo.update_file("README.md", "Too late", b"# hut\n", before.sha)
    assert caught.value.status == 409
    assert caught.value.data["message"] == f"README.md does not match {before.sha}"


def test_create_and_delete_file(hub: Github, sandbox: Sandbox) -> None:
    repo = hub.get_repo("acme/homelab")
    made = repo.create_file("apps/new.yaml", "Add", b"a: 1\n")
    assert sandbox.read("apps/new.yaml") == b"a: 1\n"
    repo.delete_file("apps/new.yaml", "Remove", made["content"].sha)
    assert sandbox.read("apps/new.yaml") is None
    with pytest.raises(UnknownObjectException):
        repo.get_contents("apps/new.yaml")


def test_directory_tree_blob_and_history(hub: Github, sandbox: Sandbox) -> None:
    repo = hub.get_repo("acme/homelab")
    listed = repo.get_contents("apps")
    assert [(item.name, item.type) for item in listed] == [("radarr", "dir"), ("sonarr", "dir")]
    tree = repo.get_git_tree("main", recursive=True)
    assert "apps/sonarr/deployment.yaml" in [item.path for item in tree.tree]
    readme = next(item for item in tree.tree if item.path == "README.md")
    assert repo.get_git_blob(readme.sha).size == 10
    sandbox.commit({"README.md": b"new\n"}, "Change the readme")
    sandbox.commit({"other": b"new\n"}, "Something else")
    assert [commit.commit.message for commit in repo.get_commits(path="README.md")] == [
        "Change the readme",
        "Initial commit",
    ]
    assert [file.filename for file in repo.get_commit(sandbox.head()).files] == ["other"]
    compared = repo.compare(sandbox.log()[-1].sha, "main")
    assert (compared.status, compared.ahead_by) == ("ahead", 2)


def test_commit_of_several_files_by_the_git_database(hub: Github, sandbox: Sandbox) -> None:
    repo = hub.get_repo("acme/homelab")
    head = repo.get_branch("main").commit
    items = [github.InputGitTreeElement(path, "100644", "blob", content="v: 2\n") for path in ("a.yaml", "b/c.yaml")]
    tree = repo.create_git_tree(items, head.commit.tree)
    commit = repo.create_git_commit("Two files", tree, [head.commit])
    repo.get_git_ref("heads/main").edit(commit.sha)
    assert sandbox.read("b/c.yaml") == b"v: 2\n"
    assert sandbox.log()[0].message == "Two files"
    made = repo.create_git_ref("refs/heads/side", head.sha)
    with pytest.raises(GithubException, match="Reference already exists"):
        repo.create_git_ref("refs/heads/side", head.sha)
    made.delete()
    assert [branch.name for branch in repo.get_branches()] == ["main"]


def test_pull_request_from_opening_to_merge(hub: Github, sandbox: Sandbox) -> None:
    repo = hub.get_repo("acme/homelab")
    sandbox.commit({"README.md": b"changed\n"}, "Change", "side")
    pull = repo.create_pull(base="main", head="side", title="Change it", body="because")
    assert (pull.number, pull.mergeable, pull.mergeable_state) == (1, True, "clean")
    pull.add_to_labels("failover")
    pull.create_issue_comment("hello")
    pull.create_review_request(reviewers=["maria"])
    assert [label.name for label in repo.get_pull(1).labels] == ["failover"]
    assert [found.number for found in repo.get_pulls(state="open", head="acme:side", base="main")] == [1]
    assert [commit.commit.message for commit in pull.get_commits()] == ["Change"]
    assert pull.merge(merge_method="squash", sha=pull.head.sha).merged
    assert sandbox.read("README.md") == b"changed\n"
    assert repo.get_pull(1).merged
    assert sandbox.log()[0].message.startswith("Change (#1)")


def test_a_proposal_from_its_branch_to_its_end(hub: Github, sandbox: Sandbox) -> None:
    repo = hub.get_repo("acme/homelab")
    base = repo.get_branch("main").commit
    made = repo.create_git_ref("refs/heads/proposal", base.sha)
    items = [github.InputGitTreeElement("a.yaml", "100644", "blob", content="v: 2\n")]
    tree = repo.create_git_tree(items, base.commit.tree)
    commit = repo.create_git_commit("Propose", tree, [base.commit])
    made.edit(commit.sha)
    compared = repo.compare("main", "proposal")
    assert (compared.status, compared.total_commits, compared.merge_base_commit.sha) == ("ahead", 1, base.sha)
    assert [(file.filename, file.status) for file in compared.files] == [("a.yaml", "added")]
    pull = repo.create_pull(base="main", head="proposal", title="Propose", body="because", draft=True)
    assert (pull.draft, pull.head.repo.full_name, pull.base.sha) == (True, "acme/homelab", base.sha)
    pull.add_to_labels("failover", "switch")
    pull.create_issue_comment("not now")
    pull.edit(title="Another title", state="closed")
    assert [comment.body for comment in repo.get_pull(1).get_issue_comments()] == ["not now"]
    assert [found.number for found in repo.get_pulls(state="closed", sort="updated", direction="desc")] == [1]
    again = repo.create_pull(base="main", head="proposal", title="Again", body="")
    with pytest.raises(GithubException, match="A pull request already exists for acme:proposal"):
        repo.create_pull(base="main", head="proposal", title="Twice", body="")
    merged = again.merge(commit_title="Mine", commit_message="Whole.", merge_method="squash")
    assert repo.get_commit(merged.sha).commit.message == "Mine\n\nWhole."
    assert [found.number for found in repo.get_commit(merged.sha).get_pulls()] == [2]
    assert [found.commit.message for found in repo.get_commits(sha="proposal", path="a.yaml")] == ["Propose"]
    made.delete()
    assert (repo.get_pull(2).head.sha, repo.get_pull(2).base.sha) == (commit.sha, base.sha)


def test_app_auth(sandbox: Sandbox, url: str) -> None:
    auth = Auth.AppAuth(int(sandbox.app_id), sandbox.private_key_pem)
    integration = GithubIntegration(auth=auth, base_url=url, **PLAIN)
    installation = integration.get_repo_installation("acme", "homelab")
    assert integration.get_app().slug == "sandbox-app"
    token = integration.get_access_token(installation.id, permissions={"contents": "write"})
    hub = Github(base_url=url, auth=Auth.Token(token.token), **PLAIN)
    repo = hub.get_repo("acme/homelab")
    repo.update_file("README.md", "By an App", b"app\n", repo.get_contents("README.md").sha)
    assert sandbox.log()[0].author.name == "sandbox-app[bot]"
    assert repo.get_commit("main").commit.raw_data["verification"]["verified"]
    with pytest.raises(GithubException, match="Resource not accessible by integration"):
        repo.create_pull(base="main", head="side", title="no")
    hub.close()
    integration.close()
