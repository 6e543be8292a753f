"""Mirrors angarium/telemetry/log.py."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from angarium.telemetry.log import LOG_IDS, configure, log, log_exception, log_ids, set_level


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
    before = LOG_IDS.set({})  # other tests ask an API's access outside of any task
    found = Lines()
    configure("delivery-0", "info", found.stream)
    yield found
    root.handlers, root.level = handlers, level
    logging.getLogger("angarium").setLevel(own_level)
    LOG_IDS.reset(before)


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


def test_ids_of_what_is_being_done_are_in_every_line_also_of_tasks_and_libraries(
    lines: Lines,
) -> None:
    async def work() -> None:
        with log_ids(request_id="r1"):
            task = asyncio.create_task(later())
            with log_ids(tenant="shop"):
                log("inner", note=1)
            logging.getLogger("library").warning("outer")
        log("after")
        await task

    async def later() -> None:
        log("task")

    asyncio.run(work())
    # What asyncio itself may say of a slow machine is left out
    ours = [each for each in lines.all() if each.get("logger", "library") == "library"]
    inner, outer, after, task = ours
    assert (inner["request_id"], inner["tenant"], inner["note"]) == ("r1", "shop", 1)
    assert outer["request_id"] == "r1"
    assert "tenant" not in outer
    assert "request_id" not in after
    assert task["request_id"] == "r1"


def test_what_a_module_says_in_words_is_in_its_line(lines: Lines) -> None:
    said = logging.getLogger("angarium.access")
    said.error("%s is broken", "users", extra={"event": "credentials_unusable"})
    (line,) = lines.all()
    assert (line["event"], line["text"]) == ("credentials_unusable", "users is broken")
