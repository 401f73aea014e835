"""A file of apprise URLs, one a line. They hold passwords and tokens: only where one stands, and its kind, is shown."""

from dataclasses import dataclass, field
from pathlib import Path

from failover_api.errors import NotReady
from failover_api.secret_file import read_secret

NO_URL = "not a URL"


@dataclass(frozen=True, slots=True)
class Target:
    """A URL of a file. `line` counts from 1."""

    file: str
    line: int
    url: str = field(repr=False)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def notifier(self) -> str:
        """What kind of target it is, by its scheme: `slack`."""
        scheme, colon, _ = self.url.partition("://")
        return scheme if colon and scheme.isalnum() and len(scheme) <= 20 else NO_URL


def read_targets(file: str) -> list[Target]:
    """What the file holds now, without comments and empty lines. Raises NotReady, also when there is none. Blocks."""
    text = read_secret(Path(file), "the URLs of notifications")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    targets = [Target(file, number, line) for number, line in lines if line and not line.startswith("#")]
    if not targets:
        raise NotReady(f"{file}: expected an apprise URL on each line, found none")
    return targets
