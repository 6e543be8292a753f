"""Mirrors angarium/mta/transport/smart_host.py, against aiosmtpd with AUTH and scripted peers."""

import asyncio
import base64
import ssl
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from angarium.config.address import parse_smart_host
from angarium.config.schema import DeliveryTimeouts, Pool, Provider, ProviderTimeouts, Route
from angarium.mta.transport.client_tls import ClientTls
from angarium.mta.transport.connection import SmtpConnection
from angarium.mta.transport.connector import SmtpConnector
from angarium.mta.transport.lessons import Experience
from angarium.mta.transport.outcome import Again, Permanent, Scope, Taken, Transient
from angarium.mta.transport.smart_host import (
    Connectors,
    LoginConnector,
    PasswordError,
    SmartHostLogin,
)
from angarium.mta.transport.transfer import EgressPath, TlsPolicy
from angarium.queue.model import UnixMs
from angarium.routing.resolution import MxHost, Site, SiteName
from angarium.smtp.tap import RedactingTap
from tests.mta.transport.aiosmtpd_peer import Picky, aiosmtpd_peer
from tests.mta.transport.scripted_peer import Certificates, ScriptedPeer, Talk
from tests.mta.transport.transfers import HEADER, message

# aiosmtpd warns of what loopback may do
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

PATH = EgressPath(source="ip1", bind_address=None, ehlo="client.example")
TIMEOUTS = DeliveryTimeouts(connect_s=5, banner_s=5, command_s=5, final_dot_s=5, quit_s=1)


def clock() -> UnixMs:
    return UnixMs(int(time.time() * 1000))


class Inbox(Picky):
    def __init__(self) -> None:
        self.received: list[tuple[str, list[str], bytes]] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.refuse_data = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse_data:
            return "451 4.3.0 disk"
        self.received.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 taken"

    def login(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"secret", handled=False)


def running(inbox: Inbox, tls: ssl.SSLContext | None = None) -> AbstractAsyncContextManager[int]:
    return aiosmtpd_peer(
        inbox,
        auth_required=True,
        auth_require_tls=tls is not None,
        authenticator=inbox.login,
        tls_context=tls,
        require_starttls=tls is not None,
    )


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("secret\n")
    return file


def connector(url: str, password_file: Path, tls: ClientTls | None = None) -> LoginConnector:
    to = parse_smart_host(url)
    credentials = SmartHostLogin(user=to.user, password_file=str(password_file), password_env=None)
    own = SmtpConnector(
        TIMEOUTS, "mta.example", clock, Experience(60, 60, clock), tls or ClientTls()
    )
    return LoginConnector(to, credentials, own, clock)


def host(port: int, name: str = "127.0.0.1") -> MxHost:
    return MxHost(name=name, port=port, preference=0, addresses=("127.0.0.1",))


