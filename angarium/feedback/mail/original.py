"""The message that a report is about, where it is returned: as a part, or as text below the notice. Pure."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from angarium.feedback.mail.addresses import addresses_of, find_addresses
from angarium.feedback.mail.fields import Fields, read_fields
from angarium.feedback.mail.parts import ParsedMail
from angarium.feedback.mail.text import octets_of
from angarium.feedback.mail.wording import phrases

_FOR: Final = re.compile(r"\bfor\s+<?([^\s<>;]{1,320})>?\s*(?:;|$)")
_TYPES: Final = frozenset(
    phrases(
        """
    message/rfc822 | message/global | message/global-headers | message/rfc822-headers | message/partial |
    text/rfc822-headers | text/rfc822-header | text/global-headers | message/news
    """
    )
)
# Written by hosts on the way, and naming a recipient of the envelope
_ENVELOPE: Final = (
    "x-envelope-to",
    "x-rcpt-to",
    "x-apparently-to",
    "apparently-to",
    "x-hmxmroriginalrecipient",
    "x-original-to",
    "delivered-to",
    "envelope-to",
)
# Written by hosts on the way, or carrying a reference of ours: no business of the sender's
_TRANSIT: Final = (
    *("received", "return-path", "delivered-to", "authentication-results", "arc-", "dkim-"),
    *("x-angarium-", "cfbl-", "feedback-id", "envelope-to", "apparently-to", "resent-"),
    *(each for each in _ENVELOPE if each.startswith("x-")),
)
# C2: ours
MAX_OWN_FIELDS: Final = 64
MAX_OWN_CHARACTERS: Final = 900


def own_fields(original: Fields) -> tuple[tuple[str, str], ...]:
    """Return names and values of what the sender wrote, each value in one line, bounded."""
    return tuple(
        (name, value[:MAX_OWN_CHARACTERS])
        for name, value in original.items(MAX_OWN_FIELDS)
        if not name.startswith(_TRANSIT)
    )


def is_returned(content_type: str) -> bool:
    return content_type in _TYPES


def original_of(mail: ParsedMail) -> Fields:
    """Return the header of the first message that is attached; no fields where none is."""
    for part in mail.parts:
        if is_returned(part.content_type):
            fields, _ = read_fields(octets_of(part))
            if len(fields) > 1:
                return fields
    return Fields()


def envelope_recipients(original: Fields) -> list[str]:
    """Return whom the message was sent to as the hosts on its way wrote it down, best evidence first."""
    found: list[str] = []
    for value in original.all_raw(*_ENVELOPE):
        found.extend(addresses_of(value[:1000])[:1])
    for value in original.all_raw("received"):
        named = _FOR.search(value[-1000:])
        if named:
            found.extend(each.address for each in find_addresses(named[1]))
    return list(dict.fromkeys(found))


def header_recipients(original: Fields) -> list[str]:
    """Return whom the message's own header names."""
    found: list[str] = []
    for value in original.all_raw("to", "cc"):
        found.extend(addresses_of(value))
    return list(dict.fromkeys(found))


class AddressSet(msgspec.Struct, frozen=True):
    """Addresses compared without regard to case."""

    folded: frozenset[str]

    def __contains__(self, address: str) -> bool:
        return address.casefold() in self.folded


def names(addresses: Iterable[str]) -> AddressSet:
    return AddressSet(frozenset(each.casefold() for each in addresses))
