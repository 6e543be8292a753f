"""Servers that are against the protocol, or against us: delivery classifies what they do, stays bounded, and goes on.

S11: what they say reaches the mail log, the queue's listings, a terminal and the DSN without control characters.
"""

import contextlib
import datetime
import json
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from angarium.simulator.tls import TestAuthority
from tests.e2e.conftest import StartProduct
from tests.e2e.product import Product, RawClient, good_session, message, stuffed
from tests.e2e.recording_sink import RecordingSink, wait_until

Script = Callable[[socket.socket], None]
TIMEOUTS = """
[delivery.timeouts]
connect_s = 2
banner_s = 1.5
command_s = 1.5
tls_handshake_s = 1.5
data_s = 1.5
block_s = 1.5
final_dot_s = 1.5
"""
GREETING = b"220 evil.example ESMTP\r\n"
EHLO = b"250-evil.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


class EvilServer:
    """Runs a script for each connection, over and over."""

    def __init__(self, script: Script) -> None:
        self.connections = 0
        evil = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                evil.connections += 1
                self.request.settimeout(10)
                with contextlib.suppress(OSError):
                    script(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> "EvilServer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def read_line(peer: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        octets = peer.recv(1)
        if not octets:
            raise OSError("gone")
        line += octets
    return line


def dialogue(**replies: bytes) -> Script:
    """Answer each command from a table; "dot" answers the end of data."""

    def run(peer: socket.socket) -> None:
        peer.sendall(replies.get("banner", GREETING))
        while True:
            verb = read_line(peer)[:4].decode("latin-1").lower()
            default = {"ehlo": EHLO, "data": b"354 Go\r\n"}.get(verb, b"250 2.0.0 Ok\r\n")
            reply = replies.get(verb, default)
            peer.sendall(reply)
            if verb == "data" and reply.startswith(b"354"):
                wire = b""
                while not wire.endswith(b"\r\n.\r\n"):
                    octets = peer.recv(65536)
                    if not octets:
                        return
                    wire += octets
                peer.sendall(replies.get("dot", b"250 2.0.0 Ok\r\n"))

    return run


def endless(octets: bytes) -> Script:
    def run(peer: socket.socket) -> None:
        while True:
            peer.sendall(octets * 100)

    return run


def drip(octets: bytes, pause: float = 0.1) -> Script:
    def run(peer: socket.socket) -> None:
        for octet in octets:
            peer.sendall(bytes([octet]))
            time.sleep(pause)

    return run


def early_end(peer: socket.socket) -> None:
    """Say 250 to data that have not ended, then go."""
    peer.sendall(GREETING)
    while True:
        line = read_line(peer)
        if line[:4] == b"EHLO":
            peer.sendall(EHLO)
        elif line[:4] == b"DATA":
            peer.sendall(b"354 Go\r\n250 2.0.0 Taken already\r\n")
            time.sleep(0.2)
            return
        else:
            peer.sendall(b"250 2.0.0 Ok\r\n")


HOSTILE = b"\x1b[31mred\x1b[0m \x07\x00\x08\x7f \xff\xfe <script>alert(1)</script> %s%n ${x} \\r\\n\\u001b"
TRANSIENT: dict[str, Script] = {
    "endless banner": endless(b"220-more\r\n"),
    "endless line": endless(b"x"),
    "10 MB line": lambda peer: peer.sendall(b"220 " + b"x" * 10_000_000 + b"\r\n"),
    "no banner": lambda peer: time.sleep(5),
    "drop at once": lambda peer: None,
    "banner drip": drip(b"220-" + b"x" * 200),
    "http": lambda peer: peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "code change": dialogue(ehlo=b"250-a\r\n999 b\r\n"),
    "code of four": dialogue(ehlo=b"2500 a\r\n"),
    "code 999": dialogue(mail=b"999 a\r\n"),
    "endless EHLO": dialogue(ehlo=b"250-X\r\n" * 100_000),
    "too many replies": dialogue(ehlo=EHLO + b"250 Ok\r\n" * 100),
    "354 to MAIL": dialogue(mail=b"354 Go\r\n"),
    "250 to DATA": dialogue(data=b"250 Ok\r\n"),
    "354 to the dot": dialogue(dot=b"354 Go on\r\n"),
    "4yz with controls": dialogue(rcpt=b"450 4.2.0 " + HOSTILE + b"\r\n"),
    "bare CR in text": dialogue(rcpt=b"450 4.2.0 a\rX-Injected: 1\r\n"),
    "250 before the end": early_end,
    "no reply to the dot": dialogue(dot=b""),
    "no 354": dialogue(data=b""),
    "421 to all": dialogue(ehlo=b"421 4.3.2 Later\r\n"),
}
PERMANENT: dict[str, Script] = {
    "5yz with controls": dialogue(
        rcpt=b"550-5.1.1 " + HOSTILE + b"\r\n550 5.1.1 " + HOSTILE + b"\r\n"
    ),
    "two codes": dialogue(rcpt=b"550-5.1.1 no\r\n551 5.1.6 moved\r\n"),
    "many lines": dialogue(rcpt=b"550-5.1.1 line\r\n" * 120 + b"550 5.1.1 end\r\n"),
    "a long line": dialogue(rcpt=b"550 5.1.1 " + b"y" * 1900 + b"\r\n"),
    "fields": dialogue(dot=b"554-5.7.1 Bcc: x@example.org\r\n554 5.7.1 --boundary\r\n"),
    "a line that is cut": dialogue(rcpt=b"550 5.1.1 " + b"y" * 9000 + b"\r\n"),
    "no text": dialogue(rcpt=b"550\r\n"),
    "wrong status": dialogue(rcpt=b"550 2.0.0 Ok\r\n"),
    "huge status": dialogue(rcpt=b"550 5.99999.1 x\r\n"),
}


class Site:
    """The product between evil servers and good ones."""

    def __init__(self, product: Product, home: RecordingSink, ports: dict[str, int]) -> None:
        self.product = product
        self.home = home  # of the senders: DSNs come here; also where other mail goes
        self.ports = ports


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(RecordingSink())
        routes, ports = "", {}
        for name, script in (TRANSIENT | PERMANENT).items():
            evil = stack.enter_context(EvilServer(script))
            ports[name] = evil.port
            routes += (
                f'[[route]]\ndomain = "{domain(name)}"\nvia = "smtp://127.0.0.1:{evil.port}"\n'
            )
        product = Product(
            tmp_path_factory.mktemp("evil"),
            routes=routes,
            sink=home.port,
            retry="[600]",
            more=TIMEOUTS,
        )
        stack.callback(product.kill)
        for name in TRANSIENT | PERMANENT:
            good_session(product.smtp[0], to=f"b@{domain(name)}")
        yield Site(product, home, ports)


def domain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()) + ".example"