async def test_a_connection_that_is_broken_off_ends_its_transfer_as_lost(
    password_file: Path,
) -> None:
    inbox, began = Inbox(), asyncio.Event()

    async def never(*_: object) -> str:
        began.set()
        await asyncio.Event().wait()
        return ""

    inbox.handle_RCPT = never  # type: ignore[method-assign,assignment]
    async with running(inbox) as port:
        to = connector(f"smtp://joe@127.0.0.1:{port}", password_file)
        connection = await to.connect(host(port), "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection), connection
        transfer = asyncio.create_task(connection.transfer(message("b@example.net")))
        await asyncio.wait_for(began.wait(), 5)
        connection.abort()
        (outcome,) = await asyncio.wait_for(transfer, 5)
        assert isinstance(outcome, Transient)
        assert (outcome.scope, outcome.attempt.code) == (Scope.SESSION, 0)
        assert not connection.is_open
        await connection.close()


async def test_mail_goes_through_a_login(password_file: Path) -> None:
    inbox = Inbox()
    async with running(inbox) as port:
        to = connector(f"smtp://joe@127.0.0.1:{port}", password_file)
        connection = await to.connect(host(port), "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection), connection
        outcomes = await connection.transfer(
            message("b@example.net", "no@example.net", body=b".dot\r\n..\r\n")
        )
        again = await connection.transfer(message("c@example.net"))
        assert connection.is_open
        assert connection.transfers == 2
        await connection.close()
        assert not connection.is_open
    assert inbox.logins == [(b"joe", b"secret")]
    assert isinstance(outcomes[0], Taken)
    assert outcomes[0].attempt.text == "250 2.0.0 taken"
    assert isinstance(outcomes[1], Permanent)
    assert (outcomes[1].attempt.stage, outcomes[1].attempt.enhanced) == ("rcpt", "5.1.1")
    assert isinstance(again[0], Taken)
    assert inbox.received[0] == ("a@example.org", ["b@example.net"], HEADER + b".dot\r\n..\r\n")


async def test_a_refused_message_leaves_the_session_usable(password_file: Path) -> None:
    inbox = Inbox()
    inbox.refuse_data = True
    async with running(inbox) as port:
        to = connector(f"smtp://joe@127.0.0.1:{port}", password_file)
        connection = await to.connect(host(port), "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection)
        (refused,) = await connection.transfer(message("b@example.net"))
        inbox.refuse_data = False
        (accepted,) = await connection.transfer(message("b@example.net"))
        await connection.close()
    assert isinstance(refused, Transient)
    assert (refused.scope, refused.attempt.stage) == (Scope.MESSAGE, "final_dot")
    assert isinstance(accepted, Taken)


async def test_a_bare_line_feed_never_reaches_the_smart_host_s2(password_file: Path) -> None:
    inbox = Inbox()
    async with running(inbox) as port:
        to = connector(f"smtp://joe@127.0.0.1:{port}", password_file)
        connection = await to.connect(host(port), "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection)
        (outcome,) = await connection.transfer(message("b@example.net", body=b"a\n.\r\n"))
        await connection.close()
    assert isinstance(outcome, Permanent)
    assert inbox.received == []


async def test_a_wrong_password_is_transient_and_not_repeated_in_the_text(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("wr0ng\n")
    async with running(Inbox()) as port:
        to = connector(f"smtp://joe@127.0.0.1:{port}", file)
        result = await to.connect(host(port), "127.0.0.1", PATH, TlsPolicy())
    assert isinstance(result, Transient)
    assert (result.scope, result.attempt.stage, result.attempt.code) == (Scope.SITE, "auth", 535)
    assert "wr0ng" not in result.attempt.text


async def test_tls_is_used_and_verified_where_the_policy_asks(
    tmp_path: Path, password_file: Path
) -> None:
    certificates = Certificates(tmp_path, "smart.example")
    inbox = Inbox()
    async with running(inbox, certificates.server) as port:
        to = connector(
            f"smtp://joe@smart.example:{port}", password_file, ClientTls(str(certificates.ca_file))
        )
        at = host(port, "smart.example")
        connection = await to.connect(at, "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection), connection
        (outcome,) = await connection.transfer(message("b@example.net"))
        await connection.close()
    assert outcome.attempt.tls == "TLSv1.3"
    assert outcome.attempt.tls_cipher.startswith("TLS_")
    assert certificates.asked == ["smart.example"]


async def test_no_password_leaves_without_tls_unless_to_loopback_d6(password_file: Path) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("AUTH PLAIN LOGIN")
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        to = connector(f"smtp://joe@smart.example:{peer.port}", password_file)
        result = await to.connect(
            host(peer.port, "smart.example"), "127.0.0.1", PATH, TlsPolicy(mode="required")
        )
    assert isinstance(result, Transient)
    assert result.attempt.stage == "starttls"
    assert not any(line.startswith(b"AUTH") for line in peer.talks[0].lines)


@pytest.mark.parametrize("when", ["mail", "data"])
async def test_a_peer_that_drops_the_connection_is_an_outcome(
    password_file: Path, when: str
) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("AUTH PLAIN")
        while not (await talk.hear()).startswith(b"MAIL" if when == "mail" else b"DATA"):
            talk.say(b"235 ok\r\n" if talk.lines[-1].startswith(b"AUTH") else b"250 ok\r\n")
        if when == "data":
            talk.say(b"354 go\r\n")
            await talk.hear_content()
        talk.drop()

    async with ScriptedPeer(script) as peer:
        to = connector(f"smtp://joe@127.0.0.1:{peer.port}", password_file)
        connection = await to.connect(host(peer.port), "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection), connection
        (outcome,) = await connection.transfer(message("b@example.net"))
        assert not connection.is_open
        await connection.close()
    assert isinstance(outcome, Transient)
    assert outcome.scope is Scope.SESSION
    assert outcome.attempt.stage == ("mail" if when == "mail" else "final_dot")
    assert ("unknown" in outcome.attempt.text) is (when == "data")


async def logged_in(talk: Talk, *extensions: str) -> None:
    """Up to DATA of the first transaction, which awaits its reply."""
    await talk.greet("AUTH PLAIN", *extensions)
    while (line := await talk.hear()) != b"DATA":
        talk.say(b"235 ok\r\n" if line.startswith(b"AUTH") else b"250 ok\r\n")


@pytest.mark.parametrize("reply", [b"451 4.3.0 disk\r\n", b"421 4.3.2 closing\r\n", b""])
async def test_what_happens_before_354_is_told_of_data_and_not_in_doubt(
    password_file: Path, reply: bytes
) -> None:
    async def script(talk: Talk) -> None:
        await logged_in(talk)
        talk.say(reply)
        await talk.writer.drain()
        talk.writer.close()

    async with ScriptedPeer(script) as peer:
        to = connector(f"smtp://joe@127.0.0.1:{peer.port}", password_file)
        connection = await to.connect(host(peer.port), "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection), connection
        (outcome,) = await connection.transfer(message("b@example.net"))
        await connection.close()
    assert isinstance(outcome, Transient)
    assert outcome.attempt.stage == "data"
    assert outcome.attempt.code == (int(reply[:3]) if reply else 0)
    assert "unknown" not in outcome.attempt.text


async def test_a_code_without_a_blank_behind_it_is_read_and_sent_once(password_file: Path) -> None:
    async def script(talk: Talk) -> None:
        await logged_in(talk)
        talk.say(b"354go\r\n")
        await talk.hear_content()
        talk.say(b"250OK\r\n")
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        to = connector(f"smtp://joe@127.0.0.1:{peer.port}", password_file)
        connection = await to.connect(host(peer.port), "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection), connection
        (outcome,) = await connection.transfer(message("b@example.net"))
        await connection.close()
    assert isinstance(outcome, Taken)
    assert len(peer.talks) == 1


async def test_a_peer_that_ends_an_idle_log_in_is_noticed_at_once(password_file: Path) -> None:
    go = asyncio.Event()

    async def script(talk: Talk) -> None:
        await logged_in(talk)
        talk.say(b"354 go\r\n")
        await talk.hear_content()
        talk.say(b"250 ok\r\n")
        await go.wait()
        talk.writer.close()

    async with ScriptedPeer(script) as peer:
        to = connector(f"smtp://joe@127.0.0.1:{peer.port}", password_file)
        connection = await to.connect(host(peer.port), "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection), connection
        await connection.transfer(message("b@example.net"))
        ended = asyncio.Event()
        connection.on_end(ended.set)
        go.set()
        await asyncio.wait_for(ended.wait(), 5)
        (outcome,) = await connection.transfer(message("b@example.net"))
        await connection.close()
    assert isinstance(outcome, Transient)
    assert outcome.again is Again.GONE


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ("AUTH PLAIN LOGIN", "PLAIN"),
        ("AUTH LOGIN", "LOGIN"),
        ("AUTH=LOGIN", "LOGIN"),  # an old form
        ("AUTH CRAM-MD5", "CRAM-MD5"),
        ("AUTH PLAIN LOGIN", "LOGIN"),  # PLAIN is offered, and refused
    ],
)
async def test_each_mechanism_that_is_offered_is_tried_and_none_is_shown(
    password_file: Path, offered: str, taken: str
) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(offered)
        while not (line := (await talk.hear()).decode()).startswith(f"AUTH {taken}"):
            talk.say(b"535 5.7.8 not by this\r\n")
        for _ in range({"PLAIN": 0, "LOGIN": 2, "CRAM-MD5": 1}[taken]):
            talk.say(b"334 PGE+\r\n")
            line = (await talk.hear()).decode()
        if taken != "CRAM-MD5":
            secret = base64.b64decode(line.split()[-1])
            assert secret.endswith(b"secret")
        talk.say(b"235 2.7.0 welcome\r\n")
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        to = connector(f"smtp://joe@127.0.0.1:{peer.port}", password_file)
        connection = await to.connect(host(peer.port), "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection), connection
        seen: list[str] = []
        connection._opening.replay(
            RedactingTap(lambda way, text: seen.append(text), we_are_client=True)
        )
        await connection.close()
    assert f"AUTH {taken}" in seen
    assert "logged in as joe, in the clear" in seen
    kept = repr(connection._opening._parts).encode()
    for line in peer.talks[0].lines[1:-1]:  # each is AUTH, or a part of it
        payload = line.split()[-1]
        assert payload in (b"LOGIN", b"CRAM-MD5", b"QUIT") or payload not in kept


async def test_a_host_without_auth_is_told_of(password_file: Path) -> None:
    async with ScriptedPeer(lambda talk: talk.greet("8BITMIME")) as peer:
        to = connector(f"smtp://joe@127.0.0.1:{peer.port}", password_file)
        result = await to.connect(host(peer.port), "127.0.0.1", PATH, TlsPolicy())
    assert isinstance(result, Transient)
    assert result.attempt.stage == "auth"
    assert "no AUTH mechanism" in result.attempt.text


async def test_a_reply_that_is_none_is_told_in_words(password_file: Path) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("AUTH PLAIN")
        while not (await talk.hear()).startswith(b"RCPT"):
            talk.say(b"235 ok\r\n" if talk.lines[-1].startswith(b"AUTH") else b"250 ok\r\n")
        talk.say(b"hello\r\n")
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        to = connector(f"smtp://joe@127.0.0.1:{peer.port}", password_file)
        connection = await to.connect(host(peer.port), "127.0.0.1", PATH, TlsPolicy())
        assert isinstance(connection, SmtpConnection), connection
        (outcome,) = await connection.transfer(message("b@example.net"))
        await connection.close()
    assert isinstance(outcome, Transient)
    assert outcome.attempt.text.startswith("protocol error: ")


@pytest.mark.parametrize("stage", ["connect", "banner"])
async def test_a_host_that_is_not_there_is_an_outcome(password_file: Path, stage: str) -> None:
    async def script(talk: Talk) -> None:
        talk.say(b"554 no\r\n")
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        port = peer.port if stage == "banner" else 1
        to = connector(f"smtp://joe@127.0.0.1:{port}", password_file)
        result = await to.connect(host(port), "127.0.0.1", PATH, TlsPolicy())
    assert isinstance(result, Transient)
    assert (result.scope, result.attempt.stage) == (Scope.SITE, stage)


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"a\0", b"\xff", b"x" * 2000])
def test_a_file_that_holds_no_password_is_refused_without_quoting_it(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    credentials = SmartHostLogin(user="joe", password_file=str(file), password_env=None)
    with pytest.raises(PasswordError) as caught:
        credentials.password()
    assert "xxx" not in str(caught.value)


def test_a_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = SmartHostLogin(user="joe", password_file=None, password_env="SMART_HOST_PASSWORD")
    monkeypatch.setenv("SMART_HOST_PASSWORD", "s3cret")
    assert credentials.password() == "s3cret"
    monkeypatch.delenv("SMART_HOST_PASSWORD")
    with pytest.raises(PasswordError):
        credentials.password()


def test_only_routes_that_name_a_user_have_a_login() -> None:
    class Own:
        def within(self, _: ProviderTimeouts) -> "Own":
            return shorter

        async def connect(self, *_: object) -> Any: ...

    shorter = Own()
    own = Own()
    routes = [
        Route(domain="a.example", via="smtp://joe@smart.example", password_env="X"),
        Route(domain="b.example", via="smtps://smart.example"),
        Route(domain="*"),
    ]
    pools = [
        Pool(name="p", sources=(), smart_host="smtp://ann@help.example", password_env="Y"),
        Pool(name="q", sources=()),
    ]
    connectors = Connectors(routes, own, clock, (), pools)

    def site(via: str) -> Site:
        return Site(name=SiteName("x"), hosts=(), provider=Provider(name="x"), via=via, final=False)

    assert isinstance(connectors.connector_of(site("smtp://joe@smart.example")), LoginConnector)
    assert connectors.connector_of(site("smtps://smart.example")) is own
    assert connectors.connector_of(site("mx")) is own
    assert isinstance(connectors.connector_of(site("smtp://ann@help.example")), LoginConnector)
    impatient = Provider(name="x", timeouts=ProviderTimeouts(banner_s=5))
    to = msgspec.structs.replace(site("mx"), provider=impatient)
    assert connectors.connector_of(to) is shorter


def test_a_variable_that_is_not_there_is_told_from_an_empty_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credentials = SmartHostLogin(user="joe", password_file=None, password_env="ANGARIUM_TEST_PW")
    monkeypatch.delenv("ANGARIUM_TEST_PW", raising=False)
    with pytest.raises(PasswordError, match="no such environment variable"):
        credentials.password()
    monkeypatch.setenv("ANGARIUM_TEST_PW", "")
    with pytest.raises(PasswordError, match="empty"):
        credentials.password()
