"""Mirrors angarium/service/admin_socket.py, with insight/admin/client.py at the other end of a real socket."""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from angarium.host.unix_socket import PeerUser, peer_of
from angarium.insight.admin import client as client_module
from angarium.insight.admin.client import AdminClient, ask_process, find_slots
from angarium.insight.admin.protocol import (
    MAX_QUESTION_OCTETS,
    Refused,
    asked_frame,
    frame_of,
)
from angarium.insight.admin.queue_acts import PerformAct, Progressed
from angarium.insight.admin.queue_reads import ContentEnds, ReadContent
from angarium.insight.admin.status import AskStatus, Status
from angarium.insight.admin.watch import WatchedLine, WatchedLines, WatchSessions
from angarium.queue import Affected, Filter, MessageId, UnixMs
from angarium.service import admin_socket
from angarium.service.admin_socket import AdminSocket, Asker, Handlers

SLOT = "platform-0"
STATUS = Status(slot=SLOT, pid=os.getpid(), version="1", since=UnixMs(1), reasons=(), watchers=0)
ACT = PerformAct(act="hold", wanted=Filter(domains=("example.net",)))
DEADLINE_S = 20


async def status(_: AskStatus, __: Asker) -> Status:
    return STATUS


@contextlib.asynccontextmanager
async def serving(
    data_dir: Path, *handlers: Handlers, find_peer: Callable[[socket.socket], PeerUser] = peer_of
) -> AsyncIterator[AdminSocket]:
    """A socket that answers status, and what the handlers answer."""
    (data_dir / "run").mkdir(exist_ok=True)
    served = AdminSocket(data_dir, SLOT, find_peer)
    await served.open()
    try:
        async with served.answering(Handlers().on(AskStatus, status), *handlers):
            yield served
    finally:
        await served.close()


async def ask(data_dir: Path, question: Any = None, on_item: Any = lambda _: None) -> Any:
    async with asyncio.timeout(DEADLINE_S):
        return await asyncio.to_thread(
            ask_process, data_dir, SLOT, question or AskStatus(), on_item
        )


def raw(data_dir: Path) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(DEADLINE_S)
    connected.connect(str(data_dir / "run" / "admin" / f"{SLOT}.sock"))
    return connected


def until_closed(connected: socket.socket) -> bytes:
    return b"".join(iter(lambda: connected.recv(65536), b""))


async def test_a_question_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path):
        assert await ask(tmp_path) == STATUS
        assert find_slots(tmp_path) == [SLOT]
        assert find_slots(tmp_path, "platform") == [SLOT]
        assert find_slots(tmp_path, "delivery") == []
    assert find_slots(tmp_path) == []


async def test_one_connection_takes_question_after_question(tmp_path: Path) -> None:
    async with serving(tmp_path):
        client = await asyncio.to_thread(AdminClient.connect, tmp_path, SLOT)
        assert isinstance(client, AdminClient)
        with client:
            for _ in range(3):
                assert await asyncio.to_thread(client.ask, AskStatus()) == STATUS


async def test_items_come_before_the_answer_in_their_order(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)

    async def read(_: ReadContent, asker: Asker) -> ContentEnds:
        for start in range(0, len(content), 1_000_000):
            await asker.say(content[start : start + 1_000_000])
        return ContentEnds(len(content))

    pieces: list[bytes] = []
    async with serving(tmp_path, Handlers().on(ReadContent, read)):
        answer = await ask(tmp_path, ReadContent(message_id=MessageId(b"")), pieces.append)
    assert answer == ContentEnds(len(content))
    assert b"".join(pieces) == content


async def test_who_acts_is_told_by_the_kernel(tmp_path: Path) -> None:
    names: list[str] = []

    async def perform(_: PerformAct, asker: Asker) -> Affected:
        names.append(asker.name)
        return Affected(count=0, named=(), in_flight=0, unchanged=0)

    uids = iter([os.geteuid(), 0, 4_000_000])
    async with serving(
        tmp_path,
        Handlers().on(PerformAct, perform),
        find_peer=lambda _: PeerUser(pid=1, uid=next(uids)),
    ):
        await ask(tmp_path, ACT)
        await ask(tmp_path, ACT)
    assert names[1] == "root"


async def test_other_users_are_refused_before_their_question_is_read(tmp_path: Path) -> None:
    """AS1."""
    async with serving(tmp_path, find_peer=lambda _: PeerUser(pid=1, uid=os.geteuid() + 4711)):
        refused = await ask(tmp_path)
        assert isinstance(refused, Refused)
        assert refused.reason == "forbidden"
        with raw(tmp_path) as connected:  # not a single octet is needed for it
            assert b"forbidden" in await asyncio.to_thread(until_closed, connected)


async def test_the_socket_is_for_its_user_only(tmp_path: Path) -> None:
    async with serving(tmp_path):
        folder = tmp_path / "run" / "admin"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / f"{SLOT}.sock").stat().st_mode & 0o777 == 0o600


