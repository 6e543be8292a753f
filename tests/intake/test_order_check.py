"""Mirrors angarium/intake/order_check.py."""

from typing import Any

import pytest

from angarium.content.letter import Attachment, Mailbox
from angarium.content.mailbox import read_mailbox
from angarium.intake.order import Addressee, Fault, FaultKind, Order, RawMail
from angarium.intake.order_check import OrderLimits, find_batch_fault, find_fault, is_program
from angarium.queue.model import UnixMs

NOW = UnixMs(1_700_000_000_000)
DAY = 86_400_000
LIMITS = OrderLimits(
    message_octets=100,
    recipients=3,
    subject_characters=5,
    headers=2,
    headers_octets=20,
    tags=2,
    tag_characters=3,
    metadata_octets=12,
    recipient_data_octets=80,
    attachments=2,
    refused_extensions=frozenset({"exe"}),
    refused_types=frozenset({"application/x-msdownload"}),
)


def box(address: str = "a@b.test") -> Mailbox:
    return read_mailbox(address, "x")


def one(**more: Any) -> Addressee:
    return Addressee(mailbox=box(), **more)


def order(**more: Any) -> Order:
    values = {"author": box(), "to": (one(),), "subject": "s", "text": "t", **more}
    return Order(**values)


def file(content: bytes = b"x", **more: Any) -> tuple[Attachment, ...]:
    return (Attachment(content=b"x"), Attachment(content=content, **more))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"text": None, "html": ""},
        {"cc": (one(), one())},
        {"subject": "x" * 5},
        {"fields": (("A", "x" * 9), ("B", "x" * 9))},
        {"tags": ("abc", "d:e"), "campaign": "c" * 128},
        {"metadata": {"a": "bcde"}},
        {"to": (one(metadata={"a": 1}), one(variables={"a": 1}))},
        {"send_at": NOW + DAY, "expires_at": NOW + DAY + 1},
        {"send_at": NOW - DAY},
        {"attachments": file(filename="a.exe.txt")},
        {"track_opens": False},
        {"callback_url": "http://[::1]:8/a?b=c"},
        {"raw": RawMail(content=b"x"), "author": None, "to": (), "bcc": (one(),)},
    ],
)
def test_what_is_within_the_limits_has_no_fault(more: dict[str, Any]) -> None:
    assert find_fault(order(**more), LIMITS, NOW) is None


