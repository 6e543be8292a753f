"""Mirrors angarium/api/json_body.py."""

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.api.json_body import DEPTH, decode_json
from angarium.intake.order import Fault, FaultError, FaultKind


class Wire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    pass


class File(Wire):
    file_name: Annotated[str, msgspec.Meta(max_length=5)] = ""
    content: bytes = b""


class Mail(Wire):
    to: tuple[str, ...]
    subject: str = ""
    reply_to: str | list[str] = ""
    headers: dict[str, str] = {}
    attachments: tuple[File, ...] = ()
    metadata: dict[str, Any] = {}
    send_at: int | None = None
    sandbox: bool = False


class Many(Wire):
    messages: tuple[Mail, ...]


def fault(body: str | bytes, kind: Any = Mail) -> Fault:
    octets = body if isinstance(body, bytes) else body.encode()
    with pytest.raises(FaultError) as raised:
        decode_json(octets, kind)
    return raised.value.fault


def test_a_struct_is_read() -> None:
    body = b'\xef\xbb\xbf {"to": ["a"], "headers": {"X": "y"}, "attachments": [{"fileName": "f", "content": "YQ=="}]}'
    found = decode_json(body, Mail)
    assert found == Mail(
        to=("a",), headers={"X": "y"}, attachments=(File(file_name="f", content=b"a"),)
    )


@pytest.mark.parametrize("empty", ["null", '""', "[]", "{}"])
@pytest.mark.parametrize("name", ["subject", "replyTo", "headers", "attachments", "sendAt"])
def test_empty_is_absent(empty: str, name: str) -> None:
    found = decode_json(f'{{"to": ["a"], "{name}": {empty}}}'.encode(), Mail)
    assert found in (Mail(to=("a",)), Mail(to=("a",), reply_to=[]))


def test_empty_is_absent_inside_too_and_what_is_false_or_zero_is_not() -> None:
    body = b'{"to": ["a"], "attachments": [{"fileName": null}], "sandbox": false, "sendAt": 0, "cc": null}'
    assert fault(body).field == "cc"
    found = decode_json(body.replace(b', "cc": null', b', "subject": null'), Mail)
    assert found == Mail(to=("a",), attachments=(File(),), send_at=0)


def test_what_is_empty_in_metadata_stays() -> None:
    body = b'{"to": ["a"], "subject": null, "metadata": {"a": null, "b": "", "c": {"d": []}}}'
    assert decode_json(body, Mail).metadata == {"a": None, "b": "", "c": {"d": []}}


