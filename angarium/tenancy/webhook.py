"""Endpoints that a tenant's events are told to, and which events each wants. Pure values."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs
from angarium.tenancy.model import TenancyError
from angarium.tenancy.secret_file import Secrets

WebhookFormat = Literal["native", "resend", "sendgrid", "postmark", "mailgun"]
FORMATS: Final[tuple[WebhookFormat, ...]] = ("native", "resend", "sendgrid", "postmark", "mailgun")
EVERYTHING: Final = "*"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how every secret begins

_MAIL: Final = (
    *("accepted", "sent", "delivered", "deferred", "bounced", "complained", "opened", "clicked"),
    *("unsubscribed", "resubscribed", "suppressed", "expired", "cancelled", "rescheduled"),
)
TYPES: Final = (
    *(f"email.{each}" for each in _MAIL),
    *("domain.verified", "domain.failed", "domain.recovered"),
    *("tracking_host.verified", "tracking_host.failed"),
    *("campaign.started", "campaign.changed", "campaign.completed"),
    *("alert.sender_paused", "alert.sender_resumed", "alert.webhook_disabled"),
    *("alert.address_listed", "alert.address_delisted"),
    *("alert.smart_host_rested", "alert.smart_host_back"),
    "webhook.test",
)
# What vendors call them: who moves an endpoint over keeps its list
_VENDORS: Final = {
    "resend": (
        *("email.sent", "email.delivery_delayed", "email.failed", "email.scheduled"),
        *("email.received", "domain.created", "domain.updated", "domain.deleted"),
        *("contact.created", "contact.updated", "contact.deleted"),
    ),
    "sendgrid": (
        *("processed", "deferred", "delivered", "bounce", "dropped", "open", "click"),
        *("spamreport", "unsubscribe", "group_unsubscribe", "group_resubscribe"),
    ),
    "postmark": ("Delivery", "Bounce", "SpamComplaint", "Open", "Click", "SubscriptionChange"),
    "mailgun": (
        *("accepted", "delivered", "failed", "permanent_fail", "temporary_fail"),
        *("opened", "clicked", "unsubscribed", "complained", "rejected"),
    ),
}


class WebhookSecret(msgspec.Struct, frozen=True, kw_only=True):
    """One of an endpoint's secrets: two are valid while it is rotated."""

    version: int
    sealed: bytes  # the text ``whsec_...``, as ``Secrets`` seals it
    created: UnixMs
    expires: UnixMs | None = None


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint."""

    id: str  # a UUID
    tenant: str  # its name
    url: str
    events: tuple[str, ...]  # types, or patterns of them: "*", "email.*"
    streams: tuple[str, ...] = ()  # only mail of these; empty: of all
    tags: tuple[str, ...] = ()  # only mail that has one of these; empty: all
    format: WebhookFormat = "native"
    enabled: bool = True
    reason: str = ""  # why it is not enabled
    created: UnixMs
    changed: UnixMs  # when it was last enabled or disabled: it hears of nothing before
    secrets: tuple[WebhookSecret, ...] = ()  # the newest last

    def wants(self, names: Sequence[str], stream: str, tags: Sequence[str]) -> bool:
        """Whether it is to hear of an event that has these names, of such mail."""
        if self.streams and stream not in self.streams:
            return False
        if self.tags and not any(_has_tag(tags, each) for each in self.tags):
            return False
        return any(_fits(pattern, name) for pattern in self.events for name in names)

    def valid_secrets(self, now: UnixMs) -> tuple[WebhookSecret, ...]:
        """Return those to sign with, the newest first."""
        return tuple(
            each for each in reversed(self.secrets) if each.expires is None or now < each.expires
        )


def seal_place(webhook_id: str, version: int) -> tuple[str, ...]:
    return ("webhook", webhook_id, str(version))


def secret_text(octets: bytes) -> str:
    """Padded standard base64, as every verifier reads it."""
    return SECRET_PREFIX + b64encode(octets).decode()


def open_secret(secrets: Secrets, webhook_id: str, secret: WebhookSecret) -> str:
    """Raises TenancySetupError."""
    return secrets.open(secret.sealed, *seal_place(webhook_id, secret.version)).decode()


def callback_secret(secrets: Secrets, tenant_id: str) -> str:
    return secret_text(secrets.callback_secret(tenant_id))


def read_events(words: Sequence[str], format_: WebhookFormat) -> tuple[str, ...]:
    """Return patterns as they are kept, each once; none: everything. Raises TenancyError that names the wrong one."""
    known = (*TYPES, *_VENDORS.get(format_, ()))
    found: dict[str, None] = {}
    for index, word in enumerate(words):
        name = word.strip()
        if f"email.{name}" in TYPES and name not in known:
            name = f"email.{name}"
        if name in known or name == EVERYTHING or _is_group(name, known):
            found[name] = None
        else:
            text = f"events[{index}]: no event is called {word[:80]!r}; there are *, email.*"
            raise TenancyError(f"{text}, {', '.join(known)}", field=f"events[{index}]")
    return tuple(found) or (EVERYTHING,)


def _is_group(name: str, known: Sequence[str]) -> bool:
    return name.endswith(".*") and any(each.startswith(name[:-1]) for each in known)


def _fits(pattern: str, name: str) -> bool:
    if pattern == EVERYTHING:
        return True
    return name.startswith(pattern[:-1]) if pattern.endswith(".*") else name == pattern


def _has_tag(tags: Sequence[str], wanted: str) -> bool:
    """``campaign`` is also had by mail with ``campaign:welcome``."""
    return any(each == wanted or each.partition(":")[0] == wanted for each in tags)
