"""Mirrors angarium/mta/transport/: connection, connector and peer, against scripted peers on real sockets."""

import asyncio
import gc
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from angarium.config.schema import DeliveryTimeouts, ProviderTimeouts
from angarium.mta.transport.client_tls import ClientTls
from angarium.mta.transport.connection import SmtpConnection
from angarium.mta.transport.connector import SmtpConnector
from angarium.mta.transport.lessons import Experience
from angarium.mta.transport.outcome import Again, Outcome, Permanent, Scope, Taken, Transient
from angarium.mta.transport.peer import JOINED_OCTETS, stage_limits, timeouts_at
from angarium.mta.transport.transfer import EgressPath, TlsPolicy
from angarium.queue.model import UnixMs
from angarium.routing.resolution import MxHost
from angarium.smtp.tap import RedactingTap
from tests.mta.transport.scripted_peer import Certificates, Script, ScriptedPeer, Talk
from tests.mta.transport.transfers import HEADER, message

PATH = EgressPath(source="ip1", bind_address=None, ehlo="client.example")
ALL = ("PIPELINING", "SIZE 100000000", "8BITMIME", "DSN")
CLEAR = TlsPolicy(mode="off")
# The hook that is to replace this fixture would change the loop of every other test file too
pytestmark = pytest.mark.filterwarnings("ignore:Overriding the .event_loop_policy. fixture")
SHORT = 0.15  # for timeouts that are meant to pass


@pytest.fixture(
    params=[asyncio.DefaultEventLoopPolicy(), uvloop.EventLoopPolicy()], ids=["asyncio", "uvloop"]
)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    policy = request.param
    assert isinstance(policy, asyncio.AbstractEventLoopPolicy)
    return policy


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"), "mx.example", "other.example")


def clock() -> UnixMs:
    return UnixMs(int(time.time() * 1000))


class Client:
    """A connector with its memory, for one peer."""

    def __init__(self, port: int, *, ca_file: Path | None = None, **timeouts: float) -> None:
        limits = {"connect_s": 5.0, "quit_s": 0.05, "tls_handshake_s": 5.0} | timeouts
        self.experience = Experience(60, 60, clock)
        self.host = MxHost(name="mx.example", port=port, preference=0, addresses=("127.0.0.1",))
        self.connector = SmtpConnector(
            DeliveryTimeouts(**limits),
            "mta.example",
            clock,
            self.experience,
            ClientTls(str(ca_file) if ca_file else None),
        )

    async def open(
        self, tls: TlsPolicy = CLEAR, path: EgressPath = PATH
    ) -> SmtpConnection | Transient:
        return await self.connector.connect(self.host, "127.0.0.1", path, tls)

    async def opened(self, tls: TlsPolicy = CLEAR) -> SmtpConnection:
        result = await self.open(tls)
        assert isinstance(result, SmtpConnection), result
        return result


async def send(
    script: Script, *addresses: str, body: bytes = b"hello\r\n", **timeouts: float
) -> list[Outcome]:
    """One transfer against a script that starts with the banner."""
    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port, **timeouts).opened()
        outcomes = await connection.transfer(message(*addresses, body=body))
        await connection.close()
        return list(outcomes)


def brief(outcome: Outcome) -> tuple[str, str, str]:
    """Kind, scope ("" for accepted), stage."""
    scope = "" if isinstance(outcome, Taken) else outcome.scope.value
    return type(outcome).__name__, scope, outcome.attempt.stage


def opening_of(connection: SmtpConnection) -> list[str]:
    """As who watches is shown it."""
    shown: list[str] = []
    connection._opening.replay(RedactingTap(lambda _, text: shown.append(text), we_are_client=True))
    return shown


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


# --- transfers ------------------------------------------------------------------------------


async def accept_one(talk: Talk, *, reply: bytes = b"250 2.0.0 queued as 1\r\n") -> bytes:
    """A pipelined transaction with one recipient; returns the content."""
    await talk.hear_until(b"DATA")
    talk.say(b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n")
    content = await talk.hear_content()
    talk.say(reply)
    return content


@pytest.mark.parametrize("stage", ["mail", "final_dot"])
async def test_a_connection_that_is_broken_off_ends_its_transfer_as_lost(stage: str) -> None:
    began, ends = asyncio.Event(), asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear_until(b"DATA")
        if stage == "final_dot":
            talk.say(b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n")
            await talk.hear_content()
        began.set()
        await ends.wait()

    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port).opened()
        transfer = asyncio.create_task(connection.transfer(message("b@example.net")))
        await asyncio.wait_for(began.wait(), 5)
        connection.abort()
        (outcome,) = await asyncio.wait_for(transfer, 5)
        assert brief(outcome) == ("Transient", "session", stage)  # Invariant 3: else in doubt
        assert isinstance(outcome, Transient)
        assert "broken off here" in outcome.attempt.text
        assert not connection.is_open
        await connection.close()
        ends.set()


async def test_a_message_is_delivered_and_the_attempt_says_all() -> None:
    contents = []

    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        contents.append(await accept_one(talk))
        assert await talk.hear() == b"QUIT"
        talk.say(b"221 bye\r\n")

    (outcome,) = await send(script, body=b".dot\r\n")
    assert contents == [HEADER + b"..dot\r\n"]
    assert isinstance(outcome, Taken)
    attempt = outcome.attempt
    assert (attempt.host, attempt.address, attempt.source) == ("mx.example", "127.0.0.1", "ip1")
    assert (attempt.code, attempt.enhanced, attempt.tls) == (250, "2.0.0", "")
    assert (attempt.text, attempt.stage) == ("250 2.0.0 queued as 1", "final_dot")
    assert abs(attempt.at - clock()) < 10_000


async def test_a_connection_carries_message_after_message() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        for _ in range(5):
            await accept_one(talk)
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port).opened()
        assert connection.offers_dsn
        for number in range(5):
            assert connection.transfers == number
            (outcome,) = await connection.transfer(message())
            assert isinstance(outcome, Taken)
        assert connection.is_open
        await connection.close()
        assert not connection.is_open
    assert len(peer.talks) == 1
    assert peer.talks[0].lines.count(b"RSET") == 0


