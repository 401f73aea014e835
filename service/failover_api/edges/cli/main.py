"""The commands of `failover`, put together. Nothing of the server is imported before it is needed.

reads.py        list, status, rollout, report, history, nodes, groups
moves.py        promote, demote, evacuate, rollback
relocations.py  relocate
drills.py       drill
catalog.py      check, suggest, schema
notify.py       notify
completion.py   completion
automatic.py    automatic, automatic pause, resume, ack; attest
demo.py         demo, demo kill, demo cut, demo revive
here            serve, guard, token new: what runs, and who may call it
"""

import logging
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from failover_api.edges.cli import automatic, catalog, completion, demo, drills, moves, notify, reads, relocations
from failover_api.edges.cli.execution import carry_out, open_terminal
from failover_api.edges.cli.options import VERBS, Allow, AsJson, Expires, Services, TokenName, examples
from failover_api.edges.interruption import set_handlers

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.settings import Settings


class Commands(TyperGroup):
    """The commands. What typer says of a value is put in plain words: it is pydantic's own."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as exc:
            for theirs, ours in _PLAIN:
                exc.message = exc.message.replace(theirs, ours)
            raise


_PLAIN = (
    ("Value error, ", ""),
    ("Input should be a valid integer, unable to parse string as an integer", "expected a whole number"),
    ("Input should be greater than or equal to", "expected at least"),
    ("Input should be less than or equal to", "expected at most"),
)

app = typer.Typer(
    name="failover",
    cls=Commands,
    help="Moves stateful services between two nodes by changing their manifests in Git.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it takes a third of the time, and can be copied
    epilog=examples("failover demo", "failover check", "failover promote sonarr --dry-run", "failover promote -h"),
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        import failover_api

        sys.stdout.write(f"failover-api {failover_api.__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Moves stateful services between two nodes by changing their manifests in Git."""


app.command(
    "list",
    epilog=examples(
        "failover list", "failover list --side backup -o name", "failover list --group k3s-w1 | column -t -s $'\\t'"
    ),
)(reads.list_services)
app.command(epilog=examples("failover status sonarr", "failover status sonarr --json | jq -r .side"))(reads.status)
app.command(
    epilog=examples("failover rollout sonarr", "failover rollout sonarr --operation 01JDQ3Z5Y8V6T4R2P0N9M7K5H3 --json")
)(reads.rollout)
app.command(epilog=examples("failover report 01JDQ3Z5Y8V6T4R2P0N9M7K5H3 > failover.md"))(reads.report)
app.command(epilog=examples("failover history sonarr", "failover history sonarr --limit 100 --utc"))(reads.history)
app.command(epilog=examples("failover nodes", "failover nodes --json | jq '.nodes[] | select(.state == \"dead\")'"))(
    reads.nodes
)
app.command(epilog=examples("failover groups", "failover groups -o name"))(reads.groups)
app.command(
    "promote",
    help="Move a service, or a group, to backup.",
    epilog=examples(
        "failover promote sonarr --dry-run",
        "failover promote sonarr --dry-run --path .",
        "failover promote sonarr --reason 'k3s-w1 is down'",
        "failover promote --group k3s-w1 --yes --wait",
        "failover promote sonarr --until serving --timeout 5m",
    ),
)(moves.promote_or_demote("promote"))
app.command(
    "demote",
    help="Move a service, or a group, back to primary.",
    epilog=examples(
        "failover demote sonarr --dry-run", "failover demote --group k3s-w1 --reason 'k3s-w1 is back, data is synced'"
    ),
)(moves.promote_or_demote("demote"))
app.command(
    epilog=examples(
        "failover evacuate k3s-w1 --dry-run", "failover evacuate k3s-w1 --reason 'new disk' --until serving"
    )
)(moves.evacuate)
app.command(
    epilog=examples(
        "failover relocate sonarr --to primary --dry-run",
        "failover relocate sonarr --to primary --reason 'k3s-w1 is back'",
        "failover relocate sonarr --abort",
        "failover relocate --group office --to primary --dry-run",
        "failover relocate --node k3s-w1 --reason 'new disk'",
        "failover relocate --node k3s-w1 --home",
    )
)(relocations.relocate)
app.command(
    epilog=examples("failover drill sonarr", "failover drill sonarr --yes --reason 'first of the month' --json")
)(drills.drill)
app.add_typer(automatic.app, name="automatic")
app.command(
    epilog=examples("failover attest k3s-w1 --reason 'I pulled the plug'", "failover attest k3s-w1 --withdraw")
)(automatic.attest)
app.command(epilog=examples("failover rollback sonarr --dry-run", "failover rollback sonarr"))(moves.rollback)
app.command(
    epilog=examples(
        "failover check", "failover check --path .", "failover check --branch renovate/plex", "failover check --quiet"
    )
)(catalog.check)
app.command(
    epilog=examples("failover suggest --all > config/services.yaml", "failover suggest sonarr --path ~/homelab")
)(catalog.suggest)
app.command(epilog=examples("failover schema > config/services.schema.json", "failover schema access"))(catalog.schema)
app.command(epilog=examples("failover notify --test"))(notify.notify)
app.command(
    epilog=examples(
        'eval "$(failover completion bash)"     # in ~/.bashrc',
        'eval "$(failover completion zsh)"      # in ~/.zshrc, after compinit',
        "failover completion fish | source      # in ~/.config/fish/config.fish",
    )
)(completion.completion)