@pytest.mark.parametrize(
    ("body", "kind", "field", "constraint"),
    [
        ("{}", FaultKind.MISSING, "to", "required"),
        ('{"to": null}', FaultKind.MISSING, "to", "required"),
        ('{"to": ["a", 1]}', FaultKind.INVALID, "to[1]", "type"),
        ('{"to": "a"}', FaultKind.INVALID, "to", "type"),
        ('{"to": ["a"], "subject": 1}', FaultKind.INVALID, "subject", "type"),
        ('{"to": ["a"], "replyTo": [1]}', FaultKind.INVALID, "replyTo[0]", "type"),
        (
            '{"to": ["a"], "headers": {"A": "", "X-A": 1, "B": "b"}}',
            FaultKind.INVALID,
            "headers.X-A",
            "type",
        ),
        ('{"to": ["a"], "reply": 1}', FaultKind.UNKNOWN_FIELD, "reply", "unknown"),
        (
            '{"to": ["a"], "attachments": [{}, {"file_name": ""}]}',
            FaultKind.UNKNOWN_FIELD,
            "attachments[1].file_name",
            "unknown",
        ),
        (
            '{"to": ["a"], "attachments": [{"fileName": "123456"}]}',
            FaultKind.INVALID,
            "attachments[0].fileName",
            "max_length",
        ),
        (
            '{"to": ["a"], "attachments": [{"content": "?"}]}',
            FaultKind.INVALID,
            "attachments[0].content",
            "base64",
        ),
        ("[]", FaultKind.INVALID, "body", "type"),
        ('"x"', FaultKind.INVALID, "body", "type"),
        ("", FaultKind.MALFORMED, "body", "json"),
        ("  ", FaultKind.MALFORMED, "body", "json"),
        ('{"to": ["a"],}', FaultKind.MALFORMED, "body", "json"),
        ('{"to": ["a"]', FaultKind.MALFORMED, "body", "json"),
        ('{"to": ["a"], "metadata": {"a": NaN}}', FaultKind.MALFORMED, "body", "json"),
        ('{"to": ["\\ud800"]}', FaultKind.MALFORMED, "body", "json"),
        ('{"to": null, "sendAt": "\\ud800"}', FaultKind.MALFORMED, "body", "json"),
        (b'{"to": ["\xe9"]}', FaultKind.MALFORMED, "body", "json"),
        ('{"to": ["a"]}'.encode("utf-16"), FaultKind.MALFORMED, "body", "json"),
        ('{"to": ["a"], "subject": "a", "subject": "b"}', FaultKind.MALFORMED, "subject", "unique"),
        (
            '{"to": ["a"], "headers": {"X": "a", "X": "b"}, "subject": 1}',
            FaultKind.MALFORMED,
            "X",
            "unique",
        ),
        (
            '{"to": ["a"], "metadata": {"n": ' + "9" * 5000 + "}}",
            FaultKind.MALFORMED,
            "body",
            "json",
        ),
        ('{"to": ["a"], "metadata": {"n": -1e999}}', FaultKind.MALFORMED, "body", "json"),
    ],
)
def test_what_is_wrong_is_refused_by_field(
    body: str | bytes, kind: FaultKind, field: str, constraint: str
) -> None:
    found = fault(body)
    assert (found.kind, found.field, found.constraint) == (kind, field, constraint)
    assert "`" not in found.message


def test_what_is_required_may_be_empty_and_not_null() -> None:
    class Needy(Wire):
        text: str
        more: str = ""

    found = decode_json(b'{"text": "", "more": null}', Needy)
    assert found == Needy(text="")
    assert fault('{"text": null}', Needy).kind is FaultKind.MISSING


def test_the_place_in_a_batch_is_named() -> None:
    body = '{"messages": [{"to": ["a"]}, {"to": ["a"], "headers": {"a": "b", "c": 1}}]}'
    assert fault(body, Many).field == "messages[1].headers.c"
    assert fault('{"messages": [{"to": ["a"]}, {}]}', Many).message == (
        "Missing required field: messages[1].to"
    )


def test_an_unknown_field_names_the_one_that_may_be_meant() -> None:
    assert fault('{"to": ["a"], "reply_to": "b"}').message == (
        "Unknown field: reply_to (is replyTo meant?)"
    )


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"b":'])
def test_depth_is_bounded_without_a_recursion_error(opening: str) -> None:
    body = '{"to": ["a"], "metadata": {"a": ' + opening * 200_000
    assert fault(body).message == f"The body cannot be read: it nests deeper than {DEPTH}"


def test_brackets_in_strings_are_no_depth() -> None:
    text = '[{\\"' * 100
    assert decode_json(f'{{"to": ["{text}"]}}'.encode(), Mail).to == ('[{"' * 100,)
    deep = "[" * (DEPTH - 2) + "]" * (DEPTH - 2)
    assert decode_json(f'{{"to": ["a"], "metadata": {{"a": {deep}}}}}'.encode(), Mail).to == ("a",)
    assert "deeper" in fault(f'{{"to": ["a"], "metadata": {{"a": [{deep}]}}}}').message


@given(st.binary(max_size=80))
def test_any_octets_are_a_value_or_a_fault(octets: bytes) -> None:
    body = b'{"to": ["a"], "metadata": {"a":' + octets + b"}}"
    try:
        found = decode_json(body, Mail)
    except FaultError:
        assert fault(body).field
    else:
        assert found == decode_json(body, Mail)
