"""`failover demo`, and what one does to the machines of a demo that runs: kill, cut, revive."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from failover_api.edges.cli.execution import DONE, carry_out, open_terminal
from failover_api.edges.cli.options import examples
from failover_api.edges.interruption import Interrupted, Interruption

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.settings import Settings

_Node = Annotated[str, typer.Argument(metavar="NODE", help="A machine of the demo: k3s-cp, k3s-w1 or k3s-w2.")]
_Cluster = Annotated[
    str | None, typer.Option("--cluster", metavar="URL", help="Which demo, where several run: as each prints it.")
]

app = typer.Typer(
    rich_markup_mode=None,
    invoke_without_command=True,
    epilog=examples("failover demo", "failover demo --serve", "failover demo kill k3s-w1"),
)


@app.callback()
def demo(
    context: typer.Context,
    serve: Annotated[bool, typer.Option("--serve", help="Keep it running and print lines to try.")] = False,
    step: Annotated[bool, typer.Option("--step", help="Wait for Enter before each step.")] = False,
) -> None:
    """Walk through a failover in a built-in sandbox and a simulated cluster.

    Nothing outside this machine is touched.
    """
    if context.invoked_subcommand is not None:
        if serve or step:
            raise typer.BadParameter("--serve and --step go without a command")
        return
    from failover_api.edges.demo.run import run_demo

    if step and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise typer.BadParameter("--step waits for Enter, and here is no terminal to press it on")
    interruption = Interruption()
    try:
        with interruption.caught():
            code = run_demo(keep_serving=serve, step=step)
    except Interrupted as exc:
        raise typer.Exit(DONE if serve else exc.exit_code) from None
    raise typer.Exit(code)


def _command(act: str, words: str, told: str) -> None:
    @app.command(act, help=words, epilog=examples(f"failover demo {act} k3s-w1"))
    def carry(node: _Node, cluster: _Cluster = None) -> None:
        _carry_out(lambda: _act(node, act, cluster), f"{node}: {told} (simulated)")


def _carry_out(act: Callable[[], None], told: str) -> None:
    terminal = open_terminal()

    def run(_: "Settings") -> None:
        act()
        terminal.note(told)

    carry_out(terminal, run)


def _act(node: str, act: str, cluster: str | None) -> None:
    from failover_api.edges.demo.fate import befall

    befall(node, act, cluster)


_command("kill", "Switch a machine of a running demo off.", "the power is off; Kubernetes notices after 40 to 50 s")
_command(
    "cut", "Take a machine of a running demo off the network; its apps run on.", "off the network; its apps run on"
)
_command("revive", "Bring a machine of a running demo back.", "it is back")
