"""Mirrors angarium/intake/repair/: what holds whatever comes."""

import email.header
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.intake.repair.author import MendedAuthor, mend_author
from angarium.intake.repair.message import Mended, mend_header
from angarium.intake.repair.raw_utf8 import encode_field
from angarium.smtp.header_block import HeaderBlock, HeaderLimits, parse_header
from angarium.smtp.mailbox_list import parse_mailbox_list
from angarium.smtp.repair import Repair

SENDER = "root@web1.example"


def mend(content: bytes, *, smtputf8: bool = False, **limits: int) -> Mended:
    return mend_header(content, HeaderLimits(**limits), reverse_path=SENDER, smtputf8=smtputf8)


def shown(field: bytes) -> str:
    """Return the value as a reader shows it, by the rules of RFC 2047."""
    value = field.partition(b":")[2].replace(b"\r\n", b"").decode("ascii").strip()
    return str(email.header.make_header(email.header.decode_header(value)))


@pytest.mark.parametrize(
    ("field", "encoded"),
    [
        ("Subject: größer", b"Subject: =?utf-8?b?Z3LDtsOfZXI=?="),
        ("Subject:größer als", b"Subject: =?utf-8?b?Z3LDtsOfZXI=?= als"),
        ("Subject: a é è b", b"Subject: a =?utf-8?b?w6kgw6g=?= b"),
        ("Subject: a é\r\n è b", b"Subject: a =?utf-8?b?w6kgw6g=?= b"),
        ("Subject: =?utf-8?q?a?= é", b"Subject: =?utf-8?q?a?= =?utf-8?b?IMOp?="),
        ("Subject: é =?utf-8?q?a?=", b"Subject: =?utf-8?b?w6kg?= =?utf-8?q?a?="),
        ("To: é <a@b.example>", b"To: =?utf-8?b?w6k=?= <a@b.example>"),
        ('To: "é, è"<a@b.example>', b"To: =?utf-8?b?w6ksIMOo?= <a@b.example>"),
        ('To: "\\"é\\"" <a@b.example>', b"To: =?utf-8?b?IsOpIg==?= <a@b.example>"),
        ("To: a@b.example (é)", b"To: a@b.example (=?utf-8?b?w6k=?=)"),
        ("To: a@b.example,é <c@d.example>", b"To: a@b.example, =?utf-8?b?w6k=?= <c@d.example>"),
        ("Cc: é: a@b.example;", b"Cc: =?utf-8?b?w6k=?= : a@b.example;"),
        ("To: a@é.example", b"To: a@xn--9ca.example"),
        ("Reply-To: <a@é.example>", b"Reply-To: <a@xn--9ca.example>"),
        ("Content-Type: x/y; name=é", b"Content-Type: x/y;\r\n name*=utf-8''%C3%A9"),
        (
            'Content-Type: x/y; a=b; name="é;"',
            b"Content-Type: x/y; a=b;\r\n name*=utf-8''%C3%A9%3B",
        ),
        ("X-Anything: é", b"X-Anything: =?utf-8?b?w6k=?="),
    ],
)
def test_utf8_is_encoded_where_the_syntax_lets_it(field: str, encoded: bytes) -> None:
    assert encode_field(field.encode()) == encoded


@pytest.mark.parametrize(
    "field",
    [
        *("To: é@b.example", "To: <é@b.example>", 'To: "é <a@b.example>', "To: é\\ <a@b.example>"),
        *("To: a@b.example (é (è))", "To: é <a@b.example", "Date: é", "Message-ID: <é@b>"),
        *("List-Unsubscribe: <https://é.example>", "Content-Type: é/y", "Content-Type: x/y; é=a"),
        *("é: x", "X-No-Colon", "DKIM-Signature: é", "Received: from é"),
        "Content-Type: x/y; name=" + "é" * 300,
        'Content-Type: x/y; name="é',
    ],
)
def test_what_cannot_be_encoded_without_guessing_stays(field: str) -> None:
    assert encode_field(field.encode()) is None


def test_what_is_no_utf8_stays() -> None:
    assert encode_field(b"Subject: caf\xe9") is None
    assert encode_field(b"Subject: \xed\xa0\x80") is None


