"""The example of inclusion, applied as Flux would."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from failover_api.core.catalog.load import parse_catalog
from tests.product.manifests.kustomize import HOMELAB, ROOT, Object, Objects, as_flux, build, load_file, needs_kubectl

pytestmark = needs_kubectl

OWN = HOMELAB / "failover-api"
CONFIG = "failover-api-config"


@pytest.fixture(scope="module")
def homelab() -> Objects:
    return Objects(build(HOMELAB))


@pytest.fixture(scope="module")
def own() -> Objects:
    return Objects(build(OWN))


@pytest.fixture(scope="module")
def applied(homelab: Objects) -> Objects:
    return as_flux(homelab.one("Kustomization"))


def test_flux_gets_a_namespace_a_source_and_two_kustomizations(homelab: Objects) -> None:
    assert homelab.kinds == ["GitRepository", "Kustomization", "Kustomization", "Namespace"]


def test_the_source_is_pinned_to_this_version_and_brings_what_is_built(homelab: Objects) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    source, flux = homelab.one("GitRepository")["spec"], homelab.one("Kustomization")["spec"]
    assert source["ref"] == {"tag": f"v{version}"}
    assert source["ignore"].split() == ["/*", "!/manifests", "!/config"]
    assert flux["sourceRef"]["name"] == "failover-api"
    assert [image["newTag"] for image in flux["images"]] == [version]


def test_the_own_folder_is_the_one_that_is_applied_before(homelab: Objects) -> None:
    first, then = homelab.one("Kustomization", CONFIG)["spec"], homelab.one("Kustomization")["spec"]
    assert ROOT / first["path"] == OWN
    assert first["sourceRef"]["name"] == "flux-system"
    assert then["dependsOn"] == [{"name": CONFIG}]
    assert first["decryption"]["provider"] == "sops"


def test_the_folder_with_the_secret_is_applied_only_by_the_kustomization_that_decrypts() -> None:
    assert load_file(HOMELAB / "kustomization.yaml")["resources"] == ["namespace.yaml", "failover-api.yaml"]


def test_the_image_and_the_host_are_the_users(applied: Objects) -> None:
    assert applied.container["image"] == "ghcr.io/acme/failover-api:0.2.0"
    assert applied.one("IngressRoute")["spec"]["routes"][0]["match"] == "Host(`failover.homelab.example.org`)"


def test_the_users_catalog_and_access_file_take_the_place_of_the_examples(applied: Objects, own: Objects) -> None:
    assert not applied.of("ConfigMap")
    config = own.one("ConfigMap", CONFIG)
    (mounted,) = [volume["configMap"]["name"] for volume in applied.pod["volumes"] if "configMap" in volume]
    assert (mounted, config["metadata"]["namespace"]) == (CONFIG, applied.one("Deployment")["metadata"]["namespace"])
    assert set(config["data"]) == {"services.yaml", "access.yaml"}
    assert config["metadata"]["annotations"] == {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}
    assert list(parse_catalog(config["data"]["services.yaml"], file="services.yaml").services) == ["sonarr"]


def test_the_namespace_takes_only_restricted_pods(homelab: Objects, applied: Objects) -> None:
    namespace = homelab.one("Namespace", "operations")["metadata"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {item["metadata"]["namespace"] for item in applied.all} == {namespace["name"]}


def test_the_example_of_a_secret_has_the_keys_that_the_pod_wants_and_holds_none(applied: Objects) -> None:
    secret = load_file(OWN / "secret.example.yaml")
    variables = {entry["name"]: entry for entry in applied.container["env"]}
    app_id = variables["FAILOVER_GITHUB_APP_ID"]["valueFrom"]["secretKeyRef"]
    key_file = Path(variables["FAILOVER_GITHUB_PRIVATE_KEY_FILE"]["value"])
    assert (secret["metadata"]["name"], secret["metadata"]["namespace"]) == (app_id["name"], "operations")
    assert set(secret["stringData"]) == {app_id["key"], key_file.name}
    assert all(value.startswith("EXAMPLE-") for value in secret["stringData"].values())
    assert (OWN / "secret.example.yaml").read_text(encoding="utf-8").startswith("# NOT A SECRET")


def test_the_secret_is_applied_once_the_user_has_made_it(tmp_path: Path) -> None:
    shutil.copytree(OWN, tmp_path / "own")
    file = tmp_path / "own/kustomization.yaml"
    text = file.read_text(encoding="utf-8")
    assert not Objects(build(tmp_path / "own")).of("Secret")
    shutil.copy(OWN / "secret.example.yaml", tmp_path / "own/secret.sops.yaml")
    file.write_text(re.sub(r"^# (resources:|  - secret)", r"\1", text, flags=re.MULTILINE), encoding="utf-8")
    assert Objects(build(tmp_path / "own")).one("Secret")["metadata"]["namespace"] == "operations"


def test_sops_encrypts_the_values_of_just_such_a_file() -> None:
    (rule,) = load_file(OWN / ".sops.yaml")["creation_rules"]
    assert re.search(rule["path_regex"], "secret.sops.yaml")
    assert not re.search(rule["path_regex"], "secret.example.yaml")
    secret: Object = load_file(OWN / "secret.example.yaml")
    hidden = {key for key in secret if re.search(rule["encrypted_regex"], key)}
    assert hidden == {"stringData"}
