"""Mirrors angarium/api/compat/postmark/stories.py and search.py, over real sockets."""

from typing import Any

import pytest

from angarium.api.compat.postmark.search import read_search
from angarium.api.compat.postmark.stories import STATUS
from angarium.history.status import Status
from angarium.history.story import Incident, Story
from angarium.intake.order import FaultError
from angarium.queue.about import About
from angarium.queue.event_log import Position
from angarium.queue.events import Delivered, Event
from angarium.queue.model import Attempt, MessageId, UnixMs
from tests.api.compat.stories import NOW, WrittenHistory, story
from tests.api.compat.vendors import KEY, Remembering, vendors

AS_USUAL = {"X-Postmark-Server-Token": KEY}
PATH = "/messages/outbound"


async def listed(history: WrittenHistory, query: str) -> dict[str, Any]:
    async with vendors(Remembering(), history) as client:
        found = await client.ask("GET", f"{PATH}?{query}", headers=AS_USUAL)
        assert found.status == 200, found.json
        return dict(found.json)


async def ids(history: WrittenHistory, query: str) -> list[str]:
    found = await listed(history, query)
    return [each["MessageID"] for each in found["Messages"]]


MESSAGE = {
    "Tag": "kind:welcome",
    "MessageID": "a",
    "MessageStream": "outbound",
    "To": [{"Email": "b@example.net", "Name": "B"}],
    "Cc": [{"Email": "c@example.net", "Name": None}],
    "Bcc": [{"Email": "d@example.net", "Name": None}],
    "Recipients": ["b@example.net"],
    "ReceivedAt": "2030-03-17T17:46:40.000Z",
    "From": "Shop <shop@example.com>",
    "Subject": "Subject a",
    "Attachments": [],
    "Status": "Sent",
    "TrackOpens": False,
    "TrackLinks": "None",
    "Metadata": {"user": "7"},
    "Sandboxed": False,
}


def incident(kind: str, event: Event) -> Incident:
    return Incident(
        position=Position(sequence=1, event=event),
        type=kind,
        email_id="a",
        tenant="acme",
        recipients=("b@example.net",),
        since_ms=5,
    )


def told() -> Story:
    head: dict[str, Any] = {
        "at": UnixMs(NOW + 5),
        "message_id": MessageId(b""),
        "tenant": "acme",
        "stream": "transactional",
        "index": 0,
        "recipient": "b@example.net",
        "reverse_path": "shop@example.com",
    }
    attempt = Attempt(
        at=NOW,
        host="mx.example.net",
        address="192.0.2.1",
        source="",
        code=250,
        enhanced="2.0.0",
        text="OK",
        tls="",
        stage="data",
    )
    delivered = Delivered(**head, attempts=1, attempt=attempt)
    return story("a", incidents=(incident("delivered", delivered),))


async def test_a_message_is_told_with_its_events() -> None:
    async with vendors(Remembering(), WrittenHistory(told())) as client:
        found = await client.ask("GET", f"{PATH}/a/details", headers=AS_USUAL)
        assert found.json == {
            **MESSAGE,
            "TextBody": None,
            "HtmlBody": None,
            "Body": "",
            "MessageEvents": [
                {
                    "Recipient": "b@example.net",
                    "Type": "Delivered",
                    "ReceivedAt": "2030-03-17T17:46:40.005Z",
                    "Details": {
                        "DeliveryMessage": "250 OK",
                        "DestinationServer": "mx.example.net",
                        "DestinationIP": "192.0.2.1",
                        "Summary": "250 OK",
                    },
                }
            ],
        }
        found = await client.ask("GET", f"{PATH}/a/dump", headers=AS_USUAL)
        assert (found.status, found.json["ErrorCode"]) == (422, 300)
        for path in ("details", "dump"):
            found = await client.ask("GET", f"{PATH}/b/{path}", headers=AS_USUAL)
            assert (found.status, found.json["ErrorCode"]) == (404, 701)


