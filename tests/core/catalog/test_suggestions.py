"""Entries for what a repository's manifests hold, and that each of them can be moved there and back."""

import os
from pathlib import Path

import pytest

from failover_api.core.catalog.suggestions import suggestions
from failover_api.suggest import Suggested, suggest
from tests.support.stage import deployment

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "yaml" / "corpus"
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: NAME}
spec:
  values:
VALUES
"""


def release(values: str, name: str = "tea") -> bytes:
    indented = "".join(f"    {line}\n" for line in values.splitlines())
    return RELEASE.replace("NAME", name).replace("VALUES\n", indented).encode()


def only(files: dict[str, bytes]) -> str:
    """The text of the one entry, which was read back and planned."""
    suggested = suggest(files)
    assert not suggested.refused
    (entry,) = suggested.entries
    return entry.text


def test_a_deployment_is_a_short_form() -> None:
    assert only({"apps/media/web.yaml": deployment("web").encode()}) == (
        "web:\n"
        "  deployment: web\n"
        "  namespace: media\n"
        "  path: apps/media/web.yaml\n"
        "  node_label_key: role\n"
        "  primary_node_label: primary\n"
        "  backup_node_label: the-other-node  # TODO: the node that has the copy\n"
        "  volume_name: config\n"
        "  primary_pvc: pvc-web\n"
        "  backup_pvc: pvc-web-backup  # TODO: the claim of the copy on the other node"
    )


def test_the_other_node_is_the_other_one_that_the_repository_selects() -> None:
    files = {f"{name}.yaml": deployment(name, role=role).encode() for name, role in (("one", "w1"), ("two", "w2"))}
    texts = [entry.text for entry in suggest(files).entries]
    assert ["backup_node_label: w2\n" in texts[0], "backup_node_label: w1\n" in texts[1]] == [True, True]


def test_app_templates_places_need_no_path() -> None:
    text = only(
        {
            "tea.yaml": release(
                "persistence: {config: {existingClaim: tea}, cache: {existingClaim: tea-cache}, tmp: {}}\n"
                "defaultPodOptions: {nodeSelector: {kubernetes.io/hostname: w1, kubernetes.io/arch: amd64}}\n"
            )
        }
    )
    assert "helmrelease: tea\n" in text
    assert "  node_label_key: kubernetes.io/hostname\n  primary_node_label: w1\n" in text
    assert "  volumes:\n    - name: config\n      primary_pvc: tea\n" in text
    assert "    - name: cache\n      primary_pvc: tea-cache\n" in text


def test_other_charts_places_are_named() -> None:
    text = only({"tea.yaml": release("server: {storage: {existingClaim: tea}, nodeSelector: {zone: a}}\n")})
    assert "  claim_path: server.storage.existingClaim\n" in text
    assert "  node_path: server.nodeSelector.zone\n" in text


def test_a_chart_with_several_claims_elsewhere_is_switches() -> None:
    text = only({"tea.yaml": release("a: {existingClaim: tea-a}\nb: {existingClaim: tea-b}\n")})
    assert "path: spec.values.a.existingClaim\n" in text
    assert text.count("  - file: tea.yaml\n") == 2


def test_a_claims_variable_is_switched_in_the_kustomization() -> None:
    kustomization = (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: tea}\n"
        "spec:\n  path: ./apps/tea\n  targetNamespace: home\n  postBuild: {substitute: {TEA_CLAIM: tea-data}}\n"
    )
    values = "persistence: {config: {existingClaim: '${TEA_CLAIM}'}}\n"
    text = only({"flux/tea.yaml": kustomization.encode(), "apps/tea/app/release.yaml": release(values)})
    assert "    - file: flux/tea.yaml\n      kind: Kustomization\n" in text
    assert "path: spec.postBuild.substitute.TEA_CLAIM\n      primary: tea-data\n" in text


def test_another_variable_stays_part_of_the_claim() -> None:
    text = only({"tea.yaml": release("persistence: {config: {existingClaim: '${APP}'}}\n")})
    assert "primary_pvc: ${APP}\n  backup_pvc: ${APP}-backup" in text


def test_a_volsync_pair_gives_the_other_claim_and_is_paused() -> None:
    source = "kind: ReplicationSource\nmetadata: {name: tea}\nspec: {sourcePVC: pvc-tea, paused: false}\n"
    target = "kind: ReplicationDestination\nmetadata: {name: tea}\nspec: {rsyncTLS: {destinationPVC: tea-copy}}\n"
    text = only({"tea.yaml": deployment("tea").encode(), "sync.yaml": f"{source}---\n{target}".encode()})
    assert "backup_pvc: tea-copy\n" in text
    assert text.endswith(
        "switches:\n    - file: sync.yaml\n      kind: ReplicationSource\n      name: tea\n      path: spec.paused\n"
        "      primary: false\n      backup: true"
    )


def volsync(source: str, of: str, destination: str, to: str, *, mover: str = "rsyncTLS", more: str = "") -> str:
    """A pair; `more` stands in the mover of both."""
    address = f", address: volsync-rsync-tls-dst-{destination}.media" if mover == "rsyncTLS" else ""
    method = "copyMethod: Direct"
    return (
        f"kind: ReplicationSource\nmetadata: {{name: {source}, namespace: media}}\n"
        f"spec: {{sourcePVC: {of}, {mover}: {{{method}{more}{address}}}}}\n---\n"
        f"kind: ReplicationDestination\nmetadata: {{name: {destination}, namespace: media}}\n"
        f"spec: {{{mover}: {{{method}, destinationPVC: {to}{more}}}}}\n---\n"
    )


def test_pairs_of_volsync_are_the_replication() -> None:
    both = volsync("tea-to-w2", "pvc-tea", "tea-w2", "tea-copy") + volsync("tea-to-w1", "tea-copy", "tea-w1", "pvc-tea")
    text = only({"tea.yaml": deployment("tea").encode(), "sync.yaml": both.encode()})
    assert "backup_pvc: tea-copy\n" in text
    assert text.endswith(
        "  replication:\n    kind: volsync\n"
        "    to_backup: {source: tea-to-w2, destination: tea-w2, file: sync.yaml}\n"
        "    to_primary: {source: tea-to-w1, destination: tea-w1, file: sync.yaml}"
    )


def test_what_leads_home_is_to_be_made_where_it_is_missing() -> None:
    pair = volsync("tea", "pvc-tea", "tea-w2", "tea-copy", mover="restic", more=", repository: tea-restic")
    text = only({"tea.yaml": deployment("tea").encode(), "sync.yaml": pair.encode()})
    assert "    via: repository\n    to_backup: {source: tea, destination: tea-w2, file: sync.yaml}\n" in text
    assert text.endswith(
        "    # TODO: to_primary: {source: ..., destination: ...}: a pair from tea-copy to pvc-tea, both ends born with "
        "`paused: true`"
    )


def test_a_helm_release_says_how_it_is_stopped() -> None:
    values = "controllers: {tea: {}}\npersistence: {config: {existingClaim: tea}}\n"
    pair = volsync("tea", "tea", "tea-w2", "tea-copy")
    text = only({"tea.yaml": release(values), "sync.yaml": pair.replace(", namespace: media", "").encode()})
    assert "  quiesce: {path: spec.values.controllers.tea.replicas, running: 1}" in text
    other = only(
        {
            "tea.yaml": release("persistence: {config: {existingClaim: tea}}\n"),
            "sync.yaml": pair.replace(", namespace: media", "").encode(),
        }
    )
    assert "  quiesce: {path: spec.values.replicas, running: 1}  # TODO: the chart's own number of replicas" in other


def test_an_image_for_a_new_claim_is_no_replication() -> None:
    pair = volsync("tea", "pvc-tea", "tea-dst", "tea-copy", mover="restic", more=", repository: r")
    text = only({"tea.yaml": deployment("tea").encode(), "sync.yaml": pair.replace("Direct", "Snapshot").encode()})
    assert "replication:\n" not in text
    assert "# TODO: `copyMethod: Direct` in sync.yaml, or `replication: {kind: manual}`: tea-dst makes an image" in text


def test_what_only_looks_like_a_pair_is_none() -> None:
    mixed = volsync("tea", "pvc-tea", "tea-w2", "tea-copy").replace("dst-tea-w2", "dst-other")
    foreign = volsync("tea", "pvc-tea", "tea-w2", "tea-copy").replace("namespace: media", "namespace: office")
    for pair in (mixed, foreign):
        assert "replication:\n" not in only({"tea.yaml": deployment("tea").encode(), "sync.yaml": pair.encode()})


def test_what_would_have_to_be_added_is_told() -> None:
    source = b"kind: ReplicationSource\nmetadata: {name: tea}\nspec: {sourcePVC: pvc-tea}\n"
    text = only({"tea.yaml": deployment("tea").encode(), "sync.yaml": source})
    assert text.endswith(
        "# TODO: spec.paused: false in sync.yaml, and a switch on it: it must not copy the old data over"
    )


@pytest.mark.parametrize(
    ("files", "namespace"),
    [
        ({"apps/home/kustomization.yaml": b"namespace: home\nresources: [tea]\n"}, "home"),
        ({}, "default  # TODO: which one"),
    ],
)
def test_the_namespace_is_the_kustomizations_where_the_manifest_has_none(
    files: dict[str, bytes], namespace: str
) -> None:
    files = {**files, "apps/home/tea/release.yaml": release("persistence: {config: {existingClaim: tea}}\n")}
    assert f"namespace: {namespace}\n" in only(files)


def test_two_of_one_name_have_names_of_their_own() -> None:
    files = {"a.yaml": deployment("web").encode(), "b.yaml": deployment("web").replace("media", "home").encode()}
    assert [entry.name for entry in suggestions(files)] == ["web", "home-web"]


def test_what_cannot_be_planned_is_not_printed_and_says_why() -> None:
    shared = "x: &claim tea\npersistence: {config: {existingClaim: *claim}}\ny: {existingClaim: &c other}\nz: *c\n"
    suggested = suggest({"tea.yaml": release(shared)})
    assert suggested.entries == ()
    ((workload, why),) = suggested.refused.items()
    assert workload == "HelmRelease tea (tea.yaml)"
    assert "shares with other places" in why


def test_what_is_no_manifest_and_what_has_no_claim_is_passed_over() -> None:
    assert suggestions({"a.yaml": b"a: [", "b.txt": b"x", "c.yaml": release("image: tea\n"), "d.yaml": b"\xff"}) == []


def test_one_can_be_asked_for_by_its_name() -> None:
    files = {f"{name}.yaml": deployment(name).encode() for name in ("one", "two")}
    assert [entry.name for entry in suggest(files, name="two").entries] == ["two"]


def test_a_whole_file_is_read_back() -> None:
    text = suggest({"a.yaml": deployment("web").encode()}).text(repository="acme/homelab")
    assert text.startswith("repository: acme/homelab\n\nservices:\n  web:\n    deployment: web\n")


def of_folder(folder: Path) -> Suggested:
    return suggest({os.fspath(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.y*ml")})


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of public manifests is not here")
def test_most_apps_of_real_repositories_get_an_entry_that_plans() -> None:
    found = [of_folder(folder) for folder in CORPUS.iterdir() if folder.is_dir()]
    entries = sum(len(suggested.entries) for suggested in found)
    refused = sum(len(suggested.refused) for suggested in found)
    assert entries > 200
    assert entries / (entries + refused) >= 0.95


RECREATE = {
    "in lines": ("  strategy:\n    type: Recreate  # a lock\n", True),
    "in braces": ("  strategy: {type: 'Recreate'}\n", True),
    "rolling": ("  strategy: {type: RollingUpdate}\n", False),
    "none": ("", False),
    "no mapping": ("  strategy: Recreate\n", False),
    "more than a type": ("  strategy: {type: Recreate, rollingUpdate: null}\n", False),
}


@pytest.mark.parametrize(("strategy", "is_told"), RECREATE.values(), ids=RECREATE)
def test_a_deployment_that_waits_for_dead_nodes_is_to_be_unblocked(strategy: str, is_told: bool) -> None:
    text = deployment("web").replace("spec:\n  replicas", f"spec:\n{strategy}  replicas")
    line = "  unblock: rolling  # its strategy is Recreate, which waits for the pod of a dead node for ever\n"
    assert (line in only({"web.yaml": text.encode()})) is is_told


NO_NODE = "# TODO: no node is named, so only the claim moves; a nodeSelector would go to "


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ("persistence: {config: {existingClaim: tea}}\n", "spec.values.defaultPodOptions"),
        ("store: {existingClaim: tea}\n", "the chart's own place for it below spec.values"),
    ],
)
def test_a_release_without_a_node_says_that_only_the_claim_moves(values: str, place: str) -> None:
    assert only({"tea.yaml": release(values)}).endswith(f"\n  {NO_NODE}{place}")


def test_so_does_a_deployment() -> None:
    text = deployment("web").replace("nodeSelector:", "unused:")
    assert only({"web.yaml": text.encode()}).endswith(f"\n  {NO_NODE}spec.template.spec.nodeSelector")


@pytest.mark.parametrize("label", ['intel.feature.node.kubernetes.io/gpu: "true"', 'coral-usb: "true"'])
def test_a_devices_label_is_no_node(label: str) -> None:
    values = "persistence: {config: {existingClaim: tea}}\ndefaultPodOptions: {nodeSelector: {LABEL}}\n"
    (entry,) = suggest({"tea.yaml": release(values.replace("LABEL", label))}).entries
    assert (entry.names_node, "primary_node_label" in entry.text) == (False, False)
    (entry,) = suggest({"tea.yaml": release(values.replace("LABEL", f"{label}, zone: a"))}).entries
    assert (entry.names_node, "  node_label_key: zone\n  primary_node_label: a\n" in entry.text) == (True, True)


def test_a_nodes_variable_is_switched_in_the_kustomization() -> None:
    kustomization = (
        "kind: Kustomization\nmetadata: {name: tea}\nspec:\n  path: ./apps/tea\n"
        "  postBuild: {substitute: {TEA_NODE: w1, TEA_CLAIM: tea}}\n"
    )
    values = (
        "persistence: {c: {existingClaim: '${TEA_CLAIM}'}}\ndefaultPodOptions: {nodeSelector: {role: '${TEA_NODE}'}}\n"
    )
    other = deployment("web", role="w2").encode()
    files = {"flux/tea.yaml": kustomization.encode(), "apps/tea/r.yaml": release(values), "apps/web.yaml": other}
    (entry,) = suggest(files, name="tea").entries
    assert "path: spec.postBuild.substitute.TEA_NODE\n      primary: w1\n      backup: w2\n" in entry.text