async def test_a_directory_with_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 200)
    deep.mkdir()
    async with serving(deep):
        assert await ask(deep) == STATUS


async def test_links_are_not_followed(tmp_path: Path) -> None:
    """L1: the server's user can put a link where root's command looks, and where another process will bind."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with serving(elsewhere):
        linked = tmp_path / "linked"
        (linked / "run" / "admin").mkdir(parents=True)
        target = elsewhere / "run" / "admin" / f"{SLOT}.sock"
        (linked / "run" / "admin" / f"{SLOT}.sock").symlink_to(target)
        assert (await ask(linked)).reason == "forbidden"
        folder = tmp_path / "folder"
        (folder / "run").mkdir(parents=True)
        (folder / "run" / "admin").symlink_to(elsewhere / "run" / "admin")
        assert (await ask(folder)).reason == "forbidden"
        with pytest.raises(NotADirectoryError):
            await AdminSocket(folder, SLOT).open()
        assert await ask(elsewhere) == STATUS  # nothing of it was touched


async def test_what_is_no_socket_of_the_server_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "run" / "admin").mkdir(parents=True)
    (tmp_path / "run" / "admin" / f"{SLOT}.sock").write_text("a file")
    refused = await ask(tmp_path)
    assert refused.reason == "forbidden"
    assert "find out who made it" in refused.text


async def test_without_a_server_the_client_says_that_none_runs(tmp_path: Path) -> None:
    assert (await ask(tmp_path)).reason == "not_running"
    async with serving(tmp_path):
        pass
    with socket.socket(socket.AF_UNIX) as dead:  # a process that was killed leaves its socket
        dead.bind(str(tmp_path / "run" / "admin" / f"{SLOT}.sock"))
    assert (await ask(tmp_path)).reason == "not_running"
    async with serving(tmp_path):  # and its successor takes its place
        assert await ask(tmp_path) == STATUS


async def test_a_question_that_nobody_here_answers_is_refused_and_the_next_one_is_not(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path):
        client = await asyncio.to_thread(AdminClient.connect, tmp_path, SLOT)
        assert isinstance(client, AdminClient)
        with client:
            refused = await asyncio.to_thread(client.ask, ACT)
            assert isinstance(refused, Refused)
            assert refused.reason == "not_here"
            assert await asyncio.to_thread(client.ask, AskStatus()) == STATUS


async def test_a_handler_that_fails_is_an_answer_and_no_crash(tmp_path: Path) -> None:
    async def perform(_: PerformAct, __: Asker) -> Affected:
        raise KeyError("a defect")

    async with serving(tmp_path, Handlers().on(PerformAct, perform)):
        refused = await ask(tmp_path, ACT)
        assert refused.reason == "failed"
        assert "KeyError" in refused.text
        assert await ask(tmp_path) == STATUS


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff" * 100,
        (MAX_QUESTION_OCTETS + 1).to_bytes(4, "big"),
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x01\xc1",
        frame_of({"version": 1, "question": {"asks": "status", "uid": 0}}),
        frame_of({"version": 99, "question": None}),
    ],
    ids=["http", "ones", "oversize", "empty", "garbage", "more", "version"],
)
async def test_hostile_frames_are_refused_and_hurt_nobody(tmp_path: Path, octets: bytes) -> None:
    async with serving(tmp_path):
        with raw(tmp_path) as connected:
            connected.sendall(octets)
            answer = await asyncio.to_thread(until_closed, connected)  # it is hung up on
            assert b"failed" not in answer
        assert await ask(tmp_path) == STATUS


async def test_who_speaks_out_of_turn_is_hung_up_on(tmp_path: Path) -> None:
    began = asyncio.Event()

    async def perform(_: PerformAct, __: Asker) -> Affected:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(tmp_path, Handlers().on(PerformAct, perform)):
        with raw(tmp_path) as connected:
            connected.sendall(asked_frame(ACT))
            await began.wait()
            connected.sendall(asked_frame(ACT))
            with contextlib.suppress(ConnectionError):
                assert await asyncio.to_thread(until_closed, connected) == b""


async def test_half_a_question_is_waited_for_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AS3."""
    monkeypatch.setattr(admin_socket, "QUESTION_S", 0.1)
    async with serving(tmp_path):
        with raw(tmp_path) as connected:
            connected.sendall(asked_frame(AskStatus())[:-1])
            assert await asyncio.to_thread(until_closed, connected) == b""
        assert await ask(tmp_path) == STATUS


