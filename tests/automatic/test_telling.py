"""What people are told of a node that is not heard of: of each service what becomes of it."""

from dataclasses import replace

from failover_api.automatic.telling import Teller
from failover_api.core.catalog.automatic import Mode
from failover_api.core.safety.governance import decide
from failover_api.core.safety.judgement import NodeState
from failover_api.events import AutomaticTold, Events
from tests.core.safety.situations import RULES, dead, ready, service, situation, verdicts


def told(whole: Mode) -> str:
    """Of two services, one of which acts where the whole does, the other only observes."""
    heard: list[AutomaticTold] = []
    events = Events()
    events.subscribe(AutomaticTold, heard.append)
    seen = verdicts(dead("w1", state=NodeState.SUSPECT, is_due=False), ready("w2"), ready("cp"))
    services = (service("sonarr"), service("plex", mode=Mode.OBSERVE))
    given = situation(*services, verdicts=seen, rules=replace(RULES, mode=whole))
    Teller(events).tell(given, decide(given))
    [one] = heard
    return one.message


def test_what_only_observes_is_not_said_to_move() -> None:
    assert "sonarr moves and plex would move at 2026-11-30 20:00:00 UTC, if it stays so." in told(Mode.ACT)
    assert "sonarr, plex would move at 2026-11-30 20:00:00 UTC, if it stays so." in told(Mode.OBSERVE)
