"""Mirrors angarium/api/tracked/site.py, over loopback: TS1, TS2, TS3; P2, P3."""

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from angarium.access.networks import Networks
from angarium.api import HttpServer, Served, make_application
from angarium.api.tracked.answers import PIXEL
from angarium.api.tracked.hosts import NamedHosts
from angarium.api.tracked.site import TrackedSite
from angarium.queue import Fetched, MessageId, UnixMs
from angarium.tracking.networks import MachineNetworks, NetworkOwner
from angarium.tracking.tokens import TrackingKeys, tenant_tag
from tests.api.serving import Answer, Client

NOW = UnixMs(1_800_000_000_000)
KEYS = TrackingKeys({1: b"k" * 32}, days=30)
ID = MessageId(bytes(range(16)))
WHO = KEYS.who(ID, 3, "acme", NOW)
TARGET = "https://shop.example/a?b=c&d=ü#e"
LINK = KEYS.link(ID, "acme", 7, TARGET)
HOST = "t.example.com"
DAY_MS = 86_400_000


class Record:
    def __init__(self) -> None:
        self.fetched: list[Fetched] = []

    def note(self, fetched: Fetched) -> None:
        self.fetched.append(fetched)


class Tenants:
    def named(self, tag: bytes) -> str:
        return "acme" if tag == tenant_tag("acme") else ""


class Leaving:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    async def handle(
        self, request: web.BaseRequest, kind: str, leave_text: str, host: str
    ) -> web.StreamResponse:
        self.asked.append((request.method, leave_text, host))
        return web.Response(text="leaving")


class Health:
    def reasons(self) -> tuple[str, ...]:
        return ()

    def metrics(self) -> bytes:
        return b"angarium_up 1\n"


class Visitor:
    def __init__(self, client: Client, record: Record) -> None:
        self.client = client
        self.record = record

    async def get(self, path: str, method: str = "GET", host: str = HOST, **fields: str) -> Answer:
        headers = {"Host": host} | {name.replace("_", "-"): text for name, text in fields.items()}
        return await self.client.ask(method, path, headers=headers, allow_redirects=False)


@contextlib.asynccontextmanager
async def site(**changes: Any) -> AsyncIterator[Visitor]:
    record = Record()
    parts: dict[str, Any] = {
        "hosts": NamedHosts(
            {HOST: "", "links.acme.example": "acme", "links.other.example": "other"}
        ),
        "keys": KEYS,
        "tenants": Tenants(),
        "networks": MachineNetworks(((NetworkOwner(name="lab", kind="gateway"), "198.18.0.0/15"),)),
        "record": record,
        "clock": lambda: NOW,
    }
    health = Health()
    application = make_application(Served(health=health, metrics=health))
    server = HttpServer(application, connections=50, site=TrackedSite(**(parts | changes)))
    listening = socket.create_server(("127.0.0.1", 0))
    await server.start(listening)
    try:
        async with aiohttp.ClientSession() as session:
            base = f"http://127.0.0.1:{listening.getsockname()[1]}"
            yield Visitor(Client(base, session), record)
    finally:
        await server.close()


async def test_a_picture_is_one_pixel_that_nobody_keeps() -> None:
    async with site() as visitor:
        answer = await visitor.get(f"/o/{WHO}", User_Agent="Mozilla/5.0 Firefox/128.0")
    assert (answer.status, answer.body) == (200, PIXEL)
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.headers["Cache-Control"] == "no-store"
    (noted,) = visitor.record.fetched
    assert (noted.message_id, noted.index, noted.tenant) == (ID, 3, "acme")
    assert (noted.link_number, noted.link, noted.sent_s) == (-1, "", NOW // 1000)
    assert (noted.network, noted.agent) == ("127.0.0.0", "Firefox 128")


async def test_a_link_leads_where_its_author_had_it_lead() -> None:
    """TS1"""
    async with site() as visitor:
        answer = await visitor.get(f"/c/{WHO}/{LINK}")
        with_query = await visitor.get(f"/c/{WHO}/{LINK}?fbclid=1")
    assert answer.status == with_query.status == 302
    assert answer.headers["Location"] == "https://shop.example/a?b=c&d=%C3%BC#e"
    assert [each.link for each in visitor.record.fetched] == [TARGET, TARGET]
    assert visitor.record.fetched[0].link_number == 7


@pytest.mark.parametrize(
    "path", [f"/o/{WHO}", f"/c/{WHO}/{LINK}", f"/h/{WHO}", "/x", "/robots.txt"]
)
async def test_no_answer_sets_a_cookie_or_says_where_one_came_from(path: str) -> None:
    async with site() as visitor:
        answer = await visitor.get(path)
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"].startswith("noindex")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Server"] == "Angarium"


