"""The sandbox in a process of its own, so that its CPU is not taken for the client's."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from failover_api.settings import Settings


@dataclass(frozen=True, slots=True)
class Host:
    """A running sandbox. `git_dir` is its bare repository; `url` may be replaced by that of a delay."""

    url: str
    token: str
    app_id: str
    key_file: Path
    git_dir: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def settings(self, catalog: Path, *, url: str = "", as_app: bool = False) -> Settings:
        """Settings of the product for this sandbox, with its token or as its App."""
        url = url or self.url
        if as_app:
            return Settings(
                config=catalog, github_url=url, github_app_id=self.app_id, github_private_key_file=self.key_file
            )
        return Settings.model_validate({"config": catalog, "github_url": url, "github_token": self.token})


@contextlib.contextmanager
def hosting(files: Mapping[str, bytes], scratch: Path) -> Iterator[Host]:
    """Serves a repository of these files from `scratch` until the end."""
    source = scratch / "files"
    for path, data in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(data)
    command = [sys.executable, "-m", "failover_api.sandbox", "--files", str(source), "--requests-per-hour", "1000000"]
    command += ["--git-dir", str(scratch / "homelab.git")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = json.loads(process.stdout.readline())
            yield Host(said["url"], said["token"], said["app_id"], Path(said["key_file"]), Path(said["git_dir"]))
        finally:
            process.terminate()
