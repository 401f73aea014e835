"""The manifests and the code say the same: command, ports, paths, variables, times."""

import json
import re
from typing import Any

import pytest
import typer.main

from failover_api.edges.cli import main
from failover_api.edges.server import shutdown_s
from failover_api.settings import Settings
from tests.product.manifests.kustomize import COMPONENTS, DEPLOYED, ROOT, Object, Objects, deployed, needs_kubectl

pytestmark = needs_kubectl

# What is started


def serving() -> dict[str, object]:
    """What the container's arguments mean to the command line."""
    name, *words = deployed().container["args"]
    group: Any = typer.main.get_command(main.app)
    params: dict[str, object] = group.commands[name].make_context(name, words).params
    return params


def test_the_command_serves_every_address_on_the_port_of_the_container() -> None:
    (port,) = deployed().container["ports"]
    assert serving() == {"host": "0.0.0.0", "port": port["containerPort"], "insecure_no_auth": False}  # noqa: S104 - in a pod
    assert "command" not in deployed().container, "the image's entry is `failover`"


def test_the_image_runs_the_same_command_as_the_same_user() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    said = {name: json.loads(words) for name, words in re.findall(r"^(ENTRYPOINT|CMD) (\[.*\])$", text, re.MULTILINE)}
    assert said == {"ENTRYPOINT": ["failover"], "CMD": deployed().container["args"]}
    context = deployed().pod["securityContext"]
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == f"{context['runAsUser']}:{context['runAsGroup']}"


@pytest.mark.parametrize("components", DEPLOYED, ids=str)
def test_every_variable_is_one_of_the_settings(components: tuple[str, ...]) -> None:
    names = [entry["name"] for entry in deployed(*components).container["env"]]
    ours = [name.removeprefix("FAILOVER_").lower() for name in names if name.startswith("FAILOVER_")]
    assert not set(ours) - set(Settings.model_fields)
    assert len(ours) >= 5
    assert set(names) - {f"FAILOVER_{name.upper()}" for name in ours} == {"TMPDIR"}


def test_the_port_of_the_metrics_is_the_one_that_is_scraped() -> None:
    objects = deployed("servicemonitor")
    (variable,) = [entry for entry in objects.container["env"] if entry["name"] == "FAILOVER_METRICS_PORT"]
    (port,) = [port for port in objects.container["ports"] if port["name"] == "metrics"]
    (endpoint,) = objects.one("ServiceMonitor")["spec"]["endpoints"]
    assert "metrics_port" in Settings.model_fields
    assert variable["value"] == str(port["containerPort"])
    assert target_of(objects, endpoint["port"]) == port["containerPort"]
    assert endpoint["path"] == "/metrics"
    (rule,) = objects.one("NetworkPolicy", "failover-api-metrics")["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": port["containerPort"]}]


# Mounts


def test_what_may_change_is_mounted_as_a_whole_directory() -> None:
    mounts = deployed().container["volumeMounts"]
    assert not [mount for mount in mounts if "subPath" in mount or "subPathExpr" in mount]
    writable = [mount["mountPath"] for mount in mounts if not mount.get("readOnly")]
    assert writable == ["/tmp"]  # noqa: S108 - the pod's, not ours
    assert deployed().container["securityContext"]["readOnlyRootFilesystem"] is True


def test_every_path_that_a_variable_names_lies_in_a_mount() -> None:
    variables = {entry["name"]: entry.get("value", "") for entry in deployed().container["env"]}
    mounts = [mount["mountPath"] for mount in deployed().container["volumeMounts"]]
    paths = {name: value for name, value in variables.items() if value.startswith("/")}
    assert len(paths) == 4
    for name, path in paths.items():
        assert any(path == mount or path.startswith(f"{mount}/") for mount in mounts), name


def test_the_secret_is_for_the_group_of_the_pod_and_no_one_else() -> None:
    (secret,) = [volume["secret"] for volume in deployed().pod["volumes"] if "secret" in volume]
    assert secret["secretName"] == "failover-api"
    assert secret["defaultMode"] == 0o400
    assert deployed().pod["securityContext"]["fsGroup"] == deployed().pod["securityContext"]["runAsGroup"] == 1000


def test_tmp_is_in_memory_and_small_beside_the_memory_limit() -> None:
    (tmp,) = [volume["emptyDir"] for volume in deployed().pod["volumes"] if "emptyDir" in volume]
    resources = deployed().container["resources"]
    assert tmp["medium"] == "Memory"
    assert mebibytes(tmp["sizeLimit"]) * 8 <= mebibytes(resources["limits"]["memory"])
    assert mebibytes(resources["requests"]["memory"]) < mebibytes(resources["limits"]["memory"])
    assert "cpu" not in resources["limits"]


def mebibytes(quantity: str) -> int:
    return int(quantity.removesuffix("Mi"))


# Ways in


def target_of(objects: Objects, port: int | str) -> int:
    """The container's port behind a port of the Service."""
    (found,) = [p for p in objects.one("Service")["spec"]["ports"] if port in {p["name"], p["port"]}]
    (behind,) = [p for p in objects.container["ports"] if found["targetPort"] in {p["name"], p["containerPort"]}]
    return int(behind["containerPort"])