async def test_without_pipelining_each_command_waits_for_its_reply() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("8BITMIME")
        for expected in (b"MAIL", b"RCPT", b"RCPT"):
            assert (await talk.hear()).startswith(expected)
            talk.say(b"250 ok\r\n")
        assert await talk.hear() == b"DATA"
        talk.say(b"354 go\r\n")
        await talk.hear_content()
        talk.say(b"250 ok\r\n")
        await talk.until_closed()

    outcomes = await send(script, "b@example.net", "c@example.net")
    assert [type(each) for each in outcomes] == [Taken, Taken]
    assert outcomes[0] is outcomes[1]  # one reply, one outcome


async def test_with_chunking_the_content_comes_in_the_first_flight() -> None:
    body = b".a\r\n" * 1000

    async def script(talk: Talk) -> None:
        await talk.greet(*ALL, "CHUNKING")
        assert (await talk.hear()).startswith(b"MAIL")
        assert (await talk.hear()).startswith(b"RCPT")
        command = await talk.hear()
        assert command == b"BDAT %d LAST" % (len(HEADER) + len(body))
        assert await talk.hear_octets(len(HEADER) + len(body)) == HEADER + body
        talk.say(b"250 ok\r\n250 ok\r\n250 2.0.0 taken\r\n")
        await talk.until_closed()

    (outcome,) = await send(script, body=body)
    assert isinstance(outcome, Taken)


async def test_a_large_message_arrives_whole_at_a_slow_reader() -> None:
    body = (b"x" * 70 + b"\r\n" + b".y\r\n") * 30_000  # 2 MB, over the write buffer's limit
    received = []

    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear_until(b"DATA")
        talk.say(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await asyncio.sleep(0.1)
        received.append(await talk.hear_content())
        talk.say(b"250 ok\r\n")
        await talk.until_closed()

    (outcome,) = await send(script, body=body)
    assert isinstance(outcome, Taken)
    assert received[0].replace(b"\r\n..", b"\r\n.") == HEADER + body  # PE2


async def take(talk: Talk) -> None:
    await accept_one(talk)
    await talk.until_closed()


async def refuse(talk: Talk) -> None:
    await talk.hear_until(b"DATA")
    talk.say(b"250 ok\r\n550 no\r\n554 none\r\n")
    await talk.until_closed()


async def hang_up_in_content(talk: Talk) -> None:
    await talk.hear_until(b"DATA")
    talk.say(b"250 ok\r\n250 ok\r\n354 go\r\n")
    await talk.hear_octets(100)
    talk.drop()


async def refuse_in_content(talk: Talk) -> None:
    await talk.hear_until(b"DATA")
    talk.say(b"250 ok\r\n250 ok\r\n354 go\r\n")
    await talk.hear_octets(100)
    talk.say(b"552 too much\r\n")
    await talk.until_closed()


async def tempt_in_content(talk: Talk) -> None:
    await talk.hear_until(b"DATA")
    talk.say(b"250 ok\r\n250 ok\r\n354 go\r\n")
    await talk.hear_octets(100)
    talk.say(b"250 have it\r\n")
    await talk.until_closed()


@pytest.mark.parametrize(
    "end", [take, refuse, hang_up_in_content, refuse_in_content, tempt_in_content]
)
@pytest.mark.parametrize("line", [b"x" * 70 + b"\r\n", b".y\r\n"])
async def test_after_a_transfer_nothing_refers_to_its_content_l3(
    end: Script, line: bytes
) -> None:  # CS7
    """CS6: an idle connection that kept its last message would hold it uncounted, and so each of them."""

    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await end(talk)

    content = line * (20_000_000 // len(line))  # more than the sockets' buffers take
    before = sys.getrefcount(content)
    gc.disable()  # what only the collector would find stays until it runs, which is late
    try:
        async with ScriptedPeer(script) as peer:
            connection = await Client(peer.port).opened()
            await connection.transfer(message(body=memoryview(content)))
            await asyncio.sleep(0)  # the waiter's callbacks
            assert sys.getrefcount(content) == before
            await connection.close()
    finally:
        gc.enable()


async def test_each_recipient_has_its_own_outcome() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear_until(b"DATA")
        talk.say(
            b"250 ok\r\n250 ok\r\n550 5.1.1 no\r\n450 4.2.0 Greylisted\r\n452 4.5.3 Too many recipients\r\n354 go\r\n"
        )
        await talk.hear_content()
        talk.say(b"250 ok\r\n")
        await talk.until_closed()

    outcomes = await send(
        script, "b@example.net", "c@example.net", "d@example.net", "e@example.net"
    )
    assert [brief(each) for each in outcomes] == [
        ("Taken", "", "final_dot"),
        ("Permanent", "recipient", "rcpt"),
        ("Transient", "recipient", "rcpt"),
        ("Transient", "recipient", "rcpt"),
    ]
    assert isinstance(outcomes[2], Transient)
    assert outcomes[2].greylisted
    assert outcomes[3].attempt.enhanced == "4.5.3"


async def test_after_a_refused_message_the_next_one_goes_on_the_same_connection() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await accept_one(talk, reply=b"554 5.6.0 no\r\n")
        assert await talk.hear() == b"RSET"
        talk.say(b"250 ok\r\n")
        await accept_one(talk)
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port).opened()
        (first,) = await connection.transfer(message())
        (second,) = await connection.transfer(message())
        assert brief(first) == ("Permanent", "message", "final_dot")
        assert isinstance(second, Taken)
        await connection.close()


async def test_a_bare_line_feed_never_reaches_the_wire_s2() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await accept_one(talk)
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port).opened()
        smuggled = b"x\n.\r\nMAIL FROM:<evil@example.org>\r\n"
        (refused,) = await connection.transfer(message(body=smuggled))
        assert isinstance(refused, Permanent)
        assert refused.attempt.enhanced == "5.6.0"
        assert refused.attempt.code == 0  # ours, not the peer's
        (outcome,) = await connection.transfer(message())
        assert isinstance(outcome, Taken)
        await connection.close()
    assert not any(b"evil" in line for line in peer.talks[0].lines)


