"""Configuration as YAML: anchors, merges, what cannot be read, and what reading may cost."""

import time

import pytest

from failover_api.core.config.yaml import read_config
from failover_api.core.splice.yaml_tree import read_pure
from tests.support.catalog_text import CONTRACT, SMALLEST, parsed, refusal, refusals

MERGED = """\
repository: acme/homelab
x-media: &media
  namespace: media
  primary_node_label: primary
  backup_node_label: backup
x-pr: &pr {labels: [failover]}
pull_request: *pr
services:
  sonarr: &sonarr
    <<: *media
    deployment: sonarr
  radarr:
    <<: *sonarr
    deployment: radarr
    backup_node_label: other
"""


def test_defaults_are_merged_and_overridden_as_people_use_them() -> None:
    catalog = parsed(MERGED)
    facts = [(s.switches[0].selector.name, s.switches[0].backup) for s in catalog.services.values()]
    assert facts == [("sonarr", "backup"), ("radarr", "other")]
    assert catalog.services["radarr"].pull_request.labels == ("failover",)


def test_an_error_in_merged_defaults_names_the_line_where_it_stands() -> None:
    text = MERGED.replace("backup_node_label: backup\n", "backup_node_label: 7\n")
    assert refusals(text) == [
        (
            "services.yaml:5: services.sonarr.backup_node_label: expected text, not 7; "
            "put it in quotes if it is meant as text"
        )
    ]


def test_of_a_list_of_merges_the_first_wins() -> None:
    text = SMALLEST.replace("services:", "x-a: &a {branch: first}\nx-b: &b {branch: second, search: b}\nservices:")
    found = parsed(text.replace("    namespace", "    <<: [*a, *b]\n    namespace")).services["sonarr"]
    assert (found.branch.name, found.search) == ("first", "b/")


@pytest.mark.parametrize("place", ["    <<: *a\n    branch: own\n", "    branch: own\n    <<: *a\n"])
def test_own_keys_go_first_wherever_the_merge_stands(place: str) -> None:
    text = SMALLEST.replace("services:", "x-a: &a {branch: merged, search: a}\nservices:")
    found = parsed(text.replace("    namespace", f"{place}    namespace", 1)).services["sonarr"]
    assert (found.branch.name, found.search) == ("own", "a/")


def test_an_error_in_an_own_key_before_a_merge_names_its_own_line() -> None:
    text = SMALLEST.replace("services:", "x-a: &a {search: a}\nservices:")
    line = text[: text.index("    namespace")].count("\n") + 1
    found = refusal(text.replace("    namespace", "    search: ..\n    <<: *a\n    namespace", 1))
    assert found.startswith(f"services.yaml:{line}: services.sonarr.search: expected a path")


def test_a_merge_key_in_quotes_is_a_key_like_others() -> None:
    text = SMALLEST.replace("services:", "x-a: &a {branch: b}\nservices:")
    found = refusal(text.replace("    namespace", "    '<<': *a\n    namespace", 1))
    assert "services.sonarr.<<: " in found


def test_colons_in_a_one_line_switch_are_text() -> None:
    switch = "{file: a.yaml, kind: Volume, name: x, path: spec.server, primary: nfs://w1:2049/a, backup: nfs://w2}"
    text = f"repository: acme/homelab\nservices: {{x: {{switches: [{switch}]}}}}\n"
    (found,) = parsed(text).services["x"].switches
    assert (found.primary, found.backup) == ("nfs://w1:2049/a", "nfs://w2")


def test_lines_behind_a_colon_in_braces_are_the_right_ones() -> None:
    found = refusals("repository: a/b\nservices: {x: {branch: a:b,\n deployment: d:e,\n nope: c:d}}\n")
    assert [each.partition(": ")[0] for each in found if "nope" in each] == ["services.yaml:4"]


