"""Mirrors angarium/feedback/mail/returned_text.py: where a notice ends in a text."""

import pytest

from angarium.feedback.mail.returned_text import MAX_LINE, MAX_LINES, split_text


@pytest.mark.parametrize(
    "mark",
    [
        *("--- Below this line is a copy of the message.", "----- Original message -----"),
        *("Original message follows.", "Message headers follow:", "-------original message"),
        *("------ This is a copy of the message, including all the headers. ------",),
        *("|------------------------- Message text follows: ------------------------|",),
        *("    Below is a copy of the original message:", "--- Mensaje original adjunto."),
        *("   ----- Unsent message follows -----", "------- Returned Message --------"),
        *("Ursprüngliche Nachricht:", "--- 元のメッセージ ---"),
    ],
)
def test_a_mark_ends_the_notice(mark: str) -> None:
    split = split_text(f"It failed.\n\n{mark}\nreturned")
    assert split.notice == ["It failed.", ""]
    assert split.returned == [mark, "returned"]


@pytest.mark.parametrize(
    "line",
    [
        *("I'm sorry to have to inform you that the message returned",),
        *("The original message was received at Mon, 3 Feb 1997 10:00:00 GMT",),
        *("The following addresses did NOT receive a copy of your message:",),
        *("   ----- The following addresses had permanent fatal errors -----",),
        *("   ----- Transcript of session follows -----", "--- Session Transcript ---"),
        *("Subject: about the original message", "See joe@y.example's original message below:"),
    ],
)
def test_words_that_only_speak_of_it_do_not(line: str) -> None:
    assert split_text(f"It failed.\n\n{line}\nmore").returned == []


@pytest.mark.parametrize("indent", ["", "   ", "> "])
def test_a_message_header_ends_the_notice(indent: str) -> None:
    header = ["Received: from a by b", "From: x@y.example", "Subject: z", "", "body"]
    lines = [f"{indent}{line}" for line in header]
    split = split_text("\n".join(["It failed.", "", *lines]))
    assert split.returned == lines


def test_a_few_fields_of_the_message_are_the_notices_words() -> None:
    text = "Your message\n\n  To: a@y.example\n  Subject: z\n  Date: x\n\ndid not reach b@y.example"
    assert split_text(text).returned == []


def test_a_text_that_begins_with_a_mark_is_a_notice() -> None:
    assert split_text("----- Original message -----\nx").returned == []


def test_lines_are_bounded() -> None:
    assert len(split_text("\n" * 100_000).notice) == MAX_LINES
    assert len(split_text("x" * 100_000).notice[0]) == MAX_LINE
