"""The homelab of the schedules: services of every policy, in one file or two, alone and in groups."""

from failover_api.core.catalog.model import Action
from tests.support.stage import FILES, PLEX, RADARR, RELEASE, SONARR, VOLSYNC, deployment, entry

DIRECT = ["sonarr", "plex"]
REVIEWED = ["radarr", "jelly"]
SERVICES = [*DIRECT, *REVIEWED, "kavita", "lidarr"]
JELLY = ["apps/jelly/app.yaml", "apps/jelly/sync.yaml"]
KAVITA = "apps/kavita/app.yaml"
LIDARR = "apps/lidarr/app.yaml"
PATHS = {
    "sonarr": [SONARR],
    "plex": [RELEASE, VOLSYNC],
    "radarr": [RADARR],
    "jelly": JELLY,
    "kavita": [KAVITA],
    "lidarr": [LIDARR],
}
CATALOG = (
    entry("sonarr", "media", f"path: {SONARR}")
    + PLEX
    + entry("radarr", "media", f"path: {RADARR}", "policy: pull_request")
    + """\
  jelly:
    policy: pull_request
    switches:
      - {file: apps/jelly/app.yaml, kind: Deployment, path: spec.template.spec.nodeSelector.role, primary: primary, backup: backup}
      - {file: apps/jelly/sync.yaml, kind: ReplicationSource, path: spec.paused, primary: false, backup: true}
"""  # noqa: E501 - one switch a line
    + entry("kavita", "media", f"path: {KAVITA}", "policy: pull_request", "pull_request: {auto_merge: true}")
    + entry("lidarr", "media", f"path: {LIDARR}", "fallback: pull_request")
)
GROUPS = "groups:\n  all: [sonarr, plex]\n  seen: [radarr, jelly]\n"
HOMELAB = {
    **FILES,
    JELLY[0]: deployment("jelly").encode(),
    JELLY[1]: b"kind: ReplicationSource\nmetadata: {name: jelly}\nspec:\n  paused: false\n",
    KAVITA: deployment("kavita").encode(),
    LIDARR: deployment("lidarr").encode(),
}
MOVES = [Action.PROMOTE, Action.DEMOTE]