# --- peers that go, or say 421, at every stage -----------------------------------------------

STAGES = ("banner", "ehlo", "mail", "rcpt", "data", "final_dot")


def stops_at(stage: str, end: Callable[[Talk], None]) -> Script:
    """A peer without pipelining that plays its part up to ``stage``, and there does ``end`` instead of replying."""

    async def script(talk: Talk) -> None:
        replies = (b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"")
        for name, reply in zip(STAGES, replies, strict=True):
            if name == "final_dot":
                await talk.hear_content()
            elif name != "banner":
                await talk.hear()
            if name == stage:
                end(talk)
                break
            talk.say(reply)
        await talk.until_closed()

    return script


LIMIT_OF = {"banner": "banner_s", "data": "data_s", "final_dot": "final_dot_s"}


async def attempt_with(script: Script, **timeouts: float) -> Outcome:
    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port, **timeouts).open()
        if isinstance(connection, Transient):
            return connection
        (outcome,) = await connection.transfer(message())
        assert not connection.is_open
        await connection.close()
        return outcome


@pytest.mark.parametrize("stage", STAGES)
async def test_a_peer_that_drops_the_connection_leaves_the_mail_queued(stage: str) -> None:
    outcome = await attempt_with(stops_at(stage, Talk.drop))  # PE1
    assert brief(outcome) == ("Transient", "session", stage)
    assert ("unknown" in outcome.attempt.text) is (stage == "final_dot")
    assert outcome.attempt.code == 0


@pytest.mark.parametrize("stage", STAGES)
async def test_a_peer_that_says_goodbye_leaves_the_mail_queued(stage: str) -> None:
    outcome = await attempt_with(stops_at(stage, lambda talk: talk.say(b"421 4.3.2 closing\r\n")))
    assert brief(outcome) == ("Transient", "session", stage)
    assert (outcome.attempt.code, outcome.attempt.enhanced) == (421, "4.3.2")


@pytest.mark.parametrize("stage", STAGES)
async def test_a_peer_that_falls_silent_is_left(stage: str) -> None:
    limit = LIMIT_OF.get(stage, "command_s")
    outcome = await attempt_with(stops_at(stage, lambda talk: None), **{limit: SHORT})
    assert brief(outcome) == ("Transient", "session", stage)
    assert "0.15 s" in outcome.attempt.text


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "octets", [b"rubbish\r\n", b"250-x\r\n" * 5000, b"x" * 40_000, b"999-a\r\n550 b\r\n"]
)
async def test_a_peer_that_does_not_speak_smtp_is_left_s11(stage: str, octets: bytes) -> None:
    outcome = await attempt_with(stops_at(stage, lambda talk: talk.say(octets)))
    scope = "recipient" if stage == "rcpt" else "session"
    assert brief(outcome) == ("Transient", scope, stage)
    assert "protocol error" in outcome.attempt.text
    assert (outcome.attempt.code, outcome.attempt.enhanced) == (0, "4.5.0")


