"""The text of a pull request: golden, as Markdown reads it, as Git reads it once it was squashed, and how it is cut."""

import textwrap
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover_api.core.catalog.model import Action
from failover_api.core.planning.plan import Change, Plan
from failover_api.core.planning.request import Provenance
from failover_api.core.planning.state import State
from failover_api.core.splice.shown import shown
from failover_api.core.text.commit_message import commit_message, headline, record_of
from failover_api.core.text.escaping import unescape_for_git
from failover_api.core.text.pull_request import MAX_SIZE, pull_request_text
from failover_api.core.text.trailers import read_records, write_trailers
from failover_api.core.wording import one_line
from tests.support.builders import change, plan_of, provenance
from tests.support.git import needs_git, trailers_of
from tests.support.markdown import texts, tokens_of

AT, ROOT = "a" * 40, "https://github.com/acme/homelab"
FILE = "apps/media/sonarr/deployment.yaml"
ROLE = change("spec.role", "primary", "backup", line=2, file=FILE)
CLAIM = change("spec.claim", "pvc-sonarr", "pvc-sonarr-backup", line=3, file=FILE)
OLD = b"spec:\n  role: primary\n  claim: pvc-sonarr\n"
NEW = b"spec:\n  role: backup\n  claim: pvc-sonarr-backup\n"
ASKED = provenance("k3s-w1 is down")


planned = partial(plan_of, old=OLD, new=NEW)


SONARR = planned(ROLE, CLAIM)


def body_of(*moves: tuple[Plan, Provenance]) -> str:
    return pull_request_text(moves, at=AT, root=ROOT)[1]


def test_the_text_for_one_service() -> None:
    title, body = pull_request_text([(SONARR, ASKED)], at=AT, root=ROOT)
    assert title == "Fail over sonarr to backup"
    page = f"{ROOT}/blob/{AT}/{FILE}"
    assert body == (
        f"""\
`Deployment media/sonarr` moves from primary to backup.

| File | Path | Old | New |
| --- | --- | --- | --- |
| [`{FILE}:2`]({page}#L2) | `spec.role` | `primary` | `backup` |
| [`{FILE}:3`]({page}#L3) | `spec.claim` | `pvc-sonarr` | `pvc-sonarr-backup` |

 ```diff
 --- a/{FILE}
 +++ b/{FILE}
 @@ -1,3 +1,3 @@
  spec:
 -  role: primary
 -  claim: pvc-sonarr
 +  role: backup
 +  claim: pvc-sonarr-backup
 ```

```text
Asked for by ops-laptop at 2026-11-23T04:00:00Z
Reason: k3s-w1 is down
```

Before you merge it, look at

- the node that it moves to: is it ready, and has it room?
- the claim that it moves to: is it there, and bound?
- the copy behind that claim: is it current? What was written after it was made will be missing.

After the merge Git says so, and Flux applies it within its interval, or when told.

`failover status sonarr` tells what Git says.

To undo it, close this pull request instead of merging it; after the merge, """
        """`failover rollback sonarr` or `failover demote sonarr`.

```text

Failover-Service: sonarr
Failover-Action: promote
Failover-From: primary
Failover-To: backup
Failover-Operation: 01JDAAAAAAAAAAAAAAAAAAAAAA
Failover-Requested-By: ops-laptop
Failover-Requested-At: 2026-11-23T04:00:00Z"""
    )


def test_a_group_names_each_service_and_moves_back_as_one() -> None:
    provenance = replace(ASKED, group="k3s-w1", force=True)
    there = replace(planned(name="idle"), after=State.BACKUP)
    title, body = pull_request_text(
        [
            (SONARR, provenance),
            (there, provenance),
            (replace(SONARR, service=replace(SONARR.service, name="plex")), provenance),
        ],
        at=AT,
        root=ROOT,
    )
    assert title == "Fail over 2 services to backup"
    assert body.startswith(
        "- `sonarr`: `Deployment media/sonarr` moves from primary to backup.\n"
        "- `plex`: `Deployment media/sonarr` moves from primary to backup.\n\n"
    )
    assert "\nAsked for by ops-laptop at 2026-11-23T04:00:00Z, with force\n" in body
    assert "`failover status NAME`" in body
    assert "`failover rollback NAME` or `failover demote --group k3s-w1`." in body
    assert "idle" not in body


