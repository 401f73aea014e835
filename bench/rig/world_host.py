"""python -m bench.rig.world_host FOLDER: the demo's GitHub and cluster in a process of their own.

Prints where they are as JSON, and waits.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from failover_api.edges.demo.world import small_world
from failover_api.settings import Settings


@dataclass(frozen=True, slots=True)
class HostedWorld:
    """`github` is the sandbox's URL; it may be replaced by that of a delay."""

    github: str
    app_id: str
    key_file: Path
    catalog: Path
    kubeconfig: Path

    @property
    def port(self) -> int:
        return int(self.github.rpartition(":")[2])

    def settings(self, github: str, cluster: Path | None) -> Settings:
        return Settings(
            config=self.catalog,
            github_url=github,
            github_app_id=self.app_id,
            github_private_key_file=self.key_file,
            cluster=str(cluster or "none"),
        )


@contextlib.contextmanager
def hosting_world(scratch: Path) -> Iterator[HostedWorld]:
    """Serves both from `scratch` until the end."""
    command = [sys.executable, "-m", "bench.rig.world_host", str(scratch)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = json.loads(process.stdout.readline())
            files = [Path(said[name]) for name in ("key_file", "catalog", "kubeconfig")]
            yield HostedWorld(said["github"], said["app_id"], *files)
        finally:
            process.kill()


def main() -> None:
    with small_world(Path(sys.argv[1])) as world:
        settings = world.settings()
        said = {
            "github": world.github,
            "app_id": settings.github_app_id,
            "key_file": str(settings.github_private_key_file),
            "catalog": str(settings.config),
            "kubeconfig": settings.cluster,
        }
        print(json.dumps(said), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
