"""One recipient in the queue as an operator sees it, and which ones a filter means. Pure."""

from collections.abc import Callable
from typing import Literal

import msgspec

from angarium.queue.destination import destination_of
from angarium.queue.event_log import Position
from angarium.queue.message_id import parse_delivery_id, parse_message_id
from angarium.queue.model import Attempt, DeliveryId, Filter, MessageId, Origin, UnixMs
from angarium.queue.reply_pattern import ReplyPattern, full_reply
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
    via: str = ""  # the way that an operator chose; "": as routes and DNS say
    campaign: str = ""
    not_before: UnixMs = UnixMs(0)  # its start is put off until then; 0: it is not
    if_missed: str = "send"
    topic: str = ""

    @property
    def started(self) -> UnixMs:
        """When it might leave: so long it waits."""
        return max(self.accepted, self.not_before)

    @property
    def destination(self) -> str:
        return destination_of(self.domain, self.via)


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


class AffectedRecipient(msgspec.Struct, frozen=True, kw_only=True):
    id: DeliveryId
    recipient: str


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator's act did, or with ``dry_run`` would do."""

    count: int
    named: tuple[AffectedRecipient, ...]  # the first of them, at most NAMED_LIMIT
    in_flight: int  # matching, but being tried right now: left alone; ask again when their attempt has ended
    unchanged: int  # matching, but in the wanted state already, or not one that the act applies to
    who: str = ""  # did it, as in the events of it
    reason: str = ""

    @property
    def ids(self) -> tuple[DeliveryId, ...]:
        return tuple([each.id for each in self.named])


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
        self.states = frozenset(wanted.states)
        self._tenants = frozenset(wanted.tenants)
        self._campaigns = frozenset(wanted.campaigns)
        self._senders = tuple([each.casefold() for each in wanted.senders])
        self._recipients = frozenset([each.casefold() for each in wanted.recipients])
        self._domains = frozenset([each.casefold() for each in wanted.domains])
        self._domain_octets = self._kept_domains()
        self._providers = frozenset(wanted.providers)
        self._replies = [ReplyPattern(each) for each in wanted.replies]
        self._rules = frozenset(wanted.rules)
        self._find_provider = find_provider
        self._before = None if wanted.older_than_ms is None else now - wanted.older_than_ms

    def has_id(self, delivery: DeliveryId) -> bool:
        return (
            not self.has_ids or delivery in self.deliveries or delivery.message_id in self.messages
        )

    def may_match(self, raw: bytes) -> bool:
        """Whether a recipient's record on disk may match: a look at its octets, far cheaper than decoding it."""
        return not self._domain_octets or any(each in raw for each in self._domain_octets)

    def matches(self, entry: QueueEntry) -> bool:
        """Whether every given condition holds. Addresses compare without case, as operators type them."""
        return (
            (not self.states or entry.state in self.states)
            and (not self._tenants or entry.tenant in self._tenants)
            and (not self._campaigns or entry.campaign in self._campaigns)
            and (not self._domains or entry.domain.casefold() in self._domains)
            and (self._before is None or entry.started <= self._before)
            and (not self._recipients or entry.recipient.casefold() in self._recipients)
            and (not self._rules or entry.rule in self._rules)
            and (not self._senders or self._has_sender(entry.sender))
            and (not self._replies or self._has_reply(entry.last))
            and self.has_id(entry.id)
            and (not self._providers or self._find_provider(entry.destination) in self._providers)
        )

    def _kept_domains(self) -> tuple[bytes, ...]:
        """As records have them: in lower-case A-labels; but an address literal is kept as it was given: then none."""
        if any(each.startswith("[") for each in self._domains):
            return ()
        return tuple([each.encode() for each in self._domains])

    def _has_sender(self, sender: str) -> bool:
        return any(sender_matches(each, sender) for each in self._senders)

    def _has_reply(self, last: Attempt | None) -> bool:
        if last is None:
            return False
        reply = full_reply(last)
        return any(each.matches(reply) for each in self._replies)


def sender_matches(wanted: str, sender: str) -> bool:
    """Whether a reverse-path is the casefolded address that is wanted, or of the domain in "@domain"."""
    folded = sender.casefold()
    return folded.endswith(wanted) if wanted.startswith("@") else folded == wanted


def refuse_empty(wanted: Filter) -> None:
    if wanted.is_empty:
        raise EmptyFilterError("an empty filter would mean the whole queue")
