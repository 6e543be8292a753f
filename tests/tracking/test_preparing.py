"""Mirrors angarium/tracking/preparing.py. What comes out is read by Python's parsers, which know nothing of ours."""

import email
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from angarium.config.schema import Dkim
from angarium.dkim import KeyRing, Signer, SigningKey
from angarium.dkim.keygen import generate, record_text
from angarium.dkim.verify import verify
from angarium.queue.model import UnixMs
from angarium.smtp.transfer_encoding import base64_lines, quoted_printable
from angarium.tracking import slots
from angarium.tracking.preparing import MAX_LINKS, MAX_OCTETS, Prepared, Wishes, prepare
from angarium.tracking.slots import LEAVE_SLOT, TRACK_SLOT, filled, honeypot, pixel
from tests.tracking.mail import (
    ALL,
    BASE,
    CLICKS,
    LEAVE,
    NOTHING,
    WHO,
    html_of,
    leaves,
    links_of,
    mint,
    one_part,
    prepared,
    rewritten,
    untouched,
)

OPENS = Wishes(opens=True, clicks=False, text_links=False, base_url=BASE)
LEAVES = f"{BASE}/u/{LEAVE_SLOT}"


def tracked(target: str, number: int = 0) -> str:
    return f"{BASE}/c/{TRACK_SLOT}/{mint(number, target)}"


def check_lines(content: bytes, header_octets: int) -> None:
    """What is true of each message that was prepared or filled."""
    assert content[:header_octets].endswith(b"\r\n\r\n")
    assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")
    assert content.endswith(b"\r\n")


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64", "Base64"])
def test_a_message_of_html_gets_its_links_a_trap_and_a_picture(encoding: str) -> None:
    text = '<html><body><p>Grüße</p>\r\n<a href="https://x.example/?a=1&amp;b=2">x</a>\r\n</body></html>\r\n'
    encode = {"quoted-printable": quoted_printable, "base64": base64_lines}
    body = encode.get(encoding.lower(), bytes)(text.encode())
    content, header = one_part(body, encoding=encoding)
    result = prepared(content, header, ALL)
    assert result.links == ("https://x.example/?a=1&b=2",)
    assert result.is_personal
    check_lines(result.content, result.header_octets)
    expected = text.replace("https://x.example/?a=1&amp;b=2", tracked("https://x.example/?a=1&b=2"))
    expected = expected.replace("</body>", honeypot(BASE) + pixel(BASE) + "</body>")
    assert html_of(result.content).decode() == expected
    assert result.content[: result.header_octets] == content[:header].replace(
        f"Encoding: {encoding}".encode(), b"Encoding: quoted-printable"
    )


def test_a_copy_is_valid_mime_with_the_recipients_own_addresses() -> None:
    text = '<a href="https://x.example/">x</a><a href="{{unsubscribe_url}}">Leave</a>\r\n'
    result = prepared(*one_part(text.encode()), ALL)
    copy = filled(result.content, result.header_octets, who=WHO, leave=LEAVE)
    check_lines(copy, result.header_octets)
    assert copy[: result.header_octets] == result.content[: result.header_octets]
    assert all(len(line) <= 76 for line in copy[result.header_octets :].split(b"\r\n"))
    document = LexborHTMLParser(html_of(copy).decode())
    assert [each.attributes["href"] for each in document.css("a")] == [
        f"{BASE}/c/{WHO}/{mint(0, 'https://x.example/')}",
        f"{BASE}/u/{LEAVE}",
        f"{BASE}/h/{WHO}",
    ]
    assert [each.attributes["src"] for each in document.css("img")] == [f"{BASE}/o/{WHO}"]


