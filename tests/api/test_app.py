"""Mirrors angarium/api/app.py, paths.py, reading.py, load.py and access.py, over real sockets."""

import asyncio
import gzip
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from aiohttp import web

from angarium.api import Served, make_application
from angarium.api.access import Access, bearer_token, presented_key
from angarium.api.dialect import Route
from angarium.api.load import Load
from angarium.api.native.answers import fault_response
from angarium.api.rates import LocalRates
from angarium.api.reading import ReadingLimits, read_base64, read_json, read_octets
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.tenancy.key_text import key_digest
from angarium.tenancy.model import Domain, Key, KeySecret, Tenant
from angarium.tenancy.plan import UNLIMITED, Plan
from angarium.tenancy.snapshot import Snapshot, SnapshotData
from tests.api.serving import Client, serving

NOW = UnixMs(1_700_000_000_000)


class Body(msgspec.Struct, forbid_unknown_fields=True):
    a: str = ""


class Toy:
    """A dialect that says its own name."""

    def __init__(self, name: str, *routes: Route) -> None:
        self._name = name
        self._routes = routes

    @property
    def name(self) -> str:
        return self._name

    def routes(self) -> Sequence[Route]:
        return self._routes

    def fault_response(self, request: web.Request, fault: Fault) -> web.Response:
        if self._name == "native":
            return fault_response(fault)
        found = {"of": self._name, "kind": fault.kind.value, "field": fault.field}
        return web.json_response(found, status=418)


def says(text: str) -> Any:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"said": text, **request.match_info})

    return handler


async def reads(request: web.Request) -> web.Response:
    return web.json_response({"a": (await read_json(request, Body)).a})


async def fails(request: web.Request) -> web.Response:
    raise ZeroDivisionError


def route(method: str, path: str, handler: Any, claims: Any = None) -> Route:
    return Route(method=method, path=path, handler=handler, claims=claims)


NATIVE = Toy(
    "native",
    route("GET", "/emails", says("native")),
    route("GET", "/v1/emails/{id}", says("one")),
    route("POST", "/v1/send", reads),
    route("POST", "/v1/fails", fails),
)
OTHER = Toy(
    "other",
    route("GET", "/emails", says("other"), lambda request: bool(bearer_token(request))),
    route("POST", "/v3/mail/send", reads),
)


async def test_a_path_of_two_dialects_goes_to_who_claims_it() -> None:
    async with serving(Served(dialects=(NATIVE, OTHER))) as client:
        assert (await client.ask("GET", "/emails")).json["said"] == "native"
        headers = {"Authorization": "Bearer x"}
        assert (await client.ask("GET", "/emails", headers=headers)).json["said"] == "other"


def test_a_path_that_nobody_claims_may_be_of_one_dialect_only() -> None:
    with pytest.raises(ValueError, match="claimed twice"):
        make_application(Served(dialects=(NATIVE, Toy("x", route("GET", "/emails", says("x"))))))


@pytest.mark.parametrize("path", ["//v1/emails/7?a=b", "/////v1/emails/7"])
async def test_slashes_before_a_path_are_one(path: str) -> None:
    async with serving(Served(dialects=(NATIVE, OTHER))) as client:
        found = await client.ask("GET", path)
        assert (found.status, found.json) == (200, {"said": "one", "id": "7"})
        found = await client.ask("DELETE", path)
        assert (found.status, found.json["error"]) == (405, "METHOD_NOT_ALLOWED")
        assert found.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize(
    ("method", "path", "status", "word"),
    [
        ("PUT", "/v1/send", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/nothing", 404, "NOT_FOUND"),
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("GET", "//nothing", 404, "NOT_FOUND"),
        ("GET", "//", 404, "NOT_FOUND"),
        ("POST", "/v1/fails", 500, "INTERNAL_ERROR"),
    ],
)
async def test_what_is_refused_is_answered_in_our_form(
    method: str, path: str, status: int, word: str
) -> None:
    async with serving(Served(dialects=(NATIVE, OTHER))) as client:
        found = await client.ask(method, path)
        assert (found.status, found.json["error"]) == (status, word)
        assert found.json["success"] is False
        assert found.headers["Content-Type"].startswith("application/json")
        assert found.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [("GET", "/v3/mail/send", "METHOD"), ("POST", "/v3/mail/other", "NOT_FOUND")],
)
async def test_of_anothers_path_in_its_form(method: str, path: str, kind: str) -> None:
    async with serving(Served(dialects=(NATIVE, OTHER))) as client:
        found = await client.ask(method, path)
        assert (found.status, found.json["of"], found.json["kind"]) == (418, "other", kind)


async def test_what_a_handler_refuses_is_answered_in_its_dialects_form() -> None:
    async with serving(Served(dialects=(NATIVE, OTHER))) as client:
        found = await client.ask("POST", "/v3/mail/send", json={"b": 1})
        assert (found.json["kind"], found.json["field"]) == ("UNKNOWN_FIELD", "b")


