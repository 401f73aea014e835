"""A Deployment, StatefulSet or HelmRelease in a few lines, as the switches that it stands for.

    kind           the claim of `volume_name`                        the node label
    Deployment     spec.template.spec.volumes[name=...]              spec.template.spec.nodeSelector
    StatefulSet      .persistentVolumeClaim.claimName                  ["node_label_key"]
    HelmRelease    spec.values.persistence.{volume_name}             spec.values.defaultPodOptions.nodeSelector
                     .existingClaim, or claim_path                     ["node_label_key"], or node_path

The places in a HelmRelease are those of bjw-s' app-template: https://bjw-s-labs.github.io/helm-charts/docs/app-template/
"""

from collections.abc import Callable, Iterator, Sequence

from failover_api.core.catalog.defaults import WORKLOADS
from failover_api.core.catalog.model import Switch, Workload, kind_of
from failover_api.core.catalog.schema import RUNTIME_KEYS, InheritedSchema, ServiceSchema
from failover_api.core.config.schema import describe
from failover_api.core.config.yaml import Location
from failover_api.core.splice import Selector, Value
from failover_api.core.splice.paths import Path, Where, parse_path
from failover_api.errors import BadPath

_KINDS = {"deployment": "Deployment", "statefulset": "StatefulSet", "helmrelease": "HelmRelease"}
_LABELS = ("primary_node_label", "backup_node_label")
_CLAIMS = ("primary_pvc", "backup_pvc")
_OF_ANY = ("switches", "namespace", "accept", "unblock", *RUNTIME_KEYS)  # `unblock` says itself what it needs
_NO_DEPLOYMENT = (
    "needs a `deployment` beside it: only a Deployment has a strategy that can be changed and put back. A chart's goes "
    "by its values, and in place of a StatefulSet two workloads help, of which one sleeps"
)
_VALUES: Path = ("spec", "values")

Error = Callable[[str, Location], None]  # a message, and where in services.yaml
Moved = tuple[Location, Path, str, str]  # the key that names it, the place, its value on each side


class ShortForm:
    """The workload of one service. What is wrong with it is told to `error`."""

    def __init__(self, entry: ServiceSchema, where: Location, error: Error) -> None:
        self._entry, self._where, self._error = entry, where, error

    def switches(self) -> Iterator[tuple[Location, Switch]]:
        """Its node label and its claims, each with the place in services.yaml that it comes from."""
        entry = self._entry
        named = [workload for workload in WORKLOADS if getattr(entry, workload)]
        if len(named) > 1:
            self._error(f"expected `{named[0]}` or `{named[1]}`, not both", (*self._where, named[1]))
            return
        if not named:
            self._refuse_orphans()
            return
        if not entry.namespace:
            self._error("is missing; expected the namespace of the workload", (*self._where, "namespace"))
        selector = Selector(kind=_KINDS[named[0]], name=getattr(entry, named[0]), namespace=entry.namespace)
        places = [*((place, False) for place in self._node_label()), *((place, True) for place in self._claims())]
        for (key, path, primary, backup), is_claim in places:
            location = (*self._where, *key)
            check_sides(primary, backup, location, self._error)
            yield location, Switch(entry.path or None, selector, path, primary, backup, names_claim=is_claim)

    def unblocked(self) -> Workload | None:
        """The Deployment whose strategy a promote makes rolling."""
        entry = self._entry
        if entry.unblock != "rolling":
            return None
        if not entry.deployment:
            self._error(_NO_DEPLOYMENT, (*self._where, "unblock"))
            return None
        selector = Selector(kind="Deployment", name=entry.deployment, namespace=entry.namespace)
        return Workload(entry.path or None, selector)

    def _refuse_orphans(self) -> None:
        for key in ServiceSchema.model_fields:
            if self._entry.has(key) and key not in {*_OF_ANY, *InheritedSchema.model_fields}:
                self._error(f"needs {_one_of(WORKLOADS)} beside it", (*self._where, key))

    def _node_label(self) -> Iterator[Moved]:
        entry = self._entry
        because = next((key for key in ("node_label_key", "node_path") if entry.has(key)), None)
        self._only_of_a_release("node_path")
        if self._are_complete(_LABELS, because=because) and (path := self._node_path()) is not None:
            yield ("backup_node_label",), path, entry.primary_node_label, entry.backup_node_label

    def _node_path(self) -> Path | None:
        entry = self._entry
        if entry.helmrelease and entry.node_path:
            if entry.has("node_label_key"):
                self._error(
                    "says where the label is: expected no `node_label_key` beside it", (*self._where, "node_path")
                )
            return self._below_values("node_path")
        pod = (*_VALUES, "defaultPodOptions") if entry.helmrelease else ("spec", "template", "spec")
        return (*pod, "nodeSelector", entry.node_label_key)

    def _claims(self) -> Iterator[Moved]:
        entry = self._entry
        self._only_of_a_release("claim_path")
        seen: set[str] = set()
        for index, volume in enumerate(entry.volumes):
            if volume.name in seen:
                self._error(f"{describe(volume.name)} is there twice", (*self._where, "volumes", index, "name"))
            else:
                seen.add(volume.name)
                path = self._claim_of(volume.name)
                yield ("volumes", index, "backup_pvc"), path, volume.primary_pvc, volume.backup_pvc
        name = "claim_path" if entry.has("claim_path") and not entry.has("volume_name") else "volume_name"
        singles = (name, *_CLAIMS)
        if entry.has("volumes") and any(map(entry.has, ("claim_path", "volume_name", *_CLAIMS))):
            text = "expected `volumes`, or volume_name, primary_pvc and backup_pvc, not both"
            self._error(text, (*self._where, "volumes"))
        elif self._are_complete(singles):
            path_or_none = self._below_values("claim_path") if entry.claim_path else self._claim_of(entry.volume_name)
            if path_or_none is not None:
                yield ("backup_pvc",), path_or_none, entry.primary_pvc, entry.backup_pvc

    def _claim_of(self, volume: str) -> Path:
        if self._entry.helmrelease:
            return (*_VALUES, "persistence", volume, "existingClaim")
        volumes = ("spec", "template", "spec", "volumes", Where("name", volume))
        return (*volumes, "persistentVolumeClaim", "claimName")

    def _below_values(self, key: str) -> Path | None:
        """What `claim_path` or `node_path` names."""
        try:
            return (*_VALUES, *parse_path(getattr(self._entry, key)))
        except BadPath as exc:
            self._error(exc.detail, (*self._where, key))
            return None

    def _only_of_a_release(self, key: str) -> None:
        if self._entry.has(key) and not self._entry.helmrelease:
            self._error("is a place in a HelmRelease's values: needs a `helmrelease` beside it", (*self._where, key))

    def _are_complete(self, keys: Sequence[str], *, because: str | None = None) -> bool:
        """All of the keys are there; if only some are, the others are missing."""
        present = [key for key in keys if self._entry.has(key)]
        because = because or next(iter(present), None)
        if because is not None:
            for key in keys:
                if key not in present:
                    self._error(f"is missing; `{because}` needs it", (*self._where, key))
        return len(present) == len(keys)


def check_sides(primary: Value, backup: Value, location: Location, error: Error) -> None:
    """Two sides with one value are a mistake."""
    if primary == backup and kind_of(primary) == kind_of(backup):
        error(f"is {describe(backup)} on both sides, expected two values that differ", location)


def _one_of(keys: Sequence[str]) -> str:
    return f"{', '.join(f'a `{key}`' for key in keys[:-1])} or a `{keys[-1]}`"
