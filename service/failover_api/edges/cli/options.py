"""The options and arguments of all commands, each defined once."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; an error is its problem object.")]
Server = Annotated[str | None, typer.Option("--server", envvar="FAILOVER_SERVER", help="Call this service.")]
ServiceName = Annotated[str, typer.Argument(metavar="SERVICE", show_default=False)]
ServiceOrNone = Annotated[str | None, typer.Argument(metavar="SERVICE", show_default=False)]
Group = Annotated[str | None, typer.Option("--group", metavar="G", help="Move all services of this group instead.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the diff; write nothing.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it goes into the commit.")]
Force = Annotated[bool, typer.Option("--force", help="Move even a value that is on neither side.")]
Supersede = Annotated[bool, typer.Option("--supersede", help="Close an open pull request for the other side.")]
SkipRefused = Annotated[
    bool, typer.Option("--skip-refused", help="With --group: move the others when a service is refused.")
]
Key = Annotated[
    str | None,
    typer.Option("--idempotency-key", metavar="KEY", help="Asked again with it, the first outcome is given."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100, metavar="N", help="Entries to show.")]
Cursor = Annotated[str | None, typer.Option("--cursor", metavar="C", help="Go on where the last page ended.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[bool, typer.Option("--wait", help="When it is a pull request, wait until it is merged or closed.")]

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
