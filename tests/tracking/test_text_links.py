"""Mirrors angarium/tracking/text_links.py."""

import pytest

from angarium.tracking.octets import characters
from angarium.tracking.targets import Left
from angarium.tracking.text_links import find_text_links
from tests.tracking.mail import BASE


def found(text: str, *, is_spaced: bool = False) -> list[str]:
    """Return what of a text would be replaced."""
    read = characters(text.encode(), "utf-8")
    assert read is not None
    places = list(
        find_text_links(read, Left(BASE, frozenset({"https://x.example/l"})), is_spaced=is_spaced)
    )
    for each in places:
        assert read.text[each.start : each.stop] == each.target
    return [each.target for each in places]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See https://x.example/a.", ["https://x.example/a"]),
        ("<https://x.example/a>", ["https://x.example/a"]),
        ("(https://x.example/a)", ["https://x.example/a"]),
        ("(see https://x.example/a_(b)), or", ["https://x.example/a_(b)"]),
        ("[x](https://x.example/a)!", ["https://x.example/a"]),
        ('"https://x.example/a?b=c&d", \'https://x.example/\'', ["https://x.example/a?b=c&d", "https://x.example/"]),
        ("https://x.example/a?!... HTTP://y.example", ["https://x.example/a", "HTTP://y.example"]),
        ("> https://x.example/a\r\n> b", ["https://x.example/a"]),
        ("xhttps://x.example/ ftp://x.example/ mailto:a@x.example www.x.example", []),
        ("https://x.example/ü https://x.example/a次", []),
        ("https://x.example/a\u00a0b", []),
        (f"{BASE}/c/x https://x.example/l {{unsubscribe_url}}", []),
        ("https://x.example/?u={{unsubscribe_url}} https://x.example/%unsubscribe_url%", []),
        ("To unsubscribe, go to\r\nhttps://x.example/a\r\nor read\r\nhttps://x.example/b", ["https://x.example/b"]),
        ("https://x.example/opt-out", []),
        ("https://", []),
    ],
)  # fmt: skip
def test_addresses_of_the_web_are_found_without_the_sentence_around(
    text: str, expected: list[str]
) -> None:
    assert found(text) == expected


def test_an_address_that_goes_on_in_the_next_line_is_left_alone() -> None:
    text = "https://x.example/long \r\nand-longer and https://x.example/b \r\n"
    assert found(text) == ["https://x.example/long", "https://x.example/b"]
    assert found(text.replace("/b ", "/b, and \r\n"), is_spaced=True) == ["https://x.example/b"]
