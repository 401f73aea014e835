"""Which claims a repository makes, could make or fills; and which name is nowhere."""

import re

import pytest

from failover_api.core.search.claim_sources import ClaimSources
from failover_api.core.search.file_facts import read_file_facts
from failover_api.core.search.known_claims import KnownClaims, known_claims
from failover_api.core.splice import MAX_BYTES
from failover_api.reading.branch_knowledge import FACTS_BYTES
from tests.support.real_manifests import CORPUS, needs_shared

CLAIM = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {}\n"


def read_claim_sources(path: str, data: bytes) -> ClaimSources:
    return read_file_facts(path, data).claims


def known(*texts: str) -> KnownClaims:
    files = {f"{n}.yaml": text.encode() for n, text in enumerate(texts)}
    return known_claims({path: read_claim_sources(path, data) for path, data in files.items()})


MAKES_DATA_B = {
    "a claim": CLAIM.format("data-b"),
    "a claim in a list": "kind: List\nitems:\n  - kind: PersistentVolumeClaim\n    metadata: {name: data-b}\n",
    "a claim that another is cloned from": CLAIM.format("x")
    + "spec: {dataSourceRef: {kind: PersistentVolumeClaim, name: data-b}}\n",
    "a volume that is kept for it": "kind: PersistentVolume\nspec: {claimRef: {name: data-b}}\n",
    "a virtual machine's disk": "kind: DataVolume\nmetadata: {name: data-b}\n",
    "a replication that reads it": "kind: ReplicationSource\nspec: {sourcePVC: data-b}\n",
    "a replication that fills it": "kind: ReplicationDestination\nspec: {rsyncTLS: {destinationPVC: data-b}}\n",
    "a chart's volume": "kind: HelmRelease\nmetadata: {name: data}\nspec: {values: {persistence: {b: {size: 1Gi}}}}\n",
    "a chart's only volume": "kind: HelmRelease\nmetadata: {name: data-b}\nspec: {}\n",
    "a chart of another name": "kind: HelmRelease\nmetadata: {name: x}\nspec: {values: {fullnameOverride: data-b}}\n",
    "a patch that renames it": CLAIM.format("x") + "---\npatches:\n  - patch: |\n      - op: replace\n"
    "        path: /metadata/name\n        value: data-b\n",
    "an alias": "x: &name data-b\nkind: PersistentVolumeClaim\nmetadata: {name: *name }\n",
    "quotes and JSON": '{"kind": "PersistentVolumeClaim", "metadata": {"name": "data-b"}}',
}


@pytest.mark.parametrize("text", MAKES_DATA_B.values(), ids=MAKES_DATA_B)
def test_a_claim_is_known_by_whatever_makes_it(text: str) -> None:
    claims = known(text)
    assert claims.has("data-b")
    assert not claims.has("data-bb")


@pytest.mark.parametrize(
    "text",
    [
        "kind: Deployment\nspec: {template: {spec: {volumes: [{persistentVolumeClaim: {claimName: data-b}}]}}}\n",
        "kind: HelmRelease\nmetadata: {name: x}\nspec: {values: {data: {existingClaim: data-b, size: 1}}}\n",
        "kind: PersistentVolumeClaim\nmetadata: {}\nspec: {volumeName: data-b}\n",
        "kind: PersistentVolumeClaim\nmetadata: [data-b]\n",
        "kind: ReplicationSource\nspec: data-b\n",
        "kind: [PersistentVolumeClaim\n",
        "",
    ],
)
def test_a_reference_makes_no_claim_and_nonsense_does_no_harm(text: str) -> None:
    assert not known(text).has("data-b")


def test_a_statefulset_s_claims_are_counted() -> None:
    text = "kind: StatefulSet\nmetadata: {name: db}\nspec: {volumeClaimTemplates: [{metadata: {name: data}}]}\n"
    claims = known(text)
    assert claims.has("data-db-0")
    assert claims.has("data-db-12")
    assert not any(map(claims.has, ("data-db", "data-db-x", "data-db-0-b", "log-db")))


def test_an_operator_s_claims_bear_its_name_and_a_number() -> None:
    claims = known("kind: Cluster\nmetadata:\n  name: postgres\n")
    assert claims.has("postgres-1")
    assert claims.has("data-postgres-0")
    assert not any(map(claims.has, ("postgres-b", "mysql-1")))


def substituting(**values: str) -> str:
    lines = "".join(f"      {name}: {value}\n" for name, value in values.items())
    return f"kind: Kustomization\nspec:\n  postBuild:\n    substitute:\n{lines}"


def test_a_variable_stands_for_each_value_it_is_given() -> None:
    claims = known(CLAIM.format("${APP}-b"), substituting(APP="sonarr"), substituting(APP="radarr"))
    assert claims.has("sonarr-b")
    assert claims.has("radarr-b")
    assert not claims.has("plex-b")


def test_a_variable_has_a_default_and_a_value_may_have_variables() -> None:
    claims = known(CLAIM.format("${CLAIM:-${APP}}"), substituting(APP="sonarr"), substituting(CLAIM="${APP}-data"))
    assert claims.has("sonarr")
    assert claims.has("sonarr-data")
    assert not claims.has("sonarr-date")
    of_map = "kind: ConfigMap\ndata:\n  CLAIM: from-map\n"
    assert known(CLAIM.format("${CLAIM:=fallback}"), of_map).has("from-map")
    assert known(CLAIM.format("${CLAIM:=fallback}"), of_map).has("fallback")


