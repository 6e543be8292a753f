"""Suppressions in SES's words: two reasons, times in seconds, pages with a token. Pure. Raises FaultError."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from angarium.api.compat.faults import invalid, missing
from angarium.api.compat.written import mailbox
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.queue.suppressions import COMPLAINT, MANUAL, Suppression

BOUNCE_WORD, COMPLAINT_WORD = "BOUNCE", "COMPLAINT"
MAX_PAGE: Final = 1000  # of Amazon
_PARAMETERS: Final = ("Reason", "StartDate", "EndDate", "NextToken", "PageSize", "TenantName")
_REASONS: Final = {BOUNCE_WORD: MANUAL, COMPLAINT_WORD: COMPLAINT}
_SECONDS: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What of a tenant's suppressions is asked for."""

    words: frozenset[str]  # BOUNCE, COMPLAINT
    since: UnixMs | None = None
    until: UnixMs | None = None
    after: bytes | None = None  # a cursor
    limit: int = MAX_PAGE

    def has(self, suppression: Suppression) -> bool:
        at = suppression.added_at
        return (
            word_of(suppression) in self.words
            and (self.since is None or at >= self.since)
            and (self.until is None or at <= self.until)
        )


def word_of(suppression: Suppression) -> str:
    """SES knows two; what nobody complained of is a bounce to its clients: the address gets nothing."""
    return COMPLAINT_WORD if suppression.reason == COMPLAINT else BOUNCE_WORD


def reason_of(word: str | None) -> str:
    """A person's word, not a host's: so it stays until a person takes it away."""
    if not word:
        raise FaultError(missing("Reason"))
    if word not in _REASONS:
        raise FaultError(invalid("Reason", "is not BOUNCE or COMPLAINT"))
    return _REASONS[word]


def read_email(text: str | None) -> str:
    if not text:
        raise FaultError(missing("EmailAddress"))
    return mailbox(text, "EmailAddress").address.text


def check_tenant(name: str | None, tenant: str) -> None:
    """Nobody asks for another tenant's (P7)."""
    if name and name != tenant:
        text = f"Tenant {name[:64]} does not exist."
        raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=text, field="TenantName"))


def shown(suppression: Suppression) -> dict[str, Any]:
    """Return a SuppressedDestination, or its summary."""
    return {
        "EmailAddress": suppression.email,
        "Reason": word_of(suppression),
        "LastUpdateTime": suppression.added_at / 1000,
    }


def read_wanted(query: Sequence[tuple[str, str]], tenant: str) -> Wanted:
    """``query``: the parameters, decoded."""
    values: dict[str, list[str]] = {}
    for name, value in query:
        if name not in _PARAMETERS:
            text = f"{name[:80]} is no parameter of this request"
            fault = Fault(kind=FaultKind.UNKNOWN_FIELD, message=text, field=name[:80])
            raise FaultError(fault)
        if value:
            values.setdefault(name, []).append(value)
    one = {name: found[0] for name, found in values.items()}
    for name, found in values.items():
        if len(found) > 1 and name != "Reason":
            raise FaultError(invalid(name, "is given twice"))
    check_tenant(one.get("TenantName"), tenant)
    for word in values.get("Reason", ()):
        reason_of(word)
    return Wanted(
        words=frozenset(values.get("Reason", _REASONS)),
        since=_time(one, "StartDate"),
        until=_time(one, "EndDate"),
        after=_token(one.get("NextToken")),
        limit=_limit(one.get("PageSize")),
    )


def token_of(cursor: bytes) -> str:
    return urlsafe_b64encode(cursor).decode()


def _token(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return urlsafe_b64decode(text.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        raise FaultError(invalid("NextToken", "is none that was given out")) from None


def _limit(text: str | None) -> int:
    if text is None:
        return MAX_PAGE
    if not text.isdecimal() or len(text) > 9 or int(text) == 0:
        raise FaultError(invalid("PageSize", f"is no number from 1 to {MAX_PAGE}"))
    return min(int(text), MAX_PAGE)


def _time(one: Mapping[str, str], name: str) -> UnixMs | None:
    """In a query, clients write RFC 3339; some, seconds since 1970."""
    text = one.get(name)
    if text is None:
        return None
    if _SECONDS.fullmatch(text):
        return UnixMs(int(float(text) * 1000))
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError
        return UnixMs(int(at.timestamp() * 1000))
    except (ValueError, OverflowError):
        raise FaultError(invalid(name, "is no time like 2030-01-31T09:00:00Z")) from None
