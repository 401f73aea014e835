"""python kr8s_person.py KUBECONFIG: what a person does with kr8s, as a line of JSON.

A process of its own: kr8s leaves its connections open.
"""

import json
import sys

import kr8s
from kr8s.objects import ConfigMap, Deployment, Node


def main() -> None:
    api = kr8s.api(kubeconfig=sys.argv[1])
    done = {"nodes": sorted(node.name for node in api.get("nodes"))}
    done["primary"] = [node.name for node in api.get("nodes", label_selector={"role": "primary"})]
    pods = list(api.get("pods", namespace="media", field_selector={"spec.nodeName": "k3s-w1"}))
    done["ready"] = [pod.ready() for pod in pods]
    try:
        Deployment.get("nope", namespace="media", api=api)
    except kr8s.NotFoundError:
        done["missing"] = True
    app = Deployment.get("app", namespace="media", api=api)
    app.scale(2)
    app.patch([{"op": "test", "path": "/spec/replicas", "value": 2}], type="json")
    app.patch({"spec": {"replicas": 1}})
    done["replicas"] = app.replicas
    made = ConfigMap({"metadata": {"name": "made", "namespace": "media"}, "data": {"a": "b"}}, api=api)
    made.create()
    done["watched"] = []
    for kind, node in api.watch("nodes"):
        done["watched"].append(f"{kind} {node.name}")
        if len(done["watched"]) == 3:
            Node.get("k3s-w2", api=api).cordon()
        if kind == "MODIFIED" and node.unschedulable:
            break
    sys.stdout.write(json.dumps(done) + "\n")


main()
