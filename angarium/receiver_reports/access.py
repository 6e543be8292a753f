"""Asks the reports, and brings new ones, from an event loop: one at a time in a thread, and a bounded number waits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from angarium.receiver_reports.report_file import ReportFile, ReportsAwayError, ReportView
from angarium.receiver_reports.tables import ReportReader
from angarium.receiver_reports.writing import ReportWriter

T = TypeVar("T")
# Ours: what waits beyond that is told to come again
WAITING: Final = 32


class ReportAccess:
    """Invariant RVA1: at most WAITING questions are under way, and others are refused."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="receiver-reports")
        self._reader: ReportReader | None = None
        self._file: ReportFile | None = None
        self._under_way = 0

    async def ask(self, question: Callable[[ReportReader], T]) -> T:
        """Raises ReportsAwayError, and what the question raises."""
        return await self._run(lambda: question(self._open_reader()))

    async def write(self, work: Callable[[ReportWriter], T]) -> T:
        """Raises ReportsAwayError, and what the work raises."""
        return await self._run(lambda: work(ReportWriter(self._open_file())))

    def close(self) -> None:
        """Wait for what is under way."""
        self._thread.shutdown()
        if self._reader is not None:
            self._reader.close()
        if self._file is not None:
            self._file.close()

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= WAITING:  # RVA1
            raise ReportsAwayError("too many questions wait for the reports")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._under_way -= 1

    def _open_reader(self) -> ReportReader:
        if self._reader is None:
            self._open_file()  # where nobody has brought any, there are none
            self._reader = ReportReader(ReportView(self._data_dir))
        return self._reader

    def _open_file(self) -> ReportFile:
        if self._file is None:
            self._file = ReportFile(self._data_dir)
        return self._file
