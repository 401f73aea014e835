"""Pages of what is in Git: files, history, commits, comparisons."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from failover_api.sandbox.git import history
from failover_api.sandbox.http.exchange import Reply
from failover_api.sandbox.pages.file_diff import file_diffs, lines_of
from failover_api.sandbox.pages.rendering import SECURITY_HEADERS, page
from failover_api.sandbox.pages.visit import NotThere, Place, Visit

if TYPE_CHECKING:
    from failover_api.sandbox.git.objects import Entry

PER_PAGE = 50
MAX_LINES = 5000  # of a file, on a page


def show_repository(visit: Visit) -> Reply:
    return show_tree(visit, visit.repo.default_branch)


def show_tree(visit: Visit, text: str) -> Reply:
    """A directory: directories first, as people look for them."""
    place = visit.place(text)
    if not _entry(visit, place).is_tree:
        return show_file(visit, text)
    entries = visit.repo.bare.tree(_entry(visit, place).sha)
    listed = sorted(entries.items(), key=lambda item: (not item[1].is_tree, item[0]))
    newest = visit.repo.bare.commit(place.sha)
    title = place.path or visit.repo.full_name
    return page(visit, "tree.html", title=title, place=place, entries=listed, newest=newest)


def show_file(visit: Visit, text: str) -> Reply:
    place = visit.place(text)
    entry = _entry(visit, place)
    if entry.is_tree:
        return show_tree(visit, text)
    content = visit.repo.bare.blob(entry.sha) if entry.type == "blob" else b""
    lines = lines_of(content)
    return page(
        visit,
        "file.html",
        title=place.path,
        place=place,
        size=len(content),
        lines=lines[:MAX_LINES] if lines is not None else None,
        more=max(0, len(lines or ()) - MAX_LINES),
    )


def send_file(visit: Visit, text: str) -> Reply:
    """Its bytes, as text at most."""
    entry = _entry(visit, visit.place(text))
    if entry.type != "blob":
        raise NotThere("There is no such file.")
    content = visit.repo.bare.blob(entry.sha)
    kind = "text/plain; charset=utf-8" if lines_of(content) is not None else "application/octet-stream"
    policy = "default-src 'none'; frame-ancestors 'none'; sandbox"
    return Reply(200, {"Content-Type": kind, "Content-Security-Policy": policy, **SECURITY_HEADERS}, content)


def show_history(visit: Visit, text: str = "") -> Reply:
    """Commits, newest first; of one path where there is one."""
    place = visit.place(text or visit.repo.default_branch)
    given = visit.message.query.get("page", "")
    number = max(1, int(given[:6])) if given.isdecimal() else 1
    commits = history.log(visit.repo.bare, place.sha, place.path)
    start = (number - 1) * PER_PAGE
    shown = list(itertools.islice(commits, start, start + PER_PAGE + 1))
    title = f"History of {place.path or place.ref}"
    older = number + 1 if len(shown) > PER_PAGE else None
    return page(visit, "history.html", title=title, place=place, commits=shown[:PER_PAGE], older=older)


def show_commit(visit: Visit, sha: str) -> Reply:
    """Against its first parent."""
    bare = visit.repo.bare
    if bare.kind(sha) != "commit":
        raise NotThere(f"There is no commit {sha}.")
    commit = bare.commit(sha)
    before = bare.commit(commit.parents[0]).tree if commit.parents else None
    changes = history.diff(bare, before, commit.tree)
    return page(
        visit,
        "commit.html",
        title=commit.headline,
        commit=commit,
        verified=sha in visit.repo.signed,
        pulls=[pull for pull in visit.repo.pulls.values() if sha in pull.merged_commits],
        count=len(changes),
        files=file_diffs(bare, changes),
        ref=sha,
    )


def show_comparison(visit: Visit, base: str, head: str) -> Reply:
    """What `head` has beyond where it left `base`."""
    bare = visit.repo.bare
    apart = history.diverge(bare, visit.resolve(base), visit.resolve(head))
    before = bare.commit(apart.meeting).tree if apart.meeting else None
    sha = visit.resolve(head)
    old, new = (name[:7] if len(name) == len(sha) else name for name in (base, head))
    changes = history.diff(bare, before, bare.commit(sha).tree)
    return page(
        visit,
        "comparison.html",
        title=f"{old} … {new}",
        base=old,
        head=new,
        commits=apart.ahead[::-1],
        behind=len(apart.behind),
        count=len(changes),
        files=file_diffs(bare, changes),
        ref=sha,
    )


def _entry(visit: Visit, place: Place) -> Entry:
    entry = visit.repo.bare.entry(visit.repo.bare.commit(place.sha).tree, place.path)
    if entry is None:
        raise NotThere(f"{place.path} is not at {place.ref}.")
    return entry
