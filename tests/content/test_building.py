"""Mirrors angarium/content: what is built is read back equal by the standard library, and breaks no rule of a line."""

import email
import email.policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from angarium.content.building import Built, build
from angarium.content.letter import Attachment, Letter, LetterError, Mailbox
from angarium.smtp.address import parse_mailbox

DATE = "Sun, 29 Nov 2026 21:00:00 +0000"
BOUNDARY = "=_0123456789abcdef"
ADDRESSES = (
    "a@example.com",
    '"two words"@example.com',
    "x.y+z@sub.example.org",
    "l" * 64 + "@e.test",
)
# No control is text, and the standard library itself takes these for line ends when it reads a header
UNREADABLE = "\x85\u2028\u2029\x1c\x1d\x1e\x0b\x0c"
TEXTS = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters=UNREADABLE), max_size=200
)
# The standard library drops blanks around what it reads, and at folds it makes one of several
WORDS = st.lists(TEXTS.map(lambda text: "".join(text.split())).filter(bool), max_size=30).map(
    " ".join
)
BODIES = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00\r"), max_size=3000
)


def mailbox(address: str = "a@example.com", name: str = "") -> Mailbox:
    return Mailbox(address=parse_mailbox(address), name=name)


def letter(**more: Any) -> Letter:
    return Letter(**{"author": mailbox(), "date": DATE, "text": "Hello\n", **more})


def read(built: Built) -> EmailMessage:
    found = email.message_from_bytes(built.content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def names_in(built: Built, field: str) -> list[str]:
    """By the older of its two parsers: the newer one puts a blank between two encoded words of a name."""
    found = email.message_from_bytes(built.content, policy=email.policy.compat32)
    names = [name for name, _ in getaddresses([found[field]])]
    return [str(make_header(decode_header(name))) for name in names]


def check_lines(built: Built) -> None:
    lines = built.content.split(b"\r\n")
    assert not any(b"\r" in each or b"\n" in each for each in lines)
    assert max(map(len, lines)) <= 998
    assert built.content.isascii()
    header = built.content[: built.header_octets]
    assert header.endswith(b"\r\n\r\n")
    assert b"\r\n\r\n" not in header[:-2]
    assert not any(each.strip() == b"" for each in header[:-4].split(b"\r\n"))


@given(subject=WORDS, names=st.lists(WORDS, min_size=1, max_size=8), header=WORDS)
@example(subject="=?utf-8?q?no?=", names=["=?x"], header="a =?b?= c")
@example(subject="x" * 990, names=["ä" * 150, 'quo"te\\', "a.b", "Grüße, Welt"], header="y" * 80)
@example(subject="😀" * 60, names=["日本 語" * 20], header="é" * 500)
def test_headers_are_read_back_equal(subject: str, names: list[str], header: str) -> None:
    to = tuple(mailbox(ADDRESSES[at % len(ADDRESSES)], name) for at, name in enumerate(names))
    built = build(
        letter(subject=subject, author=mailbox(name=names[0]), to=to, fields=(("X-Note", header),)),
        BOUNDARY,
    )
    check_lines(built)
    found = read(built)
    assert found["subject"] == subject
    assert found["x-note"] == header
    assert names_in(built, "to") == names
    assert [each.addr_spec for each in found["to"].addresses] == [each.address.text for each in to]
    assert names_in(built, "from") == names[:1]
    assert len(found.items()) == 8  # as many fields as went in: none came by a line end


@given(text=BODIES, html=st.none() | BODIES, amp=st.none() | BODIES)
@example(text="", html="", amp=None)
@example(text="--=_012345.a\n--", html="x" * 5000, amp="<html ⚡4email>")
@example(text="From me\n.\n..\n \t\n=\n", html="ä" * 4000, amp=None)
def test_texts_are_read_back_equal(text: str, html: str | None, amp: str | None) -> None:
    if amp is not None and html is None:
        html = ""
    built = build(letter(text=text, html=html, amp=amp), BOUNDARY)
    check_lines(built)
    found = read(built)
    parts = {each.get_content_type(): each for each in found.walk() if not each.is_multipart()}
    for kind, wanted in (("plain", text), ("html", html), ("x-amp-html", amp)):
        if wanted is None:
            assert f"text/{kind}" not in parts
            continue
        part = parts[f"text/{kind}"]
        octets = part.get_payload(decode=True)
        assert isinstance(octets, bytes)
        lines = octets.decode("utf-8").replace("\r\n", "\n")
        assert lines == wanted + "\n" * (not wanted.endswith("\n"))
    assert found.is_multipart() is (html is not None)


@given(filename=TEXTS.map(str.strip), content=st.binary(max_size=500), is_shown=st.booleans())
@example(filename="Übersicht 2026 – äöü.pdf", content=b"", is_shown=False)
@example(filename='we"ird\\na;me=.txt', content=b"\r\n--x", is_shown=True)
@example(filename="日本語" * 60 + ".pdf", content=b"x", is_shown=False)
@settings(max_examples=60, deadline=None)
def test_files_are_read_back_equal(filename: str, content: bytes, is_shown: bool) -> None:
    one = Attachment(
        content=content,
        content_type="application/pdf",
        filename=filename,
        content_id="logo@x" if is_shown else "",
    )
    built = build(letter(html="<img src=cid:logo@x>", attachments=(one,)), BOUNDARY)
    check_lines(built)
    found = read(built)
    (part,) = (each for each in found.walk() if each.get_content_type() == "application/pdf")
    assert part.get_payload(decode=True) == content
    assert (part.get_filename() or "") == filename
    assert part.get_content_disposition() == ("inline" if is_shown else "attachment")
    assert found.get_content_type() == ("multipart/related" if is_shown else "multipart/mixed")


def shape(part: Any) -> Any:
    name = part.get_content_type()
    return [name, *map(shape, part.iter_parts())] if part.is_multipart() else name


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, "text/plain"),
        ({"text": None, "html": "<p>"}, "text/html"),
        ({"text": None}, "text/plain"),
        ({"html": "<p>"}, ["multipart/alternative", "text/plain", "text/html"]),
        (
            {"html": "<p>", "amp": "<a>"},
            ["multipart/alternative", "text/plain", "text/x-amp-html", "text/html"],
        ),
        ({"text": None, "attachments": 1}, ["multipart/mixed", "image/png"]),
        ({"attachments": 2}, ["multipart/mixed", "text/plain", "image/png", "image/png"]),
        (
            {"html": "<p>", "attachments": 1, "shown": 1},
            [
                "multipart/mixed",
                [
                    "multipart/related",
                    ["multipart/alternative", "text/plain", "text/html"],
                    "image/png",
                ],
                "image/png",
            ],
        ),
    ],
)
def test_there_are_no_more_parts_than_contents(more: dict[str, Any], wanted: Any) -> None:
    shown = more.pop("shown", 0)
    files = [Attachment(content=b"x", content_type="image/png")] * more.pop("attachments", 0)
    files += [
        Attachment(content=b"x", content_type="image/png", content_id=f"{at}")
        for at in range(shown)
    ]
    assert shape(read(build(letter(attachments=tuple(files), **more), BOUNDARY))) == wanted


