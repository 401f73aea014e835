"""kustomize builds everything, and what comes out is what Kubernetes and the operators take."""

import copy
import functools
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from pydantic import ValidationError

from failover_api.core.access.load import parse_access
from failover_api.core.access.model import Access
from failover_api.core.catalog.load import parse_catalog
from tests.product.manifests.kustomize import (
    DEPLOYED,
    HOMELAB,
    ROOT,
    Object,
    Objects,
    build,
    deployed,
    needs_kubectl,
    overlaid,
)
from tests.product.manifests.shapes import SHAPES, check_shape

pytestmark = needs_kubectl

OLDEST = "1.30"  # a preStop of the kind `sleep`
BASE = ["ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount"]
CONFIG = "failover-api-config"
RIGHTS = {"automatic", "cluster-view", "fence"}


@functools.cache
def everything() -> list[Object]:
    """Every object of every build, each once."""
    builds = [deployed(*components).all for components in DEPLOYED]
    found = [item for made in [*builds, build(HOMELAB), build(HOMELAB / "failover-api")] for item in made]
    return [item for at, item in enumerate(found) if item not in found[:at]]


def id_of(item: Object) -> tuple[str, str]:
    return item["apiVersion"], item["kind"]


def check(item: Object, version: str = OLDEST) -> None:
    """Raises for an object that is spoilt, and for one of a kind that nobody knows."""
    if id_of(item) in SHAPES:
        check_shape(item)
    else:
        kubernetes_validate.validate(item, version, strict=True)


def test_the_base_is_these_objects_in_the_namespace_operations() -> None:
    objects = deployed()
    assert objects.kinds == BASE
    assert Objects(build(ROOT / "manifests/base")).all == objects.all
    assert {item["metadata"]["namespace"] for item in objects.all} == {"operations"}
    assert {item["metadata"]["name"] for item in objects.all} == {"failover-api", CONFIG}


@pytest.mark.parametrize(
    ("component", "kinds"),
    [
        ("ingress-traefik", ["IngressRoute"]),
        ("ingress-gateway", ["HTTPRoute"]),
        ("servicemonitor", ["NetworkPolicy", "ServiceMonitor"]),
        ("automatic", ["Role", "RoleBinding"]),
    ],
)
def test_a_component_adds_its_objects_to_the_base(component: str, kinds: list[str]) -> None:
    objects = deployed(component)
    assert objects.kinds == sorted([*BASE, *kinds])
    assert {item["metadata"]["namespace"] for item in objects.all} == {"operations"}


def test_all_follow_into_another_namespace() -> None:
    """All but what has to stand beside Flux and the nodes' leases, or in no namespace: built without such a line."""
    elsewhere = {"cluster-view", "fence", "flux-events"}
    components = [f"../manifests/components/{name}" for name in DEPLOYED[-1] if name not in elsewhere]
    made = overlaid({"namespace": "infra", "resources": ["../manifests/base"], "components": components})
    assert {item["metadata"]["namespace"] for item in made} == {"infra"}


@pytest.mark.parametrize("components", [one for one in DEPLOYED if not RIGHTS & {*one}], ids=str)
def test_nothing_but_what_is_there_for_it_grants_a_right_in_the_cluster(components: tuple[str, ...]) -> None:
    assert not [item for item in deployed(*components).all if "rbac" in item["apiVersion"]]


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_every_object_is_valid_for_kubernetes(version: str) -> None:
    validated = set()
    for item in everything():
        if id_of(item) not in SHAPES:
            check(item, version)
            validated.add(item["kind"])
    assert validated >= {*BASE, "Namespace"}


def test_every_custom_object_has_its_shape() -> None:
    checked = set()
    for item in everything():
        if id_of(item) in SHAPES:
            check(item)
            checked.add(item["kind"])
    assert checked >= {"IngressRoute", "HTTPRoute", "ServiceMonitor", "GitRepository", "Kustomization", "Alert"}


