"""The keys of services.yaml and what each may hold. Anything else is an error in plain words."""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema
from pydantic.functional_validators import AfterValidator, BeforeValidator

from failover_api.core.catalog.automatic_schema import AlertSchema, AutomaticSchema, ServiceMode
from failover_api.core.catalog.notification import Event, template_error
from failover_api.core.catalog.places import (
    BranchName,
    DiskFile,
    Folder,
    ManifestPath,
    PageUrl,
    ReceiverUrl,
    RepositoryName,
)
from failover_api.core.catalog.replication_schema import (
    PairSchema,
    QuiesceSchema,
    RelocateSchema,
    ReplicationSchema,
)
from failover_api.core.catalog.runtime import WORKLOAD_KINDS
from failover_api.core.config.duration import Duration
from failover_api.core.config.schema import NonEmpty, Schema, Text, choice_of, describe, one_of
from failover_api.core.config.yaml import AmbiguousScalar, Location
from failover_api.core.hazard_slugs import FOR_GOOD

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
MAX_TEMPLATE = 4000
# Of a service in its cluster, whatever it is made of.
RUNTIME_KEYS = (
    *("workload", "verify", "cluster", "max_data_age", "after", "automatic"),
    *("replication", "quiesce", "relocate"),
)


def _scalar(value: object) -> object:
    match value:
        case AmbiguousScalar(text):
            raise ValueError(f"readers of YAML differ on the type of {text}; put it in quotes, or write true or false")
        case dict() | list():
            raise ValueError(f"expected text, a number, true, false or null, not {describe(value)}")
        case float() if not math.isfinite(value):
            raise ValueError(f"expected a finite number, not {describe(value)}")
        case _:
            return value


def _status(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int) or not 100 <= value <= 599:
        raise ValueError(f"expected an HTTP status like 200, not {describe(value)}")
    return value


def _mapping(value: object) -> object:
    if value is None:
        raise ValueError(f"expected a mapping, not {describe(value)}")
    return value


def _one_or_several(value: object) -> object:
    if value == []:
        raise ValueError("expected the name of a node, or a list of them, not an empty list")
    return value if isinstance(value, list) else [value]


def _template(value: str) -> str:
    if not value.strip():
        raise ValueError("expected text, not an empty string")
    if len(value) > MAX_TEMPLATE:
        raise ValueError(f"expected at most {MAX_TEMPLATE} characters, not {len(value)}")
    if (fault := template_error(value)) is not None:
        raise ValueError(fault)
    return value


_TEXT_OR_TEXTS = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
)
_SCALAR = WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
_METHODS = ("squash", "merge", "rebase", True, False)
_ALLOWED = ("substitution", "template", "shared_anchor", "type")

_Value = Annotated[Any, BeforeValidator(_scalar), _SCALAR]
_Bool = Annotated[bool, BeforeValidator(one_of(True, False))]
_Policy = Annotated[Literal["direct", "pull_request"], BeforeValidator(one_of("direct", "pull_request"))]
_Fallback = Annotated[Literal["pull_request"] | None, BeforeValidator(one_of("pull_request", None))]
_Claims = Annotated[Literal["external"] | None, BeforeValidator(one_of("external", None))]
_Kind = Annotated[str, BeforeValidator(one_of(*WORKLOAD_KINDS)), choice_of(*WORKLOAD_KINDS)]
_Elsewhere = Annotated[Literal["none"] | None, BeforeValidator(one_of("none", None))]
_HttpStatus = Annotated[int, BeforeValidator(_status)]
_Unblock = Annotated[Literal["none", "rolling"], BeforeValidator(one_of("none", "rolling"))]
_AutoMerge = Annotated[Any, BeforeValidator(one_of(*_METHODS)), choice_of(*_METHODS)]
_Allowed = Annotated[str, BeforeValidator(one_of(*_ALLOWED)), choice_of(*_ALLOWED)]
_Names = Annotated[list[NonEmpty], BeforeValidator(_one_or_several), _TEXT_OR_TEXTS]
_Accepted = Annotated[
    NonEmpty, WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(FOR_GOOD)}|claim-empty=.+)$"})
]
_Event = Annotated[str, BeforeValidator(one_of(*map(str, Event))), choice_of(*map(str, Event))]


class PullRequestSchema(Schema):
    """What a pull request of a move looks like."""

    labels: list[NonEmpty] = Field(default=[], description="Labels that it gets.")
    reviewers: list[NonEmpty] = Field(default=[], description="Users who are asked for a review.")
    team_reviewers: list[NonEmpty] = Field(default=[], description="Teams who are asked for a review, by their slug.")
    draft: _Bool = Field(default=False, description="Open it as a draft.")
    auto_merge: _AutoMerge = Field(
        default=False,
        description="Merge it once checks and reviews allow that: by this method; `true`: the first one allowed.",
    )


class NodesSchema(Schema):
    """The Kubernetes nodes behind the sides."""

    primary: _Names = Field(description="The node of the primary side, or a list of them.")
    backup: _Names = Field(description="The node of the backup side, or a list of them.")