@pytest.mark.parametrize(
    ("data", "headers", "status", "field"),
    [
        (b'{"a": "x"}', {}, 200, ""),
        (b'{"a": "x"}', {"Content-Type": "application/json; charset=UTF-8"}, 200, ""),
        (b'{"a": "x"}', {"Content-Type": "application/vnd.x+json"}, 200, ""),
        (gzip.compress(b'{"a": "x"}', mtime=0), {"Content-Encoding": "gzip"}, 200, ""),
        (b'{"a": "x"}', {"Content-Encoding": "br"}, 415, "Content-Encoding"),
        (b'{"a": "x"}', {"Content-Type": "text/plain"}, 415, "Content-Type"),
        (b'{"a": "x"}', {"Content-Type": "application/json; charset=latin1"}, 400, "Content-Type"),
        (b'{"a": "\xe9"}', {}, 400, "body"),
        (b"", {}, 400, "body"),
        (b'"' + b"x" * 200 + b'"', {}, 413, "body"),
        (
            gzip.compress(b'"' + b"x" * 200 + b'"', mtime=0),
            {"Content-Encoding": "gzip"},
            413,
            "body",
        ),
    ],
)
async def test_a_body_is_read_within_its_limits(
    data: bytes, headers: dict[str, str], status: int, field: str
) -> None:
    served = Served(dialects=(NATIVE,), limits=ReadingLimits(body_octets=100))
    async with serving(served) as client:
        headers = {"Content-Type": "application/json", **headers}
        found = await client.ask("POST", "/v1/send", data=data, headers=headers)
        assert found.status == status
        if status != 200:
            assert found.json["details"]["field"] == field


async def chunks(octets: bytes) -> Any:
    for at in range(0, len(octets), 50):
        yield octets[at : at + 50]


