"""What an event says of whose standing: one fact for each that counts. Pure."""

from collections.abc import Iterator
from typing import Final

import msgspec

from angarium.feedback.classes import Effect
from angarium.feedback.classifier import classify
from angarium.feedback.mail.complaints import is_complaint
from angarium.queue import (
    AttemptFailed,
    Bounced,
    Complained,
    Delivered,
    Event,
    Expired,
    Relayed,
    ReportBounced,
    UnixMs,
    Unsubscribed,
    message_id_ms,
)
from angarium.queue.reply_pattern import full_reply
from angarium.reputation.breaker import Counts
from angarium.reputation.figures import Kind

Feedback = Complained | ReportBounced | Unsubscribed
_TAKEN: Final = Counts(sent=1, delivered=1)
_GIVEN_UP: Final = Counts(sent=1)
_DEAD: Final = Counts(sent=1, dead=1)
_DEAD_LATER: Final = Counts(dead=1)
_COMPLAINED: Final = Counts(complained=1)


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    at: UnixMs
    sent_at: UnixMs  # when the mail that it is about went out
    measure: str  # of ``figures``: delivered, bounced.user_unknown, ...
    source: str = ""  # ""s: not known
    provider: str = ""
    tenant: str = ""  # "": a notice of our own
    stream: str = ""
    campaign: str = ""
    domain: str = ""  # of the reverse path
    counts: Counts | None = None  # towards stopping the tenant; None: says nothing of it

    def subjects(self) -> Iterator[tuple[Kind, str]]:
        if self.source:
            yield "source", self.source
        if self.provider:
            yield "provider", self.provider
        if self.source and self.provider:
            yield "path", f"{self.source} at {self.provider}"
        if self.tenant:
            yield "tenant", self.tenant
        if self.tenant and self.stream:
            yield "stream", f"{self.tenant}/{self.stream}"
        if self.tenant and self.campaign:
            yield "campaign", f"{self.tenant}/{self.campaign}"
        if self.domain:
            yield "domain", self.domain


def fact_of(event: Event) -> Fact | None:
    """Return what the event of an attempt says; None: nothing, or it is no such event."""
    match event:
        case Delivered() | Relayed():
            return _attempt(event, "delivered", _TAKEN)
        case AttemptFailed():
            return _attempt(event, f"deferred.{_class_of(event)[0]}", None)
        case Expired():
            return _attempt(event, "bounced.expired", _GIVEN_UP)
        case Bounced(actor=""):
            name, is_dead = _class_of(event)
            return _attempt(event, f"bounced.{name}", _DEAD if is_dead else _GIVEN_UP)
        case _:
            return None  # what an operator returned says nothing of anybody


def feedback_fact(event: Feedback, delivery: Delivered | Relayed | None) -> Fact | None:
    """Return what came back says; ``delivery``: how the mail had left, as far as that is known. None: nothing."""
    measure, counts = _measure(event)
    if not measure:
        return None
    attempt = None if delivery is None else delivery.attempt
    return Fact(
        at=event.at,
        sent_at=message_id_ms(event.message_id) if delivery is None else delivery.at,
        measure=measure,
        source="" if attempt is None else attempt.source,
        provider="" if attempt is None else attempt.provider,
        tenant=event.tenant,
        stream=event.stream,
        campaign=event.campaign,
        domain=event.sender_domain,
        counts=counts,
    )


def _measure(event: Feedback) -> tuple[str, Counts | None]:
    match event:
        case Complained():
            return ("complained", _COMPLAINED) if is_complaint(event.feedback_type) else ("", None)
        case ReportBounced():
            is_dead = event.effect == Effect.SUPPRESS
            return f"returned.{event.bounce_class}", _DEAD_LATER if is_dead else None
        case Unsubscribed():
            return "unsubscribed", None


def _attempt(
    event: Delivered | Relayed | AttemptFailed | Bounced | Expired,
    measure: str,
    counts: Counts | None,
) -> Fact:
    # Whoever gets our notices did not ask for them: they say nothing of a tenant
    is_own = not event.reverse_path
    return Fact(
        at=event.at,
        sent_at=event.at,
        measure=measure,
        source=event.attempt.source,
        provider=event.attempt.provider,
        tenant="" if is_own else event.tenant,
        stream="" if is_own else event.stream,
        campaign="" if is_own else event.campaign,
        domain=event.reverse_path.rpartition("@")[2].lower(),
        counts=None if is_own else counts,
    )


def _class_of(event: AttemptFailed | Bounced) -> tuple[str, bool]:
    """Return its class, and whether the address does not exist."""
    verdict = classify(full_reply(event.attempt), event.attempt.provider)
    return verdict.bounce_class, verdict.hard
