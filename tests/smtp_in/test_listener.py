"""Mirrors angarium/smtp_in/listener.py, connection.py and reception.py: real sockets, real TLS, real clients."""

import asyncio
import base64
import contextlib
import datetime
import ipaddress
import shutil
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence, Set
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import argon2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from angarium.access.certificates import ServerTls
from angarium.access.credential_file import add_user, remove_user, set_password, set_rights
from angarium.access.credentials import Credentials, Refused, Throttled, Verified
from angarium.api.rates import LocalRates
from angarium.config.schema import Dkim, ListenerLimits
from angarium.config.schema import Listener as ListenerConfig
from angarium.intake.desk import Acceptance, AcceptanceDesk
from angarium.intake.key_rates import KeyRates
from angarium.intake.required_signatures import RequiredSignatures
from angarium.intake.submission import SubmissionBuilder
from angarium.intake.submission_desk import SubmissionDesk
from angarium.intake.tenant_limits import UNLIMITED
from angarium.queue.model import MessageId, PartitionNumber, Submission, UnixMs
from angarium.queue.spool import QueueFailedError, QueueFullError
from angarium.smtp.envelope import Recipient
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal
from angarium.smtp.tap import RedactingTap
from angarium.smtp_in import connection as connection_module
from angarium.smtp_in import listener as listener_module
from angarium.smtp_in.connection import InboundFacts
from angarium.smtp_in.listener import SWEEP_S, SmtpListener
from angarium.smtp_in.observer import ListenerObserver
from angarium.smtp_in.phase import PhaseName
from angarium.smtp_in.reception import Logins, Reception
from tests.swaks import needs_swaks_with_tls

DEADLINE_S = 10.0
ALL = ("127.0.0.0/8",)


class FakeSpool:
    """Accepts, fails, or waits, as it is told."""

    def __init__(self) -> None:
        self.accepted: list[Submission] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()

    def give_way(self) -> None: ...

    async def accept(self, batch: Sequence[Submission]) -> None:
        self.entered.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.accepted.extend(batch)


class FakeLogins:
    def __init__(self) -> None:
        self.cached: set[str] = set()

    def on_changed(self, callback: Callable[[Set[str]], None]) -> None: ...

    def refresh(self) -> None: ...

    def shown_name(self, user: str) -> str:
        return f"shown:{user}"

    def find_cached(self, user: str, password: str) -> Verified | None:
        return Verified(user=user, tenant="t1", senders=("*",)) if user in self.cached else None

    async def verify(self, user: str, password: str, client: str) -> Verified | Refused | Throttled:
        await asyncio.sleep(0)
        if user == "slow":
            await asyncio.Event().wait()
        if user == "broken":
            raise RuntimeError("no such thing")
        if user == "many":
            return Throttled("Too many failed logins; try again later")
        if (user, password) != ("ann", "secret"):
            return Refused()
        return Verified(user="ann", tenant="t1", senders=("@example.com",))


class Counts(ListenerObserver):
    def __init__(self) -> None:
        self.opened = self.closed = 0
        self.refusals: list[int] = []
        self.logins: list[str] = []
        self.users: list[str] = []
        self.errors: list[str] = []
        self.replies: list[bytes] = []
        self.handshakes: list[str] = []

    def replied(self, octets: bytes) -> None:
        self.replies.append(octets)

    def handshake(self, version: str) -> None:
        self.handshakes.append(version)

    def connection_opened(self, client: str) -> None:
        self.opened += 1

    def connection_closed(self, client: str) -> None:
        self.closed += 1

    def refused(self, client: str, refusal: Refusal) -> None:
        self.refusals.append(refusal.code)

    def login(self, client: str, user: str, result: str) -> None:
        self.logins.append(result)
        self.users.append(user)

    def internal_error(self, where: str, error: BaseException) -> None:
        self.errors.append(where)


class Server:
    def __init__(
        self, listener: SmtpListener, reception: Reception, port: int, spool: FakeSpool
    ) -> None:
        self.listener = listener
        self.reception = reception
        self.port = port
        self.spool = spool
        self.logins: Any = reception.logins
        self.counts: Any = reception.observer


@asynccontextmanager
async def serve(
    *,
    certificate: ServerTls | None = None,
    logins: Logins | None = None,
    desk: AcceptanceDesk | None = None,
    **config: Any,
) -> AsyncIterator[Server]:
    limits = config.pop("limits", {})
    settings = {"auth": "trusted", "trusted_networks": ALL} | config
    listener_config = ListenerConfig(
        kind="submission", address="127.0.0.1:0", limits=ListenerLimits(**limits), **settings
    )
    numbers = iter(range(1, 1_000_000))
    counts = Counts()
    spool = FakeSpool()
    builder = SubmissionBuilder(
        "mx.example.com",
        lambda: UnixMs(1_700_000_000_000),
        lambda: MessageId(next(numbers).to_bytes(16, "big")),
        lambda _domain: PartitionNumber(0),
        listener_config.limits,
        3600.0,
    )
    reception = Reception(
        listener_config,
        "mx.example.com",
        desk=desk
        or SubmissionDesk(
            builder,
            spool,
            counts,
            RequiredSignatures(Dkim()),
            KeyRates(LocalRates(), lambda _: None, lambda _: 1000, lambda: UnixMs(0)),
            UNLIMITED,
        ),  # type: ignore[arg-type]
        clock=lambda: UnixMs(1_700_000_000_000),
        logins=logins or FakeLogins(),
        tls=certificate,
        observer=counts,
    )
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    listener = SmtpListener(reception)
    await listener.start(bound)
    try:
        yield Server(listener, reception, bound.getsockname()[1], spool)
    finally:
        spool.gate.set()
        await listener.close(0.0)
        assert listener.connection_count == 0
        assert reception.budget.used == 0
        assert reception.clients.total == 0


