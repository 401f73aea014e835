"""What applies the manifests: Flux, Helm through Flux, Argo CD."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from failover_api.core.safety.observed.objects import NOBODY, Applier, Condition, Key, condition, is_behind, of_now


@dataclass(frozen=True, slots=True)
class Source:
    """A GitRepository, OCIRepository or Bucket of Flux. `revision` is that of its artifact: `main@sha1:...`."""

    namespace: str
    name: str
    kind: str
    url: str = ""
    is_suspended: bool = False
    revision: str = ""
    updated_at: float | None = None
    ready: Condition | None = None
    generation: int | None = None
    observed_generation: int | None = None

    @property
    def is_behind(self) -> bool:
        """Whether its status is of an older spec."""
        return is_behind(self.generation, self.observed_generation)

    @property
    def ready_now(self) -> Condition | None:
        """`ready`, where it is about the present spec."""
        return of_now(self.ready, self.generation, self.observed_generation)


@dataclass(frozen=True, slots=True)
class Kustomization:
    """`applied_revision` was applied as a whole. `source` is kind, namespace and name.

    `inventory` is what it applied, as `namespace_name_group_kind`; of one that `is_remote`, in another cluster.
    `variables` are those of its `postBuild.substitute`.
    """

    namespace: str
    name: str
    path: str = ""
    source: tuple[str, str, str] = ("", "", "")
    is_suspended: bool = False
    applied_revision: str = ""
    generation: int | None = None
    observed_generation: int | None = None
    ready: Condition | None = None
    inventory: frozenset[str] = frozenset()
    is_remote: bool = False
    depends_on: tuple[Key, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_behind(self) -> bool:
        """Whether its status is of an older spec."""
        return is_behind(self.generation, self.observed_generation)

    @property
    def ready_now(self) -> Condition | None:
        """`ready`, where it is about the present spec."""
        return of_now(self.ready, self.generation, self.observed_generation)


@dataclass(frozen=True, slots=True)
class HelmRelease:
    """`release` is the name of the newest release in its history, else the one that its spec gives.

    What is made of one that `is_remote` is in another cluster. `target` is the namespace of that, "": its own.
    """

    namespace: str
    name: str
    release: str = ""
    is_suspended: bool = False
    generation: int | None = None
    observed_generation: int | None = None
    conditions: tuple[Condition, ...] = ()
    applier: Applier = NOBODY
    is_remote: bool = False
    depends_on: tuple[Key, ...] = ()
    target: str = ""

    @property
    def is_behind(self) -> bool:
        """Whether its status is of an older spec."""
        return is_behind(self.generation, self.observed_generation)

    def condition_now(self, type_: str) -> Condition | None:
        """Its condition of that type, where it is about the present spec."""
        return of_now(condition(self.conditions, type_), self.generation, self.observed_generation)


@dataclass(frozen=True, slots=True)
class Application:
    """An Application of Argo CD. `revision` is that of its sync status; `is_automated`: it syncs by itself.

    `operation_revision` is what its last operation was about. `is_behind`: its status is of an older spec. `branch` is
    what it follows, "": the repository's own; `destination` is the namespace that it is for, in another cluster
    where it `is_remote`.
    """

    namespace: str
    name: str
    is_automated: bool = False
    repository: str = ""
    path: str = ""
    sync: str = ""
    revision: str = ""
    health: str = ""
    operation: str = ""
    operation_revision: str = ""
    is_behind: bool = False
    branch: str = ""
    destination: str = ""
    is_remote: bool = False
