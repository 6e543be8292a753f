"""Mirrors angarium/intake/checking/scanners.py, clamd.py and rspamd.py, against stubs that do as they are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from angarium.config.schema import Check
from angarium.intake.checking.clamd import CHUNK_OCTETS, Clamd
from angarium.intake.checking.rspamd import Rspamd
from angarium.intake.checking.scanners import Scan, Scanners

MAIL = b"From: a@b.test\r\nSubject: s\r\n\r\nhello\r\n"


class ClamdStub:
    """Reads a stream as clamd does, and answers what it was told to."""

    def __init__(self, path: Path) -> None:
        self.place = f"unix:{path}"
        self._path = path
        self.answer = b"stream: OK\0"
        self.seen: list[bytes] = []
        self.chunks: list[int] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.waiting = 0
        self.most_waiting = 0
        self._server: asyncio.Server | None = None
        self._served: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.hold.set()
        await asyncio.gather(*self._served)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served.add(task)
        try:
            await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever asked has gone
        finally:
            writer.close()
            self._served.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        content = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            self.chunks.append(size)
            content += await reader.readexactly(size)
        self.seen.append(content)
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        await self.hold.wait()
        self.waiting -= 1
        writer.write(self.answer)


@pytest.fixture
async def clamd(tmp_path: Path) -> AsyncIterator[ClamdStub]:
    stub = ClamdStub(tmp_path / "c")
    await stub.start()
    yield stub
    await stub.stop()


class RspamdStub:
    def __init__(self) -> None:
        self.answer: Any = {
            "score": 0.5,
            "required_score": 15,
            "action": "no action",
            "symbols": {},
        }
        self.status = 200
        self.seen: list[tuple[bytes, dict[str, list[str]]]] = []
        application = web.Application()
        application.router.add_post("/checkv2", self._check)
        self.server = TestServer(application)

    async def _check(self, request: web.Request) -> web.Response:
        names = ("From", "Rcpt", "Pass")
        headers = {name: request.headers.getall(name, []) for name in names}
        self.seen.append((await request.read(), headers))
        text = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        return web.Response(status=self.status, text=text)


@pytest.fixture
async def rspamd() -> AsyncIterator[RspamdStub]:
    stub = RspamdStub()
    await stub.server.start_server()
    yield stub
    await stub.server.close()


async def scan(config: Check, content: bytes = MAIL) -> Scan:
    scanners = Scanners(config)
    try:
        return await scanners.scan(content, "a@b.test", ["c+d@e.test"])
    finally:
        await scanners.close()


def codes(found: Scan) -> list[tuple[str, str]]:
    return [(each.code, each.level) for each in found.findings]


async def test_what_clamd_finds_nothing_in_is_clean(clamd: ClamdStub) -> None:
    content = b"x" * (CHUNK_OCTETS + 3)
    found = await scan(Check(clamd=clamd.place), content)
    assert codes(found) == []
    assert clamd.seen == [content]
    assert clamd.chunks == [CHUNK_OCTETS, 3]
    assert found.opinion is None


async def test_malware_blocks(clamd: ClamdStub) -> None:
    clamd.answer = b"stream: Eicar-Test FOUND\0"
    found = await scan(Check(clamd=clamd.place))
    assert codes(found) == [("malware_found", "blocker")]
    assert found.findings[0].detail == "Eicar-Test"


@pytest.mark.parametrize(("failure", "level"), [("accept", "hint"), ("refuse", "blocker")])
async def test_who_cannot_ask_clamd_does_as_configured(
    tmp_path: Path, failure: Any, level: str
) -> None:
    found = await scan(Check(clamd=f"unix:{tmp_path}/none", clamd_failure=failure))
    assert codes(found) == [("malware_not_looked_for", level)]
    assert "No such file" in found.findings[0].detail


@pytest.mark.parametrize(
    "answer", [b"", b"INSTREAM size limit exceeded. ERROR\0", b"\xff\0", b"stream: x"]
)
async def test_what_is_no_answer_of_clamd_is_told(clamd: ClamdStub, answer: bytes) -> None:
    clamd.answer = answer
    assert codes(await scan(Check(clamd=clamd.place))) == [("malware_not_looked_for", "hint")]


async def test_clamd_is_not_waited_for_longer_than_configured(clamd: ClamdStub) -> None:
    """CK1."""
    clamd.hold.clear()
    scanned = await Clamd(clamd.place, timeout_s=0.05, octets=1000).scan(MAIL)
    assert scanned.trouble == "clamd has not answered within 0.05 s"
    clamd.hold.set()


async def test_what_is_larger_than_clamd_takes_is_not_sent_there(clamd: ClamdStub) -> None:
    scanned = await Clamd(clamd.place, timeout_s=5, octets=10).scan(MAIL)
    assert "more than check.clamd_octets" in scanned.trouble
    assert clamd.seen == []


async def test_no_more_are_scanned_at_once_than_configured_and_few_wait(clamd: ClamdStub) -> None:
    """CK3."""
    clamd.hold.clear()
    scanners = Scanners(Check(clamd=clamd.place, at_once=2))
    tasks = [asyncio.create_task(scanners.scan(MAIL, "", [])) for _ in range(20)]
    while clamd.waiting < 2:
        await asyncio.sleep(0.001)
    clamd.hold.set()
    found = [await each for each in tasks]
    assert clamd.most_waiting == 2
    assert len(clamd.seen) == 18  # two, and eight that wait for each
    told = [each.findings[0].detail for each in found if each.findings]
    assert told == ["too many messages wait to be scanned"] * 2
    await scanners.scan(MAIL, "", [])  # all is free again
    assert len(clamd.seen) == 19


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("no action", []),
        ("greylist", [("rspamd_suspects", "hint")]),
        ("add header", [("rspamd_suspects", "hint")]),
        ("rewrite subject", [("rspamd_suspects", "hint")]),
        ("soft reject", [("rspamd_suspects", "hint")]),
        ("reject", [("rspamd_rejects", "blocker")]),
        ("discard", [("rspamd_rejects", "blocker")]),
        ("an operator's own", []),
    ],
)
async def test_what_rspamd_would_do_is_told(
    rspamd: RspamdStub, action: str, expected: list[tuple[str, str]]
) -> None:
    rspamd.answer = {
        "score": 7.123456,
        "required_score": 15,
        "action": action,
        "symbols": {
            "GOOD": {"name": "GOOD", "score": -0.1},
            "BAD": {"name": "BAD", "score": 4.5, "description": "d", "options": ["o"]},
        },
        "messages": {},
        "new": 1,
    }
    url = str(rspamd.server.make_url("/"))
    found = await scan(Check(rspamd_url=url))
    assert codes(found) == expected
    opinion = found.opinion
    assert opinion is not None
    assert (opinion.score, opinion.required_score, opinion.action) == (7.12, 15, action)
    assert [(each.name, each.score) for each in opinion.symbols] == [("BAD", 4.5), ("GOOD", -0.1)]
    ((content, headers),) = rspamd.seen
    assert content == MAIL
    assert headers == {"From": ["a@b.test"], "Rcpt": ["c+d@e.test"], "Pass": ["all"]}


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, "no"),
        (200, "no JSON"),
        (200, "[]"),
        (200, '{"score": 1}'),
        (200, '{"score": "1", "action": 1}'),
        (200, "[" * 100_000),
        (200, '{"score": 1, "action": "no action"}' + " " * 2_000_000),
    ],
)
async def test_what_is_no_answer_of_rspamd_refuses_nothing(
    rspamd: RspamdStub, status: int, answer: str
) -> None:
    rspamd.status, rspamd.answer = status, answer
    found = await scan(Check(rspamd_url=str(rspamd.server.make_url(""))))
    assert codes(found) == [("rspamd_not_asked", "hint")]
    assert found.opinion is not None
    assert found.opinion.trouble


async def test_rspamd_is_not_waited_for_longer_than_configured() -> None:
    """CK2."""

    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            pass
        writer.close()
        ended.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    rspamd = Rspamd(f"http://127.0.0.1:{port}", timeout_s=0.05)
    opinion = await rspamd.ask(MAIL, "", ())
    assert opinion.trouble == "it has not answered within 0.05 s"
    await rspamd.close()
    await ended.wait()
    server.close()


async def test_header_fields_for_rspamd_cannot_be_injected(rspamd: RspamdStub) -> None:
    """C1: an envelope's address may have any character of Unicode."""
    asked = Rspamd(str(rspamd.server.make_url("")), timeout_s=5)
    opinion = await asked.ask(MAIL, "a\r\nX: y@b.test", ["\u00fc@b.test"])
    await asked.close()
    assert opinion.trouble == ""
    assert rspamd.seen[0][1]["From"] == ["a%0D%0AX%3A%20y@b.test"]


async def test_nobody_is_asked_whom_nobody_has_configured() -> None:
    scanners = Scanners(Check())
    assert not scanners.is_used
    assert await scanners.scan(MAIL, "", []) == Scan()


async def test_both_are_asked_and_either_alone(clamd: ClamdStub, rspamd: RspamdStub) -> None:
    clamd.answer = b"stream: M FOUND\0"
    rspamd.answer["action"] = "reject"
    scanners = Scanners(Check(clamd=clamd.place, rspamd_url=str(rspamd.server.make_url(""))))
    both = await scanners.scan(MAIL, "", [])
    assert [each.code for each in both.findings] == ["malware_found", "rspamd_rejects"]
    one = await scanners.scan(MAIL, "", [], by=("rspamd",))
    assert [each.code for each in one.findings] == ["rspamd_rejects"]
    assert len(clamd.seen) == 1
    await scanners.close()
