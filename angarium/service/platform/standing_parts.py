"""The composition root of what the platform process knows of senders' standing: builds its parts, once."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Final

from angarium.config.schema import Config
from angarium.insight.blocklist_asking import own_subjects
from angarium.queue import LmdbSpool, QueueError
from angarium.reputation.breaker import Breaker
from angarium.routing.dns import DnsResolver, DnsSetupError
from angarium.service.platform.blocklist_watch import BlocklistWatch
from angarium.service.platform.complaint_feed import ComplaintFeed, Listeners
from angarium.service.platform.delivery_finder import DeliveryFinder
from angarium.service.platform.sender_breaker import SenderBreaker
from angarium.service.platform.slowing_feed import SlowingFeed
from angarium.service.platform.standing import Standing
from angarium.service.platform.standing_answers import StandingAnswers
from angarium.service.runtime import Runtime
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import MAX_SCORES

MEASURE_S: Final = 15.0
# Ours, of each kind, in the status
NOTES: Final = 5


class StandingParts:
    def __init__(self, runtime: Runtime, spool: LmdbSpool) -> None:
        """Raises DnsSetupError."""
        self._runtime = runtime
        self._config = runtime.config
        queue, clock = spool.administration, runtime.clock
        finder = self.finder = DeliveryFinder(spool.events)
        breaker = SenderBreaker(Breaker(runtime.config.breaker), queue, clock)
        self._dns = DnsResolver(runtime.config.dns, time.monotonic)
        self.standing = Standing(breaker, finder, spool.keepsakes, clock)
        slots = [each.name for each in runtime.slots if each.role == "delivery"]
        listeners = Listeners(runtime.data_dir.path, slots, runtime.stop)
        self.feed = ComplaintFeed(finder, listeners.tell)
        self.slowing = SlowingFeed(breaker.take_slowings, listeners.tell)
        self.watch = BlocklistWatch(
            runtime.config.blocklists,
            self._subjects,
            self._dns,
            spool.keepsakes,
            clock,
            runtime.metrics,
        )
        self.answers = StandingAnswers(self.standing, self.watch, queue, runtime.config, clock)
        self._shown: set[str] = set()  # sources whose score is a metric

    def exchange(self, config: Config) -> None:
        """Go by this from now on; a nameserver that is none leaves the old ones asked."""
        self._config = config
        self.standing.breaker.exchange(config.breaker)
        self.answers.exchange(config)
        try:
            self._dns.exchange(config.dns)
        except DnsSetupError as error:
            log("reload_refused", "error", problem=str(error))
        self.watch.exchange(config.blocklists)

    def notes(self) -> Sequence[str]:
        """Say what an operator should know of it, though the work goes on."""
        pauses, listings = self.standing.breaker.breaker.pauses(), self.watch.listings
        out = [f"{each.address} is listed at {each.zone}" for each in listings[:NOTES]]
        out += [
            f"{each.text} is paused: {pause.why}" for each, pause in list(pauses.items())[:NOTES]
        ]
        more = max(0, len(pauses) - NOTES) + max(0, len(listings) - NOTES)
        return [*out, f"{more} more: postmaster reputation"] if more else out

    async def measure(self) -> None:
        """Keep the metrics up to date, until cancelled."""
        while True:
            await asyncio.sleep(MEASURE_S)
            try:
                self._measure()
            except Exception:  # noqa: BLE001  (periodic: the next time may do)
                log_exception("standing_not_measured")

    async def close(self) -> None:
        """Write what is not yet written, as far as the disk lets."""
        with contextlib.suppress(QueueError):
            await self.standing.close()
        await self._dns.close()

    # ----------------------------------------------------------------------------------------

    def _subjects(self) -> Sequence[str]:
        return own_subjects(self._config)

    def _measure(self) -> None:
        metrics = self._runtime.metrics
        metrics.paused_senders.set(len(self.standing.breaker.breaker.pauses()))
        for source, value in self.answers.scores("source"):
            if source in self._shown or len(self._shown) < MAX_SCORES:
                self._shown.add(source)
                metrics.reputation_score(source).set(value)