def test_an_error_behind_a_list_of_merges_is_found_too() -> None:
    for first, line in [("branch: first", 3), ("search: ..", 2)]:
        text = SMALLEST.replace("services:", f"x-a: &a {{{first}}}\nx-b: &b {{search: ..}}\nservices:")
        assert refusal(text.replace("    namespace", "    <<: [*a, *b]\n    namespace")).startswith(
            f"services.yaml:{line}: services.sonarr.search: expected a path inside the repository"
        )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: &a\n  b: *a\n", "services.yaml:2: a.b: holds itself, through an alias"),
        ("a: &a\n  <<: *a\n", "services.yaml:2: a.<<: holds itself, through an alias"),
        ("a: &a [*a]\n", "services.yaml:1: a[0]: holds itself, through an alias"),
        ("a:\n  b: *nope\n", "services.yaml:2: a.b: has the alias *nope without an anchor &nope above it"),
        ("a:\n  <<: text\n", "services.yaml:2: a.<<: expected a mapping to merge, or a list of them"),
        ("a:\n  <<: [{b: 1}, 2]\n", "services.yaml:2: a.<<: expected a mapping to merge, or a list of them"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "services.yaml:4: b.c: is there twice, first in line 3"),
        ("services: {}\nservices: {}\n", "services.yaml:2: services: is there twice, first in line 1"),
        ("a:\n  ? [b]\n  : c\n", "services.yaml:2: a: has a mapping or a list as a key, expected text"),
        ("a: !secret b\n", "services.yaml:1: a: has the tag !secret, expected none"),
        ("a: !!binary aGk=\n", "services.yaml:1: a: has the tag tag:yaml.org,2002:binary, expected none"),
        ("", "services.yaml:1: (file): is empty"),
        ("# nothing\n", "services.yaml:1: (file): is empty"),
        ("---\n...\n", "services.yaml:1: (file): is empty"),
        ("a: 1\n---\nb: 1\n", "services.yaml:3: (file): has 2 documents, expected one"),
        ("- a\n", "services.yaml:1: (file): expected a mapping, not a list"),
        ("text\n", "services.yaml:1: (file): expected a mapping, not 'text'"),
        ("services:\n\t- a\n", "services.yaml:2: (file): is not YAML: found character that cannot start any token"),
        ("services: [\n", "services.yaml:2: (file): is not YAML: did not find expected node content"),
        ("a: 'b\n\nc: d\n", "services.yaml:4: (file): is not YAML: found unexpected end of stream"),
        ("a" * 1_048_577, "services.yaml:1: (file): is too large: 1048577 characters, expected at most 1048576"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, error: str) -> None:
    assert refusal(text) == error


def test_one_document_and_empty_ones_is_one() -> None:
    assert parsed(f"---\n{SMALLEST}---\n") == parsed(SMALLEST)


def test_deep_nesting_is_refused() -> None:
    assert refusal("[" * 5000 + "]" * 5000) == "services.yaml:1: (file): is nested more than 200 levels deep"


def test_a_yaml_bomb_is_refused_at_once() -> None:
    text = 'x-0: &a0 ["x", "x"]\n' + "".join(f"x-{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 30))
    started = time.process_time()
    assert "expands to more than" in refusal(text + SMALLEST)
    assert time.process_time() - started < 1


def test_a_bomb_of_merges_costs_little() -> None:
    text = "x-0: &a0 {k0: 0}\n" + "".join(
        f"x-{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 0}}\n" for n in range(1, 15)
    )
    started = time.process_time()
    parsed(text + SMALLEST)
    assert time.process_time() - started < 1


def test_many_errors_are_cut_at_a_hundred_in_bounded_time() -> None:
    text = "services:\n" + "".join(f"  S{n}: {{bad: 1}}\n" for n in range(15_000))
    started = time.process_time()
    assert len(refusals(text)) == 100
    assert time.process_time() - started < 5


def test_five_hundred_services_are_read() -> None:
    body = SMALLEST.partition("services:\n")[2]
    text = "repository: acme/homelab\nservices:\n" + "".join(body.replace("sonarr", f"s{n}") for n in range(500))
    assert len(parsed(text).services) == 500


def test_both_readers_read_the_same_data() -> None:
    for text in (SMALLEST, CONTRACT, MERGED):
        assert read_config(text, file="x").data == read_config(text, file="x", reader=read_pure).data
