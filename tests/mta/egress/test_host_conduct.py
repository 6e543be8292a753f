"""Hosts that break on what they offer: their mail goes otherwise, at once, and is never refused for what we did."""

import asyncio
from collections.abc import Sequence

import pytest

from angarium.mta.transport.outcome import Outcome, Permanent, Taken, Transient
from angarium.mta.transport.remedy import Remedy
from angarium.mta.transport.transfer import TlsPolicy
from angarium.queue import DueHead
from tests.mta.egress.fakes import head as head_of
from tests.mta.egress.real_sessions import Rig
from tests.mta.transport.scripted_peer import Certificates, Script, ScriptedPeer, Talk

OPPORTUNISTIC = TlsPolicy()
STARTTLS_FIRST = b"530 5.7.0 Must issue a STARTTLS command first\r\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"), "mx.example")


async def dialogue(talk: Talk, refused_at: bytes = b"", reply: bytes = b"") -> None:
    """Transactions, command by command; each command that begins so is refused."""
    is_refused = False
    while (line := await talk.hear()) != b"QUIT":
        if refused_at and line.startswith(refused_at):
            is_refused = True
            talk.say(reply)
        elif is_refused and line == b"DATA":
            talk.say(b"503 5.5.1 no recipients\r\n")
        elif line.startswith(b"BDAT"):
            await talk.hear_octets(int(line.split()[1]))
            talk.say(b"250 2.0.0 taken\r\n")
        elif line == b"DATA":
            talk.say(b"354 go\r\n")
            await talk.hear_content()
            talk.say(b"250 2.0.0 taken\r\n")
        else:
            talk.say(b"250 ok\r\n")


async def broken_handshake(talk: Talk) -> None:
    await talk.greet("STARTTLS")
    assert await talk.hear() == b"STARTTLS"
    talk.say(b"220 go\r\n")
    await talk.hear_octets(1)
    talk.say(b"this is no TLS record\r\n")
    await talk.until_closed()


async def taken_back(talk: Talk) -> None:
    await talk.greet("STARTTLS")
    assert await talk.hear() == b"STARTTLS"
    talk.say(b"454 4.7.0 not now\r\n")
    await dialogue(talk, b"MAIL", STARTTLS_FIRST)


def demanding(at: bytes, *extensions: str, reply: bytes = STARTTLS_FIRST) -> Script:
    async def script(talk: Talk) -> None:
        await talk.greet("STARTTLS", *extensions)
        await dialogue(talk, at, reply)

    return script


def secure(certificates: Certificates, *extensions: str) -> Script:
    async def script(talk: Talk) -> None:
        await talk.greet("STARTTLS")
        await talk.start_tls(certificates.server)
        await talk.answer_ehlo(*extensions or ("8BITMIME",))
        await dialogue(talk)

    return script


async def one(rig: Rig, number: int = 1) -> Outcome:
    (outcome,) = await rig.deliver(range(number, number + 1))
    return outcome


def reason_of(rig: Rig) -> str | None:
    return rig.experience.tls.find_reason("mx", "127.0.0.1")


# --- TLS that was skipped and is demanded


@pytest.mark.parametrize("at", [b"MAIL", b"RCPT", b"DATA"])
@pytest.mark.parametrize("pipelining", [[], ["PIPELINING"]])
async def test_a_host_that_demands_the_tls_that_broke_once_gets_it_at_once(
    certificates: Certificates, at: bytes, pipelining: list[str]
) -> None:
    clear = demanding(at, *pipelining)
    async with ScriptedPeer(broken_handshake, clear, secure(certificates)) as peer:
        rig = Rig(peer.port, OPPORTUNISTIC, connections=1)
        outcome = await one(rig)
        assert isinstance(outcome, Taken)
        assert outcome.attempt.tls
        assert reason_of(rig) is None
        assert len(peer.talks) == 3
        assert isinstance(await one(rig, 2), Taken)
        await rig.end()


async def test_a_starttls_that_was_taken_back_once_is_asked_for_again(
    certificates: Certificates,
) -> None:
    async with ScriptedPeer(taken_back, secure(certificates)) as peer:
        rig = Rig(peer.port, OPPORTUNISTIC, connections=1)
        outcome = await one(rig)
        assert isinstance(outcome, Taken)
        assert outcome.attempt.tls
        await rig.end()


@pytest.mark.parametrize("first", [broken_handshake, taken_back])
async def test_tls_that_is_demanded_and_stays_broken_defers_and_says_so(first: Script) -> None:
    scripts = [first, *([demanding(b"MAIL")] if first is broken_handshake else [])]
    async with ScriptedPeer(*scripts, broken_handshake) as peer:
        rig = Rig(peer.port, OPPORTUNISTIC, connections=1)
        outcome = await one(rig)
        assert isinstance(outcome, Transient)
        assert outcome.attempt.stage == "starttls"
        assert "TLS handshake" in outcome.attempt.text
        assert len(peer.talks) == len(scripts) + 1  # and never in the clear again
        await rig.end()


