"""What requests and answers of our own dialect are made of: camelCase, times as RFC 3339, ids as text."""

import functools
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
import msgspec.inspect
from aiohttp import web
from msgspec import Meta

from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339

# Ours, of one page
PAGE: Final = 100
MAX_PAGE: Final = 1000
MAX_CURSOR: Final = 900  # characters; ours: a suppression's key has 393 octets
# Ours, of what stands in a path: nothing that we give a name is longer than an address
MAX_IN_PATH: Final = 400

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
TimeGiven = Annotated[datetime, Meta(tz=True)]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
Cursor = Annotated[str, Meta(max_length=MAX_CURSOR, pattern="^[A-Za-z0-9_-]*$")]

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

T = TypeVar("T", bound=msgspec.Struct)


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what is answered."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of what is asked for: unknown names are refused."""


class PageAsked(Asked, frozen=True, kw_only=True):
    """Which part of a list."""

    cursor: Cursor = ""  # of the page before; omitted: the first page
    limit: Limit = PAGE  # how many at most


def time_text(at: UnixMs) -> str:
    return rfc3339(at)


def maybe_time(at: UnixMs | None) -> str | None:
    return None if at is None else rfc3339(at)


def unix_ms(given: datetime) -> UnixMs:
    return UnixMs(int(given.timestamp() * 1000))


def read_query(request: web.Request, kind: type[T]) -> T:
    """Return the parameters behind the path. Raises FaultError that names the wrong one.

    One that may have several values is given several times. What is empty is as if it were not there.
    """
    known, times = _parameters(kind)
    found: dict[str, Any] = {}
    for name in dict.fromkeys(request.query):
        if name not in known:
            names = ", ".join(known) or "none"
            text = f"Unknown parameter: {name[:100]}; there are: {names}"
            raise invalid(name[:100], text, FaultKind.UNKNOWN_FIELD, "unknown")
        values = [each for each in request.query.getall(name) if each]
        if known[name]:
            if values:
                found[name] = values
        elif len(values) > 1:
            raise invalid(name, f"{name} is given {len(values)} times: give it once")
        elif values:
            if values[0].lower() == "null":  # msgspec would take it for the default
                raise invalid(name, f"{name}: null is no value of a parameter; leave it out")
            if name in times and not _DATE.match(values[0]):  # and a number for seconds
                raise invalid(name, f"{name}: write a time like 2026-01-31T10:30:00Z")
            found[name] = values[0]
    try:
        return msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`").partition("[")[0]
        if reason.startswith("Object missing required field"):
            name = reason.rpartition("field ")[2].strip("`")
            text = f"Missing required parameter: {name}"
            raise invalid(name, text, FaultKind.MISSING, "required") from None
        raise invalid(name, f"{name}: {reason[:1].lower()}{reason[1:200]}") from None


def in_path(request: web.Request, name: str) -> str:
    """Return a part of the path. Raises FaultError NOT_FOUND for what can be no name of anything."""
    text = request.match_info[name]
    if not text.isprintable() or len(text) > MAX_IN_PATH:
        raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=f"There is no such {name}"))
    return text


def cursor_of(last: bytes | None) -> str | None:
    """Return where the next page begins; None: there is none."""
    return None if last is None else last.hex()


def read_cursor(text: str) -> bytes | None:
    """Return what ``cursor_of`` made it of; another one begins somewhere, and does no harm. Raises FaultError."""
    try:
        return bytes.fromhex(text) if text else None
    except ValueError:
        told = "cursor: it is of no page; leave it out, or take it from an answer"
        raise invalid("cursor", told) from None


def read_text_cursor(text: str) -> str:
    """Return what was the last of the page before; "": the first page. Raises FaultError."""
    last = (read_cursor(text) or b"").decode("utf-8", "ignore")
    return "".join(filter(str.isprintable, last))


def invalid(
    field: str, text: str, kind: FaultKind = FaultKind.INVALID, constraint: str = ""
) -> FaultError:
    return FaultError(Fault(kind=kind, message=text, field=field, constraint=constraint))


@functools.lru_cache(maxsize=256)  # of types: there are some dozens
def _parameters(kind: type[msgspec.Struct]) -> tuple[Mapping[str, bool], frozenset[str]]:
    """Return the names of parameters, and whether each may have several values; and which are times."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    several = msgspec.inspect.VarTupleType
    known = {each.encode_name: isinstance(each.type, several) for each in info.fields}
    times = frozenset({each.encode_name for each in info.fields if _is_time(each.type)})
    return known, times


def _is_time(info: msgspec.inspect.Type) -> bool:
    kinds = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    return any(isinstance(each, msgspec.inspect.DateTimeType) for each in kinds)
