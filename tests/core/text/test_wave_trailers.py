"""A wave in the trailers of a commit: what anybody goes on from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.planning.request import Provenance
from failover_api.core.planning.waves import Wave
from failover_api.core.text.trailers import MAX_LENGTH, Record, read_records, write_trailers
from failover_api.core.text.wave_trailers import read_wave, write_wave

WAVE = Wave(
    2,
    (("db",), ("app", "cache"), ("web",)),
    actions=(("cache", "demote"),),
    accept=("web:node-cordoned",),
    supersede=True,
    node="k3s-w1",
)
NAME = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)


def test_it_is_written_in_four_lines() -> None:
    assert write_wave(WAVE) == {
        "Wave": "2/3",
        "Members": "db, app, cache, web",
        "Wave-Sizes": "1, 2, 1",
        "Wave-Options": "supersede, @k3s-w1, cache=demote, web:node-cordoned",
    }


def test_where_there_are_no_options_there_is_no_line_of_them() -> None:
    provenance = Provenance("01JD", "me", "2026-12-01T00:00:00Z", wave=Wave(1, (("db",), ("app",))))
    text = write_trailers([Record("db", "promote", "primary", "backup", provenance)])
    assert text.endswith("Failover-Wave: 1/2\nFailover-Members: db, app\nFailover-Wave-Sizes: 1, 1")
    assert read_records(text)[0].provenance == provenance


@given(st.lists(st.lists(NAME, min_size=1, max_size=4), min_size=1, max_size=4), st.data())
def test_what_is_written_is_read(waves: list[list[str]], data: st.DataObject) -> None:
    names = dict.fromkeys(name for wave in waves for name in wave)
    if len(names) != sum(map(len, waves)):
        return
    number = data.draw(st.integers(1, len(waves)))
    wave = Wave(number, tuple(map(tuple, waves)), supersede=data.draw(st.booleans()))
    assert read_wave(write_wave(wave)) == wave


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"Wave": "1/2"},
        {"Wave": "3/2", "Members": "a, b", "Wave-Sizes": "1, 1"},
        {"Wave": "1/3", "Members": "a, b", "Wave-Sizes": "1, 1"},
        {"Wave": "0/2", "Members": "a, b", "Wave-Sizes": "1, 1"},
        {"Wave": "1/2", "Members": "a, b, c", "Wave-Sizes": "1, 1"},
        {"Wave": "1/2", "Members": "a, a", "Wave-Sizes": "1, 1"},
        {"Wave": "1/2", "Members": "a, ../b", "Wave-Sizes": "1, 1"},
        {"Wave": "1/2", "Members": "a, b", "Wave-Sizes": "1, x"},
        {"Wave": "one/2", "Members": "a, b", "Wave-Sizes": "1, 1"},
    ],
)
def test_what_cannot_be_meant_says_nothing(said: dict[str, str]) -> None:
    assert read_wave(said) is None


def test_options_that_nobody_knows_are_left_out() -> None:
    said = {"Wave": "1/1", "Members": "a", "Wave-Sizes": "1", "Wave-Options": "a=rollback, x=demote, a:no-such, now"}
    assert read_wave(said) == Wave(1, (("a",),))


def test_a_long_paragraph_says_the_wave_once() -> None:
    names = [f"service-{number:03}" for number in range(100)]
    provenance = Provenance("01JD", "me", "2026-12-01T00:00:00Z", wave=Wave(1, (tuple(names),)))
    text = write_trailers([Record(name, "promote", "primary", "backup", provenance) for name in names])
    assert len(text) < MAX_LENGTH
    assert text.count("Failover-Members: ") == 1
    assert {record.provenance for record in read_records(text)} == {provenance}
