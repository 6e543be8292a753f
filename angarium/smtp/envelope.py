"""The envelope of a message (RFC 5321 section 2.3.1, DSN parameters of RFC 3461). Plain values."""

import enum
from typing import Literal

import msgspec


class Notify(enum.IntFlag):
    """NOTIFY of RFC 3461 section 4.1; NEVER stands alone."""

    NEVER = 0
    SUCCESS = 1
    FAILURE = 2
    DELAY = 4


# When the sender said nothing (ours; RFC 3461 4.1 allows).
NOTIFY_DEFAULT = Notify.FAILURE | Notify.DELAY


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    forward_path: str  # local-part@domain as given, without angle brackets
    domain: str  # lower-case A-labels, or an address literal with its brackets
    notify: int | None = None  # Notify flags, None: not given
    orcpt: str | None = None  # "rfc822;addr", xtext decoded, printable ASCII only


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    reverse_path: str  # "" is the null reverse-path
    recipients: tuple[Recipient, ...]
    ret: Literal["FULL", "HDRS"] | None = None
    envid: str | None = None  # xtext decoded, printable ASCII only
    smtputf8: bool = False  # the message needs SMTPUTF8 (RFC 6531), not merely that it was allowed
    body_8bit: bool = False  # the message data has octets above 127
