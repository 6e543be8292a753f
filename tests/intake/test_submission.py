"""Mirrors angarium/intake/submission.py (and senders, trace_field)."""

import email
import email.policy
import email.utils
import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.access.senders import SenderPatternError, Senders
from angarium.config.schema import ListenerLimits
from angarium.feedback.reference import ReferenceKeys, Valid
from angarium.intake.submission import SubmissionBuilder
from angarium.queue.message_id import message_id_text
from angarium.queue.model import MessageId, PartitionNumber, Submission, UnixMs
from angarium.smtp.address import parse_mailbox
from angarium.smtp.envelope import Envelope, Notify, Recipient
from angarium.smtp.header_block import HeaderBlock, HeaderLimits, parse_header
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal

NOW = UnixMs(1_795_317_149_000)  # Sun, 22 Nov 2026 03:12:29 UTC
DATE = "Sun, 22 Nov 2026 03:12:29 +0000"
GOOD = b"From: Joe <joe@a.example>\r\nDate: now\r\nMessage-ID: <1@a.example>\r\nTo: x@b.example\r\n"


def recipient(address: str, **more: Any) -> Recipient:
    return Recipient(forward_path=address, domain=address.rpartition("@")[2].lower(), **more)


def envelope(*recipients: str | Recipient, sender: str = "joe@a.example", **more: Any) -> Envelope:
    found = [recipient(r) if isinstance(r, str) else r for r in recipients or ("x@b.example",)]
    return Envelope(reverse_path=sender, recipients=tuple(found), **more)


def received(content: bytes, to: Envelope | None = None, **more: Any) -> ReceivedMessage:
    values = {
        "client_address": "192.0.2.1",
        "client_name": "client.example",
        "protocol": "ESMTPSA",
        "listener": "127.0.0.1:587",
        **more,
    }
    return ReceivedMessage(envelope=to or envelope(), content=content, **values)


def builder(**limits: int) -> SubmissionBuilder:
    numbers = itertools.count(1)
    return SubmissionBuilder(
        "mx1.example.com",
        lambda: NOW,
        lambda: MessageId(next(numbers).to_bytes(16, "big")),
        lambda domain: PartitionNumber(len(domain)),
        ListenerLimits(**limits),
        60.0,
    )


def built(content: bytes, to: Envelope | None = None, **more: Any) -> Submission:
    submission = builder().build(received(content, to, **more))
    assert isinstance(submission, Submission), submission
    return submission


def refused(content: bytes, to: Envelope | None = None, **more: Any) -> Refusal:
    refusal = builder().build(received(content, to, **more))
    assert isinstance(refusal, Refusal), refusal
    assert refusal.text.isascii()
    assert refusal.text.isprintable()
    return refusal


def header_of(submission: Submission) -> HeaderBlock:
    block = parse_header(submission.content, HeaderLimits(), True)
    assert isinstance(block, HeaderBlock), block
    assert block.body_offset == submission.header_octets
    return block


def test_a_complete_message_gets_one_received_line_and_nothing_else() -> None:
    content = GOOD + b"\r\nbody\r\n"
    submission = built(
        content, tls_version="TLSv1.3", tls_cipher="TLS_AES_256_GCM_SHA384", user="joe"
    )
    trace = (
        "Received: from client.example ([192.0.2.1])\r\n"
        "\tby mx1.example.com with ESMTPSA (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
        f"\tid {message_id_text(submission.message_id)}\r\n\tfor <x@b.example>;\r\n\t{DATE}\r\n"
    )
    assert submission.content == trace.encode() + content
    assert submission.content[submission.header_octets :] == b"body\r\n"
    assert submission.header_from == "a.example"
    assert submission.message_id_header == "<1@a.example>"
    assert submission.accepted == NOW
    assert submission.expires == NOW + 60_000
    assert submission.partitions == (PartitionNumber(9),)
    assert submission.origin.user == "joe"
    assert submission.envelope is not None


