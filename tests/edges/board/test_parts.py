"""What pages are made of: two sides of a diff, links, times, words, advice."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from failover_api.core.catalog.model import Branch, Policy, PullRequestOptions, Service, Switch
from failover_api.core.planning.request import Provenance
from failover_api.core.planning.state import Detection, Reading, State
from failover_api.core.safety.replication_states import ReplicationState
from failover_api.core.splice import Selector, Value
from failover_api.core.splice.paths import parse_path
from failover_api.core.text.trailers import Record
from failover_api.edges.board.advice import ADVICE, advice_on
from failover_api.edges.board.copies import DataCopy
from failover_api.edges.board.links import line_url, tree_url, web_base, web_only
from failover_api.edges.board.pages import TEMPLATES, Pages, ago, tag_of, when
from failover_api.edges.board.rows import Board, ServiceRow, row_of
from failover_api.edges.board.sides import FileDiff, Row, side_by_side
from failover_api.edges.problems import STATUSES
from failover_api.errors import BadRequest
from failover_api.forge.values import LoggedCommit
from failover_api.overview import View
from failover_api.reading.history import Entry
from failover_api.reading.status import Status
from tests.edges.board.ground import person, text


def told(line: Row) -> tuple[str, str]:
    """Both sides of a row: the number, and the text with what differs in brackets."""
    sides = [f"{s.number} {s.before}[{s.mark}]{s.after}" if s else "" for s in (line.old, line.new)]
    return (sides[0].replace("[]", ""), sides[1].replace("[]", ""))


def diffed(old: str, new: str, path: str = "a.yaml") -> FileDiff:
    (file,) = side_by_side({path: old.encode()}, {path: new.encode()})
    return file


def test_a_line_that_changes_stands_beside_what_it_becomes() -> None:
    file = diffed("one\nrole: primary  # here\ntwo\n", "one\nrole: backup  # here\ntwo\n")
    assert file.path == "a.yaml"
    assert [told(row) for row in file.hunks[0].rows] == [
        ("1 one", "1 one"),
        ("2 role: [primary]  # here", "2 role: [backup]  # here"),
        ("3 two", "3 two"),
    ]
    assert [row.changed for row in file.hunks[0].rows] == [False, True, False]


@pytest.mark.parametrize(
    ("old", "new", "marked"),
    [
        ("host: k3s-w1", "host: k3s-w2", ("1 host: [k3s-w1]", "1 host: [k3s-w2]")),
        ('claim: "pvc-a"', 'claim: "pvc-a-backup"', ('1 claim: "[pvc-a]"', '1 claim: "[pvc-a-backup]"')),
        ("{a: 1, b: 0}", "{a: 0, b: 1}", ("1 {a: [1, b: 0]}", "1 {a: [0, b: 1]}")),
        ("x", "y", ("1 [x]", "1 [y]")),
    ],
)
def test_whole_words_are_marked(old: str, new: str, marked: tuple[str, str]) -> None:
    assert told(diffed(f"{old}\n", f"{new}\n").hunks[0].rows[0]) == marked


def test_lines_that_are_only_on_one_side_leave_the_other_empty() -> None:
    file = diffed("a\nb\nc\n", "a\nc\nd\ne\n")
    assert [told(row) for row in file.hunks[0].rows] == [
        ("1 a", "1 a"),
        ("2 b", ""),
        ("3 c", "2 c"),
        ("", "3 d"),
        ("", "4 e"),
    ]


def test_far_apart_changes_are_hunks_with_their_own_numbers() -> None:
    lines = [f"    line {number}" for number in range(40)]
    after = [*lines]
    after[5], after[30] = "    five", "    thirty"
    file = diffed("\n".join(lines) + "\n", "\n".join(after) + "\n")
    assert [told(hunk.rows[3])[1] for hunk in file.hunks] == ["6     [five]", "31     [thirty]"]
    assert [hunk.indent for hunk in file.hunks] == [4, 4]


def test_several_files_no_newline_and_crlf_are_read() -> None:
    old = {"a b.yaml": b"x: 1\r\ny: 2", "c.yaml": b"--- a/fake\n"}
    new = {"a b.yaml": b"x: 2\r\ny: 2", "c.yaml": b"--- a/fakes\n"}
    first, second = side_by_side(old, new)
    assert first.path == "a b.yaml"
    assert [told(row) for row in first.hunks[0].rows] == [("1 x: [1]", "1 x: [2]"), ("2 y: 2", "2 y: 2")]
    assert second.path == "c.yaml"


def test_a_line_that_looks_like_the_head_of_a_diff_is_a_line() -> None:
    file = diffed("-- a/one\n@@ -1 +1 @@\n", "-- a/two\n@@ -1 +1 @@\n")
    assert [told(row)[1] for row in file.hunks[0].rows] == ["1 -- [a/two]", "2 @@ -1 +1 @@"]


def test_what_stays_the_same_is_no_file() -> None:
    assert side_by_side({"a.yaml": b"x"}, {"a.yaml": b"x"}) == []


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://ghe.example.org/api/v3", "https://ghe.example.org"),
        ("https://api.tenant.ghe.com", "https://tenant.ghe.com"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("https://api.corp.example/api/v3", "https://api.corp.example"),
    ],
)
def test_the_hosts_own_pages_are_found_by_its_api(api: str, web: str) -> None:
    assert web_base(api) == web


def test_a_line_has_a_url_whatever_the_names_hold() -> None:
    branch = Branch("acme/homelab", "release/1 #2")
    assert line_url("https://github.com", branch, "apps/a b?.yaml", 21) == (
        "https://github.com/acme/homelab/blob/release/1%20%232/apps/a%20b%3F.yaml#L21"
    )
    assert tree_url("https://github.com", branch) == "https://github.com/acme/homelab/tree/release/1%20%232"


def test_only_the_web_can_be_followed() -> None:
    assert web_only("https://github.com/x") == "https://github.com/x"
    assert web_only("javascript:alert(1)") == ""


@pytest.mark.parametrize(
    ("time", "read"),
    [
        ("2026-11-04T13:40:59Z", "4 Nov 2026, 13:40 UTC"),
        ("", ""),
        ("yesterday", "yesterday"),
        ("2026-13-01T00", "2026-13-01T00"),
        pytest.param(f"2026-{'1' * 5000}-01T00", f"2026-{'1' * 5000}-01T00", id="long"),
    ],
)
def test_times_are_read_by_people(time: str, read: str) -> None:
    assert when(time) == read


def test_there_is_advice_on_every_error() -> None:
    assert ADVICE.keys() <= STATUSES.keys()
    for slug in STATUSES:
        error = BadRequest("something")
        error.slug = slug
        assert advice_on(error).endswith(".")


def reading(
    path: str, document: str = "Deployment home/a", value: Value = "x", state: State = State.PRIMARY
) -> Reading:
    switch = Switch("a.yaml", Selector(), parse_path(path), "x", "y")
    return Reading(switch, "a.yaml", document, 3, value, state)


def row(
    *readings: Reading, state: State = State.PRIMARY, nodes: tuple[str, ...] = (), move: Entry | None = None
) -> ServiceRow:
    switches = tuple(reading.switch for reading in readings)
    service = Service("a", Branch("acme/homelab", "main"), "", Policy.DIRECT, None, PullRequestOptions(), switches)
    service = replace(service, primary_nodes=nodes, backup_nodes=("k3s-w2",))
    status = Status(service, Detection(state, readings), "", last_move=move)
    return row_of(status, person("maria"), groups=set())


def test_a_node_is_named_only_where_it_is_known() -> None:
    label = reading("spec.template.spec.nodeSelector.role", value="primary")
    claim = reading("spec.template.spec.volumes[name=a].persistentVolumeClaim.claimName", value="pvc-a")
    assert row(label).nodes == ()
    assert row(label, nodes=("k3s-w1", "k3s-w3")).nodes == ("k3s-w1", "k3s-w3")
    assert row(label, nodes=("k3s-w1",), state=State.BACKUP).nodes == ("k3s-w2",)
    assert row(label, nodes=("k3s-w1",), state=State.MIXED).nodes == ()
    assert row(label, claim).claims == ("pvc-a",)


def moved_to(side: str) -> Entry:
    at = "2026-11-04T13:40:59Z"
    logged = LoggedCommit("c0ffee", "https://github.com/x", True, "promote a", "maria", at, ())
    return Entry(logged, Record("a", "promote", "primary", side, Provenance("x", "maria", at)))


def test_since_and_why_are_told_only_of_the_move_that_led_where_it_is() -> None:
    assert row(state=State.BACKUP, move=moved_to("backup")).came_by == moved_to("backup")
    assert row(state=State.PRIMARY, move=moved_to("backup")).came_by is None
    assert row(state=State.MIXED, move=moved_to("backup")).came_by == moved_to("backup")
    assert row(state=State.MIXED, move=moved_to("backup")).since == ""
    assert row(state=State.BACKUP, move=moved_to("backup")).since == "2026-11-04T13:40:59Z"
    assert row(state=State.PRIMARY, move=moved_to("backup")).since == ""
    assert row(state=State.BACKUP).since == ""


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("2026-11-04T13:40:00Z", "just now"),
        ("2026-11-04T13:41:00Z", "just now"),
        ("2026-11-04T13:38:59Z", "1 min ago"),
        ("2026-11-04T12:40:01Z", "59 min ago"),
        ("2026-11-04T10:40:00Z", "3 h ago"),
        ("2026-11-02T13:40:01Z", "47 h ago"),
        ("2026-11-02T13:40:00Z", "2 days ago"),
        ("2026-11-04T13:40:00", "2026-11-04T13:40:00"),
        ("yesterday", "yesterday"),
    ],
)
def test_an_age_is_coarse(time: str, said: str) -> None:
    assert ago(time, datetime(2026, 11, 4, 13, 40, tzinfo=UTC)) == said


def test_a_row_has_room_for_the_stage_and_the_age_of_the_data() -> None:
    view = View((), datetime(2026, 11, 4, 13, 40, tzinfo=UTC), {})
    empty = row(nodes=("k3s-w1",))
    full = replace(empty, stage="rolling-out", copy=DataCopy(ReplicationState.PROTECTED, "2026-11-04T13:00:00Z"))
    stale = replace(empty, copy=DataCopy(ReplicationState.STALE, "2026-11-02T13:00:00Z"))
    shown = [
        Pages().part(
            "_board.html", view=view, board=Board((one,), ()), nodes=None, returns=(), config_error=None, root=""
        )
        for one in (empty, full, stale)
    ]
    assert "a primary k3s-w1 Promote a" in text(shown[0])
    assert "a primary k3s-w1 rolling-out data of 40 min ago Promote a" in text(shown[1])
    assert "Needs a look 1 a primary k3s-w1 copy stale Promote a" in text(shown[2])


def test_an_etag_outlasts_ages_but_not_what_happened() -> None:
    seen = '<time data-seen datetime="2026-11-04T13:40:00Z">13:40:00 UTC</time>'
    one = f'<p>As at {seen}</p><time datetime="x">3 h ago</time>'
    assert tag_of(one) == tag_of(one.replace("3 h", "4 h").replace("13:40:00", "13:41:10"))
    assert tag_of(one) != tag_of(one.replace('"x"', '"y"'))
    assert tag_of(one) != tag_of(one.replace("As at", "At"))


def test_many_strays_are_counted_after_the_first_few() -> None:
    strays = [reading(f"spec.x{number}", state=State.UNKNOWN) for number in range(6)]
    shown = row(*strays, state=State.UNKNOWN)
    assert len(shown.troubles) == 5
    assert shown.troubles[-1].text == "2 more values are on neither side."


def test_a_template_takes_nothing_in_vain_from_another() -> None:
    for file in sorted(TEMPLATES.glob("*.html")):
        text = file.read_text(encoding="utf-8")
        taken = [
            name.split()[-1] for names in re.findall(r"{% from \S+ import (.*?) %}", text) for name in names.split(",")
        ]
        assert [name for name in taken if f"{name}(" not in text] == [], file.name


def test_the_mark_of_the_board_s_headline_stands_on_the_board_alone() -> None:
    """It is green unless the board says otherwise: on another page it would say that all is well."""
    marked = [file.name for file in TEMPLATES.glob("*.html") if 'id="headline"' in file.read_text(encoding="utf-8")]
    assert marked == ["_board.html"]
