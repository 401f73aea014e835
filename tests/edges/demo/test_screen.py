"""Lines that break between words."""

import pytest
from rich.text import Text

from failover_api.edges.demo.screen import Screen

URL = "http://127.0.0.1:8080/" + "a" * 80
LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"  # 80 letters


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (LONG, [LONG]),
        (f"{LONG} fifteen", [LONG, "fifteen"]),
        (f"{LONG}s", [LONG.removesuffix(" fourteen"), "fourteens"]),
        (URL, [URL]),
        (f"at {URL} there", ["at", URL, "there"]),
        (f"  {LONG}", [f"  {LONG.removesuffix(' fourteen')}", "    fourteen"]),
        ("  -  role: primary", ["  -  role: primary"]),
        (f"{LONG[:60]} `failover relocate sonarr`, then", [LONG[:60].rstrip(), "`failover relocate sonarr`, then"]),
        ("a\n\nb\n", ["a", "", "b", ""]),
    ],
)
def test_a_line_breaks_between_words_only(text: str, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Screen().out.print(Text(text))
    assert capsys.readouterr().out.split("\n")[:-1] == lines


def test_what_is_to_be_pasted_stays_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().show_line(f"{LONG} [bold] {LONG}")
    assert capsys.readouterr().out == f"  {LONG} [bold] {LONG}\n"


def test_colours_survive_a_break(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    Screen().out.print(Text(f"{LONG} fifteen", style="bold"))
    assert capsys.readouterr().out == f"\x1b[1m{LONG}\x1b[0m\n\x1b[1mfifteen\x1b[0m\n"


def test_a_file_gets_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.heading("What Git says")
    screen.show_command("git log")
    assert capsys.readouterr().out == f"\nWhat Git says {'─' * 66}\n\n$ git log\n"
