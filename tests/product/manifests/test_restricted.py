"""The pods keep to Pod Security's `restricted`; and the checker that says so finds every breach."""

import copy
from typing import Any

import pytest

from tests.product.manifests.kustomize import DEPLOYED, deployed, needs_kubectl
from tests.product.manifests.restricted import CONTROLS, violations

pytestmark = needs_kubectl

GONE = object()
CONTAINER = ("spec", "containers", 0)
OF_CONTAINER = (*CONTAINER, "securityContext")
OF_POD = ("spec", "securityContext")

BREACHES = [
    ("HostProcess", (*OF_POD, "windowsOptions"), {"hostProcess": True}),
    ("HostProcess", (*OF_CONTAINER, "windowsOptions"), {"hostProcess": True}),
    ("Host Namespaces", ("spec", "hostNetwork"), True),
    ("Host Namespaces", ("spec", "hostPID"), True),
    ("Host Namespaces", ("spec", "hostIPC"), True),
    ("Privileged Containers", (*OF_CONTAINER, "privileged"), True),
    ("HostPath Volumes", ("spec", "volumes", 0), {"name": "config", "hostPath": {"path": "/"}}),
    ("Host Ports", (*CONTAINER, "ports", 0, "hostPort"), 8080),
    ("Host Probes and Lifecycle Hooks", (*CONTAINER, "livenessProbe", "httpGet", "host"), "169.254.169.254"),
    ("Host Probes and Lifecycle Hooks", (*CONTAINER, "lifecycle", "preStop"), {"tcpSocket": {"host": "10.0.0.1"}}),
    ("AppArmor", (*OF_POD, "appArmorProfile"), {"type": "Unconfined"}),
    (
        "AppArmor",
        ("metadata", "annotations"),
        {"container.apparmor.security.beta.kubernetes.io/failover-api": "unconfined"},
    ),
    ("SELinux", (*OF_POD, "seLinuxOptions"), {"type": "spc_t"}),
    ("SELinux", (*OF_CONTAINER, "seLinuxOptions"), {"role": "sysadm_r"}),
    ("/proc Mount Type", (*OF_CONTAINER, "procMount"), "Unmasked"),
    ("Sysctls", (*OF_POD, "sysctls"), [{"name": "kernel.msgmax", "value": "1"}]),
    ("Volume Types", ("spec", "volumes", 0), {"name": "config", "nfs": {"server": "x", "path": "/"}}),
    ("Privilege Escalation", (*OF_CONTAINER, "allowPrivilegeEscalation"), GONE),
    ("Privilege Escalation", (*OF_CONTAINER, "allowPrivilegeEscalation"), True),
    ("Running as Non-root", (*OF_POD, "runAsNonRoot"), GONE),
    ("Running as Non-root", (*OF_CONTAINER, "runAsNonRoot"), False),
    ("Running as Non-root user", (*OF_POD, "runAsUser"), 0),
    ("Running as Non-root user", (*OF_CONTAINER, "runAsUser"), 0),
    ("Seccomp", (*OF_POD, "seccompProfile"), GONE),
    ("Seccomp", (*OF_CONTAINER, "seccompProfile"), {"type": "Unconfined"}),
    ("Capabilities", (*OF_CONTAINER, "capabilities", "drop"), GONE),
    ("Capabilities", (*OF_CONTAINER, "capabilities", "drop"), ["NET_RAW"]),
    ("Capabilities", (*OF_CONTAINER, "capabilities", "add"), ["SYS_ADMIN"]),
    ("Capabilities", ("spec", "initContainers"), [{"name": "newcomer", "securityContext": {}}]),
]


@pytest.mark.parametrize("components", DEPLOYED, ids=str)
def test_the_pods_keep_to_the_restricted_profile(components: tuple[str, ...]) -> None:
    assert violations(deployed(*components).template) == {}


@pytest.mark.parametrize(("control", "path", "value"), BREACHES)
def test_the_checker_finds_a_breach(control: str, path: tuple[str | int, ...], value: Any) -> None:
    template = copy.deepcopy(deployed().template)
    *way, last = path
    place: Any = template
    for step in way:
        place = place.setdefault(step, {}) if isinstance(step, str) else place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    assert control in violations(template)


def test_every_control_has_a_breach_that_is_found() -> None:
    assert {control for control, _, _ in BREACHES} == set(CONTROLS)
