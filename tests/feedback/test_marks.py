"""Mirrors angarium/feedback/marks.py."""

from email import message_from_bytes
from email.message import Message

import msgspec
import pytest

from angarium.config.schema import Feedback
from angarium.feedback.marks import Marker, Marks, feedback_id
from angarium.feedback.reference import Purpose, ReferenceKeys, Subject, Valid
from angarium.queue.model import MessageId, UnixMs

NOW = UnixMs(1_800_000_000_000)
KEYS = ReferenceKeys({1: bytes(32)}, days=30)
SUBJECT = Subject(
    message_id=MessageId(bytes(range(16))),
    index=0,
    address="bob@example.net",
    tenant="acme",
    stream="bulk",
    campaign="june",
    sender_domain="news.example.com",
)
CONFIG = Feedback(
    return_path_domain="b.example.com", feedback_addresses=("fbl@example.org", "fbl@example.com")
)


def mark(
    config: Feedback = CONFIG,
    *,
    keys: ReferenceKeys | None = KEYS,
    page: str = "",
    signed_by: tuple[str, ...] = ("example.com",),
    reverse_path: str = "ann@news.example.com",
    header: bytes = b"Subject: a\r\n\r\n",
    subject: Subject = SUBJECT,
    to_leave: frozenset[str] = frozenset(),
) -> Marks:
    marker = Marker(config, keys, lambda _: signed_by, to_leave, lambda _, __: page)
    return marker.mark(subject, reverse_path, "news.example.com", header, NOW)


def fields(marks: Marks) -> "Message[str, str]":
    return message_from_bytes(marks.fields)


def test_the_return_path_and_the_header_carry_one_reference() -> None:
    marks = mark()
    local_part, _, domain = marks.reverse_path.partition("@")
    assert domain == "b.example.com"
    for text in (local_part, fields(marks)["X-Angarium-Reference"]):
        found = KEYS.verify(text, NOW)
        assert isinstance(found, Valid)
        assert (found.reference.message_id, found.reference.index) == (SUBJECT.message_id, 0)


def test_the_null_reverse_path_stays_null() -> None:
    assert mark(reverse_path="").reverse_path == ""


def test_without_a_domain_for_them_the_senders_own_reverse_path_stays() -> None:
    config = msgspec.structs.replace(CONFIG, return_path_domain=None)
    assert mark(config).reverse_path == "ann@news.example.com"
    assert fields(mark(config))["X-Angarium-Reference"]


@pytest.mark.parametrize(
    ("signed_by", "address"),
    [
        (("example.com",), "fbl@example.com"),
        (("EXAMPLE.org", "example.com"), "fbl@example.org"),
        (("com",), "fbl@example.com"),  # of a domain below the signature's: RFC 9477 section 3.1
        (("news.example.com",), None),
        (("ample.com",), None),
        ((), None),
    ],
)
def test_a_feedback_address_is_named_where_a_signature_vouches_for_it(
    signed_by: tuple[str, ...], address: str | None
) -> None:
    found = fields(mark(signed_by=signed_by))
    assert found["CFBL-Address"] == (address and f"{address}; report=arf")
    token = found["X-Angarium-Reference"]
    assert found["CFBL-Feedback-ID"] == (token if address else None)


def test_gmails_feedback_id_names_campaign_tenant_stream_and_sender() -> None:
    assert fields(mark())["Feedback-ID"] == "june:acme:bulk:news.exa-8037a3"


@pytest.mark.parametrize("header", [b"Feedback-ID: a:b\r\n\r\n", b"A: b\r\nfeedback-id: x\r\n\r\n"])
def test_a_senders_own_feedback_id_is_the_only_one(header: bytes) -> None:
    assert "Feedback-ID" not in fields(mark(header=header))
    assert "Feedback-ID" in fields(mark(header=b"Subject: Feedback-ID: x\r\n\r\n"))


