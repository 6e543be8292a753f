"""Writes deliveries as requests: whose endpoint it is now, in its form, signed with the secrets that are valid now."""

from collections.abc import Callable, Sequence
from typing import Final

from angarium import __version__
from angarium.queue.model import UnixMs
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.snapshot import Snapshot
from angarium.tenancy.webhook import (
    Webhook,
    WebhookFormat,
    WebhookSecret,
    callback_secret,
    open_secret,
)
from angarium.webhooks.courier import Letter, Undeliverable
from angarium.webhooks.delivery import CALLBACK, Delivery
from angarium.webhooks.formats import FORMS, Sealing, campaign
from angarium.webhooks.happening import CAMPAIGN, decode_happening
from angarium.webhooks.signing import signature_headers

_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": f"Angarium/{__version__}"}
_REMOVED: Final = Undeliverable(reason="the webhook was removed", is_gone=True)
KEPT_SECRETS: Final = 10_000


class Letters:
    """Opened secrets are kept in memory: opening one costs as much as a signature."""

    def __init__(self, snapshot: Callable[[], Snapshot], secrets: Secrets) -> None:
        self._snapshot = snapshot
        self._secrets = secrets
        self._opened: dict[bytes, str] = {}

    def refusal(self, endpoint: str) -> Undeliverable | None:
        if endpoint.startswith(CALLBACK):
            return None
        webhook = self._snapshot().webhooks.get(endpoint)
        if webhook is None:
            return _REMOVED
        if not webhook.enabled:
            return Undeliverable(reason=f"the webhook is disabled: {webhook.reason or 'as asked'}")
        return None

    def write(self, delivery: Delivery, now: UnixMs) -> Letter | Undeliverable:
        """Raises TenancySetupError: a secret cannot be opened; msgspec.DecodeError: what is kept is damaged."""
        if delivery.endpoint.startswith(CALLBACK):
            secret = callback_secret(self._secrets, self._snapshot().tenant_id(delivery.tenant))
            return _written(delivery, delivery.url, "native", [secret], now)
        refusal = self.refusal(delivery.endpoint)
        if refusal is not None:
            return refusal
        webhook = self._snapshot().webhooks[delivery.endpoint]
        secrets = [self._open(webhook, each) for each in webhook.valid_secrets(now)]
        return _written(delivery, webhook.url, webhook.format, secrets, now)

    def _open(self, webhook: Webhook, secret: WebhookSecret) -> str:
        text = self._opened.get(secret.sealed)
        if text is None:
            if len(self._opened) >= KEPT_SECRETS:
                self._opened.clear()
            text = self._opened[secret.sealed] = open_secret(self._secrets, webhook.id, secret)
        return text


def _written(
    delivery: Delivery, url: str, form: WebhookFormat, secrets: Sequence[str], now: UnixMs
) -> Letter:
    happening = decode_happening(delivery.happening)
    is_callback = delivery.endpoint.startswith(CALLBACK)
    is_campaigns = is_callback and happening.type.startswith(CAMPAIGN)
    write = campaign.write if is_campaigns else FORMS[form].write
    # Forms with a signature of their own have room for one: the newest secret's
    written = write(happening, Sealing(secret=secrets[0], now=now))
    signatures = signature_headers(delivery.event_id, written.body, secrets, now)
    headers = {**_HEADERS, **signatures, **written.headers}
    return Letter(
        url=url,
        headers=headers,
        body=written.body,
        type=delivery.type,
        event_id=delivery.event_id,
        key=delivery.email_id or delivery.event_id,
    )
