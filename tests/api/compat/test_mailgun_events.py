"""Mirrors angarium/api/compat/mailgun/events.py, event_search.py and callers.py, over real sockets."""

import contextlib
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import pytest

from angarium.api import Served
from angarium.api.access import Access
from angarium.api.compat.mailgun.callers import Callers
from angarium.api.compat.mailgun.dialect import Mailgun
from angarium.api.compat.mailgun.events import EventList
from angarium.api.rates import LocalRates
from angarium.history.introducing import introduction_of
from angarium.history.story import HistoryAwayError, Stretch, ToldEvent
from angarium.queue.about import About
from tests.api.compat.vendors import KEY, NOW, READS, Remembering, vendors_snapshot
from tests.api.serving import Answer, Client, serving
from tests.history.samples import Log

PATH = "/v3/example.com/events"


def basic(key: str = KEY) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"api:{key}".encode()).decode()}


class WrittenEvents:
    """An EventTeller over a log that is written in a test."""

    def __init__(self) -> None:
        self.log = Log()
        self.is_away = False
        self.asked: list[Stretch] = []

    async def told(self, tenant: str, wanted: Stretch, limit: int) -> Sequence[ToldEvent]:
        if self.is_away:
            raise HistoryAwayError("the disk is full")
        self.asked.append(wanted)
        found = [
            ToldEvent(
                position=each,
                introduction=introduction_of(self.log.of(each.event.message_id)[0].event),
            )
            for each in self.log.positions
            if each.event.tenant == tenant
            and (wanted.first is None or each.sequence >= wanted.first)
            and (wanted.last is None or each.sequence <= wanted.last)
        ]
        return (found[::-1] if wanted.newest_first else found)[:limit]


@pytest.fixture
def events() -> WrittenEvents:
    """Two messages of the domain, one of another domain, one of another tenant."""
    found = WrittenEvents()
    log = found.log
    about = About(subject="One", author="Shop <shop@example.com>", metadata={"user": "7"})
    first = log.accept("a@dest.example", "b@dest.example", tenant="acme", about=about, tags=("t",))
    log.accept(tenant="acme", about=About(author="x@elsewhere.example"))
    log.happen("deferred", first, 0)
    log.accept(tenant="other", about=about)
    second = log.accept("c@dest.example", tenant="acme", about=About(author="shop@example.com"))
    log.happen("delivered", first, 0, attempts=2)
    log.happen("bounced", first, 1)
    log.happen("delivered", second, 0)
    return found


@contextlib.asynccontextmanager
async def served(events: WrittenEvents | None) -> AsyncIterator[Client]:
    snapshot = vendors_snapshot()
    access = Access(lambda: snapshot, lambda: NOW, LocalRates(), 1000)
    callers = Callers(access)
    mailgun = Mailgun(callers, Remembering(), lambda: NOW, EventList(callers, events))
    async with serving(Served(dialects=(mailgun,))) as client:
        yield client


async def ask(client: Client, query: str = "", path: str = PATH, key: str = KEY) -> Answer:
    return await client.ask("GET", f"{path}?{query}", headers=basic(key))


def marks(answer: Answer) -> list[tuple[str, str]]:
    assert answer.status == 200, answer.json
    return [(each["event"], each["recipient"][0]) for each in answer.json["items"]]


OLDEST_FIRST = [
    ("accepted", "a"),
    ("accepted", "b"),
    ("failed", "a"),
    ("accepted", "c"),
    ("delivered", "a"),
    ("failed", "b"),
    ("delivered", "c"),
]


async def test_the_events_of_a_domain_are_listed_in_either_order(events: WrittenEvents) -> None:
    async with served(events) as client:
        assert marks(await ask(client)) == OLDEST_FIRST[::-1]
        answer = await ask(client, "ascending=yes&pretty=yes")
        assert marks(answer) == OLDEST_FIRST
    first = answer.json["items"][0]
    assert first["message"]["headers"]["subject"] == "One"
    assert first["user-variables"] == {"user": "7"}
    assert first["tags"] == ["t"]
    assert isinstance(first["timestamp"], float)
    assert [each.get("severity") for each in answer.json["items"]] == [
        *(None, None, "temporary", None, None, "permanent", None)
    ]


