"""Around the container: a small GitHub on this machine, a catalog, the App's key as the kubelet mounts it."""

import contextlib
import json
import os
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failover_api.sandbox import Sandbox
from tests.product.image.engine import Container, Trouble
from tests.support.project import ROOT

SAMPLE = ROOT / "service/failover_api/sandbox/homelab"
MOUNTED = "/etc/failover/github"
START_S = 60.0
SERVICE = "sonarr"
CATALOG = f"""\
repository: acme/homelab
branch: main
search: apps/
services:
  {SERVICE}:
    namespace: media
    deployment: sonarr
    volume_name: sonarr-data
    primary_pvc: pvc-sonarr
    backup_pvc: pvc-sonarr-backup
    primary_node_label: primary
    backup_node_label: backup
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the containers play on. `options` is for podman."""

    sandbox: Sandbox
    port: int
    options: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return ("serve", "--host", "127.0.0.1", "--port", str(self.port), "--insecure-no-auth")

    def ask(self, path: str, method: str = "GET") -> Any:
        """The answer's JSON. Raises OSError while nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=START_S) as reply:  # noqa: S310 - http
            return json.load(reply)

    def wait_ready(self, container: Container) -> float:
        """Seconds from the start of process 1 to the first 200 of /readyz."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):  # nobody listens yet, or 503
                self.ask("/readyz")
                return container.age_s
            time.sleep(0.005)
        raise Trouble(f"/readyz did not answer 200 within {START_S:.0f} s:\n{container.log()}")


@contextlib.contextmanager
def open_stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="image-") as folder, contextlib.ExitStack() as stack:
        files = {path.relative_to(SAMPLE).as_posix(): path.read_bytes() for path in SAMPLE.rglob("*.yaml")}
        sandbox = Sandbox.create(Path(folder, "homelab.git"), files=files)
        stack.callback(sandbox.close)
        github = stack.enter_context(sandbox.serve())
        catalog = Path(folder, "services.yaml")
        catalog.write_text(CATALOG, encoding="utf-8")
        secrets = _secrets(Path(folder, "secrets"), sandbox.private_key_pem)
        variables = {
            "FAILOVER_GITHUB_URL": github,
            "FAILOVER_GITHUB_APP_ID": sandbox.app_id,
            "FAILOVER_GITHUB_PRIVATE_KEY_FILE": f"{MOUNTED}/app.pem",
        }
        options = [f"--env={name}={value}" for name, value in variables.items()]
        options += [f"--volume={catalog}:/app/config/services.yaml:ro", f"--volume={secrets}:{MOUNTED}:ro"]
        yield Stage(sandbox, _free_port(), tuple(options))


def _secrets(folder: Path, key: str) -> Path:
    """What `defaultMode: 0400` and `fsGroup: 1000` make of a Secret: 0440, of root, for group 1000."""
    folder.mkdir(mode=0o755)
    file = folder / "app.pem"
    file.write_text(key, encoding="utf-8")
    os.chown(file, 0, 1000)
    file.chmod(0o440)
    return folder


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
