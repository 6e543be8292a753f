"""/v1/receiver-reports: what mailbox providers say of our mail as a whole."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.receiver_wire import (
    CameBackAnswer,
    CameBackAsked,
    CameBackRowShown,
    CameBackTotal,
    DaysAsked,
    DmarcAnswer,
    DmarcAsked,
    DmarcRowShown,
    DmarcTotal,
    FiguresAnswer,
    FiguresAsked,
    FigureShown,
    InsightsAnswer,
    InsightsAsked,
    InsightShown,
    TlsAnswer,
    TlsAsked,
    TlsRowShown,
    TlsTotal,
)
from angarium.api.native.wire import invalid, read_query
from angarium.insight.receiver_sources import own_sources
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.receiver_reports.access import ReportAccess
from angarium.receiver_reports.asked import TablePage, TableQuery, TableRow
from angarium.receiver_reports.insight_facts import find_insights
from angarium.receiver_reports.model import domain_name
from angarium.receiver_reports.ownership import EVERYTHING, Sight, sight_of
from angarium.receiver_reports.report_file import ReportsAwayError
from angarium.receiver_reports.span import Days, SpanError, read_days
from angarium.receiver_reports.standing import standing_of
from angarium.receiver_reports.tables import ReportReader, day_text
from angarium.telemetry.log import log

T = TypeVar("T")
ALL_TENANTS: Final = "*"
_RETRY_S: Final = 1
_DAY_MS: Final = 86_400_000


class ReceiverSight:
    """Whose reports a caller may see, and how they are asked."""

    def __init__(self, premises: Premises, access: ReportAccess) -> None:
        self._premises = premises
        self.access = access
        self._is_away = False  # said once

    def of(self, caller: Caller, tenant: str, action: str) -> tuple[Sight, str | None]:
        """Return what may be seen, and of which tenant; None: of all. Raises FaultError."""
        if tenant == ALL_TENANTS:
            if not self._premises.may(caller, "tenants", action):
                text = f"tenant: for everybody's reports the key needs the scope tenants:{action}"
                raise invalid("tenant", text, FaultKind.NO_SCOPE)
            return EVERYTHING, None
        name = self._premises.tenant_of(caller, tenant, action)
        domains = self._premises.snapshots.current.domains
        verified = [(each.name, each.tenant) for each in domains if each.verified is not None]
        return sight_of(name, verified), name

    def today(self) -> int:
        return self._premises.clock() // _DAY_MS

    def days(self, first: str, to: str) -> Days:
        """Raises FaultError."""
        try:
            return read_days(first, to, self.today())
        except SpanError as error:
            raise invalid(error.field, str(error)) from None

    async def ask(self, question: Callable[[ReportReader], T]) -> T:
        """Raises FaultError BUSY."""
        try:
            found = await self.access.ask(question)
        except ReportsAwayError as error:
            raise self.away(error) from None
        self._is_away = False
        return found

    def away(self, error: ReportsAwayError) -> FaultError:
        if not self._is_away:
            log("receiver_reports_unreachable", "warning", reason=str(error))
        self._is_away = True
        text = "The reports cannot be used now; try again, or ask for fewer days"
        return FaultError(Fault(kind=FaultKind.BUSY, message=text, retry_after_s=_RETRY_S))


class ReceiverTables:
    def __init__(self, premises: Premises, sight: ReceiverSight) -> None:
        self._premises = premises
        self._sight = sight

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path="/v1/receiver-reports/dmarc",
                handler=self.dmarc,
                summary="Add DMARC reports up: mail in the name of your domains, by source, day, domain and more.",
                scope="stats:read",
                query=DmarcAsked,
                answers={200: DmarcAnswer},
            ),
            Route(
                method="GET",
                path="/v1/receiver-reports/tls",
                handler=self.tls,
                summary="Add TLS reports up: sessions to your domains' hosts, and what failed.",
                scope="stats:read",
                query=TlsAsked,
                answers={200: TlsAnswer},
            ),
            Route(
                method="GET",
                path="/v1/receiver-reports/feedback",
                handler=self.feedback,
                summary="Add up complaints and bounces that came back, by provider, class, source and more.",
                scope="stats:read",
                query=CameBackAsked,
                answers={200: CameBackAnswer},
            ),
            Route(
                method="GET",
                path="/v1/receiver-reports/figures",
                handler=self.figures,
                summary="List what Google, and for who runs the server Microsoft, say themselves, by day.",
                scope="stats:read",
                query=FiguresAsked,
                answers={200: FiguresAnswer},
            ),
            Route(
                method="GET",
                path="/v1/receiver-reports/insights",
                handler=self.insights,
                summary="Say what follows from the last days' reports, and what to do.",
                scope="stats:read",
                query=InsightsAsked,
                answers={200: InsightsAnswer},
            ),
        )

    async def dmarc(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "stats", "read")
        asked = read_query(request, DmarcAsked)
        query = self._query(caller, asked, asked.by, asked.domain, asked.limit)
        page = await self._sight.ask(lambda reader: reader.dmarc(query))
        rows = [_dmarc_row(each) for each in page.rows]
        if asked.by == "source":
            own = own_sources(self._premises.config())
            rows = [
                msgspec.structs.replace(
                    shown,
                    source=own.get(each.key),
                    standing=_standing(each, is_own=each.key in own),
                )
                for shown, each in zip(rows, page.rows, strict=True)
            ]
        return json_response(
            DmarcAnswer(
                by=asked.by,
                first=day_text(query.first),
                to=day_text(query.end - 1),
                rows=rows,
                total=DmarcTotal(**page.total),
                left_out=page.left_out,
            )
        )

    async def tls(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "stats", "read")
        asked = read_query(request, TlsAsked)
        query = self._query(caller, asked, asked.by, asked.domain, asked.limit)
        page = await self._sight.ask(lambda reader: reader.tls(query))
        return json_response(
            TlsAnswer(
                by=asked.by,
                first=day_text(query.first),
                to=day_text(query.end - 1),
                rows=[TlsRowShown(key=each.key, **each.counts) for each in page.rows],
                total=TlsTotal(**page.total),
                left_out=page.left_out,
            )
        )

    async def feedback(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "stats", "read")
        asked = read_query(request, CameBackAsked)
        query = self._query(caller, asked, asked.by, "", asked.limit)
        page: TablePage = await self._sight.ask(lambda reader: reader.came_back(query))
        return json_response(
            CameBackAnswer(
                by=asked.by,
                first=day_text(query.first),
                to=day_text(query.end - 1),
                rows=[CameBackRowShown(key=each.key, **each.counts) for each in page.rows],
                total=CameBackTotal(**page.total),
                left_out=page.left_out,
            )
        )

    async def figures(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "stats", "read")
        asked = read_query(request, FiguresAsked)
        query = self._query(caller, asked, "", asked.domain, asked.limit)
        found = await self._sight.ask(lambda reader: reader.figures(query, asked.provider))
        return json_response(
            FiguresAnswer(
                first=day_text(query.first),
                to=day_text(query.end - 1),
                figures=[FigureShown(**msgspec.structs.asdict(each)) for each in found],
            )
        )

    async def insights(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "stats", "read")
        asked = read_query(request, InsightsAsked)
        sight, _ = self._sight.of(caller, asked.tenant, "read")
        own, today = own_sources(self._premises.config()), self._sight.today()
        found = await self._sight.ask(lambda reader: find_insights(reader, today, sight, own))
        shown = [InsightShown(**msgspec.structs.asdict(each)) for each in found]
        return json_response(InsightsAnswer(insights=shown))

    def _query(
        self, caller: Caller, asked: DaysAsked, by: str, domain: str, limit: int
    ) -> TableQuery:
        """Raises FaultError."""
        days = self._sight.days(asked.first, asked.to)
        sight, tenant = self._sight.of(caller, asked.tenant, "read")
        return TableQuery(
            by=by,
            first=days.first,
            end=days.end,
            seen=sight.narrowed(domain_name(domain)),
            tenant=tenant,
            limit=limit,
        )


def _dmarc_row(row: TableRow) -> DmarcRowShown:
    counts: dict[str, Any] = dict(row.counts)
    return DmarcRowShown(key=row.key, **counts)


def _standing(row: TableRow, *, is_own: bool) -> str:
    counts = row.counts
    return standing_of(
        is_own=is_own,
        messages=counts["messages"],
        aligned=counts["aligned"],
        dkim_aligned=counts["dkim_aligned"],
        spf_aligned=counts["spf_aligned"],
    )
