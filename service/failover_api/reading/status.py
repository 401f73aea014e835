"""Where a service is, as a look at it showed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from failover_api.core.catalog.model import Service, Switch
from failover_api.core.planning.state import Detection
from failover_api.errors import FailoverError, ManifestError
from failover_api.forge.port import PullRequest
from failover_api.reading.history import Entry


@dataclass(frozen=True, slots=True)
class Status:
    """Where a service is. `version` names the manifests it was read from.

    `obstacles` are why switches cannot be moved there and back again, where that was asked for.
    """

    service: Service
    detection: Detection
    version: str
    pull_request: PullRequest | None = None
    last_move: Entry | None = None
    obstacles: Mapping[Switch, ManifestError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A service of the list that could not be read, and why."""

    service: Service
    error: FailoverError
