"""All events, and how they are written: version u8, number u16, then the array of the event's fields. Pure.

An event is one module and one line of ``CataloguedKind``. On disk for ever:

- a number is never given to another event, nor is a field's meaning ever changed;
- a field is only appended, with a default, and counts the event's ``version`` up. A reader that knows an older version
  does not guess: it gets an UnknownEvent, as for a number that it does not know, and goes on behind it;
- anything else is a new event with a new number.

How a consumer reads (mail log, metrics; later webhooks, projections, suppression): it registers under its own name
(``EventLog.register``), and from then on nothing that it has not acknowledged is trimmed. It reads batches behind its
cursor, acts, and acknowledges: at least once, so what it does must bear repeating (a webhook carries the sequence
number), or its state goes into the acknowledgement and stands or falls with it (counts). It matches on the types that
it wants and passes over the others, unknown ones too. One that is given up retires, or trimming would wait for ever.
"""

from typing import Final, cast, get_args

import msgspec

from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.address_delisted import AddressDelisted
from angarium.queue.events.address_listed import AddressListed
from angarium.queue.events.alarm_ended import AlarmEnded
from angarium.queue.events.alarm_raised import AlarmRaised
from angarium.queue.events.attempt_failed import AttemptFailed
from angarium.queue.events.bounced import Bounced
from angarium.queue.events.campaign_changed import CampaignChanged
from angarium.queue.events.campaign_completed import CampaignCompleted
from angarium.queue.events.campaign_started import CampaignStarted
from angarium.queue.events.cancelled import Cancelled
from angarium.queue.events.clicked import Clicked
from angarium.queue.events.complained import Complained
from angarium.queue.events.content_shown import ContentShown
from angarium.queue.events.damaged import Damaged
from angarium.queue.events.delivered import Delivered
from angarium.queue.events.domain_failed import DomainFailed
from angarium.queue.events.domain_recovered import DomainRecovered
from angarium.queue.events.domain_verified import DomainVerified
from angarium.queue.events.expired import Expired
from angarium.queue.events.fetched import Fetched
from angarium.queue.events.hold_rule_added import HoldRuleAdded
from angarium.queue.events.hold_rule_removed import HoldRuleRemoved
from angarium.queue.events.in_doubt import InDoubt
from angarium.queue.events.opened import Opened
from angarium.queue.events.operator_held import OperatorHeld
from angarium.queue.events.operator_released import OperatorReleased
from angarium.queue.events.operator_rerouted import OperatorRerouted
from angarium.queue.events.operator_retried import OperatorRetried
from angarium.queue.events.person_erased import PersonErased
from angarium.queue.events.recipient_suppressed import RecipientSuppressed
from angarium.queue.events.relayed import Relayed
from angarium.queue.events.report_bounced import ReportBounced
from angarium.queue.events.report_kept import ReportKept
from angarium.queue.events.report_unmatched import ReportUnmatched
from angarium.queue.events.rescheduled import Rescheduled
from angarium.queue.events.resubscribed import Resubscribed
from angarium.queue.events.rule_ended import RuleEnded
from angarium.queue.events.rule_in_force import RuleInForce
from angarium.queue.events.sender_paused import SenderPaused
from angarium.queue.events.sender_resumed import SenderResumed
from angarium.queue.events.ses_told import SesTold
from angarium.queue.events.shape import CataloguedEvent, EventHead
from angarium.queue.events.skipped import Skipped
from angarium.queue.events.smart_host_back import SmartHostBack
from angarium.queue.events.smart_host_rested import SmartHostRested
from angarium.queue.events.suppression_added import SuppressionAdded
from angarium.queue.events.suppression_removed import SuppressionRemoved
from angarium.queue.events.tracking_host_failed import TrackingHostFailed
from angarium.queue.events.tracking_host_verified import TrackingHostVerified
from angarium.queue.events.unsubscribed import Unsubscribed
from angarium.queue.events.warmup_changed import WarmupChanged
from angarium.queue.events.webhook_disabled import WebhookDisabled
from angarium.queue.model import MessageId, UnixMs