async def test_too_many_askers_are_told_to_come_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AS3."""
    monkeypatch.setattr(admin_socket, "MAX_CONNECTIONS", 2)
    async with serving(tmp_path):
        with raw(tmp_path), raw(tmp_path):
            refused = await ask(tmp_path)
            assert refused.reason == "busy"


async def test_work_that_takes_long_shows_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_socket, "ALIVE_S", 0.05)
    release = asyncio.Event()

    async def slow(_: AskStatus, __: Asker) -> Status:
        await release.wait()
        return STATUS

    async with serving(tmp_path, Handlers().on(AskStatus, slow)):
        asking = asyncio.create_task(
            asyncio.to_thread(ask_process, tmp_path, SLOT, AskStatus(), timeout_s=0.5)
        )
        await asyncio.sleep(1.0)  # twice as long as it would wait for a process that hangs
        release.set()
        assert await asking == STATUS


async def test_a_process_that_hangs_is_waited_for_only_so_long(tmp_path: Path) -> None:
    (tmp_path / "run" / "admin").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "run" / "admin" / f"{SLOT}.sock"))
        deaf.listen()
        answer = await asyncio.to_thread(ask_process, tmp_path, SLOT, AskStatus(), timeout_s=0.1)
    assert isinstance(answer, Refused)
    assert answer.reason == "unanswered"
    assert "see its log" in answer.text


async def test_who_hangs_up_takes_the_question_back(tmp_path: Path) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def perform(_: PerformAct, __: Asker) -> Affected:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    async with serving(tmp_path, Handlers().on(PerformAct, perform)):
        with raw(tmp_path) as connected:
            connected.sendall(asked_frame(ACT))
            await began.wait()
        async with asyncio.timeout(DEADLINE_S):
            await ended.wait()


async def test_a_server_that_stops_tells_who_waits(tmp_path: Path) -> None:
    began = asyncio.Event()

    async def perform(_: PerformAct, __: Asker) -> Affected:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(tmp_path, Handlers().on(PerformAct, perform)):
        asking = asyncio.create_task(ask(tmp_path, ACT))
        await began.wait()
    refused = await asking
    assert refused.reason == "stopping"
    assert "ask again" in refused.text


async def test_no_handler_runs_once_its_part_has_gone(tmp_path: Path) -> None:
    """AS2: what a handler uses may be closed then."""
    began = asyncio.Event()
    runs: list[str] = []

    async def perform(_: PerformAct, __: Asker) -> Affected:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            runs.append("ended")
        raise AssertionError

    async with serving(tmp_path) as served:
        async with served.answering(Handlers().on(PerformAct, perform)):
            asking = asyncio.create_task(ask(tmp_path, ACT))
            await began.wait()
        assert runs == ["ended"]
        assert (await asking).reason == "stopping"
        assert (await ask(tmp_path, ACT)).reason == "not_here"
        assert await ask(tmp_path) == STATUS


async def test_a_reader_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    line = WatchedLine(at=1, session="s", direction="<", text="x" * 1000)
    said = 0

    async def watch(_: WatchSessions, asker: Asker) -> None:
        nonlocal said
        while True:
            await asker.say(WatchedLines((line,) * 100))
            said += 1

    async with serving(tmp_path, Handlers().on(WatchSessions, watch)):
        with raw(tmp_path) as deaf:
            deaf.sendall(asked_frame(WatchSessions(domain="example.net")))
            before = -1
            while said != before:  # until the socket's buffers are full
                before = said
                await asyncio.sleep(0.05)
            assert said < 100  # AS3: and no more waits in ours
            assert await ask(tmp_path) == STATUS
    assert await ask(tmp_path)  # stopping did not wait for it either


async def test_progress_is_told_while_it_is_made(tmp_path: Path) -> None:
    heard = threading.Event()

    async def perform(_: PerformAct, asker: Asker) -> Affected:
        asker.hand(Progressed(500))
        async with asyncio.timeout(DEADLINE_S):
            while not heard.is_set():
                await asyncio.sleep(0.01)
        return Affected(count=500, named=(), in_flight=0, unchanged=0)

    async with serving(tmp_path, Handlers().on(PerformAct, perform)):
        answer = await ask(tmp_path, ACT, lambda item: item.done == 500 and heard.set())
    assert answer.count == 500


async def test_garbage_from_a_server_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "run" / "admin").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as strange:
        strange.bind(str(tmp_path / "run" / "admin" / f"{SLOT}.sock"))
        strange.listen()
        for octets in (b"\xff\xff\xff\xff", b"\0\0\0\x01\xc1", b"", b"\0\0\0\x09half"):
            asking = asyncio.create_task(ask(tmp_path))
            connected, _ = await asyncio.to_thread(strange.accept)
            with connected:
                connected.recv(1000)
                connected.sendall(octets)
            refused = await asking
            assert isinstance(refused, Refused)
            assert refused.reason in ("malformed", "unanswered")


def test_an_answer_is_waited_for_longer_than_a_sign_of_life_takes() -> None:
    assert client_module.ANSWER_S > 2 * admin_socket.ALIVE_S