@pytest.mark.parametrize("name", TRANSIENT)
def test_trouble_with_a_server_defers(site: Site, name: str) -> None:
    record = site.product.wait_for_disposition(recipient=f"b@{domain(name)}")
    assert record["event"] == "deferred", record
    assert record["stage"] != "internal", record
    if name == "banner drip":
        assert record["delay_ms"] < 10_000, "a drip of octets gains time"
    assert_readable(record)
    assert site.product.resident_kb() < 300_000
    site.product.assert_clean()


@pytest.mark.parametrize("name", PERMANENT)
def test_a_refusal_in_hostile_words_becomes_a_clean_dsn(site: Site, name: str) -> None:
    record = site.product.wait_for_disposition(recipient=f"b@{domain(name)}")
    assert record["event"] == "bounced"
    assert_readable(record)
    to = domain(name).encode()
    wait_until(lambda: [each for each in site.home.taken if to in each.content])
    (dsn,) = [each for each in site.home.taken if to in each.content]
    assert dsn.mail.startswith(b"MAIL FROM:<>")
    assert not re.search(rb"[^\x20-\x7e\r\n\t]", dsn.content), dsn.content
    assert b"\nBcc:" not in dsn.content
    assert max(map(len, dsn.content.split(b"\r\n"))) <= 998


def assert_readable(value: object) -> None:
    """Nothing that a terminal obeys is in it, decoded or not."""
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u202e]", " ".join(walk(value))), value


