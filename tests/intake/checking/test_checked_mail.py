"""Mirrors angarium/intake/checking/checked_mail.py."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.content.checking.mail import Mail, Person
from angarium.content.letter import Attachment
from angarium.content.mailbox import read_mailbox
from angarium.intake.checking.checked_mail import mail_of_order, mail_of_raw
from angarium.intake.order import Addressee, Order, RawMail

RAW = b"""From: =?utf-8?q?Caf=C3=A9?= <news@Shop.example>
To: a@b.test, C <c@d.test>
Cc: e@f.test
Reply-To: help@shop.example
Subject: =?utf-8?b?R3LDvMOfZQ==?=
Date: Mon, 30 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
List-Unsubscribe:
 <https://shop.example/u>
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
--a
Content-Type: text/html; charset=iso-8859-1

<p>Gr\xfc\xdfe</p>
--a--
--m
Content-Type: application/pdf; name="a.pdf"
Content-Disposition: attachment; filename*=utf-8''%C3%BC.pdf
Content-Transfer-Encoding: base64
Content-ID: <x@y>

JVBERi0=
--m
Content-Type: text/plain
Content-Disposition: attachment; filename=notes.txt

notes
--m--
"""


def codes(mail: Mail) -> list[str]:
    return [each.code for each in mail.faults]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_a_message_is_taken_apart(ends: bytes) -> None:
    mail = mail_of_raw(RAW.replace(b"\n", ends))
    assert mail.authors == (Person(name="Caf\u00e9", local_part="news", domain="shop.example"),)
    assert [each.address for each in mail.reply_to] == ["help@shop.example"]
    assert mail.shown_recipients == 3
    assert mail.subject == "Gr\u00fc\u00dfe"
    assert (mail.text, mail.html) == ("Gr\u00fc\u00dfe", "<p>Gr\u00fc\u00dfe</p>")
    pdf, notes = mail.files
    assert (pdf.filename, pdf.content_type, pdf.content_id) == (
        "\u00fc.pdf",
        "application/pdf",
        "x@y",
    )
    assert pdf.content == b"%PDF-"
    assert (notes.filename, notes.content.strip()) == ("notes.txt", b"notes")
    assert mail.values("list-unsubscribe") == ["<https://shop.example/u>"]
    assert mail.is_raw
    assert codes(mail) == []
    assert mail.octets == len(RAW) + RAW.count(b"\n")


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", ["header_wrong"]),
        (b"\r\n\r\ntext", ["header_wrong"]),
        (b"From: a@b.test\r\nFrom: c@d.test\r\n\r\nx", ["header_wrong"]),
        (b"From: a@b.test\r\n\r\n" + b"x" * 999, ["line_too_long"]),
        (b"From: a@b.test\r\n\r\n" + b"x" * 998, []),
        (
            b"From: a@b.test\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xff",
            ["charset_wrong"],
        ),
        (b"From: a@b.test\r\nContent-Type: text/plain; charset=x-no\r\n\r\nx", ["charset_wrong"]),
        (b"From: a@b.test\r\n\r\n\xe4", ["charset_wrong"]),
        (
            b"From: a@b.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nno part",
            ["mime_wrong"],
        ),
    ],
)
def test_what_is_broken_is_told(octets: bytes, expected: list[str]) -> None:
    assert codes(mail_of_raw(octets)) == expected


def test_an_order_is_looked_at_as_it_will_be_written() -> None:
    order = Order(
        author=read_mailbox("Shop <news@shop.example>", "from"),
        to=(Addressee(mailbox=read_mailbox("a@b.test", "to")),),
        cc=(Addressee(mailbox=read_mailbox("c@d.test", "cc")),),
        bcc=(Addressee(mailbox=read_mailbox("e@f.test", "bcc")),),
        subject="s",
        html="<p>h</p>",
        makes_text=True,
        attachments=(Attachment(content=b"x", content_type="Text/CSV; a=b", filename="a.csv"),),
        fields=(("X-A", "b"),),
        unsubscribe_url="https://shop.example/u",
    )
    mail = mail_of_order(order, 77)
    assert mail.authors == (Person(name="Shop", local_part="news", domain="shop.example"),)
    assert (mail.shown_recipients, mail.octets, mail.makes_text) == (2, 77, True)
    assert mail.values("list-unsubscribe") == ["<https://shop.example/u>"]
    assert mail.values("list-unsubscribe-post") == ["List-Unsubscribe=One-Click"]
    assert mail.values("x-a") == ["b"]
    assert mail.files[0].content_type == "text/csv"
    assert (
        mail_of_order(Order(author=None, raw=RawMail(content=RAW)), 0).subject == "Gr\u00fc\u00dfe"
    )


PIECES: list[Any] = [
    RAW,
    b"\r\n",
    b"\n\n",
    b"--m",
    b"From: ",
    b"\xff",
    b"Content-Type: multipart/mixed; boundary=",
    b"=?utf-8?b?",
    b"\0",
]


@given(st.binary(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
def test_any_octets_are_read(octets: bytes) -> None:
    assert mail_of_raw(octets).is_raw


def test_a_hostile_structure_costs_no_more_than_its_limits() -> None:
    """C2."""
    deep = (
        b"From: a@b.test\r\n" + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 5000
    )
    assert len(mail_of_raw(deep).files) <= 101
    wide = (
        b"From: a@b.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\n\r\nx\r\n" * 50_000
    )
    assert len(mail_of_raw(wide).files) <= 101
    assert codes(mail_of_raw(wide)) == ["mime_wrong"]