async def test_a_body_of_no_known_length_is_bounded_too() -> None:
    served = Served(dialects=(NATIVE,), limits=ReadingLimits(body_octets=100))
    async with serving(served) as client:
        headers = {"Content-Type": "application/json"}
        found = await client.ask("POST", "/v1/send", data=chunks(b" " * 500), headers=headers)
        assert found.status == 413
        assert "100 octets (api.body_octets)" in found.json["message"]


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    served = Served(dialects=(NATIVE,), limits=ReadingLimits(body_s=0.01))
    async with serving(served) as client:
        host, _, port = client.base.removeprefix("http://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/send HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
        async with asyncio.timeout(20):
            assert b" 400 " in await reader.readline()
        writer.close()


@pytest.mark.parametrize(
    "body", [b"Content-Length: 50\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", b""]
)
async def test_a_client_that_breaks_off_is_no_fault_of_ours(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    load = Load(requests=10, octets=1000)
    async with serving(Served(dialects=(NATIVE,), load=load)) as client:
        host, _, port = client.base.removeprefix("http://").rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/send HTTP/1.1\r\nHost: x\r\n" + body)
        await writer.drain()
        async with asyncio.timeout(20):
            while body and not load.requests:
                await asyncio.sleep(0.01)
            writer.transport.abort()
            while load.requests:
                await asyncio.sleep(0.01)
        assert (await client.ask("GET", "/nothing")).status == 404
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_chunks_that_are_none_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Served(dialects=(NATIVE,))) as client:
        host, _, port = client.base.removeprefix("http://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = b"POST /v1/send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head)
        await asyncio.sleep(0)
        writer.write(b"1\r\n{\r\nzz\r\n")
        async with asyncio.timeout(20):
            assert b" 400 " in await reader.readline()
        writer.close()
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_beyond_what_can_be_held_clients_are_told_to_come_again() -> None:
    """LO1"""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def waits(request: web.Request) -> web.Response:
        await read_octets(request)
        entered.set()
        await leave.wait()
        return web.json_response({})

    toy = Toy("native", route("POST", "/wait", waits))
    load = Load(requests=2, octets=150)
    async with serving(Served(dialects=(toy,), load=load)) as client:
        first = asyncio.create_task(client.ask("POST", "/wait", data=b"x" * 100))
        await entered.wait()
        entered.clear()
        found = await client.ask("POST", "/wait", data=b"x" * 51)
        assert (found.status, found.headers["Retry-After"]) == (503, "1")
        second = asyncio.create_task(client.ask("POST", "/wait", data=b"x" * 50))
        await entered.wait()
        found = await client.ask("GET", "/nothing")
        assert (found.status, found.json["error"]) == (503, "SERVICE_UNAVAILABLE")
        leave.set()
        assert ((await first).status, (await second).status) == (200, 200)
        assert (load.requests, load.octets, load.refused) == (0, 0, 2)


def key(id_: str, **more: Any) -> tuple[str, Key]:
    text = f"ang_api_{id_}_secret"
    secret = KeySecret(version=1, digest=key_digest(text), created=NOW)
    values = {"kind": "api", "scopes": ("*",), "tenant": "acme", "rate": 1000, **more}
    return text, Key(id=id_, created=NOW, secrets=(secret,), **values)


class Platform:
    """Keys, and a handler that says who called."""

    def __init__(self, *keys: Key, tenant_rate: int = 1000, plan: Plan = UNLIMITED) -> None:
        tenants = tuple(
            Tenant(id=name, name=name, active=name != "idle", created=NOW, plan=plan)
            for name in {each.tenant for each in keys}
        )
        domain = Domain(
            id="1", tenant="acme", name="acme.test", token="t", created=NOW, verified=NOW
        )
        self.now = NOW
        snapshot = Snapshot(SnapshotData(tenants=tenants, keys=keys, domains=(domain,)))
        self.access = Access(lambda: snapshot, lambda: self.now, LocalRates(), tenant_rate)
        toy = Toy("native", route("POST", "/who", self._who))
        self.served = Served(dialects=(toy,), listener="here:1")

    async def _who(self, request: web.Request) -> web.Response:
        caller = self.access.caller(request, presented_key(request), "emails", "send")
        return web.json_response(msgspec.to_builtins(caller))


async def ask(client: Client, text: str) -> Any:
    return await client.ask("POST", "/who", headers={"X-API-Key": text})


async def test_a_key_says_who_asks() -> None:
    """HA1"""
    text, mine = key("k1")
    async with serving(Platform(mine).served) as client:
        found = await ask(client, text)
        who = found.json
        assert (who["tenant"], who["key_id"], who["domains"]) == ("acme", "k1", ["acme.test"])
        assert (who["address"], who["listener"]) == ("127.0.0.1", "here:1")
        assert who["request_id"] == found.headers["X-Request-Id"]
        bearer = await client.ask("POST", "/who", headers={"Authorization": f"bearer {text}"})
        assert bearer.json["key_id"] == "k1"


@pytest.mark.parametrize(
    ("more", "status", "word", "words"),
    [
        ({"kind": "smtp"}, 401, "UNAUTHORIZED", "not known"),
        ({"revoked": NOW}, 401, "UNAUTHORIZED", "has been revoked"),
        ({"expires": NOW}, 401, "UNAUTHORIZED", "has expired"),
        ({"tenant": "idle"}, 403, "FORBIDDEN", "is disabled"),
        ({"networks": ("192.0.2.0/24",)}, 403, "FORBIDDEN", "from 127.0.0.1"),
        ({"scopes": ("emails:read",)}, 403, "FORBIDDEN", "scope emails:send"),
    ],
)
async def test_a_key_that_may_not_says_why(
    more: dict[str, Any], status: int, word: str, words: str
) -> None:
    text, mine = key("k1", **more)
    async with serving(Platform(mine).served) as client:
        found = await ask(client, text)
        assert (found.status, found.json["error"]) == (status, word)
        assert words in found.json["message"]


@pytest.mark.parametrize("given", ["", "x", "ang_api_k1_other", "ang_api_k2_secret", "é" * 200])
async def test_a_wrong_key_says_nothing_of_the_right_one(given: str) -> None:
    """P6"""
    _, mine = key("k1", revoked=NOW)
    async with serving(Platform(mine).served) as client:
        found = await ask(client, given)
        assert (found.status, found.json["error"]) == (401, "UNAUTHORIZED")
        assert found.headers["WWW-Authenticate"].startswith("Bearer")
        assert ("X-API-Key" if not given else "not known") in found.json["message"]


async def test_a_keys_rate_is_shown_and_held() -> None:
    text, mine = key("k1", rate=2)
    platform = Platform(mine)
    async with serving(platform.served) as client:
        for left in ("1", "0"):
            found = await ask(client, text)
            assert found.status == 200
            assert found.headers["RateLimit-Limit"] == "2"
            assert found.headers["RateLimit-Remaining"] == left
        found = await ask(client, text)
        assert (found.status, found.json["error"]) == (429, "RATE_LIMIT_EXCEEDED")
        assert (found.headers["Retry-After"], found.json["retryAfter"]) == ("1", 1)
        assert found.headers["RateLimit-Reset"] == "1"
        platform.now = UnixMs(NOW + 500)
        assert (await ask(client, text)).status == 200


async def test_a_tenants_rate_is_over_all_of_its_keys() -> None:
    (one, first), (two, second) = key("k1"), key("k2")
    async with serving(Platform(first, second, tenant_rate=2).served) as client:
        assert [(await ask(client, each)).status for each in (one, two, one)] == [200, 200, 429]


async def test_a_tenants_plan_has_its_rate() -> None:
    text, mine = key("k1")
    async with serving(Platform(mine, tenant_rate=5, plan=Plan(rate=1)).served) as client:
        assert [(await ask(client, text)).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("text", "octets"),
    [("", b""), ("YWI=", b"ab"), ("YW\r\nI=\r\n", b"ab"), ("+/+/", b"\xfb\xff\xbf")],
)
def test_encoded_octets_are_read(text: str, octets: bytes) -> None:
    assert read_base64(text, "content") == octets


@pytest.mark.parametrize("text", ["YWI", "YWI==", "?", "YW=I", "_-_-", "é", "YWI=YWI="])
def test_octets_that_are_not_encoded_so_are_refused_by_field(text: str) -> None:
    with pytest.raises(FaultError) as raised:
        read_base64(text, "attachments[0].content")
    fault = raised.value.fault
    assert (fault.kind, fault.field) == (FaultKind.INVALID, "attachments[0].content")
