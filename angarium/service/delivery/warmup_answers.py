"""Answers about the warm-ups of one delivery process, and does to them what operators say."""

from collections.abc import Callable, Mapping
from typing import Protocol

from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.warmups import (
    WARMUPS_LISTED,
    ChangedWarmups,
    ChangeWarmups,
    ShownWarmup,
    ShownWarmups,
    ShowWarmups,
)
from angarium.queue import MessageId, QueueFullError, UnixMs, WarmupChanged
from angarium.queue.act import Actor
from angarium.reputation.warmups import Warmups
from angarium.service.admin_socket import Asker, Handlers
from angarium.service.delivery.warmup_writer import WarmupWriter


class Delivery(Protocol):
    """``mta.dispatcher`` is."""

    def waiting(self) -> Mapping[str, int]: ...

    def ask_anew(self) -> None: ...


class WarmupAnswers:
    def __init__(
        self,
        warmups: Warmups,
        writer: WarmupWriter,
        delivery: Delivery,
        clock: Callable[[], UnixMs],
    ) -> None:
        self._warmups = warmups
        self._writer = writer
        self._delivery = delivery
        self._clock = clock

    def handlers(self) -> Handlers:
        return Handlers().on(ShowWarmups, self.show).on(ChangeWarmups, self.change)

    async def show(self, asked: ShowWarmups, _: Asker) -> ShownWarmups:
        now = self._clock()
        found = self._warmups.statuses(now)
        waiting = self._delivery.waiting()
        shown: list[ShownWarmup] = []
        for status in found[:WARMUPS_LISTED]:
            # What is on disk has a provider only as far as its domain was resolved before
            queued = max(asked.queued.get(status.provider, 0), waiting.get(status.provider, 0))
            eta = self._warmups.eta(status, queued, now)
            shown.append(ShownWarmup(status=status, queued=queued, eta=eta))
        return ShownWarmups(tuple(shown), len(found) - len(shown))

    async def change(self, asked: ChangeWarmups, asker: Asker) -> ChangedWarmups | Refused:
        now = self._clock()
        by = Actor(who=asker.name, reason=asked.reason).bounded()
        changed = self._warmups.act(asked.act, asked.source, asked.provider, now)
        events = [
            WarmupChanged(
                at=now,
                message_id=MessageId(b""),
                source=each.source,
                provider=each.provider,
                act=asked.act,
                day=each.day,
                actor=by.who,
                reason=by.reason,
            )
            for each in changed
        ]
        try:
            await self._writer.write(events)
        except QueueFullError as error:
            text = f"{error}; it is in force, but not on disk yet, and nobody will know who did it"
            return Refused("no_room", text)
        self._delivery.ask_anew()
        return ChangedWarmups(tuple(changed))
