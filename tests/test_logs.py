"""Logs: one line a decision, with the request it belongs to."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from failover_api import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is the process': leave it as it was."""
    loggers = [logging.getLogger(name) for name in (None, "failover_api", "uvicorn", "uvicorn.error")]
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate
        logger.setLevel(level)


def logged(*, log_format: str = "json", level: str = "info") -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    logs.set_up(log_format=log_format, level=level, stream=stream)
    return logging.getLogger("failover_api.test"), stream


def only_line(stream: io.StringIO) -> dict[str, Any]:
    text = stream.getvalue()
    assert text.endswith("\n")
    (line,) = text.splitlines()
    assert line.isascii()
    found: dict[str, Any] = json.loads(line)
    return found


def test_an_event_is_one_line_of_json_with_its_fields() -> None:
    log, stream = logged()
    log.info("move done", extra={"service": "sonarr", "changed": True, "count": 2, "from": None})
    line = only_line(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info", "event": "move done", "service": "sonarr", "changed": True, "count": 2, "from": None,
    }  # fmt: skip
    assert list(json.loads(stream.getvalue()))[:3] == ["time", "level", "event"]


def test_the_request_is_named_while_it_lasts() -> None:
    log, stream = logged()
    token = logs.request_id.set("req-1")
    log.info("inside")
    logs.request_id.reset(token)
    log.info("outside")
    inside, outside = map(json.loads, stream.getvalue().splitlines())
    assert inside["request_id"] == "req-1"
    assert "request_id" not in outside


def test_a_traceback_stays_on_the_line() -> None:
    log, stream = logged()
    try:
        raise ValueError("two\nlines")
    except ValueError:
        log.exception("it failed")
    line = only_line(stream)
    assert line["level"] == "error"
    assert line["traceback"].startswith("Traceback (most recent call last):\n")
    assert line["traceback"].endswith("ValueError: two\nlines")


CIRCLE: list[object] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Path("a/b"), "a/b"),
        (b"x", "b'x'"),
        ({1}, "{1}"),
        (ValueError("no"), "no"),
        (SecretStr("hunter2"), "**********"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (CIRCLE, "[[...]]"),
        (float("nan"), "nan"),
        ("\ud800\u2028\u202e\n", "\ud800\u2028\u202e\n"),
    ],
)
def test_what_json_cannot_say_is_text(value: object, text: str) -> None:
    log, stream = logged()
    log.info("event", extra={"value": value})
    assert only_line(stream)["value"] == text


@given(st.text())
def test_no_text_ends_its_line(text: str) -> None:
    for log_format in ("json", "text"):
        log, stream = logged(log_format=log_format)
        log.warning("event", extra={"value": text})
        assert len(stream.getvalue().splitlines()) == 1


def test_a_field_does_not_hide_the_event() -> None:
    log, stream = logged()
    log.info("event", extra={"event": "other", "level": "none", "time": 0})
    line = only_line(stream)
    assert (line["event"], line["level"]) == ("event", "info")


def test_text_for_people() -> None:
    log, stream = logged(log_format="text")
    log.warning("move refused", extra={"service": "sonarr", "detail": "a\nb"})
    assert stream.getvalue()[8:] == ' warning move refused service="sonarr" detail="a\\nb"\n'


def test_a_traceback_in_text_follows_its_line() -> None:
    log, stream = logged(log_format="text")
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("it failed")
    lines = stream.getvalue().splitlines()
    assert lines[0][8:] == " error it failed"
    assert lines[-1] == "ValueError: no"


def test_the_level_is_ours_alone_so_no_library_tells_what_it_sends() -> None:
    log, stream = logged(level="debug")
    log.debug("ours")
    for library in ("httpx2", "httpcore2", "httpcore2.http11", "urllib3", "asyncio"):
        logging.getLogger(library).info("Authorization: Bearer hunter2")
        logging.getLogger(library).debug("Authorization: Bearer hunter2")
    assert only_line(stream)["event"] == "ours"


def test_a_quiet_level_is_quiet() -> None:
    log, stream = logged(level="error")
    log.warning("no")
    assert stream.getvalue() == ""


def test_uvicorn_speaks_once_and_in_our_form() -> None:
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.addHandler(logging.StreamHandler(io.StringIO()))
    _, stream = logged()
    uvicorn.info("Started server process [%d]", 7, extra={"color_message": "coloured"})
    line = only_line(stream)
    assert line["event"] == "Started server process [7]"
    assert "color_message" not in line


def test_setting_up_twice_speaks_once() -> None:
    logged()
    log, stream = logged()
    log.info("once")
    assert only_line(stream)["event"] == "once"
