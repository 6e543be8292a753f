"""Mirrors angarium/feedback/mail/answers.py."""

import pytest

from angarium.feedback.mail.answers import is_automatic, is_receipt, is_unsubscribe
from angarium.feedback.mail.parts import ParsedMail, read_parts


def mail(subject: str, body: str = "", header: str = "") -> ParsedMail:
    return read_parts(f"From: a@b.example\nSubject: {subject}\n{header}\n{body}".encode())


@pytest.mark.parametrize(
    "subject",
    [
        *("unsubscribe", "Unsubscribe", "UNSUBSCRIBE ME", "please unsubscribe", "[unsubscribe]"),
        *("unsubscribe tok-1.2_3==", "unsubscribe:abc", "unsubscribe <abc>", "Re: unsubscribe"),
        *("unsubscribe from this list", "opt-out", "remove me", "Abmelden", "désinscription"),
        *("配信停止", "退订", "unsubscribe joe@b.example", "Unsubscribe from Weekly offers"),
        *(
            "Unsubscribe request for joe@b.example",
            "remove me please",
            "STOP",
            "List-Unsubscribe=One-Click",
        ),
    ],
)
def test_a_request_in_the_subject_is_an_unsubscribe(subject: str) -> None:
    assert is_unsubscribe(mail(subject))


@pytest.mark.parametrize(
    "body",
    ["unsubscribe", "Please unsubscribe me.\n\n-- \nJoe", "\nremove me\n\nOn Monday x wrote:\n> y"],
)
def test_a_request_that_is_all_of_the_body_is_one(body: str) -> None:
    assert is_unsubscribe(mail("Weekly offers", body))


@pytest.mark.parametrize("to", ["unsubscribe+tok@r.test", "leave-tok@r.test", "unsub@r.test"])
def test_an_empty_mail_to_an_unsubscribe_address_is_one(to: str) -> None:
    assert is_unsubscribe(mail("", "", f"To: {to}\n"))
    assert not is_unsubscribe(mail("", "I have a question", f"To: {to}\n"))


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("How do I unsubscribe from your list?", "Tell me."),
        ("Unsubscribe is a good word for a song", "x"),
        ("Remove viruses", "x"),
        ("unsubscribed", "x"),
        ("Stop the presses", "x"),
        ("Unsubscribe from what?", "x"),
        ("unsubscribe" + "." * 500 + "?" + "." * 500, "x"),
        ("Weekly offers", "Buy.\n\nTo unsubscribe, click here."),
        ("Weekly offers", "unsubscribe buttons are what we talked about at the meeting\nsee you"),
        ("hello", ""),
        ("", ""),
    ],
)
def test_mail_that_speaks_of_it_is_none(subject: str, body: str) -> None:
    assert not is_unsubscribe(mail(subject, body))


def test_an_automatic_answer_is_no_unsubscribe() -> None:
    assert not is_unsubscribe(mail("unsubscribe", "", "Auto-Submitted: auto-replied\n"))
    assert is_unsubscribe(mail("unsubscribe", "", "Auto-Submitted: auto-generated\n"))


@pytest.mark.parametrize(
    "header",
    [
        *("Auto-Submitted: auto-replied\n", "Auto-Submitted: Auto-Replied (vacation)\n"),
        *("Precedence: auto_reply\n", "X-Autoreply: yes\n", "X-Autorespond: x\n"),
    ],
)
def test_automatic_answers_say_so(header: str) -> None:
    assert is_automatic(mail("Re: hi", "x", header))
    assert not is_automatic(mail("Re: hi", "x", "Auto-Submitted: no\n"))


@pytest.mark.parametrize(
    "subject",
    [
        "Out of Office: hi",
        "Automatische Antwort: hi",
        "自動応答: hi",
        "Automatyczna odpowiedź: hi",
        "Automatikus válasz: hi",
        "=?utf-8?Q?R=C3=A9ponse_automatique?=",
    ],
)
def test_automatic_answers_are_known_by_their_subject(subject: str) -> None:
    assert is_automatic(mail(subject))


def test_a_receipt_is_known_by_its_part() -> None:
    octets = b"Content-Type: multipart/x; boundary=a\n\n--a\nContent-Type: message/disposition-notification\n\nx\n--a--"
    assert is_receipt(read_parts(octets))
    assert not is_receipt(mail("Read: hi"))
