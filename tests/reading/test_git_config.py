"""Which repository a working tree was cloned from."""

from pathlib import Path

import pytest

from failover_api.reading.git_config import origin_of, owner_name

CONFIG = """\
[core]
\tbare = false
[remote "upstream"]
\turl = https://github.com/other/upstream.git
[remote "origin"]
\tfetch = +refs/heads/*:refs/remotes/origin/*
\turl = git@github.com:acme/homelab.git
[branch "main"]
\tremote = origin
"""


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/homelab.git",
        "https://github.com/acme/homelab",
        "https://github.com/acme/homelab/",
        "https://someone:ghp_secret@github.com/acme/homelab.git",
        "git@github.com:acme/homelab.git",
        "github.com:acme/homelab",
        "ssh://git@github.com/acme/homelab.git",
        "ssh://git@github.com:2222/acme/homelab.git",
        "git://github.com/acme/homelab.git",
    ],
)
def test_each_form_of_url_has_owner_and_name(url: str) -> None:
    assert owner_name(url) == "acme/homelab"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/srv/git/homelab.git",
        "../homelab",
        "https://github.com/homelab",
        "https://gitlab.com/a/b/homelab.git",
        "git@host:a/b/c.git",
        "https://[::1/acme/homelab",
        "https://github.com/acme/home lab",
    ],
)
def test_another_place_has_none(url: str) -> None:
    assert owner_name(url) is None


def test_the_origin_is_told_and_no_other_remote(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text(CONFIG)
    assert origin_of(tmp_path) == "acme/homelab"
    (tmp_path / ".git/config").write_text(CONFIG.replace('"origin"', '"fork"'))
    assert origin_of(tmp_path) is None


def test_a_worktree_leads_to_its_clone(tmp_path: Path) -> None:
    of_worktree = tmp_path / "clone/.git/worktrees/there"
    of_worktree.mkdir(parents=True)
    (of_worktree / "commondir").write_text("../..\n")
    (tmp_path / "clone/.git/config").write_text(CONFIG)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/.git").write_text(f"gitdir: {of_worktree}\n")
    assert origin_of(tmp_path / "there") == "acme/homelab"


def test_a_folder_that_is_no_clone_has_none(tmp_path: Path) -> None:
    assert origin_of(tmp_path) is None
    (tmp_path / ".git").write_bytes(b"\xff\xfe")
    assert origin_of(tmp_path) is None
