"""Deliveries to servers that offer little, much, or something else than they should."""

import email
from pathlib import Path

import dkim
import pytest

from angarium.dkim.keygen import generate, record_text, write_private_key
from tests.e2e.conftest import StartProduct
from tests.e2e.product import RawClient, good_session, message, stuffed, token
from tests.e2e.recording_sink import RecordingSink

ALL = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "SIZE 99999999")


@pytest.mark.parametrize(
    ("extensions", "ehlo", "way"),
    [
        (ALL, True, "BDAT"),
        (("8BITMIME", "CHUNKING"), True, "BDAT"),
        (("8BITMIME", "PIPELINING"), True, "DATA"),
        (("8BITMIME",), True, "DATA"),
        (("HELP",), True, "DATA"),
        ((), False, "DATA"),
    ],
)
def test_a_message_arrives_unchanged_whatever_the_peer_offers(
    start_product: StartProduct, extensions: tuple[str, ...], ehlo: bool, way: str
) -> None:
    with RecordingSink(extensions=extensions, ehlo=ehlo) as sink:
        product = start_product(sink=sink.port)
        body = b".\r\n..\r\n. x\r\n" + b"line\r\n" * 5000 + b".dots\r\n"
        mark = token()
        content = message(mark, body)
        good_session(product.smtp[0], content=content)
        taken = sink.wait_for_token(mark)
        assert taken.way == way
        assert taken.content.endswith(body)
        assert (
            taken.content.count(b"\r\n") == taken.content.count(b"\n") == taken.content.count(b"\r")
        )
        assert not sink.early
        assert taken.content.count(b"\r\nReceived:") + taken.content.startswith(b"Received:") == 1


@pytest.mark.parametrize("extensions", [("PIPELINING",), ("CHUNKING", "PIPELINING"), ()])
def test_eight_bit_mail_goes_to_a_peer_with_seven_bits_only_converted_and_signed(
    start_product: StartProduct, tmp_path: Path, extensions: tuple[str, ...]
) -> None:
    """RFC 6152 section 3. dkimpy, which knows nothing of us, verifies what arrived."""
    key, record = tmp_path / "key.pem", tmp_path / "record"
    private = generate("ed25519")
    write_private_key(key, private)
    record.write_text(record_text(private.public_key()))
    keys = f'[dkim]\nkeys = [{{ domain = "example.org", selector = "s", file = "{key}" }}]\n'
    with RecordingSink(extensions=extensions) as sink:
        product = start_product(sink=sink.port, more=keys)
        mark = token()
        body = b".one caf\xc3\xa9 among many words\r\n.\r\nlast\r\n"
        good_session(product.smtp[0], content=message(mark, body))
        taken = sink.wait_for_token(mark)
        product.wait_for_disposition(recipient="b@example.net", event="relayed")
    assert b"8BITMIME" not in taken.mail
    assert taken.content.isascii()
    parsed = email.message_from_bytes(taken.content)
    assert parsed["MIME-Version"] == "1.0"
    assert parsed["Content-Transfer-Encoding"] == "quoted-printable"
    assert parsed.get_payload(decode=True) == body
    assert len(parsed.get_all("DKIM-Signature", [])) == 1
    found = dkim.verify(taken.content, dnsfunc=lambda *_, **__: record.read_bytes())
    assert found, "the signature does not verify"


def test_eight_bit_mail_that_cannot_be_converted_comes_back_as_a_dsn(
    start_product: StartProduct,
) -> None:
    """Octets above 127 in a text that says it has none."""
    with RecordingSink(extensions=("PIPELINING",)) as sink, RecordingSink() as home:
        product = start_product(
            routes=f'[[route]]\ndomain = "example.org"\nvia = "smtp://127.0.0.1:{home.port}"\n',
            sink=sink.port,
        )
        mark = token()
        good_session(
            product.smtp[0],
            content=b"Content-Transfer-Encoding: base64\r\n" + message(mark, b"caf\xc3\xa9\r\n"),
        )
        (dsn,) = home.wait_for(1)
        assert not sink.taken, "eight-bit content went to a peer that takes seven bits"
        assert b"MAIL FROM:<>" in dsn.mail
        assert b"5.6.3" in dsn.content
        product.wait_for_disposition(recipient="b@example.net", enhanced="5.6.3")


def test_what_would_smuggle_never_leaves(start_product: StartProduct) -> None:
    """Invariant 7, S2: whatever is said behind DATA, a peer that takes LF . LF for an end gets no second message."""
    inner = b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<v@example.net>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"
    ends = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r\n.\r",
        b"\r.\r\n",
        b"\n..\n",
        b"\n\0.\n",
    ]
    with RecordingSink(lone_lf_ends=True) as sink:
        product = start_product(sink=sink.port)
        for end in ends:
            for bdat in (False, True):
                with RawClient(product.smtp[0]) as client:
                    client.say(b"EHLO c.example.org\r\n")
                    client.say(b"MAIL FROM:<a@example.org>\r\n")
                    client.say(b"RCPT TO:<b@example.net>\r\n")
                    content = message("outer", b"first" + end + inner + b"\r\n")
                    if bdat:
                        reply = client.say(b"BDAT %d LAST\r\n%b" % (len(content), content))
                    else:
                        client.say(b"DATA\r\n")
                        reply = client.say(stuffed(content))
                    assert reply[:1] == b"5", (end, bdat, reply)
        mark = good_session(product.smtp[0])
        sink.wait_for_token(mark)
        assert len(sink.taken) == 1
