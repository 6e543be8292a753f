"""A file of reports, and who asks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.receiver_reports.asked import TablePage, TableQuery
from angarium.receiver_reports.model import ReceivedReport
from angarium.receiver_reports.ownership import EVERYTHING, Sight
from angarium.receiver_reports.report_file import ReportFile, ReportView
from angarium.receiver_reports.tables import ReportReader
from angarium.receiver_reports.writing import ReportWriter, Stored
from tests.receiver_reports.samples import DAY, NOW


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = ReportFile(folder)
        self.writer = ReportWriter(self.file)
        self.reader = ReportReader(ReportView(folder))

    def close(self) -> None:
        self.reader.close()
        self.file.close()

    def add(self, *reports: ReceivedReport) -> list[Stored]:
        return [self.writer.add(each, NOW, "mail") for each in reports]

    def query(self, by: str, *, sight: Sight = EVERYTHING, domain: str = "") -> TableQuery:
        seen = sight.narrowed(domain)
        return TableQuery(by=by, first=DAY - 100, end=DAY + 100, seen=seen)

    def dmarc(self, by: str, sight: Sight = EVERYTHING, domain: str = "") -> dict[str, int]:
        return messages_of(self.reader.dmarc(self.query(by, sight=sight, domain=domain)))

    def rows(self) -> int:
        with self.file.writing() as db:
            found = [
                db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("report", "dmarc", "tls", "tls_failure", "figure", "came_back")
            ]
        return sum(found)


def messages_of(page: TablePage) -> dict[str, int]:
    return {each.key: each.counts["messages"] for each in page.rows}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path)
    yield found
    found.close()
