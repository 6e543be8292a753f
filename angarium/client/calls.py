"""Requests and answers of the API as values: what is sent, what is read of an answer, what is tried again. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from angarium.client.errors import ApiError

# Where nothing was done, or where a key makes a second try the same request
RETRIED: Final = frozenset({429, 500, 502, 503, 504, 507})
LONGEST_WAIT_S: Final = 30.0
_T = TypeVar("_T")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    path: str  # with its query
    body: bytes = b""
    once: str = ""  # the idempotency key
    content_type: str = "application/json"

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if self.body:
            headers["Content-Type"] = self.content_type
        if self.once:
            headers["Idempotency-Key"] = self.once
        return headers

    @property
    def may_repeat(self) -> bool:
        """Whether it can be tried again after an answer that was lost."""
        return bool(self.once) or self.method in ("GET", "PUT", "DELETE")


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


def call(
    method: str,
    *path: str,
    query: Mapping[str, Any] | None = None,
    body: object = None,
    once: str = "",
) -> Call:
    """``path``: its parts, each quoted. ``query``: None and "" are left out."""
    text = "/v1/" + "/".join(quote(each, safe="") for each in path)
    asked = [
        (name, _text(value)) for name, value in (query or {}).items() if value not in (None, "", ())
    ]
    if asked:
        text += "?" + urlencode(asked)
    octets = b"" if body is None else msgspec.json.encode(body)
    return Call(method=method, path=text, body=octets, once=once)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(str(each) for each in value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def wait_s(reply: Reply | None, tries: int) -> float:
    """How long to wait before the next try, ``tries`` having been made."""
    asked = "" if reply is None else reply.headers.get("retry-after", "")
    wait = float(asked) if asked.isdecimal() else 0.5 * 2.0 ** (tries - 1)
    return min(wait, LONGEST_WAIT_S)


def read(reply: Reply, kind: type[_T]) -> _T:
    """Return the answer. Raises ApiError."""
    if reply.status >= 400:
        raise error_of(reply)
    try:
        return msgspec.json.decode(reply.body or b"{}", type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ApiError(
            status=reply.status,
            error="UNREADABLE_ANSWER",
            message=f"the answer is not what the API says: {error}",
            request_id=reply.headers.get("x-request-id", ""),
        ) from None


class _Details(msgspec.Struct, kw_only=True):
    field: str = ""
    line: int | None = None
    column: int | None = None


class _Error(msgspec.Struct, kw_only=True):
    error: str = ""
    message: str = ""
    details: _Details | None = None


def error_of(reply: Reply) -> ApiError:
    try:
        said = msgspec.json.decode(reply.body, type=_Error)
    except msgspec.DecodeError:  # of something in between
        said = _Error(message=reply.body[:200].decode("utf-8", "replace"))
    after = reply.headers.get("retry-after", "")
    details = said.details or _Details()
    return ApiError(
        status=reply.status,
        error=said.error or f"HTTP_{reply.status}",
        message=said.message or "no reason was given",
        field=details.field,
        line=details.line,
        column=details.column,
        retry_after_s=int(after) if after.isdecimal() else None,
        request_id=reply.headers.get("x-request-id", ""),
    )
