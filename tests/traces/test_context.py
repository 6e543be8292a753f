"""Mirrors angarium/traces/context.py."""

import os

import pytest

from angarium.queue import MessageId, MessageIdGenerator, UnixMs
from angarium.traces.context import (
    TraceParent,
    is_wanted,
    read_traceparent,
    span_id_of,
    trace_id_of,
    traceparent_text,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f" 00-{TRACE}-{SPAN}-00 ", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", True),
    ],
)
def test_a_header_is_read_as_w3c_has_it(text: str, is_sampled: bool) -> None:
    found = read_traceparent(text)
    assert found == TraceParent(
        trace_id=bytes.fromhex(TRACE), span_id=bytes.fromhex(SPAN), is_sampled=is_sampled
    )
    assert found is not None
    assert read_traceparent(traceparent_text(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
    ],
)
def test_what_is_no_header_begins_a_trace(text: str) -> None:
    assert read_traceparent(text) is None


def test_a_message_is_chosen_by_its_id_alone_and_as_many_as_wanted() -> None:
    new_id = MessageIdGenerator(lambda: UnixMs(1_800_000_000_000), os.urandom)
    ids = [trace_id_of(new_id()) for _ in range(4000)]
    for ratio, least, most in (
        (0.0, 0, 0),
        (0.25, 850, 1150),
        (0.5, 1850, 2150),
        (1.0, 4000, 4000),
    ):
        assert least <= sum(is_wanted(each, ratio) for each in ids) <= most, ratio
    # Whoever wants fewer wants some of the same
    assert all(is_wanted(each, 0.5) for each in ids if is_wanted(each, 0.25))


def test_span_ids_are_the_same_each_time_and_differ_by_message_and_kind() -> None:
    one, other = MessageId(bytes(16)), MessageId(bytes(15) + b"\1")
    ids = {span_id_of(each, what) for each in (one, other) for what in ("mail", "accept")}
    assert len(ids) == 4
    assert {len(each) for each in ids} == {8}
    assert span_id_of(one, "mail") == span_id_of(MessageId(bytes(16)), "mail")
