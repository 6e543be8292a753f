"""``postmaster trace --watch`` and ``--watch-listener`` against a running server."""

import base64
import contextlib
import json
import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.insight.admin.client import ask_process, find_slots
from angarium.insight.admin.status import AskStatus, Status
from tests.e2e.product import TRUSTED, Product
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import TOP, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

MESSAGE = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: private\r\n\r\nprivate, too\r\n"
WITH_LOGIN = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "required"
auth_without_tls = ["127.0.0.0/8"]
"""


class Watching:
    """A running ``postmaster trace``, and the lines that it has shown."""

    def __init__(self, product: Product, *arguments: str) -> None:
        self.is_single = product.is_single
        self.is_outgoing = "--watch" in arguments
        self.data_dir = product.folder / "data"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "angarium", "-c", str(product.config)),
                *("trace", "--json", *arguments),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=product.folder,
            # A test run in the background of a shell ignores it, and so would its children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            env={**os.environ, "PYTHONPATH": str(TOP)},
        )

    def wait_until_watched(self) -> None:
        """Until each process that has such sessions knows of us."""
        role = "delivery" if self.is_outgoing else "ingress"
        processes = 1 if self.is_single or self.is_outgoing else 2
        wait_until(lambda: self.watchers(role) == [1] * processes)

    def watchers(self, role: str = "") -> list[int]:
        """Of each process."""
        answers = [
            ask_process(self.data_dir, slot, AskStatus())
            for slot in find_slots(self.data_dir, role)
        ]
        return [each.watchers for each in answers if isinstance(each, Status)]

    def lines(self) -> list[str]:
        """Return all that was shown, once it has ended, as ``session direction text``."""
        shown, told = self.process.communicate(timeout=40)
        self.told = told.decode()
        assert self.process.returncode == 0
        wait_until(lambda: not any(self.watchers()))
        lines = [json.loads(line) for line in shown.splitlines()]
        assert not [line for line in lines if line["dropped"]]
        return [f"{line['direction']} {line['text']}" for line in lines]


@pytest.fixture(params=["single", "processes"])
def is_single(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "single")


@contextlib.contextmanager
def running(folder: Path, **options: object) -> Iterator[Product]:
    product = Product(folder, **options)  # type: ignore[arg-type]
    try:
        yield product
    finally:
        product.kill()


def send(port: int, to: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("a@example.com", [to], MESSAGE)


def test_outgoing_sessions_of_a_domain_are_shown_as_they_happen(
    tmp_path: Path, is_single: bool
) -> None:
    with RecordingSink() as sink, running(tmp_path, sink=sink.port, single=is_single) as product:
        send(product.smtp[0], "early@example.net")  # nobody watches yet
        wait_until(lambda: len(sink.taken) == 1)
        watching = Watching(product, "--watch", "Example.NET.", "--sessions", "1")
        watching.wait_until_watched()
        send(product.smtp[0], "b@example.org")
        send(product.smtp[0], "b@example.net")
        lines = watching.lines()
    text = "\n".join(lines)
    assert lines[0].startswith("* host 127.0.0.1 [127.0.0.1] port ")
    assert lines[1].startswith("< 220 ")
    assert "> EHLO mx1.example.com" in lines
    assert any(line.startswith("> MAIL FROM:<a@example.com>") for line in lines)
    assert any(line.startswith("> RCPT TO:<b@example.net>") for line in lines)
    assert any(line.startswith("> <") and line.endswith(" octets>") for line in lines)
    assert lines[-1].startswith(". ")
    assert "early@" not in text
    assert "example.org" not in text
    assert "private" not in text


def test_sessions_of_a_host_are_shown_whatever_their_domain(tmp_path: Path) -> None:
    with RecordingSink() as sink, running(tmp_path, sink=sink.port) as product:
        watching = Watching(product, "--watch", "[127.0.0.1]", "--sessions", "1")
        watching.wait_until_watched()
        send(product.smtp[0], "b@example.org")
        lines = watching.lines()
    assert any(line.startswith("> RCPT TO:<b@example.org>") for line in lines)


def test_it_is_said_that_no_server_runs(tmp_path: Path) -> None:
    with running(tmp_path, listeners=TRUSTED) as product:
        product.kill()
        watching = Watching(product, "--watch", "example.net", "--for", "0.3")
        assert watching.lines() == []
        assert "no server uses" in watching.told


def test_a_session_that_cannot_be_opened_is_shown(tmp_path: Path) -> None:
    replies = {b"EHLO": b"421 4.3.2 closed for lunch"}
    with RecordingSink(replies=replies) as sink, running(tmp_path, sink=sink.port) as product:
        watching = Watching(product, "--watch", "example.net", "--sessions", "1")
        watching.wait_until_watched()
        send(product.smtp[0], "b@example.net")
        lines = watching.lines()
    assert "< 421 4.3.2 closed for lunch" in lines
    assert lines[-1].startswith(". not opened (ehlo)")


def test_incoming_sessions_of_a_listener_are_shown_without_passwords(
    tmp_path: Path, is_single: bool
) -> None:
    users = (("ann", "s3cret-word", "*"),)
    options = {"listeners": WITH_LOGIN, "users": users, "single": is_single}
    with RecordingSink() as sink, running(tmp_path, sink=sink.port, **options) as product:
        watching = Watching(product, "--watch-listener", "127.0.0.1:0", "--sessions", "2")
        watching.wait_until_watched()
        with smtplib.SMTP("127.0.0.1", product.smtp[0], timeout=20) as client:
            client.login("ann", "s3cret-word")
            client.sendmail("a@example.com", ["b@example.net"], MESSAGE)
        with smtplib.SMTP("127.0.0.1", product.smtp[0], timeout=20) as client:
            client.ehlo()
            client.docmd("AUTH", "LOGIN")
            client.docmd(base64.b64encode(b"ann").decode())
            client.docmd(base64.b64encode(b"s3cret-word").decode())
        lines = watching.lines()
    text = "\n".join(lines)
    assert lines[0] == "* client 127.0.0.1, listener 127.0.0.1:0"
    assert lines[1].startswith("> 220 mx1.example.com ")
    assert "< AUTH PLAIN <redacted>" in lines
    assert text.count("> 334 <redacted>\n< <redacted>") == 2
    assert any(line.startswith("> 250 2.0.0 Ok: queued as ") for line in lines)
    assert f"< <{len(MESSAGE) + 3} octets>" in lines
    for secret in (b"s3cret-word", b"\0ann\0s3cret-word"):
        assert base64.b64encode(secret).decode() not in text
    assert "private" not in text
    assert lines.count(". the connection has ended") == 2


def test_watching_ends_by_itself_at_ctrl_c_and_with_its_asker(tmp_path: Path) -> None:
    with running(tmp_path, listeners=TRUSTED) as product:
        timed = Watching(product, "--watch", "example.net", "--for", "0.3")
        assert timed.lines() == []
        ended = Watching(product, "--watch", "example.net")
        ended.wait_until_watched()
        ended.process.send_signal(signal.SIGINT)
        assert ended.lines() == []
        killed = Watching(product, "--watch", "example.net")
        killed.wait_until_watched()
        killed.process.kill()
        killed.process.communicate(timeout=20)
        wait_until(lambda: not any(killed.watchers()))
        answer = product.postmaster("trace", code=64)
        assert answer == ""
        product.postmaster("trace", "--watch-listener", "127.0.0.1:26", code=64)
        product.postmaster("trace", "--watch", "no domain", code=64)
        send(product.smtp[0], "b@example.net")


def test_of_a_smart_host_with_a_login_the_password_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret-word\n")
    (tmp_path / "password").chmod(0o600)
    replies = {b"AUTH": b"235 2.7.0 ok"}
    with RecordingSink(extensions=("AUTH PLAIN",), replies=replies) as sink:
        route = (
            f'[[route]]\ndomain = "*"\nvia = "smtp://ann@127.0.0.1:{sink.port}"\n'
            'password_file = "password"\n'
        )
        with running(tmp_path, routes=route) as product:
            watching = Watching(product, "--watch", "example.net", "--sessions", "1")
            watching.wait_until_watched()
            send(product.smtp[0], "b@example.net")
            lines = watching.lines()
    text = "\n".join(lines)
    assert "* logged in as ann, in the clear" in lines
    assert "> RCPT TO:<b@example.net>" in lines
    assert any(line.startswith("> <") and line.endswith(" octets>") for line in lines)
    assert lines[-1] == ". the connection has ended"
    for secret in (b"s3cret-word", b"\0ann\0s3cret-word"):
        assert base64.b64encode(secret).decode() not in text
    assert "s3cret-word" not in text
    assert "private" not in text
