"""What a message carries so that what comes back is known as ours: its return path and header fields. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Set
from functools import lru_cache
from typing import Final

import msgspec

from angarium.config.schema import Feedback
from angarium.feedback.reference import Purpose, ReferenceKeys, Subject
from angarium.queue.model import UnixMs

_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
# Ours, of a part of Feedback-ID: a header line ends at 998 octets
_PART_CHARACTERS: Final = 64
# Of the last part of Feedback-ID: Gmail asks for 5 to 15 characters
_SENDER_CHARACTERS: Final = range(5, 16)

_FOLD: Final = "\r\n "
_POST: Final = b"list-unsubscribe-post:"
_ONE_CLICK: Final = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    reverse_path: str  # what MAIL FROM says
    fields: bytes  # to go in front of the header, each with its CRLF; all ASCII


class Marker:
    """Marks transactions by the configuration and keys of now."""

    def __init__(
        self,
        config: Feedback,
        keys: ReferenceKeys | None,
        signing_domains: Callable[[str], Iterable[str]],
        to_leave: Set[str] = frozenset(),
        page_of: Callable[[Subject, UnixMs], str] = lambda _, __: "",
    ) -> None:
        """``keys`` None: mail carries no references, and its own reverse path stays. ``signing_domains``: whose keys
        sign mail from a domain (the d= of its signatures). ``to_leave``: streams whose mail says how to leave.
        ``page_of``: the address that takes one click to leave; "": there is none.
        """
        self._to_leave = to_leave
        self._page_of = page_of
        self._return_path_domain = config.return_path_domain
        self._addresses = config.feedback_addresses
        self._keys = keys
        self._signing_domains = signing_domains

    def mark(
        self, subject: Subject, reverse_path: str, header_from: str, header: bytes, now: UnixMs
    ) -> Marks:
        """Return the marks of one transaction; ``header`` is the message's own. The null reverse path stays."""
        fields: list[str] = []
        if self._keys is not None:
            fields += self._references(self._keys, subject, header_from, header, now)
            if reverse_path and self._return_path_domain:
                local_part = self._keys.local_part(subject, now)
                reverse_path = f"{local_part}@{self._return_path_domain}"
        if subject.stream in self._to_leave:
            fields.append(self._way_out(subject, header, now))
        return Marks(reverse_path=reverse_path, fields="".join(fields).encode("ascii"))

    def _references(
        self,
        keys: ReferenceKeys,
        subject: Subject,
        header_from: str,
        header: bytes,
        now: UnixMs,
    ) -> Iterator[str]:
        token = keys.token(subject, now)
        yield f"X-Angarium-Reference: {token}\r\n"
        if (address := self._find_address(header_from)) is not None:  # RFC 9477 section 3
            yield f"CFBL-Address: {address}; report=arf\r\nCFBL-Feedback-ID: {token}\r\n"
        if not _has(header, b"feedback-id:"):  # with two, none counts
            yield f"Feedback-ID: {feedback_id(subject, header_from)}\r\n"

    def _way_out(self, subject: Subject, header: bytes, now: UnixMs) -> str:
        """RFC 2369 section 3.2, RFC 8058 section 3.1. "" where the sender has its own, or it would be several
        people's.
        """
        if subject.index is None or _has(header, b"list-unsubscribe:"):
            return ""
        page = self._page_of(subject, now)
        ways = [f"<{page}>"] if page else []
        if self._keys is not None and self._return_path_domain:
            local_part = self._keys.local_part(subject, now, Purpose.UNSUBSCRIBE)
            ways.append(f"<mailto:{local_part}@{self._return_path_domain}?subject=unsubscribe>")
        if not ways:
            return ""
        one_click = _ONE_CLICK if page and not _has(header, _POST) else ""
        return f"List-Unsubscribe: {f',{_FOLD}'.join(ways)}\r\n{one_click}"

    def _find_address(self, header_from: str) -> str | None:
        """Return the feedback address that a signature of the mail vouches for: of its domain, or of one below."""
        if not self._addresses:
            return None
        domains = [each.lower() for each in self._signing_domains(header_from)]
        for address in self._addresses:
            domain = address.rpartition("@")[2].lower()
            if any(f".{domain}".endswith(f".{each}") for each in domains):
                return address
        return None


def feedback_id(subject: Subject, header_from: str) -> str:
    """Return ``campaign:tenant:stream:sender`` as Gmail's feedback loop reads it; what has no name is ``-``."""
    sender = _sender_id(header_from or subject.sender_domain)
    parts = (_part(subject.campaign), _part(subject.tenant), _part(subject.stream), sender)
    return ":".join(parts)


@lru_cache(maxsize=4096)
def _part(name: str) -> str:
    return "".join(c if c in _PLAIN else "_" for c in name[:_PART_CHARACTERS]) or "-"


@lru_cache(maxsize=4096)
def _sender_id(domain: str) -> str:
    """Return a name of the domain: itself, or its beginning and a digest where that is too long or too short."""
    name = _part(domain.lower())
    if len(name) in _SENDER_CHARACTERS:
        return name
    return f"{name[:8]}-{hashlib.sha256(domain.lower().encode()).hexdigest()[:6]}"


def _has(header: bytes, name: bytes) -> bool:
    """Whether there is a field of this name, which is lower-case and ends in its colon."""
    lower = header.lower()
    return lower.startswith(name) or b"\n" + name in lower
