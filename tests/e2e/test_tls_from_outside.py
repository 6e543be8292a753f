"""TLS of the listeners as an attacker and an operator meet it: injection, garbage, old versions, new certificates."""

import datetime
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from angarium.simulator.tls import TestAuthority
from tests.e2e.product import Product, RawClient
from tests.e2e.recording_sink import RecordingSink, wait_until

LISTENERS = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
tls = "starttls"
certificate = "{certificate}"
private_key = "{key}"

[[listener]]
kind = "submission"
address = "127.0.0.1:0"
tls = "implicit"
certificate = "{certificate}"
private_key = "{key}"
"""
USER = ("app", "a long password", "*")


class Secure:
    """A server with certificates, and where they are."""

    def __init__(self, folder: Path, sink: int) -> None:
        self.authority = TestAuthority(folder, datetime.datetime.now(datetime.UTC))
        issued = self.authority.issue("mx1.example.com")
        self.certificate, self.key = folder / "server.pem", folder / "server.key"
        shutil.copy(issued[0], self.certificate)
        shutil.copy(issued[1], self.key)
        self.key.chmod(0o600)
        place = folder / "product"
        place.mkdir()
        self.product = Product(
            place,
            listeners=LISTENERS.format(certificate=self.certificate, key=self.key),
            sink=sink,
            users=(USER,),
        )

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority.ca_file))

    def serial(self) -> int:
        with self.wrapped() as peer:
            found = peer.getpeercert()
        assert found
        return int(str(found["serialNumber"]), 16)

    def wrapped(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.product.smtp[1]), 10)
        return self.context().wrap_socket(plain, server_hostname="mx1.example.com")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    with RecordingSink() as sink:
        secure = Secure(tmp_path_factory.mktemp("tls"), sink.port)
        yield secure
        secure.product.kill()


@pytest.fixture
def secure(running: Secure) -> Iterator[Secure]:
    yield running
    with running.wrapped() as peer:
        assert peer.recv(100).startswith(b"220")
    running.product.assert_clean()


def test_what_was_injected_before_starttls_is_dropped(secure: Secure) -> None:
    """S3"""
    behind = b"EHLO evil.example\r\nMAIL FROM:<evil@example.org>\r\n"
    for injected in (b"NOOP\r\n", b"RSET\r\nNOOP\r\n", behind, b"X"):
        with RawClient(secure.product.smtp[0]) as client:
            client.say(b"EHLO c.example.org\r\n")
            client.send(b"STARTTLS\r\n" + injected)
            replies = list(client.replies())
            assert not any(each.startswith(b"220") for each in replies)
            assert len(replies) == 1


def test_after_starttls_the_session_begins_anew(secure: Secure) -> None:
    """S3: no EHLO, MAIL or login of before counts; STARTTLS is offered no more."""
    with RawClient(secure.product.smtp[0]) as client:
        assert b"STARTTLS" in client.say(b"EHLO c.example.org\r\n")
        assert b"AUTH" not in client.say(b"EHLO c.example.org\r\n")
        assert client.say(b"AUTH PLAIN AGEAYg==\r\n").startswith(b"538")
        assert client.say(b"STARTTLS x\r\n")[:1] in (b"5", b"2")
    with RawClient(secure.product.smtp[0]) as client:
        client.say(b"EHLO c.example.org\r\n")
        assert client.say(b"STARTTLS\r\n").startswith(b"220")
        client.socket = secure.context().wrap_socket(
            client.socket, server_hostname="mx1.example.com"
        )
        assert client.say(b"MAIL FROM:<a@example.org>\r\n").startswith(b"503")
        offered = client.say(b"EHLO c.example.org\r\n")
        assert b"STARTTLS" not in offered
        assert b"AUTH PLAIN LOGIN" in offered
        assert client.say(b"STARTTLS\r\n").startswith(b"503")
        assert client.say(b"MAIL FROM:<a@example.org>\r\n").startswith(b"530")


def test_garbage_for_a_handshake_ends_the_connection(secure: Secure) -> None:
    chunks = (
        b"EHLO x\r\n",
        b"\0" * 5000,
        b"\x16\x03\x01\xff\xff" + b"x" * 70_000,
        os.urandom(3000),
        b"\x16",
    )
    for garbage in chunks:
        with socket.create_connection(("127.0.0.1", secure.product.smtp[1]), 10) as peer:
            try:
                peer.sendall(garbage)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(4096):
                    pass
            except ConnectionError:
                pass
        with RawClient(secure.product.smtp[0]) as client:
            client.say(b"EHLO c.example.org\r\n")
            client.say(b"STARTTLS\r\n")
            client.send(garbage)
            client.drop()


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(
    ("version", "works"), [("tls1", 0), ("tls1_1", 0), ("tls1_2", 1), ("tls1_3", 1)]
)
def test_old_versions_of_tls_are_refused(secure: Secure, version: str, works: int) -> None:
    for port, way in (
        (secure.product.smtp[1], ()),
        (secure.product.smtp[0], ("-starttls", "smtp")),
    ):
        done = subprocess.run(
            [
                *("openssl", "s_client", "-connect", f"127.0.0.1:{port}", f"-{version}", *way),
                *("-cipher", "ALL:@SECLEVEL=0", "-servername", "mx1.example.com"),
            ],
            input=b"QUIT\r\n", capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        assert (b"BEGIN CERTIFICATE" in done.stdout) == bool(works), done.stderr


def test_the_metrics_say_when_the_certificate_ends(secure: Secure) -> None:
    certificate = x509.load_pem_x509_certificate(secure.certificate.read_bytes())
    end = certificate.not_valid_after_utc.timestamp()

    def told() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{secure.product.http}/metrics") as answer:
            text = answer.read().decode()
        name = r'^angarium_certificate_end_timestamp_seconds{listener="127.0.0.1:0"} (\S+)$'
        found = re.search(name, text, re.MULTILINE)
        return found is not None and float(found[1]) == end

    wait_until(told)


def test_a_new_certificate_is_shown_after_sighup_while_clients_come_and_go(secure: Secure) -> None:
    stop, failures = threading.Event(), []

    def load() -> None:
        while not stop.is_set():
            try:
                with secure.wrapped() as peer:
                    assert peer.recv(100).startswith(b"220")
            except (OSError, AssertionError) as error:
                failures.append(error)

    clients = [threading.Thread(target=load) for _ in range(4)]
    for each in clients:
        each.start()
    try:
        before = secure.serial()
        for name in ("mx1.example.com", "mx1.example.com"):
            certificate, key = secure.authority.issue(name)
            shutil.copy(certificate, secure.certificate)
            shutil.copy(key, secure.key)
            secure.product.server.signal(signal.SIGHUP)
            wait_until(lambda before=before: secure.serial() != before)
            before = secure.serial()
        broken = secure.certificate.read_bytes()
        secure.certificate.write_bytes(b"no certificate")
        seen = len(secure.product.server.lines)
        secure.product.server.signal(signal.SIGHUP)
        wait_until(lambda: len(secure.product.server.lines) > seen)
        assert secure.serial() == before
        secure.certificate.write_bytes(broken)
    finally:
        stop.set()
        for each in clients:
            each.join(20)
    assert not failures
    said = [line for line in secure.product.server.lines[seen:] if line["level"] == "error"]
    assert said, "a broken certificate is not reported"
    for line in said:
        secure.product.server.lines.remove(line)
