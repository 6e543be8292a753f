"""Mirrors angarium/feedback/mail/sns_mail.py."""

import json
from typing import Any

import pytest

from angarium.feedback.mail.sns_mail import MAX_RECIPIENTS, find_sns
from angarium.feedback.report import Action


def notice(value: Any) -> str:
    return json.dumps(value) + "\n\n--\nIf you wish to stop\n"


def test_a_bounce_names_its_recipients() -> None:
    found = find_sns(
        notice(
            {
                "notificationType": "Bounce",
                "bounce": {
                    "bouncedRecipients": [
                        {
                            "emailAddress": "<a@b.example>",
                            "status": "5.1.1",
                            "diagnosticCode": "smtp; 550 no",
                        }
                    ]
                },
            }
        )
    )
    assert found is not None
    (recipient,) = found.recipients
    assert (recipient.address, recipient.action, recipient.status, recipient.diagnostic) == (
        "a@b.example",
        Action.FAILED,
        "5.1.1",
        "550 no",
    )


def test_deliveries_and_delays_are_told_apart() -> None:
    delivered = find_sns(
        notice({"eventType": "Delivery", "delivery": {"recipients": ["a@b.example"]}})
    )
    delayed = find_sns(
        notice(
            {
                "eventType": "DeliveryDelay",
                "deliveryDelay": {"delayedRecipients": [{"emailAddress": "a@b.example"}]},
            }
        )
    )
    assert delivered is not None
    assert delayed is not None
    assert [each.action for each in delivered.recipients] == [Action.DELIVERED]
    assert [each.action for each in delayed.recipients] == [Action.DELAYED]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", '{"notificationType": }', '{"notificationType": "Open"}', "[1]"),
        *('{"notificationType": ["Bounce"]}', '{"notificationType":' + "[" * 20_000),
    ],
)
def test_other_texts_are_no_notification(text: str) -> None:
    assert find_sns(text) is None


@pytest.mark.parametrize("bounce", [None, 5, {}, {"bouncedRecipients": [5, {"emailAddress": 6}]}])
def test_rubbish_inside_names_nobody(bounce: Any) -> None:
    found = find_sns(notice({"notificationType": "Bounce", "bounce": bounce}))
    assert found is not None
    assert found.recipients == ()


def test_recipients_are_bounded() -> None:
    many = {"recipients": ["a@b.example"] * 500}
    found = find_sns(notice({"notificationType": "Delivery", "delivery": many}))
    assert found is not None
    assert len(found.recipients) == MAX_RECIPIENTS
