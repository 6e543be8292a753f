"""Messages as programs pipe them to sendmail, made ready for submission."""

import pytest

from angarium.sendmail.message import Author, MessageError, Names, Prepared, prepare, until_dot

NAMES = Names(domain="shop.example", aliases={"root": "ops@example.com"})
AUTHOR = Author(address="www@shop.example", full_name="Web Shop")


def prepared(octets: bytes, *, author: Author = AUTHOR, names: Names = NAMES) -> Prepared:
    return prepare(octets, author=author, names=names, wants_recipients=True)


def test_a_whole_message_stays_as_it_is_but_for_line_ends() -> None:
    text = b"From: a@b.test\nTo: c@d.test\nSubject: x\n\tfolded\n\nbody\n.\n"
    assert prepared(text) == Prepared(
        content=text.replace(b"\n", b"\r\n"), recipients=("c@d.test",)
    )
    assert prepared(text.replace(b"\n", b"\r\n")).content == text.replace(b"\n", b"\r\n")


def test_what_cron_writes_gets_domains() -> None:
    text = (
        b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@box> job\n"
        b"Content-Type: text/plain; charset=UTF-8\n\nout\n"
    )
    found = prepared(text)
    assert found.recipients == ("ops@example.com",)
    assert found.content.startswith(
        b"From: Cron Daemon <root@shop.example>\r\nTo: root@shop.example\r\nSubject: Cron <root@box> job\r\n"
    )


def test_a_message_without_author_gets_who_calls() -> None:
    assert prepared(b"Subject: x\n\nb").content == (
        b"From: Web Shop <www@shop.example>\r\nSubject: x\r\n\r\nb"
    )


def test_a_forced_author_replaces_what_the_message_says() -> None:
    forced = Author(address="noreply@shop.example", forced=True)
    content = prepared(b"To: a@b.test\nFrom: evil\n @other.test\n\nb\n", author=forced).content
    assert content == b"From: noreply@shop.example\r\nTo: a@b.test\r\n\r\nb\r\n"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            b"To: A <a@x.test>, b\nCc: c@x.test\nBcc: d@x.test\n",
            ("a@x.test", "b@shop.example", "c@x.test", "d@x.test"),
        ),
        (b'To: "Doe, J." <j@x.test>,\n k@x.test\n', ("j@x.test", "k@x.test")),
        (b"To: a@x.test\nCC: a@x.test\n", ("a@x.test",)),
        (b"To: team: a@x.test, b@x.test;\n", ("a@x.test", "b@x.test")),
        (b"To: undisclosed-recipients:;\nBcc: a@x.test\n", ("a@x.test",)),
        (b"Resent-To: r@x.test\nTo: a@x.test\n", ("r@x.test",)),
        (b"To: \xc3\xbcnal@x.test\n", ("\u00fcnal@x.test",)),
    ],
)
def test_the_recipients_of_a_header(header: bytes, expected: tuple[str, ...]) -> None:
    assert prepared(b"From: a@b.test\n" + header + b"\nb\n").recipients == expected


def test_a_header_ends_where_no_field_is() -> None:
    assert prepared(b"From: a@b.test\njust text\nmore: text\n").content == (
        b"From: a@b.test\r\n\r\njust text\r\nmore: text\r\n"
    )


def test_text_alone_is_a_body() -> None:
    assert prepared(b"disk is full\n").content.endswith(b"\r\n\r\ndisk is full\r\n")


def test_an_mbox_line_goes() -> None:
    assert prepared(b"From root Mon Jan  1 00:00:00 2026\nFrom: a@b.test\n\nb\n").content == (
        b"From: a@b.test\r\n\r\nb\r\n"
    )


@pytest.mark.parametrize("octets", [b"From: a@b.test\r\rx\n\n", b"From: a@b.test\n\n\0"])
def test_a_bare_cr_or_a_nul_is_refused(octets: bytes) -> None:
    with pytest.raises(MessageError, match="bare CR or a NUL"):
        prepared(octets)


def test_no_line_of_a_name_gets_into_the_header() -> None:
    author = Author(address="a@b.test", full_name="x\r\nBcc: evil@x.test")  # C1
    assert b"\r\nBcc" not in prepared(b"\nb\n", author=author).content


def test_a_name_beyond_ascii_is_encoded() -> None:
    author = Author(address="a@b.test", full_name="J\u00fcrgen")
    assert prepared(b"\nb\n", author=author).content.startswith(b"From: =?utf-8?")


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"a\n.\nb\n", b"a\n"),
        (b"a\r\n.\r\nb\r\n", b"a\r\n"),
        (b"a\n.b\n", b"a\n.b\n"),
        (b".\nrest", b""),
        (b"a\n.", b"a\n"),
    ],
)
def test_a_line_with_one_dot_ends_what_a_person_types(octets: bytes, expected: bytes) -> None:
    assert until_dot(octets) == expected


@pytest.mark.parametrize("value", [b"b@@x.test", b"a@x.test, b@@x.test, c@x.test", b"a@b c@d"])
def test_recipients_that_cannot_be_read_are_not_dropped(value: bytes) -> None:
    with pytest.raises(MessageError, match="the To field"):
        prepared(b"Cc: ok@x.test\nTo: " + value + b"\n\nb\n")


def test_what_mdadm_writes_gets_domains() -> None:
    text = (
        b"From: mdadm monitoring <root>\nTo: root\nSubject: DegradedArray event on /dev/md0:box\n\n"
        b"This is an automatically generated mail message from mdadm\n"
    )
    found = prepared(text)
    assert found.recipients == ("ops@example.com",)
    assert found.content.startswith(
        b"From: mdadm monitoring <root@shop.example>\r\nTo: root@shop.example\r\n"
    )
