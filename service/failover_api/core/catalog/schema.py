"""The keys of services.yaml and what each may hold. Anything else is an error in plain words."""

import math
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic.functional_validators import AfterValidator, BeforeValidator

from failover_api.core.catalog.notification import Event, template_error
from failover_api.core.catalog.unsupported_formats import why_unsupported
from failover_api.core.config.schema import NonEmpty, Schema, Text, describe, one_of
from failover_api.core.config.yaml import AmbiguousScalar, Location

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
MAX_TEMPLATE = 4000
# Managed users of GitHub Enterprise have an underscore; no repository ends with .git.
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}")
# https://git-scm.com/docs/git-check-ref-format
_BAD_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^@$|^[-/.]|/\.|[/.]$|\.lock(/|$)")


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


def _repository(value: str) -> str:
    if not _REPOSITORY.fullmatch(value):
        raise ValueError(f"expected owner/name, as in 'acme/homelab', not {describe(value)}")
    return value


def _branch(value: str) -> str:
    if not value.isprintable() or _BAD_BRANCH.search(value):
        raise ValueError(f"expected the name of a branch, as in 'main', not {describe(value)}")
    return value


def _file(value: str) -> str:
    parts = value.split("/")
    if not value.isprintable() or "\\" in value or any(part in {"", ".", ".."} for part in parts):
        raise ValueError(
            "expected a path inside the repository, as in 'apps/web/deployment.yaml', without '..', "
            f"not {describe(value)}"
        )
    if parts[0].lower() == ".github" or any(part.lower() == ".git" for part in parts):
        raise ValueError(f"expected a manifest, not {describe(value)}: .git/ and .github/ are never touched")
    return value


def _manifest(value: str) -> str:
    if (why := why_unsupported(_file(value))) is not None:
        raise ValueError(f"expected a manifest in YAML or JSON, not {describe(value)}: {why}")
    return value


def _folder(value: str) -> str:
    return "" if value in {"", ".", "./", "/"} else f"{_file(value.removesuffix('/'))}/"


def _disk_file(value: str) -> str:
    """A path on disk. A URL in its place may hold a secret, so the error does not show it."""
    if "://" in value or not value.isprintable():
        raise ValueError("expected the path of a file, as in '/etc/failover/notify/urls'; a URL belongs in that file")
    return value


def _receiver(value: str) -> str:
    """The URL of a Flux Receiver. The error does not show it: it may hold a password."""
    try:
        parts = urlsplit(value)
        is_plain = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        is_plain = False
    if not is_plain or "#" in value or "\\" in value or " " in value or not value.isprintable():
        raise ValueError("expected a URL like 'http://webhook-receiver.flux-system/hook/...', without a password")
    return value


def _mapping(value: object) -> object:
    if value is None:
        raise ValueError(f"expected a mapping, not {describe(value)}")
    return value


def _template(value: str) -> str:
    if not value.strip():
        raise ValueError("expected text, not an empty string")
    if len(value) > MAX_TEMPLATE:
        raise ValueError(f"expected at most {MAX_TEMPLATE} characters, not {len(value)}")
    if (fault := template_error(value)) is not None:
        raise ValueError(fault)
    return value


_Value = Annotated[Any, BeforeValidator(_scalar)]
_Bool = Annotated[bool, BeforeValidator(one_of(True, False))]
_Policy = Annotated[Literal["direct", "pull_request"], BeforeValidator(one_of("direct", "pull_request"))]
_Fallback = Annotated[Literal["pull_request"] | None, BeforeValidator(one_of("pull_request", None))]
_AutoMerge = Annotated[Any, BeforeValidator(one_of("squash", "merge", "rebase", True, False))]
_Allowed = Annotated[str, BeforeValidator(one_of("substitution", "template", "shared_anchor", "type"))]
_FilePath = Annotated[NonEmpty, AfterValidator(_manifest)]
_DiskFile = Annotated[NonEmpty, AfterValidator(_disk_file)]
_Event = Annotated[str, BeforeValidator(one_of(*map(str, Event)))]


class PullRequestSchema(Schema):
    labels: list[NonEmpty] = []
    reviewers: list[NonEmpty] = []
    team_reviewers: list[NonEmpty] = []
    draft: _Bool = False
    auto_merge: _AutoMerge = False


class InheritedSchema(Schema):
    """Keys of the top level that a service can set itself: its own value replaces the top level's as a whole."""

    repository: Annotated[NonEmpty, AfterValidator(_repository)] = ""
    branch: Annotated[NonEmpty, AfterValidator(_branch)] = "main"
    search: Annotated[Text, AfterValidator(_folder)] = "apps/"
    policy: _Policy = "direct"
    fallback: _Fallback = None
    pull_request: PullRequestSchema = PullRequestSchema()


class VolumeSchema(Schema):
    name: NonEmpty
    primary_pvc: NonEmpty
    backup_pvc: NonEmpty


class SwitchSchema(Schema):
    file: _FilePath
    kind: NonEmpty = ""
    name: NonEmpty = ""
    namespace: NonEmpty = ""
    path: NonEmpty
    primary: _Value
    backup: _Value
    allow: list[_Allowed] = []


class ServiceSchema(InheritedSchema):
    namespace: NonEmpty = ""
    deployment: NonEmpty = ""
    statefulset: NonEmpty = ""
    path: _FilePath = ""
    node_label_key: NonEmpty = "role"
    primary_node_label: NonEmpty = ""
    backup_node_label: NonEmpty = ""
    volume_name: NonEmpty = ""
    primary_pvc: NonEmpty = ""
    backup_pvc: NonEmpty = ""
    volumes: list[VolumeSchema] = []
    switches: list[SwitchSchema] = []


class NotificationSchema(Schema):
    url_file: _DiskFile
    events: list[_Event] = []
    services: list[NonEmpty] = []
    template: Annotated[Text, AfterValidator(_template)] = "$text"


class FluxReceiverSchema(Schema):
    url: Annotated[NonEmpty, AfterValidator(_receiver)]
    secret_file: _DiskFile


class CatalogSchema(InheritedSchema):
    services: dict[str, ServiceSchema]
    groups: dict[str, list[NonEmpty]] = {}
    notifications: list[NotificationSchema] = []
    flux_receiver: Annotated[FluxReceiverSchema | None, BeforeValidator(_mapping)] = None


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
        case ("notifications", int()):
            return NotificationSchema
        case ("flux_receiver",):
            return FluxReceiverSchema
        case _:
            return CatalogSchema