def test_the_url_of_the_readme_leads_to_the_container() -> None:
    service = deployed().one("Service")
    assert (service["metadata"]["name"], service["metadata"]["namespace"]) == ("failover-api", "operations")
    assert "http://failover-api.operations/api/" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert service["spec"]["type"] == "ClusterIP"
    assert target_of(deployed(), 80) == serving()["port"]


def test_each_ingress_leads_to_the_service_over_tls() -> None:
    route = deployed("ingress-traefik").one("IngressRoute")["spec"]
    (backend,) = route["routes"][0]["services"]
    assert route["entryPoints"] == ["websecure"]
    assert backend["name"] == "failover-api"
    assert target_of(deployed(), backend["port"]) == serving()["port"]
    http = deployed("ingress-gateway").one("HTTPRoute")["spec"]
    (reference,) = http["rules"][0]["backendRefs"]
    assert reference["name"] == "failover-api"
    assert target_of(deployed(), reference["port"]) == serving()["port"]
    assert http["parentRefs"][0]["sectionName"] == "websecure"


def test_the_network_policy_lets_in_the_port_and_out_names_and_https() -> None:
    policy = deployed().one("NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    (rule,) = policy["ingress"]
    assert rule == {"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": serving()["port"]}]}
    out = {(port["protocol"], port["port"]) for rule in policy["egress"] for port in rule["ports"]}
    assert out == {("UDP", 53), ("TCP", 53), ("TCP", 443)}


@pytest.mark.parametrize("components", DEPLOYED, ids=str)
def test_every_selector_finds_the_pods(components: tuple[str, ...]) -> None:
    objects = deployed(*components)
    for selector in selectors(objects):
        assert selector
        assert selector.items() <= objects.template["metadata"]["labels"].items()


def selectors(objects: Objects) -> list[dict[str, str]]:
    pod = objects.pod
    (apart,) = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    return [
        objects.one("Service")["spec"]["selector"],
        objects.one("Deployment")["spec"]["selector"]["matchLabels"],
        objects.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        *(policy["spec"]["podSelector"]["matchLabels"] for policy in objects.of("NetworkPolicy")),
        apart["labelSelector"]["matchLabels"],
        *(spread["labelSelector"]["matchLabels"] for spread in pod["topologySpreadConstraints"]),
    ]


def test_the_service_monitor_finds_the_service() -> None:
    objects = deployed("servicemonitor")
    wanted = objects.one("ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert wanted
    assert wanted.items() <= objects.one("Service")["metadata"]["labels"].items()


# Surviving


def test_the_pod_is_given_longer_to_end_than_the_server_takes() -> None:
    sleep_s = deployed().container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep_s >= 3
    assert deployed().pod["terminationGracePeriodSeconds"] > sleep_s + shutdown_s(Settings.read())


def test_a_drain_is_not_held_up_and_takes_one_pod_at_a_time() -> None:
    budget, replicas = deployed().one("PodDisruptionBudget")["spec"], deployed().one("Deployment")["spec"]["replicas"]
    assert (budget["minAvailable"], replicas) == (1, 2)
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_a_rollout_needs_no_third_node() -> None:
    strategy = deployed().one("Deployment")["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    (apart,) = deployed().pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert apart["topologyKey"] == "kubernetes.io/hostname"
    assert [spread["whenUnsatisfiable"] for spread in deployed().pod["topologySpreadConstraints"]] == ["ScheduleAnyway"]


def test_a_pod_leaves_a_dead_node_after_thirty_seconds() -> None:
    tolerated = {item["key"]: (item["effect"], item["tolerationSeconds"]) for item in deployed().pod["tolerations"]}
    assert tolerated == {
        "node.kubernetes.io/not-ready": ("NoExecute", 30),
        "node.kubernetes.io/unreachable": ("NoExecute", 30),
    }


def test_a_slow_start_is_waited_for_and_a_hang_is_ended() -> None:
    assert longest_s(deployed().container["startupProbe"]) >= 30
    assert 20 <= longest_s(deployed().container["livenessProbe"]) <= 60
    assert longest_s(deployed().container["readinessProbe"]) <= 15


def longest_s(probe: Object) -> int:
    return int(probe["periodSeconds"]) * int(probe["failureThreshold"])


@pytest.mark.parametrize("components", [(), *((name,) for name in COMPONENTS)], ids=str)
def test_the_pod_has_no_token_for_the_kubernetes_api(components: tuple[str, ...]) -> None:
    objects = deployed(*components)
    assert objects.pod["automountServiceAccountToken"] is False
    assert objects.one("ServiceAccount")["automountServiceAccountToken"] is False
    assert objects.pod["serviceAccountName"] == objects.one("ServiceAccount")["metadata"]["name"]
    assert objects.pod["enableServiceLinks"] is False


@pytest.mark.parametrize("components", DEPLOYED, ids=str)
def test_every_object_of_ours_says_whose_it_is(components: tuple[str, ...]) -> None:
    for item in deployed(*components).all:
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == labels["app.kubernetes.io/part-of"] == "failover-api"
        assert labels["app.kubernetes.io/component"]