@pytest.mark.parametrize("order", ["yes", "no"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_lead_on_and_back(events: WrittenEvents, order: str, limit: int) -> None:
    whole = OLDEST_FIRST if order == "yes" else OLDEST_FIRST[::-1]
    async with served(events) as client:
        answer = await ask(client, f"ascending={order}&limit={limit}")
        found, back = marks(answer), []
        while items := marks(answer):
            assert len(items) <= limit
            answer = await follow(client, answer, "next")
            found += marks(answer)
        assert found == whole
        # Behind the last one, what happens later is next
        answer = await follow(client, answer, "previous")
        while items := marks(answer):
            back = items + back
            answer = await follow(client, answer, "previous")
        assert back == whole
        last = await follow(client, answer, "last")
        assert marks(last) == whole[-min(limit, len(whole)) :]
        assert marks(await follow(client, last, "first")) == whole[:limit]


async def follow(client: Client, answer: Answer, name: str) -> Answer:
    url = answer.json["paging"][name]
    assert url.startswith(f"{client.base}{PATH}/")
    return await ask(client, path=urlsplit(url).path)


async def test_what_happens_later_is_on_the_next_page(events: WrittenEvents) -> None:
    async with served(events) as client:
        answer = await ask(client, "ascending=yes")
        answer = await follow(client, answer, "next")
        assert marks(answer) == []
        later = events.log.accept(
            "z@dest.example", tenant="acme", about=About(author="shop@example.com")
        )
        events.log.happen("delivered", later, 0)
        answer = await follow(client, answer, "next")
        assert marks(answer) == [("accepted", "z"), ("delivered", "z")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("event=delivered", [("delivered", "c"), ("delivered", "a")]),
        (
            "event=delivered OR accepted&recipient=c@DEST.example",
            [OLDEST_FIRST[6], OLDEST_FIRST[3]],
        ),
        ("event=(rejected OR failed)", [("failed", "b"), ("failed", "a")]),
        ("event=NOT accepted&recipient=a@dest.example", [("delivered", "a"), ("failed", "a")]),
        ("severity=permanent", [("failed", "b")]),
        ("subject=One&event=delivered", [("delivered", "a")]),
        ("from=shop@example.com&event=delivered", [("delivered", "c"), ("delivered", "a")]),
        ("to=c@dest.example", [("delivered", "c"), ("accepted", "c")]),
        ("tags=t&event=delivered", [("delivered", "a")]),
        ("tags=other", []),
        ("event=", OLDEST_FIRST[::-1]),
    ],
)
async def test_events_are_filtered(
    events: WrittenEvents, query: str, found: list[tuple[str, str]]
) -> None:
    async with served(events) as client:
        assert marks(await ask(client, query)) == found


async def test_a_range_of_time_is_listed_from_its_begin(events: WrittenEvents) -> None:
    at = [each.event.at / 1000 for each in events.log.positions]
    async with served(events) as client:
        for query, found in (
            (f"begin={at[4]}", OLDEST_FIRST[3:]),
            (f"begin={at[2]}&end={at[4]}", OLDEST_FIRST[2:4]),
            (f"begin={at[4]}&end={at[2]}", OLDEST_FIRST[2:4][::-1]),
            (f"end={at[4]}", OLDEST_FIRST[:4][::-1]),
            (f"begin={at[4]}&ascending=no", OLDEST_FIRST[:4][::-1]),
            ("begin=Fri, 25 Oct 2030 23:10:10 -0000", []),
        ):
            assert marks(await ask(client, query)) == found, query
    assert events.asked[0].since == events.log.positions[4].event.at


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("limit=0", 400, "limit"),
        ("limit=x", 400, "limit"),
        ("ascending=maybe", 400, "ascending"),
        ("begin=yesterday", 400, "begin"),
        ("begin=-5", 400, "begin"),
        ("end=1e300", 400, "end"),
        ("size=3", 400, "size"),
        ("nonsense=1", 400, "nonsense"),
        ("page=nonsense", 400, "page"),
        ("subject=" + "x" * 2000, 400, "subject"),
    ],
)
async def test_what_is_no_parameter_is_refused(
    events: WrittenEvents, query: str, status: int, word: str
) -> None:
    async with served(events) as client:
        answer = await ask(client, query)
        assert answer.status == status
        assert word in answer.json["message"]


async def test_who_may_not_see_events_does_not(events: WrittenEvents) -> None:
    async with served(events) as client:
        assert (await ask(client, path="/v3/other.example/events")).status == 404
        assert (await ask(client, key=READS)).status == 403
        assert (await client.ask("GET", PATH)).status == 401
        events.is_away = True
        assert (await ask(client)).status == 503
        answer = await ask(client, path=f"{PATH}/e30")
        assert answer.status == 503  # a page of nothing that was asked for is the first one
    async with served(None) as client:
        assert (await ask(client)).status == 404
