"""The version of a service's manifests."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.planning.version import manifests_version
from tests.support.builders import service, switch

WEB = service(switch("a", 1, 2), name="web", search="apps/")
SHAS = st.dictionaries(st.text("ab/.", min_size=1), st.text("0123456789abcdef", min_size=40, max_size=40))


def test_a_version_is_32_hexadecimal_digits_and_does_not_change_with_the_release() -> None:
    assert manifests_version(WEB, {"a.yaml": "1" * 40}) == "e12a4b7a441fe0b358a4d52e2b3d3e10"


@given(SHAS, SHAS)
def test_versions_are_equal_exactly_when_the_files_are(one: dict[str, str], other: dict[str, str]) -> None:
    assert (manifests_version(WEB, one) == manifests_version(WEB, other)) == (one == other)


@given(SHAS)
def test_the_order_of_the_files_does_not_matter(shas: dict[str, str]) -> None:
    assert manifests_version(WEB, shas) == manifests_version(WEB, dict(reversed(shas.items())))


def test_another_entry_of_the_catalog_is_another_version() -> None:
    assert manifests_version(WEB, {}) != manifests_version(replace(WEB, name="other"), {})