@pytest.mark.parametrize("stage", STAGES)
async def test_a_reply_that_does_not_end_is_not_silence(stage: str) -> None:
    limit = LIMIT_OF.get(stage, "command_s")
    outcome = await attempt_with(
        stops_at(stage, lambda talk: talk.say(b"250-and\r\n")), **{limit: SHORT}
    )
    assert brief(outcome) == ("Transient", "session", stage)
    assert (outcome.attempt.code, outcome.attempt.enhanced) == (0, "4.5.0")
    assert "without its end within 0.15 s" in outcome.attempt.text


@pytest.mark.parametrize("stage", STAGES)
async def test_a_peer_that_trickles_octets_of_a_reply_is_left_as_soon_as_a_silent_one(
    stage: str,
) -> None:  # S11
    limit = LIMIT_OF.get(stage, "command_s")
    trickling: list[asyncio.Task[None]] = []

    def trickle(talk: Talk) -> None:
        async def octets() -> None:
            while True:
                talk.say(b"2")
                await asyncio.sleep(SHORT / 10)

        trickling.append(asyncio.get_running_loop().create_task(octets()))

    try:
        outcome = await attempt_with(stops_at(stage, trickle), **{limit: SHORT})
    finally:
        for each in trickling:
            each.cancel()
    assert brief(outcome) == ("Transient", "session", stage)
    assert "within 0.15 s" in outcome.attempt.text or "protocol error" in outcome.attempt.text


@pytest.mark.parametrize("stage", STAGES)
async def test_a_provider_is_waited_for_as_long_as_its_own_timeouts_say(stage: str) -> None:
    own = {"ehlo": "ehlo_s", "mail": "mail_s", "rcpt": "rcpt_s"} | LIMIT_OF
    for key in {own[stage], LIMIT_OF.get(stage, "command_s")}:
        async with ScriptedPeer(stops_at(stage, lambda talk: None)) as peer:
            client = Client(peer.port, mail_s=9.0)  # else minutes
            client.connector = client.connector.within(ProviderTimeouts(**{key: SHORT}))
            connection = await client.open()
            outcome: Outcome
            if isinstance(connection, Transient):
                outcome = connection
            else:
                (outcome,) = await connection.transfer(message())
                await connection.close()
        assert brief(outcome) == ("Transient", "session", stage)
        assert "0.15 s" in outcome.attempt.text


def test_a_providers_timeouts_lie_over_the_usual_ones() -> None:
    usual = DeliveryTimeouts(command_s=300, mail_s=60, data_s=120)
    assert timeouts_at(usual, ProviderTimeouts()) == usual
    found = timeouts_at(usual, ProviderTimeouts(rcpt_s=7, block_s=8))
    limits = stage_limits(found)
    assert [limits[each] for each in ("ehlo", "mail", "rcpt", "data", "block")] == [
        *(300, 60, 7, 120, 8)
    ]
    # The provider's own word for all commands beats a usual one for some
    limits = stage_limits(timeouts_at(usual, ProviderTimeouts(command_s=5, ehlo_s=6)))
    assert [limits[each] for each in ("ehlo", "helo", "mail", "rcpt", "auth")] == [6, 6, 5, 5, 5]


@pytest.mark.parametrize("end", [b"550-5.1.1 no\r\n", b"550 5.1.1 no"])
async def test_a_refusal_that_does_not_end_is_one_when_the_peer_goes(end: bytes) -> None:
    def say_and_go(talk: Talk) -> None:
        talk.say(end)
        talk.writer.close()

    outcome = await attempt_with(stops_at("rcpt", say_and_go))
    assert brief(outcome) == ("Permanent", "recipient", "rcpt")
    assert outcome.attempt.text == "550 5.1.1 no"


ODD = [
    b"550-5.1.1 no such user\r\n551 5.1.6 moved\r\n",
    b"550 5.1.1 " + b"y" * 9000 + b"\r\n",
    b"550-5.1.1 no\n550 5.1.1 such user\n",
    b"550\t5.1.1 no\r\n",
    b"550No\r\n",
    b"550\r\n",
    b"\r\n550 5.1.1 no\r\n\r\n",
    b"550-5.1.1 no\r\nsuch user\r\n550 5.1.1 here\r\n",
    b"550 5.1.1 \xff\xfe\x00\r\n",
]


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",), ("PIPELINING", "CHUNKING")])
@pytest.mark.parametrize("reply", ODD)
async def test_an_odd_refusal_costs_its_recipient_only(
    reply: bytes, extensions: tuple[str, ...]
) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*extensions)
        while True:
            line = await talk.hear()
            if line.startswith(b"RCPT TO:<odd"):
                talk.say(reply)
            elif line.startswith(b"BDAT"):
                await talk.hear_octets(int(line.split()[1]))
                talk.say(b"250 2.0.0 queued\r\n")
            elif line == b"DATA":
                talk.say(b"354 go\r\n")
                await talk.hear_content()
                talk.say(b"250 2.0.0 queued\r\n")
            else:
                talk.say(b"250 ok\r\n")

    everyone = ("a@example.net", "odd@example.net", "c@example.net")
    first, odd, last = await send(script, *everyone)
    assert isinstance(first, Taken)
    assert isinstance(last, Taken)
    assert brief(odd) == ("Permanent", "recipient", "rcpt")
    assert odd.attempt.code in (550, 551)


