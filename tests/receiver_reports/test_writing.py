"""Mirrors angarium/receiver_reports/writing.py and report_file.py."""

import sqlite3
import threading
from pathlib import Path

import msgspec
import pytest

from angarium.queue.model import UnixMs
from angarium.receiver_reports import writing
from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.model import DmarcRow, Refused, TlsFailure
from angarium.receiver_reports.report_file import (
    FILE_NAME,
    ReportFile,
    ReportsAwayError,
    ReportView,
)
from angarium.receiver_reports.writing import DAY_MS, ReportWriter, day_of
from tests.receiver_reports.conftest import Store
from tests.receiver_reports.samples import DAY, NOW, dmarc, row, tls


def test_a_report_that_comes_again_counts_once(store: Store) -> None:
    """RVW1"""
    report = dmarc(row(count=10))
    (first,) = store.add(report)
    (again,) = store.add(msgspec.structs.replace(report, rows=(row(count=99),)))
    assert first.is_new
    assert (again.is_new, again.id) == (False, first.id)
    assert store.dmarc("domain") == {"example.com": 10}


@pytest.mark.parametrize(
    "other",
    [
        {"organization": "Yahoo"},
        {"report_id": "2"},
        {"begin": DAY * 86_400 - 1},
    ],
    ids=["reporter", "id", "beginning"],
)
def test_another_reporter_id_or_beginning_is_another_report(
    store: Store, other: dict[str, object]
) -> None:
    report = dmarc(row(count=10))
    store.add(report, msgspec.structs.replace(report, **other))
    assert store.dmarc("domain") == {"example.com": 20}


def test_a_report_is_there_with_all_of_its_rows_or_not_at_all(store: Store) -> None:
    """RVW2"""
    report = dmarc(row(), DmarcRow(**{**msgspec.structs.asdict(row()), "count": 2**70}))
    with pytest.raises(OverflowError):
        store.add(report)
    assert store.rows() == 0


def test_a_report_is_of_the_day_of_its_middle() -> None:
    report = dmarc()
    assert day_of(report) == DAY
    shifted = msgspec.structs.replace(
        report, begin=report.begin - 5 * 3600, end=report.end - 5 * 3600
    )
    assert day_of(shifted) == DAY


def test_the_file_is_its_owners_alone(store: Store) -> None:
    """P8"""
    assert (store.folder / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_newer_form_is_left_alone(tmp_path: Path) -> None:
    ReportFile(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(ReportsAwayError, match="of a newer Angarium"):
        ReportFile(tmp_path)


def test_who_reads_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(ReportsAwayError):
        ReportView(tmp_path)
    assert not (tmp_path / FILE_NAME).exists()


def test_two_who_come_first_at_once_make_one_file(tmp_path: Path) -> None:
    problems: list[Exception] = []

    def bring(number: int) -> None:
        try:
            file = ReportFile(tmp_path)
            for each in range(5):
                report = dmarc(row(), organization=f"{number}-{each}")
                ReportWriter(file).add(report, NOW, "upload")
            file.close()
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=bring, args=(each,)) for each in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not problems
    file = Store(tmp_path)
    assert file.dmarc("domain") == {"example.com": 200}
    file.close()


def test_what_is_old_goes_in_small_steps_and_the_rest_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FORGET_STEP", 2)
    for day in range(DAY - 6, DAY + 1):
        store.add(dmarc(row(), day=day), tls(TlsFailure(result="x", count=1), day=day))
        figure = Figure(provider="google", subject="example.com", day=day, name="spam_rate")
        store.writer.note([figure], NOW)
    store.writer.refuse([Refused(name="a", why="b")], UnixMs((DAY - 5) * DAY_MS), "mail")
    steps = 1
    while store.writer.forget(UnixMs((DAY - 1) * DAY_MS)):
        steps += 1
    assert steps > 5
    assert sorted(store.dmarc("day")) == ["2026-11-30", "2026-12-01"]
    assert store.rows() == 2 * (2 + 1 + 1 + 1) + 2
    assert store.reader.refusals(10) == []


def test_beyond_so_many_rows_the_oldest_reports_make_room(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_ROWS_KEPT", 5)
    monkeypatch.setattr(writing, "FORGET_STEP", 1)
    for day in range(DAY - 4, DAY + 1):
        store.add(dmarc(row(), row(address="192.0.2.11"), day=day))
    while store.writer.forget(UnixMs(0)):
        pass
    assert sorted(store.dmarc("day")) == ["2026-11-30", "2026-12-01"]


def test_the_newest_refusals_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MAX_REFUSALS", 2)
    for each in "abc":
        store.writer.refuse([Refused(name=each, why="it is empty")], NOW, "mail")
    assert [each.name for each in store.reader.refusals(10)] == ["c", "b"]


def test_what_a_provider_says_anew_of_a_day_counts_in_place_of_before(store: Store) -> None:
    for value in (0.1, 0.2):
        figure = Figure(
            provider="google", subject="example.com", day=DAY, name="spam_rate", value=value
        )
        store.writer.note([figure], NOW)
    (found,) = store.reader.figures(store.query(""))
    assert (found.value, found.day) == (0.2, "2026-12-01")
