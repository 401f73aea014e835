"""services.yaml as text: what works as it is, and what every error says."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Branch, Catalog, Policy, PullRequestOptions, Service, Switch
from failover_api.core.config.yaml import read_config
from failover_api.core.splice import Selector
from failover_api.core.splice.paths import Where
from failover_api.core.splice.yaml_tree import read_pure
from failover_api.errors import ConfigInvalid

FIRST = """\
repository: acme/homelab
services:
  sonarr:
    namespace: media
    deployment: sonarr
    volume_name: sonarr-data
    primary_pvc: pvc-sonarr
    backup_pvc: pvc-sonarr-backup
    primary_node_label: primary
    backup_node_label: backup
"""

CONTRACT = """\
repository: acme/homelab      # owner/name; a service may name its own
branch: main
search: apps/                 # where manifests are looked for when a service names no `path`
policy: direct                # direct | pull_request; a service may name its own
pull_request:                 # optional, for policy pull_request
  labels: [failover]
  reviewers: [alice]          # users
  team_reviewers: [platform]
  draft: false
  auto_merge: false           # true | squash | merge | rebase

services:
  sonarr:                     # exactly this shape must work, with nothing added
    namespace: media
    deployment: sonarr
    volume_name: sonarr-data
    primary_pvc: pvc-sonarr
    backup_pvc: pvc-sonarr-backup
    primary_node_label: primary
    backup_node_label: backup
  paperless:
    namespace: office
    deployment: paperless     # or `statefulset: name`
    path: apps/office/paperless/deployment.yaml
    node_label_key: role      # default role: spec.template.spec.nodeSelector.role
    policy: pull_request
    primary_node_label: primary
    backup_node_label: backup
    volumes:                  # instead of volume_name/primary_pvc/backup_pvc: any number
      - {name: data,  primary_pvc: pvc-paperless-data,  backup_pvc: pvc-paperless-data-b}
      - {name: media, primary_pvc: pvc-paperless-media, backup_pvc: pvc-paperless-media-b}
  plex:                       # anything that is a scalar in a manifest
    switches:
      - file: apps/media/plex/helmrelease.yaml
        kind: HelmRelease     # which document of the file; name and namespace optional when unique
        name: plex
        path: spec.values.persistence.config.existingClaim
        primary: plex
        backup: plex-backup
      - file: apps/media/plex/helmrelease.yaml
        kind: HelmRelease
        path: spec.values.defaultPodOptions.nodeSelector["kubernetes.io/hostname"]
        primary: k3s-w1
        backup: k3s-w2
      - file: apps/media/plex/volsync.yaml
        kind: ReplicationSource
        path: spec.paused
        primary: false
        backup: true
groups:
  k3s-w1: [sonarr, paperless, plex]        # moved together; order is order of the commit message
"""

TEMPLATE = ("spec", "template", "spec")
LABEL = (*TEMPLATE, "nodeSelector", "role")


def claim(volume: str) -> tuple[object, ...]:
    return (*TEMPLATE, "volumes", Where("name", volume), "persistentVolumeClaim", "claimName")


def parse(text: str) -> Catalog:
    return parse_catalog(text, file="services.yaml")


def refusals(text: str) -> list[str]:
    """All errors; the first is the detail."""
    with pytest.raises(ConfigInvalid) as caught:
        parse(text)
    errors = list(caught.value.errors or (caught.value.detail,))
    assert errors[0] == caught.value.detail == str(caught.value)
    assert all("\n" not in error for error in errors)
    return errors


def errors_of(text: str) -> list[str]:
    """All errors, if there are any."""
    try:
        parse(text)
    except ConfigInvalid as exc:
        return list(exc.errors or (exc.detail,))
    return []


def refusal(text: str) -> str:
    (error,) = refusals(text)
    return error


def service(body: str, *, top: str = "repository: acme/homelab\n") -> str:
    """A catalog with the one service `x`; its keys begin in line 4."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{top}services:\n  x:\n{lines}"


def switch(body: str, *, primary: str = "a", backup: str = "b") -> str:
    return service(f"switches:\n  - path: spec.a\n    primary: {primary}\n    backup: {backup}\n    {body}")


