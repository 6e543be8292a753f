"""Mirrors angarium/api/compat/mailgun/orders.py, fields.py and mime.py, where clients do not lead."""

import json

import pytest

from angarium.api.compat.mailgun.answers import in_mailguns_names
from angarium.api.compat.mailgun.fields import FormField
from angarium.api.compat.mailgun.orders import (
    MAX_OCTETS,
    Request,
    read_message,
    read_mime_message,
)
from angarium.intake.order import Fault, FaultError, FaultKind, TemplateUse
from angarium.queue.model import UnixMs

NOW = UnixMs(1_900_000_000_000)
WHOLE = {"from": "a@example.com", "to": "b@dest.example", "subject": "s", "text": "t"}
RAW = b"From: a@example.com\r\nMIME-Version: 1.0\r\n"


def field(name: str, content: str | bytes, filename: str = "", content_type: str = "") -> FormField:
    octets = content if isinstance(content, bytes) else content.encode()
    return FormField(name=name, content=octets, filename=filename, content_type=content_type)


def message(*more: FormField, **changed: str) -> Request:
    whole = {**WHOLE, **changed}
    return read_message([*(field(*each) for each in whole.items()), *more], NOW)


def mime(header: bytes = b"", *more: FormField, to: str = "b@dest.example") -> Request:
    raw = field("message", RAW + header + b"\r\nx\r\n", "m")
    return read_mime_message([field("to", to), raw, *more], NOW)


def fault(*more: FormField, **changed: str) -> tuple[FaultKind, str]:
    with pytest.raises(FaultError) as error:
        message(*more, **changed)
    return error.value.fault.kind, error.value.fault.field


def mime_fault(header: bytes = b"", *more: FormField) -> str:
    with pytest.raises(FaultError) as error:
        mime(header, *more)
    return error.value.fault.field


