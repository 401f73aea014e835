"""What a kubelet writes: a Node, its Lease, the status of a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.objects.json_values import Object, at, child
from failover_api.sandbox.cluster.objects.meta import name_of, set_condition, uid_of

if TYPE_CHECKING:
    from failover_api.sandbox.cluster.nodes.machine import NodeSpec

_PRESSURES = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
}
VERSION = "v1.36.2"
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def new_node(spec: NodeSpec) -> Object:
    labels = {"kubernetes.io/hostname": spec.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    taints = [dict(taint) for taint in spec.taints]
    if spec.is_control_plane:
        labels[_CONTROL_PLANE] = "true"
        taints.append({"key": _CONTROL_PLANE, "effect": "NoSchedule"})
    node: Object = {"metadata": {"name": spec.name, "labels": {**labels, **spec.own_labels}}, "spec": {}}
    if taints:
        node["spec"]["taints"] = taints
    info = {"kubeletVersion": VERSION, "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64"}
    info |= {"machineID": spec.name, "systemUUID": spec.name, "bootID": spec.name, "kernelVersion": "6.12.0"}
    info |= {"osImage": "Debian GNU/Linux 13 (trixie)", "containerRuntimeVersion": "containerd://2.2.0"}
    addresses = [{"type": "Hostname", "address": spec.name}]
    amounts = {"capacity": dict(spec.capacity), "allocatable": dict(spec.capacity)}
    node["status"] = {**amounts, "nodeInfo": info, "addresses": addresses, "conditions": []}
    return node


def new_lease(node: Object, renewed: str) -> Object:
    owner = {"apiVersion": "v1", "kind": "Node", "name": name_of(node), "uid": uid_of(node), "controller": True}
    meta = {"name": name_of(node), "namespace": "kube-node-lease", "ownerReferences": [owner]}
    return {
        "metadata": meta,
        "spec": {"holderIdentity": name_of(node), "leaseDurationSeconds": 40, "renewTime": renewed},
    }


def say_node(node: Object, now: str, trouble: str) -> None:
    for type_, (reason, message) in _PRESSURES.items():
        set_condition(node, now, type_, "False", reason=reason, message=message, lastHeartbeatTime=now)
    if trouble:
        said = "False", "KubeletNotReady", trouble
    else:
        said = "True", "KubeletReady", "kubelet is posting ready status"
    set_condition(node, now, "Ready", said[0], reason=said[1], message=said[2], lastHeartbeatTime=now)


def say_started(pod: Object, now: str, ip: str) -> None:
    """Its containers run and are not ready yet. What ran here before counts as a restart."""
    before = at(pod, "status", "containerStatuses", default=[])
    restarts = 1 + int(before[0].get("restartCount", 0)) if before else 0
    status = child(pod, "status")
    status |= {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}
    status.setdefault("startTime", now)
    status["containerStatuses"] = [
        {
            "name": one["name"],
            "image": one.get("image", ""),
            "imageID": "",
            "ready": False,
            "started": True,
            "restartCount": restarts,
            "state": {"running": {"startedAt": now}},
            "lastState": {},
        }
        for one in pod["spec"]["containers"]
    ]
    for type_ in ("PodReadyToStartContainers", "Initialized"):
        set_condition(pod, now, type_, "True")
    unready = f"containers with unready status: [{' '.join(one['name'] for one in pod['spec']['containers'])}]"
    for type_ in ("Ready", "ContainersReady"):
        set_condition(pod, now, type_, "False", reason="ContainersNotReady", message=unready)


def say_ready(pod: Object, now: str) -> None:
    for one in at(pod, "status", "containerStatuses", default=[]):
        one["ready"] = True
    for type_ in ("Ready", "ContainersReady"):
        set_condition(pod, now, type_, "True", reason=None, message=None)


def say_ended(pod: Object, now: str, phase: str) -> None:
    """`phase` is Succeeded or Failed."""
    reason, code = ("Completed", 0) if phase == "Succeeded" else ("Error", 1)
    pod["status"]["phase"] = phase
    for one in at(pod, "status", "containerStatuses", default=[]):
        one["ready"] = one["started"] = False
        one["state"] = {"terminated": {"exitCode": code, "reason": reason, "finishedAt": now}}
    for type_ in ("Ready", "ContainersReady"):
        set_condition(pod, now, type_, "False", reason="PodCompleted" if not code else "PodFailed", message=None)
