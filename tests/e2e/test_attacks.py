"""What an attacker does with a raw socket to the submission listener. After each attack a good session still works."""

import resource
import socket
import time
from collections.abc import Iterator

import pytest

from tests.e2e.product import Product, RawClient, good_session, message, stuffed
from tests.e2e.recording_sink import RecordingSink, wait_until

LISTENERS = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "trusted"
trusted_networks = ["127.0.0.1"]
limits = { recipients = 1000, connections = 3000, connections_per_client = 2500, errors_per_connection = 20 }

[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "required"
auth_without_tls = ["127.0.0.1"]
trusted_networks = []
proxy_peers = ["127.0.0.8"]

[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]

[listener.limits]
connections = 50
connections_per_client = 30
command_timeout_s = 1.5
data_timeout_s = 1.5
total_timeout_s = 4.0
"""
START = b"EHLO c.example.org\r\n"
MAIL = b"MAIL FROM:<a@example.org>\r\n"
RCPT = b"RCPT TO:<b@example.net>\r\n"


@pytest.fixture(scope="module")
def sink() -> Iterator[RecordingSink]:
    with RecordingSink() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def enough_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, sink: RecordingSink) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("attacks"), listeners=LISTENERS, sink=sink.port)
    yield product
    product.kill()


@pytest.fixture
def product(running: Product) -> Iterator[Product]:
    yield running
    good_session(running.smtp[0])
    running.assert_clean()
    assert running.resident_kb() < 400_000


def in_transaction(port: int, *, mail: bytes = MAIL) -> RawClient:
    client = RawClient(port)
    for command in (START, mail, RCPT):
        assert client.say(command).startswith(b"250")
    return client


def greets(port: int) -> bool:
    with RawClient(port, banner=False) as client:
        return client.reply().startswith(b"220")


RELAY_FORMS = [  # nmap's smtp-open-relay, and what else was ever used
    *(b"<victim@elsewhere.example>", b"<victim%elsewhere.example@mx1.example.com>"),
    *(b"<victim%elsewhere.example@[127.0.0.1]>", b'<"victim@elsewhere.example">'),
    *(b'<"victim%elsewhere.example">', b'<"victim@elsewhere.example"@[127.0.0.1]>'),
    *(b'<"victim@elsewhere.example"@mx1.example.com>', b"<victim@elsewhere.example@[127.0.0.1]>"),
    *(b"<@mx1.example.com:victim@elsewhere.example>", b"<@[127.0.0.1]:victim@elsewhere.example>"),
    *(b"<elsewhere.example!victim>", b"<elsewhere.example!victim@[127.0.0.1]>"),
    *(b"<elsewhere.example!victim@mx1.example.com>", b"<victim@elsewhere.example.>", b"<victim>"),
    *(b"<postmaster>", b"<@a.example,@b.example:victim@elsewhere.example>", b"<>"),
]
SENDERS = [b"<>", b"<a@example.org>", b"<a@mx1.example.com>", b"<a@[127.0.0.1]>", b"<a@localhost>"]


@pytest.mark.parametrize("listener", [0, 1])
def test_nobody_relays_without_leave(product: Product, listener: int) -> None:
    """A1: from outside the trusted networks, and without a login."""
    for sender in SENDERS:
        for form in RELAY_FORMS:
            with RawClient(product.smtp[listener], source="127.0.0.7") as client:
                client.say(START)
                client.say(b"MAIL FROM:%b\r\n" % sender)
                reply = client.say(b"RCPT TO:%b\r\n" % form)
                assert reply[:1] == b"5", (sender, form, reply)
                assert client.say(b"DATA\r\n")[:1] == b"5"


def test_a_trusted_client_cannot_route_through_us(product: Product) -> None:
    for form in RELAY_FORMS[1:]:
        with RawClient(product.smtp[0]) as client:
            client.say(START)
            client.say(MAIL)
            reply = client.say(b"RCPT TO:%b\r\n" % form)
            is_plain = form in (b"<postmaster>", b"<victim@elsewhere.example.>")
            assert reply[:1] == b"5" or is_plain, (form, reply)


ENDS = {
    "lflf": b"\n.\n", "crcr": b"\r.\r", "crlf": b"\r.\n", "lfcr": b"\n.\r", "lfcrlf": b"\n.\r\n",
    "crlflf": b"\r\n.\n", "crcrlf": b"\r.\r\n", "crlfcr": b"\r\n.\r",
    "nullbefore": b"\r\n\x00.\r\n", "nullafter": b"\r\n.\x00\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("way", ["DATA", "BDAT", "BDAT cut"])
def test_a_false_end_of_data_ends_nothing(
    product: Product, sink: RecordingSink, name: str, way: str
) -> None:
    """S1, S5: one reply, a refusal, and no command behind the false end is obeyed."""
    behind = b"MAIL FROM:<smuggled@example.org>\r\nRCPT TO:<v@example.org>\r\nDATA\r\nSubject: s\r\n\r\nx"
    content = message("probe", b"first" + ENDS[name] + behind + b"\r\n")
    with in_transaction(product.smtp[0]) as client:
        if way == "DATA":
            assert client.say(b"DATA\r\n").startswith(b"354")
            reply = client.say(content + b".\r\n")
        elif way == "BDAT":
            reply = client.say(b"BDAT %d LAST\r\n%b" % (len(content), content))
        else:
            at = content.index(ENDS[name]) + 1
            reply = client.say(b"BDAT %d\r\n%b" % (at, content[:at]))
            reply = client.say(b"BDAT %d LAST\r\n%b" % (len(content) - at, content[at:]))
        assert reply[:1] == b"5", reply
        client.send(b"NOOP\r\nQUIT\r\n")
        rest = list(client.replies())
        assert len(rest) in (0, 2), rest
        assert not [each for each in rest if each.startswith(b"354")]
    mark = good_session(product.smtp[0])
    sink.wait_for_token(mark)
    assert not [each for each in sink.commands if b"smuggled" in each or b"<v@" in each]


BDAT_WRONGS: list[tuple[bytes, bytes]] = [
    (b"BDAT 5 LAST\r\nhello", b"5"),  # without MAIL; in a session that has only greeted
    (b"BDAT -1\r\n", b"5"),
    (b"BDAT -1 LAST\r\n", b"5"),
    (b"BDAT\r\n", b"5"),
    (b"BDAT x LAST\r\n", b"5"),
    (b"BDAT 5 FIRST\r\n", b"5"),
    (b"BDAT 5 LAST LAST\r\n", b"5"),
    (b"BDAT 0x5 LAST\r\n", b"5"),
    (b"BDAT 1e3 LAST\r\n", b"5"),
    (b"BDAT 5_0 LAST\r\n", b"5"),
    (b"BDAT \xd9\xa1 LAST\r\n", b"5"),
    (b"BDAT 18446744073709551616 LAST\r\n", b"5"),
    (b"BDAT 18446744073709551615 LAST\r\n", b"5"),
    (b"BDAT 4294967296\r\n", b"5"),
    (b"BDAT " + b"9" * 1000 + b"\r\n", b"5"),
    (b"BDAT 60000000 LAST\r\n" + b"x" * 60_000_000, b"5"),
]


@pytest.mark.parametrize(("octets", "code"), BDAT_WRONGS, ids=lambda each: str(each[:20]))
def test_bdat_of_a_wrong_size_or_place_is_refused(
    product: Product, octets: bytes, code: bytes
) -> None:
    """S5"""
    for ready in (False, True):
        if ready and octets.endswith(b"hello"):
            continue
        with RawClient(product.smtp[0]) as client:
            client.say(START)
            if ready:
                client.say(MAIL)
                client.say(RCPT)
            assert client.say(octets)[:1] == code
            client.send(b"NOOP\r\nQUIT\r\n")
            assert len(list(client.replies())) in (0, 2)


def test_bdat_in_wrong_orders(product: Product) -> None:
    """S4, S5: each is refused, and leaves no transaction behind."""
    port = product.smtp[0]
    with in_transaction(port) as client:
        assert client.say(b"BDAT 4\r\nFrom")[:1] == b"2"
        for command in (b"DATA\r\n",):
            assert client.say(command).startswith(b"503")
        assert client.say(b"BDAT 3 LAST\r\nabc").startswith(b"503")
    with in_transaction(port) as client:
        assert client.say(b"BDAT 4\r\nFrom")[:1] == b"2"
        assert client.say(MAIL).startswith(b"503")
        assert client.say(b"BDAT 0 LAST\r\n").startswith(b"503")
    with in_transaction(port) as client:
        assert client.say(b"BDAT 4\r\nFrom")[:1] == b"2"
        assert client.say(RCPT).startswith(b"503")
        assert client.say(b"BDAT 0 LAST\r\n").startswith(b"503")
    with in_transaction(port) as client:
        assert client.say(b"BDAT 4\r\nFrom")[:1] == b"2"
        assert client.say(b"RSET\r\n").startswith(b"250")
        assert client.say(b"BDAT 0 LAST\r\n").startswith(b"503")
        assert client.say(MAIL).startswith(b"250")
    with in_transaction(port) as client:
        assert client.say(b"BDAT 0 LAST\r\n")[:1] in b"25"  # an empty message: repaired or refused


def test_a_history_of_tiny_chunks_ends(product: Product) -> None:
    """S5: as many chunks as commands are allowed, not as octets."""
    with in_transaction(product.smtp[0]) as client:
        client.send(b"BDAT 1\r\nF" * 5000)
        replies = list(client.replies())
        assert replies[-1].startswith(b"421")
        assert len(replies) < 1300


def test_ten_thousand_recipients_stop_at_the_limit(product: Product) -> None:
    with RawClient(product.smtp[0]) as client:
        client.say(START)
        client.say(MAIL)
        refused = 0
        for block in range(100):
            client.send(
                b"".join(b"RCPT TO:<r%d@x.example>\r\n" % (block * 100 + n) for n in range(100))
            )
            got = [client.reply() for _ in range(100)]
            if b"" in got:
                break
            refused += sum(each.startswith(b"452") for each in got)
        assert refused > 0
        assert block < 25  # commands_per_message behind the limit of recipients


HEADERS: dict[str, tuple[bytes, bytes]] = {
    "many fields": (b"X-A: b\r\n" * 100_000, b"552"),
    "one long line": (b"X-A: " + b"b" * 1_000_000 + b"\r\n", b"5"),
    "deep folding": (b"X-A: b\r\n" + b" c\r\n" * 200_000, b"5"),
    "folding within limits": (b"X-A: b\r\n" + b" c\r\n" * 40_000, b"250"),
    "10,000 addresses": (
        b"Cc: " + b",\r\n ".join(b"r%d@x.example" % n for n in range(10_000)) + b"\r\n",
        b"2",
    ),
    "10,000 authors": (
        b"From: " + b",\r\n ".join(b"r%d@x.example" % n for n in range(10_000)) + b"\r\n",
        b"",
    ),
    "nested comments": (
        b"Sender: " + b"(" * 50_000 + b"a@example.org" + b")" * 50_000 + b"\r\n",
        b"5",
    ),
    "quotes": (b"Sender: " + b'"\\' * 30_000 + b"a@example.org\r\n", b"5"),
    "angles": (b"Sender: " + b"<" * 60_000 + b"a@example.org\r\n", b"5"),
    "groups": (b"Reply-To: " + b"g:;," * 15_000 + b"a@example.org\r\n", b""),
    "content type": (b"Content-Type: " + b"a/b;" + b"x=y;" * 15_000 + b"\r\n", b"250"),
    "encoded words": (b"Subject: " + b"=?utf-8?q?a?= " * 4_000 + b"\r\n", b"250"),
    "received": (b"Received: x\r\n" * 60, b"554"),
    "two Froms": (b"From: b@example.org\r\nFrom: c@example.org\r\n", b"5"),
    "8 bit": (b"X-A: \xff\xfe\r\n", b"5"),
    "nameless": (b": x\r\n", b"5"),
    "no colon": (b"hello\r\n", b"250"),  # mended: it begins the body
    "blank in name": (b"X A: b\r\n", b"5"),
    "blank line": (b" \r\n", b"250"),
    "no colon, and a field": (b"hello\r\nBcc: x@example.org\r\n", b"5"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_bomb_does_not_go_off(product: Product, name: str) -> None:
    """S7, C2, A3: answered at once, whatever the answer."""
    fields, code = HEADERS[name]
    start = b"" if name == "10,000 authors" else b"From: a@example.org\r\n"
    with in_transaction(product.smtp[0]) as client:
        client.say(b"DATA\r\n")
        begun = time.monotonic()
        reply = client.say(start + fields + b"\r\nbody\r\n.\r\n")
        took = time.monotonic() - begun
        assert reply.startswith(code), reply
        assert reply[:1] in b"25"
        assert took < 10, took
    begun = time.monotonic()


def test_nuls_and_eight_bits_in_commands_get_clear_replies(product: Product) -> None:
    """S8"""
    for octet in [*range(1, 10), *range(11, 13), *range(14, 32), 0, *range(127, 256, 7)]:
        bad = bytes([octet])
        for command in (
            b"EHLO a%bb",
            b"MAIL FROM:<a%bb@example.org>",
            b"NO%bOP",
            b"%bNOOP",
            b"VRFY %b",
            b"HELP %b",
        ):
            with RawClient(product.smtp[0]) as client:
                client.say(START)
                reply = client.say(command.replace(b"%b", bad) + b"\r\n")
                # An umlaut of an appliance, in whatever charset
                is_name = command[:4] == b"EHLO" and octet >= 128
                may_pass = command[:4] in (b"VRFY", b"HELP") or is_name
                assert reply[:1] == b"5" or octet == 9 or may_pass, (octet, command, reply)
        with RawClient(product.smtp[0]) as client:
            client.say(START)
            client.say(MAIL)
            assert client.say(b"RCPT TO:<a%bb@example.net>\r\n" % bad)[:1] == b"5", octet


NAMES = [
    b"", b" ", b"-", b"[", b"[]", b"[1.2.3]", b"[IPv6:zz]", b"[IPv6:::1%lo]", b"<script>",
    b"$(id)", b"`id`", b"a;b", b"a\x0bb", b"x" * 256, b"x" * 1500, b"%s%n", b"a\\b", b"'--", b"a\xc2\x85b", b'"a"',
]  # fmt: skip


@pytest.mark.parametrize("verb", [b"EHLO", b"HELO"])
def test_rubbish_for_a_name_is_refused(product: Product, verb: bytes) -> None:
    """S9"""
    for name in NAMES:
        with RawClient(product.smtp[0]) as client:
            reply = client.say(verb + b" " + name + b"\r\n")
            assert reply[:1] == b"5", (name, reply)
            assert client.say(MAIL).startswith(b"503")


def test_vrfy_tells_nothing_and_expn_is_refused(product: Product) -> None:
    """S13"""
    with RawClient(product.smtp[1]) as client:
        client.say(START)
        answers = {
            client.say(b"VRFY %b\r\n" % who) for who in (b"root", b"app", b"a@example.org", b"x")
        }
        assert len(answers) == 1
        assert client.say(b"EXPN list\r\n")[:1] == b"5"


AUTHS: list[list[bytes]] = [
    [b"AUTH"], [b"AUTH "], [b"AUTH CRAM-MD5"], [b"AUTH PLAIN !!!!"], [b"AUTH PLAIN ="], [b"AUTH PLAIN AA=="],
    [b"AUTH PLAIN AAAA"], [b"AUTH PLAIN " + b"QUFB" * 400], [b"AUTH PLAIN", b"*"], [b"AUTH PLAIN", b""],
    [b"AUTH PLAIN", b"QUFB" * 4000], [b"AUTH LOGIN", b"*"], [b"AUTH LOGIN", b"YQ==", b"*"], [b"AUTH LOGIN", b""],
    [b"AUTH LOGIN", b"YQ==", b"!!"], [b"AUTH LOGIN", b"\xff\xff"], [b"AUTH LOGIN YQ==", b"\x00"],
    [b"AUTH PLAIN AGEAYg== x"], [b"AUTH PLAIN AGEAYg=="], [b"AUTH LOGIN", b"YQ==", b"Yg=="],
    [b"AUTH XOAUTH2 x"], [b"AUTH \xff"], [b"AUTH PLAIN", b"AGEAYg==\x00"],
]  # fmt: skip


@pytest.mark.parametrize("words", AUTHS)
def test_abuse_of_auth_gets_a_clear_no(product: Product, words: list[bytes]) -> None:
    """S13"""
    with RawClient(product.smtp[1]) as client:
        client.say(START)
        for word in words[:-1]:
            assert client.say(word + b"\r\n").startswith(b"334")
        reply = client.say(words[-1] + b"\r\n")
        assert reply[:1] in b"45", reply
        if reply[:3] not in (b"421", b"500"):
            assert client.say(MAIL)[:1] == b"5"


def test_a_disconnect_at_any_octet_leaves_nothing_behind(product: Product) -> None:
    session = START + MAIL + RCPT + b"DATA\r\n" + stuffed(message("cut")) + b"QUIT\r\n"
    for cut in range(len(session)):
        client = RawClient(product.smtp[0], banner=cut % 2 == 0)
        client.send(session[:cut])
        if cut % 3 == 0:
            # RST
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.drop()
    wait_until(lambda: b"angarium_smtp_connections" in product.get("/metrics") or True)


def test_a_half_closed_client_still_gets_its_replies(product: Product) -> None:
    with in_transaction(product.smtp[0]) as client:
        client.say(b"DATA\r\n")
        client.send(stuffed(message("half")) + b"QUIT\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        codes = [each[:3] for each in client.replies()]
        assert codes == [b"250", b"221"]


def test_two_thousand_idle_connections_do_not_stop_the_loop(product: Product) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 4500:
        pytest.skip("too few files may be open here")
    clients = [socket.create_connection(("127.0.0.1", product.smtp[0]), 15) for _ in range(2000)]
    try:
        begun = time.monotonic()
        good_session(product.smtp[2])
        assert product.get("/healthz").startswith(b"HTTP/1.1 200")
        assert time.monotonic() - begun < 10
    finally:
        for each in clients:
            each.close()


def test_more_connections_than_the_limit_get_421(product: Product) -> None:
    port = product.smtp[2]
    clients = [RawClient(port, banner=False) for _ in range(40)]
    banners = [each.reply() for each in clients]
    assert sum(each.startswith(b"220") for each in banners) == 30
    assert sum(each.startswith(b"421 4.7.0") for each in banners) == 10
    more = [RawClient(port, banner=False, source="127.0.0.9") for _ in range(25)]
    others = [each.reply() for each in more]
    assert sum(each.startswith(b"421 4.3.2") for each in others) >= 1
    for each in clients + more:
        each.drop()


def test_a_slow_loris_is_timed_out(product: Product) -> None:
    """S7: octet by octet it gains no time for a command, and no more than total_timeout_s at all."""
    port = product.smtp[2]
    wait_until(lambda: greets(port))
    with RawClient(port) as client:
        begun = time.monotonic()
        reply = b""
        for octet in b"EHLO a-very-long-name.example.org" * 10:
            client.send(bytes([octet]))
            try:
                reply = client.reply(0.3)
                break
            except TimeoutError:
                continue
        assert reply.startswith(b"421 4.4.2"), reply
        assert time.monotonic() - begun < 10
    with in_transaction(port) as client:
        client.say(b"DATA\r\n")
        begun = time.monotonic()
        for octet in b"x" * 100:
            client.send(bytes([octet]))
            try:
                reply = client.reply(0.3)
                break
            except TimeoutError:
                continue
        assert reply.startswith(b"421 4.4.2"), reply
        assert time.monotonic() - begun < 15


def test_the_proxy_protocol_of_a_peer_that_is_not_named_is_a_bad_command(product: Product) -> None:
    """S12"""
    v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\0\x19\0\x19"
    for header in (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", v2):
        with RawClient(product.smtp[1], source="127.0.0.7") as client:
            assert client.say(header)[:1] in (b"5", b"4")
        with RawClient(product.smtp[1], source="127.0.0.7", banner=False) as client:
            client.send(header)
            assert client.reply()[:1] in (b"5", b"2", b"4")


def test_a_named_proxy_must_speak_its_protocol_first(product: Product) -> None:
    port = product.smtp[1]
    bad = [
        b"EHLO x\r\n", b"PROXY TCP4 x y 1 2\r\n", b"PROXY " + b"x" * 300, b"PROXY TCP4 1.2.3.4\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\xff\xff\xff\xff", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x01x",
    ]  # fmt: skip
    for header in bad:
        with RawClient(port, source="127.0.0.8", banner=False) as client:
            client.send(header)
            assert client.reply() == b"", header
    with RawClient(port, source="127.0.0.8", banner=False) as client:
        client.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n")
        assert client.reply().startswith(b"220")


def test_pipelined_garbage_ends_the_session(product: Product) -> None:
    with RawClient(product.smtp[0]) as client:
        client.send(bytes(range(256)) * 4000)
        assert len(list(client.replies())) < 30
    with RawClient(product.smtp[0]) as client:
        client.send(b"\r\n" * 5000)
        assert len(list(client.replies())) <= 21
    with RawClient(product.smtp[0]) as client:
        client.send(b"A" * 5_000_000)
        client.send(b"\r\nQUIT\r\n")
        replies = list(client.replies())
        assert replies[0].startswith(b"500") or not replies
    with RawClient(product.smtp[0], banner=False) as client:
        client.send(START + MAIL + RCPT + b"DATA\r\n" + stuffed(message("early")))
        replies = list(client.replies())
        assert not any(b"queued as" in each for each in replies)


def test_a_web_browser_is_shown_the_door(product: Product) -> None:
    """S14"""
    for start in (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\n\r\nEHLO x\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    ):
        with RawClient(product.smtp[0]) as client:
            client.send(start)
            replies = list(client.replies()) if start[0] != 0x16 else [client.reply()]
            assert all(each[:1] in b"45" for each in replies)


def test_messages_that_are_too_big_stop_while_they_come(product: Product) -> None:
    line = b"x" * 998 + b"\r\n"
    with in_transaction(product.smtp[0]) as client:
        client.say(b"DATA\r\n")
        client.send(message("big"))
        for _ in range(70):
            client.send(line * 1000)
        client.send(b".\r\n")
        assert client.reply().startswith(b"552")
    with RawClient(product.smtp[0]) as client:
        client.say(START)
        assert client.say(b"MAIL FROM:<a@example.org> SIZE=99999999\r\n").startswith(b"552")
        for size in (b"-1", b"x", b"99999999999999999999999", b"1.5", b""):
            assert client.say(b"MAIL FROM:<a@example.org> SIZE=%b\r\n" % size)[:1] == b"5"
    with in_transaction(product.smtp[0]) as client:
        client.say(b"DATA\r\n")
        client.send(message("long line") + b"y" * 200_000 + b"\r\n.\r\n")
        assert client.reply()[:1] == b"5"


def test_parameters_cannot_carry_fields_into_a_dsn(product: Product) -> None:
    """S10"""
    with RawClient(product.smtp[0]) as client:
        client.say(START)
        for parameter in (
            b"ENVID=a+0D+0ABcc:x",
            b"ENVID=" + b"x" * 101,
            b"RET=ALL",
            b"X=Y",
            b"ENVID=+zz",
            b"RET=FULL RET=FULL",
            b"AUTH=+00",
            b"BODY=BINARYMIME",
        ):
            assert client.say(b"MAIL FROM:<a@example.org> %b\r\n" % parameter)[:1] == b"5", (
                parameter
            )
        client.say(MAIL)
        for parameter in (
            b"ORCPT=rfc822;a+0D+0Ab",
            b"NOTIFY=NEVER,SUCCESS",
            b"NOTIFY=",
            b"ORCPT=a",
            b"NOTIFY=SUCCESS NOTIFY=DELAY",
        ):
            assert client.say(b"RCPT TO:<b@example.net> %b\r\n" % parameter)[:1] == b"5", parameter