@pytest.mark.parametrize("bad", ["\r", "\n", "\x00", "a\r\nBcc: x@y.test", "\x1b[0m", "\ud800"])
@pytest.mark.parametrize(
    "where", ["subject", "from", "to[1]", "headers.X-A", "filename", "contentType", "contentId"]
)
def test_no_field_begins_inside_another(bad: str, where: str) -> None:
    """C1: refused by name, never repaired."""
    key, value = where, f"a{bad}b"
    more: dict[str, Any] = {
        "subject": {"subject": value},
        "from": {"author": mailbox(name=value)},
        "to[1]": {"to": (mailbox(), mailbox(name=value))},
        "headers.X-A": {"fields": (("X-A", value),)},
        "filename": {"attachments": (Attachment(content=b"", filename=value),)},
        "contentType": {"attachments": (Attachment(content=b"", content_type=value),)},
        "contentId": {"attachments": (Attachment(content=b"", content_id=value),)},
    }[key]
    with pytest.raises(LetterError) as raised:
        build(letter(**more), BOUNDARY)
    assert key in raised.value.field


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ({"subject": "x" * 999}, "subject", "998"),
        ({"text": "a\x00"}, "bodyText", "NUL"),
        ({"html": "\udfff"}, "bodyHtml", "surrogate"),
        ({"text": None, "amp": "<a>"}, "bodyAmp", "give bodyHtml or bodyText"),
        ({"fields": (("Bcc", "x"),)}, "headers.Bcc", "leave it out"),
        ({"fields": (("content-TYPE", "x"),)}, "headers.content-TYPE", "leave it out"),
        ({"fields": (("X A", "x"),)}, "headers.X A", "no field name"),
        ({"fields": (("", "x"),)}, "headers.", "no field name"),
        ({"fields": (("X:Y", "x"),)}, "headers.X:Y", "no field name"),
        ({"attachments": (Attachment(content=b"", content_type="pdf"),)}, "attachments[0]", "type"),
        (
            {"attachments": (Attachment(content=b"", content_type="message/rfc822"),)},
            "attachments[0].contentType",
            "octet-stream",
        ),
        (
            {"attachments": (Attachment(content=b"", content_id="<x>"),)},
            "attachments[0].contentId",
            "cid:",
        ),
    ],
)
def test_what_cannot_be_written_is_named(more: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(LetterError) as raised:
        build(letter(**more), BOUNDARY)
    assert raised.value.field.startswith(field)
    assert words in raised.value.reason


@given(st.lists(st.sampled_from([0, 1, 2, 70, 997, 998, 999, 1000, 2000]), max_size=6))
@example([998])
@example([999])
@example([998, 998, 999, 0])
def test_ascii_stays_as_it_is_while_no_line_is_too_long(lengths: list[int]) -> None:
    built = build(letter(text="\n".join("x" * each for each in lengths)), BOUNDARY)
    is_plain = b"Content-Transfer-Encoding: 7bit" in built.content
    assert is_plain == (max(lengths, default=0) <= 998)
    check_lines(built)


def test_line_ends_that_only_python_sees_are_encoded() -> None:
    """U+0085, U+2028 and U+2029 end no line of a message; who splits by them would find a field more."""
    value = "a\x85Bcc: b\u2028c\u2029d"
    built = build(letter(subject=value, fields=(("X-A", value),)), BOUNDARY)
    check_lines(built)
    assert len(built.content[: built.header_octets].splitlines()) == len(
        built.content[: built.header_octets].decode("ascii").splitlines()
    )
    assert b"Bcc:" not in built.content


def test_whom_blind_recipients_alone_get_it_from_names_nobody() -> None:
    parsed = read(build(letter(), "=_b"))
    assert parsed["To"] == "undisclosed-recipients:;"
    assert read(build(letter(cc=(mailbox(),)), "=_b"))["To"] is None