@pytest.mark.parametrize("stage", ["banner", "ehlo"])
async def test_a_refusal_at_the_door_bounces_nothing(stage: str) -> None:
    async def script(talk: Talk) -> None:
        if stage == "ehlo":
            talk.say(b"220 hi\r\n")
            await talk.hear()
            talk.say(b"554 5.7.1 no\r\n")
            assert await talk.hear() == b"HELO client.example"
        talk.say(b"554 5.7.1 your network is not welcome\r\n")
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        result = await Client(peer.port).open()
    assert isinstance(result, Transient)
    assert brief(result) == ("Transient", "site", stage)
    assert result.attempt.code == 554


@pytest.mark.parametrize("stage", ["banner", "ehlo"])
async def test_a_host_that_takes_no_mail_from_anybody_refuses_for_good(stage: str) -> None:
    async def script(talk: Talk) -> None:
        if stage == "banner":
            talk.say(b"521 mx.example takes no mail\r\n")  # RFC 7504
        else:
            talk.say(b"220 hi\r\n")
            await talk.hear()
            talk.say(b"502 5.5.1 no\r\n")
            await talk.hear()
            talk.say(b"550 5.5.1 nor this\r\n")
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        result = await Client(peer.port).open()
    assert isinstance(result, Permanent)
    assert brief(result) == ("Permanent", "site", stage)


async def test_a_greeting_that_is_refused_under_tls_only_is_done_in_the_clear(
    certificates: Certificates,
) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("STARTTLS")
        await talk.start_tls(certificates.server)
        for _ in ("EHLO", "HELO"):
            await talk.hear()
            talk.say(b"502 5.5.1 no\r\n")
        await talk.until_closed()

    async with ScriptedPeer(script, in_the_clear) as peer:
        connection = await Client(peer.port).opened(OPPORTUNISTIC)
        (outcome,) = await connection.transfer(message())
        assert outcome.attempt.tls_skipped == "after the TLS handshake: 502 5.5.1 no"
        await connection.close()


async def test_a_server_that_knows_no_ehlo_is_greeted_with_helo() -> None:
    async def script(talk: Talk) -> None:
        talk.say(b"220-old\r\n220 server\r\n")
        assert (await talk.hear()).startswith(b"EHLO")
        talk.say(b"502 what\r\n")
        assert await talk.hear() == b"HELO client.example"
        talk.say(b"250 hello\r\n")
        assert await talk.hear() == b"MAIL FROM:<a@example.org>"
        talk.say(b"250 ok\r\n")
        assert await talk.hear() == b"RCPT TO:<b@example.net>"
        talk.say(b"250 ok\r\n")
        assert await talk.hear() == b"DATA"
        talk.say(b"354 go\r\n")
        await talk.hear_content()
        talk.say(b"250 ok\r\n")
        await talk.until_closed()

    (outcome,) = await send(script)
    assert isinstance(outcome, Taken)


@pytest.mark.parametrize(
    "replies", [b"250 a\r\n250 b\r\n250 c\r\n250 d\r\n", b"354 go\r\n250 a\r\n250 b\r\n"]
)
async def test_replies_in_the_wrong_order_end_the_session(replies: bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear_until(b"DATA")
        talk.say(replies)
        await talk.until_closed()

    (outcome,) = await send(script)
    assert isinstance(outcome, Transient)
    assert "protocol error" in outcome.attempt.text


async def test_what_was_refused_before_the_drop_stays_refused() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear_until(b"DATA")
        talk.say(b"250 ok\r\n550 5.1.1 no\r\n250 ok\r\n")
        await talk.writer.drain()
        talk.writer.close()

    outcomes = await send(script, "b@example.net", "c@example.net")
    assert [brief(each) for each in outcomes] == [
        ("Permanent", "recipient", "rcpt"),
        ("Transient", "session", "data"),
    ]


async def test_a_drop_in_the_only_flight_of_bdat_is_in_doubt() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL, "CHUNKING")
        while not (await talk.hear()).startswith(b"BDAT"):
            pass
        talk.drop()

    (outcome,) = await send(script)
    assert brief(outcome) == ("Transient", "session", "final_dot")
    assert "unknown" in outcome.attempt.text


