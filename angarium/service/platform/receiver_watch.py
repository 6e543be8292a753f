"""Reads the reports of receivers that came by mail: from the queue's shelves into the file of reports."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from angarium.config.schema import Config
from angarium.queue import UnixMs
from angarium.queue.reports import ReportBounds, ReportedMail, Reports, Shelf
from angarium.receiver_reports.bringing import Bringing, Brought
from angarium.receiver_reports.report_file import ReportsAwayError
from angarium.receiver_reports.writing import ReportWriter
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import Metrics

LOOK_S: Final = 5.0
AFTER_TROUBLE_S: Final = 60.0
# Ours, at a time: one may be some megabytes of XML
BATCH: Final = 10
SHELVES: Final = (Shelf.DMARC, Shelf.TLS_RPT)


class ReceiverWatch:
    """Invariant RVM1: a mail leaves its shelf only after its reports are on disk. A crash in between reads it twice,
    and a report that came twice counts once.

    Invariant RVM2: a mail of which nothing could be read goes to those that people review.
    """

    def __init__(
        self,
        config: Config,
        reports: Reports,
        writer: Callable[[], ReportWriter],
        clock: Callable[[], UnixMs],
        metrics: Metrics,
    ) -> None:
        """``writer``: called in a thread, since it may open the file."""
        self._reports = reports
        self._writer = writer
        self._clock = clock
        self._metrics = metrics
        feedback = config.feedback
        self._bounds = ReportBounds(reports=feedback.kept_reports, octets=feedback.kept_octets)
        self._trouble = ""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            wait_s = LOOK_S
            try:
                while await self.work():
                    pass
                self._trouble = ""
            except ReportsAwayError as error:
                if str(error) != self._trouble:
                    log("receiver_reports_failed", "error", problem=str(error))
                self._trouble = str(error)
                wait_s = AFTER_TROUBLE_S
            except Exception as error:  # noqa: BLE001  (periodic: the next time may do)
                log_exception("receiver_reports_failed", error)
                wait_s = AFTER_TROUBLE_S
            await asyncio.sleep(wait_s)

    async def work(self) -> int:
        """Read some of what came; returns how many mails. Raises ReportsAwayError, QueueError."""
        done = 0
        for shelf in SHELVES:
            mails = self._reports.kept(shelf, b"", BATCH)
            if not mails:
                continue
            read = await asyncio.to_thread(self._bring, mails)
            # RVM1, RVM2
            unreadable = [each.id for each, brought in read if not _was_read(brought)]
            await self._reports.forget(shelf, [it.id for it, brought in read if _was_read(brought)])
            await self._reports.move(shelf, Shelf.REVIEW, unreadable, self._bounds)
            for mail, brought in read:
                self._tell(mail, brought)
            done += len(read)
        return done

    def _bring(self, mails: Sequence[ReportedMail]) -> list[tuple[ReportedMail, Sequence[Brought]]]:
        bringing = Bringing(self._writer(), "mail", self._clock())
        return [(each, _brought(bringing, each)) for each in mails]

    def _tell(self, mail: ReportedMail, brought: Sequence[Brought]) -> None:
        for each in brought:
            self._metrics.receivers.reports[each.kind or "unreadable", each.status].add()
            if each.status == "refused":
                log(
                    "receiver_report_refused",
                    "warning",
                    report=mail.id.hex(),
                    client=mail.client,
                    name=each.name,
                    reason=each.why,
                )
            else:
                told = msgspec.structs.asdict(each)
                names = ("kind", "status", "organization", "domain", "rows")
                log(
                    "receiver_report_read",
                    report=mail.id.hex(),
                    **{name: told[name] for name in names},
                )


def _brought(bringing: Bringing, mail: ReportedMail) -> Sequence[Brought]:
    try:
        return bringing.mail(mail.content)
    except ReportsAwayError:
        raise
    except Exception as error:  # noqa: BLE001 - a defect of ours must not stop all that comes behind
        log_exception("internal_error", error, where="receiver_reports")
        return [Brought(name="", status="refused", why="a fault of ours: please report it")]


def _was_read(brought: Sequence[Brought]) -> bool:
    """Whether a report was in it; what else was in the mail may be a logo."""
    return any(each.status != "refused" for each in brought)
