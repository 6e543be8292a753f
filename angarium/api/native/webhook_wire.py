"""What is asked for and answered at /v1/webhooks."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from angarium.api.native.wire import Asked, PageAsked, Time, TimeGiven, Wire, maybe_time, time_text
from angarium.tenancy.webhook import Webhook, WebhookFormat
from angarium.webhooks.delivery import AttemptRecord, Delivery, DeliveryStatus, Health
from angarium.webhooks.formats.sendgrid import public_key
from angarium.webhooks.happening import decode_happening

MAX_WORDS: Final = 100
MAX_OVERLAP_S: Final = 30 * 86_400
_Url = Annotated[str, Meta(min_length=1, max_length=2048)]
_Words = Annotated[tuple[str, ...], Meta(max_length=MAX_WORDS)]
_Reason = Annotated[str, Meta(max_length=500)]


class WebhookShown(Wire, frozen=True, kw_only=True):
    """An endpoint."""

    id: str
    tenant: str
    url: str
    events: Sequence[str]  # types, and patterns of them
    streams: Sequence[str]  # only mail of these; empty: of all
    tags: Sequence[str]  # only mail that has one of these; empty: all
    format: WebhookFormat
    enabled: bool
    disabled_reason: str  # empty: it is enabled, or nobody gave one
    created_at: Time


class WebhookState(WebhookShown, frozen=True, kw_only=True):
    """With how it does."""

    failing_since: Time | None  # null: it does not fail
    failures: int  # since then
    last_success_at: Time | None


class WebhookMade(WebhookShown, frozen=True, kw_only=True, omit_defaults=True):
    """With the secret that its requests are signed with, which is shown this once."""

    secret: str
    public_key: str = ""  # of SendGrid's format: what verifies its signatures


class WebhookList(Wire, frozen=True, kw_only=True):
    webhooks: Sequence[WebhookShown]
    cursor: str | None  # of the next page; null: there is none


class WebhookAsked(Asked, frozen=True, kw_only=True):
    url: _Url  # https://...; or of a queue or log: kafka+tls://, nats+tls://, sqs+https://, syslog+tls://
    events: _Words = ()  # as email.bounced, email.*, alert.*; empty: all
    streams: _Words = ()
    tags: _Words = ()
    format: WebhookFormat = "native"
    tenant: str = ""  # omitted: the caller's own


class WebhookChanged(Asked, frozen=True, kw_only=True):
    """What is omitted stays."""

    url: _Url | None = None
    events: _Words | None = None
    streams: _Words | None = None
    tags: _Words | None = None
    format: WebhookFormat | None = None
    enabled: bool | None = None
    reason: _Reason = ""  # of who disables it


class WebhooksAsked(PageAsked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class OneWebhookAsked(Asked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class RotateAsked(Asked, frozen=True, kw_only=True):
    # how long requests are signed with the secret of before, too
    overlap_seconds: Annotated[int, Meta(ge=0, le=MAX_OVERLAP_S)] = 86_400


class CallbackSecret(Wire, frozen=True, kw_only=True):
    tenant: str
    secret: str  # what requests to callback URLs of single messages are signed with


class AttemptShown(Wire, frozen=True, kw_only=True):
    attempt: int
    timestamp: Time
    duration_millis: int
    url: str
    http_status: int  # 0: nobody answered
    response: str  # its beginning, or what went wrong


class DeliveryShown(Wire, frozen=True, kw_only=True):
    """An event on its way to an endpoint."""

    id: str
    webhook_id: str
    event_id: str  # webhook-id of its requests
    type: str
    email_id: str  # empty: it is about no message
    recipient: str
    status: DeliveryStatus
    attempts: int
    created_at: Time
    next_attempt_at: Time | None  # null: none, or an earlier event of its message goes first
    ended_at: Time | None
    http_status: int  # of the last attempt; 0: nobody answered, or there was none
    response: str


class DeliveryWithLog(DeliveryShown, frozen=True, kw_only=True):
    event: Mapping[str, Any]  # what is told, before it gets its form
    log: Sequence[AttemptShown]


class DeliveryList(Wire, frozen=True, kw_only=True):
    """The newest first."""

    deliveries: Sequence[DeliveryShown]
    cursor: str | None  # of the next page; null: there is none


class DeliveriesAsked(PageAsked, frozen=True, kw_only=True):
    status: DeliveryStatus | None = None
    email_id: str = ""
    tenant: str = ""  # omitted: the caller's own


class ReplayAsked(Asked, frozen=True, kw_only=True):
    """All given conditions must hold; none: all that failed. What still waits is left alone."""

    status: DeliveryStatus | None = None
    since: TimeGiven | None = None  # made then or later
    until: TimeGiven | None = None  # made before


class ReplayAnswer(Wire, frozen=True, kw_only=True):
    replayed: int  # how many are told again


def webhook_shown(webhook: Webhook) -> WebhookShown:
    return WebhookShown(**_fields(webhook))


def webhook_state(webhook: Webhook, health: Health) -> WebhookState:
    return WebhookState(
        **_fields(webhook),
        failing_since=maybe_time(health.failing_since),
        failures=health.failures,
        last_success_at=maybe_time(health.last_success),
    )


def webhook_made(webhook: Webhook, secret: str) -> WebhookMade:
    key = public_key(secret) if webhook.format == "sendgrid" else ""
    return WebhookMade(**_fields(webhook), secret=secret, public_key=key)


def delivery_shown(delivery: Delivery) -> DeliveryShown:
    return DeliveryShown(**_delivery_fields(delivery))


def delivery_with_log(delivery: Delivery, attempts: Sequence[AttemptRecord]) -> DeliveryWithLog:
    return DeliveryWithLog(
        **_delivery_fields(delivery),
        event=msgspec.to_builtins(decode_happening(delivery.happening)),
        log=[
            AttemptShown(
                attempt=each.number,
                timestamp=time_text(each.at),
                duration_millis=each.duration_ms,
                url=each.url,
                http_status=each.http_status,
                response=each.text,
            )
            for each in attempts
        ],
    )


def _fields(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "tenant": webhook.tenant,
        "url": webhook.url,
        "events": webhook.events,
        "streams": webhook.streams,
        "tags": webhook.tags,
        "format": webhook.format,
        "enabled": webhook.enabled,
        "disabled_reason": webhook.reason,
        "created_at": time_text(webhook.created),
    }


def _delivery_fields(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "webhook_id": delivery.endpoint,
        "event_id": delivery.event_id,
        "type": delivery.type,
        "email_id": delivery.email_id,
        "recipient": delivery.recipient,
        "status": delivery.state.status,
        "attempts": delivery.attempts,
        "created_at": time_text(delivery.created),
        "next_attempt_at": maybe_time(delivery.due),
        "ended_at": maybe_time(delivery.done),
        "http_status": delivery.http_status,
        "response": delivery.text,
    }