async def test_a_peer_that_answers_before_the_content_is_out_is_heard_and_left() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear_until(b"DATA")
        talk.stop_reading()
        talk.say(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await asyncio.sleep(0.1)  # the socket's buffers are smaller than the content
        talk.say(b"552 5.3.4 too big\r\n")
        await asyncio.sleep(5)

    body = b"x" * 998 + b"\r\n"
    (outcome,) = await send(script, body=body * 20_000)
    assert brief(outcome) == ("Permanent", "message", "final_dot")
    assert outcome.attempt.code == 552


async def test_a_success_before_the_content_is_out_is_not_believed() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear_until(b"DATA")
        talk.stop_reading()
        talk.say(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await asyncio.sleep(0.1)
        talk.say(b"250 2.0.0 thanks\r\n")
        await asyncio.sleep(5)

    body = b"x" * 998 + b"\r\n"
    (outcome,) = await send(script, body=body * 20_000)
    assert isinstance(outcome, Transient)
    assert outcome.attempt.stage == "data"


async def test_a_peer_that_stops_reading_is_left_within_block_s() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear_until(b"DATA")
        talk.stop_reading()
        talk.say(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await asyncio.sleep(5)

    body = b"x" * 998 + b"\r\n"
    (outcome,) = await send(script, body=body * 20_000, block_s=SHORT)
    assert brief(outcome) == ("Transient", "session", "data")
    assert "could not be sent" in outcome.attempt.text


async def test_a_slow_peer_has_its_time_for_each_command() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear_until(b"DATA")
        for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            await asyncio.sleep(0.25)
            talk.say(reply)
        await talk.hear_content()
        talk.say(b"250 ok\r\n")
        await talk.until_closed()

    (outcome,) = await send(script, command_s=0.5, data_s=0.5)
    assert isinstance(outcome, Taken)


async def test_octets_that_complete_no_reply_buy_no_time() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear()
        for _ in range(100):
            talk.say(b"250-still\r\n")
            await asyncio.sleep(0.02)

    (outcome,) = await send(script, command_s=SHORT)
    assert brief(outcome) == ("Transient", "session", "mail")


# --- idle connections -----------------------------------------------------------------------


@pytest.mark.parametrize("octets", [b"", b"421 4.4.2 idle\r\n", b"250 what\r\n", b"999 what\r\n"])
async def test_a_peer_that_ends_an_idle_connection_is_noticed_at_once(octets: bytes) -> None:
    go = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await accept_one(talk)
        await go.wait()
        if octets:
            talk.say(octets)
            await talk.until_closed()
        else:
            talk.writer.close()

    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port).opened()
        await connection.transfer(message())
        assert connection.is_open
        told = asyncio.Event()
        connection.on_end(told.set)
        go.set()
        await asyncio.wait_for(told.wait(), 5)
        assert not connection.is_open
        (outcome,) = await connection.transfer(message())
        assert brief(outcome) == ("Transient", "session", "mail")
        assert isinstance(outcome, Transient)
        assert outcome.again is Again.GONE
        assert connection.transfers == 1  # the second was none
        await connection.close()


@pytest.mark.parametrize(
    ("says", "again"),
    [
        (b"", Again.GONE),
        (b"421 4.3.2 closing\r\n", Again.GONE),
        (b"421 4.7.0 too much of you\r\n", None),  # it would say so again
        (b"250 ok\r\n", None),  # it was there, and is to be counted
    ],
)
async def test_an_old_session_that_ends_before_any_answer_was_gone(
    says: bytes, again: Again | None
) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL, "CHUNKING")
        while not (await talk.hear()).startswith(b"BDAT"):
            pass
        await talk.hear_octets(len(HEADER) + 7)
        talk.say(b"250 ok\r\n250 ok\r\n250 taken\r\n")
        await talk.hear()
        talk.say(says)
        await talk.writer.drain()
        talk.writer.close()

    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port).opened()
        assert isinstance((await connection.transfer(message()))[0], Taken)
        (outcome,) = await connection.transfer(message())
        assert isinstance(outcome, Transient)
        assert outcome.attempt.stage != "final_dot"  # no content met a closed socket
        assert outcome.again is again
        await connection.close()


async def test_close_is_bounded_by_quit_s() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear()
        await asyncio.sleep(5)

    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port, quit_s=SHORT).opened()
        before = time.monotonic()
        await connection.close()
        assert time.monotonic() - before < 2
        assert not connection.is_open
        await connection.close()  # again does nothing
    assert peer.talks[0].lines[-1] == b"QUIT"


async def test_a_cancelled_transfer_drops_the_connection() -> None:
    reached = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.greet(*ALL)
        await talk.hear_until(b"DATA")
        reached.set()
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port).opened()
        task = asyncio.ensure_future(connection.transfer(message()))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not connection.is_open
        await connection.close()


# --- opening --------------------------------------------------------------------------------


async def test_a_refused_connection_concerns_the_host() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        result = await Client(taken.getsockname()[1]).open()
    assert isinstance(result, Transient)
    assert brief(result) == ("Transient", "site", "connect")
    assert "refused" in result.attempt.text.lower()


async def test_the_bind_address_is_the_source() -> None:
    seen = []

    async def script(talk: Talk) -> None:
        seen.append(talk.writer.get_extra_info("peername")[0])
        await talk.greet(*ALL)
        await talk.until_closed()

    path = EgressPath(source="ip2", bind_address="127.0.0.2", ehlo="client.example")
    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port).open(path=path)
        assert isinstance(connection, SmtpConnection)
        await connection.close()
    assert seen == ["127.0.0.2"]


@pytest.mark.parametrize("bind", ["192.0.2.1", "::1"])
async def test_a_source_address_that_cannot_be_used_is_an_outcome(bind: str) -> None:
    path = EgressPath(source="ip2", bind_address=bind, ehlo="client.example")
    async with ScriptedPeer(lambda talk: talk.greet(*ALL)) as peer:
        result = await Client(peer.port).open(path=path)
    assert isinstance(result, Transient)
    assert result.attempt.stage == "connect"
    if bind != "::1":  # host_search leaves out what is of the other family
        assert f"our source address {bind} cannot be used" in result.attempt.text
        assert result.source_failed


