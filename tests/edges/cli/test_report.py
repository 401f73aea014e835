"""What an entry of the history tells of a move that nobody asked for, and a report of it."""

from typing import Any

from failover_api.edges.bodies.history import entry_body
from failover_api.edges.cli.report import markdown
from failover_api.forge.values import LoggedCommit
from failover_api.reading.history import Entry
from tests.support.builders import record

AT = "2026-11-23T04:00:00Z"
EVIDENCE = ("node k3s-w1 (uid) is Unknown", "2 of 3 nodes are Ready")


def entry(**asked: Any) -> dict[str, Any]:
    logged = LoggedCommit("a" * 40, "https://github.com/a", True, "Fail over", "failover-api[bot]", AT, ())
    found = Entry(logged, record(**asked), verified=True)
    return dict(entry_body(found).model_dump(mode="json", by_alias=True))


def test_what_a_move_was_based_on_is_in_its_entry() -> None:
    told = entry(by="automatic", trigger="automatic", evidence=EVIDENCE)
    assert (told["trigger"], told["evidence"]) == ("automatic", list(EVIDENCE))
    assert not {"trigger", "evidence"} & entry().keys(), "somebody asked for it"


def test_a_report_says_what_a_move_was_based_on() -> None:
    rollout = {"steps": [], "hazards": [], "blocked": None, "commit": {}, "done": True, "stage": "serving"}
    move = {"service": "sonarr", "rollout": rollout, "cluster": None, "replication": None, "nodes": {}}
    told = entry(by="automatic", trigger="automatic", evidence=EVIDENCE)
    page = markdown({"operation": "01J", "moves": [{**move, "entry": told}]}, utc=True)
    lines = page[page.index("### Evidence") :].splitlines()[2:5]
    assert lines == [
        "- Nobody asked for it (automatic). It was based on this:",
        "  - node k3s-w1 (uid) is Unknown",
        "  - 2 of 3 nodes are Ready",
    ]
    assert [page.count(line) for line in EVIDENCE] == [1, 1]


def test_a_report_of_what_is_not_written_yet_has_its_waves() -> None:
    wave = {"services": ["db"], "state": "running", "commit": None, "reason": "db: a pull request waits for its merge"}
    page = markdown({"operation": "01J", "state": "running", "waves": [wave], "moves": []}, utc=True)
    assert page.startswith("# Move of db\n\n- Operation: `01J`\n- Nothing of it is written yet.\n")
    assert "| 1/1 | db | running |  | db: a pull request waits for its merge |" in page