async def test_messages_are_counted_and_found_by_what_they_are() -> None:
    other = About(
        subject="Other", author="x@example.com", to=("b@example.net",), metadata={"user": "8"}
    )
    history = WrittenHistory(
        story("a"),
        story("b", since=1, status=Status.CREATED, tags=("rare",)),
        story("c", since=2, stream="broadcasts", about=other),
        story("d", since=3, tenant="else"),
    )
    assert await listed(history, "count=500&offset=0&tag=kind:welcome&subject=SUBJECT") == {
        "TotalCount": 1,
        "Messages": [MESSAGE],
    }
    assert await ids(history, "count=500&offset=0") == ["c", "b", "a"]
    for query, expected in (
        ("recipient=B@example.net", ["c", "b", "a"]),
        ("recipient=z@example.net", []),
        ("tag=rare", ["b"]),
        ("tag=", ["c", "b", "a"]),
        ("messagestream=broadcasts", ["c"]),
        ("messagestream=outbound", ["b", "a"]),
        ("status=queued", ["b"]),
        ("status=Sent", ["c", "a"]),
        ("status=processed", []),
        ("fromemail=X@example.com", ["c"]),
        ("subject=other", ["c"]),
        ("metadata_user=8", ["c"]),
        ("fromdate=2030-03-17", ["c", "b", "a"]),
        ("fromdate=2030-03-18", []),
        ("todate=2030-03-17", ["c", "b", "a"]),
        ("todate=2030-03-16", []),
        ("todate=2030-03-17T17:46:40", []),
        ("fromdate=2030-03-17T18:46:40%2B01:00", ["c", "b", "a"]),
    ):
        assert await ids(history, f"count=500&offset=0&{query}") == expected, query


async def test_pages_are_by_offset() -> None:
    history = WrittenHistory(*(story(str(at), since=at) for at in range(7)))
    found = await listed(history, "count=3&offset=0")
    assert [each["MessageID"] for each in found["Messages"]] == ["6", "5", "4"]
    assert found["TotalCount"] == 4  # there are more
    found = await listed(history, "count=3&offset=5")
    assert [each["MessageID"] for each in found["Messages"]] == ["1", "0"]
    assert found["TotalCount"] == 7
    found = await listed(history, "count=3&offset=9")
    assert found == {"TotalCount": 7, "Messages": []}


@pytest.mark.parametrize(
    "query",
    [
        *("", "count=1", "offset=1", "count=0&offset=0", "count=501&offset=0", "count=x&offset=0"),
        *("count=500&offset=9501", "count=1&offset=-1", "count=1&offset=0&zz=1"),
        *("count=1&offset=0&status=lost", "count=1&offset=0&fromdate=x"),
    ],
)
async def test_what_is_no_search_is_refused(query: str) -> None:
    async with vendors(Remembering(), WrittenHistory()) as client:
        found = await client.ask("GET", f"{PATH}?{query}", headers=AS_USUAL)
        assert (found.status, found.json["ErrorCode"]) == (422, 300)


def test_a_parameter_is_named() -> None:
    with pytest.raises(FaultError) as caught:
        read_search({"count": "1", "offset": "0", "zz": "1"})
    assert caught.value.fault.field == "zz"


async def test_a_history_that_is_away_is_503() -> None:
    history = WrittenHistory()
    history.is_away = True
    async with vendors(Remembering(), history) as client:
        for path in (f"{PATH}/a/details", f"{PATH}?count=1&offset=0"):
            found = await client.ask("GET", path, headers=AS_USUAL)
            assert (found.status, found.headers["Retry-After"]) == (503, "1")


def test_each_status_has_a_word_of_postmarks() -> None:
    assert set(STATUS) == set(Status)
    words = {"Sent", "Processed", "Queued", "Blocked", "Failed", "Scheduled"}
    assert set(STATUS.values()) <= words
