"""The platform role: writes the mail log, lets old events go, and measures queue and disk."""

import asyncio
from typing import Final

from angarium.config.schema import Config
from angarium.queue import LmdbSpool, QueueSummary
from angarium.service.mail_log import MailLog, Sink
from angarium.service.mail_log_file import MailLogFile, StandardOutput
from angarium.service.runtime import Runtime
from angarium.telemetry.log import log_exception
from angarium.telemetry.metrics import Metrics

MEASURE_S: Final = 2.0
TRIM_S: Final = 60.0


async def run_platform(runtime: Runtime) -> None:
    """The composition root of the role. Raises what makes it impossible to go on."""
    spool = runtime.open_spool()
    sink = _sink(runtime.config)
    mail_log = MailLog(spool.events, sink, runtime.metrics, runtime.clock)
    low_disk = _LowDisk()
    try:
        async with asyncio.TaskGroup() as tasks:
            periodic = [
                tasks.create_task(_measure(spool, runtime.metrics, low_disk)),
                tasks.create_task(_trim(mail_log, runtime.config)),
            ]
            runtime.ready(low_disk.reasons)
            await mail_log.run(runtime.stop)
            for task in periodic:
                task.cancel()
    finally:
        sink.close()
        runtime.close_spool()


class _LowDisk:
    """Whether new mail is refused for want of disk: a reason not to be ready."""

    def __init__(self) -> None:
        self.is_low = False

    def reasons(self) -> list[str]:
        return ["the disk is below queue.min_free_octets: new mail is refused"] * self.is_low


def _sink(config: Config) -> Sink:
    assert config.log.mail_log is not None  # the loader puts the default there
    return StandardOutput() if config.log.mail_log == "-" else MailLogFile(config.log.mail_log)


async def _measure(spool: LmdbSpool, metrics: Metrics, low_disk: _LowDisk) -> None:
    while True:
        summary = spool.summary()
        low_disk.is_low = summary.low_disk
        _set_gauges(metrics, summary)
        metrics.event_lag.set(max(0, spool.events.last() - spool.events.acked("mail_log")))
        await asyncio.sleep(MEASURE_S)


def _set_gauges(metrics: Metrics, summary: QueueSummary) -> None:
    metrics.queue_recipients["scheduled"].set(summary.scheduled)
    metrics.queue_recipients["held"].set(summary.held)
    metrics.queue_recipients["in_flight"].set(summary.in_flight)
    metrics.queue_messages.set(summary.messages)
    metrics.queue_file.set(summary.file_octets)
    metrics.queue_used.set(summary.used_octets)
    metrics.disk_free.set(summary.free_disk_octets)
    metrics.events.set(summary.events)


async def _trim(mail_log: MailLog, config: Config) -> None:
    retention_ms = int(config.queue.event_retention_s * 1000)
    while True:
        await asyncio.sleep(TRIM_S)
        try:
            await mail_log.trim(retention_ms, config.queue.event_limit)
        except Exception:  # noqa: BLE001  (periodic: the next time may do)
            log_exception("trim_failed")
