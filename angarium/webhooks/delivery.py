"""One event on its way to one endpoint, as the outbox has it. Pure values."""

import enum
from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs

DeliveryStatus = Literal["waiting", "delivered", "failed"]
STATUSES: Final[tuple[DeliveryStatus, ...]] = ("waiting", "delivered", "failed")
# Before the id of the tenant whose callbacks they are, and the origin that they go to
CALLBACK: Final = "callback:"


class State(enum.IntEnum):
    """The numbers are on disk."""

    WAITING = 0
    DELIVERED = 1
    FAILED = 2  # given up: it waits for a replay

    @property
    def status(self) -> DeliveryStatus:
        return STATUSES[self]


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str
    endpoint: str  # the webhook's id; of a callback, CALLBACK and where it goes
    url: str = ""  # of a callback; "": the endpoint's, when it is sent
    event_id: str  # a UUID: the same at every try, and again when the event is handled again
    type: str  # email.delivered
    email_id: str = ""  # what is told in order; "": it is about no message
    recipient: str = ""
    happening: bytes  # as ``happening.encode_happening`` writes it


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    tenant: str
    endpoint: str
    url: str
    event_id: str
    type: str
    email_id: str
    recipient: str
    happening: bytes
    state: State
    # None: nothing is to be tried, or an earlier event of its message goes first
    due: UnixMs | None
    attempts: int
    created: UnixMs
    done: UnixMs | None
    http_status: int  # of the last attempt; 0: nobody answered, or none was made
    text: str  # what was answered, or why nothing was


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    at: UnixMs
    duration_ms: int
    url: str
    http_status: int
    text: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an attempt, and what follows from it."""

    delivery: Delivery
    at: UnixMs  # when it began
    duration_ms: int
    url: str
    http_status: int
    text: str
    is_success: bool
    retry_at: UnixMs | None = None  # of a failure; None: it is given up


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """How many deliveries are in the outbox."""

    waiting: int
    given_up: int
    # When the first of those that wait was, or is, to be tried; None: none waits
    first_due: UnixMs | None


class DeliveryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All given conditions must hold."""

    tenant: str | None = None
    endpoint: str | None = None
    status: DeliveryStatus | None = None
    email_id: str = ""
    since: UnixMs | None = None  # created then or later
    until: UnixMs | None = None  # created before


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How an endpoint has done lately."""

    failing_since: UnixMs | None = None  # None: its last attempt went well, or there was none
    failures: int = 0  # since then
    last_success: UnixMs | None = None
