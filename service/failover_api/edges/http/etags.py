"""ETags: `"<manifests>.<rest>"`, strong.

The first part names the manifests a representation was made from, the second the representation itself.
If-None-Match compares the whole; If-Match on a move compares the first part, so the ETag of a status or of a dry run
serves. https://www.rfc-editor.org/rfc/rfc9110#section-13.1

A proxy that compresses makes them weak (`W/"..."`) or puts a suffix behind (`"...-gzip"`). They are taken all the same:
what they name is the manifests, however a representation was sent.
"""

import hashlib
import re
from collections.abc import Iterable

from failover_api.errors import PreconditionFailed

_SUFFIX = r"(?:[-;]{1,2}(?:gzip|br|zstd|deflate)){0,2}"  # of Apache's mod_deflate, of Jetty
_OURS = re.compile(rf'(?:W/)?"([0-9a-f]{{32}})\.[0-9a-f]{{16}}{_SUFFIX}"')
_LISTED = re.compile(rf'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*?){_SUFFIX}"')


def etag_of(version: str, body: bytes) -> str:
    return f'"{version}.{hashlib.sha256(body).hexdigest()[:16]}"'


def etag_of_body(body: bytes) -> str:
    """For what no move can be bound to: If-Match takes it for malformed."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches_none(header: str | None, etag: str) -> bool:
    """Whether If-None-Match names this ETag (weak comparison): then the answer is 304."""
    if header is None:
        return False
    return header.strip() == "*" or any(f'"{tag}"' == etag for tag in _LISTED.findall(header))


def if_match(versions: Iterable[str]) -> str:
    """The If-Match that takes these versions, whatever was shown of them."""
    return ", ".join(etag_of(version, b"") for version in sorted(versions))


def versions_of(header: str | None) -> frozenset[str] | None:
    """The versions an If-Match takes; None when any will do.

    Raises PreconditionFailed for a header that is no list of ETags of ours.
    """
    if header is None or header.strip() == "*":
        return None
    versions = set()
    for tag in header.split(","):
        match = _OURS.fullmatch(tag.strip())
        if match is None:
            raise PreconditionFailed('If-Match: expected the ETag of a status or of a dry run, like "5f0c….91ab…"')
        versions.add(match[1])
    return frozenset(versions)
