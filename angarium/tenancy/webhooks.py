"""Webhook endpoints in the database, with their secrets sealed. Blocks on disk; what is returned is on disk, with its
audit entry.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.queue.model import UnixMs
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, NotFoundError, TenancyError
from angarium.tenancy.rows import known_tenant, list_text, read_webhooks
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.tables import TENANT, WEBHOOK, WEBHOOK_SECRET
from angarium.tenancy.webhook import (
    FORMATS,
    Webhook,
    WebhookFormat,
    callback_secret,
    open_secret,
    read_events,
    seal_place,
    secret_text,
)

SECRET_OCTETS: Final = 24  # of Standard Webhooks: 24 to 64
MAX_ENDPOINTS: Final = 100  # ours, of one tenant: each event is told to all
MAX_WORDS: Final = 100  # streams or tags of one endpoint
MAX_URL: Final = 2048
MAX_REASON: Final = 500
OVERLAP_MS: Final = 24 * 3_600_000


class WebhookWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new endpoint is to be. Whether its URL may be called is asked before."""

    tenant: str
    url: str
    events: Sequence[str] = ()  # empty: all
    streams: Sequence[str] = ()
    tags: Sequence[str] = ()
    format: WebhookFormat = "native"


class WebhookChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of an endpoint becomes another; None: stays."""

    url: str | None = None
    events: Sequence[str] | None = None
    streams: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    format: WebhookFormat | None = None
    enabled: bool | None = None
    reason: str = ""  # of who disables it


class NewWebhookSecret(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint with its newest secret."""

    webhook: Webhook
    text: str  # whsec_...


