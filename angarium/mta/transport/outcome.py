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


class Again(enum.Enum):
    """Why another transaction, at once, may do what this one did not, though nothing speaks against the recipients."""

    GONE = "gone"  # an old session had ended, or ended before it answered anything
    OTHERWISE = "otherwise"  # the host has shown what it cannot do: the next session does without


class Taken(msgspec.Struct, frozen=True, tag="taken"):
    attempt: Attempt


class Transient(msgspec.Struct, frozen=True, tag="transient"):
    attempt: Attempt
    scope: Scope
    greylisted: bool = False
    again: Again | None = None  # the session that said so is of no use any more
    retry_s: tuple[float, ...] = ()  # when to try again, instead of by the usual schedule
    # The address that we send from could not be used: the host was not asked
    source_failed: bool = False


class Permanent(msgspec.Struct, frozen=True, tag="permanent"):
    attempt: Attempt
    scope: Scope


class Suppressed(msgspec.Struct, frozen=True, tag="suppressed", kw_only=True):
    """The recipient was left out: nothing is sent to its address. No transaction comes to this."""

    attempt: Attempt  # says why there was none
    cause: str  # the suppression's reason
    scope: str  # as text


Outcome = Taken | Transient | Permanent
Failure = Transient | Permanent


def with_provider(failure: Failure, provider: str) -> Failure:
    """Return it with whose site it was."""
    attempt = msgspec.structs.replace(failure.attempt, provider=provider)
    return msgspec.structs.replace(failure, attempt=attempt)
