"""`defaults`, HelmReleases and nodes: the same switches in fewer lines."""

import pytest

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Policy, Service, Side, Workload
from failover_api.core.splice import Selector
from failover_api.core.splice.paths import format_path
from failover_api.errors import ConfigInvalid

NAMES = ("sonarr", "radarr", "lidarr", "prowlarr")
LONG = "repository: acme/homelab\nservices:\n" + "".join(
    f"""\
  {name}:
    switches:
      - file: apps/media/{name}/helmrelease.yaml
        kind: HelmRelease
        path: spec.values.persistence.config.existingClaim
        primary: {name}
        backup: {name}-backup
      - file: apps/media/{name}/helmrelease.yaml
        kind: HelmRelease
        path: spec.values.defaultPodOptions.nodeSelector["kubernetes.io/hostname"]
        primary: k3s-w1
        backup: k3s-w2
"""
    for name in NAMES
)
SHORT = """\
repository: acme/homelab
defaults:
  namespace: media
  path: apps/media/{service}/helmrelease.yaml
  volume_name: config
  node_label_key: kubernetes.io/hostname
  primary_node_label: k3s-w1
  backup_node_label: k3s-w2
  primary_pvc: "{service}"
  backup_pvc: "{service}-backup"
services: {sonarr: {helmrelease: sonarr}, radarr: {helmrelease: radarr}, lidarr: {helmrelease: lidarr},
  prowlarr: {helmrelease: prowlarr}}
"""
DEPLOYMENT = "deployment: tea, namespace: home"
LABELS = "primary_node_label: a, backup_node_label: b"
CLAIMS = "primary_pvc: a, backup_pvc: b"


def services(text: str) -> dict[str, Service]:
    return dict(parse_catalog(text, file="services.yaml").services)


def one(entry: str, *, defaults: str = "", top: str = "") -> Service:
    head = f"repository: acme/homelab\n{top}" + (f"defaults: {{{defaults}}}\n" if defaults else "")
    return services(f"{head}services:\n  tea: {{{entry}}}\n")["tea"]


def places(service: Service) -> set[tuple[str | None, str, object, object]]:
    return {(switch.file, format_path(switch.path), switch.primary, switch.backup) for switch in service.switches}


def test_four_helm_releases_take_twelve_lines() -> None:
    assert (len(LONG.splitlines()), len(SHORT.splitlines())) == (50, 12)
    long, short = services(LONG), services(SHORT)
    assert {name: places(service) for name, service in short.items()} == {name: places(long[name]) for name in NAMES}


def test_a_helm_release_is_found_by_kind_namespace_and_name() -> None:
    service = one(f"helmrelease: tea, namespace: home, volume_name: data, {CLAIMS}")
    assert service.wanted is not None
    assert (service.wanted.kind, service.wanted.name, service.wanted.namespace) == ("HelmRelease", "tea", "home")
    assert places(service) == {(None, "spec.values.persistence.data.existingClaim", "a", "b")}


def test_each_volume_of_a_helm_release_has_its_claim() -> None:
    volumes = "volumes: [{name: x, primary_pvc: a, backup_pvc: b}, {name: z, primary_pvc: c, backup_pvc: d}]"
    assert places(one(f"helmrelease: tea, namespace: home, {volumes}")) == {
        (None, "spec.values.persistence.x.existingClaim", "a", "b"),
        (None, "spec.values.persistence.z.existingClaim", "c", "d"),
    }


def test_other_charts_name_their_own_places_below_the_values() -> None:
    service = one(
        f"helmrelease: tea, namespace: home, claim_path: 'master.persistence.existingClaim', {CLAIMS}, "
        f"node_path: 'master.nodeSelector[\"kubernetes.io/hostname\"]', {LABELS}"
    )
    assert places(service) == {
        (None, 'spec.values.master.nodeSelector["kubernetes.io/hostname"]', "a", "b"),
        (None, "spec.values.master.persistence.existingClaim", "a", "b"),
    }
    assert (service.nodes(Side.PRIMARY), service.nodes(Side.BACKUP)) == (("a",), ("b",))


