"""`failover demo`, and what befalls the machines of a demo that runs: kill, cut, revive."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from failover_api.edges.cli.execution import DONE, carry_out, open_terminal
from failover_api.edges.interruption import Interrupted, Interruption

if TYPE_CHECKING:  # `failover --help` should not wait for pydantic
    from failover_api.settings import Settings


class Act(StrEnum):
    """What may befall a machine."""

    KILL = "kill"
    CUT = "cut"
    REVIVE = "revive"


_TOLD = {
    Act.KILL: "the power is off; Kubernetes notices after 40 to 50 s",
    Act.CUT: "off the network; its apps run on",
    Act.REVIVE: "it is back",
}
_CONTROL_PLANE = "k3s-cp"
_BEHIND_S = 5.0
_GOES_ON = (
    "A real cluster's only control-plane node takes the API server with it: nothing is seen, and nothing moves, until "
    "it is back. Here it goes on."
)


def demo(
    act: Annotated[
        Act | None, typer.Argument(help="What befalls a machine of a demo that runs; without it, the demo itself.")
    ] = None,
    node: Annotated[str | None, typer.Argument(metavar="NODE", help="The machine: k3s-cp, k3s-w1 or k3s-w2.")] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Keep it running and print lines to try.")] = False,
    step: Annotated[bool, typer.Option("--step", help="Wait for Enter before each step.")] = False,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="URL", help="With kill, cut, revive: which demo, where several run."),
    ] = None,
) -> None:
    """Walk through a failover in a sandbox with a cluster.

    Nothing outside this machine is touched. kill, cut and revive speak to a demo that runs, and to nothing else.
    """
    if act is None:
        if cluster is not None:
            raise typer.BadParameter("--cluster goes with kill, cut or revive")
        _tell(serve=serve, step=step)
    if serve or step:
        raise typer.BadParameter("--serve and --step go without a command")
    if node is None:
        raise typer.BadParameter(f"which machine? failover demo {act} NODE")
    _befall(act, node, cluster)


def _tell(*, serve: bool, step: bool) -> NoReturn:
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


def _befall(act: Act, node: str, cluster: str | None) -> None:
    terminal = open_terminal()

    def run(_: "Settings") -> None:
        from failover_api.edges.demo.fate import befall

        behind_s = befall(node, act.value, cluster)
        terminal.note(f"{node}: {_TOLD[act]} (simulated)")
        if behind_s > _BEHIND_S:
            terminal.note(
                f"This computer is busy: the simulation is {behind_s:.0f} s behind, so all of that comes later."
            )
        if node == _CONTROL_PLANE and act is not Act.REVIVE:
            terminal.note(_GOES_ON)

    carry_out(terminal, run)
