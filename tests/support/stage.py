"""The stage that most tests play on: the sandbox, served over HTTP, with a small homelab; and the real service on it.

One sandbox serves the whole test run; each test has a repository of its own in it.
"""

import contextlib
import fnmatch
import functools
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI

from failover_api.edges.app import create_app
from failover_api.sandbox import Fault, Request, Sandbox
from failover_api.sandbox.hosting.faults import Faults
from failover_api.settings import Settings
from failover_api.wiring import Components, open_failover

SONARR = "apps/media/sonarr/deployment.yaml"
RADARR = "apps/media/radarr/app.yaml"
RELEASE = "apps/media/plex/helmrelease.yaml"
VOLSYNC = "apps/media/plex/volsync.yaml"

SEEN_WITHIN_S = 20.0  # a cluster that answers; a busy machine takes longer than the product's 2 s
PERMISSIONS = {"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write"}


def deployment(name: str, namespace: str | None = "media", *, role: str = "primary", claim: str | None = None) -> str:
    """A Deployment as a person writes it: comments, an odd indentation, a quoted value."""
    where = f"  namespace: {namespace}\n" if namespace else ""
    return f"""\
# {name}: keep me
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
{where}spec:
  replicas: 1
  template:
    spec:
      nodeSelector:
        role: {role}   # which node
      containers:
        - name: {name}
          image: "ghcr.io/home/{name}:1.0"
      volumes:
        - name: config
          persistentVolumeClaim:
            claimName: "{claim or f"pvc-{name}"}"
"""


FILES: dict[str, bytes] = {
    SONARR: deployment("sonarr").encode(),
    RADARR: f"""\
apiVersion: v1
kind: Service
metadata:
  name: radarr
  namespace: media
spec: {{ports: [{{port: 7878}}]}}
---
{deployment("radarr")}""".encode(),
    RELEASE: b"""\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: plex
  namespace: media
spec:
  values:
    nodeSelector:
      kubernetes.io/hostname: k3s-w1
    persistence:
      config: {existingClaim: plex}   # one line
""",
    VOLSYNC: b"""\
kind: ReplicationSource
metadata: {name: plex, namespace: media}
spec:
  paused: false
""",
    "README.md": b"# A homelab\n",
}

PLEX = """\
  plex:
    switches:
      - {file: apps/media/plex/helmrelease.yaml, kind: HelmRelease, path: 'spec.values.nodeSelector["kubernetes.io/hostname"]', primary: k3s-w1, backup: k3s-w2}
      - {file: apps/media/plex/helmrelease.yaml, kind: HelmRelease, path: spec.values.persistence.config.existingClaim, primary: plex, backup: plex-backup}
      - {file: apps/media/plex/volsync.yaml, kind: ReplicationSource, path: spec.paused, primary: false, backup: true}
"""  # noqa: E501 - one switch a line


def entry(name: str, namespace: str = "media", *more: str) -> str:
    """A service of the catalog in its short form; `more` are further lines."""
    lines = [
        f"namespace: {namespace}",
        f"deployment: {name}",
        "volume_name: config",
        f"primary_pvc: pvc-{name}",
        f"backup_pvc: pvc-{name}-backup",
        "primary_node_label: primary",
        "backup_node_label: backup",
        *more,
    ]
    return f"  {name}:\n" + "".join(f"    {line}\n" for line in lines)


SERVICES = entry("sonarr") + entry("radarr") + PLEX


class FaultsAndActs(Faults):
    """Faults, and a person who acts just before the sandbox takes a write of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[Callable[[], object]] = []
        self.acts_on: list[tuple[str, str, Callable[[], object]]] = []

    def take(self, method: str, path: str, authorization: str = "none", operation: str | None = None) -> Fault | None:
        if self.acts_on and self.acts_on[0][0] == method and fnmatch.fnmatchcase(path, self.acts_on[0][1]):
            self.acts_on.pop(0)[2]()
        if self.acts and (method == "PUT" or operation == "createCommitOnBranch"):
            self.acts.pop(0)()
        return super().take(method, path, authorization, operation)

    def clear(self) -> None:
        super().clear()
        self.acts.clear()
        self.acts_on.clear()


class Requests(list[Request]):
    """Those of one test. What an earlier one left under way comes late, and is about that test's repository."""

    def __init__(self, repository: str) -> None:
        super().__init__()
        self._repository = repository

    def append(self, request: Request) -> None:
        named = re.findall(r"acme/lab-\d+", request.path) or re.findall(rb'"(lab-\d+|acme/lab-\d+)"', request.body)
        names = {name if isinstance(name, str) else name.decode() for name in named}
        own = {self._repository, self._repository.removeprefix("acme/")}
        if not names or names & own:
            super().append(request)


