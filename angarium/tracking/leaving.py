"""What one who may leave comes to get and to leave: changes of suppressions, each with its event. Pure: what they ask
for is what their token vouches for, and nothing else.
"""

from collections.abc import Iterable, Sequence, Set
from enum import StrEnum
from typing import Final, Literal

from angarium.feedback import suppression_policy as policy
from angarium.feedback.effects import unsubscribed
from angarium.feedback.evidence import Target
from angarium.queue.act import Actor
from angarium.queue.events.resubscribed import Resubscribed
from angarium.queue.message_id import message_id_text
from angarium.queue.model import UnixMs
from angarium.queue.suppression_changes import Suppress, SuppressionChange, Unsuppress
from angarium.queue.suppressions import EVERYBODY, UNSUBSCRIBE, Scope, Suppression
from angarium.tracking.tokens import Leaver

How = Literal["one-click", "page"]
_EVIDENCE: Final[dict[How, str]] = {
    "one-click": "asked for by one click in a mail program",
    "page": "asked for on the page",
}
_BY: Final = Actor(who="recipient", reason="asked for by who got the mail")


class Standing(StrEnum):
    """How mail of a scope stands to an address."""

    GETS = "gets"
    LEFT = "left"  # its owner's own wish, and may be taken back
    KEPT_AWAY = "kept-away"  # something else keeps it away: a bounce, a complaint, the sender


def scope_of(leaver: Leaver) -> Scope:
    """Return what is left with the token as such: the mail's topic, or its stream where it had none."""
    return policy.scope_to_leave(leaver.tenant, leaver.stream, leaver.topic)


def leave(
    leaver: Leaver, scopes: Iterable[Scope], how: How, now: UnixMs
) -> tuple[SuppressionChange, ...]:
    """Return what has the person get no more of these scopes. Of what was left before, nothing is changed or told."""
    target = _target(leaver)
    return tuple(
        Suppress(
            suppression=policy.unsubscribe(
                leaver.address,
                each,
                now,
                evidence=_EVIDENCE[how],
                reference=f"message {message_id_text(leaver.message_id)}",
            ),
            by=_BY,
            message_id=leaver.message_id,
            events=(unsubscribed(target, how, each, now),),
        )
        for each in scopes
        if each.tenant == leaver.tenant  # LVP3
    )


def rejoin(leaver: Leaver, scopes: Iterable[Scope], now: UnixMs) -> tuple[SuppressionChange, ...]:
    """Return what has the person get mail of these scopes again."""
    return tuple(
        Unsuppress(
            email=leaver.address,
            scope=each,
            by=_BY,
            reason=UNSUBSCRIBE,  # LVP4
            events=(_resubscribed(leaver, each, now),),
        )
        for each in scopes
        if each.tenant == leaver.tenant  # LVP3
    )


def prefer(
    leaver: Leaver,
    shown: Sequence[Scope],
    wanted: Set[Scope],
    found: Sequence[Suppression],
    now: UnixMs,
) -> tuple[SuppressionChange, ...]:
    """Return what has the person get what is wanted of what they were shown, and no more of the rest.

    ``found``: what is in force for the address. Who had left all of the tenant's mail and wants some of it has left the
    rest one by one.
    """
    whole = Scope(tenant=leaver.tenant)
    again = [each for each in shown if each in wanted]
    no_more = [each for each in shown if each not in wanted]
    if again and _is_left(whole, found):
        again.insert(0, whole)
    return leave(leaver, no_more, "page", now) + rejoin(
        leaver, [each for each in again if _is_left(each, found)], now
    )


def come_back(
    leaver: Leaver,
    scope: Scope,
    offered: Sequence[Scope],
    found: Sequence[Suppression],
    now: UnixMs,
) -> tuple[SuppressionChange, ...]:
    """Return what has the person get mail of the one scope again; of who had left all of the tenant's, as ``prefer``
    has it.
    """
    if _is_left(Scope(tenant=leaver.tenant), found):
        return prefer(leaver, offered, frozenset((scope,)), found, now)
    return rejoin(leaver, (scope,), now)


def standing(scope: Scope, found: Sequence[Suppression]) -> Standing:
    """Return how a scope's mail stands to an address of which ``found`` is in force."""
    concerned = (EVERYBODY, Scope(tenant=scope.tenant), scope)
    reasons = {each.reason for each in found if each.scope in concerned}
    if not reasons:
        return Standing.GETS
    return Standing.LEFT if reasons == {UNSUBSCRIBE} else Standing.KEPT_AWAY


def masked(address: str) -> str:
    """Return an address of which its owner knows it, and whoever found a mail that was passed on does not learn it."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def _is_left(scope: Scope, found: Sequence[Suppression]) -> bool:
    return any(each.scope == scope and each.reason == UNSUBSCRIBE for each in found)


def _target(leaver: Leaver) -> Target:
    return Target(
        message_id=leaver.message_id,
        index=leaver.index,
        address=leaver.address,
        tenant=leaver.tenant,
        stream=leaver.stream,
        campaign=leaver.campaign,
        sender_domain=leaver.sender_domain,
        topic=leaver.topic,
    )


def _resubscribed(leaver: Leaver, scope: Scope, now: UnixMs) -> Resubscribed:
    return Resubscribed(
        at=now,
        message_id=leaver.message_id,
        tenant=leaver.tenant,
        stream=leaver.stream,
        campaign=leaver.campaign,
        index=leaver.index,
        recipient=leaver.address,
        sender_domain=leaver.sender_domain,
        report=b"",
        scope=scope.text,
    )
