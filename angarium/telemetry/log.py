"""JSON logs on stderr: one object per line, an event's name and its ids. Never bodies or credentials.

A line is made of what the caller names; nothing is taken from messages. JSON's own escapes keep a hostile text on
its line (C7).
"""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TextIO

import msgspec

from angarium.telemetry.timestamp import rfc3339

MAX_TEXT: Final = 1000  # characters of one value; ours: a reply's text has that bound too
_LOGGER: Final = logging.getLogger("angarium")
_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


# Of what is being done just now: they are in each line about it, whoever writes that
LOG_IDS: Final[ContextVar[Mapping[str, object]]] = ContextVar("log_ids", default={})  # noqa: B039 - nobody changes it


@contextmanager
def log_ids(**ids: object) -> Iterator[None]:
    """Have these ids in all lines that are logged meanwhile, by tasks that are begun meanwhile, too."""
    before = LOG_IDS.set({**LOG_IDS.get(), **_printable(ids)})
    try:
        yield
    finally:
        LOG_IDS.reset(before)


class JsonFormatter(logging.Formatter):
    """Renders a record as one line; also those of libraries, under the event name ``library``."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": rfc3339(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "library"),
            "role": self._role,
            "pid": record.process or os.getpid(),
        }
        if line["event"] == "library":
            line["logger"] = record.name
        if not hasattr(record, "ids"):  # what it says is not in fields
            line["text"] = record.getMessage()[:MAX_TEXT]
        line |= LOG_IDS.get()
        line |= getattr(record, "ids", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = self.formatException(record.exc_info)[-4 * MAX_TEXT :]
        return _ENCODER.encode(line).decode()


def configure(role: str, level: str, stream: TextIO | None = None) -> None:
    """Send all logs of this process to ``stream`` (stderr), as lines of JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(role))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    _LOGGER.setLevel(_LEVELS[level])


def set_level(level: str) -> None:
    _LOGGER.setLevel(_LEVELS[level])


def log(event: str, level: str = "info", **ids: object) -> None:
    """Log one event with its ids. Cheap when the level is off."""
    number = _LEVELS[level]
    if _LOGGER.isEnabledFor(number):
        _LOGGER.log(number, event, extra={"event": event, "ids": _printable(ids)})


def log_exception(event: str, exception: BaseException | None = None, /, **ids: object) -> None:
    """The same at level error, with an exception (None: the one being handled) and its traceback."""
    extra = {"event": event, "ids": _printable(ids)}
    _LOGGER.error(event, exc_info=exception or True, extra=extra)


def _printable(ids: dict[str, object]) -> dict[str, object]:
    return {
        name: value[:MAX_TEXT]
        if isinstance(value, str)
        else value.hex()[:MAX_TEXT]
        if isinstance(value, bytes)
        else value
        for name, value in ids.items()
        if value is not None
    }