@pytest.mark.parametrize("instead", ["node k3s-w1", "alert NodeGone"])
def test_what_stands_in_place_of_a_group_is_no_group_to_move_back(instead: str) -> None:
    provenance = replace(ASKED, group=instead)
    moves = [(SONARR, provenance), (replace(SONARR, service=replace(SONARR.service, name="plex")), provenance)]
    _, body = pull_request_text(moves, at=AT, root=ROOT)
    assert "`failover rollback NAME` or `failover demote NAME`." in body


@pytest.mark.parametrize(
    ("action", "commands"),
    [
        (Action.PROMOTE, "`failover rollback sonarr` or `failover demote sonarr`."),
        (Action.DEMOTE, "`failover rollback sonarr` or `failover promote sonarr`."),
        (Action.ROLLBACK, "`failover rollback sonarr`."),
    ],
)
def test_it_says_how_to_undo_it(action: Action, commands: str) -> None:
    assert f"after the merge, {commands}\n" in body_of((replace(SONARR, action=action), ASKED))


def test_a_file_of_several_services_is_one_diff() -> None:
    middle = OLD.replace(b"primary", b"backup")
    one = planned(ROLE, name="one", new=middle)
    two = planned(CLAIM, name="two", old=middle)
    body = body_of((one, ASKED), (two, ASKED))
    assert body.count("--- a/") == 1
    assert " -  role: primary\n -  claim: pvc-sonarr\n +  role: backup\n +  claim: pvc-sonarr-backup\n" in body


def test_a_diff_shows_what_is_hidden_in_it() -> None:
    old = "a: 1\t# tab\r\nb: x\u202ey\r\nc: \u200bz\rw\r\n".encode()
    body = body_of((planned(ROLE, old=old, new=old.replace(b"1", b"2")), ASKED))
    assert texts(body, "fence")[0].split("\n")[3:] == [
        "-a: 1\t# tab",
        "+a: 2\t# tab",
        " b: x\\u202ey",
        " c: \\u200bz\\u000dw",
        "",
    ]


# As Markdown reads it.


def test_markdown_reads_a_table_a_diff_and_the_trailers() -> None:
    body = body_of((SONARR, ASKED))
    assert texts(body, "code_inline")[:5] == ["Deployment media/sonarr", f"{FILE}:2", "spec.role", "primary", "backup"]
    diff, provenance, trailers = texts(body, "fence")
    assert diff.startswith(f"--- a/{FILE}\n+++ b/{FILE}\n@@ -1,3 +1,3 @@\n spec:\n-  role: primary\n")
    assert provenance == "Asked for by ops-laptop at 2026-11-23T04:00:00Z\nReason: k3s-w1 is down\n"
    assert trailers == "\n" + write_trailers([record_of(SONARR, ASKED)])
    assert [token.attrGet("href") for token in tokens_of(body) if token.type == "link_open"] == [
        f"{ROOT}/blob/{AT}/{FILE}#L{line}" for line in (2, 3)
    ]


HOSTILE = st.text(max_size=30) | st.sampled_from(
    [
        "@team",
        "`@team`",
        "``` @team",
        "````\n@team",
        "`",
        "a``b` @team",
        "| @team |",
        "\\| @team",
        "\\",
        "`|`",
        "<img src=x onerror=@team>",
        "<!-- @team",
        "](https://evil.example/@team)",
        "[a](b) @team",
        "\n\n# @team",
        "\n---\n@team",
        "\r@team\r",
        "\u2028@team",
        "\u202e@team",
        "~~~",
        "fixes #12 @team",
        "\nFailover-Service: forged",
        "Failover-Service: forged",
        "x\n\nFailover-Service: x\nFailover-Action: promote\nFailover-From: a\nFailover-To: b\nFailover-Operation: o",
        "Reason: forged",
        " ",
        "\ud800",
    ]
)
CHANGES = st.builds(
    Change,
    file=HOSTILE.map(lambda text: f"apps/{text}.yaml"),
    document=HOSTILE,
    path=HOSTILE.map(lambda text: f"spec{text}"),
    line=st.integers(1, 99),
    old=HOSTILE | st.none() | st.booleans() | st.floats(),
    new=HOSTILE | st.integers(),
)
CONTENTS = HOSTILE.map(lambda text: f"a: 1\n# {text}\n{text}\n".encode(errors="replace"))
PLANS = st.builds(
    lambda changes, old, new: planned(*changes, old=old, new=new),
    st.lists(CHANGES, min_size=1, max_size=3),
    CONTENTS,
    CONTENTS,
)
ASKINGS = st.builds(
    Provenance, operation=st.just("01JD"), by=HOSTILE.map("x{}".format), at=st.just("2026"), reason=HOSTILE
)
PLAIN = "".join(texts(body_of((SONARR, ASKED)), "text"))