def test_what_is_kept_of_a_message_id_has_nothing_that_a_terminal_obeys_c7() -> None:
    content = b"From: joe@a.example\r\nMessage-ID: <\x1b[31m\x07\x7f1@a.example>\r\n\r\n"
    submission = built(content)
    assert submission.message_id_header == "< [31m  1@a.example>"
    assert b"<\x1b[31m\x07\x7f1@a.example>" in submission.content


def test_missing_date_and_message_id_are_added() -> None:
    submission = built(b"From: joe@a.example\r\n\r\nbody\r\n")
    message = email.message_from_bytes(submission.content)
    assert message["Date"] == DATE
    assert email.utils.parsedate_to_datetime(DATE).timestamp() * 1000 == NOW
    id_text = message_id_text(submission.message_id)
    assert message["Message-ID"] == f"<{id_text}@mx1.example.com>" == submission.message_id_header
    assert message.keys() == ["Received", "From", "Date", "Message-ID"]


KEYS = ReferenceKeys({1: bytes(32)}, days=30)


@pytest.mark.parametrize(
    ("recipients", "index"), [(("x@b.example",), 0), (("x@b.example", "y@c.example"), None)]
)
def test_where_reports_are_read_a_message_id_that_we_add_is_a_reference(
    recipients: tuple[str, ...], index: int | None
) -> None:
    making = builder()
    making.references = KEYS
    submission = making.build(received(b"From: joe@a.example\r\n\r\n", envelope(*recipients)))
    assert isinstance(submission, Submission)
    name, _, domain = submission.message_id_header.strip("<>").partition("@")
    assert domain == "mx1.example.com"
    found = KEYS.verify(name, NOW)
    assert isinstance(found, Valid)
    assert (found.reference.message_id, found.reference.index) == (submission.message_id, index)
    assert KEYS.fits(found.reference, "x@b.example") is (index == 0)
    own = making.build(received(GOOD + b"\r\n"))
    assert isinstance(own, Submission)
    assert own.message_id_header == "<1@a.example>"


def test_a_senders_own_references_are_dropped_a6() -> None:
    content = b"X-Angarium-Reference: ar1.x\r\nCFBL-Address: a@a.example\r\n" + GOOD + b"\r\n"
    assert built(content).content.endswith(b"CFBL-Address: a@a.example\r\n" + GOOD + b"\r\n")
    making = builder()
    making.references = KEYS
    submission = making.build(received(b"CFBL-Feedback-ID: x\r\n" + content))
    assert isinstance(submission, Submission)
    assert b"CFBL" not in submission.content
    assert b"X-Angarium-Reference" not in submission.content


@pytest.mark.parametrize("content", [b"hello\r\n\r\nthere\r\n", b"\r\nhello\r\n", b"", b"\r\n"])
def test_text_without_a_header_gets_one_from_the_envelope(content: bytes) -> None:
    submission = built(content)
    block = header_of(submission)
    assert block.names == [b"received", b"from", b"date", b"message-id"]
    assert block.value(1) == b"<joe@a.example>"
    assert submission.content[submission.header_octets :] == content.removeprefix(b"\r\n")
    assert submission.header_from == "a.example"


def test_a_header_without_an_empty_line_gets_one() -> None:
    submission = built(GOOD)
    assert submission.content.endswith(b"To: x@b.example\r\n\r\n")
    assert submission.header_octets == len(submission.content)


def test_in3_bcc_and_return_path_are_dropped_and_all_else_stays_as_it_came() -> None:
    content = (
        b"Return-Path: <evil@x>\r\nX-Odd:   kept \r\n\t as  is\r\nbcc: secret@x.example,\r\n other@x.example\r\n"
        + GOOD
        + b"Resent-Bcc: s@x\r\nBCC:\r\nX-Last: y\r\n\r\nBcc: body@stays\r\n"
    )
    submission = built(content)
    kept = b"X-Odd:   kept \r\n\t as  is\r\n" + GOOD + b"X-Last: y\r\n\r\nBcc: body@stays\r\n"
    assert submission.content.endswith(b"+0000\r\n" + kept)
    assert b"secret" not in submission.content


