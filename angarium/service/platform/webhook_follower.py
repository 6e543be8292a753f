"""Puts what endpoints are to be told into the outbox: whose events they want, with what the sender gave along."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from angarium.history.introducing import introduction_of
from angarium.history.story import Introduction, Introductions
from angarium.queue import EventCursor, MessageAccepted, MessageId, Position, UnixMs
from angarium.queue.events.campaign_shape import CampaignEvent
from angarium.queue.events.shape import MessageEvent
from angarium.queue.message_id import message_id_text
from angarium.service.platform.event_follower import NotNowError
from angarium.tenancy import SnapshotFile
from angarium.tenancy.snapshot import Snapshot
from angarium.tenancy.webhook import Webhook
from angarium.webhooks.delivery import CALLBACK, NewDelivery
from angarium.webhooks.formats import FORMS
from angarium.webhooks.happening import (
    Happening,
    encode_happening,
    mail_happenings,
    mail_type,
    other_happening,
    unknown_introduction,
)
from angarium.webhooks.outbox_thread import OutboxThread

WEBHOOKS: Final = "webhooks"
# Of messages whose first event was seen of late: most of what follows comes soon
KEPT_INTRODUCTIONS: Final = 5000
# Deliveries of one transaction; an accepted message has one for each recipient and endpoint
AT_ONCE: Final = 2000
_CALLBACK: Final = b'"callbackUrl"'  # as ``queue.about`` writes it
HISTORY_POLL_S: Final = 0.05
# Once the server stops, for a history that is behind
HISTORY_GRACE_S: Final = 2.0


class NoIntroductions:
    """Where no history is kept: of what was accepted long ago only its events are known."""

    async def abouts(self, message_ids: Sequence[MessageId]) -> dict[MessageId, Introduction]:
        return {}

    def projected_to(self) -> int:
        return sys.maxsize


class WebhookFollower:
    """An EventConsumer.

    Invariant WF1: what an endpoint is to be told is in the outbox before the event is acknowledged; when it comes
    again it is told no second time, which the outbox sees to.
    """

    def __init__(
        self,
        outbox: OutboxThread,
        snapshots: SnapshotFile,
        introductions: Introductions,
        clock: Callable[[], UnixMs],
        wake: Callable[[Iterable[str]], None],
        stop: asyncio.Event,
    ) -> None:
        """``wake``: told the endpoints that there is something for. ``stop``: the server ends."""
        self._outbox = outbox
        self._snapshots = snapshots
        self._introductions = introductions
        self._clock = clock
        self._wake = wake
        self._stop = stop
        self._known: dict[MessageId, Introduction] = {}
        self._has_callbacks = False

    @property
    def name(self) -> str:
        return WEBHOOKS

    async def begin(self, cursor: EventCursor) -> int:
        """Raises OutboxError."""
        self._has_callbacks = await self._outbox.run(lambda outbox: outbox.has_callbacks())
        return cursor.position

    async def handle(self, batch: Sequence[Position]) -> None:
        """Raises OutboxError, sqlite3.Error, HistoryAwayError, NotNowError."""
        # An endpoint hears of what happens after the command or request that made it has ended
        self._snapshots.refresh()
        snapshot = self._snapshots.current
        new = self._begin(batch, snapshot)
        callbacks = {**await self._read_callbacks(batch, new), **new}
        await self._introduce(_needed(batch, snapshot, callbacks), batch[-1].sequence)
        deliveries: list[NewDelivery] = []
        for position in batch:
            for happening in self._happenings(position, snapshot, callbacks):
                deliveries += _deliveries(happening, snapshot, callbacks)
                deliveries += _campaign_callbacks(position, happening, snapshot)
            if len(deliveries) >= AT_ONCE:
                await self._put(deliveries, {})
                deliveries = []
        await self._put(deliveries, new)

    async def _put(self, deliveries: list[NewDelivery], callbacks: dict[str, str]) -> None:
        if deliveries or callbacks:
            now = self._clock()
            await self._outbox.run(lambda outbox: outbox.add(deliveries, now, callbacks))  # WF1
            self._wake({each.endpoint for each in deliveries})

    def _begin(self, batch: Sequence[Position], snapshot: Snapshot) -> dict[str, str]:
        """Keep what the batch's accepted messages say of themselves; return their callback URLs."""
        found: dict[str, str] = {}
        for position in batch:
            event = position.event
            if not isinstance(event, MessageAccepted):
                continue
            # Most often nobody asks for what is read then
            if _CALLBACK in event.about or snapshot.webhooks_of(event.tenant):
                introduction = introduction_of(event)
                self._keep(introduction)
                if url := introduction.about.callback_url:
                    found[message_id_text(event.message_id)] = url
        self._has_callbacks = self._has_callbacks or bool(found)
        return found

    async def _read_callbacks(
        self, batch: Sequence[Position], new: dict[str, str]
    ) -> dict[str, str]:
        """Return the callback URLs of messages that were accepted before."""
        if not self._has_callbacks:
            return {}
        asked = {
            message_id_text(each.event.message_id)
            for each in batch
            if isinstance(each.event, MessageEvent) and mail_type(each.event) is not None
        } - new.keys()
        return await self._outbox.run(lambda outbox: outbox.callbacks(asked)) if asked else {}

    def _keep(self, introduction: Introduction) -> None:
        self._known.pop(introduction.message_id, None)
        self._known[introduction.message_id] = introduction
        while len(self._known) > KEPT_INTRODUCTIONS:
            del self._known[next(iter(self._known))]

    async def _introduce(self, needed: set[MessageId], sequence: int) -> None:
        """Have the history say what it knows of messages whose first event passed long ago."""
        missing = [each for each in needed if each not in self._known]
        if not missing:
            return
        await self._until_projected(sequence)
        for introduction in (await self._introductions.abouts(missing)).values():
            self._keep(introduction)

    async def _until_projected(self, sequence: int) -> None:
        """Raises NotNowError: the server ends, and the history is not so far."""
        waited_s = 0.0
        while self._introductions.projected_to() < sequence:
            await asyncio.sleep(HISTORY_POLL_S)
            waited_s += HISTORY_POLL_S
            if self._stop.is_set() and waited_s >= HISTORY_GRACE_S:
                raise NotNowError

    def _happenings(
        self, position: Position, snapshot: Snapshot, callbacks: dict[str, str]
    ) -> Iterable[Happening]:
        event = position.event
        if not isinstance(event, MessageEvent):
            other = other_happening(position)
            return () if other is None else (other,)
        if not _is_wanted(event, snapshot, callbacks):
            return ()
        known = self._known.get(event.message_id) or unknown_introduction(event)
        return mail_happenings(position, known)


