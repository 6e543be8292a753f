"""What does this process know of some recipients now, beyond what stands in the queue?"""

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.mta.live_state import LiveState
from angarium.queue import DeliveryId, UnixMs


class LiveFact(msgspec.Struct, frozen=True, kw_only=True):
    """Of one recipient."""

    id: DeliveryId
    state: LiveState
    text: str = ""  # why; by what
    host: str = ""  # being connected to, or talked to
    connection: str = ""  # OpenConnection.id
    since: UnixMs | None = None
    until: UnixMs | None = None
    source: str = ""  # by which it is to leave, or leaves


class LiveFacts(msgspec.Struct, frozen=True):
    facts: tuple[LiveFact, ...]  # only of recipients in partitions that the process owns


class QueuedRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient that is asked about, with what the queue knows of it."""

    id: DeliveryId
    partition: int
    domain: str
    in_flight: bool


class FindLive(Question[LiveFacts, None], frozen=True, tag="live"):
    """Delivery answers."""

    recipients: tuple[QueuedRecipient, ...]
