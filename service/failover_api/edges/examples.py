"""Examples of the JSON bodies, for the OpenAPI document: one service on its way to backup."""

from typing import Any

Example = dict[str, Any]

SHA = "0d1f5a2b6c3e4f708192a3b4c5d6e7f801234567"
COMMIT_URL = f"https://github.com/acme/homelab/commit/{SHA}"
PULL_REQUEST_URL = "https://github.com/acme/homelab/pull/12"
FILE = "apps/media/sonarr/deployment.yaml"
DOCUMENT = "Deployment media/sonarr"
PATH = "spec.template.spec.nodeSelector.role"
ULID = "01JDQ3Z5Y8V6T4R2P0N9M7K5H3"
DIFF = "--- a/app.yaml\n+++ b/app.yaml\n@@ -21 +21 @@\n-        role: primary\n+        role: backup\n"
MESSAGE = "Git says that sonarr is on backup."
DRIFTED = f"{FILE}:21: {PATH} is 'w3', expected 'primary' or 'backup'"

REFUSED: Example = {
    "service": "sonarr",
    "type": "urn:failover-api:problem:manifest-drifted",
    "title": "A value is on neither side",
    "detail": DRIFTED,
    "hazards": [],
}
COMMIT: Example = {
    "sha": SHA,
    "url": COMMIT_URL,
}
MADE: Example = {**COMMIT, "verified": True}
PULL_REQUEST: Example = {
    "number": 12,
    "url": PULL_REQUEST_URL,
    "branch": "failover/sonarr",
    "state": "open",
}
RELOCATION_STEP: Example = {
    "name": "final-sync",
    "state": "running",
    "at": "2026-11-29T21:45:00Z",
    "commits": [COMMIT],
    "proof": "quiet at 2026-11-29T21:44:58Z at generation 17 of 0f3c6a1e",
    "changes": [],
    "diff": "",
}
RELOCATION: Example = {
    "operation": ULID,
    "service": "sonarr",
    "to": "primary",
    "step": "final-sync",
    "steps": [RELOCATION_STEP],
    "state": "running",
    "reason": "ReplicationSource media/sonarr-to-w1 syncs since 2026-11-29 21:45 UTC.",
    "cure": "",
    "awaits_word": False,
    "waited_s": 12.0,
    "limit_s": 1800.0,
    "downtime_s": None,
    "dry_run": False,
}
ENTRY_STEP: Example = {
    "step": "3/5 final-sync",
    "at": "2026-11-29T21:45:00Z",
    "commit": COMMIT,
    "proof": "quiet at 2026-11-29T21:44:58Z at generation 17 of 0f3c6a1e",
}
NODE: Example = {
    "name": "k3s-w1",
    "state": "ready",
    "since": "2026-11-29T21:45:00Z",
    "ready": True,
    "renewed_at": "2026-11-30T20:00:05Z",
    "unschedulable": False,
    "services": {"active": ["sonarr"], "standby": ["radarr"]},
}
HOLD: Example = {
    "gate": "still-serving",
    "detail": "sonarr has a Ready pod on k3s-w1.",
    "cure": "",
    "until": None,
}
JUDGED_NODE: Example = {
    "name": "k3s-w1",
    "state": "ready",
    "since": "2026-11-29T21:45:00Z",
    "acts_at": None,
    "reason": "",
}
PENDING: Example = {
    "service": "sonarr",
    "node": "k3s-w1",
    "to": "backup",
    "acts": True,
    "since": "2026-11-30T20:00:00Z",
    "acts_at": "2026-11-30T20:05:00Z",
    "holds": [HOLD],
}
PAUSE: Example = {
    "id": ULID,
    "reason": "a new kernel on all nodes",
    "by": "ops-laptop",
    "at": "2026-11-30T20:00:00Z",
    "until": "2026-12-01T20:00:00Z",
    "services": ["sonarr"],
}
ATTESTATION: Example = {
    "id": ULID,
    "node": "k3s-w1",
    "reason": "I pulled the plug",
    "by": "ops-laptop",
    "at": "2026-11-30T20:00:00Z",
}
TALLY_EVENT: Example = {
    "node": "k3s-w1",
    "died_at": "2026-11-30T20:00:00Z",
    "decided_at": "2026-11-30T20:05:05Z",
    "back_at": None,
    "moved": [],
    "would": ["sonarr"],
    "gates": ["fence"],
    "result": "right",
}
TALLY: Example = {"counts": {"right": 1}, "events": [TALLY_EVENT]}
CHANGE: Example = {
    "file": FILE,
    "document": DOCUMENT,
    "path": PATH,
    "line": 21,
    "old": "primary",
    "new": "backup",
}
SWITCH: Example = {
    "file": FILE,
    "document": DOCUMENT,
    "path": PATH,
    "line": 21,
    "value": "primary",
    "primary": "primary",
    "backup": "backup",
    "side": "primary",
}
HAZARD: Example = {
    "slug": "claim-unknown",
    "severity": "warn",
    "about": DOCUMENT,
    "where": f"{FILE}:31",
    "detail": "The claim pvc-sonarr-backup is nowhere in the repository.",
    "cure": "Correct backup_pvc in the catalog.",
}
MEMBER: Example = {"service": "sonarr", "from": "primary", "to": "backup", "changed": True}
ENTRY: Example = {
    "kind": "failover",
    "time": "2026-11-23T04:00:00Z",
    "action": "promote",
    "from": "primary",
    "to": "backup",
    "by": "ops-laptop",
    "reason": "k3s-w1 is down",
    "operation": ULID,
    "commit": COMMIT,
    "pull_request": None,
    "message": "Fail over sonarr to backup",
    "verified": True,
}
SEEN = "2026-11-23T04:01:07Z"
CLUSTER: Example = {
    "seen_at": SEEN,
    "side": "primary",
    "stage": "serving",
    "node": "k3s-w1",
    "pod": "sonarr-7d4b9-x2x7k",
    "since": "2026-11-23T04:00:41Z",
    "reason": "",
    "cure": "",
}
REPLICATION: Example = {
    "kind": "volsync",
    "state": "protected",
    "data_as_of": "2026-11-29T21:45:00Z",
    "last_sync": "2026-11-29T21:46:03Z",
    "in_flight": False,
    "reason": "",
}
STEP: Example = {"name": "applied", "at": "2026-11-23T04:00:21Z", "detail": ""}
LISTED: Example = {
    "service": "sonarr",
    "side": "primary",
    "policy": "direct",
    "repository": "acme/homelab",
    "branch": "main",
    "groups": [],
    "nodes": {"primary": ["k3s-w1"], "backup": ["k3s-w2"]},
    "switches": [SWITCH],
    "pull_request": None,
    "last_move": None,
    "cluster": CLUSTER,
    "replication": None,
    "hazards_to": {"slugs": [], "severity": None},
    "error": None,
}
WAVE: Example = {
    "services": ["paperless-db"],
    "state": "running",
    "commit": COMMIT,
    "reason": "paperless-db: rolling-out",
}
ALERT_SERVICE: Example = {
    "service": "sonarr",
    "result": "held",
    "held": "still-serving",
    "holds": [HOLD],
    "operation": None,
    "detail": "",
}
ALERT: Example = {
    "fingerprint": "c1f2a3b4d5e6f708",
    "alertname": "NodeGone",
    "status": "firing",
    "means": "evacuate",
    "node": "k3s-w1",
    "group": None,
    "result": "held",
    "held": "still-serving",
    "detail": "sonarr has a Ready pod on k3s-w1.",
    "cure": "",
    "services": [ALERT_SERVICE],
}
ALERTS_SENT: Example = {
    "version": "4",
    "status": "firing",
    "truncatedAlerts": 0,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "NodeGone", "node": "k3s-w1"},
            "annotations": {},
            "startsAt": "2026-11-30T20:00:00.000Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "c1f2a3b4d5e6f708",
        }
    ],
}
RETURN: Example = {
    "service": "sonarr",
    "node": "k3s-w1",
    "acts": False,
    "command": "failover relocate sonarr --to primary",
    "detail": "",
    "holds": [],
}
