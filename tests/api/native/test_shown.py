"""Mirrors angarium/api/native/shown.py."""

from collections.abc import Sequence

import msgspec
import pytest

from angarium.api.native.shown import shown_struct
from angarium.queue import DeliveryId, MessageId, UnixMs


class Part(msgspec.Struct, frozen=True, array_like=True):
    sent_at: UnixMs
    some_names: tuple[str, ...] = ()


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    message_id: MessageId
    delivery: DeliveryId
    last_part: Part | None
    all_parts: Sequence[Part]
    secret: str = ""


class Odd(msgspec.Struct):
    octets: bytes


ID = MessageId(bytes(15) + b"\1")
TEXT = "00000000-0000-0000-0000-000000000001"
TIME = "1970-01-01T00:00:01.000Z"


def test_a_value_is_shown_field_by_field() -> None:
    shown = shown_struct(Whole, "secret")
    part = Part(UnixMs(1000), ("a", "b"))
    whole = Whole(
        message_id=ID, delivery=DeliveryId(ID, 2), last_part=None, all_parts=(part,), secret="x"
    )
    assert msgspec.to_builtins(shown.of(whole)) == {
        "messageId": TEXT,
        "delivery": f"{TEXT}.2",
        "lastPart": None,
        "allParts": [{"sentAt": TIME, "someNames": ["a", "b"]}],
    }


def test_what_is_shown_is_described() -> None:
    shown = shown_struct(Part)
    (_, components) = msgspec.json.schema_components([shown.type])
    properties = components["Part"]["properties"]
    assert properties["sentAt"] == {"type": "string", "format": "date-time"}
    assert properties["someNames"]["items"] == {"type": "string"}


def test_a_type_that_nothing_is_known_of_is_an_error_at_once() -> None:
    with pytest.raises(TypeError, match="bytes"):
        shown_struct(Odd)
