"""Mirrors angarium/feedback/mail/text.py and html_text.py."""

import pytest

from angarium.feedback.mail.charset import decode_as
from angarium.feedback.mail.html_text import plain_text
from angarium.feedback.mail.parts import Part, read_parts
from angarium.feedback.mail.text import MAX_TEXT_OCTETS, text_of


def part(header: str, body: bytes) -> Part:
    return read_parts(header.encode() + b"\n\n" + body).parts[0]


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        ("base64", b"YWJj\r\nZGVm\r\n", "abcdef"),
        ("BASE64", b"YWJj!ZGV", "abcde"),
        ("base64", b"YWJjZ", "abc"),
        ("quoted-printable", b"a=3Db=\r\nc", "a=bc"),
        ("quoted-printable", b"a=ZZ=", "a=ZZ"),
        ("8bit", b"a\r\nb\rc", "a\nb\nc"),
        ("x-unknown", b"a\0b", "ab"),
    ],
)
def test_the_transfer_encoding_is_undone(encoding: str, body: bytes, text: str) -> None:
    assert text_of(part(f"Content-Transfer-Encoding: {encoding}", body)) == text


def test_a_text_is_bounded() -> None:
    assert len(text_of(part("A: b", b"x" * 1_000_000))) == MAX_TEXT_OCTETS


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b</p>", "\na\n\nb\n"),
        ("<p>one\ntwo<br>three &amp; &lt;x@y.z&gt;", "\none two\nthree & <x@y.z>"),
        ("a<style>p {}</style>b<script>x</script>c<!-- d -->e", "abce"),
        ("<STYLE>p {} never closed", ""),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "\n\na b\n\n"),
        ("user <x@y.example> is no tag", "user <x@y.example> is no tag"),
        ("plain\ntext", "plain\ntext"),
    ],
)
def test_html_is_made_plain(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_half_of_a_pair_in_utf_7_is_no_text() -> None:
    assert decode_as(b"a+3Tk-b", "utf-7") == "a\ufffdb"
    assert decode_as(b"+2D3eAA-", "utf-7") == "\U0001f600"
