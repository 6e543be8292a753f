"""Mirrors angarium/api/tracked/answers.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.api.tracked.answers import location


@pytest.mark.parametrize(
    "target",
    [
        "https://shop.example/",
        "https://shop.example/a%20b?c=d&e=%C3%BC#f",
        "HTTP://User:pass@Shop.example:8080/A?b=c",
        "https://shop.example/{a}|b^c`d\"e'f<g>h[i]\\j",
        "https://[2001:db8::1]:443/x",
    ],
)
def test_a_target_of_plain_characters_is_sent_as_it_was_written(target: str) -> None:
    assert location(target) == target


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("https://bücher.example/ü?q=ß#é", "https://xn--bcher-kva.example/%C3%BC?q=%C3%9F#%C3%A9"),
        ("https://Bücher.Example:8443/", "https://xn--bcher-kva.example:8443/"),
        ("https://m\u00fcller@b\u00fccher.example/", "https://m%C3%BCller@xn--bcher-kva.example/"),
        ("https://例え.テスト/パス", "https://xn--r8jz45g.xn--zckzah/%E3%83%91%E3%82%B9"),
        ("https://shop.example/a b", "https://shop.example/a%20b"),
        (
            "https://shop.example/a\r\nSet-Cookie: x=1",
            "https://shop.example/a%0D%0ASet-Cookie:%20x=1",
        ),
        ("https://shop.example/\x00\x7f", "https://shop.example/%00%7F"),
        ("https://-\u00fc-.example/", "https://-%C3%BC-.example/"),
    ],
)
def test_what_a_header_field_cannot_bear_is_encoded_as_browsers_do(
    target: str, expected: str
) -> None:
    assert location(target) == expected


@given(st.text(max_size=200))
def test_whatever_the_target_is_the_field_is_one_line_of_ascii(rest: str) -> None:
    found = location(f"https://shop.example/{rest}")
    assert found.startswith("https://shop.example/")
    assert all("\x21" <= each <= "\x7e" for each in found)