class InheritedSchema(Schema):
    """What stands at top level, in `defaults` or in a service. The innermost replaces the others as a whole."""

    repository: RepositoryName = Field(
        default="",
        description="The repository that holds the manifests, as owner/name. Needed here or in each service.",
    )
    branch: BranchName = Field(default="main", description="The branch that Flux applies.")
    search: Folder = Field(
        default="apps/", description="The folder in which a manifest is looked for when a service names no `path`."
    )
    policy: _Policy = Field(
        default="direct", description="`direct` commits to the branch; `pull_request` opens one that a person merges."
    )
    fallback: _Fallback = Field(
        default=None, description="`pull_request`: under policy direct, open one where the branch takes no commits."
    )
    pull_request: PullRequestSchema = Field(default=PullRequestSchema(), description="What pull requests look like.")
    nodes: NodesSchema | None = Field(
        default=None,
        description="The Kubernetes nodes behind the sides. Not needed where the label key is kubernetes.io/hostname.",
    )
    claims: _Claims = Field(
        default=None, description="`external`: the claims are not made by this repository, so they are not looked for."
    )


class VolumeSchema(Schema):
    """One volume of several, with its claim on each side."""

    name: NonEmpty = Field(description="The volume's name in the manifest.")
    primary_pvc: NonEmpty = Field(description="The claim on the primary side.")
    backup_pvc: NonEmpty = Field(description="The claim on the backup side.")


class SwitchSchema(Schema):
    """One scalar of a manifest, with its value on each side."""

    file: ManifestPath = Field(description="The manifest's path in the repository.")
    kind: NonEmpty = Field(default="", description="Which document of the file: its kind.")
    name: NonEmpty = Field(
        default="", description="Its `metadata.name`; not needed where the file has one of the kind."
    )
    namespace: NonEmpty = Field(default="", description="Its `metadata.namespace`; a document without one matches any.")
    path: NonEmpty = Field(
        description='Keys joined by dots; ["a/b"] for a key with dots or slashes, [name=x] or [0] for an item of a '
        "list, and `|` into the YAML that a text block holds."
    )
    primary: _Value = Field(description="The value on the primary side.")
    backup: _Value = Field(description="The value on the backup side, of the same type.")
    allow: list[_Allowed] = Field(default=[], description="What is refused otherwise and permitted here.")


class SideWorkloadSchema(Schema):
    """A workload of one side, where each side has its own."""

    kind: _Kind = Field(description="Its kind.")
    name: NonEmpty = Field(description="Its `metadata.name`.")
    namespace: NonEmpty = Field(default="", description="Its namespace, if not that of the service.")


class WorkloadSchema(Schema):
    """What to look at in the cluster: `kind` and `name`; or one for each side, if one of them is always asleep."""

    kind: _Kind = Field(default="", description="Its kind.")
    name: NonEmpty = Field(default="", description="Its `metadata.name`.")
    namespace: NonEmpty = Field(default="", description="Its namespace, if not that of the service.")
    primary: SideWorkloadSchema | None = Field(default=None, description="What runs on the primary side.")
    backup: SideWorkloadSchema | None = Field(default=None, description="What runs on the backup side.")


class VerifySchema(Schema):
    """A GET that has to be answered before the service counts as serving. `serve` and `guard` make it, nobody else."""

    url: PageUrl = Field(
        description="http or https, without a password; no redirect is followed, and an answer may take 2 s."
    )
    status: _HttpStatus = Field(default=200, description="The status that a healthy app answers with.")
    within: Duration = Field(default="2m", description="How long after its pod is ready it may take, as in `90s`.")


class DefaultsShape(InheritedSchema):
    """For every service that does not say otherwise. `{service}` is the service's name, in any text."""

    namespace: NonEmpty = Field(default="", description="The workload's namespace.")
    path: ManifestPath = Field(
        default="", description="The manifest's path in the repository. Without it, it is searched."
    )
    node_label_key: NonEmpty = Field(default="role", description="The key of the node selector that moves.")
    primary_node_label: NonEmpty = Field(default="", description="The node selector's value on the primary side.")
    backup_node_label: NonEmpty = Field(default="", description="The node selector's value on the backup side.")
    volume_name: NonEmpty = Field(default="", description="The volume whose claim moves; for several see `volumes`.")
    primary_pvc: NonEmpty = Field(default="", description="The claim on the primary side.")
    backup_pvc: NonEmpty = Field(default="", description="The claim on the backup side.")
    volumes: list[VolumeSchema] = Field(
        default=[], description="Several volumes, in place of volume_name and its two claims."
    )
    unblock: _Unblock = Field(
        default="none",
        description="`rolling`: a promote also makes a Deployment's `strategy: {type: Recreate}` one that waits for no "
        "dead node (RollingUpdate, maxSurge 0, maxUnavailable 1); the former text comes back once the "
        "app is seen serving, and where no cluster is looked at with the demote.",
    )
    node_path: NonEmpty = Field(
        default="",
        description="Where below `spec.values` of a HelmRelease the node's label is, if not as in app-template.",
    )
    claim_path: NonEmpty = Field(
        default="",
        description="Where below `spec.values` of a HelmRelease the claim's name is, if not as in app-template.",
    )
    workload: WorkloadSchema | None = Field(
        default=None, description="What to look at in the cluster; not needed where the service names its workload."
    )
    verify: VerifySchema | None = Field(
        default=None, description="A page that has to answer before the service counts as serving."
    )
    cluster: _Elsewhere = Field(
        default=None, description="`none`: it runs in a cluster that is not the one we see, so it is not looked for."
    )
    max_data_age: Duration | None = Field(
        default=None,
        description="How old backup's data may be: an older copy, or one whose age nobody knows, stops a promote.",
    )
    automatic: ServiceMode = Field(
        default="none", description="`observe` or `act`: it takes part in automatic failover, as far as the top has it."
    )
    replication: ReplicationSchema | None = Field(default=None, description="How its data comes to the other side.")
    quiesce: QuiesceSchema | None = Field(
        default=None, description="How it is stopped while its data is brought over; a HelmRelease has to name it."
    )
    relocate: RelocateSchema = Field(default=RelocateSchema(), description="How long a relocation's steps may take.")