async def test_head_is_answered_as_get_and_noted_as_what_it_is() -> None:
    async with site() as visitor:
        picture = await visitor.get(f"/o/{WHO}", "HEAD")
        link = await visitor.get(f"/c/{WHO}/{LINK}", "HEAD")
    assert (picture.status, picture.body, picture.headers["Content-Length"]) == (200, b"", "42")
    assert link.status == 302
    assert [each.method for each in visitor.record.fetched] == ["HEAD", "HEAD"]
    assert all("head" in each.signs for each in visitor.record.fetched)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_nothing_but_reading_can_be_done(method: str) -> None:
    async with site() as visitor:
        answer = await visitor.get(f"/c/{WHO}/{LINK}", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert not visitor.record.fetched


def changed(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


@pytest.mark.parametrize(
    "path",
    [
        "/o/",
        "/o/short",
        f"/o/{changed(WHO, 30)}",
        f"/o/{WHO}x",
        f"/c/{WHO}",
        f"/c/{WHO}/",
        f"/c/{WHO}/{changed(LINK, 50)}",
        f"/c/{KEYS.who(MessageId(bytes(16)), 3, 'acme', NOW)}/{LINK}",
        f"/c/{WHO}/aHR0cHM6Ly9ldmlsLmV4YW1wbGUv",
        f"/c/{WHO}/https://evil.example/",
        f"/h/{changed(WHO, 12)}",
    ],
    ids=range(11),
)
async def test_a_token_that_is_not_ours_leads_nowhere(path: str) -> None:
    """TS1"""
    async with site() as visitor:
        answer = await visitor.get(path)
    assert answer.status == 404
    assert "Location" not in answer.headers
    assert b"not one that we have put into a mail" in answer.body
    assert not visitor.record.fetched


async def test_a_link_that_is_too_old_says_so() -> None:
    async with site(clock=lambda: UnixMs(NOW + 31 * DAY_MS)) as visitor:
        answer = await visitor.get(f"/c/{WHO}/{LINK}")
    assert answer.status == 410
    assert "Location" not in answer.headers
    assert b"too old" in answer.body


async def test_a_tenants_host_takes_its_own_mail_only() -> None:
    """TS3"""
    async with site() as visitor:
        own = await visitor.get(f"/c/{WHO}/{LINK}", host="links.acme.example")
        others = await visitor.get(f"/c/{WHO}/{LINK}", host="links.other.example")
        picture = await visitor.get(f"/o/{WHO}", host="links.other.example:8443")
    assert (own.status, others.status, picture.status) == (302, 404, 404)
    assert len(visitor.record.fetched) == 1


async def test_a_tracking_host_has_nothing_of_the_api() -> None:
    paths = ("/", "/v1/send", "/v1/docs", "/healthz", "/readyz", "/metrics", "/o", "//healthz")
    async with site() as visitor:
        for path in paths:
            assert (await visitor.get(path)).status == 404, path
        for path in ("/healthz", "/metrics"):
            assert (await visitor.get(path, host="api.example.com")).status == 200
            assert (await visitor.get(f"/o/{WHO}", host="api.example.com")).status == 404
    assert not visitor.record.fetched


async def test_no_robot_is_to_look_at_anything() -> None:
    async with site() as visitor:
        answer = await visitor.get("/robots.txt")
    assert answer.body == b"User-agent: *\nDisallow: /\n"


async def test_the_link_that_nobody_sees_is_noted() -> None:
    async with site() as visitor:
        answer = await visitor.get(f"/h/{WHO}")
    assert answer.status == 200
    assert [each.link_number for each in visitor.record.fetched] == [-2]


async def test_of_who_is_nobody_neither_network_nor_program_is_kept() -> None:
    """TS2"""
    who = KEYS.who(ID, None, "acme", NOW)
    async with site() as visitor:
        await visitor.get(f"/o/{who}", User_Agent="Mozilla/5.0 Firefox/128.0")
    (noted,) = visitor.record.fetched
    assert (noted.index, noted.agent) == (-1, "")
    assert noted.network.startswith("~")
    assert "127" not in noted.network


async def test_pages_to_leave_on_are_asked_whatever_the_method() -> None:
    leaving = Leaving()
    async with site(leaving=leaving) as visitor:
        assert (await visitor.get("/u/abc")).body == b"leaving"
        assert (await visitor.get("/p/abc", "POST", host="links.acme.example")).status == 200
        assert (await visitor.get("/u/")).status == 404
    assert leaving.asked == [("GET", "abc", HOST), ("POST", "abc", "links.acme.example")]


async def test_without_such_pages_there_is_nothing() -> None:
    async with site() as visitor:
        assert (await visitor.get("/u/abc")).status == 404
        assert (await visitor.get("/p/abc", "POST")).status == 404


async def test_only_a_proxy_of_ours_says_for_whom_it_asks() -> None:
    hops = "203.0.113.5, 198.18.3.4, 127.0.0.9"
    async with site() as visitor:
        await visitor.get(f"/o/{WHO}", X_Forwarded_For=hops)
    assert visitor.record.fetched[0].network == "127.0.0.0"
    async with site(proxies=Networks(("127.0.0.0/8",))) as visitor:
        await visitor.get(f"/o/{WHO}", X_Forwarded_For=hops)
        await visitor.get(f"/o/{WHO}")
        await visitor.get(f"/o/{WHO}", X_Forwarded_For="no address")
    first, second, third = visitor.record.fetched
    assert (first.network, first.signs[0]) == ("198.18.3.0", "gateway:lab")
    assert second.network == "127.0.0.0"
    assert third.network == ""


async def test_what_a_browser_shows_is_looked_at() -> None:
    async with site() as visitor:
        await visitor.get(f"/c/{WHO}/{LINK}", User_Agent="curl/8.5.0", Accept="*/*")
        await visitor.get(
            f"/c/{WHO}/{LINK}",
            User_Agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            Accept="text/html",
            Accept_Language="en",
            Sec_Fetch_Mode="navigate",
        )
    assert visitor.record.fetched[0].signs == ("program", "no_language", "no_accept")
    assert visitor.record.fetched[1].signs == ()