class Client:
    """A raw client: sends octets, reads whole replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> bytes:
        """Return a reply's lines joined; b"" at the end of the connection."""
        async with asyncio.timeout(DEADLINE_S):
            lines = b""
            while line := await self.reader.readline():
                lines += line
                if line[3:4] != b"-":
                    break
            return lines

    async def say(self, octets: bytes) -> bytes:
        self.writer.write(octets)
        return await self.reply()

    async def begin(self) -> None:
        """Get as far as the first octets of the content."""
        for line in (b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<b@example.org>\r\n", b"DATA\r\n"):
            assert (await self.say(line))[:1] in b"23"
        self.writer.write(b"From: a@example.com\r\n\r\n")

    async def transaction(self, content: bytes = b"From: a@example.com\r\n\r\nx\r\n") -> bytes:
        for line in (b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<b@example.org>\r\n", b"DATA\r\n"):
            assert (await self.say(line))[:1] in b"23"
        return await self.say(content + b".\r\n")


@asynccontextmanager
async def connect(server: Server, greeting: bytes = b"EHLO c\r\n") -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    client = Client(reader, writer)
    try:
        if greeting:
            assert (await client.reply()).startswith(b"220 mx.example.com ESMTP")
            assert (await client.say(greeting)).startswith(b"250")
        yield client
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


def write_certificate(folder: Path) -> ServerTls:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Angarium test CA")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").touch(mode=0o600)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return ServerTls(folder / "cert.pem", folder / "key.pem")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ServerTls:
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def trust(tls: ServerTls) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls._certificate))


# Acceptance


async def test_ac1_a_message_is_acknowledged_once_the_queue_has_it() -> None:
    async with serve() as server, connect(server) as client:
        server.spool.gate.clear()
        answer = asyncio.create_task(client.transaction())
        await asyncio.wait_for(server.spool.entered.wait(), DEADLINE_S)
        assert not answer.done()
        server.spool.gate.set()
        assert (await answer) == (
            b"250 2.0.0 Ok: queued as 00000000-0000-0000-0000-000000000001\r\n"
        )
        (submission,) = server.spool.accepted
        assert submission.origin.client == "127.0.0.1"
        assert b"\r\nFrom: a@example.com\r\n" in submission.content


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (QueueFullError(), b"452 4.3.1 "),
        (QueueFailedError(), b"451 4.3.0 "),
        (RuntimeError("unforeseen"), b"451 4.3.0 "),
    ],
)
async def test_a_queue_that_fails_is_never_a_250(error: Exception, reply: bytes) -> None:
    async with serve() as server, connect(server) as client:
        server.spool.error = error
        assert (await client.transaction()).startswith(reply)  # AD1
        server.spool.error = None
        assert (await client.transaction()).startswith(b"250 2.0.0 Ok: queued as ")
        assert len(server.spool.accepted) == 1


async def test_ac1_rather_451_than_a_late_250() -> None:
    async with serve(limits={"accept_timeout_s": 0.1}) as server, connect(server) as client:
        server.spool.gate.clear()
        assert (await client.transaction()).startswith(b"451 4.3.0 ")  # AC1
        server.spool.gate.set()
        assert (await client.transaction()).startswith(b"250 ")
        assert len(server.spool.accepted) == 1  # the first was withdrawn


async def test_what_intake_refuses_is_refused_at_the_end_of_data() -> None:
    async with serve() as server, connect(server) as client:
        assert (await client.transaction(b"From: a@b\r\nFrom: c@d\r\n\r\n")).startswith(b"5")
        assert server.spool.accepted == []


async def test_commands_behind_the_final_dot_wait_for_the_acceptance() -> None:
    async with serve() as server, connect(server) as client:
        server.spool.gate.clear()
        client.writer.write(
            b"MAIL FROM:<>\r\nRCPT TO:<b@c.example>\r\nBDAT 19 LAST\r\nFrom: a@b.example\r\n"
            + b"NOOP\r\n" * 1000
        )
        assert [(await client.reply())[:3] for _ in range(2)] == [b"250", b"250"]
        await asyncio.wait_for(server.spool.entered.wait(), DEADLINE_S)
        server.spool.gate.set()
        assert (await client.reply()).startswith(b"250 2.0.0 Ok: queued")
        assert (await client.reply()) == b"250 2.0.0 Ok\r\n"


async def test_a_client_that_only_writes_and_half_closes_gets_its_replies() -> None:
    async with serve() as server, connect(server) as client:
        server.spool.gate.clear()
        client.writer.write(
            b"MAIL FROM:<>\r\nRCPT TO:<b@c.example>\r\nBDAT 19 LAST\r\nFrom: a@b.example\r\n"
        )
        client.writer.write_eof()
        await asyncio.wait_for(server.spool.entered.wait(), DEADLINE_S)
        server.spool.gate.set()
        assert [(await client.reply())[:3] for _ in range(4)] == [b"250", b"250", b"250", b""]


async def test_wi1_what_is_said_behind_the_end_goes_nowhere() -> None:
    async with serve() as server, connect(server) as client:
        assert (await client.say(b"QUIT\r\n")).startswith(b"221")
        client.writer.write(WIRE[8:])
        assert await client.reply() == b""
        client.writer.close()
        await until(lambda: server.listener.connection_count == 0)
        assert server.spool.accepted == []