LABELS = "namespace: m\ndeployment: x\nprimary_node_label: a\nbackup_node_label: b\n"


# What works.


def test_the_first_example_of_the_contract_works_with_nothing_added() -> None:
    place = Selector("Deployment", "sonarr", "media")
    assert parse(FIRST).services == {
        "sonarr": Service(
            name="sonarr",
            branch=Branch("acme/homelab", "main"),
            search="apps/",
            policy=Policy.DIRECT,
            fallback=None,
            pull_request=PullRequestOptions(),
            switches=(
                Switch(None, place, LABEL, "primary", "backup"),
                Switch(None, place, claim("sonarr-data"), "pvc-sonarr", "pvc-sonarr-backup"),
            ),
        )
    }
    assert parse(FIRST).groups == {}


def test_the_whole_example_of_the_contract_works() -> None:
    catalog = parse(CONTRACT)
    assert list(catalog.services) == ["sonarr", "paperless", "plex"]
    assert catalog.groups == {"k3s-w1": ("sonarr", "paperless", "plex")}
    assert [s.groups for s in catalog.services.values()] == [("k3s-w1",)] * 3
    assert [s.policy for s in catalog.services.values()] == ["direct", "pull_request", "direct"]
    assert catalog.services["sonarr"].pull_request == PullRequestOptions(("failover",), ("alice",), ("platform",))
    file, place = "apps/office/paperless/deployment.yaml", Selector("Deployment", "paperless", "office")
    assert catalog.services["paperless"].switches == (
        Switch(file, place, LABEL, "primary", "backup"),
        Switch(file, place, claim("data"), "pvc-paperless-data", "pvc-paperless-data-b"),
        Switch(file, place, claim("media"), "pvc-paperless-media", "pvc-paperless-media-b"),
    )
    helm, volsync = "apps/media/plex/helmrelease.yaml", "apps/media/plex/volsync.yaml"
    hostname = ("spec", "values", "defaultPodOptions", "nodeSelector", "kubernetes.io/hostname")
    config = ("spec", "values", "persistence", "config", "existingClaim")
    assert catalog.services["plex"].switches == (
        Switch(helm, Selector("HelmRelease", "plex"), config, "plex", "plex-backup"),
        Switch(helm, Selector("HelmRelease"), hostname, "k3s-w1", "k3s-w2"),
        Switch(volsync, Selector("ReplicationSource"), ("spec", "paused"), False, True),
    )
    assert catalog.services["plex"].files == (helm, volsync)
    assert catalog.services["plex"].wanted is None


def test_a_service_names_its_own_or_inherits() -> None:
    top = (
        "repository: acme/homelab\nbranch: prod\nsearch: clusters/home\npolicy: pull_request\nfallback: pull_request\n"
        "pull_request: {labels: [failover], auto_merge: squash}\n"
    )
    own = (
        "repository: acme/other\nbranch: dev\nsearch: .\npolicy: direct\nfallback: null\n"
        "pull_request: {draft: true, auto_merge: true}\n"
    )
    inherits = parse(service(LABELS, top=top)).services["x"]
    names = parse(service(LABELS + own, top=top)).services["x"]
    assert (inherits.branch, inherits.search) == (Branch("acme/homelab", "prod"), "clusters/home/")
    assert (inherits.policy, inherits.fallback) == (Policy.PULL_REQUEST, Policy.PULL_REQUEST)
    assert inherits.pull_request == PullRequestOptions(labels=("failover",), auto_merge="squash")
    assert (names.branch, names.search) == (Branch("acme/other", "dev"), "")
    assert (names.policy, names.fallback) == (Policy.DIRECT, None)
    assert names.pull_request == PullRequestOptions(draft=True, auto_merge=True)


def test_a_repository_in_the_service_is_enough() -> None:
    assert parse(service("repository: acme/own\n" + LABELS, top="")).services["x"].branch == Branch("acme/own", "main")


