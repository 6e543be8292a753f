"""Whom a user may send as: patterns of the reverse path and of the header's From, Sender and Resent-From (A2). Pure."""

import functools
import re
from collections.abc import Iterable
from typing import Final

from angarium.smtp.address import Address, AddressSyntaxError, parse_domain, parse_mailbox

ANYONE: Final = "*"
_CACHED: Final = 4096  # distinct sets of patterns; ours, because there are about as many as users
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


class SenderPatternError(ValueError):
    """Not ``*``, ``@domain``, ``@*.domain`` or ``user@domain``; the text says why."""


class Senders:
    """``*`` allows every address, ``@domain`` all of exactly this domain, ``@*.domain`` all of those below it,
    ``user@domain`` one.

    Local parts are compared without regard to case: RFC 5321 section 2.4 lets a host tell them apart, but none
    gives ``Sales@`` and ``sales@`` to different people, and programs do write both.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raises SenderPatternError."""
        self.allows_all = False
        self._domains: set[str] = set()
        self._parents: set[str] = set()  # of what "@*." stands for
        self._mailboxes: set[tuple[str, str]] = set()
        for pattern in patterns:
            self._add(pattern)

    def allows(self, address: Address) -> bool:
        return (
            self.allows_all
            or address.domain in self._domains
            or (bool(self._parents) and not self._parents.isdisjoint(_above(address.domain)))
            or (_mailbox_name(address.local_part), address.domain) in self._mailboxes
        )

    def allows_bounces_of(self, host: str) -> bool:
        """Whether a host of this name may be one of theirs: of or below a domain that they have something of."""
        names = {host, *_above(host)}
        return (
            any(domain == host for _, domain in self._mailboxes)
            or not names.isdisjoint(self._domains)
            or not self._parents.isdisjoint(_above(host))
        )

    def _add(self, pattern: str) -> None:
        if pattern.startswith("*@"):
            raise SenderPatternError(f"{pattern!r}: for all of a domain, write {pattern[1:]!r}")
        try:
            if pattern == ANYONE:
                self.allows_all = True
            elif pattern.startswith("@*."):
                self._parents.add(parse_domain(pattern[3:]))
            elif pattern.startswith("@"):
                self._domains.add(parse_domain(pattern[1:]))
            else:
                address = parse_mailbox(pattern)
                self._mailboxes.add((_mailbox_name(address.local_part), address.domain))
        except AddressSyntaxError as error:
            raise SenderPatternError(
                f"{pattern!r} is not *, @domain, @*.domain or user@domain: {error.refusal.text}"
            ) from error


@functools.lru_cache(maxsize=_CACHED)  # a cache of pure values: messages come with their patterns
def compile_senders(patterns: tuple[str, ...]) -> Senders:
    """Return the compiled patterns. Raises SenderPatternError."""
    return Senders(patterns)


def _above(domain: str) -> list[str]:
    """Return the domains that it is below, the nearest first."""
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(1, len(labels))]


def _mailbox_name(local_part: str) -> str:
    if local_part.startswith('"'):  # "john" and john are one mailbox (RFC 5321 section 4.1.2)
        local_part = _ESCAPED.sub(r"\1", local_part[1:-1])
    return local_part.lower()
