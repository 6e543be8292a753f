"""Who opened a message and followed its links, of many messages: for whoever sent them. Pure.

Only of whom it is kept: mail that is tracked without names says it of nobody.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from angarium.history.status import Status
from angarium.queue.event_log import Position
from angarium.queue.events import Clicked, Opened
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.message_id import message_id_text
from angarium.queue.model import UnixMs

# Ours: of one recipient of one message, further ones are counted and not named
LINKS: Final = 20
_MACHINE: Final = "machine"
# Places in states of what was told: every second octet
_TOLD: Final = slice(1, None, 2)


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient who opened or clicked, as far as can be told as a person: what machines did is in none of it."""

    address: str
    email_id: str
    campaign: str
    opens: int = 0
    first_opened: UnixMs | None = None  # None: not that anybody knows
    clicks: int = 0
    first_clicked: UnixMs | None = None
    links: tuple[str, ...] = ()  # in the order in which they were first followed, twenty at most


class ReaderPage(msgspec.Struct, frozen=True, kw_only=True):
    """The newest message's readers first. It may have none, and still a cursor: then more messages are to be read."""

    readers: tuple[Reader, ...]
    cursor: str | None  # of the next page; None: this was the last one


def may_have_readers(states: bytes) -> bool:
    """Return whether somebody opened or clicked, by what a message's row says (``course``); where it is sure of
    nothing, as behind a complaint, it says yes.
    """
    return max(states[_TOLD], default=0) >= Status.OPENED


def readers_of(accepted: MessageAccepted, events: Iterable[Position]) -> Sequence[Reader]:
    """Return a message's readers, whoever was first to open or click first. ``events``: the message's, in order."""
    found: dict[str, Reader] = {}
    for each in events:
        event = each.event
        # Without an address it is known of the mail, and of nobody
        if isinstance(event, Opened | Clicked) and event.recipient and event.verdict != _MACHINE:
            folded = event.recipient.casefold()
            known = found.get(folded)
            if known is None:
                known = Reader(
                    address=event.recipient,
                    email_id=message_id_text(accepted.message_id),
                    campaign=accepted.campaign,
                )
            found[folded] = _after(known, event)
    return list(found.values())


def _after(reader: Reader, event: Opened | Clicked) -> Reader:
    if isinstance(event, Opened):
        return msgspec.structs.replace(
            reader,
            opens=reader.opens + 1,
            first_opened=event.at if reader.first_opened is None else reader.first_opened,
        )
    links = reader.links
    if event.link and event.link not in links and len(links) < LINKS:
        links = (*links, event.link)
    return msgspec.structs.replace(
        reader,
        clicks=reader.clicks + 1,
        first_clicked=event.at if reader.first_clicked is None else reader.first_clicked,
        links=links,
    )
