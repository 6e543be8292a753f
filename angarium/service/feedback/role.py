"""The feedback role: reads what came back, and lets what is kept go in time. There is one where [feedback] is used."""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from angarium.access.reference_keys import ReferenceKeyError, read_keys
from angarium.config.schema import Config, Feedback
from angarium.feedback.reference import ReferenceKeys
from angarium.host.sysexits import EX_CONFIG, StartError
from angarium.queue import LmdbSpool, MessageIdGenerator, QueueFailedError, QueueFullError, UnixMs
from angarium.queue.reports import ReportBounds, Shelf
from angarium.service.bells import open_doorbell
from angarium.service.feedback.lanes import LaneRegister
from angarium.service.feedback.late_notices import LateNotices
from angarium.service.feedback.maildir import MaildirIntake
from angarium.service.feedback.report_reader import ReportReader
from angarium.service.platform.sender_notices import SenderNotices
from angarium.service.runtime import Runtime
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import REPORT_KINDS, Metrics

# How late a report may be read
POLL_S: Final = 0.5
MAILDIR_POLL_S: Final = 2.0
SWEEP_S: Final = 600.0
RETRY_S: Final = 5.0
SWEEP_LIMIT: Final = 500
# Ours: times as long as it worked. What it does at once holds the queue's write lock and a core, which deliveries want
RESTS: Final = 4


async def run_feedback(runtime: Runtime) -> None:
    """The composition root of the role. Raises StartError, QueueError."""
    config = runtime.config.feedback
    keys = load_references(config)
    spool = runtime.open_spool()
    doorbell = open_doorbell(runtime, spool)
    metrics = runtime.metrics

    def count(kind: str, outcome: str) -> None:
        metrics.reports[kind if kind in REPORT_KINDS else "other", outcome].add()

    try:
        lanes = LaneRegister(spool.keepsakes)
        notices = SenderNotices(runtime.config, spool, runtime.clock)
        late = LateNotices(config.return_path_domain, notices.tell)
        reader = ReportReader(spool.reports, lanes, keys, runtime.clock, count, notices=late)
        reader.kept_bounds = kept_bounds(config)
        runtime.on_reload(_reloader(reader, notices))
        metrics.report_limit.set(config.waiting_reports)
        runtime.on_beat(lambda: _show_waiting(spool, metrics, runtime.clock()))
        jobs = [
            _repeat(runtime, reader.work, POLL_S),
            _repeat(runtime, _sweeper(runtime, spool), SWEEP_S),
        ]
        if config.maildir is not None:
            new_id = MessageIdGenerator(runtime.clock, os.urandom)
            intake = MaildirIntake(Path(config.maildir), spool.reports, new_id, runtime.clock)
            bounds = ReportBounds(reports=config.waiting_reports, octets=config.waiting_octets)
            jobs.append(_repeat(runtime, lambda: intake.take(bounds), MAILDIR_POLL_S))
        runtime.ready()
        async with asyncio.TaskGroup() as tasks:
            for job in jobs:
                tasks.create_task(job)
    finally:
        if doorbell is not None:
            doorbell.close()
        runtime.close_spool()


def load_references(config: Feedback) -> ReferenceKeys:
    """Raises StartError."""
    try:
        return ReferenceKeys(read_keys(Path(config.key_file)), config.token_days)
    except ReferenceKeyError as error:
        raise StartError(str(error), EX_CONFIG) from error


def kept_bounds(config: Feedback) -> ReportBounds:
    return ReportBounds(reports=config.kept_reports, octets=config.kept_octets)


async def _repeat(runtime: Runtime, work: Callable[[], Awaitable[int]], pause_s: float) -> None:
    """Work while there is something, and look again after a pause, until told to stop. Raises QueueFailedError."""
    while not runtime.stop.is_set():
        wait_s = pause_s
        try:
            began = time.monotonic()
            if await work():
                wait_s = (time.monotonic() - began) * RESTS
        except QueueFailedError:
            raise
        except QueueFullError:
            wait_s = RETRY_S  # what waits, waits on
        except Exception as error:  # noqa: BLE001 - a task boundary: what came back stays where it is
            log_exception("feedback_failed", error)
            wait_s = RETRY_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await runtime.stop.wait()


def _sweeper(runtime: Runtime, spool: LmdbSpool) -> Callable[[], Awaitable[int]]:
    kept_ms = int(runtime.config.feedback.kept_s * 1000)

    async def sweep() -> int:
        before = UnixMs(runtime.clock() - kept_ms)
        gone = 0
        for shelf in (Shelf.REVIEW, Shelf.DMARC, Shelf.TLS_RPT, Shelf.SES):
            gone += await spool.reports.forget_before(shelf, before, SWEEP_LIMIT)
        if gone:
            log("reports_forgotten", reports=gone)
        return gone

    return sweep


def _reloader(
    reader: ReportReader, notices: SenderNotices
) -> Callable[[Config], Awaitable[Sequence[str]]]:
    async def reload(config: Config) -> Sequence[str]:
        notices.exchange(config)
        try:
            reader.keys = load_references(config.feedback)
        except StartError as error:
            return [str(error)]
        return ()

    return reload


def _show_waiting(spool: LmdbSpool, metrics: Metrics, now: UnixMs) -> None:
    count = spool.reports.count(Shelf.WAITING)
    metrics.reports_waiting.set(count.reports)
    metrics.reports_waiting_octets.set(count.octets)
    first = spool.reports.oldest(Shelf.WAITING)
    metrics.reports_oldest.set(0 if first is None else max(0, now - first) / 1000)
