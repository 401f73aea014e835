"""A node for one container: its volumes laid out as the kubelet does it, its environment as the manifest says."""

import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from tests.product.manifests.kustomize import Objects

Files = Mapping[str, str]


class Node:
    """`volumes` are the files of each ConfigMap and Secret, by name."""

    def __init__(self, objects: Objects, root: Path, volumes: Mapping[str, Files]) -> None:
        self._objects, self._root, self._volumes = objects, root, volumes
        self._versions = count()
        for name, files in volumes.items():
            for folder in self._mounts(name):
                folder.mkdir(parents=True)
                for file in files:
                    (folder / file).symlink_to(Path("..data", file))
            self.update(name, files)

    def update(self, name: str, files: Files) -> None:
        """A new version of a ConfigMap or Secret: one symlink is swapped, all its files change at once.

        https://github.com/kubernetes/kubernetes/blob/master/pkg/volume/util/atomic_writer.go
        """
        for folder in self._mounts(name):
            version = folder / f"..version-{next(self._versions)}"
            version.mkdir()
            for file, text in files.items():
                (version / file).write_text(text, encoding="utf-8")
                (version / file).chmod(0o440)
            (folder / "..data_tmp").symlink_to(version.name)
            (folder / "..data_tmp").rename(folder / "..data")

    @property
    def environment(self) -> dict[str, str]:
        """Paths lead into this node's root; what comes from a Secret is looked up."""
        found = {}
        for entry in self._objects.container["env"]:
            if "value" in entry:
                found[entry["name"]] = self._here(entry["value"])
            else:
                source = entry["valueFrom"]["secretKeyRef"]
                found[entry["name"]] = self._volumes[source["name"]][source["key"]]
        return found

    def _here(self, value: str) -> str:
        return f"{self._root}{value}" if os.path.isabs(value) else value  # noqa: PTH117 - text that may be no path

    def _mounts(self, name: str) -> list[Path]:
        """Where a ConfigMap or Secret is mounted."""
        volumes = {
            volume["name"]
            for volume in self._objects.pod["volumes"]
            if name in {volume.get("configMap", {}).get("name"), volume.get("secret", {}).get("secretName")}
        }
        mounts = self._objects.container["volumeMounts"]
        return [Path(self._here(mount["mountPath"])) for mount in mounts if mount["name"] in volumes]
