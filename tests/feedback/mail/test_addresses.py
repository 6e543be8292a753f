"""Mirrors angarium/feedback/mail/addresses.py."""

import pytest

from angarium.feedback.mail.addresses import (
    MAX_ADDRESSES,
    addresses_of,
    find_addresses,
    first_address,
    reported_address,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("to <a@b.example>: no", ["a@b.example"]),
        ("a@b.example, c+d=e@f.example.", ["a@b.example", "c+d=e@f.example"]),
        ("'x@y.example'", ["x@y.example"]),
        ('<"a..b c"@d.example>', ['"a..b c"@d.example']),
        ("root@[192.0.2.1]", ["root@[192.0.2.1]"]),
        ("пётр@почта.example", ["пётр@почта.example"]),
        ("me@localhost a@b", []),
        ("@@ a@ @b.example a@.b a@b..c", []),
        ("a@b.example@c.example", ["a@b.example"]),
        ("宛先:x@y.example。", ["x@y.example"]),
    ],
)
def test_addresses_are_found_in_words(text: str, found: list[str]) -> None:
    assert [each.address for each in find_addresses(text)] == found


def test_an_address_stands_where_it_stands() -> None:
    (found,) = find_addresses("to <a@b.example>!")
    assert "to <a@b.example>!"[found.start : found.end] == "a@b.example"


def test_no_more_than_the_limit_are_found() -> None:
    assert len(list(find_addresses("a@b.cc " * 5000))) == MAX_ADDRESSES


def test_an_address_in_brackets_comes_first() -> None:
    assert first_address("x@y.example <a@b.example>") == "a@b.example"
    assert first_address("<@route.example:a@b.example>") == "a@b.example"
    assert first_address("nobody") == ""
    assert addresses_of("A <a@b.example>, a@b.example, c@d.example") == [
        "a@b.example",
        "c@d.example",
    ]


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("rfc822; a@b.example", "a@b.example"),
        ("RFC822;<a@b.example>", "a@b.example"),
        ("a@b.example", "a@b.example"),
        ("rfc822; a@b.example (A B)", "a@b.example"),
        ("rfc822; a+40b.example", "a@b.example"),
        ("rfc822; a+2Bc@b.example", "a+c@b.example"),
        ("rfc822; a+tag@b.example", "a+tag@b.example"),
        ("rfc822; a+ABC@b.example", "a+ABC@b.example"),
        (r"utf-8; \x{FC}@b.example", "ü@b.example"),
        (r"utf-8; \x{D800}a@b.example", "a@b.example"),
        ("utf-8; ü@b.example", "ü@b.example"),
        ("rfc822; joe@host", "joe@host"),
        ("rfc822; @relay.example:a@b.example", "a@b.example"),
        ('rfc822; "a b"@c.example', '"a b"@c.example'),
        ("rfc822; =?utf-8?B?8J+Q?=@b.example", "=?utf-8?B?8J+Q?=@b.example"),
        ("rfc822; Unknown", ""),
        ("X400; c=us;a= ;p=x", ""),
        ("", ""),
    ],
)
def test_a_report_field_names_its_address(value: str, address: str) -> None:
    assert reported_address(value) == address
