"""What relocations are measured with: the sample homelab, as it is changed before."""

from bench.figures.relocation import one_pod_at_a_time
from bench.rig import repositories


def test_the_app_runs_one_pod_at_a_time_and_is_copied_once_a_minute() -> None:
    files = repositories.sample()
    changed = one_pod_at_a_time(files)
    app, volsync = changed["apps/media/jellyfin/app.yaml"], changed["apps/media/jellyfin/volsync.yaml"]
    assert b"    replicas: 1\n    strategy: {type: RollingUpdate" in app
    assert volsync.count(b'schedule: "* * * * *"') == files["apps/media/jellyfin/volsync.yaml"].count(b"schedule:") == 2
