"""Takes what somebody brings: read, stored, and said of each thing what became of it. Blocks: in a thread."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Literal

import msgspec

from angarium.queue.model import UnixMs
from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.figures_csv import FiguresCsvError, read_figures_csv
from angarium.receiver_reports.model import DmarcReport, ReceivedReport, Refused
from angarium.receiver_reports.ownership import EVERYTHING, Sight
from angarium.receiver_reports.reading import read_file, read_mail
from angarium.receiver_reports.snds import SndsError, read_data, read_status
from angarium.receiver_reports.writing import ReportWriter, Via

Status = Literal["new", "again", "refused"]
CsvKind = Literal["snds", "snds-status", "postmaster-tools"]


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one thing."""

    name: str  # of the file, and of the one in it
    status: Status  # again: it was there already, and counts once
    why: str = ""  # it was refused
    kind: str = ""  # dmarc | tls, or the kind of figures
    id: int | None = None  # of the report
    organization: str = ""
    domain: str = ""
    rows: int = 0


class Bringing:
    """All methods raise ReportsAwayError."""

    def __init__(self, writer: ReportWriter, via: Via, now: UnixMs) -> None:
        self._writer = writer
        self._via: Via = via
        self._now = now

    def file(self, name: str, octets: bytes, sight: Sight = EVERYTHING) -> list[Brought]:
        """``sight``: whose domains it may be about."""
        return self._bring(name, read_file(name, octets), sight)

    def mail(self, octets: bytes) -> list[Brought]:
        return self._bring("", read_mail(octets), EVERYTHING)

    def figures(self, name: str, octets: bytes, kind: CsvKind, domain: str) -> Brought:
        """``domain``: of Postmaster Tools, whose files do not say it."""
        today = date.fromordinal(date(1970, 1, 1).toordinal() + self._now // 86_400_000)
        readers: dict[CsvKind, Callable[[], list[Figure]]] = {
            "snds": lambda: read_data(octets),
            "snds-status": lambda: read_status(octets, today),
            "postmaster-tools": lambda: read_figures_csv(octets, domain),
        }
        try:
            found = readers[kind]()
        except (SndsError, FiguresCsvError) as error:
            refused = Refused(name=name, why=str(error))
            self._writer.refuse([refused], self._now, self._via)
            return Brought(name=name, status="refused", why=refused.why, kind=kind)
        self._writer.note(found, self._now)
        return Brought(name=name, status="new", kind=kind, domain=domain, rows=len(found))

    def _bring(
        self, name: str, found: Iterator[ReceivedReport | Refused], sight: Sight
    ) -> list[Brought]:
        brought: list[Brought] = []
        refused: list[Refused] = []
        for each in found:
            if not isinstance(each, Refused):
                each = _held_to(sight, name, each)
            if isinstance(each, Refused):
                refused.append(each)
                brought.append(Brought(name=each.name or name, status="refused", why=each.why))
            else:
                brought.append(self._stored(name, each))
        if refused:
            self._writer.refuse(refused, self._now, self._via)
        return brought

    def _stored(self, name: str, report: ReceivedReport) -> Brought:
        stored = self._writer.add(report, self._now, self._via, name)
        is_dmarc = isinstance(report, DmarcReport)
        return Brought(
            name=name,
            status="new" if stored.is_new else "again",
            kind="dmarc" if is_dmarc else "tls",
            id=stored.id,
            organization=report.organization,
            domain=_domain(report),
            rows=len(report.rows) if isinstance(report, DmarcReport) else len(report.policies),
        )


def _held_to(sight: Sight, name: str, report: ReceivedReport) -> ReceivedReport | Refused:
    """Refuse what is about other people's domains."""
    domains = (
        [report.policy.domain]
        if isinstance(report, DmarcReport)
        else [each.domain for each in report.policies]
    )
    for each in domains:
        if not sight.sees(each):
            why = f"it is about {each or 'no domain'}, which is not verified here as yours"
            return Refused(name=name, why=why)
    return report


def _domain(report: ReceivedReport) -> str:
    if isinstance(report, DmarcReport):
        return report.policy.domain
    names = {each.domain for each in report.policies}
    return names.pop() if len(names) == 1 else ""
