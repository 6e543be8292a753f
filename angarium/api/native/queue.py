"""/v1/queue: what is queued, what goes where, and why a message is where it is. For keys with the scope ``queue``."""

from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.operator import PLATFORM, Operator, slots_of
from angarium.api.native.premises import Premises
from angarium.api.native.queue_wire import (
    BREAKDOWN,
    ENTRY,
    EXPLANATION,
    NARROWING,
    PROVIDER,
    SUMMARY,
    BreakdownAsked,
    EntriesAsked,
    EntryList,
    ExplainAsked,
    TopAnswer,
)
from angarium.api.native.wire import (
    Asked,
    cursor_of,
    in_path,
    maybe_time,
    read_cursor,
    read_query,
    time_text,
)
from angarium.insight.admin.client import AdminClient
from angarium.insight.admin.explaining import explain_served
from angarium.insight.admin.gathering import gather_traffic
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.queue_reads import BreakDownQueue, ListEntries, SummarizeQueue
from angarium.insight.explanation import Explanation
from angarium.insight.holds import hold_narrowing
from angarium.insight.traffic_table import traffic_table
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue import delivery_id_text, parse_message_id


class QueueResource:
    def __init__(self, premises: Premises, operator: Operator) -> None:
        self._premises = premises
        self._operator = operator

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path="/v1/queue",
                handler=self.summary,
                summary="How much is in the queue.",
                scope="queue:read",
                query=Asked,
                answers={200: SUMMARY.type},
            ),
            Route(
                method="GET",
                path="/v1/queue/top",
                handler=self.top,
                summary="What goes where just now, by provider and source.",
                scope="queue:read",
                query=Asked,
                answers={200: TopAnswer},
            ),
            Route(
                method="GET",
                path="/v1/queue/breakdown",
                handler=self.breakdown,
                summary="What the matching recipients are made of: by domain, provider, sender, reply or age.",
                scope="queue:read",
                query=BreakdownAsked,
                answers={200: BREAKDOWN.type},
            ),
            Route(
                method="GET",
                path="/v1/queue/messages",
                handler=self.entries,
                summary="List queued recipients, by time of arrival.",
                scope="queue:read",
                query=EntriesAsked,
                answers={200: EntryList},
            ),
            Route(
                method="GET",
                path="/v1/queue/messages/{id}/explain",
                handler=self.explain,
                summary="What a message met at each gate, and what happens to it next.",
                scope="queue:read",
                query=ExplainAsked,
                answers={200: EXPLANATION.type},
            ),
        )

    async def summary(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "queue", "read")
        read_query(request, Asked)
        return json_response(SUMMARY.of(await self._operator.ask(SummarizeQueue())))

    async def top(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "queue", "read")
        read_query(request, Asked)
        gathered = await self._operator.work(
            lambda data_dir: gather_traffic(data_dir, slots_of(data_dir))
        )
        now, census = self._premises.clock(), gathered.census
        return json_response(
            TopAnswer(
                at=time_text(now),
                queue_counted_at=maybe_time(None if census is None else census.at),
                providers=[PROVIDER.of(each) for each in traffic_table(gathered, now)],
                holds=[NARROWING.of(hold_narrowing(each)) for each in gathered.holds],
                unheard=[each.text for each in gathered.unheard],
            )
        )

    async def breakdown(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "queue", "read")
        asked = read_query(request, BreakdownAsked)
        question = BreakDownQueue(wanted=asked.wanted(), by=asked.by, limit=asked.limit)
        return json_response(BREAKDOWN.of(await self._operator.ask(question, "filter")))

    async def entries(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "queue", "read")
        asked = read_query(request, EntriesAsked)
        after = read_cursor(asked.cursor)
        question = ListEntries(wanted=asked.wanted(), after=after, limit=asked.limit)
        page = await self._operator.ask(question, "filter")
        return json_response(
            EntryList(
                entries=[ENTRY.of(each) for each in page.entries],
                cursor=cursor_of(page.cursor),
                damaged=[delivery_id_text(each) for each in page.damaged],
            )
        )

    async def explain(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "queue", "read")
        only = read_query(request, ExplainAsked).recipient
        try:
            message_id = parse_message_id(in_path(request, "id"))
        except ValueError as error:
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=str(error))) from None

        def explain(data_dir: Path) -> Explanation | Refused:
            client = AdminClient.connect(data_dir, PLATFORM)
            if isinstance(client, Refused):
                return client
            with client:
                return explain_served(client, data_dir, message_id, only)

        return json_response(EXPLANATION.of(await self._operator.work(explain)))
