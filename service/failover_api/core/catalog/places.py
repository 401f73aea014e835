"""What names a place: a repository, a branch, a file of either, a URL. Anything else is an error in plain words."""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic.functional_validators import AfterValidator

from failover_api.core.catalog.unsupported_formats import why_unsupported
from failover_api.core.config.schema import NonEmpty, Text, describe

# Managed users of GitHub Enterprise have an underscore; no repository ends with .git.
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}")
# https://git-scm.com/docs/git-check-ref-format
_BAD_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^@$|^[-/.]|/\.|[/.]$|\.lock(/|$)")


def _repository(value: str) -> str:
    if not _REPOSITORY.fullmatch(value):
        raise ValueError(f"expected owner/name, as in 'acme/homelab', not {describe(value)}")
    return value


def _branch(value: str) -> str:
    if not value.isprintable() or _BAD_BRANCH.search(value):
        raise ValueError(f"expected the name of a branch, as in 'main', not {describe(value)}")
    return value


def _file(value: str) -> str:
    parts = value.split("/")
    if not value.isprintable() or "\\" in value or any(part in {"", ".", ".."} for part in parts):
        raise ValueError(
            "expected a path inside the repository, as in 'apps/web/deployment.yaml', without '..', "
            f"not {describe(value)}"
        )
    if parts[0].lower() == ".github" or any(part.lower() == ".git" for part in parts):
        raise ValueError(f"expected a manifest, not {describe(value)}: .git/ and .github/ are never touched")
    return value


def _manifest(value: str) -> str:
    if (why := why_unsupported(_file(value))) is not None:
        raise ValueError(f"expected a manifest in YAML or JSON, not {describe(value)}: {why}")
    return value


def _folder(value: str) -> str:
    return "" if value in {"", ".", "./", "/"} else f"{_file(value.removesuffix('/'))}/"


def _disk_file(value: str) -> str:
    """A path on disk. A URL in its place may hold a secret, so the error does not show it."""
    if "://" in value or not value.isprintable():
        raise ValueError("expected the path of a file, as in '/etc/failover/notify/urls'; a URL belongs in that file")
    return value


def _plain_url(example: str) -> Callable[[str], str]:
    """A URL that is asked for. The error does not show the one that is wrong: it may hold a password."""

    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            is_web, is_named = parts.scheme in {"http", "https"}, bool(parts.hostname) and parts.port != 0
            is_plain = is_web and is_named and parts.username is None
        except ValueError:
            is_plain = False
        if not is_plain or not set("#\\ ").isdisjoint(value) or not value.isprintable():
            raise ValueError(f"expected a URL like '{example}', without a password")
        return value

    return check


RepositoryName = Annotated[NonEmpty, AfterValidator(_repository)]
BranchName = Annotated[NonEmpty, AfterValidator(_branch)]
ManifestPath = Annotated[NonEmpty, AfterValidator(_manifest)]
Folder = Annotated[Text, AfterValidator(_folder)]
DiskFile = Annotated[NonEmpty, AfterValidator(_disk_file)]
ReceiverUrl = Annotated[NonEmpty, AfterValidator(_plain_url("http://webhook-receiver.flux-system/hook/..."))]
PageUrl = Annotated[NonEmpty, AfterValidator(_plain_url("http://sonarr.media/ping"))]