def test_a_statefulset_with_a_label_key_of_its_own() -> None:
    text = service(
        "namespace: m\nstatefulset: db\nnode_label_key: kubernetes.io/hostname\n"
        "primary_node_label: w1\nbackup_node_label: w2\n"
    )
    (only,) = parse(text).services["x"].switches
    assert only.selector == Selector("StatefulSet", "db", "m")
    assert only.path == (*TEMPLATE, "nodeSelector", "kubernetes.io/hostname")
    assert only.path_text == 'spec.template.spec.nodeSelector["kubernetes.io/hostname"]'


def test_switches_beside_a_deployment_come_after_its_own() -> None:
    body = "switches:\n  - {file: a.yaml, path: spec.paused, primary: false, backup: true, allow: [substitution, type]}"
    switches = parse(service(LABELS + body)).services["x"].switches
    assert [s.path_text for s in switches] == ["spec.template.spec.nodeSelector.role", "spec.paused"]
    assert switches[1].allow == {"substitution", "type"}
    assert parse(service(LABELS + body)).services["x"].wanted == Selector("Deployment", "x", "m")


def test_only_claims_need_no_node_label() -> None:
    text = service("namespace: m\ndeployment: x\nvolume_name: weird=]name\nprimary_pvc: a\nbackup_pvc: b\n")
    assert [s.path for s in parse(text).services["x"].switches] == [claim("weird=]name")]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("k3s-w1", "k3s-w1"),
        ('"yes"', "yes"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("''", ""),
        ("true", True),
        ("1", 1),
        ("1.5", 1.5),
        ("null", None),
        ("~", None),
        ("0x1f", 31),
        ("${ROLE}", "${ROLE}"),
        ("|\n      two\n      lines", "two\nlines\n"),
    ],
)
def test_a_switch_takes_every_scalar_with_its_type(written: str, value: object) -> None:
    text = switch("file: a.yaml\n    allow: [type]", primary=written, backup="other")
    found = parse(text).services["x"].switches[0].primary
    assert (found, type(found)) == (value, type(value))


def test_null_needs_no_allow_on_both_sides_but_must_differ() -> None:
    expected = "services.yaml:7: services.x.switches[0].backup: is null on both sides, expected two values that differ"
    assert refusal(switch("file: a.yaml", primary="null", backup="~")) == expected


def test_numbers_are_one_type() -> None:
    assert parse(switch("file: a.yaml", primary="1", backup="0.5")).services["x"].switches[0].backup == 0.5


def test_a_service_may_be_named_like_a_number_or_a_bool() -> None:
    text = FIRST.replace("  sonarr:", "  123:") + "groups: {on: [123, 'x']}\n"
    assert refusal(text.replace("[123,", "['123',")) == "services.yaml:11: groups.on[1]: no service is named 'x'"
    assert list(parse(FIRST.replace("  sonarr:", "  123:")).services) == ["123"]


def test_a_folder_is_written_with_or_without_its_slash() -> None:
    for written, folder in [("apps", "apps/"), ("apps/", "apps/"), ("a/b", "a/b/"), ('""', ""), (".", ""), ("./", "")]:
        assert parse(service(LABELS, top=f"repository: a/b\nsearch: {written}\n")).services["x"].search == folder


@pytest.mark.parametrize("name", ["main", "release/1.2", "a.b", "feature/ä", "x@y", "lock", "a.lockx"])
def test_good_branches(name: str) -> None:
    assert parse(service(LABELS, top=f"repository: a/b\nbranch: {name}\n")).services["x"].branch.name == name


@pytest.mark.parametrize("name", ["a/b", "acme_corp/homelab", "A-1/.github", "a/b.c_d-e"])
def test_good_repositories(name: str) -> None:
    assert parse(service(LABELS, top=f"repository: {name}\n")).services["x"].branch.repository == name


def test_an_empty_catalog_of_services_is_a_catalog() -> None:
    assert parse("services: {}\n") == Catalog({}, {})


def test_windows_line_ends_and_a_byte_order_mark_are_fine() -> None:
    assert parse("\ufeff" + FIRST.replace("\n", "\r\n")) == parse(FIRST)


# Anchors and merges.

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
    catalog = parse(MERGED)
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
    text = FIRST.replace("services:", "x-a: &a {branch: first}\nx-b: &b {branch: second, search: b}\nservices:")
    found = parse(text.replace("    namespace", "    <<: [*a, *b]\n    namespace")).services["sonarr"]
    assert (found.branch.name, found.search) == ("first", "b/")


