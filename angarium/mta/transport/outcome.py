"""What an attempt came to. Plain values. Scope says whom a failure concerns beyond the recipient at hand."""

import enum

import msgspec

from angarium.queue.model import Attempt


class Scope(enum.Enum):
    """How far a failure reaches, as Postfix's names have it."""

    RECIPIENT = "recipient"  # this recipient only
    MESSAGE = "message"  # each recipient of this transaction
    SESSION = "session"  # this connection; another one may do
    SITE = "site"  # every host of the site: what waits for it may as well wait


class Taken(msgspec.Struct, frozen=True, tag="taken"):
    attempt: Attempt


class Transient(msgspec.Struct, frozen=True, tag="transient"):
    attempt: Attempt
    scope: Scope
    greylisted: bool = False


class Permanent(msgspec.Struct, frozen=True, tag="permanent"):
    attempt: Attempt
    scope: Scope


Outcome = Taken | Transient | Permanent
