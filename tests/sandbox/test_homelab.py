"""The sample homelab and the example catalog fit each other, and the odd files stay odd.

Read with plain ruamel.yaml, not with the product: this checks the data, not the code.
"""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
HOMELAB = ROOT / "service/failover_api/sandbox/homelab"
CRLF_AND_BOM = "apps/home/home-assistant/deployment.yaml"
NO_FINAL_NEWLINE = "apps/home/zigbee2mqtt/deployment.yaml"
MANIFESTS = sorted(p.relative_to(HOMELAB).as_posix() for p in HOMELAB.rglob("*.yaml"))
STEP = re.compile(r'\["(?P<quoted>[^"]+)"\]|\[name=(?P<name>[^]]+)\]|\[(?P<index>\d+)\]|\.?(?P<key>[^.\[]+)')

CATALOG = YAML(typ="safe").load((ROOT / "config/services.yaml").read_bytes())
SERVICES = {
    name: service
    if not {"deployment", "statefulset", "helmrelease"} & service.keys()
    else {**CATALOG["defaults"], **service}
    for name, service in CATALOG["services"].items()
}
SIDES = dict.fromkeys(SERVICES, "primary") | {"vaultwarden": "backup", "gitea": "unknown"}


def documents(file):
    return [d for d in YAML(typ="safe").load_all((HOMELAB / file).read_bytes()) if d is not None]


def find(files, kind, name=None, namespace=None):
    """All named (file, document) of this kind; a document without a namespace matches any."""
    return [
        (file, document)
        for file in files
        for document in documents(file)
        if document.get("kind") == kind
        and "metadata" in document
        and name in (None, document["metadata"]["name"])
        and (namespace is None or document["metadata"].get("namespace") in (None, namespace))
    ]


def value_at(node, path):
    for step in STEP.finditer(path):
        if step["name"]:
            (node,) = [item for item in node if item["name"] == step["name"]]
        elif step["index"]:
            node = node[int(step["index"])]
        else:
            node = node[step["quoted"] or step["key"]]
    return node


def workload(service):
    kinds = {"deployment": "Deployment", "statefulset": "StatefulSet", "helmrelease": "HelmRelease"}
    return next(((kind, service[key]) for key, kind in kinds.items() if key in service), ("", None))


def workload_switches(service):
    """(path, primary, backup) of the short form."""
    is_release = "helmrelease" in service
    volumes = service.get("volumes") or [{**service, "name": service["volume_name"]}]
    label, pod = (
        service.get("node_label_key", "role"),
        "spec.values.defaultPodOptions" if is_release else "spec.template.spec",
    )
    yield f'{pod}.nodeSelector["{label}"]', service["primary_node_label"], service["backup_node_label"]
    for volume in volumes:
        if is_release:
            claim = f"spec.values.persistence.{volume['name']}.existingClaim"
        else:
            claim = f"{pod}.volumes[name={volume['name']}].persistentVolumeClaim.claimName"
        yield claim, volume["primary_pvc"], volume["backup_pvc"]


def switches(name):
    """Each (file, document, path, primary, backup) of a service."""
    service = SERVICES[name]
    kind, workload_name = workload(service)
    if workload_name:
        files = [service["path"]] if "path" in service else [m for m in MANIFESTS if m.startswith(CATALOG["search"])]
        ((file, document),) = find(files, kind, workload_name, service["namespace"])
        for path, primary, backup in workload_switches(service):
            yield file, document, path, primary, backup
    for switch in service.get("switches", []):
        ((file, document),) = find([switch["file"]], switch["kind"], switch.get("name"), switch.get("namespace"))
        yield file, document, switch["path"], switch["primary"], switch["backup"]


def side_of(value, primary, backup):
    typed = (type(value), value)  # False == 0, but a bool is not a number
    return {(type(primary), primary): "primary", (type(backup), backup): "backup"}.get(typed, "unknown")


