"""``postmaster send`` against scripted peers."""

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from angarium.cli.exit import EX_NOINPUT, EX_USAGE
from angarium.cli.send import send
from tests.cli.trace.test_command import serving
from tests.mta.transport.scripted_peer import Talk

BASE = ["--from", "a@example.org", "--to", "b@example.net", "--timeout", "5"]


def run(*arguments: str, stdin: str | bytes = b"") -> tuple[int, Result]:
    result = CliRunner().invoke(send, [*BASE, *arguments], standalone_mode=False, input=stdin)
    code = result.return_value
    if result.exception is not None:
        code = getattr(result.exception, "exit_code", None)
        assert isinstance(code, int), result.exception
    return code, result


class Sink:
    """Takes one message and answers it as told."""

    def __init__(
        self,
        *extensions: str,
        rcpt: bytes = b"250 ok\r\n",
        final: bytes = b"250 2.0.0 queued as X1\r\n",
    ):
        self.extensions = extensions
        self.rcpt = rcpt
        self.final = final
        self.content = b""

    async def __call__(self, talk: Talk) -> None:
        await talk.greet(*self.extensions)
        while (line := await talk.hear()) != b"QUIT":
            if line == b"DATA":
                talk.say(b"354 go\r\n")
                self.content = await talk.hear_content()
                talk.say(self.final)
            elif line.startswith(b"AUTH"):
                talk.say(b"235 ok\r\n" if line.endswith(b"AGpvZQBzZWNyZXQ=") else b"535 no\r\n")
            else:
                talk.say(self.rcpt if line.startswith(b"RCPT") else b"250 ok\r\n")
        talk.say(b"221 bye\r\n")


def test_a_message_is_sent_and_the_reply_with_its_id_is_shown() -> None:
    sink = Sink()
    with serving(sink) as peer:
        code, result = run(
            "--server", f"127.0.0.1:{peer.port}", "--subject", "grüße", "--body", "hi\nyou"
        )
    assert code == 0
    assert "queued as X1" in result.output
    message = message_from_bytes(sink.content)
    assert (message["From"], message["To"]) == ("a@example.org", "b@example.net")
    assert message["Date"]
    assert b"\n" not in sink.content.replace(b"\r\n", b"")


def test_a_file_goes_as_it_is_with_crlf(tmp_path: Path) -> None:
    file = tmp_path / "message.eml"
    file.write_bytes(b"Subject: x\n\n.dot\r\nlast\n")
    sink = Sink()
    with serving(sink) as peer:
        code, _ = run("--server", f"127.0.0.1:{peer.port}", "--file", str(file))
    assert code == 0
    assert sink.content == b"Subject: x\r\n\r\n..dot\r\nlast\r\n"


def test_a_message_may_come_from_stdin() -> None:
    sink = Sink()
    with serving(sink) as peer:
        code, _ = run("--server", f"127.0.0.1:{peer.port}", "--file", "-", stdin=b"A: b\n\nhi\n")
    assert code == 0
    assert sink.content == b"A: b\r\n\r\nhi\r\n"


def test_a_user_logs_in() -> None:
    sink = Sink("AUTH PLAIN")
    with serving(sink) as peer:
        at = f"127.0.0.1:{peer.port}"
        code, _ = run(
            "--server", at, "--body", "x", "--user", "joe", "--password-stdin", stdin="secret\n"
        )
        assert code == 0
        code, result = run(
            "--server", at, "--body", "x", "--user", "joe", "--password-stdin", stdin="wr0ng\n"
        )
        assert code == 77
    assert "wr0ng" not in result.output


@pytest.mark.parametrize(
    ("rcpt", "final", "code"),
    [
        (b"550 5.1.1 no\r\n", b"", 69),
        (b"450 4.2.0 later\r\n", b"", 75),
        (b"250 ok\r\n", b"554 5.6.0 no\r\n", 69),
        (b"250 ok\r\n", b"452 4.3.1 disk\r\n", 75),
    ],
)
def test_a_refusal_is_an_exit_code(rcpt: bytes, final: bytes, code: int) -> None:
    with serving(Sink(rcpt=rcpt, final=final)) as peer:
        found, _ = run("--server", f"127.0.0.1:{peer.port}", "--body", "x")
    assert found == code


def test_no_server_is_a_temporary_failure() -> None:
    assert run("--server", "127.0.0.1:1", "--body", "x")[0] == 75


def test_the_first_submission_listener_is_the_default(tmp_path: Path) -> None:
    sink = Sink()
    with serving(sink) as peer:
        config = tmp_path / "angarium.toml"
        config.write_text(
            f'[server]\nhostname = "mta.example.com"\ndata_dir = "{tmp_path}"\n'
            f'[[listener]]\nkind = "submission"\naddress = "0.0.0.0:{peer.port}"\n'
            'auth = "trusted"\ntrusted_networks = ["127.0.0.0/8"]\n'
        )
        code, _ = run("--config", str(config), "--body", "x")
    assert code == 0
    assert sink.content


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--body", "x", "--file", "y"],
        ["--body", "x", "--to", "a@b>\r\nDATA"],
        ["--body", "x", "--server", "::1"],
        ["--file", "-", "--password-stdin"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments: list[str]) -> None:
    assert run(*arguments)[0] == 64


def test_a_line_break_in_a_field_is_refused_c1() -> None:
    assert run("--server", "127.0.0.1:1", "--body", "x", "--subject", "a\r\nBcc: x@y")[0] == 65


def test_a_file_that_is_not_there_is_no_input(tmp_path: Path) -> None:
    assert run("--server", "127.0.0.1:1", "--file", str(tmp_path / "none"))[0] == 66


def test_html_and_files_go_along(tmp_path: Path) -> None:
    page, report = tmp_path / "page.html", tmp_path / "Übersicht.pdf"
    page.write_text("<p>Grüße</p>\n", encoding="utf-8")
    report.write_bytes(b"%PDF-1.7\n\x00\xff")
    sink = Sink()
    with serving(sink) as peer:
        more = ("--body", "Hello", "--html", str(page), "--attach", str(report))
        code, _ = run("--server", f"127.0.0.1:{peer.port}", *more)
    assert code == 0
    message = message_from_bytes(sink.content, policy=default)
    parts = [each for each in message.walk() if not each.is_multipart()]
    assert [each.get_content_type() for each in parts] == [
        *("text/plain", "text/html", "application/pdf"),
    ]
    assert parts[1].get_payload(decode=True) == "<p>Grüße</p>\r\n".encode()
    assert parts[2].get_payload(decode=True) == report.read_bytes()
    assert parts[2].get_filename() == "Übersicht.pdf"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--html", "/nonexistent.html"), EX_NOINPUT),
        (("--body", "x", "--attach", "/nonexistent.pdf"), EX_NOINPUT),
        (("--file", "-", "--attach", "x"), EX_USAGE),
        (("--file", "-", "--html", "x"), EX_USAGE),
    ],
)
def test_what_cannot_go_along_is_told(more: tuple[str, ...], code: int) -> None:
    assert run("--server", "127.0.0.1:9", *more)[0] == code
