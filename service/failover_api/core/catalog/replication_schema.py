"""The keys of `replication`, `quiesce` and `relocate` in services.yaml, and what each may hold."""

from typing import Annotated

from pydantic import Field
from pydantic.functional_validators import BeforeValidator

from failover_api.core.catalog.places import ManifestPath
from failover_api.core.catalog.replication import ReplicationKind, Via
from failover_api.core.config.duration import Duration
from failover_api.core.config.schema import Count, NonEmpty, Schema, choice_of, one_of

_Kind = Annotated[str, BeforeValidator(one_of(*map(str, ReplicationKind))), choice_of(*map(str, ReplicationKind))]
_Via = Annotated[str, BeforeValidator(one_of(*map(str, Via))), choice_of(*map(str, Via))]


class PairSchema(Schema):
    """The two objects of VolSync that bring the data to one side."""

    source: NonEmpty = Field(description="The ReplicationSource's name.")
    destination: NonEmpty = Field(description="The ReplicationDestination's name.")
    namespace: NonEmpty = Field(default="", description="Their namespace, if not that of the service.")
    file: ManifestPath | None = Field(
        default=None, description="The file that holds both. Without it they are searched, as manifests are."
    )


class ReplicationSchema(Schema):
    """How the data comes to the other side. With it a promote also pauses `to_backup`."""

    kind: _Kind = Field(
        description="`volsync`; `manual`: a person says that the data is there; `none`: nothing needs to be brought."
    )
    via: _Via = Field(
        default="direct",
        description="`direct`: from claim to claim (rsync-tls); `repository`: the source backs up and the destination "
        "restores (restic, kopia).",
    )
    to_backup: PairSchema | None = Field(default=None, description="What brings the data to the backup side.")
    to_primary: PairSchema | None = Field(
        default=None, description="What brings it home to the primary side, paused until it is needed."
    )


class QuiesceSchema(Schema):
    """How the app is stopped while its data is brought over."""

    path: NonEmpty = Field(
        description="The number of its manifest that is 0 when it is stopped; a Deployment's and a StatefulSet's is "
        "spec.replicas."
    )
    running: Count = Field(default=1, description="The number that it runs with, where none is written.")


class RelocateSchema(Schema):
    """How long the steps of a relocation may take."""

    quiesce: Duration = Field(default="5m", description="Until no pod has the claim.")
    final_sync: Duration = Field(default="30m", description="Until all of the data is there.")
    cutover: Duration = Field(default="5m", description="Until it serves on the other side.")
