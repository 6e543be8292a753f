"""GET /v1/stats: how much mail there was and what became of it, over time or by what it was."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
from aiohttp import web

from angarium.analytics import CountersAwayError, StatsPage, StatsQuery, StatsRow
from angarium.analytics.access import CounterAccess
from angarium.analytics.counters import SINGLES
from angarium.analytics.latency import latency_of
from angarium.analytics.wanted import Wanted, WantedError, read_wanted
from angarium.api.dialect import Body, Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.stats_wire import (
    LatencyShown,
    RatesShown,
    StatsAnswer,
    StatsAsked,
    StatsRowShown,
)
from angarium.api.native.wire import cursor_of, invalid, read_cursor, read_query, time_text
from angarium.insight.csv_text import csv_octets
from angarium.insight.stats_csv import keys_shown, row_rates, stats_cells, stats_columns
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.telemetry.log import log

_CSV: Final = "text/csv"
_RETRY_S: Final = 1


class StatsResource:
    def __init__(self, premises: Premises, counters: CounterAccess | None) -> None:
        """``counters``: None where nothing is counted."""
        self._premises = premises
        self._counters = counters
        self._is_away = False  # said once

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path="/v1/stats",
                handler=self.show,
                summary="Say how much mail there was and what became of it, by hour, day, stream, provider and more.",
                scope="stats:read",
                query=StatsAsked,
                answers={200: StatsAnswer},
                or_else=Body(media_type=_CSV, words="With format=csv."),
            ),
        )

    async def show(self, request: web.Request) -> web.StreamResponse:
        caller = self._premises.admit(request, "stats", "read")
        asked = read_query(request, StatsAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        try:
            query, span = read_wanted(_wanted(asked), self._premises.clock(), tenant, may_all=False)
        except WantedError as error:
            raise invalid(error.field, str(error)) from None
        after = (read_cursor(asked.cursor) or b"").decode(errors="replace")
        query = msgspec.structs.replace(query, after=after, limit=asked.limit)
        page = await self._answered(query)
        if asked.format == "csv":
            return await self._csv(request, query, page, rates=asked.rates)
        return json_response(
            StatsAnswer(
                by=asked.by,
                first=time_text(span.first_ms),
                to=time_text(span.end_ms),
                resolution=span.resolution,
                rows=[_shown(asked, query, each) for each in page.rows],
                cursor=cursor_of(None if page.after is None else page.after.encode()),
            )
        )

    async def _csv(
        self, request: web.Request, query: StatsQuery, page: StatsPage, *, rates: bool
    ) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": f"{_CSV}; charset=utf-8"})
        answer.headers["Content-Disposition"] = 'attachment; filename="stats.csv"'
        await answer.prepare(request)
        columns = stats_columns(query.by, rates=rates, latency=query.latency)
        await answer.write(csv_octets([columns]))
        async for rows in self._pages(query, page):
            lines = csv_octets([stats_cells(query, each, rates=rates) for each in rows])
            await answer.write(lines)
        await answer.write_eof()
        return answer

    async def _pages(self, query: StatsQuery, page: StatsPage) -> AsyncIterator[Sequence[StatsRow]]:
        yield page.rows
        while page.after is not None:
            page = await self._answered(msgspec.structs.replace(query, after=page.after))
            yield page.rows

    async def _answered(self, query: StatsQuery) -> StatsPage:
        """Raises FaultError: a cursor that is none, or BUSY."""
        if self._counters is None:
            text = "This server counts nothing ([analytics] counts)"
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=text))
        try:
            page = await self._counters.ask(query)
        except CountersAwayError as error:
            if not self._is_away:
                log("analytics_unreachable", "warning", reason=str(error))
            self._is_away = True
            text = "The counters cannot be read now; try again, or ask for less time"
            raise FaultError(
                Fault(kind=FaultKind.BUSY, message=text, retry_after_s=_RETRY_S)
            ) from None
        except ValueError:
            told = "cursor: it is of no page; leave it out, or take it from an answer"
            raise invalid("cursor", told) from None
        self._is_away = False
        return page


def _wanted(asked: StatsAsked) -> Wanted:
    return Wanted(
        by=asked.by,
        first=asked.first,
        to=asked.to,
        resolution=asked.resolution,
        only={name: getattr(asked, "class_" if name == "class" else name) for name in SINGLES},
        sort=_snake(asked.sort),
        latency=asked.latency,
    )


def _snake(name: str) -> str:
    """As counters are called on disk."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)


def _shown(asked: StatsAsked, query: StatsQuery, row: StatsRow) -> StatsRowShown:
    keys = keys_shown(query.by, row)
    return StatsRowShown(
        key=keys[0] if keys else str(row.key),
        keys=keys,
        **row.counts,
        rates=_rates(query, row) if asked.rates else None,
        latency=_latency(row),
    )


def _rates(query: StatsQuery, row: StatsRow) -> RatesShown | None:
    found = row_rates(query, row)
    if found is None:
        return None
    values = msgspec.structs.asdict(found).items()
    return RatesShown(**{f"{name}_rate": value for name, value in values})


def _latency(row: StatsRow) -> LatencyShown | None:
    found = latency_of(row.latency)
    return None if found is None else LatencyShown(**msgspec.structs.asdict(found))
