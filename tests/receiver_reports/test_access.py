"""Mirrors angarium/receiver_reports/access.py and span.py."""

import asyncio
import threading
from pathlib import Path

import pytest

from angarium.receiver_reports import access
from angarium.receiver_reports.access import ReportAccess
from angarium.receiver_reports.asked import TableQuery
from angarium.receiver_reports.report_file import ReportsAwayError
from angarium.receiver_reports.span import Days, SpanError, read_days
from tests.receiver_reports.samples import DAY, NOW, dmarc, row


async def test_what_one_brings_is_there_for_who_asks_next(tmp_path: Path) -> None:
    reports = ReportAccess(tmp_path)
    assert await reports.ask(lambda reader: reader.polls()) == []
    await reports.write(lambda writer: writer.add(dmarc(row(count=7)), NOW, "upload"))
    query = TableQuery(by="day", first=DAY, end=DAY + 1)
    page = await reports.ask(lambda reader: reader.dmarc(query))
    assert page.total["messages"] == 7
    await asyncio.to_thread(reports.close)


async def test_only_so_many_questions_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RVA1"""
    monkeypatch.setattr(access, "WAITING", 2)
    reports, go = ReportAccess(tmp_path), threading.Event()
    waiting = [asyncio.ensure_future(reports.ask(lambda _: go.wait(10))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ReportsAwayError, match="too many questions"):
        await reports.ask(lambda reader: reader.polls())
    go.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert await reports.ask(lambda reader: reader.polls()) == []
    await asyncio.to_thread(reports.close)


@pytest.mark.parametrize(
    ("first", "to", "expected"),
    [
        ("", "", (DAY - 29, DAY + 1)),
        ("2026-11-30", "", (DAY - 1, DAY + 1)),
        ("", "2026-11-30", (DAY - 30, DAY)),
        ("2026-12-01", "2026-12-01", (DAY, DAY + 1)),
    ],
)
def test_days_are_those_that_are_written_both_included(
    first: str, to: str, expected: tuple[int, int]
) -> None:
    assert read_days(first, to, DAY) == Days(first=expected[0], end=expected[1])


@pytest.mark.parametrize(
    ("first", "to", "text"),
    [
        ("2026-12-02", "2026-12-01", "from: 2026-12-02 is behind the last day"),
        ("2020-01-01", "", "from: ask for at most 400 days"),
        ("20261201", "", "from: '20261201' is no day"),
        ("", "2026-02-30", "to: '2026-02-30' is no day"),
    ],
)
def test_days_that_are_none_are_named(first: str, to: str, text: str) -> None:
    with pytest.raises(SpanError) as raised:
        read_days(first, to, DAY)
    assert text in str(raised.value)
