"""Nodes. https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/"""

from failover_api.cluster.fields import condition, flag, items, labels, text
from failover_api.core.safety.observed import Key, Node, Taint

PATH = "/api/v1/nodes"


def parse_node(data: object, key: Key) -> Node:
    return Node(
        name=key[1],
        uid=text(data, "metadata", "uid"),
        labels=labels(data, "metadata", "labels"),
        taints=tuple(
            Taint(text(item, "key"), text(item, "value"), text(item, "effect"))
            for item in items(data, "spec", "taints")
        ),
        is_unschedulable=flag(data, "spec", "unschedulable"),
        ready=condition(data, "Ready"),
    )
