"""`failover completion`: scripts for shells, and the names that they complete.

A shell asks again at each TAB, by the variable below; the answer is a value a line. An error is no completion, and is
said nowhere: somebody is typing.
"""

import logging
import os
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer

from failover_api.edges.cli.backend import Kind

ASKED = "_FAILOVER_COMPLETE"  # set by the scripts; typer reads it
_BASH = """\
_failover_completion() {
    local IFS=$'\\n'
    COMPREPLY=( $(
        COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _FAILOVER_COMPLETE=complete_bash "$1" 2>/dev/null
    ) )
}
complete -o default -F _failover_completion failover
"""
_ZSH = """\
#compdef failover
_failover_completion() {
    local -x COMP_WORDS="${(F)words}" COMP_CWORD=$((CURRENT - 1)) _FAILOVER_COMPLETE=complete_bash
    local -a names=("${(@f)$("$words[1]" 2>/dev/null)}")
    if [[ -n "$names" ]]; then compadd -- $names; else _files; fi
}
compdef _failover_completion failover
"""
_FISH = """\
function _failover_completion
    set -l before (commandline -opc)
    set -lx COMP_WORDS (string join \\n -- $before (commandline -ct) | string collect)
    set -lx COMP_CWORD (count $before)
    _FAILOVER_COMPLETE=complete_bash failover 2>/dev/null
end
complete -c failover -f -a '(_failover_completion)'
complete -c failover -l path -r -F
"""


class Shell(StrEnum):
    """A shell that a script is known for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS = {Shell.BASH: _BASH, Shell.ZSH: _ZSH, Shell.FISH: _FISH}
_How = Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", show_default=False, help="For which shell.")]


def completion(shell: _How) -> None:
    """Print a completion script for a shell.

    It completes commands and options, the names of services, groups and nodes, and the hazards to accept.
    """
    sys.stdout.write(_SCRIPTS[shell])


def prepare_completion() -> None:
    """Makes typer answer the scripts, when one of them asks."""
    if ASKED in os.environ:
        from typer._completion_classes import completion_init  # it stands nowhere else, and installs nothing

        logging.disable()
        completion_init()


def complete_service(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names("service", ctx, incomplete)


def complete_group(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names("group", ctx, incomplete)


def complete_node(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names("node", ctx, incomplete)


def complete_hazard(incomplete: str) -> list[str]:
    """Those that may stop a move."""
    from failover_api.core.hazard_slugs import SLUGS, Severity

    return [name for name, slug in SLUGS.items() if Severity.STOP in slug.severities and name.startswith(incomplete)]


def _names(kind: Kind, ctx: typer.Context, start: str) -> list[str]:
    try:
        return [name for name in _known(kind, ctx.params.get("server")) if name.startswith(start)]
    except Exception:  # noqa: BLE001 - no error is worth a line in the middle of what somebody types
        return []


def _known(kind: Kind, server: str | None) -> Iterable[str]:
    """From the service, where one is named; else from the catalog alone: neither GitHub nor the cluster is asked."""
    from failover_api.settings import Settings

    settings = Settings.read()
    if server or settings.server:
        from failover_api.edges.cli.execution import open_backend

        return open_backend(settings, server).names(kind)
    from failover_api.config_file import catalog_file
    from failover_api.edges.cli.backend import names_in

    file = catalog_file(settings.config)
    file.reload()
    return names_in(file.current(), kind)
