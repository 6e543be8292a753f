"""What is known of a message while something may still be told of it: whose it is, and what was counted of whom. Pure.

No address is kept: who is named by the address alone is found by a checksum of it.
"""

import struct
import zlib
from typing import Final

import msgspec

from angarium.analytics.counters import DAY_MS, day_text, key_text
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.model import UnixMs

# Of one recipient on disk: checksum of its address, marks, route
_RECIPIENT: Final = struct.Struct("<IHI")
_MARKS: Final = struct.Struct("<H")
_ROUTE: Final = struct.Struct("<I")
_MARKS_AT: Final = 4
_ROUTE_AT: Final = 6
_encode: Final = msgspec.msgpack.Encoder().encode

# What was counted of a recipient already. Bits on disk
ENDED: Final = 1  # it has left the queue
DELIVERED: Final = 2
DEFERRED: Final = 4
BOUNCED: Final = 8
COMPLAINED: Final = 16
OPENED: Final = 32  # by a person
CLICKED: Final = 64  # by a person
UNSUBSCRIBED: Final = 128


class Labels(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """By what a message is counted. On disk as it stands."""

    tenant: str
    stream: str
    campaign: str  # "": of none
    domain: str  # of the sender; "": none is known
    tags: tuple[str, ...] = ()
    template: str = ""  # its alias, or its id; "": of none
    cohort: str = ""  # the day (UTC) on which it was accepted; "": of an earlier build


class _Template(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of ``queue.about``, which may have much more."""

    template_id: str = ""
    template_alias: str = ""


_decoder: Final = msgspec.msgpack.Decoder(Labels)
_about_decoder: Final = msgspec.json.Decoder(_Template)


class CountedMail(msgspec.Struct, kw_only=True):
    """A row of ``message``."""

    labels: bytes  # Labels
    recipients: bytearray
    started: UnixMs  # since when delivery has taken its time: its acceptance, or its start if that is later
    made: int  # the generation in which it was accepted

    def __len__(self) -> int:
        return len(self.recipients) // _RECIPIENT.size

    def find(self, index: int, recipient: str) -> int | None:
        """Return whom an event is about; None: nobody that is known. ``index`` -1: known by the address only."""
        if index >= 0:
            return index if index < len(self) else None
        wanted = _sum(recipient)
        for at, (found, _, _) in enumerate(_RECIPIENT.iter_unpack(self.recipients)):
            if found == wanted:
                return at
        return None

    def marks(self, index: int) -> int:
        found: tuple[int] = _MARKS.unpack_from(self.recipients, _at(index) + _MARKS_AT)
        return found[0]

    def mark(self, index: int, marks: int) -> None:
        at = _at(index) + _MARKS_AT
        _MARKS.pack_into(self.recipients, at, self.marks(index) | marks)

    def route(self, index: int) -> int:
        """Return which way its last attempt went, 0: there was none."""
        found: tuple[int] = _ROUTE.unpack_from(self.recipients, _at(index) + _ROUTE_AT)
        return found[0]

    def set_route(self, index: int, route: int) -> None:
        _ROUTE.pack_into(self.recipients, _at(index) + _ROUTE_AT, route)

    @property
    def is_over(self) -> bool:
        """Whether all of its recipients have left the queue."""
        return all(marks & ENDED for _, marks, _ in _RECIPIENT.iter_unpack(self.recipients))


def counted_mail(accepted: MessageAccepted, made: int) -> CountedMail:
    labels = Labels(
        tenant=accepted.tenant,
        stream=key_text(accepted.stream),
        campaign=key_text(accepted.campaign),
        domain=key_text(accepted.reverse_path.rpartition("@")[2].lower()),
        tags=tuple(dict.fromkeys([key_text(each) for each in accepted.tags if each])),
        template=_template(accepted.about) if accepted.about else "",
        cohort=day_text(accepted.at // DAY_MS),
    )
    recipients = bytearray()
    for each in accepted.recipients:
        recipients += _RECIPIENT.pack(_sum(each), 0, 0)
    started = max(accepted.at, accepted.not_before)
    return CountedMail(labels=_encode(labels), recipients=recipients, started=started, made=made)


def read_labels(raw: bytes) -> Labels:
    return _decoder.decode(raw)


def _template(about: bytes) -> str:
    try:
        found = _about_decoder.decode(about)
    except (msgspec.DecodeError, RecursionError):
        return ""  # as ``decode_about`` has it
    return key_text(found.template_alias or found.template_id)


def _at(index: int) -> int:
    return index * _RECIPIENT.size


def _sum(address: str) -> int:
    return zlib.crc32(address.casefold().encode(errors="replace"))
