"""Mirrors angarium/api/compat/attached.py."""

import base64

import pytest

from angarium.api.compat.attached import (
    bare_content_id,
    from_base64,
    from_octets,
    type_by_name,
)
from angarium.intake.order import FaultError, FaultKind


def test_what_is_encoded_is_read_with_the_line_ends_that_some_clients_put_in() -> None:
    octets = bytes(range(256))
    text = base64.encodebytes(octets).decode().replace("\n", "\r\n ")
    assert from_base64(text, "x") == octets


@pytest.mark.parametrize("text", ["abc", "ab=c", "a\u00e4==", "a-_=", "YQ==YQ==", "=", "data:,x"])
def test_what_is_not_encoded_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(FaultError) as caught:
        from_base64(text, "attachments[3].content")
    assert caught.value.fault.kind is FaultKind.INVALID
    assert caught.value.fault.field == "attachments[3].content"


def test_octets_are_integers() -> None:
    assert from_octets([0, 80, 255], "x") == b"\x00P\xff"
    for wrong in ([256], [-1], ["a"], [1.5], [None], [[1]]):
        with pytest.raises(FaultError, match="list of integers"):
            from_octets(wrong, "x")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.pdf", "application/pdf"),
        ("a.b.PNG", "image/png"),
        ("a", "application/octet-stream"),
        ("pdf", "application/octet-stream"),
        ("a.unheard", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("invite.ics", "text/calendar"),
    ],
)
def test_a_type_comes_from_the_name(name: str, kind: str) -> None:
    assert type_by_name(name) == kind


@pytest.mark.parametrize("text", ["logo@x", "cid:logo@x", "CID:logo@x", "<logo@x>", " cid:logo@x "])
def test_a_content_id_is_taken_in_each_way_of_writing(text: str) -> None:
    assert bare_content_id(text) == "logo@x"
