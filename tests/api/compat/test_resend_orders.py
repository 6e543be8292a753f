"""Mirrors angarium/api/compat/resend/orders.py."""

from typing import Any

import msgspec
import pytest

from angarium.api.compat.faults import renamed
from angarium.api.compat.resend.faults import fault_body
from angarium.api.compat.resend.orders import NAMES, to_order, to_orders
from angarium.api.compat.resend.wire import WireEmail
from angarium.api.json_body import decode_json
from angarium.content.letter import Attachment
from angarium.intake.order import Fault, FaultError, FaultKind, Order, TemplateUse
from angarium.queue.model import UnixMs

NOW = UnixMs(1_800_000_000_000)
LEAST = {"from": "a@example.com", "to": "b@example.net", "subject": "S", "text": "T"}


def order_of(**changes: Any) -> Order:
    octets = msgspec.json.encode({**LEAST, **changes})
    return to_order(decode_json(octets, WireEmail), NOW)


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def fault_of(**changes: Any) -> Fault:
    with pytest.raises(FaultError) as caught:
        order_of(**changes)
    return caught.value.fault


def test_everything_that_resend_sends_is_in_the_order() -> None:
    order = order_of(
        **{"from": "Shop, Ltd <shop@example.com>".replace("Shop, Ltd", '"Shop, Ltd"')},
        to=["One <one@example.net>", "two@example.net"],
        cc="cc@example.net",
        bcc=["bcc@example.net"],
        reply_to="help@example.com",
        html="<p>H</p>",
        headers={"X-A": "1", "X-B": 2},
        tags=[{"name": "kind", "value": "welcome"}],
        scheduled_at="in 1 minute",
        attachments=[
            {"filename": "a.pdf", "content": "cGRm"},
            {"filename": "b.txt", "content": [104, 105]},
            {"filename": "c.png", "content": "cGRm", "content_type": "image/x", "content_id": "c"},
            {"filename": "d.png", "content": "cGRm", "inline_content_id": "cid:d"},
        ],
    )
    assert order.author is not None
    assert (order.author.name, order.author.address.text) == ("Shop, Ltd", "shop@example.com")
    assert [(each.mailbox.name, each.mailbox.address.text) for each in order.to] == [
        ("One", "one@example.net"),
        ("", "two@example.net"),
    ]
    assert [each.mailbox.address.text for each in order.cc + order.bcc] == [
        "cc@example.net",
        "bcc@example.net",
    ]
    assert [each.address.text for each in order.reply_to] == ["help@example.com"]
    assert (order.subject, order.text, order.html) == ("S", "T", "<p>H</p>")
    assert order.fields == (("X-A", "1"), ("X-B", "2"))
    assert order.tags == ("kind:welcome",)
    assert order.send_at == NOW + 60_000
    assert order.attachments == (
        Attachment(content=b"pdf", content_type="application/pdf", filename="a.pdf"),
        Attachment(content=b"hi", content_type="text/plain", filename="b.txt"),
        Attachment(content=b"pdf", content_type="image/x", filename="c.png", content_id="c"),
        Attachment(content=b"pdf", content_type="image/png", filename="d.png", content_id="d"),
    )


EMPTY: tuple[Any, ...] = (None, "", [], {})


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize(
    "name",
    [
        *("cc", "bcc", "reply_to", "html", "headers", "tags", "attachments", "scheduled_at"),
        *("template", "topic_id"),
    ],
)
def test_an_empty_field_is_an_absent_one(name: str, empty: Any) -> None:
    assert order_of(**{name: empty}) == order_of()


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize("name", ["from", "to", "subject"])
def test_an_empty_field_that_is_required_is_missing(name: str, empty: Any) -> None:
    fault = fault_of(**{name: empty})
    assert (fault.kind, fault.field) == (FaultKind.MISSING, name)
    assert fault.message == f"Missing `{name}` field."


