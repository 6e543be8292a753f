"""Deliveries to servers that offer little, much, or something else than they should."""

import pytest

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


def test_eight_bit_mail_to_a_peer_with_seven_bits_only_comes_back_as_a_dsn(
    start_product: StartProduct,
) -> None:
    with RecordingSink(extensions=("PIPELINING",)) as sink, RecordingSink() as home:
        product = start_product(
            routes=f'[[route]]\ndomain = "example.org"\nvia = "smtp://127.0.0.1:{home.port}"\n',
            sink=sink.port,
        )
        mark = token()
        good_session(product.smtp[0], content=message(mark, b"caf\xc3\xa9\r\n"))
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
