"""Undoes Content-Encoding of a request's body, within a bound on what comes out. Pure."""

import zlib
from typing import Final

from angarium.intake.order import Fault, FaultError, FaultKind

FIELD: Final = "Content-Encoding"
# What zlib is told of each; RFC 9110 section 8.4.1: "deflate" is in the zlib format
_WINDOWS: Final = {
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}


def check_encoding(encoding: str) -> None:
    """Raises FaultError for a coding that is not undone here: MEDIA_TYPE."""
    if encoding not in _WINDOWS and encoding not in ("", "identity"):
        text = f"{FIELD} {encoding[:40]!a} is not understood: use gzip, deflate, or none"
        raise FaultError(Fault(kind=FaultKind.MEDIA_TYPE, message=text, field=FIELD))


def inflate(octets: bytes, encoding: str, limit: int) -> bytes:
    """Return what was encoded. Raises FaultError: it is not so encoded, or would have more than ``limit`` octets."""
    check_encoding(encoding)
    if encoding not in _WINDOWS:
        return octets
    worker = zlib.decompressobj(_WINDOWS[encoding])
    try:
        found = worker.decompress(octets, limit + 1)
    except zlib.error:
        raise FaultError(_not_so(encoding)) from None
    if len(found) > limit:
        text = f"The body is larger than {limit} octets once it is inflated"
        raise FaultError(Fault(kind=FaultKind.TOO_LARGE, message=text, field="body"))
    if not worker.eof or worker.unused_data:
        raise FaultError(_not_so(encoding))
    return found


def _not_so(encoding: str) -> Fault:
    text = f"The body is not {encoding}, as {FIELD} says"
    return Fault(kind=FaultKind.MALFORMED, message=text, field="body")
