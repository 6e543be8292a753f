"""Mirrors angarium/intake/order_letter.py: what an order's letter has besides what it says."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any, cast

import pytest

from angarium.content.letter import LetterError
from angarium.content.mailbox import read_mailbox
from angarium.intake.order import Addressee, Caller, Order
from angarium.intake.order_letter import received_of

CALLER = Caller(tenant="acme", key_id="k", domains=("acme.test",), address="", listener="")


def letter(**more: Any) -> EmailMessage:
    values = {
        "author": read_mailbox("Shop <a@acme.test>", "from"),
        "to": (Addressee(mailbox=read_mailbox("b@c.test", "to")),),
        "subject": "s",
        **more,
    }
    received = received_of(
        Order(**values), CALLER, email_id="id", date="Mon, 30 Nov 2026 00:00:00 +0000", boundary="b"
    )
    return cast(
        EmailMessage, email.message_from_bytes(received.content, policy=email.policy.default)
    )


def test_html_alone_gets_a_text_part_where_one_is_wanted() -> None:
    made = letter(html="<p>Hi <b>you</b></p>", makes_text=True)
    assert made.get_content_type() == "multipart/alternative"
    text = made.get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == "Hi you"
    assert letter(html="<p>Hi</p>").get_content_type() == "text/html"


def test_a_text_that_was_given_stays() -> None:
    text = letter(html="<p>Hi</p>", text="own", makes_text=True).get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == "own"


def test_html_that_shows_nothing_stays_alone() -> None:
    assert letter(html="<style>p{}</style>", makes_text=True).get_content_type() == "text/html"


def test_the_preheader_is_in_the_html_and_not_in_the_text() -> None:
    made = letter(html="<body><p>Hi</p>", preheader="soon", makes_text=True)
    html, text = made.get_body(("html",)), made.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert ">soon&#847;" in html.get_content()
    assert text.get_content().strip() == "Hi"


def test_an_unsubscribe_url_takes_one_click() -> None:
    """RFC 8058 section 3.1."""
    made = letter(text="t", unsubscribe_url="https://acme.test/out?u=1")
    assert made["List-Unsubscribe"] == "<https://acme.test/out?u=1>"
    assert made["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_two_ways_to_say_how_to_unsubscribe_are_refused() -> None:
    with pytest.raises(LetterError, match=r"headers\.List-Unsubscribe"):
        letter(
            text="t",
            unsubscribe_url="https://acme.test/out",
            fields=(("list-unsubscribe", "<https://x.test>"),),
        )
