"""JSON that somebody else wrote."""

import pytest

from failover_api.core.untrusted_json import parse_json


def test_what_json_says_is_what_is_given() -> None:
    assert parse_json(b'{"a": [1, true, null, "\xc3\xa4"]}') == {"a": [1, True, None, "ä"]}


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xfe", "[" * 100_000, b'{"a":' * 100_000, "[" * 100_000 + "]" * 100_000]
)
def test_what_cannot_be_read_is_no_json(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"nested|Expecting|decode|Unterminated"):
        parse_json(text)
