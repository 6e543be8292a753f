"""Verification through dkimpy, a second implementation, with bounds and typed results (D3)."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import dkim
import msgspec
from dkim.util import InvalidTagValueList, parse_tag_value

MAX_SIGNATURES: Final = 10  # looked at, per message; the rest is reported as skipped (D3)
MAX_RECORD_OCTETS: Final = 4096  # of a key record; RSA-4096 takes 750
MAX_HEADER_OCTETS: Final = 262_144  # config ListenerLimits.header_octets
MIN_RSA_BITS: Final = 1024  # RFC 8301 section 3.2: verifiers MUST NOT consider smaller ones valid

Status = Literal["pass", "fail", "permerror", "temperror", "skipped"]

TxtLookup = Callable[[str], bytes | None]
"""Name without the last dot -> the record's strings joined; None: there is none. Raises TemporaryLookupError."""


class TemporaryLookupError(Exception):
    """The key record could not be fetched this time."""


class SignatureResult(msgspec.Struct, frozen=True, kw_only=True):
    status: Status
    reason: str  # "" when it passed
    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    body_octets: int | None = None  # l=: only so much of the body is covered


class _Refused(Exception):  # noqa: N818 - a result on its way, not an error of ours
    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status: Status = status


_log: Final = logging.getLogger("angarium.dkim.dkimpy")
_log.disabled = True  # what dkimpy would log is in the result


def verify(content: bytes, lookup: TxtLookup) -> Sequence[SignatureResult]:
    """Check each signature of a message, top first; empty when there is none. Slow (dkimpy) and blocking."""
    end = content.find(b"\r\n\r\n")
    if (end if end >= 0 else len(content)) > MAX_HEADER_OCTETS:
        return (SignatureResult(status="permerror", reason="the header is too large"),)
    try:
        message = dkim.DKIM(content, logger=_log, minkey=MIN_RSA_BITS)
    except (dkim.DKIMException, IndexError) as e:  # IndexError: a continuation line comes first
        return (SignatureResult(status="permerror", reason=f"not a message: {e}"),)
    values = [value for name, value in message.headers if name.lower() == b"dkim-signature"]
    results = [
        _verify_one(message, index, value, lookup)
        for index, value in enumerate(values[:MAX_SIGNATURES])
    ]
    for value in values[MAX_SIGNATURES:]:
        reason = f"only the first {MAX_SIGNATURES} signatures are checked"
        results.append(_result("skipped", reason, _tags(value)))
    return results


def _verify_one(
    message: "dkim.DKIM", index: int, value: bytes, lookup: TxtLookup
) -> SignatureResult:
    tags = _tags(value)
    try:
        _check_tags(tags)
        record = _fetch(tags, lookup)
        _check_record(record, tags)
        # dkimpy asks for the record again; it gets the one that was checked.
        if not message.verify(index, dnsfunc=lambda name, timeout=0: record):
            raise _Refused("fail", "the signature does not match the header")
    except _Refused as e:
        return _result(e.status, str(e), tags)
    except dkim.ValidationError as e:
        reason = str(e)
        # dkimpy has one type for a body that does not match and a field that is malformed.
        return _result("fail" if reason.startswith("body hash") else "permerror", reason, tags)
    except (dkim.DKIMException, ValueError, TypeError, KeyError, IndexError) as e:
        return _result("permerror", str(e) or type(e).__name__, tags)
    return _result("pass", "", tags)


def _check_tags(tags: dict[bytes, bytes]) -> None:
    for tag in (b"v", b"a", b"b", b"bh", b"d", b"h", b"s"):
        if tag not in tags:
            raise _Refused("permerror", f"no {tag.decode()}= tag")
    if tags[b"a"] == b"rsa-sha1":
        raise _Refused("permerror", "rsa-sha1 is not accepted (RFC 8301)")
    if b"from" not in [name.strip().lower() for name in tags[b"h"].split(b":")]:
        raise _Refused("permerror", "the From field is not signed")  # RFC 6376 section 6.1.1


def _fetch(tags: dict[bytes, bytes], lookup: TxtLookup) -> bytes:
    try:
        name = f"{tags[b's'].decode('ascii')}._domainkey.{tags[b'd'].decode('ascii')}"
    except UnicodeDecodeError:
        raise _Refused("permerror", "d= or s= is not ASCII") from None
    try:
        record = lookup(name)
    except TemporaryLookupError as e:
        raise _Refused("temperror", f"{name}: {e}") from None
    if record is None:
        raise _Refused("permerror", f"{name}: no key record")
    if len(record) > MAX_RECORD_OCTETS:
        raise _Refused("permerror", f"{name}: the key record is too large")
    return record


def _check_record(record: bytes, tags: dict[bytes, bytes]) -> None:
    """Check what dkimpy leaves out (RFC 6376 section 6.1.2)."""
    try:
        key = parse_tag_value(record)
    except InvalidTagValueList:
        raise _Refused("permerror", "the key record is not a tag list") from None
    if not key.get(b"p"):
        raise _Refused("permerror", "the key is revoked" if b"p" in key else "no key in the record")
    if key.get(b"k", b"rsa") != tags[b"a"].partition(b"-")[0]:
        raise _Refused("permerror", "the key is of another type than the signature")
    if b"h" in key and b"sha256" not in [each.strip() for each in key[b"h"].split(b":")]:
        raise _Refused("permerror", "the key record does not allow sha256")
    # Raises KeyFormatError; later dkimpy would call it a failure.
    dkim.evaluate_pk(tags[b"s"], record)
    flags = [each.strip() for each in key.get(b"t", b"").split(b":")]
    if b"s" in flags and b"i" in tags:
        identity = tags[b"i"].rpartition(b"@")[2].lower()
        if identity != tags[b"d"].lower():
            raise _Refused("permerror", "the key record does not allow a subdomain in i=")


def _tags(value: bytes) -> dict[bytes, bytes]:
    """Return the tags of a signature field; none when it is not a tag list."""
    try:
        parsed: dict[bytes, bytes] = parse_tag_value(value)
    except InvalidTagValueList:
        return {}
    return parsed


def _result(status: Status, reason: str, tags: dict[bytes, bytes]) -> SignatureResult:
    def text(tag: bytes) -> str:
        return _printable(tags.get(tag, b""))

    length = text(b"l")
    fields: dict[str, Any] = {
        "domain": text(b"d"),
        "selector": text(b"s"),
        "algorithm": text(b"a"),
        "body_octets": int(length) if length.isdecimal() and len(length) < 20 else None,
    }
    return SignatureResult(status=status, reason=_printable(reason.encode()), **fields)


def _printable(octets: bytes) -> str:
    """Return at most 300 characters that cannot steer a terminal or break a log line."""
    text = octets[:300].decode("ascii", "replace")
    return "".join(each if each.isprintable() else "?" for each in text)
