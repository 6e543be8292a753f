"""What a mail that came back says, as a value. Pure."""

from enum import StrEnum

import msgspec

from angarium.feedback.classes import Verdict


class MailKind(StrEnum):
    BOUNCE = "bounce"
    DELAY = "delay"
    DSN_SUCCESS = "dsn-success"
    ARF = "arf"
    UNSUBSCRIBE = "unsubscribe"
    AUTO_REPLY = "auto-reply"
    DMARC = "dmarc"
    TLS_RPT = "tls-rpt"
    ORDINARY = "ordinary"


class Action(StrEnum):
    """Of RFC 3464 section 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


class ReportedRecipient(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient that we sent to, and what the report says of it."""

    address: str
    action: Action
    status: str = ""  # "5.1.1"; "": none was given
    verdict: Verdict
    reply: str = ""  # the text that it was judged by: printable, bounded
    remote_host: str = ""  # who said so


class Report(msgspec.Struct, frozen=True, kw_only=True):
    kind: MailKind
    recipients: tuple[ReportedRecipient, ...] = ()
    feedback_type: str = ""  # of an ARF (RFC 5965 section 3.1): "abuse", "not-spam"; "": none
    references: tuple[
        str, ...
    ] = ()  # our tokens that were found in it, unverified, best evidence first
    message_id: str = ""  # the Message-ID of the mail that it is about; ""
    # Names and values of that mail's own header as it was returned, without what hosts on its way wrote
    original: tuple[tuple[str, str], ...] = ()