def test_with_several_recipients_received_names_none() -> None:
    submission = built(GOOD + b"\r\n", envelope("secret@b.example", "x@c.example"))
    assert b"secret" not in submission.content
    assert b"\tfor" not in submission.content


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("mail.example", "mail.example"),
        ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("", "unknown"),
        ("a\r\nBcc: x", "a??Bcc:?x"),
        ("<script>(;)\x00é", "?script??????"),
        ("x" * 300, "x" * 255),
    ],
)
def test_s9_c1_the_clients_name_cannot_inject(name: str, shown: str) -> None:
    submission = built(GOOD + b"\r\n", client_name=name)
    assert submission.content.startswith(f"Received: from {shown} ([192.0.2.1])\r\n".encode())
    assert header_of(submission).names[1:] == [b"from", b"date", b"message-id", b"to"]


def test_the_clients_ipv6_address_is_an_address_literal() -> None:
    submission = built(GOOD + b"\r\n", client_address="2001:db8::1")
    assert b"from client.example ([IPv6:2001:db8::1])\r\n" in submission.content


def test_c1_s2_in2_a_field_that_would_break_the_header_is_refused() -> None:  # invariant 7
    evil = recipient("x\r\nBcc: y@b.example")  # which the session would never let through
    assert refused(GOOD + b"\r\n", envelope(evil)).text == "The header cannot be sent safely"
    assert refused(b"Subject: x\r\n\r\n", envelope(sender="j\r\nX: <y>\r\n")).code == 550


@pytest.mark.parametrize(
    ("header", "where"),
    [
        (b"From: ceo@other.example\r\n", "<ceo@other.example> (From)"),
        (b"From: joe@a.example, ceo@other.example\r\n", "<ceo@other.example> (From)"),
        (b"From: us: joe@a.example, x@other.example;\r\n", "<x@other.example> (From)"),
        (b"From: joe@a.example\r\nSender: x@other.example\r\n", "<x@other.example> (Sender)"),
        (b"From: joe@sub.a.example\r\n", "<joe@sub.a.example> (From)"),
        (b'From: "joe@a.example" <x@other.example>\r\n', "<x@other.example> (From)"),
        (
            b"Resent-From: x@other.example\r\nFrom: joe@a.example\r\n",
            "<x@other.example> (Resent-From)",
        ),
        (
            b"From: joe@a.example\r\nResent-Sender: x@other.example\r\n",
            "<x@other.example> (Resent-Sender)",
        ),
    ],
)
def test_a2_in1_from_and_sender_must_be_the_users(header: bytes, where: str) -> None:
    refusal = refused(header + b"\r\n", senders=("@a.example",))
    assert (refusal.code, refusal.enhanced) == (550, "5.7.1")
    assert where in refusal.text
    assert built(header + b"\r\n", senders=("*",))


BOUNCE = b"From: MAILER-DAEMON@web1.a.example (Mail Delivery System)\r\n\r\n"


@pytest.mark.parametrize("pattern", ["@a.example", "@*.a.example", "root@web1.a.example"])
def test_a2_a_satellites_own_bounce_may_be_relayed(pattern: str) -> None:
    submission = built(
        BOUNCE, envelope(sender=""), senders=(pattern,), client_name="Web1.a.example"
    )
    assert submission.header_from == "web1.a.example"


