"""Mirrors angarium/feedback/mail/reasons.py: which text says why."""

import pytest

from angarium.feedback.mail.reasons import Surroundings, replies_in, says_something, why


@pytest.mark.parametrize(
    ("text", "replies"),
    [
        ("Remote host said: 550 5.1.1 no such user", ["550 5.1.1 no such user"]),
        ("550 no such user\nGiving up on 192.0.2.1.", ["550 no such user"]),
        ("550-first line\n550 second line", ["550-first line\n550 second line"]),
        ("<<< 550-first line\n<<< 550 second line", ["550-first line\n550 second line"]),
        ("451 busy now\nmore words", ["451 busy now"]),
        ("said: 550\n<x@y.example>: User unknown", ["550\n<x@y.example>: User unknown"]),
        ("(reason: 550 User unknown)", ["550 User unknown)"]),
        ("5.2.1 <x@y.example>... User unknown", ["5.2.1 <x@y.example>... User unknown"]),
        ("550 bad user\n451 busy host", ["550 bad user", "451 busy host"]),
        ("after 4500 seconds, port 5500, 12.550 x", []),
        ("(#5.1.2)", []),
        ("550", []),
    ],
)
def test_replies_of_hosts_are_found_in_words(text: str, replies: list[str]) -> None:
    assert list(replies_in(text)) == replies


def test_a_wrapped_reply_is_whole() -> None:
    text = "550 5.1.1 <someone@some.where.example>: Recipient address rejected:\nunknown here"
    assert list(replies_in(text)) == [text]


def test_a_hosts_reply_is_the_reason_and_the_nearest_comes_first() -> None:
    reasons = Surroundings(near=("some words",), before="heading", again=("550 no such user",))
    assert list(why([reasons], "552 far words", "subject")) == ["550 no such user", "552 far words"]


def test_without_a_reply_the_nearest_words_come_first() -> None:
    reasons = Surroundings(near=("some words",), before="heading")
    assert list(why([reasons], "all words", "subject")) == ["some words", "heading"]


def test_the_whole_is_read_only_where_nothing_is_near() -> None:
    assert list(why([Surroundings(near=("x",))], "all the words", "subject")) == [
        "x",
        "",
        "all the words",
        "subject",
    ]


def test_codes_alone_say_nothing() -> None:
    assert not says_something("550 5.1.1 <>")
    assert says_something("no user") is True
    assert says_something("宛先不明")
