"""The Pod Security Standard `restricted`, which includes `baseline`: a row for each of its controls.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Callable, Iterator
from typing import Any

Object = dict[str, Any]
Violations = Iterator[str]

SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
VOLUME_TYPES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def violations(template: Object) -> dict[str, list[str]]:
    """For each control that a pod template breaks, where."""
    found = {control: list(check(template)) for control, check in CONTROLS.items()}
    return {control: places for control, places in found.items() if places}


def _containers(template: Object) -> Iterator[tuple[str, Object]]:
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for container in template["spec"].get(key) or []:
            yield f"{key}[{container['name']}]", container


def _contexts(template: Object) -> Iterator[tuple[str, Object]]:
    """The security context of the pod and of each container."""
    yield "pod", template["spec"].get("securityContext") or {}
    for where, container in _containers(template):
        yield where, container.get("securityContext") or {}


def _host_process(template: Object) -> Violations:
    for where, context in _contexts(template):
        if (context.get("windowsOptions") or {}).get("hostProcess"):
            yield where


def _host_namespaces(template: Object) -> Violations:
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if template["spec"].get(key))


def _privileged(template: Object) -> Violations:
    yield from (where for where, context in _contexts(template) if context.get("privileged"))


def _host_path(template: Object) -> Violations:
    yield from (volume["name"] for volume in template["spec"].get("volumes") or [] if "hostPath" in volume)


def _host_ports(template: Object) -> Violations:
    for where, container in _containers(template):
        yield from (where for port in container.get("ports") or [] if port.get("hostPort"))


def _host_probes(template: Object) -> Violations:
    for where, container in _containers(template):
        lifecycle = container.get("lifecycle") or {}
        handlers = {key: container.get(key) for key in ("livenessProbe", "readinessProbe", "startupProbe")}
        for name, handler in {**handlers, **lifecycle}.items():
            for how in ("httpGet", "tcpSocket"):
                if isinstance(handler, dict) and (handler.get(how) or {}).get("host"):
                    yield f"{where}.{name}"


def _app_armor(template: Object) -> Violations:
    for where, context in _contexts(template):
        if (context.get("appArmorProfile") or {}).get("type") not in {None, "RuntimeDefault", "Localhost"}:
            yield where
    for key, value in ((template.get("metadata") or {}).get("annotations") or {}).items():
        if key.startswith("container.apparmor.security.beta.kubernetes.io/"):
            allowed = value in {"", "runtime/default"} or value.startswith("localhost/")
            yield from () if allowed else (key,)


def _selinux(template: Object) -> Violations:
    for where, context in _contexts(template):
        options = context.get("seLinuxOptions") or {}
        if options.get("type") not in SELINUX_TYPES or options.get("user") or options.get("role"):
            yield where


def _proc_mount(template: Object) -> Violations:
    yield from (where for where, context in _contexts(template) if context.get("procMount") not in {None, "Default"})


def _sysctls(template: Object) -> Violations:
    context = template["spec"].get("securityContext") or {}
    yield from (item["name"] for item in context.get("sysctls") or [] if item["name"] not in SAFE_SYSCTLS)


def _volume_types(template: Object) -> Violations:
    for volume in template["spec"].get("volumes") or []:
        if not set(volume) - {"name"} <= VOLUME_TYPES:
            yield volume["name"]


def _privilege_escalation(template: Object) -> Violations:
    for where, container in _containers(template):
        if (container.get("securityContext") or {}).get("allowPrivilegeEscalation") is not False:
            yield where


def _non_root(template: Object) -> Violations:
    of_pod, *of_containers = _contexts(template)
    for where, context in of_containers:
        if context.get("runAsNonRoot", of_pod[1].get("runAsNonRoot")) is not True:
            yield where


def _non_root_user(template: Object) -> Violations:
    yield from (where for where, context in _contexts(template) if context.get("runAsUser") == 0)


def _seccomp(template: Object) -> Violations:
    of_pod, *of_containers = _contexts(template)
    for where, context in of_containers:
        profile = context.get("seccompProfile") or of_pod[1].get("seccompProfile") or {}
        if profile.get("type") not in {"RuntimeDefault", "Localhost"}:
            yield where
    if (of_pod[1].get("seccompProfile") or {}).get("type") == "Unconfined":
        yield of_pod[0]


def _capabilities(template: Object) -> Violations:
    """Stricter than baseline's control of the same name."""
    for where, container in _containers(template):
        capabilities = (container.get("securityContext") or {}).get("capabilities") or {}
        if "ALL" not in (capabilities.get("drop") or []):
            yield f"{where}: drop"
        if not set(capabilities.get("add") or []) <= {"NET_BIND_SERVICE"}:
            yield f"{where}: add"


CONTROLS: dict[str, Callable[[Object], Violations]] = {
    "HostProcess": _host_process,
    "Host Namespaces": _host_namespaces,
    "Privileged Containers": _privileged,
    "HostPath Volumes": _host_path,
    "Host Ports": _host_ports,
    "Host Probes and Lifecycle Hooks": _host_probes,
    "AppArmor": _app_armor,
    "SELinux": _selinux,
    "/proc Mount Type": _proc_mount,
    "Sysctls": _sysctls,
    "Volume Types": _volume_types,
    "Privilege Escalation": _privilege_escalation,
    "Running as Non-root": _non_root,
    "Running as Non-root user": _non_root_user,
    "Seccomp": _seccomp,
    "Capabilities": _capabilities,
}