@pytest.mark.parametrize(
    ("html", "targets"),
    [
        ('<a href="https://x.example/">', ("https://x.example/",)),
        ("<A HREF=https://x.example/a?b=c>x</A>", ("https://x.example/a?b=c",)),
        ("<a href='http://x.example'>x</a>", ("http://x.example",)),
        ('<map><area href="https://x.example/"></map>', ("https://x.example/",)),
        ('<a href=" https://x.exa\nmple/ ">x</a>', ("https://x.example/",)),
        ('<a href="https://bücher.example/ü?ö">x</a>', ("https://xn--bcher-kva.example/%C3%BC?%C3%B6",)),
        ('<a href="https://x.example/a b">x</a>', ("https://x.example/a%20b",)),
        ('<a href="https://u:p@x.example:8080/">x</a>', ("https://u:p@x.example:8080/",)),
        ('<a href="https://x.example/?a=1&copy=2&amp;d">x</a>', ("https://x.example/?a=1&copy=2&d",)),
        ('<a href="HTTPS://X.example/">x</a>', ("HTTPS://X.example/",)),
        ('<link href="https://x.example/"><form action="https://x.example/">', ()),
        ('<script>"<a href=https://x.example>"</script><img src="https://x.example/i.png">', ()),
        ('<!-- <a href="https://x.example/"> --><p title="<a href=https://x.example/>">', ()),
        ('<a href="mailto:a@x.example"><a href="tel:+1"><a href="sms:1"><a href="#a"><a href="/a">', ()),
        ('<a href="cid:a@b"><a href="data:text/html,x"><a href="javascript:x()"><a href="">', ()),
        ('<a href="https://"><a href="https:///x"><a href="https://{{host}}/">', ()),
        (f'<a href="{BASE}/c/x/y"><a href="{BASE}">', ()),
        (f'<a href="{BASE}.evil.example/">', (f"{BASE}.evil.example/",)),
        ('<a href="https://x.example/' + "l" * 2000 + '">', ()),
        ('<a data-track="no" href="https://x.example/"><a href="https://x.example/" DATA-TRACK=False>', ()),
        ('<a clicktracking="off" href="https://x.example/"><a clicktracking=on href="https://y.example/">', ("https://y.example/",)),
        ('<a data-pm-no-track href="https://x.example/"><a ses:no-track href="https://x.example/">', ()),
        ('<a disable-tracking="true" href="https://x.example/">', ()),
        ('<a href="https://x.example/unsubscribe?u=1">here</a><a href="https://x.example/l">Abmelden</a>', ()),
        ('<a href="https://x.example/l"><b>Se d&eacute;sabonner</b></a>', ()),
        ('<a href="https://x.example/?u={{unsubscribe_url}}">x</a>', ()),
    ],
)  # fmt: skip
def test_links_of_the_web_are_counted_but_those_that_are_left_alone(
    html: str, targets: tuple[str, ...]
) -> None:
    assert links_of(html) == targets


def test_a_link_that_the_header_has_for_leaving_is_left_alone() -> None:
    html = b'<a href="https://x.example/l?a=1&amp;b=2">x</a><a href="https://y.example/">y</a>'
    way = "List-Unsubscribe: <mailto:l@x.example>,\r\n <https://x.example/l?a=1&b=2>\r\n"
    assert prepared(*one_part(html, more=way)).links == ("https://y.example/",)


def test_an_unquoted_address_gets_quotes() -> None:
    expected = f'<a href="{tracked("https://x.example/")}" class=b>x</a>'
    assert rewritten("<a href=https://x.example/ class=b>x</a>") == expected


def test_buttons_that_only_outlook_draws_are_links_too() -> None:
    html = (
        '<!--[if mso]><v:roundrect href="https://x.example/?a&amp;b" style="v:x"><center>Buy</center></v:roundrect>'
        '<![endif]--><!--[if !mso]><!--><a href="https://x.example/?a&amp;b">Buy</a><!--<![endif]-->'
        '<!-- [x] <a href="https://y.example/"> --><!--[if mso]><v:rect href="https://z.example/">'
    )
    target = "https://x.example/?a&b"
    assert links_of(html) == (target, target)
    expected = html.replace("https://x.example/?a&amp;b", tracked(target), 1)
    assert rewritten(html) == expected.replace("https://x.example/?a&amp;b", tracked(target, 1), 1)


def test_in_several_charsets_what_people_read_stays() -> None:
    for charset in (
        "iso-8859-1",
        "windows-1252",
        "koi8-r",
        "shift_jis",
        "iso-2022-jp",
        "gb18030",
        "us-ascii",
    ):
        words = {
            "koi8-r": "Привет",
            "shift_jis": "表示",
            "iso-2022-jp": "日本語",
            "gb18030": "你好",
        }.get(charset, "Grusse")
        html = f'<p>{words}</p><a href="https://x.example/">{words}</a>'
        expected = html.replace("https://x.example/", tracked("https://x.example/"))
        assert rewritten(html, charset=charset) == expected


