"""GET /v1/stats: how much mail there was and what became of it, by the hour or by what it was."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from angarium.analytics import HOUR_MS, CountersAwayError, Dimension, StatsPage, StatsQuery
from angarium.analytics.access import CounterAccess
from angarium.analytics.asked import DIMENSIONS
from angarium.analytics.span import Span, SpanError, key_shown, read_span
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.stats_wire import StatsAnswer, StatsAsked, StatsRowShown
from angarium.api.native.wire import cursor_of, invalid, read_cursor, read_query, time_text
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.telemetry.log import log

_RETRY_S: Final = 1
_OVER_TIME: Final = ("total", "hour", "day")


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
            ),
        )

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "stats", "read")
        asked = read_query(request, StatsAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        span = _span(asked, self._premises.clock())
        page = await self._answered(
            StatsQuery(
                by=asked.by,
                first=span.first,
                end=span.end,
                tenant=tenant,
                only=_only(asked),
                after=(read_cursor(asked.cursor) or b"").decode(errors="replace"),
                limit=asked.limit,
            )
        )
        return json_response(
            StatsAnswer(
                by=asked.by,
                first=time_text(UnixMs(span.first * HOUR_MS)),
                to=time_text(UnixMs(span.end * HOUR_MS)),
                rows=[
                    StatsRowShown(key=key_shown(asked.by, each.key), **each.counts)
                    for each in page.rows
                ],
                cursor=cursor_of(None if page.after is None else page.after.encode()),
            )
        )

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


def _span(asked: StatsAsked, now: UnixMs) -> Span:
    try:
        return read_span(asked.first, asked.to, now)
    except SpanError as error:
        raise invalid(error.field, str(error)) from None


def _only(asked: StatsAsked) -> tuple[Dimension, str] | None:
    """Return what alone is asked about. Raises FaultError."""
    given = [
        (name, dimension, value)
        for name, dimension in DIMENSIONS.items()
        if (value := getattr(asked, name, ""))
    ]
    if not given:
        return None
    name, dimension, value = given[-1]
    if len(given) > 1:
        text = f"{name}: together with {given[0][0]}: counters are by one of them at a time"
        raise invalid(name, text)
    if asked.by not in _OVER_TIME:
        text = (
            f"{name}: counters of it are not by {asked.by} too: ask with by={', '.join(_OVER_TIME)}"
        )
        raise invalid(name, text)
    return dimension, value
