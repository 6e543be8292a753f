"""Mirrors angarium/api/compat/ses/wire.py: it has each field that Amazon's own model of its API has, and no other."""

import typing
from typing import Any

import botocore.session
import msgspec
import pytest

from angarium.api.compat.ses import wire
from angarium.api.json_body import decode_json
from angarium.intake.order import FaultError, FaultKind

MODEL = botocore.session.get_session().get_service_model("sesv2")


def check(shape: Any, kind: Any, path: str) -> None:
    fields = {each.encode_name: each.type for each in msgspec.structs.fields(kind)}
    assert set(fields) == set(shape.members), path
    for name, member in shape.members.items():
        (inner,) = [each for each in typing.get_args(fields[name]) if each is not type(None)]
        if member.type_name == "list":
            member, inner = member.member, typing.get_args(inner)[0]
        if member.type_name == "structure":
            check(member, inner, f"{path}.{name}")
        else:
            assert inner is str, f"{path}.{name}"


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("SendEmail", wire.SendEmail),
        ("SendBulkEmail", wire.SendBulkEmail),
        ("PutSuppressedDestination", wire.PutSuppressedDestination),
    ],
)
def test_it_has_amazons_fields(operation: str, kind: Any) -> None:
    check(MODEL.operation_model(operation).input_shape, kind, operation)


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        (b'{"Nonsense": 1}', FaultKind.UNKNOWN_FIELD, "Nonsense"),
        (b'{"Content": {"Simple": {"X": ""}}}', FaultKind.UNKNOWN_FIELD, "Content.Simple.X"),
        (
            b'{"Destination": {"ToAddresses": ["a", 1]}}',
            FaultKind.INVALID,
            "Destination.ToAddresses[1]",
        ),
        (b"[]", FaultKind.INVALID, "body"),
        (b"", FaultKind.MALFORMED, "body"),
    ],
)
def test_what_else_there_is_is_refused_by_its_name(
    body: bytes, kind: FaultKind, field: str
) -> None:
    with pytest.raises(FaultError) as error:
        decode_json(body, wire.SendEmail)
    assert (error.value.fault.kind, error.value.fault.field) == (kind, field)


def test_what_is_empty_is_absent() -> None:
    body = b'{"Content": {"Raw": null, "Simple": {}}, "Destination": {"ToAddresses": []}, "EmailTags": null}'
    found = decode_json(body, wire.SendEmail)
    assert found.content == wire.Content(simple=wire.Simple())