def test_words_for_leaving_are_read_in_the_parts_charset() -> None:
    html = '<a href="https://x.example/">Отписаться</a><a href="https://y.example/">y</a>'
    content, header = one_part(html.encode("koi8-r"), "text/html; charset=koi8-r")
    assert prepared(content, header).links == ("https://y.example/",)


def test_octets_that_are_none_of_their_charset_stay_as_they_are() -> None:
    html = b'\xff\x00\xc3<a href="https://x.example/">x</a>\xa0\r\n'
    result = prepared(*one_part(html))
    trap = honeypot(BASE).encode()
    assert html_of(result.content).replace(trap, b"") == html.replace(
        b"https://x.example/", tracked("https://x.example/").encode()
    )


@pytest.mark.parametrize(
    "charset", ["utf-16", "utf-7", "unknown-8bit", "base64", "idna", "rot13", "\0"]
)
def test_a_charset_that_cannot_be_written_back_is_left_alone(charset: str) -> None:
    html = b'<a href="https://x.example/">x</a>'
    assert untouched(*one_part(html, f'text/html; charset="{charset}"')) == "unreadable"


ALTERNATIVE = (
    b"--b\r\nContent-Type: text/plain\r\n\r\nRead https://x.example/t. Bye\r\n"
    b"--b\r\nContent-Type: text/x-amp-html\r\n\r\n<a href=https://x.example/>{{unsubscribe_url}}</a>\r\n"
    b'--b\r\nContent-Type: text/html\r\nX-Y: z\r\n\r\n<body><a href="https://x.example/h">h</a></body>\r\n'
)
AMP = f"<a href=https://x.example/>{LEAVES}</a>".encode()


def multipart(kind: str, parts: bytes = ALTERNATIVE) -> tuple[bytes, int]:
    content, header = one_part(parts + b"--b--\r\n", f"multipart/{kind}; boundary=b")
    return content, header


def test_each_part_of_an_alternative_is_changed_as_its_form_allows() -> None:
    content, header = multipart("alternative")
    result = prepared(content, header, ALL)
    assert result.links == ("https://x.example/t", "https://x.example/h")
    assert result.header_octets == header
    assert result.content[:header] == content[:header]
    text, amp, html = leaves(result.content)
    assert text == ("text/plain", f"Read {tracked('https://x.example/t')}. Bye".encode())
    assert amp == ("text/x-amp-html", AMP)
    link = f'<a href="{tracked("https://x.example/h", 1)}">h</a>'
    assert html[1].decode() == f"<body>{link}{honeypot(BASE)}{pixel(BASE)}</body>"
    assert (
        b"Content-Type: text/html\r\nX-Y: z\r\nContent-Transfer-Encoding: quoted-printable"
        in result.content
    )
    untracked = prepared(content, header, NOTHING)
    assert untracked.links == ()
    assert [octets for _, octets in leaves(untracked.content)] == [
        leaves(content)[0][1],
        AMP,
        leaves(content)[2][1],
    ]


def test_a_picture_is_put_in_once_and_only_where_it_is_wished() -> None:
    part = b"--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n"
    result = prepared(*multipart("mixed", part * 2), OPENS)
    assert [octets for _, octets in leaves(result.content)] == [
        b"<p>x</p>" + pixel(BASE).encode(),
        b"<p>x</p>",
    ]
    assert untouched(*multipart("mixed", part * 2), CLICKS) == "nothing"
    assert untouched(*multipart("mixed", part * 2), NOTHING) == "nothing"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<body>x</body></html>", "<body>x|</body></html>"),
        ("x</html>", "x|</html>"),
        ("<p>x", "<p>x|"),
        ("<!-- </body> --><p>x", "<!-- </body> --><p>x|"),
        ("<body><p>x<style>", "<body>|<p>x<style>"),
        ("<!doctype html><p>x<!-- ", "<!doctype html>|<p>x<!-- "),
        ("<body>" + "x" * 90_000 + "</body>", "<body>|" + "x" * 90_000 + "</body>"),
    ],
)
def test_a_picture_stands_where_it_is_fetched(html: str, expected: str) -> None:
    assert rewritten(html, OPENS) == expected.replace("|", pixel(BASE))