@pytest.mark.parametrize("place", ["    <<: *a\n    branch: own\n", "    branch: own\n    <<: *a\n"])
def test_own_keys_go_first_wherever_the_merge_stands(place: str) -> None:
    text = FIRST.replace("services:", "x-a: &a {branch: merged, search: a}\nservices:")
    found = parse(text.replace("    namespace", f"{place}    namespace", 1)).services["sonarr"]
    assert (found.branch.name, found.search) == ("own", "a/")


def test_an_error_in_an_own_key_before_a_merge_names_its_own_line() -> None:
    text = FIRST.replace("services:", "x-a: &a {search: a}\nservices:")
    line = text[: text.index("    namespace")].count("\n") + 1
    found = refusal(text.replace("    namespace", "    search: ..\n    <<: *a\n    namespace", 1))
    assert found.startswith(f"services.yaml:{line}: services.sonarr.search: expected a path")


def test_a_merge_key_in_quotes_is_a_key_like_others() -> None:
    text = FIRST.replace("services:", "x-a: &a {branch: b}\nservices:")
    found = refusal(text.replace("    namespace", "    '<<': *a\n    namespace", 1))
    assert "services.sonarr.<<: " in found


def test_colons_in_a_one_line_switch_are_text() -> None:
    switch = "{file: a.yaml, kind: Volume, name: x, path: spec.server, primary: nfs://w1:2049/a, backup: nfs://w2}"
    text = f"repository: acme/homelab\nservices: {{x: {{switches: [{switch}]}}}}\n"
    (found,) = parse(text).services["x"].switches
    assert (found.primary, found.backup) == ("nfs://w1:2049/a", "nfs://w2")


def test_lines_behind_a_colon_in_braces_are_the_right_ones() -> None:
    found = refusals("repository: a/b\nservices: {x: {branch: a:b,\n deployment: d:e,\n nope: c:d}}\n")
    assert [each.partition(": ")[0] for each in found if "nope" in each] == ["services.yaml:4"]


def test_an_error_behind_a_list_of_merges_is_found_too() -> None:
    for first, line in [("branch: first", 3), ("search: ..", 2)]:
        text = FIRST.replace("services:", f"x-a: &a {{{first}}}\nx-b: &b {{search: ..}}\nservices:")
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
    assert parse(f"---\n{FIRST}---\n") == parse(FIRST)


def test_deep_nesting_is_refused() -> None:
    assert refusal("[" * 5000 + "]" * 5000) == "services.yaml:1: (file): is nested more than 200 levels deep"


