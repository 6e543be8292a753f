"""Mirrors angarium/mta/transport/socks5.py and tunnel.py: octets by table, then a small proxy on real sockets."""

import asyncio
import contextlib
from pathlib import Path
from types import TracebackType

import pytest
import uvloop

from angarium.mta.transport.connection import SmtpConnection
from angarium.mta.transport.outcome import Transient
from angarium.mta.transport.socks5 import SocksError, SocksHandshake
from angarium.mta.transport.transfer import EgressPath, ProxyAccess, TlsPolicy
from tests.mta.transport.scripted_peer import Certificates, ScriptedPeer, Talk
from tests.mta.transport.test_connection import ALL, CLEAR, Client

# As test_connection has it
pytestmark = pytest.mark.filterwarnings("ignore:Overriding the .event_loop_policy. fixture")
REPLY_V4 = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x19"
REPLY_NAME = b"\x05\x00\x00\x03\x04host\x00\x19"
REPLY_V6 = b"\x05\x00\x00\x04" + bytes(16) + b"\x00\x19"
ASKED = b"\x05\x01\x00\x01\xc0\x00\x02\x09\x00\x19"


@pytest.mark.parametrize("cut", [1, 3, 1_000])
@pytest.mark.parametrize("reply", [REPLY_V4, REPLY_NAME, REPLY_V6])
def test_a_connection_with_a_log_in_however_the_octets_are_cut(reply: bytes, cut: int) -> None:
    handshake = SocksHandshake("192.0.2.9", 25, "joe", "pw")
    assert handshake.begin() == b"\x05\x02\x00\x02"
    sent = b""
    for part in (b"\x05\x02", b"\x01\x00", reply + b"220 mx"):
        for at in range(0, len(part), cut):
            sent += handshake.receive(part[at : at + cut])
    assert sent == b"\x01\x03joe\x02pw" + ASKED
    assert handshake.is_done()
    assert handshake.rest == b"220 mx"


def test_without_a_log_in_none_is_offered_and_an_ipv6_address_is_asked_for_as_one() -> None:
    handshake = SocksHandshake("2001:db8::1", 2525)
    assert handshake.begin() == b"\x05\x01\x00"
    address = bytes.fromhex("20010db8000000000000000000000001")
    assert handshake.receive(b"\x05\x00") == b"\x05\x01\x00\x04" + address + b"\x09\xdd"


@pytest.mark.parametrize(
    ("octets", "text", "is_hosts"),
    [
        (b"\x04\x00", "does not speak SOCKS5", False),
        (b"HTTP/1.1 400", "does not speak SOCKS5", False),
        (b"\x05\xff", "wants a log-in", False),
        (b"\x05\x02", "wants a log-in", False),
        (b"\x05\x00\x05\x01", "general failure", False),
        (b"\x05\x00\x05\x02", "not allowed", False),
        (b"\x05\x00\x05\x04", "host unreachable", True),
        (b"\x05\x00\x05\x05\x00\x01", "connection refused", True),
        (b"\x05\x00\x05\x63", "error 99", False),
        (b"\x05\x00\x05\x00\x00\x09\x00", "does not speak SOCKS5", False),
    ],
)
def test_what_a_proxy_refuses_is_told_apart(octets: bytes, text: str, is_hosts: bool) -> None:
    handshake = SocksHandshake("192.0.2.9", 25)
    handshake.begin()
    with pytest.raises(SocksError, match=text) as raised:
        handshake.receive(octets)
    assert raised.value.is_hosts == is_hosts


def test_a_wrong_password_is_said() -> None:
    handshake = SocksHandshake("192.0.2.9", 25, "joe", "pw")
    with pytest.raises(SocksError, match="user or the password"):
        handshake.receive(b"\x05\x02\x01\x01")


