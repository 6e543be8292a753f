"""Mirrors angarium/api/inflating.py."""

import gzip
import zlib

import pytest

from angarium.api.inflating import inflate
from angarium.intake.order import FaultError, FaultKind


@pytest.mark.parametrize(
    ("octets", "encoding"),
    [
        (b"hello", ""),
        (b"hello", "identity"),
        (gzip.compress(b"hello", mtime=0), "gzip"),
        (gzip.compress(b"hello", mtime=0), "x-gzip"),
        (zlib.compress(b"hello"), "deflate"),
    ],
)
def test_what_was_encoded_comes_back(octets: bytes, encoding: str) -> None:
    assert inflate(octets, encoding, 5) == b"hello"


@pytest.mark.parametrize(
    ("octets", "encoding", "kind", "field"),
    [
        (gzip.compress(b"hello!", mtime=0), "gzip", FaultKind.TOO_LARGE, "body"),
        (gzip.compress(bytes(10**6), mtime=0), "gzip", FaultKind.TOO_LARGE, "body"),
        (gzip.compress(b"hello", mtime=0)[:-1], "gzip", FaultKind.MALFORMED, "body"),
        (gzip.compress(b"hello", mtime=0) + b"x", "gzip", FaultKind.MALFORMED, "body"),
        (b"hello", "gzip", FaultKind.MALFORMED, "body"),
        (b"", "gzip", FaultKind.MALFORMED, "body"),
        (gzip.compress(b"hello", mtime=0), "deflate", FaultKind.MALFORMED, "body"),
        (b"hello", "br", FaultKind.MEDIA_TYPE, "Content-Encoding"),
        (b"hello", "gzip, gzip", FaultKind.MEDIA_TYPE, "Content-Encoding"),
    ],
)
def test_what_is_not_so_or_too_much_is_refused(
    octets: bytes, encoding: str, kind: FaultKind, field: str
) -> None:
    """At most the limit and one octet are ever made."""
    with pytest.raises(FaultError) as raised:
        inflate(octets, encoding, 5)
    assert (raised.value.fault.kind, raised.value.fault.field) == (kind, field)