WIRE = (
    b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@c.example>\r\n"
    b"BDAT 30\r\nFrom: a@example.com\r\nX: 1234\r\nBDAT 4 LAST\r\n\r\nab"
)


async def test_a_disconnect_at_any_byte_leaves_nothing() -> None:
    async with serve(limits={"connections": 10_000, "connections_per_client": 10_000}) as server:
        for cut in range(len(WIRE)):
            async with connect(server, b"EHLO c\r\n") as client:
                client.writer.write(WIRE[8:cut])
                if cut % 3:
                    client.writer.transport.abort()
        await until(lambda: server.listener.connection_count == 0)
        assert server.spool.accepted == []
        assert server.reception.budget.used == 0
        assert server.counts.opened == server.counts.closed == len(WIRE)


async def test_a_client_that_leaves_during_the_acceptance_leaves_nothing() -> None:
    async with serve() as server:
        server.spool.gate.clear()
        async with connect(server) as client:
            client.writer.write(WIRE[8:])
            await asyncio.wait_for(server.spool.entered.wait(), DEADLINE_S)
        server.spool.gate.set()
        await until(lambda: server.listener.connection_count == 0)
        assert len(server.spool.accepted) == 1


class ScriptedDesk:
    """Takes no recipient that begins with "no", and every message, for which it waits."""

    def __init__(self) -> None:
        self.received: list[ReceivedMessage] = []
        self.stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def may_receive(self, recipient: Recipient) -> Refusal | None:
        if recipient.forward_path.startswith("no"):
            return Refusal(550, "5.1.1", "There is no such address here")
        return None

    def accept(self, received: ReceivedMessage) -> Acceptance | Refusal:
        self.received.append(received)
        return Acceptance(MessageId(bytes(15) + b"\7"), self.stored, ListenerObserver())

    def give_way(self) -> None: ...


async def test_a_desk_refuses_single_recipients_and_the_others_get_the_message() -> None:
    desk = ScriptedDesk()
    async with serve(desk=desk) as server, connect(server) as client:
        client.writer.write(
            b"MAIL FROM:<>\r\nRCPT TO:<no1@a.example>\r\nRCPT TO:<b@c.example>\r\n"
            b"RCPT TO:<no2@a.example>\r\nRCPT TO:<d@e.example>\r\nDATA\r\n"
        )
        codes = [(await client.reply())[:9] for _ in range(6)]
        refused, taken = b"550 5.1.1", b"250 2.1.5"
        assert codes == [b"250 2.1.0", refused, taken, refused, taken, b"354 End d"]
        client.writer.write(b"Subject: x\r\n\r\n.\r\n")
        await until(lambda: bool(desk.received))
        desk.stored.set_result(None)
        assert (await client.reply()).endswith(b" 00000000-0000-0000-0000-000000000007\r\n")
        envelope = desk.received[0].envelope
        assert [each.forward_path for each in envelope.recipients] == ["b@c.example", "d@e.example"]
        assert server.counts.refusals == [550, 550]


async def test_a_message_none_of_whose_recipients_is_taken_is_not_received() -> None:
    desk = ScriptedDesk()
    async with serve(desk=desk) as server, connect(server) as client:
        client.writer.write(b"MAIL FROM:<>\r\nRCPT TO:<no1@a.example>\r\nDATA\r\nNOOP\r\n")
        codes = [(await client.reply())[:3] for _ in range(4)]
        assert codes[:3] == [b"250", b"550", b"554"]
        assert desk.received == []


# What it is doing


async def test_connections_tell_what_they_are_doing() -> None:
    config = {"auth": "required", "auth_without_tls": ALL, "proxy_peers": ("192.0.2.0/24",)}
    async with serve(**config) as server, connect(server) as busy, connect(server) as slow:
        assert (await busy.transaction()).startswith(b"250 ")
        server.spool.gate.clear()
        server.spool.entered.clear()
        busy.writer.write(WIRE[8:])
        slow.writer.write(_plain("slow", "x"))
        await asyncio.wait_for(server.spool.entered.wait(), DEADLINE_S)
        await until(lambda: [each.phase for each in server.listener.connections()][1] == "login")
        first, second = server.listener.connections()
        assert first == InboundFacts(
            id=1,
            client="127.0.0.1",
            user="",
            phase=PhaseName.ACCEPTANCE,
            since=UnixMs(1_700_000_000_000),
            messages=1,
            tls="",
        )
        assert (second.id, second.user, second.messages) == (2, "shown:slow", 0)


async def test_phases_before_and_after_the_dialogue_are_told_too(tls: ServerTls) -> None:
    def phases(server: Server) -> list[str]:
        return [each.phase for each in server.listener.connections()]

    async with serve(proxy_peers=ALL) as server, connect(server, b""):
        await until(lambda: phases(server) == ["proxy_header"])
    async with serve(tls="implicit", certificate=tls) as server, connect(server, b""):
        await until(lambda: phases(server) == ["handshake"])
    async with serve() as server, connect(server) as client:
        assert phases(server) == ["dialogue"]
        assert (await client.say(b"QUIT\r\n")).startswith(b"221")
        await until(lambda: phases(server) in (["closing"], []))


async def test_an_idle_connection_is_ended_by_its_id() -> None:
    async with serve() as server, connect(server) as first, connect(server) as second:
        assert not server.listener.end(3)
        assert server.listener.end(2)
        assert (await second.reply()) == b"421 4.3.2 Connection ended by the operator\r\n"
        assert await second.reply() == b""
        assert (await first.transaction()).startswith(b"250 ")
        await until(lambda: [each.id for each in server.listener.connections()] == [1])