@pytest.mark.parametrize(
    ("more", "kind", "field", "constraint"),
    [
        ({"author": None}, FaultKind.MISSING, "from", "required"),
        ({"to": ()}, FaultKind.MISSING, "to", "required"),
        ({"subject": ""}, FaultKind.MISSING, "subject", "required"),
        ({"text": None}, FaultKind.MISSING, "bodyText", "required"),
        ({"raw": RawMail(content=b"")}, FaultKind.MISSING, "raw", "required"),
        ({"bcc": (one(),) * 3}, FaultKind.INVALID, "to", "max_items"),
        ({"subject": "x" * 6}, FaultKind.INVALID, "subject", "max_length"),
        ({"fields": (("A", "b"),) * 3}, FaultKind.INVALID, "headers", "max_items"),
        ({"fields": (("A", "ä" * 10),)}, FaultKind.INVALID, "headers", "max_length"),
        ({"text": "x" * 101}, FaultKind.TOO_LARGE, "body", "max_length"),
        ({"attachments": file(b"x" * 100)}, FaultKind.TOO_LARGE, "body", "max_length"),
        ({"tags": ("a", "b", "c")}, FaultKind.INVALID, "tags", "max_items"),
        ({"tags": ("abcd",)}, FaultKind.INVALID, "tags", "max_length"),
        ({"tags": ("",)}, FaultKind.INVALID, "tags", "min_length"),
        ({"tags": ("a\n",)}, FaultKind.INVALID, "tags", "format"),
        ({"campaign": "c" * 129}, FaultKind.INVALID, "campaign", "max_length"),
        ({"stream": "\x85"}, FaultKind.INVALID, "stream", "format"),
        ({"metadata": {"a": "bcdef"}}, FaultKind.INVALID, "metadata", "max_length"),
        ({"metadata": {"a": "\ud800"}}, FaultKind.INVALID, "metadata", "format"),
        (
            {"to": (one(), one(variables={"a": "x" * 80}))},
            FaultKind.INVALID,
            "recipients[1]",
            "max_length",
        ),
        ({"expires_at": NOW}, FaultKind.INVALID, "expiresAt", "minimum"),
        (
            {"send_at": NOW + DAY, "expires_at": NOW + DAY},
            FaultKind.INVALID,
            "expiresAt",
            "minimum",
        ),
        ({"send_at": NOW + 3651 * DAY}, FaultKind.INVALID, "sendAt", "maximum"),
        ({"attachments": file() + file()}, FaultKind.INVALID, "attachments", "max_items"),
        (
            {"attachments": file(filename="a.EXE")},
            FaultKind.INVALID,
            "attachments[1].filename",
            "policy",
        ),
        (
            {"attachments": file(filename="a.exe . ")},
            FaultKind.INVALID,
            "attachments[1].filename",
            "policy",
        ),
        (
            {"attachments": file(content_type="Application/X-MSDownload; x=y")},
            FaultKind.INVALID,
            "attachments[1].contentType",
            "policy",
        ),
        (
            {"attachments": file(b"\x7fELF")},
            FaultKind.INVALID,
            "attachments[1].content",
            "policy",
        ),
        ({"callback_url": "ftp://a"}, FaultKind.INVALID, "callbackUrl", "format"),
        ({"callback_url": "http://"}, FaultKind.INVALID, "callbackUrl", "format"),
        ({"callback_url": "http://a:x/"}, FaultKind.INVALID, "callbackUrl", "format"),
        ({"unsubscribe_url": "javascript:x"}, FaultKind.INVALID, "unsubscribeUrl", "format"),
    ],
)
def test_what_is_over_a_limit_is_refused_by_field(
    more: dict[str, Any], kind: FaultKind, field: str, constraint: str
) -> None:
    fault = find_fault(order(**more), LIMITS, NOW)
    assert fault is not None
    assert (fault.kind, fault.field, fault.constraint) == (kind, field, constraint)


def test_a_batch_has_a_bound_of_its_own() -> None:
    limits = OrderLimits(batch_recipients=3)
    unread = Fault(kind=FaultKind.INVALID, message="m")
    assert find_batch_fault((order(cc=(one(), one())), unread), limits) is None
    assert find_batch_fault((order(cc=(one(),) * 5),), limits) is None  # its own limit holds
    fault = find_batch_fault((order(cc=(one(), one())), order()), limits)
    assert fault is not None
    assert (fault.field, fault.constraint) == ("messages", "max_items")


def test_programs_are_known_by_how_they_begin() -> None:
    windows = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0"
    assert is_program(windows)
    assert is_program(b"\x7fELF\x02")
    assert not is_program(b"MZ is how a text may begin, and this one is longer than a header of it")
    assert not is_program(b"MZ")
    assert not is_program(b"%PDF-1.7")


@pytest.mark.parametrize(
    ("preheader", "html", "constraint"),
    [("soon", None, "requires"), ("x" * 251, "<p>", "max_length"), ("a\nb", "<p>", None)],
)
def test_a_preheader_is_a_short_line_of_html(
    preheader: str, html: str | None, constraint: str | None
) -> None:
    fault = find_fault(order(preheader=preheader, html=html, text="t"), OrderLimits(), NOW)
    assert fault is not None
    assert fault.field == "preheader"
    assert constraint is None or fault.constraint == constraint


def test_blind_recipients_alone_are_enough() -> None:
    assert find_fault(order(to=(), bcc=(one(),)), LIMITS, NOW) is None
