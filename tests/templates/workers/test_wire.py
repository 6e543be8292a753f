"""Mirrors angarium/templates/workers/wire.py."""

import pytest

from angarium.templates.rendering import Examination, Filling, Problem, ProblemKind, Rendered
from angarium.templates.workers.wire import (
    LENGTH_OCTETS,
    Done,
    Examine,
    Examined,
    Limits,
    Lot,
    Ready,
    Render,
    Unable,
    WireError,
    encode_filling,
    frame,
    limits_text,
    read_filling,
    read_limits,
    read_report,
    read_task,
    size_of,
)

PROBLEM = Problem(kind=ProblemKind.SYNTAX, message="wrong", line=3)


@pytest.mark.parametrize(
    "task",
    [
        Render(lots=(Lot(digest="d", fillings=(b"x", b"")),), bundles={"d": b"\xff"}),
        Examine(bundle=b"b", sample=None),
        Examine(bundle=b"b", sample=b"s"),
    ],
)
def test_a_task_is_read_as_it_was_sent(task: Render | Examine) -> None:
    octets = frame(task)
    assert int.from_bytes(octets[:LENGTH_OCTETS], "big") == len(octets) - LENGTH_OCTETS
    assert read_task(octets[LENGTH_OCTETS:]) == task


@pytest.mark.parametrize(
    "report",
    [
        Ready(lacking=("landlock",)),
        Unable("no"),
        Done(
            answers=(Rendered(subject="\u00fc", html="<p>"), PROBLEM), lacking=("d",), is_worn=True
        ),
        Examined(Examination(problems=(PROBLEM,), sample=Rendered(subject="s"))),
    ],
)
def test_a_report_is_read_as_it_was_sent(report: Done) -> None:
    assert read_report(frame(report)[LENGTH_OCTETS:]) == report


@pytest.mark.parametrize(
    "octets",
    [
        *(b"", b"\xc1", b"\x93\xa4done", b"\x90", b"\x91\xa4read", b"\x91" * 5000),
        *(b"\x94\xa4done\x91\x01\x90\xc2", frame(Examine(bundle=b"", sample=None))[4:]),
        frame(Done(answers=()))[4:] + b"x",
        b"\x92\xa6unable\xa1\xff",
    ],
)
def test_what_no_worker_says_is_an_error(octets: bytes) -> None:
    with pytest.raises(WireError):
        read_report(octets)


def test_fillings_and_limits_are_read_as_they_were_written() -> None:
    filling = Filling(data={"a": [1, None, {"b": 1.5}]}, locale="de", now=5)
    assert read_filling(encode_filling(filling)) == filling
    limits = Limits(
        memory_octets=1,
        cpu_s=0.5,
        output_octets=2,
        cache_bundles=3,
        slice_s=0.02,
        answer_octets=4,
    )
    assert read_limits(limits_text(limits)) == limits


def nested(depth: int) -> list[object]:
    found: list[object] = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize("value", [object(), 2**70, "\ud800", nested(100_000)], ids=str.__class__)
def test_data_that_are_not_plain_are_an_error(value: object) -> None:
    with pytest.raises(WireError):
        encode_filling(Filling(data={"x": value}))


def test_the_size_of_an_answer_is_that_of_its_texts() -> None:
    assert size_of(Rendered(subject="ab", preheader="c", html="defg", text=None, amp="h")) == 8
    assert size_of(PROBLEM) == 5
