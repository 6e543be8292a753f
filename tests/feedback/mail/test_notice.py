"""Mirrors angarium/feedback/mail/notice.py and standing.py: whom words are about."""

import pytest

from angarium.feedback.mail.notice import MAX_TOLD, read_notice
from angarium.feedback.mail.original import names


def told(text: str, *, own: tuple[str, ...] = (), expected: tuple[str, ...] = ()) -> list[str]:
    found = read_notice(text.split("\n"), own=names(own), expected=names(expected))
    return [each.address for each in found]


@pytest.mark.parametrize(
    "text",
    [
        "could not be delivered to:\n\n  x@y.example",
        "could not be delivered to:\n\n  <x@y.example>: 550 no",
        "could not be delivered to:\n\n  1. x@y.example\n",
        "could not be delivered to:\n * [x@y.example]: 550 no",
        "could not be delivered to:\n\n  Recipient: [SMTP:x@y.example]",
        "could not be delivered to:\n\n  Joe Doe <x@y.example>",
        "could not be delivered to:\n\n  x@y.example<mailto:x@y.example>",
        "could not be delivered to:\n\n  x@y.example on 1/2/2006 3:04 PM\n    no such user",
        "could not be delivered to:\n\n  宛先: x@y.example",
        "Unable to deliver message to <x@y.example> (and others).",
        "undeliverable to x@y.example",
        "x@y.example: 550 5.1.1 no such user",
        "unknown user: x@y.example",
        "550 <x@y.example>... User unknown",
        ">>> RCPT To:<x@y.example>\n<<< 550 no",
        "In:  RCPT TO:<x@y.example>\nOut: 451 4.3.0 no",
        "Sent <<< RCPT TO:<x@y.example>\nReceived >>> 550 no",
        "To: x@y.example\nSubject: z\nDate: today",
        "x@y.example",
        "a word about x@y.example",
    ],
)
def test_whom_it_is_about_is_found(text: str) -> None:
    assert told(text) == ["x@y.example"]


@pytest.mark.parametrize(
    "text",
    [
        "A message sent by\n\n  <o@y.example>\n\ncould not be delivered to\n\n  x@y.example\n",
        "could not be delivered:\n  x@y.example\n\nFor further assistance, please contact <o@y.example>",
        "could not be delivered:\n  x@y.example\n\nQuestions? Please write to:\n\n  o@y.example\n",
        "From: o@y.example\nCould not be delivered to x@y.example",
        "could not be delivered:\n  x@y.example\n    (generated from o@y.example)\n    550 no",
        ">>> MAIL FROM:<o@y.example>\n<<< 250 ok\n>>> RCPT TO:<x@y.example>\n<<< 550 no",
        ">>> RCPT TO:<o@y.example>\n<<< 250 ok\n>>> RCPT TO:<x@y.example>\n<<< 550 no",
        "You are not a member of this list <x@y.example>.\n\nSend the command to the address\n\n  o@y.example\n",
        "could not be delivered to x@y.example, see https://y.example/?a=o@y.example",
    ],
)
def test_others_that_are_named_are_not_meant(text: str) -> None:
    assert told(text) == ["x@y.example"]


def test_all_of_a_list_are_meant() -> None:
    text = "These addresses failed:\n\n" + "\n".join(
        f"  u{number}@y.example" for number in range(9)
    )
    assert told(text) == [f"u{number}@y.example" for number in range(9)]
    same = "<a@y.example>:\n550 no such user\n\n<b@y.example>:\nsome other words\n"
    assert told(same) == ["a@y.example", "b@y.example"]


def test_our_own_address_is_meant_only_where_no_other_is() -> None:
    text = "could not be delivered to:\n  me@y.example\n  x@y.example"
    assert told(text, own=("ME@y.example",)) == ["x@y.example"]
    assert told("could not be delivered to:\n  me@y.example", own=("me@y.example",)) == [
        "me@y.example"
    ]


def test_whom_the_returned_message_was_for_is_meant_before_others() -> None:
    text = "About your mail.\n\no@y.example\n\nx@y.example"
    assert told(text, expected=("X@y.example",)) == ["x@y.example"]


def test_nobody_is_invented() -> None:
    assert told("") == []
    assert told("could not be delivered, sorry") == []
    assert told("From: o@y.example") == []
    assert told("Ask a@y.example, or b@y.example.") == []


def test_what_is_told_is_bounded() -> None:
    text = "These addresses failed:\n\n" + "\n".join(
        f"u{number}@y.example" for number in range(900)
    )
    assert len(told(text)) == MAX_TOLD


def test_reasons_stand_around_the_address() -> None:
    text = "Failed:\n\n<a@y.example>:\nfirst\n\nsecond\n\n<b@y.example>: third\n"
    a, b = read_notice(text.split("\n"), own=names([]), expected=names([]))
    assert a.reasons[0].near == ("first", "first\nsecond")
    assert b.reasons[0].near == ("third",)
    assert (a.reasons[0].heading, b.reasons[0].heading) == ("Failed:", "Failed:")