def test_one_of_text_and_html_is_required() -> None:
    assert fault_of(text="").message == "Missing `html` or `text` field."
    assert order_of(text="", html="<p>").text is None


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        ({"template": {"id": "x"}}, FaultKind.INVALID, "text"),
        ({"template": {"variables": {"a": 1}}}, FaultKind.MISSING, "template.id"),
        ({"topic_id": 7}, FaultKind.INVALID, "topic_id"),
        ({"replyTo": "a@b.example"}, FaultKind.UNKNOWN_FIELD, "replyTo"),
        ({"to": ["a@b.example", "nobody"]}, FaultKind.INVALID, "to[1]"),
        ({"to": "a@b.example, c@d.example"}, FaultKind.INVALID, "to"),
        ({"to": ["a@b.example", ""]}, FaultKind.INVALID, "to[1]"),
        ({"to": 5}, FaultKind.INVALID, "to"),
        ({"subject": ["S"]}, FaultKind.INVALID, "subject"),
        ({"headers": {"X-A": ["1"]}}, FaultKind.INVALID, "headers.X-A"),
        ({"scheduled_at": "next week"}, FaultKind.INVALID, "scheduled_at"),
        ({"tags": [{"name": "a b", "value": "c"}]}, FaultKind.INVALID, "tags[0].name"),
        ({"tags": [{"name": "a"}]}, FaultKind.MISSING, "tags[0].value"),
        ({"attachments": [{"filename": "a"}]}, FaultKind.MISSING, "attachments[0].content"),
        (
            {"attachments": [{"filename": "a", "path": "https://a.example/"}]},
            FaultKind.UNSUPPORTED,
            "attachments[0].path",
        ),
        ({"attachments": [{"content": "?"}]}, FaultKind.INVALID, "attachments[0].content"),
        ({"attachments": [{"content": [256]}]}, FaultKind.INVALID, "attachments[0].content"),
        (
            {"attachments": [{"content": "YQ==", "x": 1}]},
            FaultKind.UNKNOWN_FIELD,
            "attachments[0].x",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(
    changes: dict[str, Any], kind: FaultKind, field: str
) -> None:
    fault = fault_of(**changes)
    assert (fault.kind, fault.field) == (kind, field)


def test_a_batch_keeps_the_places_of_what_cannot_be_read() -> None:
    batch = [LEAST, {**LEAST, "zz": 1}, {**LEAST, "to": ""}]
    first, second, third = to_orders([raw(each) for each in batch], NOW)
    assert first == order_of()
    assert isinstance(second, Fault)
    assert second.field == "zz"
    assert isinstance(third, Fault)
    assert third.field == "to"
    for wrong in ([], [raw(LEAST)] * 101):
        with pytest.raises(FaultError):
            to_orders(wrong, NOW)


@pytest.mark.parametrize("path", ["/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/", "x"])
def test_no_file_is_read_or_fetched_p4(path: str) -> None:
    for given in ({"path": path}, {"path": path, "content": "YQ=="}):
        fault = fault_of(attachments=[{"filename": "a", **given}])
        assert (fault.kind, fault.field) == (FaultKind.UNSUPPORTED, "attachments[0].path")


def test_a_template_is_named_with_its_variables() -> None:
    template = {"id": "welcome", "variables": {"NAME": "Bea", "COUNT": 2}}
    order = order_of(template=template, text="", subject="")
    assert order.template == TemplateUse(name="welcome", data={"NAME": "Bea", "COUNT": 2})
    assert (order.subject, order.text, order.html) == ("", None, None)
    assert order_of(template=template, text="", subject="Mine").subject == "Mine"
    fault = fault_of(template=template, text="", html="<p>H</p>")
    assert (fault.kind, fault.field) == (FaultKind.INVALID, "html")


def test_what_is_wrong_with_a_template_has_resends_words() -> None:
    unknown = Fault(
        kind=FaultKind.INVALID, message="templateId: why", field="templateId", constraint="template"
    )
    assert fault_body(renamed(unknown, NAMES, "emails")) == {
        "statusCode": 404,
        "name": "not_found",
        "message": "template.id: why",
    }
    lacks = Fault(kind=FaultKind.INVALID, message="templateData.A: why", field="templateData.A")
    assert fault_body(renamed(lacks, NAMES, "emails"))["message"] == "template.variables.A: why"
