"""Mirrors angarium/feedback/mail/delivery_status.py."""

import pytest

from angarium.feedback.mail.delivery_status import (
    MAX_RECIPIENTS,
    StatusGroup,
    action_of,
    find_status,
    has_groups,
    read_groups,
)
from angarium.feedback.report import Action


def only(text: str) -> StatusGroup:
    (group,) = read_groups(text)
    return group


def test_a_group_says_all_of_its_recipient() -> None:
    group = only(
        "Reporting-MTA: dns; a.example\n\n"
        "Final-Recipient: rfc822; x@y.example\nAction: failed\nStatus: 5.1.1 (bad mailbox)\n"
        "Remote-MTA: dns; mx.y.example\nDiagnostic-Code: smtp; 550 5.1.1\n  no such user\n"
    )
    assert group == StatusGroup(
        address="x@y.example",
        action=Action.FAILED,
        status="5.1.1",
        remark="bad mailbox",
        diagnostic="550 5.1.1 no such user",
        diagnostic_type="smtp",
        remote_host="mx.y.example",
    )


def test_the_first_field_that_names_somebody_counts() -> None:
    fields = {
        "X-Actual-Recipient": "rfc822; c@y.example",
        "Final-Recipient": "rfc822; b@y.example",
        "Original-Recipient": "rfc822; a@y.example",
    }
    text = "".join(f"{name}: {value}\n" for name, value in fields.items())
    assert only(text).address == "a@y.example"
    assert only(text.replace("rfc822; a@y.example", "rfc822; Unknown")).address == "b@y.example"
    assert only("Final-Recipient: LOCAL; joe\nX-Actual-Recipient: c@y.example\n").address == (
        "c@y.example"
    )


def test_a_recipient_without_an_address_is_one_all_the_same() -> None:
    assert only("Final-Recipient: unknown\nAction: failed\n").address == ""


def test_groups_are_told_apart_without_blank_lines() -> None:
    text = (
        "Final-Recipient: a@y.example\nStatus: 5.1.1\nFinal-Recipient: b@y.example\nStatus: 5.2.2"
    )
    assert [(each.address, each.status) for each in read_groups(text)] == [
        ("a@y.example", "5.1.1"),
        ("b@y.example", "5.2.2"),
    ]


def test_fields_that_a_blank_line_tore_off_belong_to_the_recipient_before() -> None:
    group = only("Final-Recipient: a@y.example\n\nAction: failed\nStatus: 5.1.1\n")
    assert (group.address, group.action, group.status) == ("a@y.example", Action.FAILED, "5.1.1")


def test_fields_of_the_message_are_no_recipient() -> None:
    assert read_groups("Reporting-MTA: dns; a\nArrival-Date: today\n") == []
    assert read_groups("") == []


def test_recipients_are_bounded() -> None:
    assert len(read_groups("Final-Recipient: a@y.example\n\n" * 5000)) == MAX_RECIPIENTS


@pytest.mark.parametrize(
    ("value", "action"),
    [
        ("failed", Action.FAILED),
        ("Failed (bad destination)", Action.FAILED),
        ("error", Action.FAILED),
        ("delayed", Action.DELAYED),
        ("delivered (to mailbox)", Action.DELIVERED),
        ("relayed", Action.RELAYED),
        ("expanded", Action.EXPANDED),
        ("whatever", None),
        ("", None),
    ],
)
def test_an_action_is_known_by_how_it_begins(value: str, action: Action | None) -> None:
    assert action_of(value) is action


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("550 5.1.1 x", "5.1.1"),
        ("5.0.0 then 5.7.26", "5.7.26"),
        ("4.0.0", "4.0.0"),
        ("host 192.5.1.1 said", ""),
        ("5.1.1.2", ""),
        ("3.1.1", ""),
    ],
)
def test_a_status_is_found_in_words(text: str, status: str) -> None:
    assert find_status(text) == status


def test_report_fields_among_words_are_seen() -> None:
    assert has_groups(["Sorry.", "Final-Recipient: rfc822; a@y.example"])
    assert has_groups(["Original-Recipient: a@y.example", "Action: failed"])
    assert not has_groups(["Original-Recipient: a@y.example", "Action taken"])