async def test_an_ehlo_name_of_ours_that_is_none_never_gets_out_s9() -> None:
    path = EgressPath(source="ip1", bind_address=None, ehlo="x\r\nMAIL FROM:<a@b>")
    async with ScriptedPeer(lambda talk: talk.greet(*ALL)) as peer:
        result = await Client(peer.port).open(path=path)
        assert isinstance(result, Transient)
        assert peer.talks == []


async def test_what_a_peer_says_is_cleaned_before_it_is_kept_s11() -> None:
    async def script(talk: Talk) -> None:
        talk.say(b"554 \x1b[2Jno\x00\x07" + b"x" * 1900 + b"\r\n")
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        result = await Client(peer.port).open()
    assert isinstance(result, Transient)
    assert result.attempt.text.isprintable()
    assert len(result.attempt.text) <= 1000


# --- TLS ------------------------------------------------------------------------------------

OPPORTUNISTIC = TlsPolicy()
REQUIRED = TlsPolicy(mode="required")
VERIFY = TlsPolicy(mode="verify")


def secure(certificates: Certificates) -> Script:
    async def script(talk: Talk) -> None:
        await talk.greet("STARTTLS", "PIPELINING")
        await talk.start_tls(certificates.server)
        await talk.answer_ehlo(*ALL)
        await accept_one(talk)
        await talk.until_closed()

    return script


async def in_the_clear(talk: Talk) -> None:
    await talk.greet("STARTTLS", *ALL)
    await accept_one(talk)
    await talk.until_closed()


@pytest.mark.parametrize("tls", [OPPORTUNISTIC, REQUIRED, VERIFY])
async def test_tls_is_used_where_it_is_offered_with_the_mx_name_d6(
    certificates: Certificates, tls: TlsPolicy
) -> None:
    certificates.asked.clear()
    async with ScriptedPeer(secure(certificates)) as peer:
        connection = await Client(peer.port, ca_file=certificates.ca_file).opened(tls)
        (outcome,) = await connection.transfer(message())
        await connection.close()
    assert isinstance(outcome, Taken)
    assert outcome.attempt.tls == "TLSv1.3"
    assert outcome.attempt.tls_cipher.startswith("TLS_")
    assert outcome.attempt.tls_verified == (tls == VERIFY)
    assert certificates.asked == ["mx.example"]
    assert peer.talks[0].lines.count(b"EHLO client.example") == 2  # again after the handshake


async def test_a_large_message_goes_through_tls(certificates: Certificates) -> None:
    async with ScriptedPeer(secure(certificates)) as peer:
        connection = await Client(peer.port).opened(REQUIRED)
        (outcome,) = await connection.transfer(message(body=b"x\r\n" * JOINED_OCTETS))
        await connection.close()
    assert isinstance(outcome, Taken)


async def test_the_policys_name_is_asked_for_and_verified_d6(certificates: Certificates) -> None:
    certificates.asked.clear()
    tls = TlsPolicy(mode="verify", server_name="other.example")
    async with ScriptedPeer(secure(certificates)) as peer:
        connection = await Client(peer.port, ca_file=certificates.ca_file).opened(tls)
        await connection.close()
    assert certificates.asked == ["other.example"]


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_that_does_not_verify_means_no_delivery_d6(
    certificates: Certificates, trusted: bool
) -> None:
    tls = TlsPolicy(mode="verify", server_name="wrong.example") if trusted else VERIFY
    async with ScriptedPeer(secure(certificates)) as peer:
        client = Client(peer.port, ca_file=certificates.ca_file if trusted else None)
        result = await client.open(tls)
    assert isinstance(result, Transient)
    assert brief(result) == ("Transient", "session", "starttls")
    assert "certificate" in result.attempt.text
    assert len(peer.talks) == 1  # never again in the clear
    assert client.experience.tls.find_reason("mx.example", "127.0.0.1") is None


async def test_an_expired_certificate_still_encrypts_where_nothing_is_demanded(
    tmp_path: Path,
) -> None:
    expired = Certificates(tmp_path, "mx.example", days=-1)
    async with ScriptedPeer(secure(expired)) as peer:
        connection = await Client(peer.port).opened(OPPORTUNISTIC)
        (outcome,) = await connection.transfer(message())
        await connection.close()
    assert outcome.attempt.tls == "TLSv1.3"


async def rubbish_for_hello(talk: Talk) -> None:
    await talk.greet("STARTTLS")
    await talk.hear()
    talk.say(b"220 go\r\n")
    await talk.writer.drain()
    await talk.hear_octets(1)  # of the client's hello
    talk.say(b"this is no TLS record\r\n")
    await talk.until_closed()


async def gone_at_hello(talk: Talk) -> None:
    await talk.greet("STARTTLS")
    await talk.hear()
    talk.say(b"220 go\r\n")
    await talk.hear_octets(1)
    talk.drop()


async def silent_at_hello(talk: Talk) -> None:
    await talk.greet("STARTTLS")
    await talk.hear()
    talk.say(b"220 go\r\n")
    await talk.until_closed()


