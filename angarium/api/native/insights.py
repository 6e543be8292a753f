"""GET /v1/insights: what is different in a tenant's mail, in words, each with the test that it is from."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta

from angarium.analytics import CountersAwayError
from angarium.analytics.access import CounterAccess
from angarium.analytics.counters import DAY_MS, day_number, day_text
from angarium.analytics.insights.words import Insight
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import Asked, Wire, read_query
from angarium.intake.order import Fault, FaultError, FaultKind

_RETRY_S: Final = 1


class InsightsAsked(Asked, frozen=True, kw_only=True):
    """Of which day."""

    # which day (UTC): 2026-07-01; omitted: today, until now
    day: date | None = None
    tenant: Annotated[str, Meta(max_length=64)] = ""  # omitted: the caller's own


class MailPlace(Wire, frozen=True, kw_only=True):
    """Which mail: of a stream, campaign, template, provider, source or sender domain."""

    by: str  # stream, campaign, template, provider, source, domain; total: all mail
    key: str
    part: float  # of what there is more, or less, of


class MailInsight(Wire, frozen=True, kw_only=True):
    """One thing to know."""

    # volume, bounce_rate, deferral_rate, complaint_rate, open_rate, click_rate, unsubscribe_rate
    measure: str
    bad: bool  # whether it is for the worse
    by: str  # what changed: total, or stream, campaign, template, provider, source, domain
    key: str  # which one of them; of the total: all
    where: Sequence[MailPlace]  # where most of it is
    before: float  # the share of before; of volume: recipients a day
    after: float
    excess: float  # so many recipients more than that would have been; negative: fewer
    since: str | None  # the hour in which it began; null: none stands out
    bounce_class: str | None  # the class of refusals that most of it is of
    what: str  # in words
    why: str  # what is likely; may be empty
    test: str  # how sure that is, and by which test


class MailInsights(Wire, frozen=True, kw_only=True):
    """What is different from the four weeks before, the worst first."""

    day: str
    insights: Sequence[MailInsight]


class InsightsResource:
    def __init__(self, premises: Premises, counters: CounterAccess | None) -> None:
        """``counters``: None where nothing is counted."""
        self._premises = premises
        self._counters = counters

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path="/v1/insights",
                handler=self.show,
                summary="Say what is different from usual in the tenant's mail, where, since when and likely why.",
                scope="stats:read",
                query=InsightsAsked,
                answers={200: MailInsights},
            ),
        )

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "stats", "read")
        asked = read_query(request, InsightsAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        now = self._premises.clock()
        day = now // DAY_MS if asked.day is None else day_number(asked.day)
        if self._counters is None:
            text = "This server counts nothing ([analytics] counts)"
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=text))
        try:
            found = await self._counters.insights(day, tenant, now)
        except CountersAwayError:
            text = "The counters cannot be read now; try again"
            raise FaultError(
                Fault(kind=FaultKind.BUSY, message=text, retry_after_s=_RETRY_S)
            ) from None
        return json_response(
            MailInsights(day=day_text(day), insights=[insight_shown(each) for each in found])
        )


def insight_shown(insight: Insight) -> MailInsight:
    return MailInsight(
        measure=insight.measure,
        bad=insight.is_bad,
        by=insight.place.by,
        key=insight.place.key,
        where=[
            MailPlace(by=each.place.by, key=each.place.key, part=round(each.part, 3))
            for each in insight.where
        ],
        before=insight.before,
        after=insight.after,
        excess=round(insight.excess, 1),
        since=insight.since or None,
        bounce_class=insight.cause.bounce_class if insight.cause is not None else None,
        what=insight.what,
        why=insight.why,
        test=insight.test,
    )
