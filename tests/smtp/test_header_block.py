"""Mirrors angarium/smtp/header_block.py."""

import email
import email.policy
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.header_block import HeaderBlock, HeaderLimits, parse_header
from angarium.smtp.refusal import Refusal

EML = Path(__file__).parents[3] / "shared/data/bounces/eml"
LIMITS = HeaderLimits()


def parsed(content: bytes, *, smtputf8: bool = False, limits: HeaderLimits = LIMITS) -> HeaderBlock:
    block = parse_header(content, limits, smtputf8)
    assert isinstance(block, HeaderBlock), block
    return block


def refused(content: bytes, *, smtputf8: bool = False, limits: HeaderLimits = LIMITS) -> Refusal:
    refusal = parse_header(content, limits, smtputf8)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.text.isascii()
    assert refusal.text.isprintable()
    return refusal


@pytest.mark.parametrize(
    ("content", "fields", "body"),
    [
        (b"From: a@b\r\n\r\nhi\r\n", [(b"from", b"a@b")], b"hi\r\n"),
        (b"From: a@b\r\n\r\n", [(b"from", b"a@b")], b""),
        (b"From: a@b\r\n", [(b"from", b"a@b")], b""),  # no empty line
        (b"FROM:a@b\r\nx-y:\r\n\r\n", [(b"from", b"a@b"), (b"x-y", b"")], b""),
        (
            b"Subject: a\r\n b\r\n\tc\r\nTo: d\r\n\r\n",
            [(b"subject", b"a b\tc"), (b"to", b"d")],
            b"",
        ),
        (b"Subject:\r\n a\r\n\r\n", [(b"subject", b"a")], b""),
        (b"X: 1\r\nX: 2\r\nx: 3\r\n\r\n", [(b"x", b"1"), (b"x", b"2"), (b"x", b"3")], b""),
        (b"!#$: odd names are names\r\n\r\n", [(b"!#$", b"odd names are names")], b""),
        (b"A: b:c\r\n\r\nTo: x\r\n\r\ny", [(b"a", b"b:c")], b"To: x\r\n\r\ny"),
        (b"\r\nTo: x\r\n", [], b"To: x\r\n"),  # an empty header
    ],
)
def test_fields_are_found(content: bytes, fields: list[tuple[bytes, bytes]], body: bytes) -> None:
    block = parsed(content)
    assert [(name, block.value(i)) for i, name in enumerate(block.names)] == fields
    assert content[block.body_offset :] == body
    assert b"".join(block.field(i) for i in range(len(block.names))) == block.octets


@pytest.mark.parametrize(
    "content", [b"hello\r\n", b"Hi Bob,\r\nhow: are you\r\n\r\nJ\r\n", b" x\r\n", b"", b":\r\n"]
)
def test_text_without_a_header_is_a_body(content: bytes) -> None:
    block = parsed(content)
    assert (block.names, block.octets, block.body_offset) == ([], b"", 0)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"From: a@b\r\nhello\r\n\r\n", "Line 2 of the header is neither"),
        (b"From : a@b\r\nTo: x\r\n\r\n", "Line 1 of the header is neither"),
        (b"To: x\r\nFrom : a@b\r\n\r\n", "Line 2 of the header is neither"),
        (b"To: x\r\n: a\r\n\r\n", "Line 2 of the header is neither"),
        (b"To: x\r\nFrom\r\n\r\n", "Line 2 of the header is neither"),
        (b"To: x\r\nFr\x00om: x\r\n\r\n", "Line 2 of the header is neither"),
        (b"To: x\r\nFr\xc3\xb6m: x\r\n\r\n", "Line 2 of the header is neither"),
        (b"To: x\r\n \t\r\nSubject: y\r\n\r\n", "Line 2 of the header has nothing but white space"),
        (b"hello\r\nFrom: a@b\r\n\r\n", "Line 1 of the header is neither"),
        (b"From joe Mon Jan 1\r\nFrom: a@b\r\n\r\n", "mailbox's From line"),
        (b">From joe Mon Jan 1\r\n\r\n", "mailbox's From line"),
        (b"To: x", "does not end in CRLF"),
        (b"To: x\nFrom: y\r\n\r\n", "CR or LF that ends no line"),
        (b"To: x\rFrom: y\r\n\r\n", "CR or LF that ends no line"),
        (b"To: x\x00\r\n\r\n", "NUL"),
    ],
)
def test_c5_a_line_that_two_readers_read_differently_is_refused(content: bytes, text: str) -> None:
    refusal = refused(content)
    assert (refusal.code, refusal.enhanced) == (550, "5.6.0")
    assert text in refusal.text


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\n", b"\n\r\n", b"\r\r", b"\r\n\r"])
def test_c5_only_crlf_crlf_ends_the_header(end: bytes) -> None:
    refused(b"From: a@b" + end + b"To: c\r\n\r\nbody\r\n")


@pytest.mark.parametrize(
    "name",
    [
        *("From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID"),
        *("In-Reply-To", "References", "MIME-Version", "Content-Type"),
        *("Content-Transfer-Encoding", "List-Unsubscribe"),
    ],
)
def test_d1_a2_a_singleton_that_is_repeated_is_refused_by_name(name: str) -> None:
    refusal = refused(f"{name}: a\r\nX: y\r\n{name.upper()}: b\r\n\r\n".encode())
    assert (refusal.code, refusal.enhanced) == (550, "5.6.0")
    assert f"More than one {name} field" in refusal.text


