"""Bodies as Alertmanager and Grafana send them."""

import json
from typing import Any

BEGAN = "2026-11-23T04:00:21.739266876Z"
BEGAN_AT = 1_795_406_421.739266
NODE_OFF = {"alertname": "NodeOff", "node": "k3s-w1", "severity": "critical"}


def entry(status: str = "firing", **changes: Any) -> dict[str, Any]:
    """One alert of a body."""
    return {
        "status": status,
        "labels": NODE_OFF,
        "annotations": {"summary": "k3s-w1 has no power"},
        "startsAt": BEGAN,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph?g0.expr=up",
        "fingerprint": "c1f2a3b4d5e6f708",
        **changes,
    }


def alertmanager(*alerts: object, **changes: Any) -> bytes:
    """A body of version 4."""
    whole = {
        "receiver": "failover-api",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {"alertname": "NodeOff"},
        "commonLabels": NODE_OFF,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "version": "4",
        "groupKey": '{}:{alertname="NodeOff"}',
        "truncatedAlerts": 0,
        **changes,
    }
    return json.dumps(whole).encode()


def grafana(*alerts: object) -> bytes:
    """Grafana's, with its own keys beside Alertmanager's."""
    own = {
        "silenceURL": "https://grafana.example/alerting/silence/new",
        "dashboardURL": "",
        "panelURL": "",
        "values": {"B": 1, "C": 1},
        "valueString": "[ var='B' labels={} value=1 ]",
    }
    whole = {
        "receiver": "failover-api",
        "status": "firing",
        "orgId": 1,
        "alerts": [{**alert, **own} if isinstance(alert, dict) else alert for alert in alerts],
        "groupLabels": {},
        "commonLabels": NODE_OFF,
        "commonAnnotations": {},
        "externalURL": "https://grafana.example/",
        "version": "1",
        "groupKey": "{}/{}:{}",
        "truncatedAlerts": 0,
        "title": "[FIRING:1] NodeOff",
        "state": "alerting",
        "message": "**Firing**",
    }
    return json.dumps(whole).encode()
