"""Which addresses nothing more is sent to, for whom, and for how long. Pure.

What a host refuses for good, and what a person wants no more of, suppresses at once and for ever. What may pass (a full
mailbox, a closed one) does only when message after message was given up for it, over days, without a delivery between:
then for a week, and for twice as long each time that it goes on. What is our own fault, or the message's, never does.
"""

from typing import Final

from angarium.feedback.classes import Effect, Verdict
from angarium.queue.model import Attempt, MessageId, UnixMs
from angarium.queue.suppressions import COMPLAINT, EVERYBODY, UNSUBSCRIBE, Scope, Suppression
from angarium.queue.trouble import Trouble

# Failures, without a delivery between, until an address rests
FAILURES: Final = 5
_DAY_MS: Final = 86_400_000
FIRST_REST_MS: Final = 7 * _DAY_MS
LONGEST_REST_MS: Final = 90 * _DAY_MS
# One failure is counted in so long: it is days that tell a mailbox that is dead from one that has a bad day. Less
# than a day, for who sends at the same hour each day
BETWEEN_MS: Final = 20 * 3_600_000
# Without a failure in so long it begins anew
FORGOTTEN_MS: Final = 180 * _DAY_MS
# Where a reply is about a recipient. Before that a host speaks of itself or of us, whatever its code
_OF_RECIPIENT: Final = frozenset({"resolve", "rcpt", "data", "final_dot"})


def suppresses_at_once(attempt: Attempt, verdict: Verdict) -> bool:
    """Whether what an attempt met for good suppresses the address."""
    return verdict.hard and attempt.stage in _OF_RECIPIENT


def counts(attempt: Attempt, verdict: Verdict, *, expired: bool) -> bool:
    """Whether a message that was given up says something against the address, though not for good.

    Who was told for now, until the message expired, that there is no such user, has been told no more than that. What
    no host answered does not count: it may be our network, or a smart host, that is down.
    """
    is_soft = verdict.effect is Effect.RETRY or (expired and verdict.hard)
    return is_soft and bool(attempt.code) and attempt.stage in _OF_RECIPIENT


def failed(trouble: Trouble | None, at: UnixMs, message_id: MessageId) -> Trouble | None:
    """Return what is remembered after one more failure; None: it does not count, since the last one is too fresh.

    ``message_id``: of the mail that failed. Asked twice of the same failure, it counts it once.
    """
    if trouble is None or at - trouble.last_at > FORGOTTEN_MS or _is_over(trouble, message_id):
        return Trouble(failures=1, last_at=at)
    if at - trouble.last_at < BETWEEN_MS:
        return None
    return Trouble(failures=trouble.failures + 1, last_at=at, level=trouble.level)


def _is_over(trouble: Trouble, message_id: MessageId) -> bool:
    return bool(trouble.delivered) and trouble.delivered != message_id


def delivered(trouble: Trouble, at: UnixMs, message_id: MessageId) -> Trouble | None:
    """Return what is remembered after a delivery, None if that is nothing new."""
    if trouble.delivered or at < trouble.last_at:
        return None
    return Trouble(
        failures=trouble.failures,
        last_at=trouble.last_at,
        level=trouble.level,
        delivered=message_id,
    )


def rest_ms(trouble: Trouble) -> int | None:
    """Return for how long the address rests after the last failure; None: it does not."""
    if trouble.failures < FAILURES:
        return None
    return min(FIRST_REST_MS << min(trouble.level, 16), LONGEST_REST_MS)


def rested(trouble: Trouble) -> Trouble:
    """Return what is remembered once it has led to a suppression: the next failure leads to a longer one."""
    return Trouble(failures=trouble.failures, last_at=trouble.last_at, level=trouble.level + 1)


def hard_bounce(
    email: str, reason: str, at: UnixMs, *, evidence: str, reference: str, scope: Scope = EVERYBODY
) -> Suppression:
    """An address that is none is one for nobody."""
    return Suppression(
        email=email,
        scope=scope,
        reason=reason,
        added_at=at,
        evidence=evidence,
        reference=reference,
    )


def resting(
    email: str, reason: str, at: UnixMs, rest: int, *, evidence: str, reference: str
) -> Suppression:
    return Suppression(
        email=email,
        reason=reason,
        added_at=at,
        expires_at=UnixMs(at + rest),
        evidence=evidence,
        reference=reference,
    )


def complaint(email: str, tenant: str, at: UnixMs, *, evidence: str, reference: str) -> Suppression:
    """Who complains is heard for all of the tenant's mail; of others' they have said nothing."""
    return Suppression(
        email=email,
        scope=Scope(tenant=tenant),
        reason=COMPLAINT,
        added_at=at,
        evidence=evidence,
        reference=reference,
    )


def scope_to_leave(tenant: str, stream: str, topic: str) -> Scope:
    """Who unsubscribes wants no more of that topic, or of that stream where the mail had none: bills and passwords
    still come.
    """
    return Scope(tenant=tenant, topic=topic) if topic else Scope(tenant=tenant, stream=stream)


def unsubscribe(
    email: str, scope: Scope, at: UnixMs, *, evidence: str, reference: str
) -> Suppression:
    return Suppression(
        email=email,
        scope=scope,
        reason=UNSUBSCRIBE,
        added_at=at,
        evidence=evidence,
        reference=reference,
    )