@pytest.mark.parametrize(
    ("entry", "defaults", "expected"),
    [
        (f"{DEPLOYMENT}, volume_name: x", "primary_pvc: '{service}-a', backup_pvc: '{service}-b'", ["tea-a"]),
        (f"{DEPLOYMENT}, volume_name: x, primary_pvc: own", "primary_pvc: p, backup_pvc: b", ["own"]),
        (f"{DEPLOYMENT}, volumes: [{{name: v, {CLAIMS}}}]", "volume_name: x, primary_pvc: p, backup_pvc: q", ["a"]),
        (f"{DEPLOYMENT}, {LABELS}", "primary_pvc: p, backup_pvc: q", ["a"]),
        (f"{DEPLOYMENT}, volume_name: x", f"{CLAIMS}, node_label_key: zone", ["a"]),
        (
            f"{DEPLOYMENT}, volume_name: x, primary_node_label: null, backup_node_label: null",
            f"{CLAIMS}, primary_node_label: w1, backup_node_label: w2, node_label_key: zone",
            ["a"],
        ),
        (
            "switches: [{file: 'a/{service}.yaml', path: spec.x, primary: 1, backup: 2}]",
            f"volume_name: x, {CLAIMS}, path: 'a/{{service}}.yaml', claim_path: some.where, node_path: other, {LABELS}",
            [1],
        ),
        (f"{DEPLOYMENT}, volume_name: x, {CLAIMS}", "claim_path: some.where, node_path: some.where.too", ["a"]),
        (f"helmrelease: tea, namespace: home, node_path: pod.selector, {LABELS}", "node_label_key: zone", ["a"]),
    ],
)
def test_a_default_holds_where_its_key_may_stand(entry: str, defaults: str, expected: list[object]) -> None:
    assert [switch.primary for switch in one(entry, defaults=defaults).switches] == expected


def test_the_service_goes_before_the_defaults_and_these_before_the_top() -> None:
    top = "policy: direct\nbranch: top\nsearch: top/\n"
    service = one(f"{DEPLOYMENT}, {LABELS}, branch: own", defaults="branch: x, policy: pull_request", top=top)
    assert (service.branch.name, service.policy, service.search) == ("own", Policy.PULL_REQUEST, "top/")


def test_null_takes_a_default_away_and_is_nothing_elsewhere() -> None:
    assert one(f"{DEPLOYMENT}, {LABELS}, branch: null", defaults="branch: default").branch.name == "main"
    assert one(f"{DEPLOYMENT}, {LABELS}, fallback: null", defaults="fallback: pull_request").fallback is None
    with pytest.raises(ConfigInvalid, match=r"services\.tea\.branch: expected text, not null"):
        one(f"{DEPLOYMENT}, {LABELS}, branch: null")


def test_the_name_is_put_into_any_text_and_nothing_else_is() -> None:
    switch = "{file: 'a/{service}.yaml', path: spec.x, primary: '{service} {x}', backup: '{{service}}'}"
    assert places(one(f"switches: [{switch}]")) == {("a/tea.yaml", "spec.x", "tea {x}", "{tea}")}