class WebhookStore:
    def __init__(self, database: Database, changer: Changer, secrets: Secrets) -> None:
        self._database = database
        self._changer = changer
        self._secrets = secrets

    def list(self, tenant: str | None = None) -> list[Webhook]:
        """Return all in the order in which they were made, or those of a tenant. Raises NotFoundError."""
        with self._database.reading() as connection:
            if tenant is None:
                return read_webhooks(connection)
            return read_webhooks(connection, TENANT.c.id == known_tenant(connection, tenant).id)

    def find(self, webhook_id: str, tenant: str | None = None) -> Webhook:
        """``tenant``: it must be its. Raises NotFoundError."""
        with self._database.reading() as connection:
            return _known(connection, webhook_id, tenant)

    def secret(self, webhook: Webhook) -> str:
        """Return its newest secret. Raises TenancySetupError."""
        return open_secret(self._secrets, webhook.id, webhook.secrets[-1])

    def callback_secret(self, tenant: str) -> str:
        """Return what callbacks of single messages of the tenant are signed with. Raises NotFoundError."""
        with self._database.reading() as connection:
            return callback_secret(self._secrets, known_tenant(connection, tenant).id)

    def create(self, wish: WebhookWish) -> NewWebhookSecret:
        """Raises TenancyError: there is no such tenant, or what was wished cannot be."""
        _check(wish)
        events = read_events(wish.events, wish.format)
        webhook_id, now = self._changer.new_id(), self._changer.clock()
        with self._database.changing() as connection:
            tenant = known_tenant(connection, wish.tenant)
            if len(read_webhooks(connection, TENANT.c.id == tenant.id)) >= MAX_ENDPOINTS:
                raise ConflictError(f"a tenant has at most {MAX_ENDPOINTS} webhooks: remove some")
            connection.execute(
                sa.insert(WEBHOOK).values(
                    id=webhook_id,
                    tenant_id=tenant.id,
                    url=wish.url,
                    events=list_text(events),
                    streams=list_text(wish.streams),
                    tags=list_text(wish.tags),
                    format=wish.format,
                    enabled=True,
                    reason="",
                    created=now,
                    changed=now,
                )
            )
            text = self._new_secret(connection, webhook_id, 1, now)
            self._changer.note(connection, "webhook.created", tenant.name, webhook_id)
            return NewWebhookSecret(webhook=_known(connection, webhook_id), text=text)

    def change(self, webhook_id: str, change: WebhookChange, tenant: str | None = None) -> Webhook:
        """Raises NotFoundError, TenancyError: a value cannot be."""
        with self._database.changing() as connection:
            found = _known(connection, webhook_id, tenant)
            wish = WebhookWish(
                tenant=found.tenant,
                url=found.url if change.url is None else change.url,
                events=found.events if change.events is None else change.events,
                streams=found.streams if change.streams is None else change.streams,
                tags=found.tags if change.tags is None else change.tags,
                format=change.format or found.format,
            )
            _check(wish)
            if len(change.reason) > MAX_REASON or not (change.reason + " ").isprintable():
                text = f"reason: at most {MAX_REASON} printable characters"
                raise TenancyError(text, field="reason")
            enabled = found.enabled if change.enabled is None else change.enabled
            turned = enabled != found.enabled
            values = {
                "url": wish.url,
                "events": list_text(read_events(wish.events, wish.format)),
                "streams": list_text(wish.streams),
                "tags": list_text(wish.tags),
                "format": wish.format,
                "enabled": enabled,
                "reason": "" if enabled else (change.reason if turned else found.reason),
                "changed": self._changer.clock() if turned else found.changed,
            }
            connection.execute(sa.update(WEBHOOK).where(WEBHOOK.c.id == found.id).values(values))
            action = "changed" if not turned else "enabled" if enabled else "disabled"
            why = {"reason": change.reason} if change.reason else {}
            self._changer.note(connection, f"webhook.{action}", found.tenant, found.id, **why)
            return _known(connection, found.id)

    def rotate(
        self, webhook_id: str, tenant: str | None = None, *, overlap_ms: int = OVERLAP_MS
    ) -> NewWebhookSecret:
        """Give it another secret. It signs with the one of before, too, for ``overlap_ms``. Raises NotFoundError."""
        now = self._changer.clock()
        with self._database.changing() as connection:
            found = _known(connection, webhook_id, tenant)
            last = found.secrets[-1]
            table = WEBHOOK_SECRET.c
            own = table.webhook_id == found.id
            connection.execute(sa.delete(WEBHOOK_SECRET).where(own, table.version < last.version))
            connection.execute(
                sa.update(WEBHOOK_SECRET)
                .where(own, table.version == last.version)
                .values(expires=now + overlap_ms)
            )
            text = self._new_secret(connection, found.id, last.version + 1, now)
            self._changer.note(connection, "webhook.rotated", found.tenant, found.id)
            return NewWebhookSecret(webhook=_known(connection, found.id), text=text)

    def remove(self, webhook_id: str, tenant: str | None = None) -> Webhook:
        """Forget it with its secrets; returns what it was. Raises NotFoundError."""
        with self._database.changing() as connection:
            found = _known(connection, webhook_id, tenant)
            own = WEBHOOK_SECRET.c.webhook_id == found.id
            connection.execute(sa.delete(WEBHOOK_SECRET).where(own))
            connection.execute(sa.delete(WEBHOOK).where(WEBHOOK.c.id == found.id))
            self._changer.note(connection, "webhook.removed", found.tenant, found.id)
            return found

    def _new_secret(
        self, connection: Connection, webhook_id: str, version: int, now: UnixMs
    ) -> str:
        text = secret_text(self._changer.random_octets(SECRET_OCTETS))
        connection.execute(
            sa.insert(WEBHOOK_SECRET).values(
                webhook_id=webhook_id,
                version=version,
                sealed=self._secrets.seal(text.encode(), *seal_place(webhook_id, version)),
                created=now,
            )
        )
        return text


def _check(wish: WebhookWish) -> None:
    """Raises TenancyError that begins with the field."""
    if wish.format not in FORMATS:
        text = f"format: {wish.format!r} is none; there are {', '.join(FORMATS)}"
        raise TenancyError(text, field="format")
    if not wish.url or len(wish.url) > MAX_URL:
        raise TenancyError(f"url: must have 1 to {MAX_URL} characters", field="url")
    for name, words in (("streams", wish.streams), ("tags", wish.tags)):
        if len(words) > MAX_WORDS:
            raise TenancyError(f"{name}: at most {MAX_WORDS}", field=name)
        for index, each in enumerate(words):
            if not each.strip() or len(each) > 256 or not each.isprintable():
                field = f"{name}[{index}]"
                raise TenancyError(f"{field}: 1 to 256 printable characters", field=field)


def _known(connection: Connection, webhook_id: str, tenant: str | None = None) -> Webhook:
    for webhook in read_webhooks(connection, WEBHOOK.c.id == webhook_id.lower()):
        if tenant is None or webhook.tenant == tenant:
            return webhook
    raise NotFoundError(
        f"there is no webhook {webhook_id[:80]!r}", "`postmaster webhook list` shows them"
    )