@given(
    st.text(st.sampled_from("abéß漢😀 ?=_,."), min_size=1, max_size=400),
    st.text("abcX-", min_size=1, max_size=70),
)
def test_a_reader_is_shown_the_text_that_was_sent(text: str, name: str) -> None:
    value = " ".join(text.split())
    field = encode_field(f"x-{name}: {value}".encode())
    if value.isascii():
        return
    if "=?" in value or "?=" in value:  # what a reader makes of that is its affair
        return
    assert field is not None
    assert shown(field) == value
    for line in field.split(b"\r\n")[1:]:
        assert line.startswith(b" ")
        assert line.strip()
    assert all(len(word) <= 75 for word in re.findall(rb"=\?.*?\?=", field))


@given(
    st.text(st.sampled_from('aé"\\(),;:<>@ \t=?.'), max_size=60),
    st.sampled_from(["To", "Subject", "Content-Type"]),
)
def test_any_field_is_encoded_in_ascii_or_stays(value: str, name: str) -> None:
    field = encode_field(f"{name}: {value}".encode())
    if field is not None:
        assert field.isascii()
        assert not re.search(rb"\r\n(?![ \t])|\r(?!\n)|(?<!\r)\n", field)
        assert not re.search(rb"\r\n[ \t]*(\r\n|\Z)", field)


@pytest.mark.parametrize(
    ("value", "meant", "repairs"),
    [
        ("root (Cron Daemon)", "Cron Daemon <root@web1.example>", "bare comment"),
        ("Root", "root@web1.example", "bare"),
        ("root (a, b)", '"a, b" <root@web1.example>', "bare comment"),
        ("root ()", "root@web1.example", "bare"),
        ("<root>", "<root@web1.example>", "bare"),
        ("Joe, Inc. <root>", '"Joe, Inc." <root@web1.example>', "bare quoted"),
        ("Doe, Joe <j@a.example>", '"Doe, Joe" <j@a.example>', "quoted"),
        ('Joe "the, man <j@a.example>', '"Joe \\"the, man" <j@a.example>', "quoted"),
        ("a\\b <j@a.example>", '"a\\\\b" <j@a.example>', "quoted"),
        ("Joe (x <j@a.example>", '"Joe (x" <j@a.example>', "quoted"),
        ("<j@a.example >", "<j@a.example>", "form"),
        ("j@a.example,", "j@a.example", "form"),
        ("Doe, Joe <j@a.example>,", '"Doe, Joe" <j@a.example>', "form quoted"),
        ("<<j@a.example>>", "<j@a.example>", "form"),
        ("Joe <j@a.example.>", "Joe <j@a.example>", "form"),
    ],
)
def test_an_author_beyond_doubt_is_written_as_it_was_meant(
    value: str, meant: str, repairs: str
) -> None:
    names = {
        "bare": Repair.BARE_ADDRESS,
        "comment": Repair.COMMENT_NAME,
        "quoted": Repair.QUOTED_NAME,
        "form": Repair.ADDRESS_FORM,
    }
    assert mend_author(value, SENDER) == MendedAuthor(
        meant, tuple(names[each] for each in repairs.split())
    )


@pytest.mark.parametrize(
    "value",
    [
        *("joe", "joe (Joe)", "<joe>", "Joe", "root root", "root (a) b", "root (a (b))", ""),
        *("ceo@bank.example <root@web1.example>", "a@b.example c@d.example", "Joe j@a.example"),
        *(
            "<a@b.example> <c@d.example>",
            "Doe, Joe <j@a.example> x",
            "Doe, a@b.example <j@a.example>",
        ),
        *('"a@b.example", x <j@a.example>', "<@x:j@a.example>", "J, <j@a@b.example>", "J, <>"),
        *(
            "=?utf-8?q?Doe,?= Joe, Inc <j@a.example>",
            "Joe, <mailto:j@a.example>",
            "J, <j @a.example>",
        ),
        "x" * 3000 + ", Inc. <j@a.example>",
    ],
)
def test_a2_a3_an_author_in_doubt_stays(value: str) -> None:
    assert mend_author(value, SENDER) is None
    assert mend_author("root", "") is None


@given(st.text(st.sampled_from('ajo@.<>(),:;" \\[]=?\té'), max_size=40))
def test_a2_a_mended_author_is_the_only_address_that_was_there(value: str) -> None:
    mended = mend_author(value, SENDER)
    if mended is None:
        return
    (author,) = parse_mailbox_list(mended.value)
    assert mended.repairs
    if "@" in value:
        assert value.count("@") == 1
        assert author.text in value
    else:
        assert author.text == SENDER