@pytest.fixture(
    params=[asyncio.DefaultEventLoopPolicy(), uvloop.EventLoopPolicy()], ids=["asyncio", "uvloop"]
)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    policy = request.param
    assert isinstance(policy, asyncio.AbstractEventLoopPolicy)
    return policy


class Proxy:
    """A SOCKS5 server for IPv4, which refuses with ``refusal`` if it has one."""

    def __init__(self, *, log_in: bytes = b"", refusal: int = 0) -> None:
        self.log_in = log_in
        self.refusal = refusal
        self.asked: list[tuple[str, int]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._talk(reader, writer)
        finally:
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        methods = await reader.readexactly((await reader.readexactly(2))[1])
        if self.log_in:
            assert b"\x02" in methods
            writer.write(b"\x05\x02")
            got = await reader.readexactly(len(self.log_in))
            writer.write(b"\x01\x00" if got == self.log_in else b"\x01\x01")
        else:
            writer.write(b"\x05\x00")
        asked = await reader.readexactly(10)
        host, port = ".".join(map(str, asked[4:8])), int.from_bytes(asked[8:], "big")
        self.asked.append((host, port))
        if self.refusal:
            writer.write(bytes((5, self.refusal, 0, 1)) + bytes(6))
            await writer.drain()
            return
        there, back = await asyncio.open_connection(host, port)
        writer.write(REPLY_V4)
        try:
            await asyncio.wait(
                [
                    asyncio.create_task(_pass_on(reader, back)),
                    asyncio.create_task(_pass_on(there, writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            back.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()


def through(port: int, **more: str) -> EgressPath:
    access = ProxyAccess(host="127.0.0.1", port=port, **more)
    return EgressPath(source="ip2", bind_address=None, ehlo="client.example", proxy=access)


async def test_a_session_is_opened_through_a_proxy_with_a_log_in(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("pw\n")
    async with (
        ScriptedPeer(lambda talk: talk.greet(*ALL)) as peer,
        Proxy(log_in=b"\x01\x03joe\x02pw") as proxy,
    ):
        path = through(proxy.port, user="joe", password_file=str(secret))
        connection = await Client(peer.port).open(CLEAR, path)
        assert isinstance(connection, SmtpConnection), connection
        assert proxy.asked == [("127.0.0.1", peer.port)]
        assert connection.address == "127.0.0.1"
        await connection.close()
        secret.write_text("wrong!")
        refused = await Client(peer.port).open(CLEAR, path)
    assert isinstance(refused, Transient)
    assert refused.source_failed


@pytest.mark.parametrize(("code", "is_ours"), [(2, True), (5, False)])
async def test_a_proxys_refusal_is_the_hosts_or_the_sources(code: int, is_ours: bool) -> None:
    async with Proxy(refusal=code) as proxy:
        result = await Client(25).open(CLEAR, through(proxy.port))
    assert isinstance(result, Transient)
    assert result.source_failed == is_ours
    assert f"the proxy 127.0.0.1:{proxy.port} of our source: " in result.attempt.text


async def test_a_proxy_that_is_not_there_or_has_no_password_is_the_sources_fault() -> None:
    async with Proxy() as proxy:
        pass
    for path in (through(proxy.port), through(proxy.port, user="joe", password_env="NOT_SET_1")):
        result = await Client(25).open(CLEAR, path)
        assert isinstance(result, Transient)
        assert result.source_failed


async def test_implicit_tls_goes_through_a_proxy(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path, "mx.example")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = Talk(reader, writer)
        await talk.greet(*ALL)
        assert await talk.hear() == b"QUIT"
        talk.say(b"221 bye\r\n")
        await talk.writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificates.server)
    async with server, Proxy() as proxy:
        client = Client(server.sockets[0].getsockname()[1], ca_file=certificates.ca_file)
        policy = TlsPolicy(mode="implicit", server_name="mx.example")
        connection = await client.open(policy, through(proxy.port))
        assert isinstance(connection, SmtpConnection), connection
        await connection.close()
