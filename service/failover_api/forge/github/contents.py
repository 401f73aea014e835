"""Decodes a file as GitHub sends it: by GET contents, GET blob or GraphQL.

Every content is checked against its blob sha: a reply that was cut, or a text that is not the blob byte for byte, is
never taken for the file.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from failover_api.core.splice import MAX_BYTES
from failover_api.core.untrusted_json import parse_json
from failover_api.errors import ForgeError, ManifestError, ManifestInvalid
from failover_api.forge.values import File, blob_sha

_MODES = {0o120000: "a symlink", 0o160000: "a submodule", 0o040000: "a directory"}


def decode_contents(path: str, body: bytes) -> File | ManifestError | ForgeError:
    """A file from the body of GET contents or GET blob; or, not raised, the error that it is instead.

    https://docs.github.com/en/rest/repos/contents#get-repository-content
    """
    try:
        data = parse_json(body)
        if isinstance(data, list):
            return _not_a_file(path, "a directory")
        kind = data.get("type", "file")
        if kind != "file":
            return _not_a_file(path, f"a {kind}")
        if data["size"] > MAX_BYTES or data["encoding"] == "none":
            return too_large(path, data["size"])
        content = base64.b64decode(data["content"])
        if blob_sha(content) != data["sha"]:
            return ForgeError(f"reading {path}: the content GitHub sent is not that of blob {data['sha']}")
    except (AttributeError, KeyError, TypeError, ValueError, binascii.Error):
        return ForgeError(f"reading {path}: GitHub's answer is not a file")
    return File(path, content, data["sha"])


def encode_contents(file: File) -> bytes:
    """The body of a GET contents that would give this file."""
    content = base64.b64encode(file.data).decode()
    return json.dumps(
        {"type": "file", "sha": file.sha, "size": len(file.data), "encoding": "base64", "content": content}
    ).encode()


def decode_blob(path: str, sha: str, blob: Mapping[str, Any]) -> File | ManifestError | None:
    """A file from a blob of a GraphQL answer; None when its text is missing, cut, or not the blob byte for byte."""
    size, text = blob.get("byteSize"), blob.get("text")
    if isinstance(size, int) and size > MAX_BYTES:
        return too_large(path, size)
    if blob.get("isBinary") or blob.get("isTruncated") or not isinstance(text, str):
        return None
    data = text.encode(errors="surrogatepass")
    return File(path, data, sha) if blob_sha(data) == sha else None


def refuse_mode(path: str, mode: int) -> ManifestInvalid | None:
    """The error for a path that is no regular file; None for one. `mode` is Git's."""
    kind = _MODES.get(mode & 0o170000)
    return None if kind is None else _not_a_file(path, kind)


def refuse_kind(path: str, kind: str) -> ManifestInvalid | None:
    """As refuse_mode(), by the `type` of a listing: "file", "symlink", ..."""
    return None if kind == "file" else _not_a_file(path, f"a {kind}")


def too_large(path: str, size_bytes: int) -> ManifestInvalid:
    return ManifestInvalid(f"is {size_bytes:,} bytes, expected at most {MAX_BYTES:,}", file=path)


def _not_a_file(path: str, kind: str) -> ManifestInvalid:
    return ManifestInvalid(f"is {kind}, expected a regular file", file=path)