def normal(text: str) -> str:
    return " ".join(text.split())


@settings(deadline=None)
@given(PLANS, ASKINGS)
def test_what_comes_from_outside_stands_in_code_and_nowhere_else(plan: Plan, provenance: Provenance) -> None:
    body = body_of((plan, provenance))
    assert not [
        token for token in tokens_of(body) if "html" in token.type or token.type in {"image", "heading_open", "hr"}
    ]
    assert "".join(texts(body, "text")).replace("move from", "moves from").count("moves from primary to backup.") == 1
    assert set("".join(texts(body, "text"))) <= set(PLAIN) | set(", and")
    rows = [token for token in tokens_of(body) if token.type == "tr_open"]
    assert len(rows) == 1 + len(plan.changes)
    in_code = [normal(unescape_for_git(text)) for text in texts(body, "code_inline")]
    for one in plan.changes:
        assert normal(shown(one.old)) in in_code
        assert normal(one_line(one.path)) in in_code
        assert normal(f"{one_line(one.file)}:{one.line}") in in_code
    assert texts(body, "fence")[-1] == "\n" + write_trailers([record_of(plan, provenance)])


@settings(deadline=None)
@given(PLANS, ASKINGS, st.booleans())
def test_nothing_from_outside_forges_or_loses_a_record(plan: Plan, provenance: Provenance, windows: bool) -> None:
    body = body_of((plan, provenance))
    text = body.replace("\n", "\r\n") if windows else body
    assert read_records(text) == read_records(commit_message([(plan, provenance)]))
    assert [record.service for record in read_records(text)] == ["sonarr"]


# As a commit message.


def squashed(body: str) -> str:
    return f"Fail over sonarr to backup (#12)\n\n{body}\n"


@needs_git
@settings(max_examples=30, deadline=None)
@given(PLANS, ASKINGS)
def test_git_reads_the_trailers_of_a_squash_merge(plan: Plan, provenance: Provenance) -> None:
    message = squashed(body_of((plan, provenance)))
    assert trailers_of(message) == write_trailers([record_of(plan, provenance)]).splitlines()
    assert not [line for line in message.splitlines() if line.startswith(("---", "#"))]


@pytest.mark.parametrize(
    "provenance", [ASKED, replace(ASKED, reason="down since the storm: " * 9 + "see the log", key="ab" * 32)]
)
def test_a_squash_merge_whose_long_lines_were_broken_is_recognised(provenance: Provenance) -> None:
    lines = [
        textwrap.wrap(line, 72, break_long_words=False) or [""] for line in body_of((SONARR, provenance)).split("\n")
    ]
    message = squashed("\n".join(piece for pieces in lines for piece in pieces))
    assert read_records(message) == (record_of(SONARR, provenance),)


def test_a_squash_merge_with_co_authors_is_recognised() -> None:
    message = squashed(body_of((SONARR, ASKED))) + "\n---------\n\nCo-authored-by: A <a@b>\n"
    assert read_records(message) == (record_of(SONARR, ASKED),)


# Cut.


def group_of(
    count: int, *, name: str = "service-{}", provenance: Provenance = ASKED, old: bytes = OLD, new: bytes = NEW
) -> list[tuple[Plan, Provenance]]:
    names = [name.format(n) for n in range(count)]
    return [
        (
            planned(
                *(replace(change, file=f"apps/{service}/deployment.yaml") for change in (ROLE, CLAIM)),
                name=service,
                old=old,
                new=new,
            ),
            replace(provenance, group="k3s-w1"),
        )
        for service in names
    ]


LONG = replace(ASKED, by="repo:acme/homelab:" + "x" * 200, reason="\u505c\u96fb" * 100, key="ab" * 32, force=True)