class ServiceSchema(DefaultsShape):
    """One service. Its workload is a `deployment`, a `statefulset` or a `helmrelease`; or it has `switches` alone."""

    deployment: NonEmpty = Field(default="", description="The name of the Deployment.")
    statefulset: NonEmpty = Field(default="", description="The name of the StatefulSet.")
    helmrelease: NonEmpty = Field(
        default="", description="The name of the HelmRelease: its claim is persistence.{volume_name}.existingClaim."
    )
    switches: list[SwitchSchema] = Field(default=[], description="Any other values of manifests that move with it.")
    after: list[NonEmpty] = Field(
        default=[], description="Services that it is promoted after, once they serve, and demoted before."
    )
    accept: list[_Accepted] = Field(
        default=[],
        description="Hazards that it is not warned of, by their slug. Of those that stop a move only "
        "`data-age-unknown` and `claim-empty=CLAIM` may stand here.",
    )


class NotificationSchema(Schema):
    """Who is told of which events."""

    url_file: DiskFile = Field(description="A file with apprise URLs, one a line.")
    events: list[_Event] = Field(default=[], description="What is told; without it everything but refusals.")
    services: list[NonEmpty] = Field(default=[], description="Of which services, with * and ?; without it all.")
    template: Annotated[Text, AfterValidator(_template)] = Field(
        default="$text", description="The text; its fields are $names."
    )


class FluxReceiverSchema(Schema):
    """Flux's Receiver, which is called after a commit."""

    url: ReceiverUrl = Field(description="The Receiver's URL.")
    secret_file: DiskFile = Field(description="A file with the Receiver's token, which signs the call.")


class CatalogSchema(InheritedSchema):
    """What can fail over, and what it looks like on each side. Keys that begin with `x-` are ignored."""

    defaults: Annotated[DefaultsShape, BeforeValidator(_mapping)] = Field(
        default=DefaultsShape(), description="For every service that does not say otherwise; null takes one away."
    )
    services: dict[str, ServiceSchema] = Field(description="The services, by name.")
    groups: dict[str, list[NonEmpty]] = Field(default={}, description="Names of services that move together, by name.")
    notifications: list[NotificationSchema] = Field(default=[], description="Who is told of moves.")
    flux_receiver: Annotated[FluxReceiverSchema | None, BeforeValidator(_mapping)] = Field(
        default=None, description="Flux's Receiver, so that nobody waits for its poll."
    )
    wave_timeout: Duration = Field(
        default="5m", description="How long the services that others are `after` may take to serve."
    )
    automatic: Annotated[AutomaticSchema, BeforeValidator(_mapping)] = Field(
        default=AutomaticSchema(), description="When services move by themselves; off unless it is switched on."
    )
    alerts: list[AlertSchema] = Field(default=[], description="What alerts mean that Alertmanager or Grafana sends.")


def schema_at(location: Location) -> type[Schema]:
    """The schema at a location of services.yaml."""
    match location:
        case (*_, "pull_request"):
            return PullRequestSchema
        case (*_, "volumes", int()):
            return VolumeSchema
        case (*_, "switches", int()):
            return SwitchSchema
        case ("services", _):
            return ServiceSchema
        case ("defaults",):
            return DefaultsShape
        case (*_, "nodes"):
            return NodesSchema
        case (*_, "workload"):
            return WorkloadSchema
        case (*_, "workload", "primary" | "backup"):
            return SideWorkloadSchema
        case (*_, "verify"):
            return VerifySchema
        case ("notifications", int()):
            return NotificationSchema
        case ("flux_receiver",):
            return FluxReceiverSchema
        case ("automatic",):
            return AutomaticSchema
        case ("alerts", int()):
            return AlertSchema
        case (*_, "replication"):
            return ReplicationSchema
        case (*_, "to_backup" | "to_primary"):
            return PairSchema
        case (*_, "quiesce"):
            return QuiesceSchema
        case (*_, "relocate"):
            return RelocateSchema
        case _:
            return CatalogSchema
