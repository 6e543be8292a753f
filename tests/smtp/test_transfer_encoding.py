"""Mirrors angarium/smtp/transfer_encoding.py. What is encoded is read by Python's own decoders."""

import time
from binascii import a2b_qp

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from angarium.smtp.transfer_encoding import base64_lines, decoded, quoted_printable

PIECES = st.lists(
    st.sampled_from(
        [
            *(b"a", b"=", b".", b"..", b" ", b"\t", b"\r\n", b"\n", b"\r", b"\0", b"\xc3\xa4", b"--"),
            *(b"From ", b"-", b"x" * 70, b"y" * 36, b"= " * 30, b"." * 80, b"z" * 500),
            *(bytes(range(0x80, 0x100)), b"\xc3\xa4" * 60, b"ab=" * 40),
        ]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


@given(PIECES | st.binary(max_size=300))
@example(b".")
@example(b"x" * 75 + b".")
@example(b"x" * 75 + b"--b\r\n")
@example(b"x" * 74 + b"=\r\n")
@example(b"x" * 76 + b"\r\n" + b"x" * 77)
@example(b"." * 200)
@example(b"x" * 73 + b"=" + b"y" * 76)
@example(b"x" * 74 + b"=" + b"y" * 76)
@example(bytes(range(0x80, 0x100)) + b"=a")
def test_quoted_printable_is_decoded_to_just_what_was_encoded(text: bytes) -> None:
    encoded = quoted_printable(text)
    assert a2b_qp(encoded) == text
    assert encoded.isascii()
    assert encoded.count(b"\r") == encoded.count(b"\n") == encoded.count(b"\r\n")
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"--", b"From"))
        assert not line.endswith((b" ", b"\t"))


def test_a_line_is_cut_where_the_next_begins_well() -> None:
    assert quoted_printable(b"x" * 75 + b".y") == b"x" * 74 + b"=\r\nx.y"


def test_lines_stay_lines() -> None:
    assert quoted_printable(b"a=b\r\n\r\nc \r\n") == b"a=3Db\r\n\r\nc=20\r\n"
    assert quoted_printable(b"a\nb\r\n") == b"a=0Ab=0D=0A"


@given(st.binary(max_size=300))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    assert decoded(base64_lines(data), b"base64") == data
    assert decoded(quoted_printable(data), b"quoted-printable") == data
    assert decoded(data, b"8bit") == data
    assert decoded(data, b"x-uuencode") is None


def test_what_is_none_of_its_encoding_is_not_decoded() -> None:
    assert decoded(b"abcde", b"base64") is None


@pytest.mark.parametrize(
    "piece", [b".", b"=", b"--", b"From ", b"\r\n.", b" ", b"\xff", b"\n", b"x"]
)
def test_a_megabyte_of_one_thing_takes_its_length(piece: bytes) -> None:
    """C4."""
    began = time.process_time()
    quoted_printable(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 10
