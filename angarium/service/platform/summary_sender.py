"""Sends each day's summaries to who wants them."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol

from angarium.analytics import CountersAwayError
from angarium.analytics.counter_file import FILE_NAME, CounterView
from angarium.analytics.counters import DAY_MS
from angarium.analytics.reading import CounterReader
from angarium.analytics.summary.figures import Summary
from angarium.analytics.summary.gathering import gather
from angarium.analytics.summary.letter import as_html, subject, text
from angarium.analytics.summary.schedule import last_due
from angarium.config.schema import Config
from angarium.config.summaries import MailSummary
from angarium.content.building import Built, build
from angarium.content.letter import Letter, LetterError, Mailbox
from angarium.content.mailbox import read_mailbox
from angarium.queue import QueueError, Submission, UnixMs
from angarium.queue.terms import KeyReused, OnceKey, Repeated, Stored, Terms
from angarium.routing.partition_finder import RouteMemory
from angarium.service.platform.own_mail import OwnMail
from angarium.smtp.date import render_date
from angarium.telemetry import log

LOOK_S: Final = 30.0
AFTER_TROUBLE_S: Final = 5.0
# Ours: what could not be sent within that is not sent any more; the next day's comes
_LATE_MS: Final = 20 * 3_600_000
_LIFETIME_MS: Final = 2 * DAY_MS
_KEPT_MS: Final = 7 * DAY_MS
_PRIORITY: Final = 50
_NOBODY: Final = ""  # no tenant has that name


class Queue(RouteMemory, Protocol):
    """A spool, as far as it is used here."""

    def accept_on_terms(self, batch: Sequence[Submission], terms: Terms) -> Awaitable[object]: ...

    def find_answer(self, tenant: str, key: str, digest: bytes) -> Repeated | KeyReused | None: ...


class SummarySender:
    """Invariant SUM1: a summary of a day is sent once, whatever is restarted: its key is accepted with it."""

    def __init__(self, config: Config, queue: Queue, clock: Callable[[], UnixMs]) -> None:
        self._config = config
        self._queue = queue
        self._clock = clock
        self._mail = OwnMail(config, queue, clock)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="summaries")
        self._trouble: tuple[str, str] | None = None  # said once
        self._done: dict[str, int] = {}  # by name the last day that there is nothing more to do for

    def exchange(self, config: Config) -> None:
        """Go by another configuration from now on."""
        self._config = config
        self._mail.exchange(config)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            is_done = await self.look()
            await asyncio.sleep(LOOK_S if is_done else AFTER_TROUBLE_S)

    async def look(self) -> bool:
        """Send what is due and was not sent; return whether that went well."""
        if not (Path(self._config.server.data_dir) / FILE_NAME).exists():
            return False  # a new server is a moment away from its counters
        is_done = True
        now = self._clock()
        for each in self._config.summary:
            due = last_due(now, each.at, each.zone)
            day = due // DAY_MS - 1
            if now - due >= _LATE_MS or self._done.get(each.name) == day:
                continue
            try:
                await self._send(each, day)
            except (CountersAwayError, LetterError, QueueError) as error:
                is_done = False
                if self._trouble != (each.name, str(error)):
                    log("summary_failed", "error", name=each.name, reason=str(error))
                self._trouble = (each.name, str(error))
            else:
                self._done[each.name] = day
                self._trouble = None
        return is_done

    def close(self) -> None:
        self._thread.shutdown()

    async def _send(self, wish: MailSummary, day: int) -> None:
        key = f"summary/{wish.name}/{day}"
        digest = hashlib.sha256(key.encode()).digest()
        if self._queue.find_answer(_NOBODY, key, digest) is not None:
            return
        loop, now = asyncio.get_running_loop(), self._clock()
        summary = await loop.run_in_executor(self._thread, self._gather, day, wish.tenant, now)
        if summary.is_empty and not wish.empty:
            return
        submission = self._mail.submission(
            lambda author, header_id: _built(summary, wish, author, header_id, now),
            sender=wish.sender,
            to=wish.to,
            priority=_PRIORITY,
            lifetime_ms=_LIFETIME_MS,
        )
        once = OnceKey(
            tenant=_NOBODY, key=key, digest=digest, answer=b"", expires=UnixMs(now + _KEPT_MS)
        )
        outcome = await self._queue.accept_on_terms([submission], Terms(once=once))  # SUM1
        if isinstance(outcome, Stored):
            log("summary_sent", name=wish.name, day=summary.day)

    def _gather(self, day: int, tenant: str | None, now: UnixMs) -> Summary:
        counters = CounterReader(CounterView(Path(self._config.server.data_dir)))
        try:
            return gather(counters, day, tenant, now)
        finally:
            counters.close()


def _built(summary: Summary, wish: MailSummary, author: str, header_id: str, now: UnixMs) -> Built:
    """Raises LetterError."""
    sender = read_mailbox(author, "sender")
    letter = Letter(
        author=Mailbox(address=sender.address, name=sender.name or "Angarium"),
        to=tuple([read_mailbox(each, "to") for each in wish.to]),
        subject=subject(summary),
        text=text(summary),
        html=as_html(summary),
        fields=(("Auto-Submitted", "auto-generated"),),  # RFC 3834 section 5
        date=render_date(now // 1000),
        message_id=header_id,
    )
    return build(letter, f"=_{hashlib.sha256(header_id.encode()).hexdigest()[:32]}")
