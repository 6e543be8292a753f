"""One recipient in the queue as an operator sees it, and which ones a filter means. Pure."""

from collections.abc import Callable
from typing import Literal

import msgspec

from angarium.queue.event_log import Position
from angarium.queue.message_id import parse_delivery_id, parse_message_id
from angarium.queue.model import Attempt, DeliveryId, Filter, MessageId, Origin, UnixMs
from angarium.queue.spool import EmptyFilterError

State = Literal["scheduled", "held", "in_flight"]
FindProvider = Callable[[str], str | None]  # domain -> provider, as far as it is known


class QueueEntry(msgspec.Struct, frozen=True, kw_only=True):
    id: DeliveryId
    state: State
    partition: int
    tenant: str
    stream: str
    sender: str  # reverse-path; "" is the null reverse-path
    recipient: str
    domain: str
    accepted: UnixMs
    expires: UnixMs
    due: UnixMs  # of the next attempt; of the present one while in flight
    attempts: int
    in_doubt: int
    last: Attempt | None
    size_octets: int
    rule: int = 0  # the hold rule that holds it; 0: an act, or it is not held


class EntryPage(msgspec.Struct, frozen=True):
    entries: tuple[QueueEntry, ...]  # by id, which is by time of arrival
    cursor: bytes | None  # opaque; None: no more
    damaged: tuple[DeliveryId, ...] = ()  # met on the way: their records cannot be read


class ShownMessage(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a message, queued or finished."""

    message_id: MessageId
    queued: bool
    origin: Origin | None
    message_id_header: str
    header_from: str
    entries: tuple[QueueEntry, ...]  # recipients still in the queue
    events: tuple[Position, ...]  # as far as they are kept, in order


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator's act did, or with ``dry_run`` would do."""

    count: int
    ids: tuple[DeliveryId, ...]  # the first of them, at most IDS_REPORTED
    in_flight: int  # matching, but being tried right now: left alone; ask again when their attempt has ended
    unchanged: int  # matching, but in the wanted state already, or not one that the act applies to


class CompiledFilter:
    """A filter made ready to be asked a million times."""

    def __init__(self, wanted: Filter, now: UnixMs, find_provider: FindProvider) -> None:
        """Raises ValueError for ids that are none."""
        self.messages: set[MessageId] = set()
        self.deliveries: set[DeliveryId] = set()
        for text in wanted.ids:
            if "." in text:
                self.deliveries.add(parse_delivery_id(text))
            else:
                self.messages.add(parse_message_id(text))
        self.has_ids = bool(wanted.ids)
        self.state = wanted.state
        self._tenant = wanted.tenant
        self._sender = None if wanted.sender is None else wanted.sender.casefold()
        self._recipient = None if wanted.recipient is None else wanted.recipient.casefold()
        self._domain = None if wanted.domain is None else wanted.domain.casefold()
        # An address literal is kept as it was given, a domain in lower-case A-labels
        literal = self._domain is not None and self._domain.startswith("[")
        self._domain_octets = None if self._domain is None or literal else self._domain.encode()
        self._provider = wanted.provider
        self._find_provider = find_provider
        self._before = None if wanted.older_than_ms is None else now - wanted.older_than_ms

    def has_id(self, delivery: DeliveryId) -> bool:
        return (
            not self.has_ids or delivery in self.deliveries or delivery.message_id in self.messages
        )

    def may_match(self, raw: bytes) -> bool:
        """Whether a recipient's record on disk may match: a look at its octets, far cheaper than decoding it."""
        return self._domain_octets is None or self._domain_octets in raw

    def matches(self, entry: QueueEntry) -> bool:
        """Whether every given condition holds. Addresses compare without case, as operators type them."""
        return (
            (self.state is None or entry.state == self.state)
            and (self._tenant is None or entry.tenant == self._tenant)
            and (self._domain is None or entry.domain.casefold() == self._domain)
            and (self._before is None or entry.accepted <= self._before)
            and (self._recipient is None or entry.recipient.casefold() == self._recipient)
            and (self._sender is None or sender_matches(self._sender, entry.sender))
            and self.has_id(entry.id)
            and (self._provider is None or self._find_provider(entry.domain) == self._provider)
        )


def sender_matches(wanted: str, sender: str) -> bool:
    """Whether a reverse-path is the casefolded address that is wanted, or of the domain in "@domain"."""
    folded = sender.casefold()
    return folded.endswith(wanted) if wanted.startswith("@") else folded == wanted


def refuse_empty(wanted: Filter) -> None:
    if wanted.is_empty:
        raise EmptyFilterError("an empty filter would mean the whole queue")
