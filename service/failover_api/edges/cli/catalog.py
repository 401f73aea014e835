"""`failover check`, `suggest` and `schema`: services.yaml tried, written for what a repository holds, and described."""

import contextlib
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from failover_api.edges.cli.execution import (
    FAILED,
    carry_out,
    carry_out_in_order,
    note_of_local_files,
    open_terminal,
)
from failover_api.edges.cli.local import LocalBackend
from failover_api.edges.cli.options import AsJson
from failover_api.edges.interruption import Interruption

if TYPE_CHECKING:
    from failover_api.settings import Settings

Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", show_default=False, help="One workload alone, by its name.")
]
All = Annotated[bool, typer.Option("--all", help="A whole services.yaml, also of what the catalog has already.")]
Folder = Annotated[
    Path | None,
    typer.Option("--path", metavar="DIR", help="Read this working tree: no credentials, no network."),
]
Repository = Annotated[
    str | None,
    typer.Option("--repository", metavar="OWNER/NAME", help="Read this one. [default: the catalog's first]"),
]
BranchName = Annotated[str, typer.Option("--branch", metavar="NAME", help="The branch of --repository.")]


class SchemaOf(StrEnum):
    """A file that has a schema."""

    SERVICES = "services"
    ACCESS = "access"


Which = Annotated[SchemaOf, typer.Argument(metavar="[services|access]", help="Of which file.")]
OtherBranch = Annotated[
    str | None,
    typer.Option("--branch", metavar="NAME", help="Check against this branch on GitHub. [default: the catalog's]"),
]
TreeOf = Annotated[
    str | None,
    typer.Option(
        "--repository", metavar="OWNER/NAME", help="With --path: what DIR is a tree of. [default: the catalog's first]"
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only what failed.")]


def check(
    path: Folder = None,
    repository: TreeOf = None,
    branch: OtherBranch = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Check the catalog, GitHub's side of it, and every switch.

    With --path, the catalog against a working tree. What failed stands last; a warning fails nothing.
    """
    if path is not None and branch is not None:
        raise typer.BadParameter("--path reads a folder, --branch reads GitHub: say one of them")
    if repository is not None and path is None:
        raise typer.BadParameter("--repository goes with --path")
    terminal = open_terminal(as_json=as_json)

    def run(settings: "Settings", interruption: Interruption) -> None:
        if path is None:
            note_of_local_files(terminal, settings)
        with contextlib.closing(LocalBackend(settings, interruption)) as backend, terminal.waiting("checking") as step:
            body = backend.check(branch=branch, folder=path, repository=repository, on_step=step)
        terminal.show_checks(body, quiet=quiet)
        if not body["ok"]:
            raise typer.Exit(FAILED)

    carry_out_in_order(terminal, run)


def suggest(
    name: Name = None,
    everything: All = False,
    path: Folder = None,
    repository: Repository = None,
    branch: BranchName = "main",
    as_json: AsJson = False,
) -> None:
    """Write catalog entries for what a repository holds.

    What it cannot know is marked TODO.
    """
    if name is not None and everything:
        raise typer.BadParameter("name a workload or say --all, and not both")
    if path is not None and repository is not None:
        raise typer.BadParameter("--path reads a folder, --repository reads GitHub: say one of them")
    terminal = open_terminal(as_json=as_json)

    def run(settings: "Settings", interruption: Interruption) -> None:
        with contextlib.closing(LocalBackend(settings, interruption)) as backend, terminal.waiting("reading manifests"):
            body = backend.suggest(name, everything=everything, folder=path, repository=repository, branch=branch)
        terminal.show_suggestions(body)
        if not body["entries"]:
            raise typer.Exit(FAILED)

    carry_out_in_order(terminal, run)


def schema(which: Which = SchemaOf.SERVICES) -> None:
    """Print the JSON Schema of services.yaml, or of access.yaml."""

    def run(_: "Settings") -> None:
        from failover_api.core.access.json_schema import access_schema
        from failover_api.core.catalog.json_schema import services_schema

        schema = services_schema() if which is SchemaOf.SERVICES else access_schema()
        sys.stdout.write(json.dumps(schema, indent=2) + "\n")

    carry_out(None, run)
