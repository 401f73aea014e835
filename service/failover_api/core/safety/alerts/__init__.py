"""Alerts from outside: what a body holds, and what each alert means by the catalog.

    body       the text of Alertmanager or Grafana -> alerts
    meaning    an alert -> what the catalog says that it means, and of what

A firing alert may testify that a node is off, ask for a node to be evacuated (it testifies then too), or for services
to be promoted. One that is resolved takes back what it testified, and never moves anything. Whether what is asked for
may be done is for core/safety/governance to say.
"""

from failover_api.core.safety.alerts.body import (
    ALERTMANAGER_VERSIONS,
    GRAFANA_VERSIONS,
    AlertBody,
    Unreadable,
    read_body,
)
from failover_api.core.safety.alerts.meaning import Meaningless, Meant, meaning_of

__all__ = [
    "ALERTMANAGER_VERSIONS",
    "GRAFANA_VERSIONS",
    "AlertBody",
    "Meaningless",
    "Meant",
    "Unreadable",
    "meaning_of",
    "read_body",
]
