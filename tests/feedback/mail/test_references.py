"""Mirrors angarium/feedback/mail/references.py and original.py."""

from angarium.feedback.mail.fields import Fields, read_fields
from angarium.feedback.mail.original import (
    envelope_recipients,
    header_recipients,
    names,
    original_of,
)
from angarium.feedback.mail.parts import read_parts
from angarium.feedback.mail.references import MAX_REFERENCES, references_of


def fields(text: str) -> Fields:
    return read_fields(text.encode())[0]


def test_candidates_come_best_first_and_once() -> None:
    found = references_of(
        "env@r.test",
        fields("Delivered-To: env@r.test\nTo: N <to@r.test>\nIn-Reply-To: <reply@r.test>\n"),
        fields("Original-Mail-From: <mf@r.test>\nOriginal-Envelope-Id: envid\n"),
        fields(
            "Return-Path: <rp@r.test>\nMessage-ID: <mid@r.test>\nFeedback-ID: c:t:s:x\n"
            "CFBL-Feedback-ID: cfbl\nX-Angarium-Reference: ours\n"
        ),
    )
    assert found == (
        *("ours", "cfbl", "env", "to", "rp", "mf", "envid", "mid", "c:t:s:x", "reply"),
    )


def test_candidates_are_bounded_and_printable() -> None:
    many = fields("".join(f"To: a{number}@r.test\n" for number in range(200)))
    assert len(references_of("", many, Fields(), Fields())) == MAX_REFERENCES
    odd = fields("X-Angarium-Reference: " + "x" * 1001 + "\nCFBL-Feedback-ID: a\x07b\n")
    assert references_of("", Fields(), Fields(), odd) == ()


def test_the_original_is_the_first_message_that_is_attached() -> None:
    octets = (
        b"Content-Type: multipart/x; boundary=a\n\n--a\n\nTo: no@b.example\n"
        b"--a\nContent-Type: %s\n\nA: b\nTo: x@b.example\n--a--"
    )
    for each in (b"message/rfc822", b"text/rfc822-headers", b"message/global-headers"):
        assert original_of(read_parts(octets % each)).raw("to") == "x@b.example"
    assert len(original_of(read_parts(octets % b"text/plain"))) == 0


def test_whom_a_message_was_for() -> None:
    original = fields(
        "Received: from a by b for <last@y.example>; today\n"
        "Received: from c by d\n for <first@y.example>; today\n"
        "X-Envelope-To: env@y.example\nTo: a@y.example\nCc: b@y.example, a@y.example\n"
    )
    assert envelope_recipients(original) == ["env@y.example", "last@y.example", "first@y.example"]
    assert header_recipients(original) == ["a@y.example", "b@y.example"]
    assert "A@Y.example" in names(["a@y.EXAMPLE"])
