"""What the demo says at its end: what to try while it runs, and what to do next."""

import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from failover_api.edges.demo.screen import Screen

_COLUMN = 44  # where the words beside a line begin
_TOKEN = "demo"  # noqa: S105 - the demo asks nobody for one; this keeps a real one out of it

BROWSER = {
    "{url}/": "the board",
    "{url}/demo": "the simulated machines: kill one",
    "{url}/docs": "the HTTP API",
    "{repository}": "the repository: files, history",
    "{repository}/pulls": "pull requests, to be merged",
}
COMMANDS = (
    "failover list",
    "failover promote radarr --dry-run",
    'failover promote radarr --reason "trying it"',
    "failover rollback radarr",
    'failover promote --group office --reason "trying it"',
    "failover demote photoprism     # a pull request: merge it in the browser",
    "failover history photoprism",
)
RELOCATE = (
    "failover relocate jellyfin --to backup",
    "failover relocate jellyfin --abort         # elsewhere, until the cutover",
)
MACHINES = (
    "failover demo kill k3s-w1      # Kubernetes notices after 40 to 50 s",
    "failover demo cut k3s-w2       # off the network, and its apps write on",
    "failover demo revive k3s-w1",
)
AUTOMATIC = (
    "{catalog}",
    "  automatic: {{mode: observe, dead_for: 60s}}  # a line of its own",
    "  defaults: {{..., automatic: act}}            # one more line below `defaults:`",
    "failover demo kill k3s-w1",
    "failover automatic             # would it act now, and if not, why",
)
# Never without --kubeconfig: a machine of the reader's own cluster may be called as one of the demo's.
CLUSTER = ("kubectl --kubeconfig {kubectl} get pods -A",)
REQUESTS = (
    "curl {url}/api/failover/radarr",
    "curl '{url}/api/failover/radarr/promote?dry-run=true'",
    "curl -X POST '{url}/api/failover/radarr/promote?reason=test'",
)

NEXT = {
    "1  Write its catalog. DIR is a working tree; correct what is marked TODO.": (
        "{failover} suggest --all --path DIR > services.yaml",
        "export FAILOVER_CONFIG=services.yaml",
    ),
    "2  Let it in, by a token that may write contents or a GitHub App (docs/INSTALL.md).": (
        "export FAILOVER_GITHUB_TOKEN=...",
        "{failover} check",
        "{failover} promote NAME --dry-run",
    ),
    "3  Deploy it, for the board and for alerts: docs/INSTALL.md.": (),
}


@dataclass(frozen=True, slots=True)
class Guide:
    """`url` is the service's, `repository` the page of the sample repository, `kubectl` a kubeconfig."""

    screen: Screen
    url: str
    repository: str
    git_dir: Path
    kubectl: Path
    catalog: Path

    def show_what_to_try(self) -> None:
        self.screen.heading("The demo goes on running: what to try")
        self._show("In a browser", [_beside(self._filled(link), words) for link, words in BROWSER.items()])
        self._show("In another terminal, first (any token will do)", exports(self.url))
        self._show("and then", COMMANDS)
        self._show("With all of its data, which takes some minutes; Ctrl-C leaves it to go on", RELOCATE)
        self._show("Fate, for the simulated cluster of this demo", MACHINES)
        self._show("Automatic failover: two lines in its catalog, which is read again as it runs", self._all(AUTOMATIC))
        self._show("The simulated cluster itself, if you have kubectl", self._all(CLUSTER))
        self._show("The same by HTTP", self._all(REQUESTS))
        self._show("The repository itself", [f"git clone {shlex.quote(str(self.git_dir))} homelab"])

    def show_what_is_next(self, *, is_running: bool) -> None:
        where = " (in a new terminal)" if is_running else ""
        self.screen.heading(f"What to do next, with a repository of your own{where}")
        command = own_command(anywhere=is_running)
        for words, lines in NEXT.items():
            self._show(words, [line.format(failover=command) for line in lines])
        if is_running:
            self.screen.say("\nThe demo is running; Ctrl-C ends it.")
        else:
            self._show("This demo again, to click and to type in", [f"{command} demo --serve"])

    def _show(self, words: str, lines: Iterable[str]) -> None:
        self.screen.say(f"\n{words}")
        for line in lines:
            self.screen.show_line(line)

    def _all(self, lines: Iterable[str]) -> list[str]:
        return [self._filled(line) for line in lines]

    def _filled(self, line: str) -> str:
        return line.format(
            url=self.url, repository=self.repository, kubectl=shlex.quote(str(self.kubectl)), catalog=self.catalog
        )


def exports(url: str) -> list[str]:
    """What makes `failover` in another shell speak to the demo."""
    lines = [f"export FAILOVER_SERVER={url} FAILOVER_TOKEN={_TOKEN}"]
    if own_command() != "failover":
        lines.insert(0, f'export PATH={shlex.quote(str(_ours().parent))}:"$PATH"')
    return lines


def own_command(*, anywhere: bool = False) -> str:
    """How a shell calls this program: by its name where PATH leads to it, else by its path, from here or `anywhere`."""
    ours, found = _ours(), shutil.which("failover")
    if found is not None and Path(found).resolve() == ours.resolve():
        return "failover"
    here = Path.cwd()
    return shlex.quote(str(ours.relative_to(here) if ours.is_relative_to(here) and not anywhere else ours))


def _ours() -> Path:
    return Path(sys.executable).with_name("failover")


def _beside(line: str, words: str) -> str:
    return f"{line:<{_COLUMN}}  {words}"
