"""Mirrors angarium/smtp/seven_bit.py. What comes out is read by Python's own parser, which knows nothing of ours."""

import email
import email.message
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.seven_bit import MAX_DEPTH, MAX_PARTS, SevenBit, as_seven_bit

MIME = b"From: a@example.org\r\nMIME-Version: 1.0\r\n"
GRUSS = "Many greetings from the North, und schöne Grüße = 5 €\r\n".encode()
KYRILLIC = "Съешь же ещё этих мягких французских булок\r\n".encode()


def converted(header: bytes, body: bytes) -> SevenBit:
    """And hold what is true of each conversion."""
    result = as_seven_bit(header + b"\r\n", body)
    assert result is not None
    content = result.header + result.body
    assert content.isascii()
    assert result.header.endswith(b"\r\n\r\n")
    assert content.count(b"\r\n\r\n") >= 1
    assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")
    return result


def leaves(content: bytes) -> list[tuple[str, bytes]]:
    """The type and octets of each part that holds no others."""
    return [
        (each.get_content_type(), each.get_payload(decode=True))
        for each in email.message_from_bytes(content).walk()
        if not each.is_multipart()
    ]  # type: ignore[misc]


def multipart(*parts: bytes, boundary: bytes = b"b", kind: bytes = b"mixed") -> tuple[bytes, bytes]:
    header = MIME + b"Content-Type: multipart/%b; boundary=%b\r\n" % (kind, boundary)
    header += b"Content-Transfer-Encoding: 8bit\r\n"
    body = b"".join(b"--" + boundary + b"\r\n" + each + b"\r\n" for each in parts)
    return header, body + b"--" + boundary + b"--\r\n"


@pytest.mark.parametrize(
    ("fields", "body", "encoding"),
    [
        (b"Content-Type: text/plain; charset=utf-8\r\n", GRUSS, "quoted-printable"),
        (b"Content-Type: text/plain; charset=utf-8\r\n", KYRILLIC, "base64"),
        (b"CONTENT-TRANSFER-ENCODING: 8BIT\r\n", GRUSS * 9, "quoted-printable"),
        (b"Content-Transfer-Encoding:\r\n  binary (as it is)\r\n", GRUSS, "quoted-printable"),
        (b"Content-Type: application/pdf\r\n", bytes(range(128, 256)) * 9, "base64"),
        (b"Content-Type: what is this\r\n", GRUSS, "quoted-printable"),
        (b"Content-Type: message/global\r\n", b"Subject: \xc3\xa4\r\n\r\nand so on and on\r\n", "quoted-printable"),
    ],
)  # fmt: skip
def test_a_body_is_encoded_the_shorter_way(fields: bytes, body: bytes, encoding: str) -> None:
    result = converted(MIME + fields, body)
    parsed = email.message_from_bytes(result.header + result.body)
    assert parsed.get_all("Content-Transfer-Encoding") == [encoding]
    raw = email.message_from_bytes(
        result.header.replace(b"message/global", b"text/x") + result.body
    )
    assert raw.get_payload(decode=True) == body
    assert max(map(len, result.body.split(b"\r\n"))) <= 76


