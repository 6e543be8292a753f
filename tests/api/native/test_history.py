"""Mirrors angarium/api/native/history.py, over a real history in SQLite."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from aiohttp import web

from angarium.api import Served
from angarium.api.native import history as native_history
from angarium.api.native.dialect import NativeDialect
from angarium.api.native.history import HistoryResource
from angarium.api.native.history_wire import StatusWord
from angarium.history.access import HistoryAccess
from angarium.history.database import HistoryDatabase
from angarium.history.reading import SqlReader
from angarium.history.status import WORDS
from angarium.history.story import HistoryAwayError
from angarium.intake.order import Caller
from angarium.queue import MessageId, Position, UnixMs
from angarium.queue.about import About
from angarium.queue.message_id import message_id_text
from angarium.telemetry.timestamp import rfc3339
from tests.api.serving import Answer, Client, serving
from tests.history.conftest import History
from tests.history.samples import QUEUE, Log


class Events:
    def __init__(self, log: Log) -> None:
        self._log = log

    def last(self) -> int:
        return self._log.last

    async def of(self, message_id: MessageId) -> Sequence[Position]:
        return self._log.of(message_id)


class Api:
    def __init__(self, folder: Path) -> None:
        self.log = Log()
        self.history = History(HistoryDatabase("sqlite:///history.db", folder), self.log)
        self.history.projection.begin(QUEUE, 0)
        self.access = HistoryAccess(
            lambda: SqlReader(self.history.database, self.log.clock),
            Events(self.log),
            lambda _: True,
            self.log.clock,
        )
        self.resource = HistoryResource(self.access, self.admit, self.pause)
        self.scopes: list[tuple[str, str]] = []
        self.tenant = "default"
        self.pauses = 0
        self.client: Client

    def admit(self, _: web.Request, resource: str, action: str) -> Caller:
        self.scopes.append((resource, action))
        return Caller(tenant=self.tenant, key_id="k", domains=(), address="", listener="")

    async def pause(self) -> None:
        self.pauses += 1
        if self.pauses == 3:
            self.log.accept()
            self.history.catch_up()

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.client.ask("GET", path, params=query)

    async def all_pages(self, path: str, name: str, **query: Any) -> list[Any]:
        found: list[Any] = []
        while True:
            answer = await self.get(path, **query)
            assert answer.status == 200, answer.body
            found += answer.json[name]
            if answer.json["cursor"] is None:
                return found
            query["cursor"] = answer.json["cursor"]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    api = Api(tmp_path)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(api.history.database.close)
        stack.callback(api.access.close)
        served = Served(dialects=(NativeDialect((api.resource,)),))
        api.client = await stack.enter_async_context(serving(served))
        yield api


def two_recipients(api: Api) -> str:
    about = About(
        subject="Hello",
        author="Shop <shop@example.com>",
        to=("A <a@example.net>",),
        bcc=("b@example.net",),
        metadata={"userId": "user-123"},
        recipients={"b@example.net": {"n": 2}},
    )
    message_id = api.log.accept(
        "a@example.net",
        "b@example.net",
        about=about,
        tags=("type:receipt",),
        message_id_header="<x@example.com>",
    )
    api.log.clock.now += 426
    api.log.happen("delivered", message_id, 0)
    api.log.happen("deferred", message_id, 1, due=UnixMs(api.log.clock.now + 60_001))
    api.history.catch_up()
    return message_id_text(message_id)


@pytest.mark.parametrize("path", ["/v1/status", "/status"])
async def test_status_has_the_form_of_the_contract(api: Api, path: str) -> None:
    email_id = two_recipients(api)
    now = api.log.clock.now
    answer = await api.get(f"{path}/{email_id}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    found = answer.json
    events = found.pop("events")
    assert found == {
        "emailId": email_id,
        "recipient": "a@example.net",
        "subject": "Hello",
        "status": "deferred",
        "messageId": "<x@example.com>",
        "createdAt": rfc3339(now - 428),
        "sendAt": None,
        "sentAt": rfc3339(now - 1),
        "lastUpdated": rfc3339(now),
        "metadata": {"userId": "user-123"},
        "recipients": [
            {
                "address": "a@example.net",
                "status": "delivered",
                "lastUpdated": rfc3339(now - 1),
                "attempts": 1,
                "smtpResponse": "250 as it went",
                "reportingMTA": "mx.example.net",
                "metadata": {},
            },
            {
                "address": "b@example.net",
                "status": "deferred",
                "lastUpdated": rfc3339(now),
                "attempts": 1,
                "smtpResponse": "250 as it went",
                "reportingMTA": "mx.example.net",
                "metadata": {"n": 2},
            },
        ],
    }
    assert [each["type"] for each in events] == ["accepted", "delivered", "deferred"]
    assert [each["recipient"] for each in events] == [None, "a@example.net", "b@example.net"]
    assert events[1]["timestamp"] == rfc3339(now - 1)
    assert events[1]["details"] == {
        "smtpResponse": "250 as it went",
        "enhancedStatus": "2.0.0",
        "reportingMTA": "mx.example.net",
        "address": "192.0.2.1",
        "processingTimeMillis": 427,
        "attempt": 1,
        "stage": "final_dot",
        "source": "ip1",
        "tls": "TLSv1.3",
    }
    assert events[2]["details"]["nextAttempt"] == rfc3339(now - 1 + 60_001)
    assert api.scopes == [("emails", "read")]


async def test_an_email_is_shown_as_its_sender_gave_it(api: Api) -> None:
    email_id = two_recipients(api)
    found = (await api.get(f"/v1/emails/{email_id}")).json
    assert [each["type"] for each in found.pop("events")] == ["accepted", "delivered", "deferred"]
    assert found["from"] == "Shop <shop@example.com>"
    assert (found["to"], found["cc"], found["bcc"]) == (
        ["A <a@example.net>"],
        [],
        ["b@example.net"],
    )
    assert found["tags"] == ["type:receipt"]
    listed = (await api.get("/v1/emails")).json["emails"]
    shown_less = {"lastUpdated": None, "attempts": 0, "smtpResponse": "", "reportingMTA": ""}
    recipients = [{**each, **shown_less} for each in found.pop("recipients")]
    assert listed == [{**found, "recipients": recipients}]


async def test_an_email_says_what_template_it_was_made_of(api: Api) -> None:
    about = About(template_id="t1", template_alias="welcome", template_version=3)
    made = api.log.accept(about=about)
    plain = api.log.accept()
    api.history.catch_up()
    found = await api.get(f"/v1/emails/{message_id_text(made)}")
    assert found.json["template"] == {"id": "t1", "alias": "welcome", "version": 3}
    found = await api.get(f"/v1/emails/{message_id_text(plain)}")
    assert found.json["template"] is None


async def test_of_what_came_by_smtp_the_envelope_is_shown(api: Api) -> None:
    message_id = api.log.accept("a@example.net", "b@example.net")
    api.history.catch_up()
    found = (await api.get(f"/v1/emails/{message_id_text(message_id)}")).json
    assert (found["from"], found["to"]) == ("alice@example.com", ["a@example.net", "b@example.net"])
    assert (found["subject"], found["status"], found["sentAt"]) == ("", "created", None)


async def test_emails_are_listed_by_their_qualities_and_read_on(api: Api) -> None:
    ids = []
    for number in range(5):
        message_id = api.log.accept(f"u{number}@example.net", campaign="c" if number % 2 else "")
        ids.append(message_id_text(message_id))
    api.log.happen("bounced", message_id)
    api.history.catch_up()
    listed = await api.all_pages("/v1/emails", "emails", limit=2)
    assert [each["emailId"] for each in listed] == ids[::-1]
    assert [e["emailId"] for e in await api.all_pages("/v1/emails", "emails", campaign="c")] == [
        ids[3],
        ids[1],
    ]
    one = {"recipient": "U2@example.net", "stream": "news", "status": "created", "tag": ""}
    assert [e["emailId"] for e in await api.all_pages("/v1/emails", "emails", **one)] == [ids[2]]
    times = {"since": listed[3]["createdAt"], "until": listed[1]["createdAt"]}
    found = await api.all_pages("/v1/emails", "emails", **times)
    assert [each["emailId"] for each in found] == [ids[2], ids[1]]


async def test_a_list_without_the_prefix_is_ours_by_the_header_of_its_key(api: Api) -> None:
    route = next(each for each in api.resource.routes() if each.path == "/emails")
    assert route.claims is not None
    two_recipients(api)
    answer = await api.client.ask("GET", "/emails", headers={"X-API-Key": "k"})
    assert len(answer.json["emails"]) == 1


async def test_events_of_an_email_are_read_on(api: Api) -> None:
    email_id = two_recipients(api)
    path = f"/v1/emails/{email_id}/events"
    events = await api.all_pages(path, "events", limit=1)
    assert [each["type"] for each in events] == ["accepted", "delivered", "deferred"]
    assert events == (await api.get(path)).json["events"]


async def test_attempts_say_what_hosts_said(api: Api) -> None:
    email_id = two_recipients(api)
    path = f"/v1/emails/{email_id}/attempts"
    attempts = await api.all_pages(path, "attempts", limit=1)
    assert [(e["recipient"], e["outcome"], e["attempt"]) for e in attempts] == [
        ("a@example.net", "delivered", 1),
        ("b@example.net", "deferred", 1),
    ]
    assert attempts[0] == {
        "timestamp": rfc3339(api.log.clock.now - 1),
        "recipient": "a@example.net",
        "attempt": 1,
        "outcome": "delivered",
        "smtpResponse": "250 as it went",
        "code": 250,
        "enhancedStatus": "2.0.0",
        "stage": "final_dot",
        "host": "mx.example.net",
        "address": "192.0.2.1",
        "source": "ip1",
        "provider": "",
        "tls": "TLSv1.3",
        "tlsCipher": "",
        "tlsVerified": False,
        "dkim": [],
        "nextAttempt": None,
    }


async def test_all_events_come_in_order_behind_a_cursor(api: Api) -> None:
    email_id = two_recipients(api)
    first = (await api.get("/v1/events", limit=2)).json
    assert first["more"] is True
    assert [(e["type"], e["recipients"], e["metadata"]) for e in first["events"]] == [
        ("accepted", ["a@example.net", "b@example.net"], {"userId": "user-123"}),
        ("delivered", ["a@example.net"], {"userId": "user-123"}),
    ]
    second = (await api.get("/v1/events", cursor=first["cursor"])).json
    assert [each["emailId"] for each in second["events"]] == [email_id]
    assert second["events"][0]["metadata"] == {"userId": "user-123", "n": 2}
    third = (await api.get("/v1/events", cursor=second["cursor"])).json
    assert third == {"events": [], "cursor": second["cursor"], "more": False}
    api.log.tell_tenant("domain_verified", "default", domain="shop.example")
    api.history.catch_up()
    fourth = (await api.get("/v1/events", cursor=third["cursor"])).json["events"]
    assert [(e["type"], e["emailId"], e["details"]) for e in fourth] == [
        ("domain.verified", None, {"domain": "shop.example"})
    ]
    assert set(api.scopes) == {("events", "read")}


async def test_who_waits_for_events_gets_them_once_they_are_there(api: Api) -> None:
    answer = await api.get("/v1/events", wait=30)
    assert [each["type"] for each in answer.json["events"]] == ["accepted"]
    assert api.pauses == 3


async def test_only_so_many_may_wait(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_history, "MAX_WAITING", 0)
    answer = await api.get("/v1/events", wait=1)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"
    assert (await api.get("/v1/events")).status == 200


async def test_what_is_another_tenants_is_unknown(api: Api) -> None:
    """P7"""
    email_id = two_recipients(api)
    api.tenant = "other"
    for path in (
        "/v1/status/{}",
        "/v1/emails/{}",
        "/v1/emails/{}/events",
        "/v1/emails/{}/attempts",
    ):
        answer = await api.get(path.format(email_id))
        assert answer.status == 404, path
        assert answer.json["error"] == "NOT_FOUND"
    assert (await api.get("/v1/emails")).json == {"emails": [], "cursor": None}
    assert (await api.get("/v1/events")).json["events"] == []


@pytest.mark.parametrize(
    "email_id",
    ["x", "0" * 36, "01890000-0000-7000-8000-000000000000", "%00", "a" * 5000, "..%2f", "%ff"],
)
async def test_what_is_no_emails_id_is_unknown(api: Api, email_id: str) -> None:
    for path in ("/v1/status", "/v1/emails"):
        assert (await api.client.ask("GET", f"{path}/{email_id}")).status == 404


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/v1/emails", {"status": "gone"}, "status"),
        ("/v1/emails", {"limit": "0"}, "limit"),
        ("/v1/emails", {"limit": "201"}, "limit"),
        ("/v1/emails", {"since": "yesterday"}, "since"),
        ("/v1/emails", {"until": "2026-01-01T00:00:00"}, "until"),
        ("/v1/emails", {"cursor": "x"}, "cursor"),
        ("/v1/emails", {"colour": "red"}, "colour"),
        ("/v1/emails", {"tag": "x" * 1001}, "tag"),
        ("/v1/events", {"cursor": "WyJtIiwxLDJd"}, "cursor"),
        ("/v1/events", {"wait": "31"}, "wait"),
        ("/v1/events", {"wait": "nan"}, "wait"),
        ("/v1/emails/01890000-0000-7000-8000-000000000000/events", {"cursor": "x"}, "cursor"),
    ],
)
async def test_a_wrong_parameter_is_named(
    api: Api, path: str, query: dict[str, str], field: str
) -> None:
    answer = await api.get(path, **query)
    assert answer.status == 400
    assert answer.json["details"]["field"] == field


@pytest.mark.parametrize(
    "query", [{"since": "0001-01-01T00:00:00Z"}, {"until": "9999-12-31T23:59:59Z"}, {"tag": "\0"}]
)
async def test_the_ends_of_time_and_odd_characters_are_conditions(
    api: Api, query: dict[str, str]
) -> None:
    two_recipients(api)
    assert (await api.get("/v1/emails", **query)).status == 200


async def test_a_history_that_is_away_is_told_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise HistoryAwayError("no such table")

    monkeypatch.setattr(SqlReader, "list", away)
    answer = await api.get("/v1/emails")
    assert (answer.status, answer.json["error"]) == (503, "SERVICE_UNAVAILABLE")
    assert "no such table" not in answer.body.decode()


async def test_where_no_history_is_kept_it_says_so(api: Api) -> None:
    resource = HistoryResource(None, api.admit)
    async with serving(Served(dialects=(NativeDialect((resource,)),))) as client:
        answer = await client.ask("GET", "/v1/emails")
    assert answer.status == 404
    assert "[history] of" in answer.json["message"]


def test_the_words_for_statuses_are_those_of_the_history() -> None:
    assert set(get_args(StatusWord)) == set(WORDS)


async def test_readers_are_listed_by_pages_with_times_and_links(api: Api) -> None:
    for number in range(3):
        message_id = api.log.accept(f"r{number}@example.net", campaign="spring")
        api.log.happen("delivered", message_id)
        api.log.happen("clicked", message_id, verdict="human", link="https://example.com/")
        clicked = api.log.clock.now
    api.history.catch_up()
    readers = await api.all_pages("/v1/readers", "readers", campaign="spring", limit=2)
    assert [each["recipient"] for each in readers] == [f"r{n}@example.net" for n in (2, 1, 0)]
    assert readers[0] == {
        "recipient": "r2@example.net",
        "emailId": message_id_text(message_id),
        "campaign": "spring",
        "opened": 0,
        "firstOpenedAt": None,
        "clicked": 1,
        "firstClickedAt": rfc3339(clicked),
        "links": ["https://example.com/"],
    }
    assert ("emails", "read") in api.scopes
    answer = await api.get("/v1/readers", cursor="bm9uZQ")
    assert answer.status == 400
