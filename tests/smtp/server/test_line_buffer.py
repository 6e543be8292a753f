"""Mirrors angarium/smtp/server/line_buffer.py."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from angarium.smtp.server.line_buffer import (
    SKIPPED_OCTETS,
    LineBuffer,
    LineFaultError,
    LineTooLongError,
)

LIMIT = 10


def lines(*chunks: bytes) -> list[bytes | type[Exception]]:
    """What is taken, until nothing is left or the session would be closed."""
    buffer = LineBuffer()
    taken: list[bytes | type[Exception]] = []
    for chunk in chunks:
        buffer.receive(chunk)
        while True:
            try:
                line = buffer.next_line(LIMIT)
            except LineTooLongError:
                taken.append(LineTooLongError)
                continue
            except LineFaultError:
                return [*taken, LineFaultError]
            if line is None:
                break
            taken.append(line)
    return taken


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (b"NOOP\r\nQUIT\r\n", [b"NOOP", b"QUIT"]),
        (b"\r\n", [b""]),
        (b"a\rb\r\n", [b"a\rb"]),
        (b"a\r\r\n", [b"a\r"]),
        (b"0123456789\r\n", [b"0123456789"]),
        (b"01234567890\r\nQUIT\r\n", [LineTooLongError, b"QUIT"]),
        (b"0123456789\nX\r\n", [LineFaultError]),
        (b"a\nb\r\n", [LineFaultError]),
        (b"NOOP\n", [LineFaultError]),
        (b"\n", [LineFaultError]),
        (b"01234567890\nX\r\nQUIT\r\n", [LineTooLongError, b"QUIT"]),
        (b"\x16\x03\x01\x02\x00", [LineFaultError]),
        (b"x" * (SKIPPED_OCTETS + 1), [LineTooLongError, LineFaultError]),
        (b"x" * (SKIPPED_OCTETS + 1) + b"\r\n", [LineTooLongError, LineFaultError]),
        (b"x" * SKIPPED_OCTETS + b"\r\nQUIT\r\n", [LineTooLongError, b"QUIT"]),
    ],
)
def test_only_crlf_ends_a_line_s7(wire: bytes, expected: list[bytes | type[Exception]]) -> None:
    assert lines(wire) == expected


@given(
    st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"abc", b"x" * 9, b"\x16", b"\x03"])),
    st.data(),
)
@example([b"x" * 9, b"x", b"\r", b"\n"], None)
def test_chunking_never_changes_the_lines(parts: list[bytes], data: st.DataObject | None) -> None:
    wire = b"".join(parts)
    cut = data.draw(st.integers(0, len(wire))) if data else len(wire) // 2
    one_by_one = [wire[i : i + 1] for i in range(len(wire))]
    assert lines(wire) == lines(wire[:cut], wire[cut:]) == lines(*one_by_one)


def test_what_was_taken_whole_can_be_put_back_in_part() -> None:
    buffer = LineBuffer()
    buffer.receive(b"DATA\r\nabc")
    assert buffer.next_line(LIMIT) == b"DATA"
    octets = buffer.take_all()
    assert octets == b"abc"
    assert len(buffer) == 0
    buffer.put_back(octets, 2)
    assert len(buffer) == 1
    buffer.receive(b"\r\n")
    assert buffer.next_line(LIMIT) == b"c"
