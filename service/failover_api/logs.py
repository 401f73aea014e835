"""Log formats: one line an event, as JSON or as text, with the id of the request it belongs to.

An event is a constant sentence; facts are fields (`extra=`). Neither ever contains a token or a file's content.
"""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def set_up(*, log_format: str, level: str, stream: TextIO | None = None) -> None:
    """Sends the log of this process to `stream`, standard error by default. uvicorn's access log is left out."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("failover_api").setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
        logger.setLevel(logging.INFO)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        head = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line: dict[str, Any] = {**head, **_fields(record), **head}  # `head` first, and not overwritten by a field
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return "{" + ", ".join(f"{_json(key)}: {_json(value)}" for key, value in line.items()) + "}"


class TextFormatter(logging.Formatter):
    """For people: `12:00:00 info service moved service=sonarr`."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields = " ".join(f"{key}={_json(value)}" for key, value in _fields(record).items())
        line = f"{time} {record.levelname.lower()} {record.getMessage()} {fields}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _json(value: object) -> str:
    """A value as JSON, in ASCII, so that nothing in it ends or reverses a line; what JSON cannot say, as text."""
    try:
        return json.dumps(value, default=str, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(repr(value))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    request = request_id.get()
    return fields if request is None else {"request_id": request, **fields}