async def test_a_connection_that_is_ended_in_a_transaction_drops_it() -> None:
    async with serve() as server, connect(server) as client:
        client.writer.write(WIRE[8:40])
        assert (await client.reply()).startswith(b"250 ")
        assert server.listener.end(1)
        assert (await client.reply()).startswith(b"421 4.3.2 ")
        assert await client.reply() == b""
        assert server.spool.accepted == []


async def test_a_message_under_way_gets_its_reply_before_the_connection_is_ended() -> None:
    async with serve() as server, connect(server) as client:
        server.spool.gate.clear()
        answer = asyncio.create_task(client.transaction())
        await asyncio.wait_for(server.spool.entered.wait(), DEADLINE_S)
        assert server.listener.end(1)
        server.spool.gate.set()
        assert (await answer).startswith(b"250 2.0.0 ")
        assert (await client.reply()).startswith(b"421 4.3.2 ")
        assert await client.reply() == b""


async def test_a_login_under_way_and_a_handshake_are_ended_at_once(tls: ServerTls) -> None:
    config = {"auth": "required", "auth_without_tls": ALL, "trusted_networks": ()}
    async with serve(**config) as server, connect(server) as client:
        client.writer.write(_plain("slow", "x"))
        await until(lambda: [each.phase for each in server.listener.connections()] == ["login"])
        assert [each.user for each in server.listener.connections()] == ["shown:slow"]
        assert server.listener.end(1)
        assert (await client.reply()).startswith(b"421 4.3.2 ")
    async with serve(tls="implicit", certificate=tls) as server, connect(server, b"") as client:
        await until(lambda: server.listener.connection_count == 1)
        assert server.listener.end(1)
        assert await client.reply() == b""


async def test_a_connection_that_is_cut_leaves_nothing_whatever_it_waits_for() -> None:
    config = {"auth": "required", "auth_without_tls": ALL}
    async with serve(**config) as server, connect(server) as busy, connect(server) as slow:
        server.spool.gate.clear()
        busy.writer.write(WIRE[8:])
        slow.writer.write(_plain("slow", "x"))
        await asyncio.wait_for(server.spool.entered.wait(), DEADLINE_S)
        await until(lambda: [each.phase for each in server.listener.connections()][1] == "login")
        await server.listener.close(0.0)
        assert server.listener.connection_count == 0
        server.spool.gate.set()
        await asyncio.sleep(0)
        assert server.spool.accepted == []


# Limits


async def test_connections_in_all_are_limited_s7() -> None:
    async with serve(limits={"connections": 1}) as server, connect(server):
        async with connect(server, b"") as second:
            assert (await second.reply()).startswith(b"421 4.3.2 ")
            assert await second.reply() == b""
        assert server.counts.refusals == [421]


async def test_connections_of_a_client_are_limited_s7() -> None:
    async with serve(limits={"connections_per_client": 1}) as server:
        async with connect(server), connect(server, b"") as second:
            assert (await second.reply()).startswith(b"421 4.7.0 ")
        await until(lambda: server.listener.connection_count == 0)
        async with connect(server):
            pass


async def test_an_idle_client_is_sent_away_s7() -> None:
    async with serve(limits={"command_timeout_s": 0.1}) as server, connect(server) as client:
        assert (await client.reply()).startswith(b"421 4.4.2 ")
        client.writer.write(b"EHLO c.example\r\nNOOP\r\n")  # WI1
        assert await client.reply() == b""


async def test_a_slow_loris_gains_no_time_by_trickling_s7() -> None:
    async with serve(limits={"command_timeout_s": 0.3}) as server, connect(server) as client:

        async def trickle() -> None:
            while True:
                client.writer.write(b"N")
                await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        assert (await client.reply()).startswith(b"421 4.4.2 ")
        trickling.cancel()