@pytest.mark.parametrize("reply", [STARTTLS_FIRST, b"550 5.7.10 Encryption needed\r\n"])
async def test_tls_that_is_switched_off_and_demanded_waits_for_the_operator(reply: bytes) -> None:
    async with ScriptedPeer(demanding(b"MAIL", reply=reply)) as peer:
        rig = Rig(peer.port, connections=1)
        outcome = await one(rig)
        assert isinstance(outcome, Transient)
        assert outcome.attempt.code == int(reply[:3])
        assert outcome.attempt.tls_skipped == "it is switched off"
        assert len(peer.talks) == 1
        await rig.end()


async def test_where_no_tls_is_offered_a_530_stands() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("8BITMIME")
        await dialogue(talk, b"MAIL", b"530 5.7.0 Authentication required\r\n")

    async with ScriptedPeer(script) as peer:
        rig = Rig(peer.port, OPPORTUNISTIC)
        assert isinstance(await one(rig), Permanent)
        await rig.end()


async def test_each_attempt_in_the_clear_says_why_it_was() -> None:
    async with ScriptedPeer(broken_handshake, demanding(b"never")) as peer:
        rig = Rig(peer.port, OPPORTUNISTIC, connections=1, idle_s=0.0)
        for number in (1, 2):
            outcome = await one(rig, number)
            assert isinstance(outcome, Taken)
            assert outcome.attempt.tls_skipped.startswith("TLS handshake: ")
        assert outcome.attempt.tls == ""
        await rig.end()


# --- TLS that dies behind the handshake


def dies_at(certificates: Certificates, at: bytes, *extensions: str) -> Script:
    """Under TLS; in the clear it is well."""

    async def script(talk: Talk) -> None:
        await talk.greet("STARTTLS", *extensions)
        line = await talk.hear()
        if line != b"STARTTLS":
            talk.say(b"250 ok\r\n")
            await dialogue(talk)
            return
        talk.say(b"220 go\r\n")
        await talk.writer.start_tls(certificates.server)
        if at == b"EHLO":
            await talk.hear()
            talk.drop()
            return
        await talk.answer_ehlo(*extensions or ("8BITMIME",))
        while not (await talk.hear()).startswith(at):
            talk.say(b"250 ok\r\n")
        talk.drop()

    return script


@pytest.mark.parametrize("at", [b"EHLO", b"MAIL", b"DATA"])
@pytest.mark.parametrize("extensions", [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]])
async def test_tls_that_dies_behind_the_handshake_gives_way_to_the_clear(
    certificates: Certificates, at: bytes, extensions: list[str]
) -> None:
    if at == b"DATA" and "CHUNKING" in extensions:
        at = b"BDAT"
    async with ScriptedPeer(dies_at(certificates, at, *extensions)) as peer:
        rig = Rig(peer.port, OPPORTUNISTIC, connections=1)
        outcome, attempts = await one(rig), 1
        while not isinstance(outcome, Taken):
            assert isinstance(outcome, Transient)
            attempts += 1
            assert attempts <= 4
            outcome = await one(rig, attempts)
        assert outcome.attempt.tls == ""
        assert outcome.attempt.tls_skipped
        await rig.end()


async def test_a_policy_that_demands_tls_never_gives_way_d6(certificates: Certificates) -> None:
    async with ScriptedPeer(dies_at(certificates, b"MAIL")) as peer:
        rig = Rig(peer.port, TlsPolicy(mode="required"), connections=1)
        for number in range(1, 4):
            outcome = await one(rig, number)
            assert isinstance(outcome, Transient)
            assert outcome.attempt.tls
        assert not any(line.startswith(b"MAIL") for talk in peer.talks for line in talk.lines[:2])
        assert reason_of(rig) is None
        await rig.end()


# --- extensions


def remedies(rig: Rig) -> frozenset[Remedy]:
    return rig.experience.remedies.find("mx", "127.0.0.1") or frozenset()


@pytest.mark.parametrize("code", [500, 501, 502, 503])
@pytest.mark.parametrize("pipelining", [[], ["PIPELINING"]])
async def test_a_host_that_does_not_know_the_bdat_that_it_offers_gets_data_at_once(
    code: int, pipelining: list[str]
) -> None:
    refusal = b"%d 5.5.1 what\r\n" % code

    async def script(talk: Talk) -> None:
        await talk.greet("CHUNKING", *pipelining)
        while (line := await talk.hear()) != b"DATA":
            # Each line of the content is a command to it, too
            talk.say(b"250 ok\r\n" if line[:4] in (b"MAIL", b"RCPT") else refusal)
        talk.say(b"354 go\r\n")
        await talk.hear_content()
        talk.say(b"250 2.0.0 taken\r\n")
        await dialogue(talk)

    async with ScriptedPeer(script) as peer:
        rig = Rig(peer.port, connections=1)
        assert isinstance(await one(rig), Taken)
        assert isinstance(await one(rig, 2), Taken)
        assert len(peer.talks) == 2
        assert remedies(rig) == {Remedy.WITHOUT_CHUNKING}
        await rig.end()