@app.command(epilog=examples("failover serve", "failover serve --host 0.0.0.0 --port 8080"))
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8080,
    insecure_no_auth: Annotated[
        bool,
        typer.Option("--insecure-no-auth", help="Run open, without an access file: whoever reaches the port may move."),
    ] = False,
) -> None:
    """Run the HTTP service. FAILOVER_ACCESS (config/access.yaml) says who may call it."""
    from failover_api.edges.server import run_server

    carry_out(None, lambda settings: run_server(settings, host=host, port=port, open_to_all=insecure_no_auth))


@app.command(
    epilog=examples("failover guard", "FAILOVER_CLUSTER=/etc/failover-api/kubeconfig failover guard"),
)
def guard() -> None:
    """Run automatic failover alone, without the HTTP service.

    In a pod it looks at its own cluster, elsewhere at the one that FAILOVER_CLUSTER names (a kubeconfig).
    """
    from failover_api.edges.guard import run_guard

    carry_out(None, run_guard)


tokens = typer.Typer(no_args_is_help=True, help="Static tokens for callers of the service.")
app.add_typer(tokens, name="token")


@tokens.command(
    "new",
    epilog=examples("failover token new ops-laptop", "failover token new board --allow view --service 'media-*'"),
)
def new_token(
    name: TokenName,
    allow: Allow = None,
    services: Services = None,
    expires: Expires = None,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is printed once; access.yaml gets only its digest."""
    from failover_api.edges.cli.tokens import new_token

    terminal = open_terminal(as_json=as_json)

    def run(_: "Settings") -> None:
        made = new_token(name, allow=allow or VERBS, services=services or ["*"], expires=expires)
        terminal.show_token({"token": made.token, "entry": made.entry})

    carry_out(terminal, run)


app.command(epilog=examples("failover demo", "failover demo --serve", "failover demo kill k3s-w1"))(demo.demo)


def main() -> NoReturn:
    """The entry point of `failover`."""
    # What a command has to say it says itself; only `serve` has a log.
    logging.getLogger("failover_api").addHandler(logging.NullHandler())
    if os.getpid() == 1:  # of a container: the kernel drops what has no handler, and imports take a while
        # Not by an exception, which whatever is being imported might swallow.
        set_handlers(lambda signum, _: os._exit(128 + signum))
    completion.prepare_completion()
    app()
    raise AssertionError("unreachable")
