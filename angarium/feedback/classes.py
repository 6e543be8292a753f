"""What a refusal means, and what it has us do: the one list of classes. Pure."""

from enum import StrEnum
from typing import Final

import msgspec


class Effect(StrEnum):
    SUPPRESS = "suppress"  # nothing more is sent to the address
    RETRY = "retry"  # the recipient's trouble, which may pass
    THROTTLE = "throttle"  # ours: rate, network or reputation; never the address's fault
    TELL_TENANT = "tell-tenant"  # the message's or its sender's fault
    NONE = "none"


class BounceClass(StrEnum):
    USER_UNKNOWN = "user_unknown"
    MOVED = "moved"
    HOST_UNKNOWN = "host_unknown"
    DOMAIN_NO_MAIL = "domain_no_mail"
    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX_FULL = "mailbox_full"
    FILTERED = "filtered"
    EXPIRED = "expired"
    NETWORK_ERROR = "network_error"
    SYSTEM_ERROR = "system_error"
    SYSTEM_FULL = "system_full"
    MAILER_ERROR = "mailer_error"
    GREYLISTED = "greylisted"
    RATE_LIMITED = "rate_limited"
    BLOCKED = "blocked"
    REPUTATION = "reputation"
    PTR_REQUIRED = "ptr_required"
    TLS_FAILURE = "tls_failure"
    AUTH_FAILURE = "auth_failure"
    SPAM = "spam"
    VIRUS = "virus"
    CONTENT = "content"
    CONTENT_RFC = "content_rfc"
    MESSAGE_TOO_LARGE = "message_too_large"
    POLICY = "policy"
    SECURITY = "security"
    SENDER_REJECTED = "sender_rejected"
    RELAY_DENIED = "relay_denied"
    PROTOCOL_ERROR = "protocol_error"
    SUPPRESSED = "suppressed"
    UNDETERMINED = "undetermined"


_SUPPRESSING: Final = frozenset(
    {
        BounceClass.USER_UNKNOWN,
        BounceClass.MOVED,
        BounceClass.HOST_UNKNOWN,
        BounceClass.DOMAIN_NO_MAIL,
    }
)
_THROTTLING: Final = frozenset(
    {
        BounceClass.RATE_LIMITED,
        BounceClass.BLOCKED,
        BounceClass.REPUTATION,
        BounceClass.PTR_REQUIRED,
    }
)
_TELLING: Final = frozenset(
    {
        BounceClass.AUTH_FAILURE,
        BounceClass.SPAM,
        BounceClass.VIRUS,
        BounceClass.CONTENT,
        BounceClass.CONTENT_RFC,
        BounceClass.MESSAGE_TOO_LARGE,
        BounceClass.POLICY,
        BounceClass.SECURITY,
        BounceClass.SENDER_REJECTED,
        BounceClass.RELAY_DENIED,
        BounceClass.PROTOCOL_ERROR,
    }
)
_NOTHING: Final = frozenset({BounceClass.SUPPRESSED, BounceClass.UNDETERMINED})


def usual_effect(bounce_class: BounceClass) -> Effect:
    """Return what the class has us do where nothing special is known of the reply."""
    if bounce_class in _SUPPRESSING:
        return Effect.SUPPRESS
    if bounce_class in _THROTTLING:
        return Effect.THROTTLE
    if bounce_class in _TELLING:
        return Effect.TELL_TENANT
    return Effect.NONE if bounce_class in _NOTHING else Effect.RETRY


class Verdict(msgspec.Struct, frozen=True):
    """What one reply, or one recipient's part of a report, means."""

    bounce_class: BounceClass
    effect: Effect

    @property
    def hard(self) -> bool:
        """Whether the address is to be suppressed."""
        return self.effect is Effect.SUPPRESS


def verdict_of(bounce_class: BounceClass) -> Verdict:
    return Verdict(bounce_class, usual_effect(bounce_class))