class Stage:
    """One test's repository in the sandbox, and its catalog."""

    def __init__(self, sandbox: Sandbox, url: str, repository: str, folder: Path) -> None:
        self.sandbox, self.url, self.repository, self.folder = sandbox, url, repository, folder
        self.catalog_file, self.access_file = folder / "services.yaml", folder / "access.yaml"
        self.declare(SERVICES)

    def declare(self, services: str, *, top: str = "") -> None:
        """Writes services.yaml."""
        head = f"repository: {self.repository}\nbranch: main\n{top}\n"
        self.catalog_file.write_text(f"{head}services:\n{services}", encoding="utf-8")

    def settings(self, **changes: Any) -> Settings:
        files = {"config": self.catalog_file, "access": self.access_file}
        github = {"github_url": self.url, "github_token": self.sandbox.token}
        plain = {**files, **github, "cluster_timeout_s": SEEN_WITHIN_S}
        return Settings(**{**plain, **changes})

    def app_settings(self, **changes: Any) -> Settings:
        """With a GitHub App instead of a token."""
        key = self.folder / "key.pem"
        key.write_text(self.sandbox.private_key_pem, encoding="ascii")
        app = {"github_token": None, "github_app_id": self.sandbox.app_id, "github_private_key_file": key}
        return self.settings(**{**app, **changes})

    def environment(self, **changes: str) -> dict[str, str]:
        """FAILOVER_* for a process."""
        return {
            "FAILOVER_CONFIG": str(self.catalog_file),
            "FAILOVER_ACCESS": str(self.access_file),
            "FAILOVER_GITHUB_URL": self.url,
            "FAILOVER_GITHUB_TOKEN": self.sandbox.token,
            "FAILOVER_CLUSTER_TIMEOUT_S": str(SEEN_WITHIN_S),
            **changes,
        }

    def app(self, settings: Settings | None = None) -> FastAPI:
        """The real app; open to all unless there is an access file."""
        settings = settings or self.settings()
        return create_app(settings, open_to_all=not settings.access.exists())

    @contextlib.asynccontextmanager
    async def open(self, settings: Settings | None = None, **changes: Any) -> AsyncIterator[Components]:
        async with open_failover(settings or self.settings(**changes)) as components:
            yield components

    @contextlib.asynccontextmanager
    async def client(
        self, settings: Settings | None = None, *, app: FastAPI | None = None, **changes: Any
    ) -> AsyncIterator[httpx2.AsyncClient]:
        """The real app behind an HTTP client; open to all unless there is an access file."""
        app = app or self.app(settings or self.settings(**changes))
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://failover.test") as client,
        ):
            yield client

    @contextlib.contextmanager
    def served(self, **changes: Any) -> Iterator[str]:
        """The real app behind a real server; gives its URL."""
        with serving(self.app(self.settings(**changes))) as url:
            yield url

    # A person's acts

    def read(self, path: str, branch: str | None = None) -> bytes | None:
        return self.sandbox.read(path, branch, repository=self.repository)

    def commit(self, changes: Mapping[str, Any], message: str = "By hand", branch: str | None = None) -> str:
        texts = {path: text.encode() if isinstance(text, str) else text for path, text in changes.items()}
        return self.sandbox.commit(texts, message, branch, repository=self.repository)

    def before_write(self, *acts: Callable[[], object]) -> None:
        """Between our read and our write a person acts; one act a write."""
        assert isinstance(self.sandbox.faults, FaultsAndActs)
        self.sandbox.faults.acts.extend(acts)

    @property
    def acts_to_come(self) -> int:
        """How many acts of a person wait for a write."""
        assert isinstance(self.sandbox.faults, FaultsAndActs)
        return len(self.sandbox.faults.acts)

    def before_request(self, method: str, path: str, act: Callable[[], object]) -> None:
        """A person acts just before GitHub takes a request; several acts in the order in which they are given."""
        assert isinstance(self.sandbox.faults, FaultsAndActs)
        below = path if path == "/graphql" else f"/repos/{self.repository}{path}"
        self.sandbox.faults.acts_on.append((method, below, act))

    def replace(self, path: str, old: str, new: str, message: str = "By hand") -> str:
        text = (self.read(path) or b"").decode()
        assert old in text
        return self.commit({path: text.replace(old, new)}, message)

    # A person at pull requests

    def github(self, method: str, path: str, body: object = None) -> Any:
        """Asks the sandbox as a person would, below the repository; gives the JSON."""
        headers = {"authorization": f"Bearer {self.sandbox.token}", "user-agent": "a person"}
        response = _person().request(method, f"{self.url}/repos/{self.repository}{path}", json=body, headers=headers)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def merge(self, number: int, method: str = "squash", **how: str) -> str:
        """Merges a pull request; gives the commit."""
        return str(self.github("PUT", f"/pulls/{number}/merge", {"merge_method": method, **how})["sha"])

    def close(self, number: int) -> None:
        self.github("PATCH", f"/pulls/{number}", {"state": "closed"})

    def pulls(self, state: str = "open") -> list[Any]:
        """The pull requests, oldest first."""
        found: list[Any] = self.github("GET", f"/pulls?state={state}&direction=asc&per_page=100")
        return found

    # What happened

    @property
    def messages(self) -> list[str]:
        """The commits' messages, newest first."""
        return [commit.message for commit in self.sandbox.log(repository=self.repository)]

    @property
    def moves(self) -> list[str]:
        """The messages of the commits that this product made, newest first."""
        return [message for message in self.messages if "Failover-Operation:" in message]

    @property
    def requests(self) -> list[Request]:
        return self.sandbox.requests

    @property
    def writes(self) -> list[Request]:
        return [r for r in self.requests if r.method == "PUT" or r.operation == "createCommitOnBranch"]

    def fault(self, kind: Any, **how: Any) -> None:
        self.sandbox.faults.add(Fault(kind, **how))


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """An app behind a real server; gives its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@functools.cache
def _person() -> httpx2.Client:
    """One for the whole run: reading the machine's certificates takes longer than most tests."""
    return httpx2.Client(verify=False, trust_env=False)


@contextlib.contextmanager
def at_rest(sandbox: Sandbox) -> Iterator[None]:
    """Puts a sandbox back to what it was."""
    try:
        yield
    finally:
        sandbox.faults.clear()
        sandbox.requests.clear()
        sandbox.permissions.clear()
        sandbox.permissions.update(PERMISSIONS)
        sandbox.unsuspend()
        sandbox.identities.installed = True
        sandbox.clock = time.time
        sandbox.limits.forget()
        sandbox.limits.requests_per_hour = 1_000_000
        sandbox.limits.writes_per_minute = sandbox.limits.writes_per_hour = None
