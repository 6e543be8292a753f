"""Mirrors angarium/smtp/client/content.py."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.client.content import ContentError, blocks, checked, stuffed_blocks

HEADER = b"Subject: x\r\n\r\n"
PIECES = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\r\n.", b"\0"])).map(
    b"".join
)


@pytest.mark.parametrize(
    ("body", "dots"),
    [
        (b"", False),
        (b"a\r\n", False),
        (b"a", False),
        (b"a.\r\nb.c\r\n", False),
        (b".a\r\n", True),
        (b"a\r\n.\r\nb\r\n", True),
        (b"a\r\n..b\r\n", True),
        (b"\r\n\r\n.", True),
    ],
)
def test_a_dot_at_the_start_of_a_line_is_found(body: bytes, dots: bool) -> None:
    assert checked(HEADER, body) is dots


@pytest.mark.parametrize(
    "part",
    [
        *(b"\n", b"\r", b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"a\n\r\n", b"a\r\n\n", b"x\r"),
        *(b"\n.\r\n", b"\n.\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\n.\r\n.\n"),
    ],
)
def test_bare_line_ends_are_refused_wherever_they_are_s2(part: bytes) -> None:
    with pytest.raises(ContentError):
        checked(HEADER, part)
    with pytest.raises(ContentError):
        checked(part + HEADER, b"")


@pytest.mark.parametrize("header", [b"", b"A: b", b"A: b\n", b"A: b\r"])
def test_a_header_that_does_not_end_its_line_is_refused_s2(header: bytes) -> None:
    with pytest.raises(ContentError):
        checked(header, b"\nbody")


@given(PIECES, st.integers(1, 9))
def test_only_crlf_passes_and_only_crlf_dot_crlf_could_end_the_data_s2(
    body: bytes, size: int
) -> None:
    bare = re.search(rb"\r(?!\n)|(?<!\r)\n", body) is not None
    if bare:
        with pytest.raises(ContentError):
            checked(HEADER, body)
        return
    dots = checked(HEADER, body)
    assert dots == (b"\r\n." in b"\r\n" + body)
    stuffed = b"".join(stuffed_blocks(body, size))
    wire = HEADER + stuffed
    assert b"\r\n.\r\n" not in wire
    received = (b"\r\n" + stuffed).replace(b"\r\n.", b"\r\n")[2:]  # as a server unstuffs
    assert received == body
    assert b"".join(blocks(body, size)) == body