@pytest.mark.parametrize(
    ("top", "entry", "expected"),
    [
        ("nodes: {primary: n1, backup: [n2, n3]}\n", "", (("n1",), ("n2", "n3"))),
        ("nodes: {primary: n1, backup: n2}\n", ", nodes: {primary: own, backup: other}", (("own",), ("other",))),
        ("", ", node_label_key: kubernetes.io/hostname", (("a",), ("b",))),
        ("", "", ((), ())),
    ],
)
def test_the_nodes_are_named_or_those_of_the_host_names_label(
    top: str, entry: str, expected: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    service = one(f"{DEPLOYMENT}, {LABELS}{entry}", top=top)
    assert (service.nodes(Side.PRIMARY), service.nodes(Side.BACKUP)) == expected


@pytest.mark.parametrize(
    ("entry", "defaults", "top", "error"),
    [
        (DEPLOYMENT, "deployment: x", "", "defaults.deployment: unknown key"),
        (DEPLOYMENT, "volume_name: 1", "", "defaults.volume_name: expected text, not 1"),
        (
            f"{DEPLOYMENT}, helmrelease: tea",
            "",
            "",
            "helmrelease: expected `deployment` or `helmrelease`, not both",
        ),
        (f"{DEPLOYMENT}, claim_path: a", "", "", "claim_path: is a place in a HelmRelease's values"),
        (f"helmrelease: tea, namespace: home, claim_path: 'a..b', {CLAIMS}", "", "", "claim_path: path 'a..b'"),
        (
            f"helmrelease: tea, namespace: home, node_path: a, node_label_key: b, {LABELS}",
            "",
            "",
            "node_path: says where the label is: expected no `node_label_key` beside it",
        ),
        (f"{DEPLOYMENT}, volume_name: x, primary_pvc: a", "", "", "backup_pvc: is missing; `volume_name` needs it"),
        (f"{DEPLOYMENT}, volume_name: x", "primary_pvc: a, backup_pvc: a", "", "backup_pvc: is 'a' on both sides"),
        (DEPLOYMENT, "", "nodes: {primary: a}\n", "nodes.backup: is missing"),
        (DEPLOYMENT, "", "nodes: {primary: [], backup: a}\n", "nodes.primary: expected the name of a node"),
        (DEPLOYMENT, "", "defaults: null\n", "defaults: expected a mapping, not null"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(entry: str, defaults: str, top: str, error: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        one(entry, defaults=defaults, top=top)
    assert error in "; ".join(caught.value.errors)


FORMS = f"{DEPLOYMENT}, {LABELS}"


@pytest.mark.parametrize(
    ("entry", "defaults", "file"),
    [
        (f"{FORMS}, unblock: rolling", "", ""),
        (f"{FORMS}, unblock: rolling, path: apps/tea.yaml", "", "apps/tea.yaml"),
        (FORMS, "unblock: rolling, path: 'apps/{service}.yaml'", "apps/tea.yaml"),
    ],
)
def test_unblock_names_the_deployment(entry: str, defaults: str, file: str) -> None:
    expected = Workload(file or None, Selector("Deployment", "tea", "home"))
    assert one(entry, defaults=defaults).unblocked == expected


@pytest.mark.parametrize(
    ("entry", "defaults"),
    [
        (FORMS, ""),
        (f"{FORMS}, unblock: none", "unblock: rolling"),
        (f"{FORMS}, unblock: null", "unblock: rolling"),
        (f"statefulset: tea, namespace: home, {LABELS}", "unblock: rolling"),
        (f"helmrelease: tea, namespace: home, {LABELS}", "unblock: rolling"),
        (f"statefulset: tea, namespace: home, {LABELS}, unblock: none", ""),
        ("switches: [{file: a.yaml, path: a, primary: 1, backup: 2}]", "unblock: rolling"),
        ("switches: [{file: a.yaml, path: a, primary: 1, backup: 2}], unblock: none", ""),
    ],
)
def test_nothing_is_unblocked_where_it_says_so_or_where_there_is_no_deployment(entry: str, defaults: str) -> None:
    assert one(entry, defaults=defaults).unblocked is None


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (f"statefulset: tea, namespace: home, {LABELS}, unblock: rolling", "unblock: needs a `deployment` beside it"),
        (f"helmrelease: tea, namespace: home, {LABELS}, unblock: rolling", "unblock: needs a `deployment` beside it"),
        (
            "switches: [{file: a.yaml, path: a, primary: 1, backup: 2}], unblock: rolling",
            "unblock: needs a `deployment` beside it",
        ),
        (f"{FORMS}, unblock: true", "unblock: expected 'none' or 'rolling', not true"),
        (f"{FORMS}, unblock: recreate", "unblock: expected 'none' or 'rolling', not 'recreate'"),
        (
            (
                f"{FORMS}, unblock: rolling, switches: [{{file: a.yaml, kind: Deployment, path: spec.strategy.type, "
                "primary: Recreate, backup: RollingUpdate}]"
            ),
            "switches[0].path: `unblock: rolling` changes this already",
        ),
    ],
)
def test_an_unblock_that_cannot_be_is_an_error(entry: str, error: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        one(entry)
    assert error in "; ".join(caught.value.errors)


def test_a_strategy_of_another_document_may_be_a_switch_beside_it() -> None:
    switch = "{file: a.yaml, kind: Deployment, name: other, path: spec.strategy.type, primary: a, backup: b}"
    assert one(f"{FORMS}, unblock: rolling, switches: [{switch}]").unblocked is not None


def test_a_deployment_that_is_only_unblocked_is_searched_for() -> None:
    service = one(
        f"{DEPLOYMENT}, unblock: rolling, switches: [{{file: a.yaml, path: spec.replicas, primary: 1, backup: 2}}]"
    )
    assert service.wanted == Selector("Deployment", "tea", "home")
