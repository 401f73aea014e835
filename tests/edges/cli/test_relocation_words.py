"""What `failover relocate` and `failover history` say of a relocation that no VolSync has a part in."""

from typing import Any

import pytest
import typer

from failover_api.edges.cli.relocations import _next
from failover_api.edges.cli.tables import has_room_for_table, relocation_line

STEPS = ("reverse", "quiesce", "final-sync", "cutover", "protect")


def body(*made: str, state: str = "done", cure: str = "") -> dict[str, Any]:
    steps = [{"name": name, "commits": [{"sha": "a"}] if name in made else [], "proof": ""} for name in STEPS]
    its = {"service": "sonarr", "to": "primary", "step": "protect", "operation": "OP", "dry_run": False}
    told = {"state": state, "reason": "It has stopped.", "cure": cure, "awaits_word": bool(cure)}
    return {**its, **told, "steps": steps, "copied_back": "reverse" in made}


class Doubtful:
    """A terminal at which somebody says no."""

    can_ask = True

    def __init__(self) -> None:
        self.told: list[str] = []

    def ask_whether_synced(self, body: dict[str, Any]) -> bool:
        return False

    def note(self, text: str) -> None:
        self.told.append(text)


def test_only_what_is_copied_is_said_to_be() -> None:
    assert relocation_line(body(*STEPS)) == "sonarr is on primary, and copied from there again."
    assert relocation_line(body("quiesce", "cutover", "protect")) == "sonarr is on primary."


def test_whoever_says_that_the_data_is_not_there_yet_is_not_asked_again_at_once() -> None:
    terminal = Doubtful()
    with pytest.raises(typer.Exit) as ended:
        _next(None, terminal, body("quiesce", state="waiting", cure="Relocate again with `synced=true`."))  # type: ignore[arg-type] # asked nothing
    assert ended.value.exit_code == 3
    (told,) = terminal.told
    assert "`failover relocate sonarr --to primary --synced`" in told
    assert "`failover relocate sonarr --abort`" in told


@pytest.mark.parametrize(("steps", "width", "fits"), [([], 80, True), (["one"], 80, False), (["one"], 140, True)])
def test_proofs_get_the_room_that_they_need(steps: list[str], width: int, fits: bool) -> None:
    assert has_room_for_table({"entries": [{"steps": steps}, {}]}, width) is fits
