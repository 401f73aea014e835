"""A file as GitHub sends it: only a regular file whose bytes have the right sha is one."""

import json
from typing import Any

import pytest

from failover_api.core.splice import MAX_BYTES
from failover_api.errors import ForgeError, ManifestInvalid
from failover_api.forge.github.contents import decode_blob, decode_contents, encode_contents, refuse_kind, refuse_mode
from failover_api.forge.values import File, blob_sha
from tests.support.fake_github import OLD, PATH, blob, contents, wrapped

BINARY = bytes(range(256)) * 3


def decoded(body: Any) -> object:
    return decode_contents(PATH, json.dumps(body).encode())


@pytest.mark.parametrize("data", [OLD, b"", BINARY, "ä\r\n\ufeff".encode(), b"x" * 1000])
def test_contents_are_the_bytes_of_the_blob(data: bytes) -> None:
    assert decoded(contents(data)) == File(PATH, data, blob_sha(data))


def test_a_blob_of_rest_is_a_file_too() -> None:
    body = {"sha": blob_sha(OLD), "size": len(OLD), "encoding": "base64", "content": wrapped(OLD)}
    assert decoded(body) == File(PATH, OLD, blob_sha(OLD))


def test_what_is_kept_is_read_back() -> None:
    file = File(PATH, BINARY, blob_sha(BINARY))
    assert decode_contents(PATH, encode_contents(file)) == file


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([contents(OLD)], "is a directory"),
        ([], "is a directory"),
        ({"type": "symlink", "target": "../x", "sha": "1" * 40, "size": 4}, "is a symlink"),
        ({"type": "submodule", "submodule_git_url": "git://x", "sha": "1" * 40, "size": 0}, "is a submodule"),
        (contents(OLD, size=2_000_000, content="", encoding="none"), "is 2,000,000 bytes, expected at most"),
        (contents(OLD, size=MAX_BYTES + 1), "bytes, expected at most"),
    ],
)
def test_what_is_no_regular_file_is_refused(body: Any, said: str) -> None:
    refused = decoded(body)
    assert type(refused) is ManifestInvalid
    assert said in refused.detail
    assert refused.file == PATH


@pytest.mark.parametrize(
    "body",
    [
        contents(OLD, sha="1" * 40),
        contents(OLD, content=wrapped(OLD[:-3])),
        contents(OLD, content=None),
        contents(OLD, content="a"),
        contents(OLD, size="many"),
        {"type": "file"},
        {},
        None,
        7,
        "text",
    ],
)
def test_what_is_not_the_blob_is_never_taken_for_the_file(body: Any) -> None:
    assert isinstance(decoded(body), ForgeError)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"<html>"])
def test_what_is_no_json_is_an_error(body: bytes) -> None:
    assert isinstance(decode_contents(PATH, body), ForgeError)


def test_the_text_of_a_blob_is_the_file() -> None:
    text = "a: ä 🚀\r\n".encode()
    assert decode_blob(PATH, blob_sha(text), blob(text)) == File(PATH, text, blob_sha(text))


@pytest.mark.parametrize(
    "given",
    [
        blob(BINARY),
        blob(OLD, isBinary=True, text=None),
        blob(OLD, isTruncated=True),
        blob(OLD, text="role: primary"),
        blob("ä".encode("latin-1")),
        {},
    ],
)
def test_text_that_is_not_the_blob_is_asked_for_elsewhere(given: Any) -> None:
    assert decode_blob(PATH, blob_sha(OLD), given) is None


def test_a_large_blob_is_refused() -> None:
    assert isinstance(decode_blob(PATH, blob_sha(OLD), blob(OLD, byteSize=MAX_BYTES + 1)), ManifestInvalid)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (0o100644, None),
        (0o100755, None),
        (0o100664, None),
        (0o120000, "is a symlink"),
        (0o160000, "is a submodule"),
        (0o040000, "is a directory"),
    ],
)
def test_only_a_regular_file_can_be_edited(mode: int, said: str | None) -> None:
    problem = refuse_mode(PATH, mode)
    assert (problem is None) if said is None else (problem is not None and said in problem.detail)


@pytest.mark.parametrize(
    ("kind", "said"), [("symlink", "is a symlink"), ("submodule", "is a submodule"), ("file", None)]
)
def test_a_kind_is_refused_as_a_mode_is(kind: str, said: str | None) -> None:
    problem = refuse_kind(PATH, kind)
    assert (problem is None) if said is None else (problem is not None and said in problem.detail)
