"""``postmaster trace`` and the dialogue below it, against scripted peers."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from angarium.cli.trace.command import trace
from angarium.cli.trace.dialogue import Dialogue, Line
from tests.mta.transport.scripted_peer import Certificates, Script, ScriptedPeer, Talk


@contextmanager
def serving(*scripts: Script) -> Iterator[ScriptedPeer]:
    """A scripted peer in a loop of its own: the command runs one too."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    peer = ScriptedPeer(*scripts)

    def run(coroutine: object) -> object:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)  # type: ignore[arg-type]

    run(peer.__aenter__())
    try:
        yield peer
    finally:
        run(peer.__aexit__())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "angarium.toml"
    file.write_text(f'[server]\nhostname = "mta.example.com"\ndata_dir = "{tmp_path}"\n')
    return file


def run(config: Path, *arguments: str) -> tuple[int, str]:
    command = [*arguments, "--config", str(config), "--timeout", "5"]
    result = CliRunner().invoke(trace, command, standalone_mode=False)
    code = result.return_value
    if result.exception is not None:
        code = getattr(result.exception, "exit_code", None)
        assert isinstance(code, int), result.exception
    return code, result.output


async def answer_probe(talk: Talk, rcpt: bytes = b"250 ok\r\n") -> None:
    while (line := await talk.hear()) != b"QUIT":
        talk.say(rcpt if line.startswith(b"RCPT") else b"250 ok\r\n")
    talk.say(b"221 bye\r\n")


@pytest.mark.parametrize(
    ("rcpt", "code"), [(b"250 ok\r\n", 0), (b"450 later\r\n", 75), (b"550 no\r\n", 69)]
)
def test_a_recipient_is_probed_and_nothing_is_sent(config: Path, rcpt: bytes, code: int) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("SIZE 1000")
        await answer_probe(talk, rcpt)

    with serving(script) as peer:
        found, output = run(
            config, f"127.0.0.1:{peer.port}", "--from", "a@b.example", "--to", "c@d.example"
        )
    assert found == code
    assert peer.talks[0].lines == [
        b"EHLO mta.example.com",
        b"MAIL FROM:<a@b.example>",
        b"RCPT TO:<c@d.example>",
        b"RSET",
        b"QUIT",
    ]
    assert "--> MAIL FROM:<a@b.example>" in output
    assert "<-- 250-mx.example" in output


def test_an_address_may_be_written_bare_or_as_a_literal(config: Path) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("SIZE 1000")
        await answer_probe(talk)

    with serving(script) as peer:
        with config.open("a") as file:
            file.write(f"[delivery]\nport = {peer.port}\n")
        for target in ("127.0.0.1", "[127.0.0.1]", "u@[127.0.0.1]"):
            code, text = run(config, target)
            assert code == 0, text
            assert "connecting to 127.0.0.1" in text
    code, text = run(config, "::1")
    assert code == 69
    assert "Connection refused" in text


def test_a_smart_host_with_implicit_tls_is_greeted_under_tls(config: Path) -> None:
    with config.open("a") as file:
        file.write('[[route]]\ndomain = "*"\nvia = "smtps://127.0.0.1:9"\n')
    code, text = run(config, "routed.test")
    assert code == 69
    assert "with TLS" in text


def test_json_is_one_object_per_line(config: Path) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet()
        await answer_probe(talk)

    with serving(script) as peer:
        code, output = run(config, f"127.0.0.1:{peer.port}", "--json")
    assert code == 0
    lines = [json.loads(line) for line in output.splitlines()]
    assert {line["direction"] for line in lines} == {">", "<", "*"}
    assert {"at_ms", "direction", "text"} == set(lines[0])


def test_tls_is_shown_with_its_certificate(config: Path, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path, "mx.example")

    async def script(talk: Talk) -> None:
        await talk.greet("STARTTLS")
        await talk.start_tls(certificates.server)
        await talk.answer_ehlo()
        await answer_probe(talk)

    with serving(script) as peer:
        code, output = run(config, f"127.0.0.1:{peer.port}", "--starttls")
    assert code == 0
    assert "TLSv1.3" in output
    assert "certificate of CN=mx.example" in output
    assert "names: mx.example" in output


def test_without_tls_where_it_was_asked_for_the_trace_fails(config: Path) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet()
        await answer_probe(talk)

    with serving(script) as peer:
        code, output = run(config, f"127.0.0.1:{peer.port}", "--starttls")
    assert code == 69
    assert "STARTTLS is not offered" in output


def test_no_tls_stays_in_the_clear(config: Path) -> None:
    async def script(talk: Talk) -> None:
        await talk.greet("STARTTLS")
        await answer_probe(talk)

    with serving(script) as peer:
        code, _ = run(config, f"127.0.0.1:{peer.port}", "--no-tls")
    assert code == 0
    assert b"STARTTLS" not in peer.talks[0].lines


def test_what_the_peer_says_is_shown_without_controls_c7(config: Path) -> None:
    async def script(talk: Talk) -> None:
        talk.say(b"554 \x1b[2J\x07go away\r\n")
        await talk.until_closed()

    with serving(script) as peer:
        code, output = run(config, f"127.0.0.1:{peer.port}")
    assert code == 69
    assert "\x1b" not in output
    assert "go away" in output


@pytest.mark.parametrize("octets", [b"rubbish\r\n", b"", b"x" * 9000])
def test_a_peer_that_speaks_no_smtp_is_told_of(config: Path, octets: bytes) -> None:
    async def script(talk: Talk) -> None:
        talk.say(octets)
        await talk.writer.drain()
        talk.writer.close()

    with serving(script) as peer:
        code, _ = run(config, f"127.0.0.1:{peer.port}")
    assert code == 69


def test_an_address_that_would_break_out_is_refused_s9(config: Path) -> None:
    code, _ = run(config, "127.0.0.1:1", "--to", "a@b>\r\nDATA")
    assert code == 64


def test_a_configuration_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="cannot be read"):
        run(tmp_path / "absent.toml", "127.0.0.1:1")


async def test_a_login_is_not_shown() -> None:
    shown: list[Line] = []

    async def script(talk: Talk) -> None:
        await talk.hear()
        talk.say(b"235 ok\r\n")
        await talk.until_closed()

    async with ScriptedPeer(script) as peer:
        dialogue = Dialogue(shown.append, 5)
        await dialogue.connect("127.0.0.1", peer.port, None, "mx.example")
        await dialogue.command("AUTH PLAIN AGpvZQBzZWNyZXQ=")
        await dialogue.close(quit_first=False)
    assert [line.text for line in shown if line.direction == ">"] == ["AUTH PLAIN [redacted]"]