FILE = b'Content-Disposition: attachment; filename="a.html"\r\n'
INNER = (
    b'Content-Type: text/html\r\n%s\r\n<a href="https://x.example/">x</a>{{unsubscribe_url}}\r\n'
)


@pytest.mark.parametrize(
    "part",
    [
        INNER % FILE,
        INNER % b"Content-Disposition: inline; filename*=utf-8''a.html\r\n",
        INNER.replace(b"html\r\n", b"html; name=a.html\r\n") % b"",
        b"Content-Type: message/rfc822\r\n\r\n" + INNER % b"",
        b"Content-Type: text/calendar\r\n\r\n{{unsubscribe_url}} https://x.example/\r\n",
    ],
)
def test_files_and_messages_in_messages_are_not_looked_into(part: bytes) -> None:
    content, header = multipart("mixed", b"--b\r\n" + part)
    assert untouched(content, header) == "nothing"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (multipart("signed"), "signed"),
        (multipart("encrypted"), "encrypted"),
        (one_part(b"eA==\r\n", "application/pkcs7-mime; smime-type=signed-data", "base64"), "encrypted"),
        (one_part(b"-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n{{unsubscribe_url}}", "text/plain"), "signed"),
        (one_part(b"-----BEGIN PGP MESSAGE-----\r\n\r\nhttps://x.example/", "text/plain"), "encrypted"),
        (one_part(b"https://x.example/", "text/plain\r\nContent-Type: text/html"), "unreadable"),
        (one_part(b"https://x.example/", "text/plain", "7bit\r\nMIME-Version: 1.0"), "unreadable"),
        (one_part(b"https://x.example/", "text/plain", "x-uuencode"), "unreadable"),
        (one_part(b"abcde", "text/plain", "base64"), "unreadable"),
        (one_part(b"https://x.example/", "multipart/mixed"), "unreadable"),
        (one_part(b"x" * (MAX_OCTETS + 1), "text/plain"), "long"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_rightly_stays_as_it_is_tr2(
    content: tuple[bytes, int], why: str
) -> None:
    assert untouched(*content) == why


def test_what_is_signed_stays_as_it_is_beside_what_is_not_tr2() -> None:
    signed = b"--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\n{{unsubscribe_url}}\r\n--c--\r\n"
    footer = b"--b\r\nContent-Type: text/plain\r\n\r\n{{unsubscribe_url}}\r\n"
    content, header = multipart("mixed", signed + footer)
    result = prepared(content, header)
    assert signed in result.content
    assert result.left == ("signed",)
    assert leaves(result.content)[1][1] == LEAVES.encode()


@pytest.mark.parametrize("before", ["", f"{TRACK_SLOT}/"])
@pytest.mark.parametrize("slot", [slots._LINK_SLOT, LEAVE_SLOT, TRACK_SLOT])
def test_who_writes_the_place_of_a_token_is_not_tracked(slot: str, before: str) -> None:
    """It stands in our source, and whatever the content is, nothing is raised; nor has it a way to leave by that."""
    body = f'<a href="https://a.example/">x</a> {before}{slot}\r\n'
    assert untouched(*one_part(body.encode())) == "unreadable"


def test_the_name_of_this_server_in_a_letter_is_a_word_like_others() -> None:
    assert links_of('<a href="https://a.example/">angarium</a>') == ("https://a.example/",)


def test_a_message_that_is_not_mime_becomes_it() -> None:
    header = b"From: a@example.org\r\nSubject: x\r\n\r\n"
    content = header + "Grüße\r\nLeave: %unsubscribe_url%\r\n".encode()
    result = prepared(content, len(header))
    message = email.message_from_bytes(result.content)
    assert message["MIME-Version"] == "1.0"
    assert message.get_content_charset() == "utf-8"
    assert leaves(result.content) == [("text/plain", f"Grüße\r\nLeave: {LEAVES}\r\n".encode())]
    assert result.content[: result.header_octets].endswith(b"quoted-printable\r\n\r\n")
    check_lines(result.content, result.header_octets)


def test_a_signature_over_a_copy_holds() -> None:
    text = "<p>.</p>\r\n.x  \r\n" * 9 + '<a href="https://x.example/">x</a>[unsubscribe]\r\n'
    result = prepared(*one_part(text.encode()), ALL)
    copy = filled(result.content, result.header_octets, who=WHO, leave=LEAVE)
    key = SigningKey(domain="example.org", selector="s", private=generate("ed25519"))
    now = UnixMs(int(time.time() * 1000))
    field = Signer(KeyRing([key]), Dkim()).sign(copy, result.header_octets, "example.org", now)
    record = record_text(key.private.public_key()).encode()
    [verdict] = verify(field + copy, lambda _: record)
    assert verdict.status == "pass"


def test_no_more_links_are_counted_than_a_message_may_have() -> None:
    html = "".join(f'<a href="https://x.example/{at}">' for at in range(MAX_LINKS + 5))
    links = links_of(html)
    assert len(links) == MAX_LINKS
    assert links[-1] == f"https://x.example/{MAX_LINKS - 1}"


PIECES = st.lists(
    st.sampled_from(
        [
            *('<a href="https://x.example/?a&amp;b">', "<a href=http://y.example/.c>", "<area href='https://z.example'>"),
            *("</a>", "<p ", "<body>", "</body>", "</html>", "<!--", "-->", "<!--[if mso]>", "<![endif]-->", "<style>"),
            *("</style>", '<v:rect href="https://v.example/">', "{{unsubscribe_url}}", '"', "'", ">", "<", "é", "\r\n"),
            *(".", "..", "--b", "=", " ", "\n", "x" * 80, "From ", "&amp;", "[unsubscribe]", "\t"),
        ]
    ),
    max_size=25,
).map("".join)  # fmt: skip
OURS = re.compile(
    "|".join(re.escape(each) for each in (honeypot(BASE), pixel(BASE)))
    + rf'|"?{re.escape(BASE)}/c/{TRACK_SLOT}/[A-Za-z0-9_-]+"?'
    + f"|{re.escape(LEAVES)}"
)
THEIRS = r"(?:\"?https://[xzv]\.example[^\"'>]*\"?|http://y\.example/\.c|\{\{unsubscribe_url\}\}|\[unsubscribe\]|)"


@given(PIECES, st.sampled_from(["8bit", "quoted-printable", "base64"]))
@example("\n" * 3 + '<a href="https://x.example/?a&amp;b">', "base64")
@settings(max_examples=300, deadline=None)
def test_all_but_what_is_changed_is_as_before_tr1_tr3(html: str, encoding: str) -> None:
    if encoding == "8bit":
        html = html.replace("\r\n", "\n").replace("\n", "\r\n")
    encode = {"quoted-printable": quoted_printable, "base64": base64_lines, "8bit": bytes}
    part = b"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n%b\r\n"
    content, header = multipart(
        "mixed", part % (encoding.encode(), encode[encoding](html.encode()))
    )
    result = prepare(content, header, ALL, mint)
    if len(leaves(content)) != 1:  # a line of it is the boundary
        return
    assert isinstance(result, Prepared)
    copy = filled(result.content, result.header_octets, who=WHO, leave=LEAVE)
    for each in (result.content, copy):
        for line in each[header:].split(b"\r\n")[5:-2]:
            assert len(line) <= 76
            assert not line.startswith((b".", b"--", b"From "))
    before, after = leaves(content)[0][1].decode(), leaves(result.content)[0][1].decode()
    assert after.count(f"/c/{TRACK_SLOT}/") == len(result.links)
    pattern = THEIRS.join(re.escape(each) for each in OURS.split(after))
    assert re.fullmatch(pattern, before) is not None


def test_the_same_letter_in_another_message_has_that_messages_tokens() -> None:
    """What is remembered of a part has nothing of the message that it was read in."""
    links = '<a href="https://a.example/">a</a><a href="https://b.example/">b</a>\r\n'
    content, header = one_part(links.encode())
    found = []
    for message in ("one", "two", "-" * 100):
        result = prepare(content, header, ALL, lambda n, _, of=message: f"{of}{n}")  # type: ignore[misc]
        assert isinstance(result, Prepared)
        assert result.links == ("https://a.example/", "https://b.example/")
        html = html_of(result.content).decode()
        found.append(re.findall(rf"/c/{TRACK_SLOT}/([^\"]*)", html))
    assert found == [[f"{of}0", f"{of}1"] for of in ("one", "two", "-" * 100)]
