"""Mirrors angarium/feedback/mail/complaints.py."""

import pytest

from angarium.feedback.classes import Effect
from angarium.feedback.mail.complaints import Complaint, find_complaint, is_redacted
from angarium.feedback.mail.parts import read_parts

ORIGINAL = "From: n@shop.test\nTo: x@isp.example\nMessage-ID: <1@shop.test>\n"


def complaint(
    report: str, original: str = ORIGINAL, report_type: str = "feedback-report"
) -> Complaint:
    found = find_complaint(
        read_parts(
            f"Content-Type: multipart/report; report-type={report_type}; boundary=a\n\n"
            f"--a\nContent-Type: message/feedback-report\n\n{report}\n"
            f"--a\nContent-Type: message/rfc822\n\n{original}\n--a--\n".encode()
        )
    )
    assert found is not None
    return found


def people(found: Complaint) -> list[str]:
    return [each.address for each in found.recipients]


def test_who_complained_is_whom_the_report_names() -> None:
    found = complaint("Feedback-Type: abuse\nOriginal-Rcpt-To: <y@isp.example>\n")
    assert people(found) == ["y@isp.example"]
    assert people(complaint("Feedback-Type: abuse\nRemoval-Recipient: z@isp.example\n")) == [
        "z@isp.example"
    ]


def test_else_whom_the_envelope_or_the_header_names() -> None:
    envelope = "X-HmXmrOriginalRecipient: e@isp.example\n" + ORIGINAL
    assert people(complaint("Feedback-Type: abuse\n", envelope)) == ["e@isp.example"]
    assert people(complaint("Feedback-Type: abuse\n")) == ["x@isp.example"]


@pytest.mark.parametrize(
    "to", ["redacted@isp.example", "x@redacted.example", "xxxx@isp.example", "<Undisclosed>", ""]
)
def test_who_is_redacted_is_nobody(to: str) -> None:
    original = ORIGINAL.replace("x@isp.example", to)
    report = f"Feedback-Type: abuse\nOriginal-Rcpt-To: {to}\n"
    assert people(complaint(report, original)) == []


def test_several_in_the_header_are_not_guessed_from() -> None:
    original = ORIGINAL.replace("x@isp.example", "x@isp.example, y@isp.example")
    assert people(complaint("Feedback-Type: abuse\n", original)) == []


@pytest.mark.parametrize(
    ("feedback_type", "effect"),
    [
        *(("abuse", Effect.SUPPRESS), ("ABUSE", Effect.SUPPRESS), ("fraud", Effect.SUPPRESS)),
        *(("opt-out", Effect.SUPPRESS), ("not-spam", Effect.NONE), ("auth-failure", Effect.NONE)),
        *(("virus", Effect.NONE), ("other", Effect.NONE), ("something-new", Effect.NONE)),
    ],
)
def test_only_who_wants_no_more_is_suppressed(feedback_type: str, effect: Effect) -> None:
    (recipient,) = complaint(f"Feedback-Type: {feedback_type}\n").recipients
    assert recipient.verdict.effect is effect


def test_a_report_part_is_enough() -> None:
    assert complaint("\nFeedback-Type: fraud\n", report_type="x").feedback_type == "fraud"
    assert complaint("Version: 1\n\nFeedback-Type: fraud\n").feedback_type == "fraud"
    assert complaint("rubbish").feedback_type == "abuse"


def test_other_mail_is_no_complaint() -> None:
    for octets in (
        b"Subject: complaint about message from you\n\nI complain.",
        b"Subject: DMARC failure report\n\nhello",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=a\n\n--a\n\nx\n--a--",
    ):
        found = find_complaint(read_parts(octets))
        assert found is None or found.feedback_type == "auth-failure", octets
    assert find_complaint(read_parts(b"Subject: hi\n\nFeedback-Type: abuse")) is None


def test_redacted_addresses_are_known() -> None:
    assert is_redacted("Redacted-Address@isp.example")
    assert not is_redacted("max@isp.example")
