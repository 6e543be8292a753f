"""What tells endpoints of events, in the platform process: its parts, put together."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from angarium.config.schema import Config
from angarium.history.story import Introductions
from angarium.queue import MessageId, UnixMs, WebhookDisabled
from angarium.queue.keepsakes import Keepsakes
from angarium.routing.dns import DnsResolver
from angarium.service.platform.webhook_follower import WebhookFollower
from angarium.telemetry.log import log, log_exception
from angarium.telemetry.webhook_metrics import WebhookMetrics
from angarium.tenancy import NotFoundError, SnapshotFile
from angarium.tenancy.secret_file import read_secrets, secret_path
from angarium.tenancy.snapshot import Snapshot
from angarium.webhooks.caller import Caller
from angarium.webhooks.courier import Courier
from angarium.webhooks.delivery import CALLBACK, Outcome
from angarium.webhooks.guard import Guard
from angarium.webhooks.letters import Letters
from angarium.webhooks.outbox import FILE_NAME, OutboxError
from angarium.webhooks.outbox_thread import OutboxThread
from angarium.webhooks.sinks.endpoints import Endpoints
from angarium.webhooks.sinks.making import Maker
from angarium.webhooks.sinks.reach import Reach

TRIM_S: Final = 60.0
MEASURE_S: Final = 5.0
_ABOUT_NO_MESSAGE: Final = MessageId(b"")


class WebhookParts:
    """``follower`` is to be run by an EventFollower, ``run`` beside it."""

    def __init__(
        self,
        config: Config,
        snapshots: SnapshotFile,
        introductions: Introductions,
        keepsakes: Keepsakes,
        clock: Callable[[], UnixMs],
        stop: asyncio.Event,
        metrics: WebhookMetrics,
    ) -> None:
        """Raises DnsSetupError, TenancySetupError."""
        self._config = config
        self._snapshots = snapshots
        self._keepsakes = keepsakes
        self._clock = clock
        self._stop = stop
        self._metrics = metrics
        self._dns = DnsResolver(config.dns, time.monotonic)
        self.outbox = OutboxThread(Path(config.server.data_dir) / FILE_NAME)
        self._endpoints = self._new_endpoints(config)
        self._retired: list[Endpoints] = []
        self.courier = Courier(
            self.outbox,
            Letters(self._snapshot, read_secrets(secret_path(config))),
            self._endpoints,
            clock,
            self._turn_off,
            self._count,
            connections=config.webhook.connections,
        )
        self.follower = WebhookFollower(
            self.outbox, snapshots, introductions, clock, self.courier.wake, stop
        )

    def exchange(self, config: Config) -> None:
        """Go by this from now on; requests under way end as they began."""
        self._dns.exchange(config.dns)
        self._config = config
        self._retired.append(self._endpoints)
        self._endpoints = self._new_endpoints(config)
        self.courier.posts = self._endpoints
        self.courier.connections = config.webhook.connections

    async def run(self) -> None:
        """Tell endpoints until the server stops."""
        beside = [asyncio.create_task(self._trim()), asyncio.create_task(self._measure())]
        try:
            await self.courier.run(self._stop)
        finally:
            for task in beside:
                task.cancel()

    async def close(self) -> None:
        for endpoints in (*self._retired, self._endpoints):
            await endpoints.close()
        await self._dns.close()
        self.outbox.close()

    def _snapshot(self) -> Snapshot:
        self._snapshots.refresh()
        return self._snapshots.current

    def _new_endpoints(self, config: Config) -> Endpoints:
        settings = config.webhook
        guard = Guard(settings.allow_networks, allow_http=settings.allow_http)
        caller = Caller(guard, self._dns, timeout_s=settings.timeout_s)
        maker = Maker(
            caller=caller,
            reach=Reach(guard, self._dns),
            hostname=config.server.hostname,
            clock=self._clock,
            timeout_s=settings.timeout_s,
        )
        return Endpoints(caller, guard, maker, timeout_s=settings.timeout_s)

    async def _turn_off(self, endpoint: str, since: UnixMs, said: str) -> None:
        """Disable an endpoint, and tell of it. What fails here is tried again with its next failure."""
        webhook = self._snapshots.current.webhooks.get(endpoint)
        if endpoint.startswith(CALLBACK) or webhook is None or not webhook.enabled:
            return
        said = " ".join(said.split())[:200]
        reason = f"it failed for a day: {said}" if since < self._clock() else said
        try:
            await asyncio.to_thread(self._disable, endpoint, reason)
            self._snapshots.refresh()
            event = WebhookDisabled(
                at=self._clock(),
                message_id=_ABOUT_NO_MESSAGE,
                tenant=webhook.tenant,
                webhook=endpoint,
                host=urlsplit(webhook.url).hostname or "",
                since=since,
                reason=said,
            )
            await self._keepsakes.write({}, [event])
        except NotFoundError:
            return  # somebody has removed it meanwhile
        except Exception:  # noqa: BLE001  (with the next failure it is tried again)
            log_exception("webhook_not_turned_off", webhook=endpoint)
            return
        log("webhook_turned_off", "error", webhook=endpoint, tenant=webhook.tenant, problem=said)

    def _disable(self, endpoint: str, reason: str) -> None:
        # Imported where it is needed: SQLAlchemy is 25 MB
        from angarium.tenancy.platform import Platform
        from angarium.tenancy.webhooks import WebhookChange

        with Platform.open(self._config, actor="server") as platform:
            platform.webhooks.change(endpoint, WebhookChange(enabled=False, reason=reason))
            platform.publish()

    def _count(self, outcome: Outcome) -> None:
        if outcome.is_success:
            self._metrics.attempts["delivered"].add()
        else:
            self._metrics.attempts["failed" if outcome.retry_at else "given_up"].add()
        self._metrics.time.observe(outcome.duration_ms / 1000)

    async def _measure(self) -> None:
        while True:
            try:
                depth = await self.outbox.run(lambda outbox: outbox.depth())
            except (OutboxError, sqlite3.Error) as error:
                log("webhooks_not_measured", "error", problem=str(error))
            else:
                self._metrics.deliveries["waiting"].set(depth.waiting)
                self._metrics.deliveries["given_up"].set(depth.given_up)
                due = depth.first_due
                late_ms = 0 if due is None else max(0, self._clock() - due)
                self._metrics.late.set(late_ms / 1000)
            self._metrics.requests_open.set(self.courier.under_way)
            await asyncio.sleep(MEASURE_S)

    async def _trim(self) -> None:
        while True:
            await asyncio.sleep(TRIM_S)
            for endpoints in self._retired:
                await endpoints.close()
            self._retired.clear()
            settings = self._config.webhook
            before = UnixMs(self._clock() - int(settings.retention_s * 1000))
            try:
                await self._trim_to(before, settings.log_limit)
            except (OutboxError, sqlite3.Error):
                log_exception("webhooks_not_trimmed")

    async def _trim_to(self, before: UnixMs, keep: int) -> None:
        """In steps, between which others have their turn."""
        while await self.outbox.run(lambda outbox: outbox.trim(before, keep)):
            pass
