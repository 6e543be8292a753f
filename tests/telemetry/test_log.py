"""Mirrors angarium/telemetry/log.py."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from angarium.telemetry.log import configure, log, log_exception, set_level


class Lines:
    def __init__(self) -> None:
        self.stream = io.StringIO()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    own_level = logging.getLogger("angarium").level
    found = Lines()
    configure("delivery-0", "info", found.stream)
    yield found
    root.handlers, root.level = handlers, level
    logging.getLogger("angarium").setLevel(own_level)


def test_a_line_has_the_event_the_role_and_the_ids(lines: Lines) -> None:
    log("process_died", "error", slot="ingress-0", status=-9, reason=None)
    (line,) = lines.all()
    assert line["event"] == "process_died"
    assert line["level"] == "error"
    assert line["role"] == "delivery-0"
    assert (line["slot"], line["status"]) == ("ingress-0", -9)
    assert "reason" not in line
    assert line["ts"].endswith("Z")
    assert line["pid"] > 0


def test_hostile_text_stays_on_its_line_c7(lines: Lines) -> None:
    log("refused", client='x"\r\n{"event":"forged"}\x1b[2J\u2028', octets=b"\x00\xff")
    assert len(lines.stream.getvalue().splitlines()) <= 2  # U+2028 is a line end to Python only
    assert lines.stream.getvalue().count("\n") == 1
    line = json.loads(lines.stream.getvalue())
    assert line["event"] == "refused"
    assert line["octets"] == "00ff"


def test_long_text_is_cut(lines: Lines) -> None:
    log("refused", client="x" * 5000)
    assert len(lines.all()[0]["client"]) == 1000


def test_levels_below_the_configured_one_are_silent(lines: Lines) -> None:
    log("detail", "debug")
    assert lines.all() == []
    set_level("debug")
    log("detail", "debug")
    assert lines.all()[0]["event"] == "detail"


def test_an_exception_is_logged_with_its_traceback(lines: Lines) -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        caught = error
        log_exception("while_handling", id="a")
    log_exception("later", caught)
    for line in lines.all():
        assert line["exception"].endswith("ValueError: no")
        assert "Traceback" in line["exception"]


def test_what_libraries_log_is_json_too(lines: Lines) -> None:
    logging.getLogger("asyncio").warning("slow %s", "callback")
    (line,) = lines.all()
    assert (line["event"], line["logger"], line["text"]) == ("library", "asyncio", "slow callback")