def walk(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from (key, *walk(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from walk(each)
    elif isinstance(value, str):
        yield value


ODD = {
    "two codes": b"550-5.1.1 no such user\r\n551 5.1.6 moved\r\n",
    "LF alone": b"550-5.1.1 no\n550 5.1.1 such user\n",
    "text behind it": b"550 5.1.1 no such user\nSee http://mx.example/\r\n",
    "two replies": b"550 5.1.1 no\r\n550 5.1.1 such user\r\n",
    "two replies, one good": b"250 2.1.5 Ok\r\n250 2.1.5 really\r\n",
    "no reply": b"hello\r\n",
    "a code of four": b"2500 Ok\r\n",
    "the reply to DATA": b"354 Go\r\n",
    "no end": b"550-5.1.1 no such user\r\n",
}


@pytest.mark.parametrize("extensions", [b"SIZE", b"PIPELINING"])
@pytest.mark.parametrize("name", ODD)
def test_one_odd_reply_does_not_hold_up_the_innocent(
    start_product: StartProduct, name: str, extensions: bytes
) -> None:
    """Of three recipients of a message, the second one's RCPT gets it, each time."""
    taken: list[bytes] = []

    def run(peer: socket.socket) -> None:
        peer.sendall(GREETING)
        good: list[bytes] = []
        while True:
            line = read_line(peer)
            match line[:4]:
                case b"EHLO":
                    peer.sendall(b"250-evil.example\r\n250 " + extensions + b"\r\n")
                case b"RCPT" if b"<odd@" in line:
                    peer.sendall(ODD[name])
                case b"RCPT":
                    good.append(line[8:-2])
                    peer.sendall(b"250 2.1.5 Ok\r\n")
                case b"DATA" if not good:
                    peer.sendall(b"554 5.5.1 No valid recipients\r\n")
                case b"DATA":
                    peer.sendall(b"354 Go\r\n")
                    wire = b""
                    while not wire.endswith(b"\r\n.\r\n"):
                        wire += peer.recv(65536)
                    if wire != b".\r\n":
                        taken.extend(good)
                    good = []
                    peer.sendall(b"250 2.0.0 Taken\r\n")
                case _:
                    peer.sendall(b"250 2.0.0 Ok\r\n")

    with EvilServer(run) as evil:
        product = start_product(sink=evil.port, retry="[600]", more=TIMEOUTS)
        with RawClient(product.smtp[0]) as client:
            client.say(b"EHLO c.example.org\r\n")
            client.say(b"MAIL FROM:<a@example.org>\r\n")
            for user in (b"first", b"odd", b"last"):
                client.say(b"RCPT TO:<" + user + b"@example.net>\r\n")
            client.say(b"DATA\r\n")
            assert client.say(stuffed(message("three"))).startswith(b"250")
        for user in ("first", "last"):
            record = product.wait_for_disposition(recipient=f"{user}@example.net")
            assert record["event"] == "relayed", record
        record = product.wait_for_disposition(recipient="odd@example.net")
        refused = ODD[name].startswith(b"55")
        assert record["event"] == ("bounced" if refused else "deferred"), record
        assert not refused or "5.1.1 no" in record["reply"]
        delivered = [each for each in taken if each.endswith(b"@example.net>")]  # less DSNs
        assert sorted(delivered) == [b"<first@example.net>", b"<last@example.net>"]
        product.assert_clean()


def test_others_are_delivered_to_meanwhile(site: Site) -> None:
    mark = good_session(site.product.smtp[0], to="b@good.example")
    site.home.wait_for_token(mark, 5)


def test_the_command_line_shows_hostile_words_as_text(site: Site) -> None:
    for name in TRANSIENT:
        site.product.wait_for_disposition(recipient=f"b@{domain(name)}")
    listed = site.product.on_terminal("queue", "list")
    assert_terminal_safe(listed)
    page = json.loads(site.product.postmaster("queue", "list", "--json"))
    assert_readable(page)
    ids = {str(each["id"]) for each in page["entries"]}
    assert len(ids) >= len(TRANSIENT) - 1
    hostile = [each for each in page["entries"] if "4yz-with" in json.dumps(each)]
    for each in hostile:
        for command in ("show", "explain"):
            identity = str(each["id"]).partition(".")[0]
            assert_terminal_safe(site.product.on_terminal("queue", command, identity))
            assert_readable(
                json.loads(site.product.postmaster("queue", command, identity, "--json"))
            )


@pytest.mark.parametrize(
    "name", ["4yz with controls", "10 MB line", "endless EHLO", "banner drip", "bare CR in text"]
)
def test_trace_shows_hostile_words_as_text(site: Site, name: str) -> None:
    server = f"127.0.0.1:{site.ports[name]}"
    words = ("trace", server, "--to", "b@example.net", "--timeout", "3")
    assert_terminal_safe(site.product.on_terminal(*words, code=None))
    shown = site.product.on_terminal(*words, "--json", code=None)
    for line in shown.splitlines():
        assert_readable(json.loads(line))
    assert len(shown) < 300_000


def assert_terminal_safe(text: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), text


def test_a_drop_at_any_octet_of_a_session_is_a_deferral(start_product: StartProduct) -> None:
    """And the retry delivers: exactly once unless the end of data was reached."""
    said = GREETING + EHLO + b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go\r\n250 2.0.0 Taken\r\n"
    taken: list[int] = []
    cuts = iter(range(0, len(said), 3))

    def run(peer: socket.socket) -> None:
        cut = next(cuts, len(said))
        left = cut

        def say(octets: bytes) -> None:
            nonlocal left
            peer.sendall(octets[:left])
            left -= len(octets)
            if left <= 0 and cut < len(said):
                raise OSError("cut")

        say(GREETING)
        while True:
            verb = read_line(peer)[:4]
            if verb == b"EHLO":
                say(EHLO)
            elif verb == b"DATA":
                say(b"354 Go\r\n")
                wire = b""
                while not wire.endswith(b"\r\n.\r\n"):
                    wire += peer.recv(65536)
                taken.append(cut)
                say(b"250 2.0.0 Taken\r\n")
            elif verb == b"RCPT":
                say(b"250 2.1.5 Ok\r\n")
            elif verb == b"QUIT":
                peer.sendall(b"221 Bye\r\n")
            else:
                say(b"250 2.1.0 Ok\r\n")

    with EvilServer(run) as evil:
        product = start_product(sink=evil.port, retry="[0.05]")
        good_session(product.smtp[0])
        product.wait_for_disposition(timeout=50, recipient="b@example.net", event="relayed")
        records = product.mail_log()
        assert not [each for each in records if each["event"] in ("bounced", "expired")]
        doubts = [each for each in records if "is unknown" in each.get("reply", "")]
        assert taken.count(len(said)) == 1
        assert len(taken) - 1 <= len(doubts), (taken, doubts)  # each second copy is told of


@pytest.mark.parametrize("kind", ["garbage", "close", "refuse", "plain reply", "expired"])
def test_broken_starttls_falls_back_to_plain_text(
    start_product: StartProduct, tmp_path: Path, kind: str
) -> None:
    authority = TestAuthority(tmp_path, datetime.datetime.now(datetime.UTC))
    context = authority.server_context("evil.example", expired=True)
    delivered = threading.Event()
    offered = EHLO.replace(b"250 8BITMIME", b"250-STARTTLS\r\n250 8BITMIME")
    after = dialogue(banner=b"", ehlo=offered)

    def run(peer: socket.socket) -> None:
        peer.sendall(GREETING)
        while True:
            verb = read_line(peer)[:4]
            match verb:
                case b"EHLO":
                    peer.sendall(offered)
                case b"STAR" if kind == "refuse":
                    peer.sendall(b"454 4.7.0 TLS not available\r\n")
                case b"STAR":
                    peer.sendall(b"220 Go\r\n")
                    if kind == "garbage":
                        peer.sendall(b"\x00\xffgarbage" * 100)
                        peer.recv(1000)
                    elif kind == "plain reply":
                        peer.sendall(b"250 Ok\r\n")
                        peer.recv(1000)
                    elif kind == "expired":
                        with context.wrap_socket(peer, server_side=True) as wrapped:
                            delivered.set()
                            after(wrapped)
                    return
                case b"DATA":
                    peer.sendall(b"354 Go\r\n")
                    wire = b""
                    while not wire.endswith(b"\r\n.\r\n"):
                        wire += peer.recv(65536)
                    delivered.set()
                    peer.sendall(b"250 2.0.0 Ok\r\n")
                case _:
                    peer.sendall(b"250 2.0.0 Ok\r\n")

    with EvilServer(run) as evil:
        product = start_product(sink=evil.port, more=TIMEOUTS)
        good_session(product.smtp[0])
        record = product.wait_for_disposition(recipient="b@example.net", event="relayed")
        assert delivered.is_set()
        assert ("TLS" in record.get("tls", "")) == (kind == "expired"), record


def test_hostile_addresses_and_fields_do_not_reach_the_terminal_raw(
    start_product: StartProduct,
) -> None:
    """C7: what SMTPUTF8 and quoted strings let through is shown as text."""
    product = start_product(sink=9, retry="[600]")
    odd = '"a\\\x1b[31m b"@example.net'
    accepted = 0
    with RawClient(product.smtp[0]) as client:
        client.say(b"EHLO c.example.org\r\n")
        for rcpt in (
            '"x <script>"@example.net', '"a\u202eb"@example.net', "\u200b\u202eevil@example.net",
            "\u009b31m@example.net", odd, "=?utf-8?q?x?=@example.net", "{x}@example.net",
        ):  # fmt: skip
            for field in (
                "Message-ID: <\x1b[31mred\x7f@example.org>\r\n",
                "Message-ID: <\u009b31m@x>\r\n",
            ):
                client.say(b"MAIL FROM:<a@example.org> SMTPUTF8\r\n")
                if client.say(f"RCPT TO:<{rcpt}>\r\n".encode()).startswith(b"250"):
                    client.say(b"DATA\r\n")
                    content = field.encode() + message("\x1b[31mred")
                    accepted += client.say(stuffed(content)).startswith(b"250")
                client.say(b"RSET\r\n")
    assert accepted >= 6
    assert_terminal_safe(product.on_terminal("queue", "list"))
    page = json.loads(product.on_terminal("queue", "list", "--json"))
    assert len(page["entries"]) == accepted
    assert_readable(page)
    # The site is left alone after its first failure: no attempt, no line
    wait_until(lambda: len(product.mail_log()) > accepted)
    assert_readable(product.mail_log())
    for each in page["entries"][:2]:
        identity = str(each["id"]).partition(".")[0]
        for command in ("show", "explain"):
            assert_terminal_safe(product.on_terminal("queue", command, identity))
            assert_readable(json.loads(product.on_terminal("queue", command, identity, "--json")))