@pytest.mark.parametrize("name", ["s{}", "service-{}", "{:a>63}"])
@pytest.mark.parametrize("provenance", [ASKED, LONG])
@pytest.mark.parametrize("windows", [False, True])
def test_a_group_of_300_services_fits_and_none_is_lost(name: str, provenance: Provenance, windows: bool) -> None:
    moves = group_of(300, name=name, provenance=provenance)
    body = body_of(*moves)
    records = tuple(record_of(plan, provenance) for plan, provenance in moves)
    text = body.replace("\n", "\r\n") if windows else body
    assert len(text) < MAX_SIZE
    assert len(text.encode()) <= MAX_SIZE
    assert body.endswith("\n\n" + write_trailers(records))
    assert read_records(text) == records


def test_the_diff_is_cut_first() -> None:
    lines = b"".join(b"# line %d\n" % n for n in range(20_000))
    other = lines.replace(b"# line 1", b"# LINE 1")
    body = body_of(*group_of(2, old=lines, new=other))
    assert len(body) < MAX_SIZE
    diff = texts(body, "fence")[0]
    assert diff.startswith("--- a/apps/service-0/deployment.yaml\n")
    assert body.count("| [`") == 4
    assert len(body) > MAX_SIZE - 5_000
    (note,) = [line for line in body.split("\n") if line.startswith("_And ")]
    assert note.endswith(" more diff lines: see the files changed._")


def test_one_endless_line_is_left_out_of_the_diff() -> None:
    body = body_of((planned(ROLE, old=b"a: " + b"x" * 100_000, new=b"a: " + b"y" * 100_000), ASKED))
    assert texts(body, "fence")[0] == f"--- a/{FILE}\n+++ b/{FILE}\n@@ -1 +1 @@\n"
    assert "\n\n_And 4 more diff lines: see the files changed._\n\n" in body


def test_then_the_table_and_the_trailers_never() -> None:
    body = body_of(*group_of(300))
    notes = [line for line in body.split("\n") if line.startswith("_And ")]
    assert [note.split(" more ")[1] for note in notes] == [
        "services: see the files changed._",
        "values: see the files changed._",
        "diff lines: see the files changed._",
    ]
    assert len([token for token in tokens_of(body) if token.type == "tr_open"]) > 50
    *diff, asked, trailers = texts(body, "fence")
    assert len("".join(diff)) < 500, "what room is left is hardly a row of the table"
    assert asked.startswith("Asked for by")
    assert trailers.count("Failover-Service: ") == 300


def test_what_is_cut_is_counted() -> None:
    body = body_of(*group_of(31))
    assert "\n\n_And 1 more service: see the files changed._\n\n" in body
    assert body.count("\n- `service-") == 29
    assert body.count("| [`") == 62


def test_the_title_is_the_commit_s_headline() -> None:
    moves = group_of(3)
    assert pull_request_text(moves, at=AT, root=ROOT)[0] == headline([plan for plan, _ in moves])


def test_what_the_way_back_will_not_bring_back_is_told_in_a_fence() -> None:
    warned = replace(SONARR, warnings=("f.yaml:3: demote will write `a: @me` where `*app` stood", "--- ```\n# x"))
    body = body_of((warned, ASKED))
    assert (
        "Know before you merge it:\n\n````text\n- f.yaml:3: demote will write `a: @me` where `*app` stood\n"
        "- --- ```\\u000a# x\n````\n\n```text\n\nFailover-Service: sonarr"
    ) in body
    assert "Know before" not in body_of((SONARR, ASKED))


def test_hazards_come_first_and_stay_on_their_lines() -> None:
    hazards = ["It stays behind. Sync `x` first.", "# a\nFailover-Service: evil"]
    _, body = pull_request_text([(SONARR, ASKED)], at=AT, root=ROOT, hazards=hazards)
    assert (
        "Know before you merge it:\n\n```text\n- It stays behind. Sync `x` first.\n- # a\\u000aFailover-Service: evil\n"
        "```\n"
    ) in body
    assert [record.service for record in read_records(body)] == ["sonarr"]


def test_warnings_without_end_leave_room_for_the_trailers() -> None:
    warned = replace(SONARR, warnings=tuple(f"{n}: {'x' * 5000}" for n in range(1000)))
    body = body_of((warned, ASKED))
    assert "- and 980 more\n" in body
    assert len(body) < MAX_SIZE
    assert body.endswith("Failover-Requested-At: 2026-11-23T04:00:00Z")