@pytest.mark.parametrize("file", MANIFESTS)
def test_each_manifest_is_yaml_with_kind_and_name(file):
    for document in documents(file):
        assert document["apiVersion"]
        assert document["kind"]
        assert Path(file).name == "kustomization.yaml" or document["metadata"]["name"]


@pytest.mark.parametrize("name", [n for n in SERVICES if workload(SERVICES[n])[1]])
def test_the_workload_of_a_service_exists_exactly_once(name):
    service = SERVICES[name]
    kind, workload_name = workload(service)
    found = find([m for m in MANIFESTS if m.startswith("apps/")], kind, workload_name, service["namespace"])
    assert len(found) == 1
    assert found[0][0] == service.get("path", found[0][0])


@pytest.mark.parametrize("name", SERVICES)
def test_the_switches_of_a_service_are_on_its_side(name):
    found = [side_of(value_at(document, path), *sides) for _, document, path, *sides in switches(name)]
    expected = SIDES[name]
    if expected == "unknown":
        assert "unknown" in found
    else:
        assert set(found) == {expected}


def test_no_scalar_is_claimed_twice():
    claimed = [
        (file, document["kind"], document["metadata"]["name"], path)
        for name in SERVICES
        for file, document, path, *_ in switches(name)
    ]
    assert len(claimed) == len(set(claimed))


def test_each_claim_that_a_short_form_names_exists_on_each_side():
    claims = {
        (document["metadata"]["namespace"], document["metadata"]["name"]): document["spec"]["storageClassName"]
        for _, document in find(MANIFESTS, "PersistentVolumeClaim")
    }
    for service in SERVICES.values():
        for volume in service.get("volumes") or [service]:
            if "primary_pvc" in volume:
                assert claims[service["namespace"], volume["primary_pvc"]] == "local-primary"
                assert claims[service["namespace"], volume["backup_pvc"]] == "local-backup"


def test_each_kustomization_names_existing_resources():
    for file in MANIFESTS:
        if Path(file).name == "kustomization.yaml":
            folder = HOMELAB / Path(file).parent
            for resource in documents(file)[0]["resources"]:
                target = folder / resource
                assert target.is_file() or (target / "kustomization.yaml").is_file(), f"{file}: {resource}"


def test_each_flux_kustomization_points_to_a_folder():
    found = find([m for m in MANIFESTS if m.startswith("clusters/")], "Kustomization")
    assert {document["metadata"]["name"] for _, document in found} == {"flux-system", "storage", "apps", "photoprism"}
    for _, document in found:
        assert (HOMELAB / document["spec"]["path"]).is_dir()


def test_groups_name_services_of_the_catalog():
    for members in CATALOG["groups"].values():
        assert set(members) <= set(SERVICES)
        assert len(members) == len(set(members))


def test_all_line_endings_are_crlf_in_the_one_file_only():
    for file in MANIFESTS:
        data = (HOMELAB / file).read_bytes()
        expected = data.count(b"\n") if file == CRLF_AND_BOM else 0
        assert data.count(b"\r\n") == data.count(b"\r") == expected, file


def test_one_file_begins_with_a_bom():
    assert [f for f in MANIFESTS if (HOMELAB / f).read_bytes().startswith(b"\xef\xbb\xbf")] == [CRLF_AND_BOM]


def test_one_file_ends_without_newline_and_with_a_claim():
    assert [f for f in MANIFESTS if not (HOMELAB / f).read_bytes().endswith(b"\n")] == [NO_FINAL_NEWLINE]
    assert (HOMELAB / NO_FINAL_NEWLINE).read_bytes().endswith(b"claimName: pvc-zigbee2mqtt")


def test_git_is_told_to_translate_no_line_endings():
    assert "* -text" in (HOMELAB / ".gitattributes").read_text(encoding="utf-8").splitlines()


def test_sonarr_is_as_the_contract_shows_it():
    lines = (HOMELAB / "apps/media/sonarr/deployment.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[20].strip() == "role: primary"
