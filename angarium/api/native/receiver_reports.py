"""/v1/receiver-reports: single reports of receivers, listed, shown, and brought."""

from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from angarium.api.dialect import Body, Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.receiver_wire import (
    BringAsked,
    BroughtAnswer,
    BroughtShown,
    ReportAnswer,
    ReportAsked,
    ReportsAnswer,
    ReportsAsked,
    ReportShown,
)
from angarium.api.native.receivers import ALL_TENANTS, ReceiverSight
from angarium.api.native.wire import cursor_of, in_path, invalid, read_query, read_text_cursor
from angarium.api.native.wire import time_text as time_of
from angarium.api.reading import read_octets
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.receiver_reports.asked import ReportLine, ReportsQuery
from angarium.receiver_reports.bringing import Bringing, Brought
from angarium.receiver_reports.model import domain_name
from angarium.receiver_reports.ownership import Sight
from angarium.receiver_reports.report_file import ReportsAwayError
from angarium.receiver_reports.writing import ReportWriter

_ANY: Final = "application/octet-stream"


class ReceiverReportResource:
    """After ``ReceiverTables``: a table's name is no report's number."""

    def __init__(self, premises: Premises, sight: ReceiverSight) -> None:
        self._premises = premises
        self._sight = sight

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path="/v1/receiver-reports",
                handler=self.list,
                summary="List DMARC and TLS reports about your domains, the newest first.",
                scope="stats:read",
                query=ReportsAsked,
                answers={200: ReportsAnswer},
            ),
            Route(
                method="POST",
                path="/v1/receiver-reports",
                handler=self.bring,
                summary="Bring a report about a domain of yours: it is read at once. One that came before counts once.",
                scope="domains:write",
                query=BringAsked,
                request=Body(
                    media_type=_ANY,
                    words="A DMARC report (XML), a TLS report (JSON), either in gzip or zip, or a mail with such.",
                ),
                answers={200: BroughtAnswer},
            ),
            Route(
                method="GET",
                path="/v1/receiver-reports/{report}",
                handler=self.show,
                summary="Show one report whole.",
                scope="stats:read",
                query=ReportAsked,
                answers={200: ReportAnswer},
            ),
        )

    async def list(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "stats", "read")
        asked = read_query(request, ReportsAsked)
        days = self._sight.days(asked.first, asked.to)
        sight, _ = self._sight.of(caller, asked.tenant, "read")
        last = read_text_cursor(asked.cursor)
        if last and not (last.isascii() and last.isdigit() and len(last) < 19):
            told = "cursor: it is of no page; leave it out, or take it from an answer"
            raise invalid("cursor", told)
        query = ReportsQuery(
            first=days.first,
            end=days.end,
            kind=asked.kind,
            seen=sight.narrowed(domain_name(asked.domain)),
            before=int(last) if last else None,
            limit=asked.limit + 1,
        )
        found = await self._sight.ask(lambda reader: reader.reports(query))
        page = found[: asked.limit]
        more = str(page[-1].id).encode() if len(found) > asked.limit else None
        return json_response(
            ReportsAnswer(reports=[_shown(each) for each in page], cursor=cursor_of(more))
        )

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "stats", "read")
        asked = read_query(request, ReportAsked)
        sight, _ = self._sight.of(caller, asked.tenant, "read")
        text = in_path(request, "report")
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
        line = await self._sight.ask(lambda reader: reader.find(number))
        if line is None or not sight.sees(line.domain):
            message = f"There is no report {text[:40]}"
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=message))
        is_dmarc, limit = line.kind == "dmarc", asked.limit
        head = await self._sight.ask(lambda reader: reader.head(number))
        details = await self._sight.ask(
            lambda reader: (
                reader.rows_of(number, limit) if is_dmarc else reader.policies_of(number, limit)
            )
        )
        return json_response(
            ReportAnswer(**msgspec.structs.asdict(_shown(line)), head=head, details=details)
        )

    async def bring(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "write")
        asked = read_query(request, BringAsked)
        needs_all = asked.kind != "reports"
        sight, tenant = self._sight.of(caller, asked.tenant, "write")
        if needs_all and tenant is not None:
            text = f"kind: {asked.kind} is of the whole server: say tenant={ALL_TENANTS}, with the scope tenants:write"
            raise invalid("kind", text, FaultKind.NO_SCOPE)
        if bool(asked.domain) != (asked.kind == "postmaster-tools"):
            raise invalid("domain", "domain: belongs to kind=postmaster-tools, which needs it")
        octets = await read_octets(request)
        now = self._premises.clock()
        try:
            brought = await self._sight.access.write(
                lambda writer: _bring(writer, asked, octets, sight, now)
            )
        except ReportsAwayError as error:
            raise self._sight.away(error) from None
        if all(each.status == "refused" for each in brought):
            raise invalid("body", f"body: {brought[0].why}")
        await self._premises.note(
            caller,
            "receiver_report.brought",
            brought[0].domain or asked.kind,
            reports=str(len(brought)),
        )
        shown = [BroughtShown(**msgspec.structs.asdict(each)) for each in brought]
        return json_response(BroughtAnswer(success=True, results=shown))


def _bring(
    writer: ReportWriter, asked: BringAsked, octets: bytes, sight: Sight, now: UnixMs
) -> Sequence[Brought]:
    bringing = Bringing(writer, "upload", now)
    name = asked.filename or "body"
    if asked.kind == "reports":
        return bringing.file(name, octets, sight)
    return [bringing.figures(name, octets, asked.kind, domain_name(asked.domain))]


def _shown(line: ReportLine) -> ReportShown:
    fields = msgspec.structs.asdict(line)
    return ReportShown(
        **fields
        | {
            "begin": time_of(UnixMs(line.begin * 1000)),
            "end": time_of(UnixMs(line.end * 1000)),
            "received": time_of(UnixMs(line.received)),
        }
    )