def test_all_messages_of_a_request_together_are_bounded() -> None:
    people = json.dumps({f"u{at}@dest.example": {} for at in range(3)})
    to = ",".join(json.loads(people))
    half = field("attachment", b"x" * (MAX_OCTETS // 2 - 1000), "a")
    variables = field("recipient-variables", people)
    assert fault(half, variables, to=to) == (FaultKind.TOO_LARGE, "to")
    assert len(message(half, variables, to="a@b.example, c@d.example").orders) == 2
    raw = field("message", RAW + b"\r\n" + b"x" * (MAX_OCTETS // 2 - 1000), "m")
    with pytest.raises(FaultError) as error:
        read_mime_message([field("to", to), raw, field("recipient-variables", "{}")], NOW)
    assert error.value.fault.kind is FaultKind.TOO_LARGE


def test_what_may_be_once_is_refused_twice() -> None:
    twice = field("h:X-Idempotency-Key", "a"), field("h:x-idempotency-key", "b")
    assert fault(*twice) == (FaultKind.INVALID, "h:X-Idempotency-Key")
    assert fault(field("v:a", "1"), field("v:a", "2")) == (FaultKind.INVALID, "v:a")
    assert fault(field("o:dkim", "yes"), field("o:dkim", "yes")) == (FaultKind.INVALID, "o:dkim")
    assert mime_fault(b"", field("message", RAW + b"\r\n", "m")) == "message"


def test_what_is_not_for_this_path_or_this_kind_of_field() -> None:
    assert fault(field("message", RAW, "m")) == (FaultKind.INVALID, "message")
    assert fault(field("cc", "c@d.example", "file")) == (FaultKind.INVALID, "cc")
    assert fault(field("inline", b"x")) == (FaultKind.INVALID, "inline[0]")
    assert fault(field("h:", "x")) == (FaultKind.INVALID, "h:")
    for name in ("from", "cc", "bcc", "text", "subject", "attachment", "inline"):
        assert (
            mime_fault(
                b"", field(name, "x@y.example", "" if name in WHOLE or "c" in name[1:] else "f")
            )
            == name
        )
    assert mime_fault(b"", field("h:X-A", "1")) == "h:X-A"
    assert mime_fault(b"", field("h:Reply-To", "a@b.example")) == "h:Reply-To"
    assert (
        mime_fault(b"", field("recipient-variables", '{"a@b.example": {"x": 1}}'))
        == "recipient-variables"
    )
    assert mime_fault(b"X-Mailgun-Template-Name: x\r\n") == "X-Mailgun-Template-Name"
    assert mime_fault(b"X-Mailgun-Variables: 1\r\n") == "X-Mailgun-Variables"
    assert mime_fault(b"X-Mailgun-Dkim: no\r\n") == "o:dkim"


def test_recipients_that_are_there_twice_get_one_mail() -> None:
    (order,) = message(field("to", "B <b@dest.example>, c@dest.example")).orders
    assert [each.mailbox.address.text for each in order.to] == ["b@dest.example", "c@dest.example"]


def test_numbered_fields_are_several_of_one() -> None:
    files = field("attachment[0]", b"x", "a.txt"), field("attachment[1]", b"y", "b.txt")
    (order,) = message(*files, field("to[1]", "c@dest.example"), field("O:TAG", "x")).orders
    assert [each.filename for each in order.attachments] == ["a.txt", "b.txt"]
    assert len(order.to) == 2
    assert order.tags == ("x",)


def test_tracking_is_that_of_each_kind_where_it_is_said() -> None:
    for given, expected in (
        ({}, (None, None)),
        ({"o:tracking": "no"}, (False, False)),
        ({"o:tracking": "yes", "o:tracking-opens": "no"}, (False, True)),
        ({"o:tracking-clicks": "htmlonly"}, (None, True)),
    ):
        (order,) = message(*(field(*each) for each in given.items())).orders
        assert (order.track_opens, order.track_clicks) == expected


def test_an_empty_message_field_and_empty_files_are_as_none() -> None:
    (order,) = message(field("message", b""), field("attachment", b""), field("html", "")).orders
    assert (order.attachments, order.html) == ((), None)


def test_each_of_a_written_mails_recipients_gets_his_own() -> None:
    both = mime(b"", field("recipient-variables", "{}"), to="a@b.example, c@d.example").orders
    assert [[each.mailbox.address.text for each in order.to] for order in both] == [
        ["a@b.example"],
        ["c@d.example"],
    ]


def test_a_template_has_the_variables_of_all_three_ways() -> None:
    (order,) = message(
        field("template", "welcome"),
        field("t:version", "3"),
        field("t:text", "yes"),
        field("t:variables", '{"name": "Bea", "both": 3}'),
        field("h:X-Mailgun-Variables", '{"cart": {"id": 1}, "both": 2}'),
        field("v:both", "1"),
        field("v:list", '[{"n": 1}]'),
        field("v:odd", "{no json"),
        text="",
        subject="",
    ).orders
    assert order.template == TemplateUse(
        name="welcome",
        version="3",
        data={
            "cart": {"id": 1},
            "both": 3,
            "list": [{"n": 1}],
            "odd": "{no json",
            "name": "Bea",
        },
    )
    assert order.metadata["both"] == "1"
    assert (order.subject, order.text, order.html) == ("", None, None)


def test_each_recipient_has_a_template_filled_with_his_own() -> None:
    people = {"b@dest.example": {"name": 'B"ea'}, "c@dest.example": {"name": "Cid"}}
    first, second = message(
        field("template", "welcome"),
        field("t:variables", '{"name": "%recipient.name%", "all": ["%recipient.name%", 1]}'),
        field("v:who", "%recipient.name%"),
        field("recipient-variables", json.dumps(people)),
        to="b@dest.example,c@dest.example",
        text="",
    ).orders
    assert first.template is not None
    assert second.template is not None
    assert first.template.data == {"who": 'B"ea', "name": 'B"ea', "all": ['B"ea', 1]}
    assert second.template.data["name"] == "Cid"


def test_a_written_mail_is_made_of_no_template() -> None:
    assert mime_fault(b"", field("template", "welcome")) == "template"
    assert mime_fault(b"", field("t:variables", "{}")) == "t:variables"
    assert mime_fault(b"", field("t:version", "2")) == "t:version"


def test_what_is_wrong_with_a_template_has_mailguns_names() -> None:
    fault = Fault(
        kind=FaultKind.INVALID, message="templateData.name: why", field="templateData.name"
    )
    named = in_mailguns_names(fault)
    assert (named.field, named.message) == ("t:variables.name", "t:variables.name: why")