async def test_a_loss_at_bdat_is_in_doubt_and_the_next_attempt_uses_data() -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("CHUNKING", "PIPELINING")
        while (line := await talk.hear()) != b"DATA":
            if line.startswith(b"BDAT"):
                talk.drop()
                return
        talk.say(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await talk.hear_content()
        talk.say(b"250 2.0.0 taken\r\n")
        await dialogue(talk)

    async with ScriptedPeer(script) as peer:
        rig = Rig(peer.port, connections=1)
        lost = await one(rig)
        assert isinstance(lost, Transient)
        assert (lost.attempt.stage, lost.attempt.code) == ("final_dot", 0)  # not again at once
        assert len(peer.talks) == 1
        assert isinstance(await one(rig, 2), Taken)
        await rig.end()


@pytest.mark.parametrize("how", ["hangs up", "503", "garbled", "silent"])
async def test_a_host_that_breaks_on_pipelined_commands_gets_them_one_by_one(how: str) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("PIPELINING")
        line = await talk.hear()
        try:
            async with asyncio.timeout(0.1):
                await talk.hear_octets(1)  # before its reply
        except TimeoutError:
            talk.say(b"250 ok\r\n")
            await dialogue(talk)
            return
        assert line.startswith(b"MAIL")
        match how:
            case "hangs up":
                talk.drop()
            case "503":
                talk.say(b"250 ok\r\n503 5.5.1 need MAIL\r\n503 5.5.1 need RCPT\r\n")
            case "garbled":
                talk.say(b"250 ok\r\nwhat\r\n")
            case _:
                talk.say(b"250 ok\r\n")  # it threw the rest away
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        rig = Rig(peer.port, connections=1)
        if how == "silent":
            rig.connector._limits = dict(rig.connector._limits) | {"rcpt": 0.3}
            assert isinstance(await one(rig), Transient)
        assert isinstance(await one(rig, 2), Taken)
        assert isinstance(await one(rig, 3), Taken)
        assert remedies(rig) == {Remedy.WITHOUT_PIPELINING}
        assert len(peer.talks) == 2
        await rig.end()


@pytest.mark.parametrize(
    ("limits", "first_lines"),
    [
        ({"chunking": False}, [b"MAIL", b"RCPT", b"DATA"]),
        ({"chunking": False, "pipelining": False}, [b"MAIL"]),
        ({"pipelining": False}, [b"MAIL"]),
        ({}, [b"MAIL", b"RCPT", b"BDAT"]),
    ],
)
async def test_a_provider_may_be_spoken_to_without_extensions(
    limits: dict[str, bool], first_lines: list[bytes]
) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("PIPELINING", "CHUNKING")
        try:
            async with asyncio.timeout(0.2):
                while True:
                    line = await talk.hear()
                    if line.startswith(b"BDAT"):
                        await talk.hear_octets(int(line.split()[1]))
        except TimeoutError:
            talk.drop()

    async with ScriptedPeer(script) as peer:
        rig = Rig(peer.port, connections=1, **limits)
        await rig.deliver(range(1, 2))
        assert [line[:4] for line in peer.talks[0].lines[1:]] == first_lines  # without a reply
        await rig.end()


# --- no greeting is taken


async def nobody_is_greeted(talk: Talk) -> None:
    talk.say(b"220 hi\r\n")
    await talk.hear()
    talk.say(b"502 5.5.1 no\r\n")
    await talk.hear()
    talk.say(b"550 5.5.1 nor this\r\n")
    await talk.until_closed()


async def test_a_site_that_takes_no_greeting_refuses_for_good_and_is_asked_each_time() -> None:
    async with ScriptedPeer(nobody_is_greeted) as peer:
        rig = Rig(peer.port, connections=1)
        refused: list[Outcome] = []

        def put(heads: Sequence[DueHead], outcome: Outcome, *_: object, **__: object) -> None:
            refused.extend([outcome] * len(heads))

        rig.undeliverable.put = put  # type: ignore[method-assign]
        for number in (1, 2):
            rig.queue.push(head_of(number))
            rig.queue.kick()
            async with asyncio.timeout(20):
                while len(refused) + len(rig.clerk.outcomes) < number:
                    await asyncio.sleep(0.002)
        everyone = [*refused, *rig.clerk.outcomes]
        assert [type(each) for each in everyone] == [Permanent, Permanent]
        assert everyone[0].attempt.text == "550 5.5.1 nor this"
        assert len(peer.talks) >= 2
        await rig.end()
