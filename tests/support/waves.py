"""Several services of which some come after others, on the stage and in a simulated cluster that obeys Git.

with waves_lab(stage, folder) as lab:
    lab.apply("db")     as Flux: the manifest as it stands on the branch; then some seconds pass
"""

import contextlib
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from failover_api.sandbox.cluster.cluster import SimulatedCluster
from tests.sandbox.cluster.apps import claim
from tests.support.simulated import kubeconfig_of
from tests.support.stage import Stage, entry

AFTER: Mapping[str, Sequence[str]] = {"db": (), "relay": (), "app": ("db",), "mail": ("relay",), "web": ("app",)}


def file_of(name: str) -> str:
    return f"apps/media/{name}/deployment.yaml"


def manifest(name: str, side: str = "primary") -> str:
    pod = {
        "nodeSelector": {"role": side},
        "containers": [{"name": name, "image": f"ghcr.io/home/{name}:1.0"}],
        "volumes": [{"name": "config", "persistentVolumeClaim": {"claimName": f"pvc-{name}"}}],
    }
    whole = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "media"},
        "spec": {
            "replicas": 1,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }
    return json.dumps(whole, indent=1)


class WavesLab:
    """A repository and a cluster. `kubeconfig` leads to it."""

    def __init__(self, stage: Stage, cluster: SimulatedCluster, kubeconfig: Path) -> None:
        self.stage, self.cluster, self.kubeconfig = stage, cluster, kubeconfig

    def apply(self, *names: str) -> None:
        for name in names:
            self.cluster.apply((self.stage.read(file_of(name)) or b"").decode(), "kustomize-controller")
        self.cluster.advance(5)

    @contextlib.contextmanager
    def obeyed(self, *, but: Sequence[str] = ()) -> Iterator[None]:
        """Flux applies what the branch has, a moment after it has moved; not those in `but`."""
        seen = {name: self.stage.read(file_of(name)) for name in AFTER}
        is_over = threading.Event()

        def follow() -> None:
            while not is_over.wait(0.1):
                for name in AFTER:
                    now = self.stage.read(file_of(name))
                    if now is not None and now != seen[name] and name not in but:
                        self.apply(name)
                        seen[name] = now

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    @property
    def waves(self) -> list[tuple[str, list[str]]]:
        """The commits of ours, oldest first: which wave it is, and whom it moves."""
        found = []
        for message in reversed(self.stage.moves):
            wave = re.search(r"^Failover-Wave: (.*)$", message, re.MULTILINE)
            found.append((wave[1] if wave else "", re.findall(r"^Failover-Service: (.*)$", message, re.MULTILINE)))
        return found

    def side(self, name: str) -> str:
        found = re.search(r'"role": "(\w+)"', (self.stage.read(file_of(name)) or b"").decode())
        assert found is not None
        return found[1]


def declare(stage: Stage, after: Mapping[str, Sequence[str]] = AFTER, *, top: str = "", **more: Sequence[str]) -> None:
    """services.yaml with all of them in the group `all`; `more` are further lines of a service's entry."""
    lines = {name: [f"after: [{', '.join(names)}]", *more.get(name, ())] for name, names in after.items()}
    services = "".join(entry(name, "media", *lines[name]) for name in after)
    stage.declare(services, top=f"groups: {{all: [{', '.join(after)}]}}\n{top}")


@contextlib.contextmanager
def waves_lab(stage: Stage, folder: Path, after: Mapping[str, Sequence[str]] = AFTER, **how: Any) -> Iterator[WavesLab]:
    """All serve on primary."""
    stage.commit({file_of(name): manifest(name) for name in after})
    declare(stage, after, **how)
    cluster = SimulatedCluster()
    for name in after:
        for one in (*claim(f"pvc-{name}", "k3s-w1"), *claim(f"pvc-{name}-backup", "k3s-w2")):
            cluster.apply(one)
    with kubeconfig_of(cluster, folder) as file:
        lab = WavesLab(stage, cluster, file)
        lab.apply(*after)
        cluster.advance(20)
        yield lab