def test_a_variable_that_nobody_sets_stands_for_anything() -> None:
    claims = known(CLAIM.format("${APP}-data"))
    assert claims.has("sonarr-data")
    assert not claims.has("sonarr-date")


def test_a_name_of_variables_alone_is_that_of_a_document() -> None:
    """Anything at all would hide every slip."""
    claims = known(CLAIM.format("${APP}"), "kind: Deployment\nmetadata:\n  name: sonarr\n")
    assert claims.has("sonarr")
    assert not claims.has("sonar")


def test_variables_that_stand_for_each_other_end() -> None:
    claims = known(CLAIM.format("${A}-data"), substituting(A="${B}", B="${A}"))
    assert not claims.has("else")


def test_a_helm_template_may_make_what_fits() -> None:
    text = (
        "{{- if .Values.on }}\nkind: PersistentVolumeClaim\nmetadata:\n  name: {{ .Release.Name }}-config\n{{- end }}\n"
    )
    claims = known(text)
    assert claims.has("sonarr-config")
    assert not claims.has("sonarr-confg")


def test_a_kustomization_puts_something_before_and_behind() -> None:
    claims = known(CLAIM.format("data"), "kind: Kustomization\nnamePrefix: home-\nnameSuffix: -b\n")
    assert claims.has("home-data-b")
    assert claims.has("data")
    assert not claims.has("home-data")


def test_the_nearest_is_one_that_a_manifest_names() -> None:
    claims = known(CLAIM.format("sonarr-backup"), "kind: HelmRelease\nmetadata: {name: sonarr-backpux}\nspec: {}\n")
    assert claims.nearest("sonarr-backpu") == "sonarr-backup (0.yaml:4)"
    assert claims.nearest("sonarr-backpu", without=["sonarr-backup"]) == ""
    assert claims.nearest("plex") == ""


def test_hostile_files_are_read_in_time_and_room() -> None:
    many = "".join(f"{CLAIM.format(f'c{n}')}---\n" for n in range(2_000))
    assert len(read_claim_sources("a.yaml", many.encode()).claims) == 500
    deep = "kind: HelmRelease\nmetadata: {name: x}\nspec: {values: " + "{a: " * 100 + "1" + "}" * 101 + "\n"
    assert read_claim_sources("a.yaml", deep.encode()).claims
    assert known(CLAIM.format("${A}${A}${A}-x"), *(substituting(A=f"v{n}") for n in range(300))).count < 10_000
    volumes = "".join(f"      v{n}: {{size: 1}}\n" for n in range(10_000))
    release = f"kind: HelmRelease\nmetadata: {{name: x}}\nspec:\n  values:\n    persistence:\n{volumes}"
    assert len(read_claim_sources("a.yaml", release.encode()).claims) <= 500
    template = b"kind: PersistentVolumeClaim\nname: " + b"{{" * 200_000 + b"\n{{ if }}\n"
    assert read_claim_sources("a.yaml", template).claims == ()
    worst = "kind: ConfigMap\ndata:\n" + "".join(f"  A{n}: {'v' * 240}\n" for n in range(4_000))
    worst += "".join(f"---\nkind: PersistentVolumeClaim\nmetadata:\n  name: {'x' * 240}{n}\n" for n in range(2_000))
    assert read_claim_sources("a.yaml", worst.encode()).size_bytes < FACTS_BYTES


def test_where_there_are_too_many_nothing_is_called_unknown() -> None:
    many = [substituting(A=f"v{n}") for n in range(2_000)]
    claims = known(*(CLAIM.format(f"${{A}}-{n}x") for n in range(30)), *many)
    assert claims.has("anything")
    assert claims.count == 1


REFERENCE = re.compile(rb"^\s*(?:- )?(?:claimName|existingClaim): *[\"']?([^\s\"'#]+)", re.MULTILINE)


@needs_shared
def test_a_clean_homelab_is_hardly_warned_of_and_a_slip_is_found() -> None:
    """Of a part of each repository, so a claim may be made by a file that is not there."""
    names = unknown = slips = found = 0
    for repository in sorted(path for path in CORPUS.iterdir() if path.is_dir()):
        paths = [path for path in repository.rglob("*.y*ml") if path.stat().st_size <= MAX_BYTES]
        files = {str(path.relative_to(repository)): path.read_bytes() for path in paths}
        claims = known_claims({path: read_claim_sources(path, data) for path, data in files.items()})
        said = {name.decode() for data in files.values() for name in REFERENCE.findall(data)}
        said = {name for name in said if re.fullmatch("[a-z0-9][-a-z0-9.]{5,}", name)}
        names, unknown = names + len(said), unknown + sum(not claims.has(name) for name in said)
        wrong = {f"{name[:-2]}{name[-1]}{name[-2]}" for name in said if name[-1] != name[-2]} - said
        slips, found = slips + len(wrong), found + sum(not claims.has(name) for name in wrong)
    assert names > 200
    assert unknown <= 13, f"{unknown} of {names} would be warned of"
    assert found >= 0.95 * slips, f"of {slips} slips {found} are found"
