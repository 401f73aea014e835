"""What people are told of a node that is not heard of: of each service what becomes of it."""

from dataclasses import replace

from failover_api.automatic.sharing import report_of
from failover_api.automatic.telling import LASTING_S, Teller
from failover_api.core.catalog.automatic import Mode
from failover_api.core.catalog.model import Side
from failover_api.core.catalog.notification import Event
from failover_api.core.safety.governance import DataFact, Gate, GitFacts, Return, decide
from failover_api.core.safety.judgement import NodeState
from failover_api.events import AutomaticTold, Events
from tests.core.safety.situations import RULES, dead, ready, service, situation, verdicts


def listened_to() -> tuple[Teller, list[AutomaticTold]]:
    """One, and what is heard of it."""
    events, heard = Events(), list[AutomaticTold]()
    events.subscribe(AutomaticTold, heard.append)
    return Teller(events), heard


def told(whole: Mode) -> str:
    """Of two services, one of which acts where the whole does, the other only observes."""
    teller, heard = listened_to()
    seen = verdicts(dead("w1", state=NodeState.SUSPECT, is_due=False), ready("w2"), ready("cp"))
    services = (service("sonarr"), service("plex", mode=Mode.OBSERVE))
    given = situation(*services, verdicts=seen, rules=replace(RULES, mode=whole))
    teller.tell(given, decide(given))
    [one] = heard
    return one.message


def test_what_only_observes_is_not_said_to_move() -> None:
    assert "sonarr moves and plex would move at 2026-11-30 20:00:00 UTC, if it stays so." in told(Mode.ACT)
    assert "sonarr, plex would move at 2026-11-30 20:00:00 UTC, if it stays so." in told(Mode.OBSERVE)


def test_of_several_it_is_said_as_of_several() -> None:
    teller, heard = listened_to()
    both = (service("sonarr"), service("plex"))
    given = situation(*both, verdicts=verdicts(dead("w1"), ready("w2"), ready("cp")), rules=RULES)
    decisions = decide(given)
    teller.acting(decisions.acts[0])
    teller.tell(given, decisions)
    assert [one.title for one in heard] == ["w1: sonarr, plex move by themselves", "w1 is not heard of"]
    assert heard[0].message.startswith("sonarr, plex are moved off w1 now. ")
    assert "sonarr, plex move at " in heard[1].message


def test_what_refuses_a_way_home_is_told_once() -> None:
    teller, heard = listened_to()
    sonarr = Return("sonarr", "w1", is_act=True, relocates=True)
    for now in (0.0, 1.0):
        teller.tell_stuck([sonarr], {sonarr.key: "It was never copied. (unsynced-overwritten)"}, now)
        teller.tell_stuck([replace(sonarr, service="plex")], {}, now)
        teller.tell_stuck([replace(sonarr, is_act=False)], {sonarr.key: "It was never copied."}, now)
    (one,) = heard
    assert one.title == "sonarr is not relocated home"
    assert one.message == (
        "sonarr is not relocated home: It was never copied. (unsynced-overwritten) Look at it, then "
        "`failover relocate sonarr --to primary`."
    )


def test_those_that_may_go_home_to_one_node_are_one_message() -> None:
    teller, heard = listened_to()
    sonarr, plex = Return("sonarr", "w1", is_act=False, relocates=True), Return("plex", "w1", is_act=False)
    teller.tell_returns([sonarr, plex, Return("radarr", "w3", is_act=False)], 0.0)
    teller.tell_returns([sonarr, plex], 1.0)
    assert [(one.node, one.services, one.title) for one in heard] == [
        ("w1", ("sonarr", "plex"), "sonarr, plex may go home"),
        ("w3", ("radarr",), "radarr may go home"),
    ]
    assert heard[0].message == (
        "w1 has been well for long enough:\n"
        "sonarr may go home, with its data: `failover relocate sonarr --to primary`.\n"
        "plex may go home. Look whether its data is there, then `failover demote plex`."
    )


def test_a_git_host_that_stays_away_is_told_once_it_has_lasted() -> None:
    """At first it mostly passes by itself."""
    teller, heard = listened_to()
    seen = verdicts(dead("w1"), ready("w2"), ready("cp"))
    for after_s in (0.0, 80.0, 95.0, 100.0):
        then = replace(seen, now=seen.now + after_s)
        away = GitFacts(None, failed_at=then.monotonic, detail="github.com does not answer")
        given = replace(situation(service("sonarr"), verdicts=then, rules=RULES), git=away)
        assert [hold.gate for one in decide(given).pending for hold in one.holds] == [Gate.GIT_UNREACHABLE]
        teller.tell(given, decide(given))
        held = [one for one in heard if one.about is Event.HELD]
        assert len(held) == (after_s > LASTING_S)
    assert "github.com does not answer" in held[0].message


def test_what_stays_on_a_dead_backup_node_is_proposed_whatever_else_holds_it() -> None:
    heard: list[AutomaticTold] = []
    events = Events()
    events.subscribe(AutomaticTold, heard.append)
    given = situation(service(side=Side.BACKUP, data=DataFact()), rules=RULES)
    Teller(events).tell(given, decide(given))
    (held,) = [one for one in heard if one.about is Event.HELD]
    assert "sonarr: Nobody can tell how old the copy is" in held.message
    assert held.message.endswith("Weigh it; then `failover demote sonarr`.")


def test_a_dead_node_of_which_nothing_was_ever_read_is_told() -> None:
    teller, heard = listened_to()
    seen = verdicts(dead("w1"), ready("w2"), ready("cp"))
    for after_s in (0.0, 95.0, 100.0):
        then = replace(seen, now=seen.now + after_s)
        unread = GitFacts(None, failed_at=then.monotonic, detail="credentials are refused", is_unread=True)
        given = replace(situation(verdicts=then, rules=RULES), services=(), git=unread)
        teller.tell(given, decide(given))
    assert "credentials are refused" in report_of(given, decide(given)).reason
    (one,) = heard
    assert (one.about, one.title) == (Event.HELD, "w1 is dead, and nothing of it moves")
    assert one.message.endswith("it is not known what is on it. credentials are refused")
