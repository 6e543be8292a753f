"""What a message met at each gate, and what happens to it next: values, for whoever prints or sends them."""

from typing import Literal

import msgspec

from angarium.insight.admin.live import LiveFact
from angarium.queue import Attempt, DeliveryId, MessageId, Suppression, UnixMs

Why = Literal[
    "operator_retried",
    "operator_rerouted",
    "operator_released",
    "in_doubt",
    "start",  # it is not to be sent before
    "first",  # attempt: it waits for a connection only
    "site_down",  # its site took no connection
    "schedule",  # delivery.retry_s
]


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    at: UnixMs
    listener: str  # "" when it is not known any more
    client: str
    user: str
    sender: str | None  # reverse-path; "" is the null one; None: not known
    size_octets: int
    recipients: int | None  # None: its event is gone
    message_id_header: str
    repairs: tuple[str, ...] = ()  # what was mended of it


class RouteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail for the domain goes, by configuration and by what delivery last found."""

    rule: str | None  # the domain of the [[route]] that matches
    via: str  # "mx", or a smart host
    pool: str
    site: str = ""  # "": not resolved yet, and so below
    provider: str = ""
    partition: int = -1
    connections: int = 0  # of the provider, per source
    messages_per_connection: int = 0
    tls: str = ""
    is_chosen: bool = False  # by an operator or our policy, for this recipient: ``via`` is where to
    is_by_policy: bool = False


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a recipient."""

    at: UnixMs
    event: str  # as in the mail log
    attempts: int = 0  # made, this one included
    attempt: Attempt | None = None
    who: str = ""  # did it; "" when it was nobody, or is not known
    reason: str = ""
    rule: int = 0  # held by this rule; 0: by an act
    via: str = ""  # rerouted: to where


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """Of a recipient that is in the queue."""

    state: Literal["scheduled", "held", "in_flight"]
    partition: int
    due: UnixMs
    attempts: int  # made
    why: Why | None = None  # it is scheduled for then
    waited_ms: int | None = None  # schedule: from the last attempt to ``due``
    schedule: str = ""  # which one it is: "delivery.retry_s"
    step_ms: int = 0  # what it has there
    jitter: float = 0.0  # of delivery.retry_jitter
    rule: int = 0  # held by this rule; 0: by an act, or not
    held_until: UnixMs | None = None  # of the rule
    expires: UnixMs
    tells_sender: bool  # when it expires


class RecipientExplanation(msgspec.Struct, frozen=True, kw_only=True):
    id: DeliveryId
    recipient: str
    domain: str
    destination: str  # ``queue.destination``: the domain, unless an operator chose another way
    route: RouteFacts
    history: tuple[Happened, ...]  # as far as it is kept, in order
    next: NextStep | None  # None: out of the queue
    live: LiveFact | None = None  # what delivery knows now, if a server runs
    suppressed: Suppression | None = None  # nothing is sent to it now; only of what is in the queue


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    message_id: MessageId
    at: UnixMs  # when this was so
    acceptance: Acceptance
    recipients: tuple[RecipientExplanation, ...]
    # Why nobody would sign it now; "" when there is a key, or it is not queued any more
    unsigned: str = ""
