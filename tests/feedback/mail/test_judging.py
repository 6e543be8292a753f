"""Mirrors angarium/feedback/mail/judging.py."""

import pytest

from angarium.feedback.classes import BounceClass, Effect
from angarium.feedback.mail.judging import MAX_REPLY, Judge, printable, with_status
from angarium.feedback.report import Action


def test_the_first_text_that_says_anything_decides() -> None:
    judged = Judge().judge(["", "???", "550 5.1.1 user unknown", "mailbox full"], Action.FAILED)
    assert judged.verdict.bounce_class is BounceClass.USER_UNKNOWN
    assert judged.reply == "550 5.1.1 user unknown"


def test_a_heading_over_a_reason_does_not_outweigh_it() -> None:
    said = "554 5.3.0 <x@y.example>: Recipient address rejected: Mailer error"
    judged = Judge().judge([said], Action.FAILED)
    assert judged.verdict.bounce_class is BounceClass.MAILER_ERROR
    assert judged.reply == said


def test_a_mailbox_that_is_disabled_is_not_unknown() -> None:
    judge = Judge()
    texts = ["550 user unknown"]
    disabled = judge.judge(texts, Action.FAILED, heading="The user(s) account is disabled.")
    assert disabled.verdict.bounce_class is BounceClass.MAILBOX_DISABLED
    other = judge.judge(texts, Action.FAILED, heading="Something else.")
    assert other.verdict.bounce_class is BounceClass.USER_UNKNOWN


def test_texts_that_say_nothing_leave_it_open() -> None:
    judged = Judge().judge(["???", "!!!"], Action.FAILED)
    assert (judged.verdict.bounce_class, judged.reply) == (BounceClass.UNDETERMINED, "???")
    assert Judge().judge([], Action.FAILED).reply == ""


@pytest.mark.parametrize(
    ("notice", "bounce_class"),
    [
        ("You are not a member of this mailing list.", BounceClass.SECURITY),
        ("Could not deliver for the last 5 days. Giving up.", BounceClass.EXPIRED),
        ("Delivery failed 20 attempts: x", BounceClass.EXPIRED),
        ("Invalid final delivery userid: x", BounceClass.USER_UNKNOWN),
        ("Each of these was rejected by a remote mail server.", BounceClass.FILTERED),
        ("Could not be delivered, sorry.", BounceClass.UNDETERMINED),
    ],
)
def test_what_relays_write_of_themselves_counts_last(
    notice: str, bounce_class: BounceClass
) -> None:
    assert Judge().judge(["???"], Action.FAILED, notice=notice).verdict.bounce_class is bounce_class
    said = Judge().judge(["452 4.2.2 mailbox full"], Action.FAILED, notice=notice).verdict
    assert said.bounce_class in {BounceClass.MAILBOX_FULL, BounceClass.SECURITY}


def test_what_is_late_is_never_hard() -> None:
    unknown = Judge().judge(["550 5.1.1 user unknown"], Action.DELAYED).verdict
    assert (unknown.bounce_class, unknown.effect) == (BounceClass.USER_UNKNOWN, Effect.RETRY)
    assert Judge().judge(["???"], Action.DELAYED).verdict.bounce_class is BounceClass.EXPIRED


@pytest.mark.parametrize("action", [Action.DELIVERED, Action.RELAYED, Action.EXPANDED])
def test_what_arrived_has_no_reason(action: Action) -> None:
    verdict = Judge().judge(["550 5.1.1 user unknown"], action).verdict
    assert (verdict.bounce_class, verdict.effect) == (BounceClass.UNDETERMINED, Effect.NONE)


@pytest.mark.parametrize(
    ("status", "text", "whole"),
    [
        ("5.1.1", "no user", "5.1.1 no user"),
        ("5.1.1", "550 5.2.2 full", "550 5.2.2 full"),
        ("5.0.0", "550 no user", "550 no user"),
        ("5.0.0", "no user", "5.0.0 no user"),
        ("5.1.1", "", "5.1.1"),
        ("", "x", "x"),
    ],
)
def test_a_status_stands_before_a_text_that_has_none(status: str, text: str, whole: str) -> None:
    assert with_status(status, text) == whole


def test_evidence_is_printable_and_bounded() -> None:
    assert printable("a\r\nb\x1b\u2028c") == "a b c"
    assert len(printable("x" * 9999)) == MAX_REPLY
