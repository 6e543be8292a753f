"""The composition root of alarms in the platform process: builds their parts, once."""

import asyncio
import time
from collections.abc import Sequence

from angarium.alarms.board import Board
from angarium.alarms.grouping import Pace, Target
from angarium.alarms.keepsakes import PREFIX, read_kept
from angarium.alarms.notice import Notice, Words
from angarium.config.alarms import Notify
from angarium.config.schema import Config
from angarium.queue import LmdbSpool
from angarium.routing.dns import DnsResolver
from angarium.service.life.state import read_pids
from angarium.service.platform.alarms.answers import AlarmAnswers
from angarium.service.platform.alarms.keeper import BoardKeeper
from angarium.service.platform.alarms.machine_figures import Clocks, MachineFigures, boot_clock
from angarium.service.platform.alarms.mailing import NoticeMail
from angarium.service.platform.alarms.measuring import Failing, Measuring, Sources
from angarium.service.platform.alarms.posting import post_notice
from angarium.service.platform.alarms.teller import Teller
from angarium.service.platform.alarms.told import Outcome
from angarium.service.platform.alarms.watch import AlarmWatch
from angarium.service.platform.standing_parts import StandingParts
from angarium.service.runtime import Runtime
from angarium.webhooks.caller import Caller
from angarium.webhooks.guard import Guard

# Of a request with its answer
TIMEOUT_S = 15.0
NOTES = 5  # ours, of alarms in the status


class AlarmParts:
    """``watch`` and ``teller`` are to be run."""

    def __init__(
        self,
        runtime: Runtime,
        spool: LmdbSpool,
        standing: StandingParts,
        domains: Failing,
        tracking_hosts: Failing,
    ) -> None:
        """Raises DnsSetupError."""
        config, clock = runtime.config, runtime.clock
        self._stop = runtime.stop
        self._clock = clock
        self._dns = DnsResolver(config.dns, time.monotonic)
        self._mail = NoticeMail(config, spool, clock)
        self._posts = self._new_caller(config)
        self._retired: list[Caller] = []
        kept = read_kept(spool.keepsakes.read(PREFIX))
        board = Board((), _targets(config), _pace(config), kept)
        self.keeper = BoardKeeper(board, spool.keepsakes)
        sends = {"mail": self._mail.send} | dict.fromkeys(
            ("webhook", "slack", "pagerduty"), self._post
        )
        metrics = runtime.metrics.alarms
        self.teller = Teller(config, self.keeper, sends, clock, metrics)
        known = standing.standing
        sources = Sources(
            figures=lambda: known.figures if known.is_begun else None,
            listings=lambda: standing.watch.listings,
            pauses=lambda: known.breaker.breaker.pauses() if known.is_begun else None,
            domains=domains,
            tracking_hosts=tracking_hosts,
            targets=self.teller.failures,
            pids=lambda: read_pids(runtime.data_dir.state, runtime.slots),
            summary=spool.summary,
            overdue=spool.overdue,
            keepsakes=spool.keepsakes,
            metrics=runtime.metrics,
        )
        machine = MachineFigures(Clocks(wall=clock, steady=boot_clock))
        self.measuring = Measuring(config, sources, machine)
        self.watch = AlarmWatch(
            config, self.keeper, self.measuring.measure, clock, metrics, self.teller.wake
        )
        self.answers = AlarmAnswers(config, self.keeper, self.teller, clock)
        board.exchange(self.watch.alarms, _targets(config), _pace(config))

    def exchange(self, config: Config) -> None:
        """Go by this from now on; requests under way end as they began."""
        self._dns.exchange(config.dns)
        self._retired.append(self._posts)
        self._posts = self._new_caller(config)
        self._mail.exchange(config)
        self.measuring.exchange(config)
        self.watch.exchange(config)
        self.keeper.board.exchange(self.watch.alarms, _targets(config), _pace(config))
        self.teller.exchange(config)
        self.answers.exchange(config)

    def notes(self) -> Sequence[str]:
        """Say what is raised, for ``postmaster status``."""
        raised = self.keeper.board.raised
        out = [
            f"alarm {each.alarm} is raised ({each.severity}): {each.subject.text}"
            for each in raised[:NOTES]
        ]
        more = len(raised) - NOTES
        return [*out, f"{more} more alarms: postmaster alerts"] if more > 0 else out

    async def run(self) -> None:
        """Look and tell until the server stops."""
        looking = asyncio.create_task(self.watch.run())
        try:
            await self.teller.run(self._stop)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def close(self) -> None:
        for each in (*self._retired, self._posts):
            await each.close()
        await self._dns.close()

    async def _post(self, notify: Notify, notice: Notice, words: Words) -> Outcome:
        return await post_notice(notify, notice, words, self._posts, self._clock)

    def _new_caller(self, config: Config) -> Caller:
        settings = config.alarms
        guard = Guard(settings.allow_networks, allow_http=settings.allow_http, table="alarms")
        return Caller(guard, self._dns, timeout_s=TIMEOUT_S)


def _targets(config: Config) -> list[Target]:
    return [
        Target(name=each.name, severity=each.severity, only=each.only)
        for each in config.alarms.notify
    ]


def _pace(config: Config) -> Pace:
    return Pace(
        group_ms=round(config.alarms.group_s * 1000),
        remind_ms=round(config.alarms.remind_s * 1000),
    )