BROKEN = [rubbish_for_hello, gone_at_hello, silent_at_hello]


@pytest.mark.parametrize("broken", BROKEN)
async def test_broken_tls_is_done_without_once_and_remembered_d6(broken: Script) -> None:
    async with ScriptedPeer(broken, in_the_clear) as peer:
        client = Client(peer.port, tls_handshake_s=0.4)
        for _ in range(2):
            connection = await client.opened(OPPORTUNISTIC)
            (outcome,) = await connection.transfer(message())
            assert isinstance(outcome, Taken)
            assert outcome.attempt.tls == ""
            reason = outcome.attempt.tls_skipped
            assert reason.startswith("TLS handshake")
            assert f"TLS is done without: {reason}" in opening_of(connection)
            await connection.close()
    assert len(peer.talks) == 3  # TLS is tried once in all
    assert not any(b"STARTTLS" in talk.lines for talk in peer.talks[1:])


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("tls", [REQUIRED, VERIFY])
async def test_broken_tls_means_no_delivery_where_it_is_demanded_d6(
    broken: Script, tls: TlsPolicy
) -> None:
    async with ScriptedPeer(broken, in_the_clear) as peer:
        client = Client(peer.port, tls_handshake_s=0.4)
        result = await client.open(tls)
    assert isinstance(result, Transient)
    assert result.attempt.stage == "starttls"
    assert len(peer.talks) == 1


async def test_the_memory_of_broken_tls_never_weakens_a_policy_d6(
    certificates: Certificates,
) -> None:
    async with ScriptedPeer(secure(certificates)) as peer:
        client = Client(peer.port)
        client.experience.tls.broke("mx.example", "127.0.0.1", "it failed")
        connection = await client.opened(REQUIRED)
        (outcome,) = await connection.transfer(message())
        await connection.close()
    assert outcome.attempt.tls == "TLSv1.3"


async def test_a_peer_that_falls_over_after_the_handshake_is_tried_in_the_clear(
    certificates: Certificates,
) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("STARTTLS")
        await talk.start_tls(certificates.server)
        await talk.hear()
        talk.drop()

    async with ScriptedPeer(script, in_the_clear) as peer:
        connection = await Client(peer.port).opened(OPPORTUNISTIC)
        await connection.close()
    assert len(peer.talks) == 2


@pytest.mark.parametrize("tls", [OPPORTUNISTIC, REQUIRED])
async def test_a_starttls_that_is_taken_back_is_missed_only_where_it_is_demanded(
    tls: TlsPolicy,
) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("STARTTLS", *ALL)
        assert await talk.hear() == b"STARTTLS"
        talk.say(b"454 4.7.0 not now\r\n")
        await accept_one(talk)
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        result = await Client(peer.port).open(tls)
        if tls is REQUIRED:
            assert isinstance(result, Transient)
            assert brief(result) == ("Transient", "session", "starttls")
        else:
            assert isinstance(result, SmtpConnection)
            (outcome,) = await result.transfer(message())
            assert isinstance(outcome, Taken)
            await result.close()


async def test_a_host_without_tls_is_not_used_where_it_is_demanded_d6() -> None:
    async with ScriptedPeer(lambda talk: talk.greet(*ALL)) as peer:
        result = await Client(peer.port).open(REQUIRED)
    assert isinstance(result, Transient)
    assert (result.attempt.stage, result.attempt.enhanced) == ("starttls", "4.7.4")


@pytest.mark.parametrize("together", [True, False])
async def test_replies_injected_before_the_handshake_are_dropped_s3(
    certificates: Certificates, together: bool
) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("STARTTLS")
        assert await talk.hear() == b"STARTTLS"
        talk.say(b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n" if together else b"220 go\r\n")
        await talk.writer.start_tls(certificates.server)
        await talk.answer_ehlo("DSN", "PIPELINING")
        await accept_one(talk)
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        connection = await Client(peer.port).opened(REQUIRED)
        assert connection.offers_dsn
        (outcome,) = await connection.transfer(message())
        assert isinstance(outcome, Taken)
        await connection.close()


async def test_implicit_tls_speaks_smtp_inside(certificates: Certificates) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = Talk(reader, writer)
        await talk.greet(*ALL)
        await accept_one(talk)
        assert await talk.hear() == b"QUIT"
        talk.say(b"221 bye\r\n")
        await talk.writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificates.server)
    async with server:
        client = Client(server.sockets[0].getsockname()[1], ca_file=certificates.ca_file)
        connection = await client.opened(TlsPolicy(mode="implicit", server_name="mx.example"))
        (outcome,) = await connection.transfer(message())
        await connection.close()
    assert isinstance(outcome, Taken)
    assert outcome.attempt.tls == "TLSv1.3"


async def test_implicit_tls_with_a_peer_that_speaks_in_the_clear_is_an_outcome() -> None:
    async with ScriptedPeer(lambda talk: talk.greet(*ALL)) as peer:
        result = await Client(peer.port, tls_handshake_s=0.5).open(TlsPolicy(mode="implicit"))
    assert isinstance(result, Transient)
    assert result.scope is Scope.SITE