def test_the_header_is_untouched_but_for_the_encoding() -> None:
    header = b"Received: x\r\n\tfolded\r\nSubject:  two  blanks \r\n" + MIME
    result = converted(header + b"content-transfer-encoding: 8bit\r\nX-Last: y\r\n", GRUSS)
    line = b"Content-Transfer-Encoding: quoted-printable\r\n"
    assert result.header == header + line + b"X-Last: y\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "charset"),
    [(GRUSS, b"utf-8"), ("Greetings, Grüße\r\n".encode("latin-1"), b"unknown-8bit")],
)
def test_what_is_not_mime_becomes_it(body: bytes, charset: bytes) -> None:
    """RFC 1428 section 3."""
    result = converted(b"From: a@example.org\r\n", body)
    assert result.header == (
        b"From: a@example.org\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=" + charset + b"\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )


def test_a_body_that_is_ascii_is_named_so_and_else_left() -> None:
    result = converted(MIME + b"Content-Transfer-Encoding: 8bit\r\n", b"plain =20\r\n")
    assert result.header == MIME + b"Content-Transfer-Encoding: 7bit\r\n\r\n"
    assert result.body == b"plain =20\r\n"
    coded = MIME + b"Content-Transfer-Encoding: base64\r\n"
    assert converted(coded, b"eA==\r\n").header == coded + b"\r\n"


def test_of_a_multipart_only_the_parts_that_need_it_change() -> None:
    header, body = multipart(
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + GRUSS,
        b"Content-Type: text/html\r\n\r\n<p>ASCII</p>",
        b"\r\nno fields: \xc3\xa4",
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n",
        b"",
    )
    result = converted(header, b"pre\xc3\xa4mble\r\n" + body + b"epil\xc3\xb6gue\r\n")
    assert leaves(result.header + result.body) == [
        ("text/plain", GRUSS),
        ("text/html", b"<p>ASCII</p>"),
        ("text/plain", "no fields: ä".encode()),
        ("image/png", b"\x89PNG\r\n\x1a\n"),
        ("text/plain", b""),
    ]
    assert result.body.startswith(b"pre??mble\r\n--b\r\n")
    assert b"Content-Type: text/html\r\n\r\n<p>ASCII</p>\r\n--b\r\n" in result.body
    assert result.body.endswith(b"--b--\r\nepil??gue\r\n")
    assert result.header.endswith(b"Content-Transfer-Encoding: 7bit\r\n\r\n")


def test_parts_in_parts_and_messages_in_them() -> None:
    inner = b"From: c@example.org\r\n\r\n" + GRUSS
    message = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner
    header, body = multipart(b"\r\n" + GRUSS, message, boundary=b"bb")
    nested = header.partition(MIME)[2] + b"\r\n" + body
    result = converted(*multipart(nested, b"\r\nlast \xc3\xa4"))
    found = leaves(result.header + result.body)
    assert found == [("text/plain", each) for each in (GRUSS, GRUSS, "last ä".encode())]
    assert b"message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nFrom: c@" in result.body
    assert b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8" in result.body


def test_a_digests_parts_are_messages() -> None:
    header, body = multipart(b"\r\nSubject: x\r\n\r\n" + GRUSS, kind=b"digest")
    result = converted(header, body)
    assert b"\r\n\r\nSubject: x\r\nMIME-Version: 1.0\r\n" in result.body


@pytest.mark.parametrize("boundary", [b'"a b"', b'"a\\"b"', b"a_b'c"])
def test_boundaries_are_read_as_they_may_be_written(boundary: bytes) -> None:
    header = MIME + b"Content-Type: multipart/mixed;\r\n\tx=1; Boundary = " + boundary + b"\r\n"
    mark = b"--" + boundary.strip(b'"').replace(b"\\", b"")
    body = mark + b" \t\r\n\r\n" + GRUSS + b"\r\n" + mark + b"x\r\n\r\n" + mark + b"--\r\n"
    result = converted(header, body)
    assert result.body.count(mark) == 2
    text = GRUSS + b"\r\n" + mark + b"x\r\n"  # a longer one is none
    assert leaves(result.header + result.body) == [("text/plain", text)]


def test_a_line_of_a_boundary_does_not_come_about_by_encoding() -> None:
    text = b"x" * 75 + b"--b\r\n\xc3\xa4"
    result = converted(*multipart(b"\r\n" + text))
    assert leaves(result.header + result.body) == [("text/plain", text)]


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("Subject: ä\r\n".encode() + MIME, GRUSS),
        (MIME + b"Content-Transfer-Encoding: base64\r\n", GRUSS),
        (MIME + b"Content-Transfer-Encoding: quoted-printable\r\n", GRUSS),
        (MIME + b"Content-Transfer-Encoding: x-uuencode\r\n", GRUSS),
        (MIME + b"Content-Transfer-Encoding: 8bit\r\n" * 2, GRUSS),
        (MIME + b"Content-Type: text/plain\r\nContent-type: text/html\r\n", GRUSS),
        (MIME + b"Content-Type: multipart/mixed\r\n", GRUSS),
        (MIME + b"Content-Type: multipart\r\n", GRUSS),
        (MIME + b"Content-Type: multipart/mixed; boundary=b\r\n", GRUSS),
        (MIME + b"Content-Type: multipart/mixed; boundary=" + b"b" * 201 + b"\r\n", GRUSS),
        (MIME + b"Content-Type: message/partial\r\n", GRUSS),
        multipart("Content-Type: text/plain; name=ä\r\n\r\nx".encode()),
        multipart(b"\r\n" + GRUSS, kind=b"signed"),
    ],
)
def test_what_would_need_guessing_or_break_a_signature_is_not_converted(
    header: bytes, body: bytes
) -> None:
    assert as_seven_bit(header + b"\r\n", body) is None


