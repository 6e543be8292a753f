"""Mirrors angarium/uploads/fetching.py, and what of angarium/webhooks/caller.py it uses (P1, P4)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from angarium.routing.dns import Answer, NoData
from angarium.uploads import UploadError, UploadStore
from angarium.uploads.fetching import fetch_upload
from angarium.webhooks.caller import Caller
from angarium.webhooks.guard import Guard
from tests.uploads.stores import LIMITS, store_in

CSV = b"email\n" + b"a@b.example\n" * 50
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class NoDns:
    async def ipv4(self, name: str) -> Answer[str]:
        return NoData(1.0)

    async def ipv6(self, name: str) -> Answer[str]:
        return NoData(1.0)


class Origin:
    """Serves one file, as a test has it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answering: Answering = self.plain
        self.base = ""

    async def plain(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=CSV)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        return await self.answering(request)

    async def __aenter__(self) -> "Origin":
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", self.handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as started:
        yield started


async def fetched(store: UploadStore, url: str, *allowed: str, within_s: float = 20) -> Path:
    caller = Caller(Guard(allowed), NoDns(), timeout_s=20)
    try:
        upload = await fetch_upload(caller, store, url, "shop", LIMITS, within_s=within_s)
    finally:
        await caller.close()
    assert upload.is_complete
    assert upload.size == upload.offset
    return store.data_path(upload)


async def refusal(store: UploadStore, url: str, *allowed: str, within_s: float = 20) -> str:
    with pytest.raises(UploadError) as refused:
        await fetched(store, url, *allowed, within_s=within_s)
    assert refused.value.field == "csvFileUrl"
    assert store.all_of("shop") == []
    return refused.value.reason


async def test_a_file_is_fetched_with_its_query_and_called_as_there(
    tmp_path: Path, origin: Origin
) -> None:
    store = store_in(tmp_path)
    url = f"{origin.base}/bucket/list%20one.csv?X-Amz-Signature=a%2Fb"
    assert (await fetched(store, url, "127.0.0.0/8")).read_bytes() == CSV
    assert origin.asked == ["/bucket/list%20one.csv?X-Amz-Signature=a%2Fb"]
    (upload,) = store.all_of("shop")
    assert upload.filename == "list one.csv"


async def test_one_that_does_not_say_its_length_has_the_length_that_came(
    tmp_path: Path, origin: Origin
) -> None:
    async def chunked(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(CSV[:100])
        await response.write(CSV[100:])
        await response.write_eof()
        return response

    origin.answering = chunked
    store = store_in(tmp_path)
    assert (await fetched(store, origin.base, "127.0.0.0/8")).read_bytes() == CSV
    (upload,) = store.all_of("shop")
    assert (upload.size, upload.filename) == (len(CSV), "fetched.csv")


async def test_an_inner_address_is_not_asked_p1_p4(tmp_path: Path, origin: Origin) -> None:
    store = store_in(tmp_path)
    assert "not public" in await refusal(store, origin.base)
    assert "must begin with https" in await refusal(store, "file:///etc/passwd")
    assert "must begin with https" in await refusal(store, "http://example.com/list.csv")
    assert "is no URL" in await refusal(store, "https://[::1/x")
    assert origin.asked == []


async def test_a_redirect_is_not_followed_p1(tmp_path: Path, origin: Origin) -> None:
    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/other")

    origin.answering = elsewhere
    said = await refusal(store_in(tmp_path), f"{origin.base}/a", "127.0.0.0/8")
    assert "is answered with 302" in said
    assert origin.asked == ["/a"]


async def broken(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(CSV))})
    await response.prepare(request)
    await response.write(CSV[:100])
    assert request.transport is not None
    request.transport.close()
    return response


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 400)


async def silent(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "9"})
    await response.prepare(request)
    await asyncio.sleep(60)
    return response


async def gone(_: web.Request) -> web.StreamResponse:
    return web.Response(status=403, text="<Code>AccessDenied</Code>")


async def zipped(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})


async def empty(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"")


async def large(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"x" * 1001)


@pytest.mark.parametrize(
    ("answering", "said"),
    [
        (broken, "csvFileUrl: "),
        (endless, "more than the 1000 octets"),
        (silent, "no answer within 0.5 s"),
        (gone, "is answered with 403: <Code>AccessDenied</Code>"),
        (zipped, "Content-Encoding"),
        (empty, "size: must be 1 octet or more"),
        (large, "a file may have 1000 octets"),
    ],
)
async def test_what_cannot_be_had_whole_is_refused_and_nothing_of_it_is_left(
    tmp_path: Path, origin: Origin, answering: Answering, said: str
) -> None:
    origin.answering = answering
    within_s = 0.5 if answering is silent else 20
    assert said in await refusal(store_in(tmp_path), origin.base, "127.0.0.0/8", within_s=within_s)