@pytest.mark.parametrize(
    ("content", "more"),
    [
        (BOUNCE, {"client_name": "web2.a.example"}),
        (BOUNCE, {"senders": ("@b.example",)}),
        (BOUNCE, {"senders": ("joe@a.example", "@*.web1.a.example")}),
        (BOUNCE, {"to": envelope(sender="joe@a.example")}),
        (BOUNCE.replace(b"MAILER-DAEMON", b"postmaster"), {}),
        (BOUNCE.replace(b"web1.a", b"bank"), {"client_name": "bank.example"}),
        (BOUNCE.replace(b"\r\n\r\n", b", MAILER-DAEMON@web1.a.example\r\n\r\n"), {}),
        (BOUNCE.replace(b"\r\n\r\n", b"\r\nSender: ceo@bank.example\r\n\r\n"), {}),
    ],
)
def test_a2_nothing_but_its_own_bounce(content: bytes, more: dict[str, Any]) -> None:
    own = {"senders": ("@a.example",), "to": envelope(sender=""), "client_name": "web1.a.example"}
    assert refused(content, **(own | more)).enhanced == "5.7.1"


def test_a2_the_reverse_path_must_be_the_users_too() -> None:
    refusal = refused(
        GOOD + b"\r\n", envelope(sender="x@other.example"), senders=("joe@a.example",)
    )
    assert (refusal.enhanced, "MAIL FROM" in refusal.text) == ("5.7.1", True)
    assert built(GOOD + b"\r\n", envelope(sender=""), senders=("joe@a.example",))


@pytest.mark.parametrize(
    "header",
    [
        b"From: a@b.example\r\nFrom: c@d.example\r\n",
        b"From: a@b.example\r\nfrom : c@d.example\r\n",
        b"From:\r\n",
        b"From: nobody:;\r\n",
        b"From: a@b.example <c@d.example>\r\n",
        b"From: a@b.example\r\nSender: a@b.example, c@d.example\r\n",
        b"From: a@b.example\r\nSender: x\r\n",
        b"From: a@b.example\r\nMessage-ID:\r\n",
    ],
)
def test_a2_what_does_not_say_clearly_who_it_is_from_is_refused(header: bytes) -> None:
    refusal = refused(header + b"\r\n")
    assert (refusal.code, refusal.enhanced) == (550, "5.6.0")


def test_a2_a_message_that_others_have_resent_may_be_resent() -> None:
    """RFC 5322 section 3.6.6: the block that is added last stands first."""
    resent = b"Resent-From: joe@a.example\r\nResent-From: x@other.example\r\n"
    assert built(resent + GOOD + b"\r\n", senders=("@a.example",))
    refusal = refused(b"Resent-From: nobody:;\r\n" + GOOD + b"\r\n", senders=("@a.example",))
    assert "Resent-From" in refusal.text


def test_a3_a_reverse_path_with_two_at_signs_becomes_no_author() -> None:
    sender = envelope(sender='"ceo@other.example"@a.example')
    assert refused(b"Subject: x\r\n\r\n", sender, senders=("@a.example",)).enhanced == "5.6.0"
    several = b"From: a@a.example, b@a.example\r\n\r\n"
    assert refused(several, sender, senders=("@a.example",)).enhanced == "5.6.0"


def test_a_null_reverse_path_needs_a_from_field() -> None:
    assert "no From" in refused(b"Subject: x\r\n\r\n", envelope(sender="")).text
    assert "Sender" in refused(b"From: a@b, c@d\r\n\r\n", envelope(sender="")).text


def test_several_authors_get_a_sender() -> None:
    submission = built(b"From: a@a.example, b@a.example\r\n\r\n")
    assert b"Sender: <joe@a.example>\r\n" in submission.content
    submission = built(b"From: a@a.example, b@a.example\r\nSender: b@a.example\r\n\r\n")
    assert submission.content.count(b"Sender") == 1


def test_repeated_recipients_are_merged_in_order() -> None:
    to = envelope(
        recipient("b@x.example", notify=int(Notify.SUCCESS)),
        recipient("a@x.example"),
        recipient("b@X.example", notify=int(Notify.FAILURE)),
        recipient("B@x.example"),
        recipient("a@x.example"),
    )
    submission = built(GOOD + b"\r\n", to)
    recipients = submission.envelope.recipients
    assert [each.forward_path for each in recipients] == [
        "b@x.example",
        "a@x.example",
        "B@x.example",
    ]
    assert recipients[0].notify == Notify.SUCCESS | Notify.FAILURE
    assert recipients[1].notify is None
    assert len(submission.partitions) == 3


