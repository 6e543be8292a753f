"""Mirrors angarium/api/compat/raw_mail.py."""

import pytest

from angarium.api.compat.raw_mail import open_raw
from angarium.intake.order import FaultError


def test_lines_end_in_crlf_whatever_they_ended_in() -> None:
    found = open_raw(b"From: a@b.example\nTo: c@d.example\r\n\rx\ry\n.\r\n", "raw")
    assert found.content == b"From: a@b.example\r\nTo: c@d.example\r\n\r\nx\r\ny\r\n.\r\n"


def test_octets_that_need_nothing_are_the_same() -> None:
    octets = b"From: a@b.example\r\nX: y\r\n z\r\n\r\n\xff\r\n"
    found = open_raw(octets, "raw")
    assert found.content is octets
    assert found.without(frozenset({b"none"})) is octets
    assert found.values(b"x") == ("y z",)
    assert found.without(frozenset({b"x"})) == b"From: a@b.example\r\n\r\n\xff\r\n"


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (b"a@b.example", ["a@b.example"]),
        (b'Ann <a@b.example>,\r\n "Bob, Jr" <c@d.example>', ["a@b.example", "c@d.example"]),
        (b"undisclosed-recipients:;", []),
        (b"", []),
        (b"Team: a@b.example, c@d.example;", ["a@b.example", "c@d.example"]),
    ],
)
def test_those_whom_it_is_addressed_to_are_read(value: bytes, addresses: list[str]) -> None:
    found = open_raw(b"From: x@y.example\r\nBcc: " + value + b"\r\n\r\n", "raw")
    read = [each.mailbox.address.text for each in found.addressees(b"bcc", "raw")]
    assert read == addresses


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"hello\r\n",
        b"\r\nFrom: a@b.example\r\n",
        b"From: a@b.example\r\nFrom: c@d.example\r\n\r\n",
        b"From: a@b.example\r\n\r\n\0",
        b"From: a@b.example\r\nno field\r\n\r\n",
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused(octets: bytes) -> None:
    with pytest.raises(FaultError) as error:
        open_raw(octets, "raw")
    assert error.value.fault.field == "raw"


def test_an_address_that_is_none_is_refused_with_its_field() -> None:
    found = open_raw(b"From: x@y.example\r\nTo: a b\r\n\r\n", "raw")
    with pytest.raises(FaultError) as error:
        found.addressees(b"to", "raw (To)")
    assert error.value.fault.field == "raw (To)"