SPOILT = [
    ("Deployment", ("spec", "template", "spec", "terminationGracePeriod"), 60),
    ("Service", ("spec", "ports", 0, "port"), "http"),
    ("NetworkPolicy", ("spec", "egres"), []),
    ("IngressRoute", ("spec", "routes", 0, "service"), []),
    ("HTTPRoute", ("spec", "rules", 0, "backendRefs"), []),
    ("ServiceMonitor", ("spec", "endpoints", 0, "port"), 9090),
    ("GitRepository", ("spec", "url"), "ssh://git@github.com/acme/failover-api"),
    ("Kustomization", ("spec", "depends_on"), []),
    ("Provider", ("spec", "type"), "generic"),
    ("Alert", ("spec", "eventSources"), []),
    ("ClusterRole", ("rules", 0, "verb"), []),
]


@pytest.mark.parametrize(("kind", "path", "value"), SPOILT)
def test_an_object_that_is_spoilt_is_found(kind: str, path: tuple[str | int, ...], value: Any) -> None:
    item = copy.deepcopy(next(item for item in everything() if item["kind"] == kind))
    place: Any = item
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises((kubernetes_validate.ValidationError, ValidationError)):
        check(item)


def test_the_image_is_replaced_by_images() -> None:
    images = [{"name": "failover-api", "newName": "registry.example.org/failover-api", "newTag": "1.2.3"}]
    made = Objects(overlaid({"resources": ["../manifests/base"], "images": images}))
    assert deployed().container["image"] == "failover-api"
    assert made.container["image"] == "registry.example.org/failover-api:1.2.3"


def test_the_config_map_holds_both_files_and_its_catalog_loads() -> None:
    data = deployed().one("ConfigMap", CONFIG)["data"]
    assert set(data) == {"services.yaml", "access.yaml"}
    for name, text in data.items():
        assert text == (ROOT / "config" / name).read_text(encoding="utf-8")
    assert "sonarr" in parse_catalog(data["services.yaml"], file="services.yaml").services


def test_flux_leaves_variables_in_the_catalog_alone() -> None:
    config = deployed().one("ConfigMap", CONFIG)
    assert config["metadata"]["annotations"] == {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}


def test_a_kustomization_of_ones_own_replaces_catalog_and_access_file() -> None:
    mine = {
        "namespace": "operations",
        "resources": ["../manifests/base"],
        "configMapGenerator": [{"name": CONFIG, "behavior": "replace", "files": ["services.yaml", "access.yaml"]}],
        "generatorOptions": {"disableNameSuffixHash": True},
    }
    files = {"services.yaml": "repository: acme/mine\nservices: {}\n", "access.yaml": "anonymous: view\n"}
    made = Objects(overlaid(mine, files))
    assert made.one("ConfigMap", CONFIG)["data"] == files
    assert made.kinds == BASE


# The access file

ACCESS = [ROOT / "config/access.yaml", HOMELAB / "failover-api/access.yaml"]


def example(file: Path, key: str) -> Access:
    """What a commented example says once its `# ` is taken away."""
    lines = file.read_text(encoding="utf-8").splitlines()
    start = lines.index(f"# {key}:")
    length = next((n for n, line in enumerate(lines[start:]) if not line.startswith("#")), None)
    block = lines[start:] if length is None else lines[start : start + length]
    return parse_access("\n".join(line[2:] for line in block), file=file.name)


@pytest.mark.parametrize("file", ACCESS, ids=str)
def test_an_access_file_lets_nobody_in_as_it_is(file: Path) -> None:
    read = parse_access(file.read_text(encoding="utf-8"), file=file.name)
    assert read.anonymous_caller.may_nothing
    assert not read.tokens
    assert not read.issuers


@pytest.mark.parametrize("file", ACCESS, ids=str)
def test_the_commented_token_can_be_read_and_its_digest_is_of_nothing(file: Path) -> None:
    (token,) = example(file, "tokens").tokens
    assert token.name == "ops-laptop"
    assert token.sha256 == "0" * 64
    assert token.expires is not None


def test_the_commented_issuers_can_be_read() -> None:
    actions, cluster = example(ACCESS[0], "issuers").issuers
    assert actions.url == "https://token.actions.githubusercontent.com"
    assert cluster.ca_file
    assert all(rule.grant.services for issuer in (actions, cluster) for rule in issuer.rules)