def test_s7_each_limit_has_its_reply() -> None:
    limits = HeaderLimits(octets=100, fields=3, received=2)
    assert refused(b"X: y\r\n" * 4 + b"\r\n", limits=limits).code == 552
    assert refused(b"X: " + b"y" * 200 + b"\r\n\r\n", limits=limits).enhanced == "5.3.4"
    assert refused(b"X: y\r\n y" + b"y" * 200, limits=limits).enhanced == "5.3.4"
    assert parsed(b"X: " + b"y" * 95 + b"\r\n\r\nbody\r\n" * 20, limits=limits)
    assert refused(b"X: " + b"y" * 96 + b"\r\n\r\nbody\r\n", limits=limits).code == 552


def test_a_mail_loop_is_refused() -> None:
    limits = HeaderLimits(received=2)
    assert parsed(b"Received: x\r\n" * 2 + b"\r\n", limits=limits)
    refusal = refused(b"Received: x\r\n" * 3 + b"\r\n", limits=limits)
    assert (refusal.code, refusal.enhanced) == (554, "5.4.6")


def test_a4_eight_bit_in_the_header_needs_smtputf8_and_utf8() -> None:
    content = "From: a@b\r\nSubject: x\r\n Grüße\r\n\r\n".encode()
    refusal = refused(content)
    assert (refusal.code, refusal.enhanced) == (550, "5.6.7")
    assert "the Subject field" in refusal.text
    assert parsed(content, smtputf8=True).value(1) == "x Grüße".encode()
    assert refused(b"Subject: \xff\r\n\r\n", smtputf8=True).enhanced == "5.6.0"
    assert parsed(b"Subject: x\r\n\r\n\xff\r\n")  # in the body it is 8BITMIME's affair


@pytest.mark.parametrize(
    "content",
    [
        *(
            b":" * 1_000_000,
            b"\r\n" * 500_000,
            b" \r\n" * 300_000,
            b"a:\r\n" * 60_000,
            b"(" * 1_000_000,
        ),
        *(
            b"a" * 1_000_000,
            b"Received: x\r\n" * 20_000,
            b"a:\r\n b\r\n" * 30_000,
            b"\xff" * 1_000_000,
        ),
    ],
)
def test_c4_hostile_input_takes_linear_time(content: bytes) -> None:
    began = time.process_time()
    parse_header(content, LIMITS, False)
    parse_header(content, HeaderLimits(octets=10**9, fields=10**9, received=10**9), False)
    assert time.process_time() - began < 2


NAME = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1
)
VALUE = st.lists(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), min_size=1
)


@given(st.lists(st.tuples(NAME, VALUE), min_size=1, max_size=20), st.binary())
def test_what_is_written_is_read(fields: list[tuple[str, list[str]]], body: bytes) -> None:
    fields = [(f"x-{name}", value) for name, value in fields]
    header = "".join(f"{name}: " + "\r\n ".join(value) + "\r\n" for name, value in fields).encode()
    block = parsed(header + b"\r\n" + body)
    found = [(name.decode(), block.value(i).decode()) for i, name in enumerate(block.names)]
    assert found == [(name.lower(), " ".join(value)) for name, value in fields]
    assert block.octets == header
    assert block.body_offset == len(header) + 2


@given(
    st.lists(
        st.sampled_from(
            [b"\r\n", b"\r", b"\n", b" ", b":", b"From", b"x", b"\x00", b"\xc3\xa4", b"\t"]
        )
    )
)
def test_random_octets_are_parsed_or_refused(parts: list[bytes]) -> None:
    content = b"".join(parts)
    block = parse_header(content, LIMITS, True)
    if isinstance(block, HeaderBlock):
        assert b"".join(block.field(i) for i in range(len(block.names))) == block.octets
        assert b"\r\n\r\n" not in block.octets


def test_ordinary_mail_is_read_as_python_reads_it() -> None:
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"] = "Jörg Müller <joerg@example.com>"
    message["To"] = ", ".join(f"Someone With A Name <user{n}@example.net>" for n in range(20))
    message["Subject"] = "A long subject, folded, with Umlauts äöü " * 5
    message.set_content("Grüße\n")
    octets = message.as_bytes()
    block = parsed(octets)
    reference = email.message_from_bytes(octets)
    unfolded = [value.replace("\r\n", "").strip() for value in reference.values()]
    assert [block.value(i).decode() for i in range(len(block.names))] == unfolded
    assert [name.decode() for name in block.names] == [name.lower() for name in reference]


@pytest.mark.skipif(not EML.is_dir(), reason="no shared data")
def test_real_mail_is_parsed_or_refused_with_a_reason() -> None:
    outcomes = []
    for path in sorted(EML.rglob("*.eml")):
        octets = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        block = parse_header(octets, LIMITS, False)
        outcomes.append((path.name, block.text if isinstance(block, Refusal) else len(block.names)))
    assert outcomes
    assert all(outcome != "" for _, outcome in outcomes)
    readable = sum(isinstance(outcome, int) for _, outcome in outcomes)
    assert readable >= len(outcomes) * 0.8, outcomes