@pytest.mark.parametrize(
    ("content", "to", "smtputf8", "body_8bit"),
    [
        (GOOD + b"\r\nx\r\n", envelope(smtputf8=True, body_8bit=True), False, False),
        (GOOD + b"\r\n\xe9\r\n", envelope(smtputf8=True), False, True),
        (GOOD + "Subject: é\r\n\r\n".encode(), envelope(smtputf8=True), True, True),
        (GOOD + b"\r\nx\r\n", envelope("é@b.example", "x@c.example", smtputf8=True), True, False),
        (GOOD + b"\r\nx\r\n", envelope("é@b.example", smtputf8=True), True, True),  # in Received
    ],
)
def test_extensions_are_asked_for_only_if_the_message_needs_them(
    content: bytes, to: Envelope, smtputf8: bool, body_8bit: bool
) -> None:
    found = built(content, to).envelope
    assert (found.smtputf8, found.body_8bit) == (smtputf8, body_8bit)


def test_the_headers_limits_are_the_listeners() -> None:
    tight = builder(header_fields=3)
    refusal = tight.build(received(GOOD + b"\r\n"))
    assert isinstance(refusal, Refusal)
    assert refusal.code == 552


LINE = st.sampled_from(
    [
        *(
            b"From: joe@a.example",
            b"Bcc: s@x",
            b"Subject: x",
            b" folded",
            b"X: y",
            b"Date: now",
            b"",
            b"text",
        ),
        *(
            b"To: x@b",
            b"Message-ID: <1@x>",
            b"Return-Path: <>",
            b"Sender: joe@a.example",
            b"\tx",
            b"From : x",
        ),
    ]
)


@given(st.lists(LINE, max_size=12))
def test_c1_in2_in3_a_built_message_is_read_again_as_the_same(lines: list[bytes]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    submission = builder().build(received(content, senders=("@a.example",)))
    if isinstance(submission, Refusal):
        return
    block = header_of(submission)
    for name in (b"received", b"from", b"date", b"message-id"):
        assert block.names.count(name) == 1
    assert not {b"bcc", b"return-path"} & set(block.names)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", submission.content)
    again = builder().build(received(submission.content, senders=("@a.example",)))
    assert isinstance(again, Submission)
    assert again.content.endswith(submission.content)  # nothing is left to repair


@pytest.mark.parametrize(
    ("pattern", "allowed", "denied"),
    [
        ("*", "x@y.example", None),
        ("@a.example", "x@A.example", "x@b.a.example"),
        ("@bücher.example", "x@xn--bcher-kva.example", "x@bucher.example"),
        ("joe@a.example", "Joe@A.example", "jo@a.example"),
        ("joe@a.example", '"joe"@a.example', '"joe "@a.example'),
        ("@*.shop.example", "x@a.b.Shop.example", "x@shop.example"),
        ("@*.shop.example", "x@a.shop.example", "x@ashop.example"),
        ("@*.bücher.example", "x@a.xn--bcher-kva.example", "x@[192.0.2.1]"),
    ],
)
def test_a2_patterns_allow_what_they_say(pattern: str, allowed: str, denied: str | None) -> None:
    senders = Senders([pattern])
    assert senders.allows(parse_mailbox(allowed))
    assert denied is None or not senders.allows(parse_mailbox(denied))


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "@",
        "a",
        "*@a.example",
        "@*",
        "a@",
        "@a b",
        "**",
        "a@b@c",
        "@*.",
        "*@*.a",
        "@*.*.a",
        "@.a",
    ],
)
def test_a_bad_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(SenderPatternError):
        Senders([pattern])
