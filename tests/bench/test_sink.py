"""Mirrors bench/sink.py and what bench/measure.py concludes from it: the judge must be right."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.measure import _prove_once
from bench.sink import SinkProtocol, Tally
from bench.sinks import Count

DIALOGUE = (
    b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<1@c> NOTIFY=NEVER\r\nrcpt to:<2@c>\r\nDATA\r\n"
    b"DKIM-Signature: x\r\n\r\nline\r\n..\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<1@c>\r\nRSET\r\n"
    b"MAIL FROM:<>\r\nRCPT TO:<1@c>\r\nDATA\r\n.\r\nQUIT\r\n"
)


class Recorder(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True


def feed(chunks: list[bytes]) -> tuple[Tally, Recorder]:
    tally, transport = Tally(), Recorder()
    protocol = SinkProtocol(tally)
    protocol.connection_made(transport)
    for chunk in chunks:
        protocol.data_received(chunk)
    return tally, transport


def test_the_sink_knows_each_recipient_and_its_copies() -> None:
    tally, transport = feed([DIALOGUE])
    assert tally.recipients == {b"1@c": 2, b"2@c": 1}
    assert tally.summary()["duplicates"] == 1
    assert (tally.messages, tally.signed) == (2, 1)
    assert transport.closed
    codes = [line[:4] for line in transport.written.split(b"\r\n")]
    assert codes.count(b"354 ") == 2
    assert codes.count(b"221 ") == 1


@given(st.lists(st.integers(0, len(DIALOGUE)), max_size=20))
def test_chunking_changes_neither_tally_nor_replies(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(DIALOGUE)]
    chunks = [DIALOGUE[a:b] for a, b in itertools.pairwise(edges)]
    tally, transport = feed(chunks)
    whole, expected = feed([DIALOGUE])
    assert tally.recipients == whole.recipients
    assert (tally.messages, tally.octets) == (whole.messages, whole.octets)
    assert transport.written == expected.written


@pytest.mark.parametrize(
    "count",
    [
        Count(messages=9, recipients=9, duplicates=0),  # one lost
        Count(messages=11, recipients=10, duplicates=1),  # one twice
        Count(messages=10, recipients=9, duplicates=1),  # one lost and one twice
        Count(messages=9),
    ],
)
def test_a_round_with_a_lost_or_doubled_message_is_invalid(count: Count) -> None:
    with pytest.raises(BenchError):
        _prove_once(count, 10)


def test_a_round_is_proved_only_by_a_sink_that_knows_recipients() -> None:
    assert _prove_once(Count(messages=10, recipients=10, duplicates=0), 10)
    assert not _prove_once(Count(messages=10), 10)