LINES = st.lists(
    st.sampled_from(
        [
            *(
                b"From: joe@a.example",
                b"From : ann@a.example",
                b"From: root (x)",
                b"From:",
                b"From: a, b <c@d.example>",
            ),
            *(
                b"To: x@b",
                b"To: \xc3\xa9 <y@b>",
                b"Subject: \xc3\xa9",
                b"Subject: \xe9",
                b"Bcc: s@x",
                b"Bcc : s@x",
            ),
            *(
                b"From root@x Sun Nov 29 03:12:01 2026",
                b"text",
                b"Text : x",
                b" folded",
                b" ",
                b"\t",
                b"",
                b"--b",
            ),
            *(
                b"Content-Type: x/y",
                b"Date: now",
                b"Date: now",
                b"Message-ID:",
                b".",
                b"X-\xc3\xa9: x",
                b"\xef\xbb\xbfTo: x",
            ),
        ]
    ),
    max_size=12,
)


@given(LINES)
def test_c1_c5_what_is_mended_stays_mended_and_loses_nothing_of_the_body(
    lines: list[bytes],
) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    mended = mend(content)
    if not mended.repairs:
        assert mended.content is content
        return
    again = mend(mended.content)
    block = parse_header(mended.content, HeaderLimits(), False)
    if isinstance(block, HeaderBlock) and block.names:
        assert again.content == mended.content
        assert not {b"bcc"} & {
            line.partition(b":")[0].strip().lower() for line in _text_added(content, mended.content)
        }
    body = content.partition(b"\r\n\r\n")[2]
    assert mended.content.endswith(body)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", mended.content)


def _text_added(before: bytes, after: bytes) -> list[bytes]:
    """The lines that were in the header, and are in the body now."""
    text = after.partition(b"\r\n\r\n")[2]
    return text.removesuffix(before.partition(b"\r\n\r\n")[2]).split(b"\r\n")


def test_with_smtputf8_text_stays_as_it_is() -> None:
    content = "From: root (é)\r\nSubject: é\r\n\r\n".encode()
    mended = mend(content, smtputf8=True)
    assert mended.content == "From: é <root@web1.example>\r\nSubject: é\r\n\r\n".encode()
    assert mended.repairs == (Repair.COMMENT_NAME, Repair.BARE_ADDRESS)


def test_what_the_client_has_signed_is_left_alone() -> None:
    content = b"DKIM-Signature: v=1\r\nFrom: root\r\n\r\nx\r\n"
    assert not mend(content).repairs
    assert mend(content.replace(b"DKIM-", b"X-")).repairs


def test_a_header_beyond_the_limit_is_left_alone() -> None:
    content = b"From: root\r\n" + b"X: y\r\n" * 100 + b"\r\nx\r\n"
    assert not mend(content, octets=100).repairs
    assert not mend(content, fields=100).repairs
    assert mend(content, fields=101).repairs


@pytest.mark.parametrize(
    "part",
    [
        *(
            b"From : a\r\n",
            b"To: a\r\n",
            b"To: \xc3\xa9\r\n",
            b"x\r\n",
            b" \xc3\xa9\r\n",
            b"--\r\n",
            b"Date: 1\r\n",
        ),
        *(
            b"\xc3\xa9",
            b'"\xc3\xa9',
            b"(\xc3\xa9",
            b"\\\xc3\xa9",
            b'\\"',
            b"<\xc3\xa9>",
            b"\xc3\xa9 ",
            b"=?\xc3\xa9?= ",
        ),
        *(
            b';a="\\";\xc3\xa9',
            b";a=\xc3\xa9",
            b";a=",
            b", \xc3\xa9 <a@b>",
            b"a@\xc3\xa9.example,",
            b"<",
            b"( ",
        ),
    ],
)
@pytest.mark.parametrize("start", [b"", b"From: ", b"To: ", b"Subject: ", b"Content-Type: x/y"])
def test_c4_hostile_headers_take_linear_time(start: bytes, part: bytes) -> None:
    content = start + part * (65_000 // len(part)) + b"\r\n\r\n"
    began = time.process_time()
    mended = mend(content)
    assert time.process_time() - began < 5.0  # quadratic: minutes
    assert len(mended.content) < 7 * len(content)  # and what exceeds a limit is refused
