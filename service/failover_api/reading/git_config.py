"""Which repository a working tree was cloned from, as its own `.git/config` says. Git itself is not asked.

https://git-scm.com/docs/git-config, https://git-scm.com/docs/gitrepository-layout
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

MAX_BYTES = 1024 * 1024
_SECTION = re.compile(r'^\s*\[\s*remote\s+"origin"\s*\]\s*(?:[#;].*)?$', re.IGNORECASE)
_URL = re.compile(r'^\s*url\s*=\s*"?([^"\s]+)"?\s*$', re.IGNORECASE)
_SCP = re.compile(r"^(?:[^@/:]+@)?[^@/:]+:(?!//)(.+)$")  # git@github.com:acme/homelab.git
_OWNER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


def origin_of(folder: Path) -> str | None:
    """The owner/name of the tree's `origin`; None where there is none, or it is no such place.

    Nothing else of the URL is looked at: it may hold a password.
    """
    try:
        config = _config_of(folder / ".git")
        text = "" if config.stat().st_size > MAX_BYTES else config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    url = _url_in(text)
    return None if url is None else owner_name(url)


def owner_name(url: str) -> str | None:
    """The owner/name in the URL of a remote, as https, ssh or in short; None where its path is no such pair."""
    short = _SCP.match(url)
    try:
        path = short[1] if short and "://" not in url else urlsplit(url).path if "://" in url else ""
    except ValueError:
        return None
    name = path.strip("/").removesuffix(".git")
    return name if _OWNER_NAME.fullmatch(name) else None


def _config_of(git: Path) -> Path:
    """Of a worktree, `.git` is a file that leads to a folder, which leads to that of the clone."""
    if git.is_dir():
        return git / "config"
    leads_to = git.read_text(encoding="utf-8", errors="replace").strip().removeprefix("gitdir:").strip()
    folder = git.parent / leads_to
    common = folder / "commondir"
    return (folder / common.read_text(encoding="utf-8").strip() if common.is_file() else folder) / "config"


def _url_in(text: str) -> str | None:
    is_origin = False
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            is_origin = _SECTION.match(line) is not None
        elif is_origin and (url := _URL.match(line)):
            return url[1]
    return None
