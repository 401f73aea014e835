"""Alerts from outside: what a body holds, and what each alert means by the catalog.

    body       the text of Alertmanager or Grafana -> alerts
    meaning    an alert -> what the catalog says that it means, and of what
    staleness  whether it is too old to move anything

A firing alert may testify that a node is off, ask for a node to be evacuated (it testifies then too), or for services
to be promoted. One that is resolved takes back what it testified, and never moves anything.
"""

from failover_api.core.safety.alerts.body import Alert, AlertBody, Unreadable, read_body
from failover_api.core.safety.alerts.meaning import Evacuate, Meaningless, Meant, NodeOff, Promote, meaning_of
from failover_api.core.safety.alerts.staleness import why_stale

__all__ = [
    "Alert",
    "AlertBody",
    "Evacuate",
    "Meaningless",
    "Meant",
    "NodeOff",
    "Promote",
    "Unreadable",
    "meaning_of",
    "read_body",
    "why_stale",
]