@pytest.mark.parametrize(
    ("campaign", "domain", "expected"),
    [
        ("", "example.com", "-:acme:bulk:example.com"),
        ("a:b c\r\nX: y", "example.com", "a_b_c__X__y:acme:bulk:example.com"),
        ("j", "a.de", "j:acme:bulk:a.de-8b374f"),
        ("ä" * 200, "", f"{'_' * 64}:acme:bulk:news.exa-8037a3"),
    ],
)
def test_names_are_made_fit_for_a_field(campaign: str, domain: str, expected: str) -> None:
    subject = msgspec.structs.replace(SUBJECT, campaign=campaign)
    assert feedback_id(subject, domain) == expected


def test_all_lines_are_short_enough_whatever_the_names_are() -> None:
    subject = msgspec.structs.replace(
        SUBJECT, tenant="t" * 128, stream="s" * 128, campaign="ä" * 128
    )
    marker = Marker(CONFIG, KEYS, lambda _: ("example.com",))
    marks = marker.mark(subject, "a@example.com", "example.com", b"\r\n", NOW)
    lines = marks.fields.split(b"\r\n")
    assert lines.pop() == b""
    assert len(lines) == 4
    assert max(map(len, lines)) <= 998


def test_mail_of_a_stream_to_leave_says_how_to() -> None:
    """RFC 2369 section 3.2. Long after a report is believed no more, who finds the mail may leave."""
    leave = fields(mark(to_leave=frozenset({"bulk"})))["List-Unsubscribe"]
    local_part, at, rest = leave.removeprefix("<mailto:").partition("@")
    assert (at, rest) == ("@", "b.example.com?subject=unsubscribe>")
    found = KEYS.verify(local_part, UnixMs(NOW + 399 * 86_400_000))
    assert isinstance(found, Valid)
    assert found.reference.purpose is Purpose.UNSUBSCRIBE
    assert KEYS.fits(found.reference, "bob@example.net")
    assert not isinstance(KEYS.verify(local_part, UnixMs(NOW + 402 * 86_400_000)), Valid)


@pytest.mark.parametrize(
    ("config", "subject", "header"),
    [
        (CONFIG, SUBJECT, b"LIST-Unsubscribe: <https://x.example/>\r\n\r\n"),
        (CONFIG, SUBJECT, b"Subject: a\r\nlist-unsubscribe: <mailto:x@y.example>\r\n\r\n"),
        (msgspec.structs.replace(CONFIG, return_path_domain=None), SUBJECT, b"Subject: a\r\n\r\n"),
        (CONFIG, msgspec.structs.replace(SUBJECT, index=None, address=""), b"Subject: a\r\n\r\n"),
        (CONFIG, msgspec.structs.replace(SUBJECT, stream="transactional"), b"Subject: a\r\n\r\n"),
    ],
)
def test_a_way_out_is_not_added_where_there_is_one_or_it_is_nobodys(
    config: Feedback, subject: Subject, header: bytes
) -> None:
    marks = mark(config, subject=subject, header=header, to_leave=frozenset({"bulk"}))
    assert "List-Unsubscribe" not in fields(marks)


PAGE = "https://t.example.com/u/token"


def test_where_there_is_a_page_one_click_leaves() -> None:
    found = fields(mark(to_leave=frozenset({"bulk"}), page=PAGE))
    https, mailto = found["List-Unsubscribe"].replace("\r\n", "").split(", ")
    assert https == f"<{PAGE}>"
    assert mailto.startswith("<mailto:")
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_page_needs_no_references() -> None:
    marks = mark(keys=None, to_leave=frozenset({"bulk"}), page=PAGE)
    assert marks.reverse_path == "ann@news.example.com"
    assert fields(marks).keys() == ["List-Unsubscribe", "List-Unsubscribe-Post"]
    assert fields(marks)["List-Unsubscribe"] == f"<{PAGE}>"


@pytest.mark.parametrize(
    "changes",
    [
        {"header": b"List-Unsubscribe: <https://own.example/>\r\n\r\n"},
        {"subject": msgspec.structs.replace(SUBJECT, index=None)},
        {"to_leave": frozenset()},
    ],
    ids=["its own", "several people", "another stream"],
)
def test_there_is_no_page_of_ours(changes: dict[str, object]) -> None:
    options = {"to_leave": frozenset({"bulk"}), "page": PAGE, "keys": None} | changes
    assert mark(**options).fields == b""  # type: ignore[arg-type]
