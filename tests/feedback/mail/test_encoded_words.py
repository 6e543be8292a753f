"""Mirrors angarium/feedback/mail/encoded_words.py and charset.py."""

import pytest

from angarium.feedback.mail.charset import decode_as
from angarium.feedback.mail.encoded_words import MAX_WORDS, decode_words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?Q?a_=C3=BC?=", "a ü"),
        ("=?UTF-8?B?w7w=?= x", "ü x"),
        ("=?utf-8?B?w7w?=", "ü"),
        ("=?iso-8859-1*de?q?=FC?=", "ü"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?iso-2022-jp?B?GyRCJCIbKEI=?=", "あ"),
        ("=?no-such?q?x?=", "x"),
        ("=?utf-8?x?x?=", "=?utf-8?x?x?="),
        ("=?", "=?"),
    ],
)
def test_words_are_decoded(value: str, text: str) -> None:
    assert decode_words(value) == text


def test_no_more_words_than_the_limit_are_decoded() -> None:
    assert decode_words("=?utf-8?q?a?= x " * 500).count("=?") == 500 - MAX_WORDS


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        ("ü".encode(), "utf-8", "ü"),
        (b"\xfc", "utf-8", "ü"),
        (b"\xfc", "", "ü"),
        (b"\x80", "iso-8859-1", "€"),
        (b"\xcf", "KOI8-R", "о"),
        ("中".encode("gbk"), "gb2312", "中"),
        (b'\x1b$B$"\x1b(B', "us-ascii", "あ"),
        (b"x", "idna", "x"),
        (b"x", "unicode_escape", "x"),
        (b"x", "hex", "x"),
        (b"x", "\0" * 9, "x"),
        (b"x", "a" * 999, "x"),
    ],
)
def test_any_charset_has_an_answer(octets: bytes, charset: str, text: str) -> None:
    assert decode_as(octets, charset) == text
