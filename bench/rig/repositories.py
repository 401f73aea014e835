"""Repositories to measure on, as {path: bytes}, and the catalogs that go with them."""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import failover_api

ROOT = Path(__file__).resolve().parents[2]
HOMELAB = Path(failover_api.__file__).parent / "sandbox" / "homelab"
SAMPLE_CATALOG = ROOT / "config" / "services.yaml"

_MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: apps
spec:
  replicas: 1
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      nodeSelector:
        role: primary   # where it runs
      containers:
        - name: app
          image: ghcr.io/example/{name}:1.{tag}
          volumeMounts:
            - {{name: data, mountPath: /data}}
      volumes:
        - name: data
          persistentVolumeClaim:
            claimName: {name}-data
"""
_SERVICE = """\
  {name}:
    namespace: apps
    deployment: {name}
    path: {path}
    volume_name: data
    primary_pvc: {name}-data
    backup_pvc: {name}-data-backup
    primary_node_label: primary
    backup_node_label: backup
"""


def sample() -> dict[str, bytes]:
    """The sample homelab that the demo shows."""
    found = (path for path in sorted(HOMELAB.rglob("*")) if path.is_file())
    return {path.relative_to(HOMELAB).as_posix(): path.read_bytes() for path in found}


def names(count: int) -> list[str]:
    """Names of generated services."""
    return [f"app-{number:04}" for number in range(count)]


def path_of(name: str) -> str:
    """Where a generated service's manifest is."""
    return f"apps/team-{int(name[4:]) // 100:03}/{name}/deployment.yaml"


def manifest(name: str, tag: int = 0) -> bytes:
    """A generated service's manifest; `tag` is the version of its image."""
    return _MANIFEST.format(name=name, tag=tag).encode()


def generated(count: int) -> dict[str, bytes]:
    """`count` services, each with a manifest of its own."""
    return {path_of(name): manifest(name) for name in names(count)}


def catalog(services: Sequence[str], *, searched: bool = False) -> str:
    """A catalog of generated services; when they are `searched` for it names no `path`."""
    head = "repository: acme/homelab\nbranch: main\nservices:\n"
    text = _SERVICE.replace("    path: {path}\n", "") if searched else _SERVICE
    return head + "".join(text.format(name=name, path=path_of(name)) for name in services)


def add_history(git_dir: Path, commits: int) -> None:
    """Commits on top of a repository of generated services: new versions of images, as a robot makes them."""
    if commits:
        stream = b"".join(_history(commits))
        subprocess.run(["git", "-C", git_dir, "fast-import", "--quiet"], input=stream, check=True)


def _history(commits: int) -> Iterator[bytes]:
    """The input of `git fast-import`. https://git-scm.com/docs/git-fast-import"""
    for number in range(commits):
        name = names(100)[number % 100]
        message, data = f"Update {name} to 1.{number}".encode(), manifest(name, number)
        yield b"commit refs/heads/main\ncommitter Robot <robot@example.com> %d +0000\n" % (
            1_700_000_000 + 3600 * number
        )
        yield b"data %d\n%s\n" % (len(message), message)
        yield b"" if number else b"from refs/heads/main^0\n"
        yield b"M 100644 inline %s\ndata %d\n%s\n" % (path_of(name).encode(), len(data), data)
