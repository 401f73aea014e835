"""services.yaml as text: what works as it is, and what every error says."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.catalog.model import Branch, Catalog, Policy, PullRequestOptions, Service, Switch
from failover_api.core.catalog.runtime import WorkloadName
from failover_api.core.splice import Selector
from failover_api.core.splice.paths import Where
from tests.support.catalog_text import CONTRACT, LABELS, SMALLEST, errors_of, parsed, refusal, service_text, switch_text

TEMPLATE = ("spec", "template", "spec")
LABEL = (*TEMPLATE, "nodeSelector", "role")


def claim(volume: str) -> tuple[object, ...]:
    return (*TEMPLATE, "volumes", Where("name", volume), "persistentVolumeClaim", "claimName")


# What works.


def test_the_first_example_of_the_contract_works_with_nothing_added() -> None:
    place = Selector("Deployment", "sonarr", "media")
    workload = WorkloadName("Deployment", "sonarr", "media")
    assert parsed(SMALLEST).services == {
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
            primary_workload=workload,
            backup_workload=workload,
        )
    }
    assert parsed(SMALLEST).groups == {}


def test_the_whole_example_of_the_contract_works() -> None:
    catalog = parsed(CONTRACT)
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
    inherits = parsed(service_text(LABELS, top=top)).services["x"]
    names = parsed(service_text(LABELS + own, top=top)).services["x"]
    assert (inherits.branch, inherits.search) == (Branch("acme/homelab", "prod"), "clusters/home/")
    assert (inherits.policy, inherits.fallback) == (Policy.PULL_REQUEST, Policy.PULL_REQUEST)
    assert inherits.pull_request == PullRequestOptions(labels=("failover",), auto_merge="squash")
    assert (names.branch, names.search) == (Branch("acme/other", "dev"), "")
    assert (names.policy, names.fallback) == (Policy.DIRECT, None)
    assert names.pull_request == PullRequestOptions(draft=True, auto_merge=True)


def test_a_repository_in_the_service_is_enough() -> None:
    assert parsed(service_text("repository: acme/own\n" + LABELS, top="")).services["x"].branch == Branch(
        "acme/own", "main"
    )


def test_a_statefulset_with_a_label_key_of_its_own() -> None:
    text = service_text(
        "namespace: m\nstatefulset: db\nnode_label_key: kubernetes.io/hostname\n"
        "primary_node_label: w1\nbackup_node_label: w2\n"
    )
    (only,) = parsed(text).services["x"].switches
    assert only.selector == Selector("StatefulSet", "db", "m")
    assert only.path == (*TEMPLATE, "nodeSelector", "kubernetes.io/hostname")
    assert only.path_text == 'spec.template.spec.nodeSelector["kubernetes.io/hostname"]'


def test_switches_beside_a_deployment_come_after_its_own() -> None:
    body = "switches:\n  - {file: a.yaml, path: spec.paused, primary: false, backup: true, allow: [substitution, type]}"
    switches = parsed(service_text(LABELS + body)).services["x"].switches
    assert [s.path_text for s in switches] == ["spec.template.spec.nodeSelector.role", "spec.paused"]
    assert switches[1].allow == {"substitution", "type"}
    assert parsed(service_text(LABELS + body)).services["x"].wanted == Selector("Deployment", "x", "m")


def test_only_claims_need_no_node_label() -> None:
    text = service_text("namespace: m\ndeployment: x\nvolume_name: weird=]name\nprimary_pvc: a\nbackup_pvc: b\n")
    assert [s.path for s in parsed(text).services["x"].switches] == [claim("weird=]name")]


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
    text = switch_text("file: a.yaml\n    allow: [type]", primary=written, backup="other")
    found = parsed(text).services["x"].switches[0].primary
    assert (found, type(found)) == (value, type(value))


def test_null_needs_no_allow_on_both_sides_but_must_differ() -> None:
    expected = "services.yaml:7: services.x.switches[0].backup: is null on both sides, expected two values that differ"
    assert refusal(switch_text("file: a.yaml", primary="null", backup="~")) == expected


def test_numbers_are_one_type() -> None:
    assert parsed(switch_text("file: a.yaml", primary="1", backup="0.5")).services["x"].switches[0].backup == 0.5


def test_a_service_may_be_named_like_a_number_or_a_bool() -> None:
    text = SMALLEST.replace("  sonarr:", "  123:") + "groups: {on: [123, 'x']}\n"
    assert refusal(text.replace("[123,", "['123',")) == "services.yaml:11: groups.on[1]: no service is named 'x'"
    assert list(parsed(SMALLEST.replace("  sonarr:", "  123:")).services) == ["123"]


def test_a_folder_is_written_with_or_without_its_slash() -> None:
    for written, folder in [("apps", "apps/"), ("apps/", "apps/"), ("a/b", "a/b/"), ('""', ""), (".", ""), ("./", "")]:
        assert parsed(service_text(LABELS, top=f"repository: a/b\nsearch: {written}\n")).services["x"].search == folder


@pytest.mark.parametrize("name", ["main", "release/1.2", "a.b", "feature/ä", "x@y", "lock", "a.lockx"])
def test_good_branches(name: str) -> None:
    assert parsed(service_text(LABELS, top=f"repository: a/b\nbranch: {name}\n")).services["x"].branch.name == name


@pytest.mark.parametrize("name", ["a/b", "acme_corp/homelab", "A-1/.github", "a/b.c_d-e"])
def test_good_repositories(name: str) -> None:
    assert parsed(service_text(LABELS, top=f"repository: {name}\n")).services["x"].branch.repository == name


def test_an_empty_catalog_of_services_is_a_catalog() -> None:
    assert parsed("services: {}\n") == Catalog({}, {})


def test_windows_line_ends_and_a_byte_order_mark_are_fine() -> None:
    assert parsed("\ufeff" + SMALLEST.replace("\n", "\r\n")) == parsed(SMALLEST)


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
    assert len(parsed(two(one=one, other=other)).services) == 2


def test_a_switch_and_a_deployment_may_not_claim_one_scalar() -> None:
    path = "path: spec.template.spec.nodeSelector.role, primary: c, backup: d"
    item = f"switches: [{{file: apps/a.yaml, kind: Deployment, name: web, {path}}}]"
    assert refusal(two(name="other", other=item)) == (
        "services.yaml:14: services.two.switches[0].path: spec.template.spec.nodeSelector.role of the same document "
        "is moved by the service 'one' too"
    )
    assert parsed(two(name="other", other=item.replace("Deployment", "Pod")))


def test_a_switch_that_names_no_document_may_be_another_one_than_the_one_to_be_found() -> None:
    item = "switches: [{file: apps/a.yaml, path: spec.template.spec.nodeSelector.role, primary: c, backup: d}]"
    assert parsed(two(name="other", other=item))


def test_a_service_may_not_claim_a_scalar_twice() -> None:
    item = "{file: a.yaml, path: spec.a, primary: c, backup: d}"
    assert refusal(service_text(f"switches:\n  - {item}\n  - {item}\n")) == (
        "services.yaml:6: services.x.switches[1].path: spec.a of the same document is moved by this service already"
    )


def test_a_path_written_in_another_way_is_the_same_scalar() -> None:
    item = "{file: a.yaml, path: 'spec[\"a\"]', primary: c, backup: d}"
    assert "moved by this service already" in refusal(
        service_text(f"switches:\n  - {item}\n  - {item.replace('spec[', 'spec.').replace(']', '')}\n")
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


# accept


def test_hazards_that_are_not_told_stand_in_a_service() -> None:
    accepted = "switches: [{file: a.yaml, path: spec.a, primary: a, backup: b}]\n"
    (one,) = parsed(service_text(f"{accepted}accept: [recreate-blocks, claim-empty=pvc-b, data-age-unknown]")).services
    found = parsed(service_text(f"{accepted}accept: [recreate-blocks, claim-empty=pvc-b, data-age-unknown]"))
    assert found.services[one].accept == ("recreate-blocks", "claim-empty=pvc-b", "data-age-unknown")


@pytest.mark.parametrize(
    ("slug", "why"),
    [
        ("fixed-field", "'fixed-field': stops every move that it is found in, and is accepted for one move at a time"),
        ("node-missing", "'node-missing': stops every move"),
        ("claim-empty", "'claim-empty': expected the claim with it, as in `claim-empty=pvc-sonarr-backup`"),
        ("recreate-blocks=x", "'recreate-blocks=x': expected `recreate-blocks` alone"),
        ("recreate", "'recreate': expected the slug of a hazard, such as "),
        ("[]", "accept[0]: expected text, not a list"),
    ],
)
def test_what_stops_a_move_is_not_accepted_for_good(slug: str, why: str) -> None:
    text = f"switches: [{{file: a.yaml, path: spec.a, primary: a, backup: b}}]\naccept: [{slug}]"
    assert why in refusal(service_text(text))


def test_accept_never_stands_in_defaults_and_no_slug_twice() -> None:
    accepted = "switches: [{file: a.yaml, path: spec.a, primary: a, backup: b}]\n"
    assert "is there twice" in refusal(service_text(f"{accepted}accept: [suspended, suspended]"))
    top = "repository: acme/homelab\ndefaults: {accept: [suspended]}\n"
    assert "defaults.accept" in refusal(service_text(accepted, top=top))