def _needed(
    batch: Sequence[Position], snapshot: Snapshot, callbacks: dict[str, str]
) -> set[MessageId]:
    return {
        each.event.message_id
        for each in batch
        if isinstance(each.event, MessageEvent) and _is_wanted(each.event, snapshot, callbacks)
    }


def _is_wanted(event: MessageEvent, snapshot: Snapshot, callbacks: dict[str, str]) -> bool:
    """Whether somebody may have to be told; which endpoints want it is asked of what it comes to."""
    webhooks = snapshot.webhooks_of(event.tenant)
    is_wanted = any(_hears(each, event.at) for each in webhooks) or (
        bool(callbacks) and message_id_text(event.message_id) in callbacks
    )
    return is_wanted and mail_type(event) is not None  # type: ignore[arg-type]


def _hears(webhook: Webhook, at: UnixMs) -> bool:
    """An endpoint is told nothing of the time before it was there, or while it was disabled."""
    return webhook.enabled and at >= webhook.changed


def _deliveries(
    happening: Happening, snapshot: Snapshot, callbacks: dict[str, str]
) -> Iterable[NewDelivery]:
    octets: bytes | None = None
    for webhook in snapshot.webhooks_of(happening.tenant):
        if not _hears(webhook, happening.at):
            continue
        names = FORMS[webhook.format].names(happening)
        if names and webhook.wants(names, happening.stream, happening.tags):
            octets = octets or encode_happening(happening)
            yield _delivery(happening, webhook.id, "", octets)
    url = callbacks.get(happening.email_id, "")
    if url:
        tenant = snapshot.tenant_id(happening.tenant) or happening.tenant
        octets = octets or encode_happening(happening)
        yield _delivery(happening, f"{CALLBACK}{tenant}:{_origin(url)}", url, octets)


def _campaign_callbacks(
    position: Position, happening: Happening, snapshot: Snapshot
) -> Iterable[NewDelivery]:
    event = position.event
    if isinstance(event, CampaignEvent) and event.callback_url:
        tenant = snapshot.tenant_id(happening.tenant) or happening.tenant
        endpoint = f"{CALLBACK}{tenant}:{_origin(event.callback_url)}"
        told = _delivery(happening, endpoint, event.callback_url, encode_happening(happening))
        # Its statuses are told in order, as a message's events are
        yield msgspec.structs.replace(told, email_id=event.campaign)


def _delivery(happening: Happening, endpoint: str, url: str, octets: bytes) -> NewDelivery:
    return NewDelivery(
        tenant=happening.tenant,
        endpoint=endpoint,
        url=url,
        event_id=happening.id,
        type=happening.type,
        email_id=happening.email_id,
        recipient=happening.recipient,
        happening=octets,
    )


def _origin(url: str) -> str:
    """Callbacks to one server share a lane."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port}"
    except ValueError:
        return "?"