def test_a_yaml_bomb_is_refused_at_once() -> None:
    text = 'x-0: &a0 ["x", "x"]\n' + "".join(f"x-{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 30))
    started = time.process_time()
    assert "expands to more than" in refusal(text + FIRST)
    assert time.process_time() - started < 1


def test_a_bomb_of_merges_costs_little() -> None:
    text = "x-0: &a0 {k0: 0}\n" + "".join(
        f"x-{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 0}}\n" for n in range(1, 15)
    )
    started = time.process_time()
    parse(text + FIRST)
    assert time.process_time() - started < 1


def test_many_errors_are_cut_at_a_hundred_in_bounded_time() -> None:
    text = "services:\n" + "".join(f"  S{n}: {{bad: 1}}\n" for n in range(15_000))
    started = time.process_time()
    assert len(refusals(text)) == 100
    assert time.process_time() - started < 5


def test_five_hundred_services_are_read() -> None:
    body = FIRST.partition("services:\n")[2]
    text = "repository: acme/homelab\nservices:\n" + "".join(body.replace("sonarr", f"s{n}") for n in range(500))
    assert len(parse(text).services) == 500


def test_both_readers_read_the_same_data() -> None:
    for text in (FIRST, CONTRACT, MERGED):
        assert read_config(text, file="x").data == read_config(text, file="x", reader=read_pure).data


# What is refused by key.


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("repositry: a/b\nservices: {}\n", "1: repositry: unknown key; did you mean 'repository'?"),
        (
            "services: {}\nextra: 1\n",
            (
                "2: extra: unknown key, expected one of "
                "branch, fallback, flux_receiver, groups, notifications, policy, pull_request, repository, search, "
                "services"
            ),
        ),
        (service(LABELS + "deploymnet: y\n"), "8: services.x.deploymnet: unknown key; did you mean 'deployment'?"),
        (
            service(LABELS + "pull_request: {label: [a]}\n"),
            "8: services.x.pull_request.label: unknown key; did you mean 'labels'?",
        ),
        (
            "pull_request: {zzz: 1}\nservices: {}\n",
            "1: pull_request.zzz: unknown key, expected one of auto_merge, draft, labels, reviewers, team_reviewers",
        ),
        (
            service(LABELS + "volumes:\n  - {name: a, primary_pvc: a, backup_pvc: b, claim: c}\n"),
            "9: services.x.volumes[0].claim: unknown key, expected one of backup_pvc, name, primary_pvc",
        ),
        (switch("file: a.yaml\n    knd: Pod"), "9: services.x.switches[0].knd: unknown key; did you mean 'kind'?"),
    ],
)
def test_an_unknown_key_is_refused_at_each_level(text: str, error: str) -> None:
    assert refusal(text) == f"services.yaml:{error}"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("repository: a/b\n", "1: services: is missing"),
        ("repository: a/b\nservices:\n", "2: services: expected a mapping, not null"),
        ("services: []\n", "1: services: expected a mapping, not a list"),
        ("services:\n  x:\n", "2: services.x: expected a mapping, not null"),
        ("services:\n  x: z\n", "2: services.x: expected a mapping, not 'z'"),
        ("services: {}\ngroups: [a]\n", "2: groups: expected a mapping, not a list"),
        ("services: {}\ngroups: {a: b}\n", "2: groups.a: expected a list, not 'b'"),
        ("services: {}\ngroups: {a: []}\n", "2: groups.a: expected at least one service"),
        (
            service("deployment: x\nprimary_node_label: a\nbackup_node_label: b\n"),
            "3: services.x.namespace: is missing; expected the namespace of the workload",
        ),
        (
            service(LABELS, top=""),
            "2: services.x.repository: is missing, here and at the top; expected owner/name",
        ),
        (
            service("namespace: m\ndeployment: x\n"),
            "3: services.x: has nothing to move: needs node labels, claims or `switches`",
        ),
        (service("switches: []\n"), "3: services.x: has nothing to move: needs node labels, claims or `switches`"),
        (
            service("namespace: m\ndeployment: x\nprimary_node_label: a\n"),
            "3: services.x.backup_node_label: is missing; `primary_node_label` needs it",
        ),
        (
            service(LABELS + "volume_name: a\nprimary_pvc: b\n"),
            "3: services.x.backup_pvc: is missing; `volume_name` needs it",
        ),
        (
            service(LABELS + "statefulset: x\n"),
            "8: services.x.statefulset: expected `deployment` or `statefulset`, not both",
        ),
        (
            service("volume_name: a\nswitches:\n  - {file: a.yaml, path: a, primary: a, backup: b}\n"),
            "4: services.x.volume_name: needs a `deployment` or a `statefulset` beside it",
        ),
        (
            service(LABELS + "volume_name: a\nvolumes:\n  - {name: a, primary_pvc: a, backup_pvc: b}\n"),
            "9: services.x.volumes: expected `volumes`, or volume_name, primary_pvc and backup_pvc, not both",
        ),
        (
            service(LABELS + "volumes:\n" + "  - {name: a, primary_pvc: a, backup_pvc: b}\n" * 2),
            "10: services.x.volumes[1].name: 'a' is there twice",
        ),
        (service(LABELS + "volumes: a\n"), "8: services.x.volumes: expected a list, not 'a'"),
        (service(LABELS + "volumes: [a]\n"), "8: services.x.volumes[0]: expected a mapping, not 'a'"),
        (
            service("switches:\n  - a: 1\n").replace("a: 1", "just text"),
            "5: services.x.switches[0]: expected a mapping, not 'just text'",
        ),
        (
            service(LABELS.replace("label: b", "label: a")),
            "7: services.x.backup_node_label: is 'a' on both sides, expected two values that differ",
        ),
        (
            service(LABELS + "volumes:\n  - name: v\n    primary_pvc: p\n    backup_pvc: p\n"),
            "11: services.x.volumes[0].backup_pvc: is 'p' on both sides, expected two values that differ",
        ),
        (
            switch("file: a.yaml", primary="'1'", backup="1"),
            "7: services.x.switches[0].backup: is a number (1), expected text as primary has ('1'), or `allow: [type]`",
        ),
        (
            switch("file: a.yaml", primary="1", backup="true"),
            (
                "7: services.x.switches[0].backup: is a bool (true), expected a number as primary has (1), "
                "or `allow: [type]`"
            ),
        ),
        (
            switch("file: a.yaml", primary="yes"),
            (
                "6: services.x.switches[0].primary: readers of YAML differ on the type of yes; put it in quotes, "
                "or write true or false"
            ),
        ),
        (
            switch("file: a.yaml", primary=".nan"),
            "6: services.x.switches[0].primary: expected a finite number, not .nan",
        ),
        (
            switch("file: a.yaml", primary="[a]"),
            "6: services.x.switches[0].primary: expected text, a number, true, false or null, not a list",
        ),
        (
            switch("file: a.yaml\n    allow: [everything]"),
            (
                "9: services.x.switches[0].allow[0]: expected 'substitution', 'template', 'shared_anchor' or 'type', "
                "not 'everything'"
            ),
        ),
        (switch("kind: Pod"), "5: services.x.switches[0].file: is missing"),
        (
            switch("file: a.yaml").replace("path: spec.a", "path: spec."),
            "5: services.x.switches[0].path: path 'spec.': expected a key at character 6",
        ),
        (switch("file: a.yaml\n    kind:"), "9: services.x.switches[0].kind: expected text, not null"),
        (
            service(LABELS.replace("primary_node_label: a", "primary_node_label: 1")),
            "6: services.x.primary_node_label: expected text, not 1; put it in quotes if it is meant as text",
        ),
        (
            service(LABELS.replace("primary_node_label: a", "primary_node_label: true")),
            "6: services.x.primary_node_label: expected text, not true; put it in quotes if it is meant as text",
        ),
        (
            service(LABELS.replace("primary_node_label: a", "primary_node_label: no")),
            (
                "6: services.x.primary_node_label: expected text; readers of YAML differ on the type of no, "
                "so put it in quotes"
            ),
        ),
        (
            service(LABELS.replace("deployment: x", "deployment: {}")),
            "5: services.x.deployment: expected text, not a mapping",
        ),
        (
            service(LABELS.replace("deployment: x", "deployment: ' '")),
            "5: services.x.deployment: expected text, not an empty string",
        ),
        (
            service(LABELS.replace("deployment: x", f"deployment: {'x' * 513}")),
            "5: services.x.deployment: expected at most 512 characters, not 513",
        ),
        (
            service(LABELS + "policy: Direct\n"),
            "8: services.x.policy: expected 'direct' or 'pull_request', not 'Direct'",
        ),
        (
            service(LABELS + "fallback: direct\n"),
            "8: services.x.fallback: expected 'pull_request' or null, not 'direct'",
        ),
        (
            service(LABELS + "pull_request: {draft: yes}\n"),
            "8: services.x.pull_request.draft: expected true or false, not yes",
        ),
        (
            service(LABELS + "pull_request: {draft: 1}\n"),
            "8: services.x.pull_request.draft: expected true or false, not 1",
        ),
        (
            service(LABELS + "pull_request: {auto_merge: fast}\n"),
            "8: services.x.pull_request.auto_merge: expected 'squash', 'merge', 'rebase', true or false, not 'fast'",
        ),
        (
            service(LABELS + "pull_request: {labels: failover}\n"),
            "8: services.x.pull_request.labels: expected a list, not 'failover'",
        ),
        (service(LABELS + "pull_request:\n"), "8: services.x.pull_request: expected a mapping, not null"),
        (FIRST + "groups:\n  a: [sonarr, nope]\n", "12: groups.a[1]: no service is named 'nope'"),
        (FIRST + "groups:\n  a: [sonarr, sonarr]\n", "12: groups.a[1]: 'sonarr' is in the group twice"),
    ],
)
def test_an_error_names_file_line_key_and_what_was_expected(text: str, error: str) -> None:
    assert refusal(text) == f"services.yaml:{error}"


