"""What these tests begin with: the files of the branch, and what they do again and again."""

import time
from typing import Any

from failover_api.core.catalog.model import Branch
from failover_api.forge.github.adapter import GitHub
from failover_api.forge.values import PullRequest, Snapshot
from failover_api.sandbox import Sandbox
from tests.support.builders import MAIN, REPO

SONARR, RADARR = "apps/sonarr.yaml", "apps/radarr.yaml"
OLD, NEW = b"role: primary  # \xc3\xa4\r\n", b"role: backup  # \xc3\xa4\r\n"
FILES: dict[str, bytes] = {
    SONARR: OLD,
    RADARR: OLD + b"# radarr\n",
    "latin.yaml": b"a: \xe4\n",
    "binary.yaml": bytes(range(256)),
    "empty.yaml": b"",
    "big.yaml": b"#" * (1024 * 1024 + 1),
}


async def read(github: GitHub, *paths: str, **how: Any) -> Snapshot:
    return await github.read(MAIN, paths, **{"not_before": time.monotonic(), **how})


def asked(sandbox: Sandbox) -> list[str]:
    """What was asked since the last time, one word each."""
    words = [request.operation or f"{request.method} {request.path.split('/')[4:5]}" for request in sandbox.requests]
    statuses = [f" {request.status}" if request.status in (304, 409) else "" for request in sandbox.requests]
    sandbox.requests.clear()
    return [word + status for word, status in zip(words, statuses, strict=True)]


OURS = Branch(REPO, "failover/sonarr")


async def propose(github: GitHub, sandbox: Sandbox, branch: Branch = OURS, **how: Any) -> PullRequest:
    """Opens a pull request for SONARR."""
    await github.create_branch(branch, sandbox.head())
    snapshot = Snapshot(branch, (await read(github, SONARR)).files)
    await github.commit(snapshot, {SONARR: NEW}, "Fail over sonarr")
    wish = {"title": "Fail over sonarr", "body": "Why", "draft": False, **how}
    return await github.create_pull_request(MAIN, branch.name, **wish)
