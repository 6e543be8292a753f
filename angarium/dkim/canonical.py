"""Canonicalisation of headers and bodies (RFC 6376 section 3.4), at the speed of memory. Pure.

Bodies are never walked line by line: most mail is its own relaxed form, which four searches show, and the
rest is brought to it by whole-buffer replacements. A body without a last CRLF is canonicalised as it will
be sent, that is with one.
"""

import hashlib
import re
from typing import Final, Literal

Algorithm = Literal["relaxed", "simple"]

_FIELD_START: Final = re.compile(rb"\r\n(?![ \t])")  # over header blocks only, never over bodies
# Long runs first: each pass divides a run's length, so a megabyte of blanks takes a handful of passes.
_RUNS: Final = (b" " * 64, b" " * 8, b"  ")
_CRLF_RUNS: Final = (b"\r\n" * 4096, b"\r\n" * 64, b"\r\n")


def body_digest(content: bytes, start: int, algorithm: Algorithm) -> bytes:
    """Return SHA-256 of the canonical form of ``content[start:]``; no copy is made of a canonical body."""
    if algorithm == "relaxed" and not _is_relaxed(content, start):
        content, start = _relax(content[start:]), 0
    end = _end_of_text(content, start)
    if end == start:  # only empty lines: section 3.4.3 against 3.4.4
        return hashlib.sha256(b"\r\n" if algorithm == "simple" else b"").digest()
    digest = hashlib.sha256()
    if content.startswith(b"\r\n", end):
        digest.update(memoryview(content)[start : end + 2])
    else:
        digest.update(memoryview(content)[start:end])
        digest.update(b"\r\n")
    return digest.digest()


def split_fields(header: bytes, algorithm: Algorithm) -> list[bytes]:
    """Return the fields of a header block that has no last CRLF, without theirs; unfolded if relaxed."""
    if algorithm == "simple":
        return _FIELD_START.split(header)
    # Section 3.4.2: unfolding removes the CRLF and keeps the WSP behind it.
    return header.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t").split(b"\r\n")


def relaxed_value(value: bytes) -> bytes:
    """Return an unfolded field value with its runs of WSP reduced and none around it (section 3.4.2)."""
    if b"\t" in value:
        value = value.replace(b"\t", b" ")
    if b"  " in value:
        value = _reduce_blanks(value)
    return value.strip(b" ")


def _is_relaxed(content: bytes, start: int) -> bool:
    """Return whether relaxing would change nothing but the empty lines at the end."""
    find = content.find
    return (
        find(b"\t", start) < 0
        and find(b"  ", start) < 0
        and find(b" \r\n", start) < 0
        and not (len(content) > start and content.endswith(b" "))
    )


def _relax(body: bytes) -> bytes:
    """Reduce runs of WSP and drop it at the ends of lines (section 3.4.4 a)."""
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    body = _reduce_blanks(body).replace(b" \r\n", b"\r\n")
    return body[:-1] if body.endswith(b" ") else body  # the last line, its CRLF still missing


def _reduce_blanks(octets: bytes) -> bytes:
    for run in _RUNS:
        while run in octets:
            octets = octets.replace(run, b" ")
    return octets


def _end_of_text(content: bytes, start: int) -> int:
    """Return where the empty lines at the end begin, the CRLF of the last line of text included in them."""
    end = len(content)
    for run in _CRLF_RUNS:
        while content.endswith(run, start, end):
            end -= len(run)
    return end