def test_all_errors_are_told_in_the_order_of_the_file() -> None:
    text = service(LABELS.replace("deployment: x", "deployment: 1") + "polcy: direct\n", top="branch: '..'\n")
    assert refusals(text) == [
        "services.yaml:1: branch: expected the name of a branch, as in 'main', not '..'",
        "services.yaml:5: services.x.deployment: expected text, not 1; put it in quotes if it is meant as text",
        "services.yaml:8: services.x.polcy: unknown key; did you mean 'policy'?",
    ]


@pytest.mark.parametrize(
    "name", ["Sonarr", "-a", "a-", "a_b", "a.b", "''", "ä", "a" * 64, "'a\\n'", '"a\\n"', "~", "a b"]
)
def test_bad_names_of_services_and_groups(name: str) -> None:
    text = FIRST.replace("  sonarr:", f"  ? {name}\n  :")
    assert "expected a name like 'sonarr'" in refusal(text)
    assert "expected a name like 'node-1'" in refusal(FIRST + f"groups:\n  ? {name}\n  : [sonarr]\n")


def test_a_service_may_not_begin_with_group_but_a_group_may() -> None:
    text = FIRST.replace("  sonarr:", "  group-a:")
    assert refusal(text) == "services.yaml:3: services.group-a: expected a name that does not begin with 'group-'"
    assert parse(FIRST + "groups: {group-a: [sonarr]}\n").services["sonarr"].groups == ("group-a",)


