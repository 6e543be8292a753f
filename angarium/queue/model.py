"""The values that cross the queue's boundary. What is on disk has its own types, in ``records``."""

from typing import Literal, NewType

import msgspec

from angarium.queue.stage import Stage
from angarium.smtp.envelope import Envelope

UnixMs = NewType("UnixMs", int)
MessageId = NewType("MessageId", bytes)  # 16 octets, UUIDv7 (RFC 9562): time-ordered
PartitionNumber = NewType("PartitionNumber", int)

# What becomes of a message whose start was missed, since nothing was running then
IfMissed = Literal["send", "skip", "hold"]

DEFAULT_TENANT = "default"
DEFAULT_STREAM = "default"


class DeliveryId(msgspec.Struct, frozen=True, order=True):
    """One recipient of one message. Written ``<uuid>.<index>`` for people."""

    message_id: MessageId
    index: int  # position in the envelope's recipients, 0..65534


# By what a submission came to us. On disk as text: a new one counts the version of `accepted` up
OriginKind = Literal["submission", "dsn", "cli", "api"]


class Origin(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Where a submission came from, for the log and for `queue show`. On disk as it stands, in `accepted` events."""

    kind: OriginKind
    listener: str = ""  # address of the listener, "127.0.0.1:2525"; "" when it came by none
    client: str = ""  # address of the client
    user: str = ""  # who logged in

    @property
    def text(self) -> str:
        """As the mail log names it: "submission 127.0.0.1:2525", "dsn"."""
        return f"{self.kind} {self.listener}" if self.listener else self.kind


class Personal(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What of a content is put in for each recipient at the transfer: it has ``tracking.slots``. On disk as it stands:
    fields are only ever appended.
    """

    # Indexes of recipients whose copy has the plain links, and no picture
    untracked: tuple[int, ...] = ()
    anonymous: bool = False  # what is opened and followed is counted, and nobody is named


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted message. The content is final: CRLF line ends, trace headers added, no dot-stuffing."""

    message_id: MessageId
    tenant: str = DEFAULT_TENANT
    stream: str = DEFAULT_STREAM
    priority: int = 0
    campaign: str = ""
    tags: tuple[str, ...] = ()  # for the log
    envelope: Envelope
    content: bytes
    header_octets: int  # length of the header block including the empty line
    # A line may begin with a dot; None: nobody has looked (S2: who sends it does)
    has_dot_lines: bool | None = None
    header_from: str  # domain of the header From, A-label, "" if none: chooses the DKIM key
    message_id_header: str = ""  # for the log
    accepted: UnixMs
    expires: UnixMs
    origin: Origin
    repairs: tuple[str, ...] = ()  # what was mended, for the log
    partitions: tuple[PartitionNumber, ...]  # of each recipient, same order
    not_before: UnixMs = UnixMs(0)  # the first attempt is due then
    if_missed: IfMissed = "send"  # with ``not_before`` only
    expires_is_given: bool = False  # ``expires`` stays what it is if the start is put off
    quota_opens: UnixMs = UnixMs(0)  # the queue says so: ``not_before`` is this or later
    about: bytes = b""  # ``queue.about``, for its event
    sandbox: bool = False  # only its event is kept: nobody gets it
    personal: Personal | None = None  # None: each recipient gets the content as it is
    topic: str = ""  # of the tenant's, what it is about: whoever has left it gets nothing
    language: str = ""  # of the pages where one leaves; "": whatever each reader's browser asks for


class Attempt(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What the last attempt met. On disk as it stands, in recipients and events: fields are only ever appended."""

    at: UnixMs
    host: str  # MX host or smart host; "" when none was reached
    address: str  # its address; ""
    source: str  # egress source; ""
    code: int  # reply code; 0 when there was no reply
    enhanced: str  # "4.2.1"; "" if none
    text: str  # the reply or the reason, printable, at most 1,000 characters
    tls: str  # "TLSv1.3"; "" in the clear
    stage: Stage
    tls_skipped: str = ""  # why the TLS that the host offers was done without; "" if it was not
    tls_cipher: str = ""  # "TLS_AES_256_GCM_SHA384"
    tls_verified: bool = False  # the host proved its name by a certificate that we trust
    provider: str = ""  # of the site; "" when none was found
    dkim: tuple[str, ...] = ()  # names of the keys that signed: "<selector>._domainkey.<domain>"
    unsigned: str = ""  # why none did
    # From the transaction's beginning until it ended; 0: it took less, or there was none
    took_ms: int = 0


class DueHead(msgspec.Struct, frozen=True, kw_only=True):
    """What the scheduler needs to know of a due recipient; nothing else of it is in memory."""

    partition: PartitionNumber
    due: UnixMs
    id: DeliveryId
    tenant: str
    domain: str  # where it goes: ``queue.destination``
    octets: int  # of the content: its room in memory is reserved before it is claimed
    stream: str = DEFAULT_STREAM
    priority: int = 0
    campaign: str = ""
    account: str = ""  # who logged in to send it; without a log-in, the client's address
    sender: str = ""  # its reverse path
    # It may have been delivered: an attempt ended without our knowing how
    in_doubt: bool = False
    # The egress source to keep to: of the attempt that is in doubt, if it is known, or of the last one if it was
    # greylisted; else ""
    source: str = ""
    is_timed: bool = False  # it may be too late for it: the claim looks closer

    @property
    def sender_domain(self) -> str:
        """Of the reverse path, lower-case; "" of the null one."""
        return self.sender.rpartition("@")[2].lower()


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient whose attempt is recorded on disk as begun."""

    id: DeliveryId
    partition: PartitionNumber
    forward_path: str
    domain: str
    notify: int | None
    orcpt: str | None
    attempts: int  # made before this one
    in_doubt: int  # how many of these ended in a crash of ours, outcome unknown
    delay_dsn_sent: bool
    last: Attempt | None


class ClaimedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The message of some claimed recipients, with what of it stands in the queue."""

    message_id: MessageId
    tenant: str
    stream: str
    priority: int = 0
    campaign: str = ""
    envelope: Envelope  # recipients is empty here
    content: bytes
    header_octets: int
    has_dot_lines: bool | None
    header_from: str
    message_id_header: str
    accepted: UnixMs
    expires: UnixMs
    origin: Origin
    recipients: tuple[Claimed, ...]
    not_before: UnixMs = UnixMs(0)
    personal: Personal | None = None
    topic: str = ""
    language: str = ""

    @property
    def started(self) -> UnixMs:
        """When it might leave: retries and notices count from then."""
        return max(self.accepted, self.not_before)


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """The recipient has its outcome and leaves the queue."""

    id: DeliveryId
    outcome: Literal["delivered", "relayed", "bounced", "expired"]
    attempt: Attempt


class Spared(msgspec.Struct, frozen=True, kw_only=True, tag="spared"):
    """The recipient leaves the queue without an attempt: its address is suppressed."""

    id: DeliveryId
    attempt: Attempt  # says why there was none
    cause: str  # the suppression's reason
    scope: str  # as text


class Deferred(msgspec.Struct, frozen=True, kw_only=True, tag="deferred"):
    """The recipient waits for its next attempt."""

    id: DeliveryId
    due: UnixMs
    attempt: Attempt
    delay_dsn_sent: bool = False
    in_doubt: bool = False  # lost after the final dot: it may have been delivered
    # False: ``attempt`` is why none was made now. None counts, and there is no event; it is kept as the last reason
    attempted: bool = True
    # the same source is to try again: another one would be a stranger, too
    greylisted: bool = False


class Released(msgspec.Struct, frozen=True, kw_only=True, tag="released"):
    """The claim is given back: nothing was attempted, nothing counts."""

    id: DeliveryId
    due: UnixMs


class Moved(msgspec.Struct, frozen=True, kw_only=True, tag="moved"):
    """Not claimed, due in ``partition``: belongs to another one, or is to go another way."""

    partition: PartitionNumber
    due: UnixMs
    id: DeliveryId
    to: PartitionNumber
    # From now on this way (``destination``), "default": the usual one; not one that is in doubt, which stays where it
    # is. "": as before
    via: str = ""
    not_before: UnixMs = UnixMs(0)  # then, of one that goes another way, it is due
    reason: str = ""  # why it goes that way, for the event


Settlement = Done | Spared | Deferred | Released


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which recipients an operator means: all given conditions must hold, of one with several values any of these."""

    tenants: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()  # address, or @domain; "" is the null reverse-path
    recipients: tuple[str, ...] = ()  # address
    domains: tuple[str, ...] = ()  # recipient's domain
    providers: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    states: tuple[Literal["scheduled", "held", "in_flight"], ...] = ()
    replies: tuple[str, ...] = ()  # patterns of the last attempt's reply: ``reply_pattern``
    rules: tuple[int, ...] = ()  # held by this hold rule
    older_than_ms: int | None = None  # accepted longer ago than this
    ids: tuple[str, ...] = ()  # <uuid> or <uuid>.<index>

    @property
    def is_empty(self) -> bool:
        return self == Filter()


class RouteHint(msgspec.Struct, frozen=True, kw_only=True):
    domain: str
    partition: PartitionNumber
    provider: str
    site: str