CataloguedKind = (
    MessageAccepted
    | Delivered
    | Relayed
    | AttemptFailed
    | Bounced
    | Expired
    | InDoubt
    | OperatorHeld
    | OperatorReleased
    | OperatorRetried
    | Cancelled
    | HoldRuleAdded
    | HoldRuleRemoved
    | Damaged
    | ContentShown
    | OperatorRerouted
    | WarmupChanged
    | RuleInForce
    | RuleEnded
    | ReportBounced
    | Complained
    | Unsubscribed
    | ReportUnmatched
    | ReportKept
    | RecipientSuppressed
    | SuppressionAdded
    | SuppressionRemoved
    | AddressListed
    | AddressDelisted
    | SenderPaused
    | AlarmRaised
    | AlarmEnded
    | SenderResumed
    | SmartHostRested
    | SmartHostBack
    | SesTold
    | Opened
    | Clicked
    | Rescheduled
    | Skipped
    | WebhookDisabled
    | DomainVerified
    | DomainFailed
    | DomainRecovered
    | CampaignStarted
    | CampaignChanged
    | CampaignCompleted
    | Fetched
    | Resubscribed
    | TrackingHostVerified
    | TrackingHostFailed
    | PersonErased
)


class UnknownEvent(EventHead, frozen=True, kw_only=True, array_like=True, gc=False):
    """Written by a newer Angarium: only that it was, when, and about which message is known.

    Or damaged on disk: then not even that, and its number is 0.
    """

    number: int
    version: int

    @property
    def name(self) -> str:
        return f"unknown_{self.number}"


Event = CataloguedKind | UnknownEvent

CATALOGUE: Final[tuple[type[CataloguedEvent], ...]] = get_args(CataloguedKind)
# Of events that are no more. Their numbers stay taken
RETIRED_NUMBERS: Final[frozenset[int]] = frozenset()
FINAL_EVENTS: Final = (
    *(Delivered, Relayed, Bounced, Expired, Cancelled, RecipientSuppressed),
    Skipped,
)

Departure = Delivered | Relayed
_HEADER_OCTETS: Final = 3


class EventError(ValueError):
    """What is on disk is not an event of ours."""


def _header_of(number: int, version: int) -> bytes:
    return bytes([version]) + number.to_bytes(2, "big")


_HEADERS: Final = {kind: _header_of(kind.number, kind.version) for kind in CATALOGUE}
_DECODERS: Final = {
    _header_of(kind.number, version): msgspec.msgpack.Decoder(kind)
    for kind in CATALOGUE
    for version in range(1, kind.version + 1)
}
_DEPARTURES: Final = frozenset(
    _header_of(kind.number, version)
    for kind in get_args(Departure)
    for version in range(1, kind.version + 1)
)
_head_decoder: Final = msgspec.msgpack.Decoder(EventHead)
_encode: Final = msgspec.msgpack.Encoder().encode


def encode_event(event: CataloguedKind) -> bytes:
    return _HEADERS[type(event)] + _encode(event)


def encode_known(event: Event) -> bytes:
    """The same of any event, for who passes on what was read: of an unknown one only what is known of it."""
    if isinstance(event, UnknownEvent):
        return _header_of(event.number, event.version) + _encode([event.at, event.message_id])
    return encode_event(event)


def decode_event(raw: bytes) -> Event:
    """Raises EventError."""
    decoder = _DECODERS.get(raw[:_HEADER_OCTETS])
    try:
        if decoder is None:
            return _unknown(raw)
        return cast(Event, decoder.decode(memoryview(raw)[_HEADER_OCTETS:]))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EventError(f"not an event: {error}") from error


def decode_readable(raw: bytes) -> Event:
    """The same for who goes through the log: what cannot be read is passed over as an unknown event (L2)."""
    try:
        return decode_event(raw)
    except EventError:
        return UnknownEvent(at=UnixMs(0), message_id=MessageId(b""), number=0, version=0)


def is_departure(raw: bytes) -> bool:
    """Whether it is said to be a Departure, by its first octets."""
    return raw[:_HEADER_OCTETS] in _DEPARTURES


def readable_head(raw: bytes) -> EventHead:
    """As ``decode_head``; what cannot be read was at the beginning of time, about nothing (L2)."""
    try:
        return decode_head(raw)
    except EventError:
        return EventHead(at=UnixMs(0), message_id=MessageId(b""))


def decode_head(raw: bytes) -> EventHead:
    """Return when it was and what it is about, of any event, known or not. Raises EventError."""
    try:
        return _head_decoder.decode(memoryview(raw)[_HEADER_OCTETS:])
    except msgspec.DecodeError as error:
        raise EventError(f"not an event: {error}") from error


def _unknown(raw: bytes) -> UnknownEvent:
    head = decode_head(raw)
    return UnknownEvent(
        at=head.at,
        message_id=head.message_id,
        number=int.from_bytes(raw[1:_HEADER_OCTETS], "big"),
        version=raw[0],
    )