@pytest.mark.parametrize("name", ["a", "9", "a" * 63, "a--b", "k3s-w1"])
def test_good_names(name: str) -> None:
    assert list(parse(FIRST.replace("  sonarr:", f"  {name}:")).services) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "homelab",
        "a/b/c",
        "/b",
        "a/",
        "a/..",
        "a/.",
        "-a/b",
        "a b/c",
        "https://github.com/a/b",
        "a/b.git",
        "a/b?",
        "ä/b",
    ],
)
def test_bad_repositories(name: str) -> None:
    expected = f"services.yaml:1: repository: expected owner/name, as in 'acme/homelab', not '{name}'"
    assert refusal(service(LABELS, top=f"repository: {name}\n")) == expected


@pytest.mark.parametrize(
    "name",
    ["a b", "a..b", "/a", "a/", "-a", ".a", "a/.b", "a.", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a@{1}", "@",
     "a//b", "x.lock", "x.lock/y", "a\\u202e"],
)  # fmt: skip
def test_bad_branches(name: str) -> None:
    text = service(LABELS, top='repository: a/b\nbranch: "' + name.replace("a\\b", "a\\\\b") + '"\n')
    assert refusal(text).startswith("services.yaml:2: branch: expected the name of a branch, as in 'main', not ")


@pytest.mark.parametrize(
    "path",
    ["../a.yaml", "a/../b", "/etc/passwd", "./a", "a//b", "a/", "a\\\\b", "a\\nb", "a\\0b", "a\\u2028b", "a\\u202eb",
     ".github/workflows/x.yaml", ".GitHub/x", ".git/config", ".GIT/config", "a/.git/config", "a/./b", "..", "."],
)  # fmt: skip
def test_bad_paths(path: str) -> None:
    for text, key in [
        (service(LABELS + f'path: "{path}"\n'), "services.yaml:8: services.x.path"),
        (switch(f'file: "{path}"'), "services.yaml:8: services.x.switches[0].file"),
    ]:
        error = refusal(text)
        assert error.startswith(f"{key}: expected a ")
        assert error.isprintable()


@pytest.mark.parametrize("path", ["a.yaml", "apps/a b/c.yaml", "apps/.github/x.yaml", "ä/ö.yml", "a..b/c", ".hidden/x"])
def test_good_paths(path: str) -> None:
    assert parse(service(LABELS + f"path: {path}\n")).services["x"].files == (path,)