async def test_data_that_stalls_is_cut_and_the_whole_connection_is_bounded_s7() -> None:
    async with serve(limits={"data_timeout_s": 0.1}) as server, connect(server) as client:
        client.writer.write(b"MAIL FROM:<>\r\nRCPT TO:<b@c.example>\r\nDATA\r\n")
        assert [(await client.reply())[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        assert (await client.reply()).startswith(b"421 4.4.2 ")
    async with serve(limits={"total_timeout_s": 0.2}) as server, connect(server) as client:
        reply = b""
        while not reply.startswith(b"421"):
            reply = await client.say(b"NOOP\r\n")
            await asyncio.sleep(0.01)
        assert reply.startswith(b"421 4.4.2 ")


async def test_the_end_of_a_long_connection_waits_for_its_transaction_s7() -> None:
    limits = {"total_timeout_s": 1000.0, "data_timeout_s": 9000.0, "accept_timeout_s": 9000.0}
    async with serve(limits=limits) as server, connect(server) as client:
        (connection,) = server.listener._connections.values()
        begun = asyncio.get_running_loop().time()
        client.writer.write(b"MAIL FROM:<>\r\nRCPT TO:<b@c.example>\r\nDATA\r\n")
        assert [(await client.reply())[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        client.writer.write(b"From: a@b.example\r\n")
        connection.check_time(begun + 1001.0)
        connection.check_time(begun + 1002.0)
        # A busy client sends the next one at once: that is where it ends
        reply = await client.say(b"\r\nx\r\n.\r\nMAIL FROM:<>\r\n")
        assert reply.startswith(b"250 2.0.0 ")
        assert (await client.reply()).startswith(b"421 4.4.2 ")
        assert len(server.spool.accepted) == 1
    async with serve(limits=limits) as server, connect(server) as client:
        (connection,) = server.listener._connections.values()
        begun = asyncio.get_running_loop().time()
        client.writer.write(b"MAIL FROM:<>\r\nRCPT TO:<b@c.example>\r\nDATA\r\n")
        assert [(await client.reply())[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        client.writer.write(b"From: a@b.example\r\n")
        connection.check_time(begun + 1001.0)
        connection.check_time(begun + 2001.0)
        assert (await client.reply()).startswith(b"421 4.4.2 ")


async def test_an_idle_connection_ends_at_its_total_time_at_once() -> None:
    async with serve(limits={"total_timeout_s": 100.0}) as server, connect(server) as client:
        (connection,) = server.listener._connections.values()
        connection.check_time(asyncio.get_running_loop().time() + 101.0)
        assert (await client.reply()).startswith(b"421 4.4.2 ")


async def test_a_client_that_does_not_read_is_given_no_more_to_do() -> None:
    limits = {"commands_per_message": 10_000_000, "command_timeout_s": 0.5}
    async with serve(limits=limits) as server, connect(server) as client:
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        client.writer.write(b"HELP\r\n" * 400_000)
        # It is cut, not buffered for ever
        await until(lambda: server.listener.connection_count == 0)


async def test_early_talk_is_refused_s6() -> None:
    async with serve() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as early:
            early.sendall(b"EHLO early.example\r\n")  # before the loop has seen the connection
            early.settimeout(DEADLINE_S)
            reply = await asyncio.to_thread(early.recv, 1000)
        assert reply.startswith(b"554 5.5.0 ")


# Shutdown


async def test_closing_sends_idle_clients_away_and_lets_transactions_end() -> None:
    async with serve() as server, connect(server) as idle, connect(server) as busy:
        server.spool.gate.clear()
        client = asyncio.create_task(busy.transaction())
        await asyncio.wait_for(server.spool.entered.wait(), DEADLINE_S)
        closing = asyncio.create_task(server.listener.close(DEADLINE_S))
        assert (await idle.reply()).startswith(b"421 4.3.2 ")
        assert not closing.done()
        server.spool.gate.set()
        assert (await client).startswith(b"250 ")
        assert (await busy.reply()).startswith(b"421 4.3.2 ")
        busy.writer.close()
        idle.writer.close()
        await closing
        with pytest.raises(OSError, match=r".*"):
            await asyncio.open_connection("127.0.0.1", server.port)


async def test_closing_does_not_wait_for_who_says_nothing_in_the_midst_of_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listener_module, "QUIET_S", 0.5)
    async with serve() as server, connect(server) as silent, connect(server) as busy:
        for each in (silent, busy):
            await each.begin()
        closing = asyncio.create_task(server.listener.close(1000.0))
        while not silent.reader.at_eof():
            busy.writer.write(b"line\r\n")
            await busy.writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    line = await silent.reader.readline()
                    assert line in (b"421 4.3.2 Service shutting down\r\n", b"")
        assert not closing.done()
        busy.writer.write(b".\r\n")
        assert (await busy.reply()).startswith(b"250 ")
        assert (await busy.reply()).startswith(b"421 4.3.2 ")
        busy.writer.close()
        await closing


# TLS


def a_message() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "a@example.com"
    message["To"] = "b@example.org"
    message["Subject"] = "x"
    message.set_content(".\n..\nbody\n")
    return message


async def test_implicit_tls(tls: ServerTls, trust: ssl.SSLContext) -> None:
    async with serve(tls="implicit", certificate=tls) as server:
        await aiosmtplib.send(
            a_message(), hostname="127.0.0.1", port=server.port, use_tls=True, tls_context=trust
        )
        (submission,) = server.spool.accepted
        assert b"ESMTPS" in submission.content
        assert submission.content.endswith(b"\r\n\r\n.\r\n..\r\nbody\r\n")
        assert server.counts.handshakes == ["TLSv1.3"]


async def test_starttls_then_auth(tls: ServerTls, trust: ssl.SSLContext) -> None:
    config = {"tls": "starttls", "auth": "required", "trusted_networks": ()}
    async with serve(certificate=tls, **config) as server:
        for mechanism in ("plain", "login"):
            client = aiosmtplib.SMTP(
                hostname="127.0.0.1", port=server.port, start_tls=True, tls_context=trust
            )
            await client.connect()
            await client.ehlo()
            assert client.supported_auth_methods == ["plain", "login"]
            await getattr(client, f"auth_{mechanism}")("ann", "secret")
            await client.send_message(a_message())
            await client.quit()
        assert [each.origin.user for each in server.spool.accepted] == ["ann", "ann"]
        assert [each.tenant for each in server.spool.accepted] == ["t1", "t1"]
        assert b"ESMTPSA" in server.spool.accepted[0].content


class TlsClient:
    """TLS by hand, to send a close_notify and still listen."""

    def __init__(self, client: Client, trust: ssl.SSLContext) -> None:
        self.client = client
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = trust.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")

    async def run(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                async with asyncio.timeout(DEADLINE_S):
                    octets = await self.client.reader.read(65536)
                assert octets, "the server has closed"
                self._incoming.write(octets)

    async def start(self) -> None:
        await self.run(self._tls.do_handshake)
        assert (await self.read()).startswith(b"220 ")

    async def read(self) -> bytes:
        """Return b"" once the server's close_notify has come."""
        try:
            return bytes(await self.run(lambda: self._tls.read(65536)))
        except ssl.SSLZeroReturnError:
            return b""

    async def say(self, octets: bytes) -> bytes:
        self.write(octets)
        return await self.read()

    def write(self, octets: bytes) -> None:
        self._tls.write(octets)
        self.flush()

    def write_and_end(self, octets: bytes) -> None:
        if octets:
            self._tls.write(octets)
        with pytest.raises(ssl.SSLWantReadError):  # the server's close_notify is not there yet
            self._tls.unwrap()
        self.flush()

    def flush(self) -> None:
        if octets := self._outgoing.read():
            self.client.writer.write(octets)


async def test_a_client_that_ends_tls_is_answered_in_kind(
    tls: ServerTls, trust: ssl.SSLContext
) -> None:
    """RFC 8446 section 6.1; it may wait for that before it closes the connection."""
    async with serve(tls="implicit", certificate=tls) as server, connect(server, b"") as client:
        peer = TlsClient(client, trust)
        await peer.start()
        peer.write_and_end(b"")
        assert await peer.read() == b""  # close_notify
        assert await client.reply() == b""


@pytest.mark.parametrize("end", ["close_notify", "FIN"])
async def test_a_client_that_ends_tls_behind_its_message_still_reads_the_reply(
    tls: ServerTls, trust: ssl.SSLContext, end: str
) -> None:
    async with serve(tls="implicit", certificate=tls) as server, connect(server, b"") as client:
        peer = TlsClient(client, trust)
        await peer.start()
        for line in (b"EHLO c\r\n", b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<c@d.example>\r\n"):
            assert (await peer.say(line)).startswith(b"250")
        assert (await peer.say(b"DATA\r\n")).startswith(b"354")
        server.spool.gate.clear()
        content = b"From: a@b.example\r\n\r\nx\r\n.\r\n"
        if end == "FIN":
            peer.write(content)
            client.writer.write_eof()
        else:
            peer.write_and_end(content)
        await server.spool.entered.wait()
        server.spool.gate.set()
        assert (await peer.read()).startswith(b"250 2.0.0 ")
        assert await peer.read() == b""


async def test_octets_behind_starttls_are_never_used_s3(tls: ServerTls) -> None:
    async with serve(tls="starttls", certificate=tls) as server, connect(server) as client:
        assert (await client.say(b"STARTTLS\r\nMAIL FROM:<evil@example.com>\r\n")).startswith(
            b"554 "
        )
        assert await client.reply() == b""


async def test_plain_text_instead_of_a_handshake_ends_the_connection_s3(tls: ServerTls) -> None:
    async with serve(tls="starttls", certificate=tls) as server, connect(server) as client:
        assert (await client.say(b"STARTTLS\r\n")).startswith(b"220 ")
        client.writer.write(b"MAIL FROM:<evil@example.com>\r\n")
        async with asyncio.timeout(DEADLINE_S):
            rest = await client.reader.read()
        assert b"250" not in rest


async def test_a_handshake_that_does_not_come_is_cut_s7(tls: ServerTls) -> None:
    limits = {"tls_handshake_timeout_s": 0.1}
    async with serve(tls="implicit", certificate=tls, limits=limits) as server:
        async with connect(server, b"") as client:
            assert await client.reply() == b""
        assert server.counts.opened == 1
        await until(lambda: server.counts.handshakes == [""])


async def test_a_disconnect_at_any_byte_of_a_tls_session_leaves_nothing(
    tls: ServerTls, trust: ssl.SSLContext
) -> None:
    async with serve(tls="implicit", certificate=tls) as server:
        for cut in range(0, 700, 50):
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            engine = trust.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
            with contextlib.suppress(ssl.SSLWantReadError):
                engine.do_handshake()
            async with connect(server, b"") as client:
                client.writer.write(outgoing.read()[:cut])
                client.writer.transport.abort()
        await until(lambda: server.listener.connection_count == 0)


# AUTH


@pytest.mark.parametrize(
    ("user", "password", "reply", "logged"),
    [
        ("ann", "wrong", b"535 5.7.8 ", ["failed"]),
        ("bob", "secret", b"535 5.7.8 ", ["failed"]),
        ("many", "x", b"454 4.7.0 ", ["limited"]),
        ("broken", "x", b"454 4.7.0 ", []),
        ("ann", "secret", b"235 2.7.0 ", ["ok"]),
        ("cached", "x", b"235 2.7.0 ", ["ok"]),
    ],
)
async def test_logins(user: str, password: str, reply: bytes, logged: list[str]) -> None:
    config = {"auth": "required", "auth_without_tls": ALL, "trusted_networks": ()}
    async with serve(**config) as server, connect(server) as client:
        server.logins.cached.add("cached")
        assert (await client.say(b"MAIL FROM:<a@example.com>\r\n")).startswith(b"530 5.7.0 ")
        assert (await client.say(b"AUTH LOGIN\r\n")).startswith(b"334 ")
        assert (await client.say(_base64(user))).startswith(b"334 ")
        assert (await client.say(_base64(password))).startswith(reply)
        assert server.counts.logins == logged
        said = [each[:3] for each in server.counts.replies]
        assert said[0] == b"220"
        assert said[2:] == [b"530", b"334", b"334", reply[:3]]
        shown = user if logged == ["ok"] else f"shown:{user}"  # P8: perhaps it was a password
        assert server.counts.users == [shown] * len(logged)
        assert server.counts.errors == (["login"] if user == "broken" else [])


def _base64(text: str) -> bytes:
    return base64.b64encode(text.encode()) + b"\r\n"


async def test_a_sender_that_is_not_the_users_is_refused_a2() -> None:
    config = {"auth": "required", "auth_without_tls": ALL, "trusted_networks": ()}
    async with serve(**config) as server, connect(server) as client:
        await client.say(b"AUTH PLAIN " + base64.b64encode(b"\0ann\0secret") + b"\r\n")
        assert (await client.say(b"MAIL FROM:<a@other.example>\r\n")).startswith(b"553 5.7.1 ")
        assert (await client.transaction(b"From: c@other.example\r\n\r\n")).startswith(
            b"550 5.7.1 "
        )
        assert (await client.transaction()).startswith(b"250 ")


async def test_a_login_under_way_ends_with_its_client_or_its_time() -> None:
    config = {"auth": "required", "auth_without_tls": ALL, "trusted_networks": ()}
    async with serve(**config, limits={"command_timeout_s": 0.2}) as server:
        slow = b"AUTH PLAIN " + base64.b64encode(b"\0slow\0x") + b"\r\n"
        async with connect(server) as client:
            client.writer.write(slow)
            await client.writer.drain()
        await until(lambda: server.listener.connection_count == 0)
        async with connect(server) as client:
            assert (await client.say(slow)).startswith(b"421 4.4.2 ")


CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def _plain(user: str, password: str) -> bytes:
    return b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()) + b"\r\n"


@asynccontextmanager
async def serve_users(tmp_path: Path) -> AsyncIterator[tuple[Server, Path]]:
    """A listener with the real users ann and joe."""
    path = tmp_path / "credentials.jsonl"
    for name in ("ann", "joe"):
        created = "2026-11-22T03:12:29+00:00"
        add_user(path, name, "secret", senders=["*"], created=created, hasher=CHEAP)
    loop = asyncio.get_running_loop()
    logins = Credentials(path, ListenerLimits(), loop.time, hasher=CHEAP)
    config = {"auth": "required", "auth_without_tls": ALL, "trusted_networks": ()}
    try:
        async with serve(logins=logins, **config) as server:
            yield server, path
    finally:
        logins.close()


@pytest.mark.parametrize("change", ["removed", "password", "senders"])
async def test_sessions_of_a_user_who_changed_end_and_those_of_others_go_on(
    tmp_path: Path, change: str
) -> None:
    async with (
        serve_users(tmp_path) as (server, path),
        connect(server) as ann,
        connect(server) as joe,
    ):
        assert (await ann.say(_plain("ann", "secret"))).startswith(b"235 ")
        assert (await joe.say(_plain("joe", "secret"))).startswith(b"235 ")
        if change == "removed":
            remove_user(path, "ann")
        elif change == "senders":
            set_rights(path, "ann", senders=["@other.example"])
        else:
            set_password(path, "ann", "other", hasher=CHEAP)
        async with asyncio.timeout(3 * SWEEP_S):
            assert (await ann.reply()).startswith(b"421 4.7.0 ")
        assert await ann.reply() == b""
        assert (await joe.transaction()).startswith(b"250 ")
        if change == "password":
            async with connect(server) as again:
                assert (await again.say(_plain("ann", "secret"))).startswith(b"535 ")
                assert (await again.say(_plain("ann", "other"))).startswith(b"235 ")
                assert (await again.transaction()).startswith(b"250 ")


async def test_a_login_with_the_new_password_is_not_taken_for_an_old_one(tmp_path: Path) -> None:
    async with serve_users(tmp_path) as (server, path), connect(server) as client:
        set_password(path, "ann", "other", hasher=CHEAP)
        assert (await client.say(_plain("ann", "other"))).startswith(b"235 ")
        await asyncio.sleep(1.5 * SWEEP_S)
        assert (await client.transaction()).startswith(b"250 ")


async def test_the_transaction_of_a_removed_user_ends_before_the_session(tmp_path: Path) -> None:
    async with serve_users(tmp_path) as (server, path), connect(server) as client:
        assert (await client.say(_plain("ann", "secret"))).startswith(b"235 ")
        for line in (b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<b@example.org>\r\n", b"DATA\r\n"):
            assert (await client.say(line))[:1] in b"23"
        remove_user(path, "ann")
        server.reception.logins.reload()  # type: ignore[union-attr]
        assert (await client.say(b"From: a@example.com\r\n\r\nx\r\n.\r\n")).startswith(b"250 ")
        assert (await client.reply()).startswith(b"421 4.7.0 ")


async def test_a_watched_session_is_shown_across_starttls(
    tls: ServerTls, trust: ssl.SSLContext
) -> None:
    lines: list[str] = []

    def open_tap(client: str) -> RedactingTap:
        return RedactingTap(
            lambda direction, text: lines.append(f"{direction} {text}"), we_are_client=False
        )

    config = {"auth": "required", "tls": "starttls", "trusted_networks": ()}
    async with serve(certificate=tls, **config) as server:
        client = aiosmtplib.SMTP(
            hostname="127.0.0.1",
            port=server.port,
            start_tls=False,
            tls_context=trust,
            timeout=DEADLINE_S,
        )
        await client.connect()
        server.listener.watch(open_tap)  # the session that is open is shown from now on
        await client.starttls()
        await client.login("ann", "secret")
        await client.sendmail("a@example.com", ["b@example.org"], a_message().as_bytes())
        await client.quit()
        server.listener.watch(None)
        async with connect(server) as unseen:
            await unseen.say(b"NOOP\r\n")
    assert lines[0] == "< EHLO " + client.local_hostname
    assert any(line.startswith("* TLSv1.") for line in lines)
    assert "< AUTH PLAIN <redacted>" in lines or "< AUTH LOGIN <redacted>" in lines
    assert any(line.endswith(" octets>") for line in lines)
    assert "< QUIT" in lines
    assert "< NOOP" not in lines
    assert "secret" not in "\n".join(lines)


async def test_who_is_not_trusted_relays_nothing_a1() -> None:
    async with serve(trusted_networks=("192.0.2.0/24",)) as server, connect(server) as client:
        assert (await client.say(b"MAIL FROM:<a@example.com>\r\n")).startswith(b"250 ")
        assert (await client.say(b"RCPT TO:<b@example.org>\r\n")).startswith(b"550 5.7.1 ")


# PROXY protocol


async def test_a_named_peer_tells_the_clients_address_s12() -> None:
    config = {"proxy_peers": ALL, "trusted_networks": ("192.0.2.7/32",)}
    async with serve(**config) as server, connect(server, b"") as client:
        client.writer.write(b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 25\r\n")
        assert (await client.reply()).startswith(b"220 ")
        assert (await client.say(b"EHLO c\r\n")).startswith(b"250")
        assert (await client.transaction()).startswith(b"250 ")
        assert server.spool.accepted[0].origin.client == "192.0.2.7"


async def test_a_named_peer_without_a_header_is_cut_s12() -> None:
    async with serve(proxy_peers=ALL) as server, connect(server, b"") as client:
        client.writer.write(b"EHLO c\r\n")
        assert await client.reply() == b""


async def test_s12_beyond_the_limit_a_named_peer_is_not_taken_for_a_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be trusted itself, and what comes through it is said by anybody."""
    monkeypatch.setattr(connection_module, "MAX_OTHERS", 1)
    config = {"proxy_peers": ALL, "trusted_networks": ALL, "limits": {"connections": 1}}
    header = b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 25\r\n"
    async with (
        serve(**config) as server,
        connect(server, b"") as first,
        connect(server, b"") as second,
    ):
        await until(lambda: server.listener.connection_count == 2)
        async with connect(server, b"") as third:
            assert await third.reply() == b""
        first.writer.write(header)
        assert (await first.reply()).startswith(b"220 ")
        second.writer.write(header)
        assert (await second.reply()).startswith(b"421 4.3.2 ")
        assert server.counts.opened == 1


async def test_s7_connections_that_are_turned_away_are_bounded_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each stays for some seconds, so that its reply is read: nobody may have thousands of them."""
    monkeypatch.setattr(connection_module, "MAX_OTHERS", 1)
    async with (
        serve(limits={"connections": 1}) as server,
        connect(server),
        connect(server, b"") as second,
        connect(server, b"") as third,
    ):
        assert (await second.reply()).startswith(b"421 4.3.2 ")
        assert await third.reply() == b""


async def test_from_others_a_proxy_header_is_just_a_bad_command_s12() -> None:
    async with serve(proxy_peers=("192.0.2.0/24",)) as server, connect(server) as client:
        reply = await client.say(b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 25\r\n")
        assert reply.startswith(b"500 ")


async def test_tls_may_follow_in_the_segment_of_the_header_s12(
    tls: ServerTls, trust: ssl.SSLContext
) -> None:
    async with serve(tls="implicit", certificate=tls, proxy_peers=ALL) as server:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        engine = trust.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        async with connect(server, b"") as client, asyncio.timeout(DEADLINE_S):
            header = b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 25\r\n"
            plain = b""
            while not plain:
                try:
                    engine.do_handshake()
                    plain = engine.read(1000)
                except ssl.SSLWantReadError:
                    client.writer.write(header + outgoing.read())
                    header = b""
                    incoming.write(await client.reader.read(65536))
            assert plain.startswith(b"220 mx.example.com ESMTP")


# Other implementations


async def test_smtplib_sends() -> None:
    async with serve() as server:

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", server.port, timeout=DEADLINE_S) as client:
                client.send_message(a_message())
                client.send_message(a_message(), mail_options=["BODY=8BITMIME"])

        await asyncio.to_thread(send)
        assert len(server.spool.accepted) == 2
        assert all(
            each.content.endswith(b"\r\n.\r\n..\r\nbody\r\n") for each in server.spool.accepted
        )


async def test_a_big_message_of_smtplib_arrives_whole() -> None:
    async with serve() as server:
        body = b"." + b"x" * 70 + b"\r\n"
        content = b"From: a@example.com\r\n\r\n" + body * 60_000

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", server.port, timeout=DEADLINE_S) as client:
                client.sendmail("a@example.com", ["b@example.org"], content)

        await asyncio.to_thread(send)
        assert server.spool.accepted[0].content.endswith(body * 60_000)


@pytest.mark.interop
@needs_swaks_with_tls
async def test_swaks_sends_over_starttls_with_auth(tls: ServerTls) -> None:
    config = {"tls": "starttls", "auth": "required", "trusted_networks": ()}
    async with serve(certificate=tls, **config) as server:
        process = await asyncio.create_subprocess_exec(
            *("swaks", "--server", "127.0.0.1", "--port", str(server.port), "--timeout", "10"),
            *("--from", "a@example.com", "--to", "b@example.org", "--tls", "--auth", "PLAIN"),
            *("--auth-user", "ann", "--auth-password", "secret"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0, output.decode()
        assert server.spool.accepted[0].origin.user == "ann"


@pytest.mark.interop
@pytest.mark.skipif(
    not shutil.which("smtp-source"), reason="Postfix's smtp-source is not installed"
)
async def test_smtp_source_sends_over_many_sessions() -> None:
    async with serve() as server:
        process = await asyncio.create_subprocess_exec(
            *("smtp-source", "-s", "5", "-m", "50", "-l", "2000", "-f", "a@example.com"),
            *("-t", "b@example.org", f"127.0.0.1:{server.port}"),
        )
        assert await asyncio.wait_for(process.wait(), 30) == 0
        assert len(server.spool.accepted) == 50