def nested(depth: int) -> tuple[bytes, bytes]:
    header, body = b"", GRUSS
    for level in range(depth):
        mark = b"b%d" % level
        body = b"--" + mark + b"\r\n" + header + b"\r\n" + body + b"\r\n--" + mark + b"--\r\n"
        header = b"Content-Type: multipart/mixed; boundary=" + mark + b"\r\n"
    return MIME + header, body


def test_parts_are_bounded_in_depth_and_number_c2() -> None:
    assert as_seven_bit(*nested(MAX_DEPTH)[:1], b"") is not None
    header, body = nested(MAX_DEPTH)
    assert as_seven_bit(header + b"\r\n", body) is not None
    header, body = nested(MAX_DEPTH + 1)
    assert as_seven_bit(header + b"\r\n", body) is None
    header, body = multipart(*[b"\r\n\xc3\xa4"] * (MAX_PARTS - 1))
    assert as_seven_bit(header + b"\r\n", body) is not None
    header, body = multipart(*[b"\r\n\xc3\xa4"] * MAX_PARTS)
    assert as_seven_bit(header + b"\r\n", body) is None


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: multipart/mixed" + b"; a=b" * 20_000 + b"\r\n",
        b"Content-Type: multipart/mixed; boundary=" + b'"' + b"\\" * 100_000 + b"\r\n",
        b"Content-Type: " + b" " * 100_000 + b"\r\n",
        b"Content-Transfer-Encoding:" + b"\r\n " * 50_000 + b"\r\n",
    ],
)
def test_a_hostile_header_takes_no_time_c4(header: bytes) -> None:
    start = time.process_time()
    as_seven_bit(MIME + header + b"\r\n", GRUSS)
    assert time.process_time() - start < 2


TEXT = st.lists(st.sampled_from([b"\r\n", b"--b", b"=", b".", b" ", b"x" * 70, b"\xc3\xa4", b"\0"]))


@given(st.lists(TEXT.map(b"".join), max_size=3), st.sampled_from([b"mixed", b"digest"]))
def test_whatever_the_parts_are_the_result_is_ascii_and_reads_alike(
    parts: list[bytes], kind: bytes
) -> None:
    header, body = multipart(
        *(b"Content-Type: text/plain\r\n\r\n" + each for each in parts), kind=kind
    )
    if as_seven_bit(header + b"\r\n", body) is None:
        return  # such as a part's header that is no header
    result = converted(header, body)
    before, after = leaves(header + b"\r\n" + body), leaves(result.header + result.body)
    assert [octets.rstrip(b"\r\n") for _, octets in after] == [
        octets.rstrip(b"\r\n") for _, octets in before
    ]