# Two services, one scalar.

TWO = """\
repository: acme/homelab
services:
  one:
    namespace: media
    deployment: web
    primary_node_label: a
    backup_node_label: b
    {one}
  two:
    namespace: media
    deployment: {name}
    primary_node_label: a
    backup_node_label: b
    {two}
"""


def two(*, one: str = "", other: str = "", name: str = "web") -> str:
    return TWO.replace("{one}", one).replace("{two}", other).replace("{name}", name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", ""),
        ("path: a.yaml", "path: a.yaml"),
        ("path: apps/x/a.yaml", ""),
        ("", "path: apps/x/a.yaml"),
        ("search: .", "search: clusters/home"),
        ("search: clusters", "path: clusters/a.yaml"),
    ],
)
def test_two_services_may_not_claim_one_scalar(one: str, other: str) -> None:
    assert refusal(two(one=one, other=other)) == (
        "services.yaml:13: services.two.backup_node_label: spec.template.spec.nodeSelector.role of the same document "
        "is moved by the service 'one' too"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("path: a.yaml", "path: b.yaml"),
        ("path: clusters/b/a.yaml", ""),
        ("search: clusters/a", "search: clusters/b"),
        ("search: clusters/a", "search: clusters/ab"),
        ("branch: dev", ""),
        ("repository: acme/other", ""),
        ("node_label_key: other", ""),
    ],
)
def test_two_places_are_two_scalars(one: str, other: str) -> None:
    assert len(parse(two(one=one, other=other)).services) == 2


def test_a_switch_and_a_deployment_may_not_claim_one_scalar() -> None:
    path = "path: spec.template.spec.nodeSelector.role, primary: c, backup: d"
    item = f"switches: [{{file: apps/a.yaml, kind: Deployment, name: web, {path}}}]"
    assert refusal(two(name="other", other=item)) == (
        "services.yaml:14: services.two.switches[0].path: spec.template.spec.nodeSelector.role of the same document "
        "is moved by the service 'one' too"
    )
    assert parse(two(name="other", other=item.replace("Deployment", "Pod")))


def test_a_switch_that_names_no_document_may_be_another_one_than_the_one_to_be_found() -> None:
    item = "switches: [{file: apps/a.yaml, path: spec.template.spec.nodeSelector.role, primary: c, backup: d}]"
    assert parse(two(name="other", other=item))


def test_a_service_may_not_claim_a_scalar_twice() -> None:
    item = "{file: a.yaml, path: spec.a, primary: c, backup: d}"
    assert refusal(service(f"switches:\n  - {item}\n  - {item}\n")) == (
        "services.yaml:6: services.x.switches[1].path: spec.a of the same document is moved by this service already"
    )


def test_a_path_written_in_another_way_is_the_same_scalar() -> None:
    item = "{file: a.yaml, path: 'spec[\"a\"]', primary: c, backup: d}"
    assert "moved by this service already" in refusal(
        service(f"switches:\n  - {item}\n  - {item.replace('spec[', 'spec.').replace(']', '')}\n")
    )


# Whatever is written, an error is one plain line with a place.

KEYS = ["services", "groups", "repository", "x", "pull_request", "labels", "volumes", "switches", "path", "primary",
        "backup", "allow", "file", "name", "namespace", "deployment", "draft", "policy", "<<", "\u202e\n"]  # fmt: skip


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["yes", "a/b"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
        max_leaves=25,
    )
)
def test_any_data_is_a_catalog_or_a_plain_error(data: object) -> None:
    text = json.dumps(data, ensure_ascii=False).replace("NaN", ".nan").replace("Infinity", ".inf")
    for error in errors_of(text):
        file, line, key, message = error.split(":", 3)
        assert file == "services.yaml"
        assert int(line) >= 1
        assert key.strip()
        assert message.strip()
        assert error.isprintable()
        assert "pydantic" not in error


@given(st.text(max_size=60))
def test_any_text_is_a_catalog_or_a_plain_error(text: str) -> None:
    assert all(re.match(r"services\.yaml:[1-9][0-9]*: \S", error) for error in errors_of(text))
