"""The pages behind a small application, on a spool of one's choice."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from angarium.api.leaving import LeavingPages
from angarium.config.titles import title_in
from angarium.queue import MessageId, UnixMs
from angarium.queue.lmdb.spool import LmdbSpool
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.suppression_changes import Suppress
from angarium.queue.suppressions import Suppression, parse_scope
from angarium.tenancy.topic import Topic
from angarium.tracking.tokens import Leaver, TrackingKeys
from tests.queue.samples import BY, START, FakeClock

KEYS = TrackingKeys({1: b"k" * 32})
HOST = "t.acme.example"
ADDRESS = ("Acme Travel", "1 Example Street", "12345 Exampletown")


def topic(name: str, **titles: str) -> Topic:
    return Topic(id=name, tenant="acme", name=name, titles=titles, created=START)


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        self.status = status
        self.headers = headers
        self.text = text


class Facts:
    """Satisfies TenantFacts."""

    def __init__(self) -> None:
        self.address: Sequence[str] = ADDRESS
        self.topics = {
            "offers": topic("offers", en="Offers", de="Angebote"),
            "trips": topic("trips", en="Trips & <tours>"),
        }
        self.streams = ["bulk"]
        self.stream_titles: dict[str, dict[str, str]] = {}
        self.owners = {HOST: "acme"}

    def find_owner(self, host: str) -> str | None:
        return self.owners.get(host)

    def address_of(self, tenant: str) -> Sequence[str]:
        return self.address if tenant == "acme" else ()

    def topics_of(self, tenant: str) -> Mapping[str, Topic]:
        return self.topics if tenant == "acme" else {}

    def streams_of(self, tenant: str) -> Sequence[str]:
        return self.streams

    def stream_title(self, stream: str, language: str) -> str:
        return title_in(self.stream_titles.get(stream, {}), language, stream)


def leaver(**changes: Any) -> Leaver:
    fields = {
        "message_id": MessageId(bytes(range(16))),
        "index": 2,
        "day": KEYS.last_day(UnixMs(START)),
        "tenant": "acme",
        "stream": "bulk",
        "address": "ann@example.net",
        "campaign": "spring",
        "sender_domain": "acme.example",
        "topic": "offers",
    }
    return Leaver(**(fields | changes))


class Site:
    """``async with``: gives a client of it."""

    def __init__(self, spool: MemorySpool | LmdbSpool, clock: FakeClock) -> None:
        self.spool = spool
        self.clock = clock
        self.facts = Facts()
        self.pages = LeavingPages(KEYS, self.facts, spool.suppressions, clock)
        self.token = KEYS.leave(leaver())
        self.host = HOST
        self.client: TestClient[web.Request, web.Application]

    async def __aenter__(self) -> "Site":
        app = web.Application()
        app.router.add_route("*", "/{kind:[up]}/{leave}", self._handle)
        self.client = TestClient(TestServer(app))
        await self.client.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        match = request.match_info
        return await self.pages.handle(request, match["kind"], match["leave"], self.host)  # type: ignore[arg-type]

    async def get(self, kind: str = "u", token: str = "", query: str = "", **more: Any) -> Answer:
        return await self._ask("GET", kind, token, query, **more)

    async def post(
        self, body: object, kind: str = "u", token: str = "", query: str = "", **more: Any
    ) -> Answer:
        return await self._ask("POST", kind, token, query, data=body, **more)

    async def _ask(self, method: str, kind: str, token: str, query: str, **more: Any) -> Answer:
        path = f"/{kind}/{token or self.token}{query}"
        async with self.client.request(method, path, allow_redirects=False, **more) as found:
            return Answer(found.status, found.headers, await found.text())

    def events(self, after: int = 0) -> list[Any]:
        return [each.event for each in self.spool.events.read(after, 100)]

    def scopes(self, address: str = "ann@example.net") -> set[str]:
        """Which of these are left."""
        asked = [("bulk", "offers"), ("bulk", "trips"), ("bulk", ""), ("other", "")]
        return {
            found.scope.text
            for stream, each in asked
            if (found := self.spool.suppressions.find(address, "acme", stream, each)) is not None
        }

    async def suppress(self, scope: str, reason: str = "unsubscribe") -> None:
        kept = Suppression(
            email="ann@example.net", scope=parse_scope(scope), reason=reason, added_at=START
        )
        await self.spool.suppressions.apply([Suppress(suppression=kept, by=BY)])
