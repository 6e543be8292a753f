"""Reads a request's body, within bounds on its size and on the time that it takes."""

import asyncio
import re
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from angarium.api.base64_text import read_base64
from angarium.api.inflating import check_encoding, inflate
from angarium.api.json_body import DEPTH, decode_json
from angarium.api.load import LOAD
from angarium.intake.order import Fault, FaultError, FaultKind

T = TypeVar("T")
__all__ = [
    "LIMITS",
    "PROGRESS",
    "ReadingLimits",
    "check_content_type",
    "read_base64",
    "read_json",
    "read_octets",
]
CONTENT_TYPE: Final = "Content-Type"
_JSON: Final = re.compile(r"application/(?:[A-Za-z0-9!#$&^_.-]+\+)?json", re.IGNORECASE)
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class ReadingLimits(msgspec.Struct, frozen=True, kw_only=True):
    body_octets: int = 52_428_800  # as sent, and once inflated
    body_s: float = 60.0  # for all of it
    depth: int = DEPTH


# What an application reads by; without it, the limits above
LIMITS: Final = web.AppKey("reading_limits", ReadingLimits)
# Told of a request whose body comes for longer than others take: its connection is not a silent one
PROGRESS: Final[web.AppKey[Callable[[web.Request], None]]] = web.AppKey("progress")
_USUAL: Final = ReadingLimits()


async def read_octets(request: web.Request) -> bytes:
    """Return the body, inflated. Raises FaultError: TOO_LARGE, MEDIA_TYPE (Content-Encoding), MALFORMED, BUSY."""
    limits = request.app.get(LIMITS, _USUAL)
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    check_encoding(encoding)
    if (request.content_length or 0) > limits.body_octets:
        raise _too_large(limits)
    try:
        if request.content.is_eof():  # it is here: most are small
            octets = request.content.read_nowait()
            _tell(request, len(octets), limits)
        else:
            async with asyncio.timeout(limits.body_s):
                octets = await _read(request, limits)
    except TimeoutError:
        text = f"The body did not come within {limits.body_s:g} s"
        raise FaultError(Fault(kind=FaultKind.MALFORMED, message=text, field="body")) from None
    return inflate(octets, encoding, limits.body_octets)


async def read_json(request: web.Request, kind: type[T]) -> T:
    """Return the body as ``kind``, a struct that forbids unknown fields. Raises FaultError with the field."""
    check_content_type(request)
    octets = await read_octets(request)
    return decode_json(octets, kind, depth=request.app.get(LIMITS, _USUAL).depth)


def check_content_type(request: web.Request) -> None:
    """Raises FaultError, unless it is JSON or nothing is said. Of what is said of its characters, MALFORMED."""
    if CONTENT_TYPE not in request.headers:
        return
    if _JSON.fullmatch(request.content_type) is None:
        text = f"{CONTENT_TYPE} is {request.content_type[:80]}: send application/json"
        raise FaultError(Fault(kind=FaultKind.MEDIA_TYPE, message=text, field=CONTENT_TYPE))
    charset = request.charset
    if charset is not None and charset.lower() not in _CHARSETS:
        text = f"{CONTENT_TYPE} says charset {charset[:40]!a}: JSON is UTF-8"
        raise FaultError(Fault(kind=FaultKind.MALFORMED, message=text, field=CONTENT_TYPE))


async def _read(request: web.Request, limits: ReadingLimits) -> bytes:
    pieces: list[bytes] = []
    length = 0
    while piece := await request.content.readany():
        pieces.append(piece)
        length += len(piece)
        _tell(request, length, limits)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _tell(request: web.Request, octets: int, limits: ReadingLimits) -> None:
    """So much has been read. Raises FaultError: TOO_LARGE, BUSY."""
    if octets > limits.body_octets:
        raise _too_large(limits)
    load = request.app.get(LOAD)
    if load is not None:
        load.read(request, octets)


def _too_large(limits: ReadingLimits) -> FaultError:
    text = f"The body is larger than {limits.body_octets} octets (api.body_octets)"
    return FaultError(
        Fault(kind=FaultKind.TOO_LARGE, message=text, field="body", constraint="max_length")
    )
