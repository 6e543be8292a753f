"""Mirrors angarium/feedback/ses.py: both forms of SES's JSON, and rubbish."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.feedback.classes import BounceClass, Effect
from angarium.feedback.report import Action, MailKind
from angarium.feedback.ses import MAX_RECIPIENTS, MESSAGE_TAG, read_notification
from angarium.mta.transport.ses import call
from angarium.simulator.sns import bounce, complaint, event, mail

ABOUT = mail(
    "0107018c",
    "b@example.net",
    tags={MESSAGE_TAG: ["01a2291c-8a11-706c-a27f-51ec63fb4772"], "ses:configuration-set": ["x"]},
    headers=[
        {"name": "From", "value": "a@example.org"},
        {"name": "X-Angarium-Reference", "value": "ar1.token"},
    ],
)


def test_the_tag_is_the_one_that_is_sent() -> None:
    assert MESSAGE_TAG == call.MESSAGE_TAG


@pytest.mark.parametrize("key", ["notificationType", "eventType"])
def test_a_bounce_names_our_message_and_its_recipient(key: str) -> None:
    found = read_notification(bounce(ABOUT, "b@example.net", key=key))
    assert found is not None
    assert (found.kind, found.ses_message_id) == ("bounce", "0107018c")
    assert found.message == "01a2291c-8a11-706c-a27f-51ec63fb4772"
    assert found.references == ("ar1.token",)
    assert found.sent_ms > 0
    assert found.report is not None
    (each,) = found.report.recipients
    assert (found.report.kind, each.address, each.action) == (
        MailKind.BOUNCE,
        "b@example.net",
        Action.FAILED,
    )
    assert (each.status, each.remote_host) == (
        "5.1.1",
        "b224-1.smtp-out.eu-central-1.amazonses.com",
    )
    assert each.verdict.hard


@pytest.mark.parametrize(
    ("kind", "subtype", "reply", "hard"),
    [
        ("Permanent", "General", "", True),
        ("Permanent", "NoEmail", "smtp; 550 5.1.1 no such user", True),
        ("Permanent", "OnAccountSuppressionList", "", True),
        ("Transient", "General", "smtp; 550 5.1.1 user unknown", False),
        ("Transient", "MailboxFull", "smtp; 552 5.2.2 over quota", False),
        ("Undetermined", "Undetermined", "", False),
    ],
)
def test_only_what_ses_calls_permanent_is_for_ever(
    kind: str, subtype: str, reply: str, hard: bool
) -> None:
    found = read_notification(
        bounce(ABOUT, "b@example.net", kind=kind, subtype=subtype, reply=reply)
    )
    assert found is not None
    assert found.recipients[0].verdict.hard is hard


def test_a_full_mailbox_is_one() -> None:
    found = read_notification(bounce(ABOUT, "b@x.example", kind="Transient", subtype="MailboxFull"))
    assert found is not None
    assert found.recipients[0].verdict.bounce_class is BounceClass.MAILBOX_FULL


def test_a_complaint_has_its_type() -> None:
    found = read_notification(complaint(ABOUT, "b@example.net", kind="fraud"))
    assert found is not None
    assert found.report is not None
    assert (found.report.kind, found.feedback_type) == (MailKind.ARF, "fraud")
    assert found.recipients[0].verdict.effect is Effect.SUPPRESS
    without = read_notification(complaint(ABOUT, "b@example.net", kind=""))
    assert without is not None
    assert without.feedback_type == "abuse"


@pytest.mark.parametrize(
    ("name", "part", "fields", "kind", "text"),
    [
        ("Delivery", "delivery", {"smtpResponse": "250 ok"}, "delivery", "250 ok"),
        ("Reject", "reject", {"reason": "Bad content"}, "reject", "Bad content"),
        ("Send", "send", {}, "send", ""),
        ("Open", "open", {"ipAddress": "192.0.2.1", "userAgent": "UA"}, "open", ""),
        ("Click", "click", {"link": "https://x.example/"}, "click", "https://x.example/"),
        (
            "Rendering Failure",
            "failure",
            {"errorMessage": "no such name"},
            "rendering-failure",
            "no such name",
        ),
        ("DeliveryDelay", "deliveryDelay", {"delayType": "MailboxFull"}, "delay", "MailboxFull"),
        ("Subscription", "subscription", {"source": "UnsubscribeHeader"}, "subscription", None),
    ],
)
def test_other_kinds_tell_how_far_it_has_come(
    name: str, part: str, fields: dict[str, Any], kind: str, text: str | None
) -> None:
    found = read_notification(event(ABOUT, name, part, **fields))
    assert found is not None
    assert found.kind == kind
    assert found.report is None
    assert text is None or found.text == text
    assert found.everyone == ("b@example.net",)


def test_who_opened_is_said() -> None:
    found = read_notification(event(ABOUT, "Open", "open", ipAddress="192.0.2.1", userAgent="UA"))
    assert found is not None
    assert found.client == "192.0.2.1 UA"


@pytest.mark.parametrize(
    "text",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        "{}",
        "[]",
        '{"eventType":"Bounce"}',
        '{"eventType":"New","mail":{"messageId":"x"}}',
        "null",
        "\ud800" if False else "",
    ],
)
def test_what_is_none_is_none(text: str) -> None:
    assert read_notification(text) is None


def test_it_is_bounded_and_printable() -> None:
    many = [f"u{n}@example.net" for n in range(500)]
    found = read_notification(bounce(ABOUT, *many, reply="smtp; 550 5.1.1 \x1b[31m" + "x" * 9_000))
    assert found is not None
    assert len(found.recipients) == MAX_RECIPIENTS
    assert len(found.recipients[0].reply) <= 1_000
    assert found.recipients[0].reply.isprintable()


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)


@given(TREES, st.sampled_from(["Bounce", "Complaint", "Delivery", "DeliveryDelay", "Open"]), TREES)
def test_no_json_makes_it_fail(part: Any, kind: str, other: Any) -> None:
    for name in ("bounce", "complaint", "delivery", "deliveryDelay", "open"):
        for about in (
            {"messageId": "x", "tags": other, "headers": other, "destination": part},
            other,
        ):
            for inner in (
                part,
                {"bouncedRecipients": part, "complainedRecipients": [part], "recipients": part},
            ):
                read_notification(json.dumps({"eventType": kind, "mail": about, name: inner}))
