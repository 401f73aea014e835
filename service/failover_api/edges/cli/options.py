"""The options and arguments of all commands, each defined once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from failover_api.edges.cli.completion import complete_group, complete_hazard, complete_node, complete_service


def examples(*lines: str) -> str:
    """What stands below a command's help, line by line."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))  # \b: click leaves the paragraph as it is


class SideName(StrEnum):
    """Where a service can be found."""

    PRIMARY = "primary"
    BACKUP = "backup"
    MIXED = "mixed"
    UNKNOWN = "unknown"


class Milestone(StrEnum):
    """How far a move is waited for."""

    MERGED = "merged"
    APPLIED = "applied"
    SERVING = "serving"


class ListFormat(StrEnum):
    """How a list is shown."""

    WIDE = "wide"
    JSON = "json"
    NAME = "name"


class NameFormat(StrEnum):
    """How groups are shown."""

    JSON = "json"
    NAME = "name"


class JsonFormat(StrEnum):
    """How one thing is shown."""

    JSON = "json"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; an error is its problem object.")]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="FAILOVER_SERVER",
        help="Call this service. Without a scheme: https, or http for loopback and for names without a dot or in "
        ".svc or .local.",
    ),
]
ServiceName = Annotated[
    str, typer.Argument(metavar="SERVICE", show_default=False, autocompletion=complete_service, help="Its name.")
]
NodeName = Annotated[
    str,
    typer.Argument(metavar="NODE", show_default=False, autocompletion=complete_node, help="Its name in Kubernetes."),
]
ServiceOrNone = Annotated[
    str | None, typer.Argument(metavar="SERVICE", show_default=False, autocompletion=complete_service, help="Its name.")
]
Group = Annotated[
    str | None,
    typer.Option("--group", metavar="G", autocompletion=complete_group, help="Move all services of this group."),
]

# Reads
Output = Annotated[JsonFormat | None, typer.Option("--output", "-o", metavar="json", help="As --json.")]
ListOutput = Annotated[
    ListFormat | None,
    typer.Option("--output", "-o", metavar="wide|json|name", help="More columns, JSON, or names alone."),
]
GroupsOutput = Annotated[
    NameFormat | None, typer.Option("--output", "-o", metavar="json|name", help="JSON, or names alone.")
]
SideFilter = Annotated[
    SideName | None,
    typer.Option("--side", metavar="SIDE", help="Only those on primary, backup, mixed or unknown."),
]
GroupFilter = Annotated[
    str | None, typer.Option("--group", metavar="G", autocompletion=complete_group, help="Only those of this group.")
]
Utc = Annotated[bool, typer.Option("--utc", help="Show times in UTC. [default: this machine's zone]")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100, metavar="N", help="Entries to show.")]
Cursor = Annotated[str | None, typer.Option("--cursor", metavar="C", help="Go on where the last page ended.")]

# Moves
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the diff; write nothing.")]
Tree = Annotated[
    Path | None,
    typer.Option(
        "--path", metavar="DIR", help="With --dry-run: plan on this working tree, without credentials and network."
    ),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it goes into the commit.")]
Force = Annotated[bool, typer.Option("--force", help="Move even a value that is on neither side.")]
Supersede = Annotated[bool, typer.Option("--supersede", help="Close an open pull request for the other side.")]
SkipRefused = Annotated[
    bool, typer.Option("--skip-refused", help="Of a group or a node: move the others when a service is refused.")
]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="SLUG",
        autocompletion=complete_hazard,
        help="A hazard that does not stop it; SERVICE:SLUG for one service of a group. May be repeated.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option("--idempotency-key", metavar="KEY", help="Asked again with it, the first outcome is given."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[bool, typer.Option("--wait", help="When it is a pull request, wait until it is merged or closed.")]
NoWait = Annotated[
    bool,
    typer.Option(
        "--no-wait",
        help="When services wait for others (`after`), leave once the first wave is written: a running service goes "
        "on. Without it the command follows to the end, and exits with 5 when some did not come up.",
    ),
]
Until = Annotated[
    Milestone | None,
    typer.Option(
        "--until",
        metavar="MILESTONE",
        help="Wait until it is merged (as --wait), applied in the cluster, or serving there; exit 5 when it is not in "
        "time.",
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        help="How long to wait: 90s, 5m, 2h. [default: 10m for applied and serving, for merged as long as it takes]",
    ),
]


# Relocations
class TargetSide(StrEnum):
    """Where a relocation leads."""

    PRIMARY = "primary"
    BACKUP = "backup"


RelocationSide = Annotated[
    TargetSide | None, typer.Option("--to", metavar="SIDE", help="Where to: primary or backup.", show_default=False)
]
RelocatedGroup = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="G",
        autocompletion=complete_group,
        help="Relocate all services of this group, one after the other.",
    ),
]
RelocatedNode = Annotated[
    str | None,
    typer.Option(
        "--node",
        metavar="NODE",
        autocompletion=complete_node,
        help="Relocate everything that is active on this node to its other side, one after the other.",
    ),
]
Home = Annotated[
    bool, typer.Option("--home", help="With --node: relocate what belongs on it, and is elsewhere, back to it.")
]
Synced = Annotated[
    bool,
    typer.Option("--synced", help="The data is there; with `replication: {kind: manual}`, once the app has stopped."),
]
Abort = Annotated[bool, typer.Option("--abort", help="Put back what was: until the cutover.")]
LeaveAtOnce = Annotated[
    bool,
    typer.Option(
        "--no-wait",
        help="Leave once the first step is written: a running service goes on. Without it the command does.",
    ),
]

# What came of a move
Operation = Annotated[str, typer.Argument(metavar="OPERATION", show_default=False, help="The ULID of the move.")]
OperationOrNone = Annotated[
    str | None, typer.Option("--operation", metavar="ULID", help="Of this move. [default: the newest]")
]

# token new
VERBS = ("view", "plan", "execute")
TokenName = Annotated[str, typer.Argument(metavar="NAME", help="Who holds it; it is written into commits.")]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="VERB", help="view, plan or execute; may be repeated. [default: all]"),
]
Services = Annotated[
    list[str] | None,
    typer.Option(
        "--service", metavar="GLOB", help="Services it is for, as in 'media-*'; may be repeated. [default: *]"
    ),
]
Expires = Annotated[
    str | None, typer.Option("--expires", metavar="DAY", help="From then on it is refused. [default: in a year]")
]
