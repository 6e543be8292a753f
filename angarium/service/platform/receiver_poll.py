"""Asks Google and Microsoft for what they say of our mail: daily, and after a failure sooner, then ever later."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from angarium.config.schema import Config
from angarium.queue import UnixMs
from angarium.receiver_reports.accounts import accounts_of
from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.poll_state import PollKeeper
from angarium.receiver_reports.polling import Account, Poller, PollError
from angarium.receiver_reports.report_file import ReportFile, ReportsAwayError
from angarium.receiver_reports.writing import ReportWriter
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import Metrics

LOOK_S: Final = 30.0
FIRST_RETRY_MS: Final = 600_000


class ReceiverPoll:
    """Invariant RVP1: a provider is asked no sooner than it is due, whatever is restarted: its last try is on disk."""

    def __init__(
        self,
        config: Config,
        open_file: Callable[[], ReportFile],
        clock: Callable[[], UnixMs],
        metrics: Metrics,
    ) -> None:
        """``open_file``: called in a thread."""
        self._config = config
        self._open_file = open_file
        self._clock = clock
        self._metrics = metrics
        self._changed = asyncio.Event()
        self._told: dict[str, str] = {}

    def exchange(self, config: Config) -> None:
        """Go by this from now on; with another account, it is asked at once."""
        if config.receiver_reports != self._config.receiver_reports:
            self._config = config
            self._changed.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            at_once = self._changed.is_set()
            self._changed.clear()
            try:
                await self.turn(at_once=at_once)
            except ReportsAwayError as error:
                self._say("receiver_reports", str(error))
            except Exception as error:  # noqa: BLE001  (periodic: the next time may do)
                log_exception("internal_error", error, where="receiver_polls")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._changed.wait()

    async def turn(self, *, at_once: bool = False) -> None:
        """Ask who is due. Raises ReportsAwayError."""
        accounts = accounts_of(self._config)
        if not accounts:
            return
        keeper = PollKeeper(await asyncio.to_thread(self._open_file))
        every_ms = int(self._config.receiver_reports.poll_s * 1000)
        for each in accounts:
            due = await asyncio.to_thread(keeper.due, each.provider, every_ms, FIRST_RETRY_MS)
            if at_once or due <= self._clock():  # RVP1
                await self._poll(each, keeper)

    async def _poll(self, account: Account, keeper: PollKeeper) -> None:
        provider = account.provider
        problem, figures = "", list[Figure]()
        try:
            figures = await Poller(account, keeper, self._clock).poll()
        except PollError as error:
            problem = str(error)
        await asyncio.to_thread(self._keep, keeper, account, figures, problem)
        result = "failed" if problem else "read"
        self._metrics.receivers.polls[provider, result].add()
        if problem:
            self._say(provider, problem)
            return
        self._told.pop(provider, None)
        self._metrics.receivers.last[provider].set(self._clock() / 1000)
        log("receiver_polled", provider=provider, figures=len(figures))

    def _keep(
        self, keeper: PollKeeper, account: Account, figures: Sequence[Figure], problem: str
    ) -> None:
        now = self._clock()
        if not problem:
            ReportWriter(self._open_file()).note(figures, now)
        keeper.note(account.provider, now, problem)

    def _say(self, who: str, problem: str) -> None:
        """Once for each reason."""
        if self._told.get(who) != problem:
            log("receiver_poll_failed", "warning", provider=who, problem=problem)
        self._told[who] = problem
