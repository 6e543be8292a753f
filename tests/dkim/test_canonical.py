"""Mirrors angarium/dkim/canonical.py. The oracle walks line by line, as RFC 6376 section 3.4 is written."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.dkim.canonical import (
    Algorithm,
    body_digest,
    relaxed_value,
    split_fields,
)


def oracle(body: bytes, algorithm: Algorithm) -> bytes:
    lines = body.split(b"\r\n")
    if lines[-1] == b"":
        lines.pop()
    if algorithm == "relaxed":
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    while lines and lines[-1] == b"":
        lines.pop()
    if not lines:
        return b"" if algorithm == "relaxed" else b"\r\n"
    return b"".join(line + b"\r\n" for line in lines)


BODIES = st.lists(
    st.sampled_from([b"a", b"\xe4\xf6", b" ", b"\t", b"  ", b" " * 70, b"\r\n", b"\r\n\r\n", b"."])
).map(b"".join)


@pytest.mark.parametrize(
    ("body", "relaxed", "simple"),
    [
        (b"", b"", b"\r\n"),  # RFC 6376 section 3.4.3, 3.4.4
        (b"\r\n", b"", b"\r\n"),
        (b"\r\n\r\n\r\n", b"", b"\r\n"),
        (b" \r\n\t\r\n", b"", b" \r\n\t\r\n"),
        (b"a", b"a\r\n", b"a\r\n"),
        (b"a \t", b"a\r\n", b"a \t\r\n"),
        (b"a\r\n\r\n\r\n", b"a\r\n", b"a\r\n"),
        # RFC 6376 section 3.4.5
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n", b" C \r\nD \t E\r\n"),
        (b"\r\n a", b"\r\n a\r\n", b"\r\n a\r\n"),
    ],
)
def test_a_body_has_the_canonical_form_of_the_rfc(
    body: bytes, relaxed: bytes, simple: bytes
) -> None:
    assert body_digest(body, 0, "relaxed") == hashlib.sha256(relaxed).digest()
    assert body_digest(body, 0, "simple") == hashlib.sha256(simple).digest()


@given(BODIES, st.sampled_from(["relaxed", "simple"]))
def test_a_body_is_canonicalised_as_line_by_line(body: bytes, algorithm: Algorithm) -> None:
    expected = oracle(body, algorithm)
    header = b"A:  b \r\n\r\n"
    assert body_digest(header + body, len(header), algorithm) == hashlib.sha256(expected).digest()


@given(BODIES, st.sampled_from(["relaxed", "simple"]))
def test_a_canonical_form_is_its_own(body: bytes, algorithm: Algorithm) -> None:
    once = oracle(body, algorithm)
    assert body_digest(once, 0, algorithm) == body_digest(body, 0, algorithm)


@pytest.mark.parametrize("algorithm", ["relaxed", "simple"])
def test_the_digest_never_reaches_back_into_the_header(algorithm: Algorithm) -> None:
    content = b"A: b\r\n\r\n\r\n\r\n"
    assert body_digest(content, 8, algorithm) == body_digest(b"", 0, algorithm)


def test_megabytes_of_blanks_and_empty_lines_take_a_moment() -> None:
    body = b"a" + b" " * 5_000_000 + b"b" + b"\t " * 500_000 + b"\r\n" * 2_000_000
    assert body_digest(body, 0, "relaxed") == hashlib.sha256(b"a b\r\n").digest()


@pytest.mark.parametrize(
    ("header", "relaxed", "simple"),
    [
        # RFC 6376 section 3.4.5
        (b"A: X\r\nB : Y\t\r\n\tZ  ", [b"A: X", b"B : Y\t\tZ  "], [b"A: X", b"B : Y\t\r\n\tZ  "]),
        (b"A: x\r\n \r\n y", [b"A: x  y"], [b"A: x\r\n \r\n y"]),
        (b"A: x", [b"A: x"], [b"A: x"]),
    ],
)
def test_fields_are_split_where_no_continuation_follows(
    header: bytes, relaxed: list[bytes], simple: list[bytes]
) -> None:
    assert split_fields(header, "relaxed") == relaxed
    assert split_fields(header, "simple") == simple


@given(st.binary(max_size=80).map(lambda octets: octets.translate(None, b"\r\n")))
def test_only_wsp_is_reduced_in_a_relaxed_value(value: bytes) -> None:
    assert relaxed_value(value) == re.sub(rb"[ \t]+", b" ", value).strip(b" ")


def test_other_white_space_stays_in_a_relaxed_value() -> None:
    assert relaxed_value(b" \x0ba \x0c\x0bb\x0b ") == b"\x0ba \x0c\x0bb\x0b"
