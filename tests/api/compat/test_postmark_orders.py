"""Mirrors angarium/api/compat/postmark/orders.py."""

from typing import Any

import msgspec
import pytest

from angarium.api.compat.postmark.orders import order_or_fault, to_order
from angarium.api.compat.postmark.wire import WireEmail
from angarium.api.json_body import decode_json
from angarium.content.letter import Attachment
from angarium.intake.order import Fault, FaultError, FaultKind, Order

LEAST = {"From": "a@example.com", "To": "b@example.net", "Subject": "S", "TextBody": "T"}
EMPTY: tuple[Any, ...] = (None, "", [], {})


def order_of(**changes: Any) -> Order:
    octets = msgspec.json.encode({**LEAST, **changes})
    return to_order(decode_json(octets, WireEmail))


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def fault_of(**changes: Any) -> Fault:
    with pytest.raises(FaultError) as caught:
        order_of(**changes)
    return caught.value.fault


def test_everything_that_postmark_sends_is_in_the_order() -> None:
    order = order_of(
        To='"One, X" <one@example.net>, two@example.net',
        Cc="Cc <cc@example.net>",
        Bcc="bcc@example.net, bcc2@example.net",
        ReplyTo="help@example.com, Me <me@example.com>",
        HtmlBody="<p>H</p>",
        Tag="welcome",
        Headers=[{"Name": "X-A", "Value": "1"}, {"Name": "X-B", "Value": 2}, {"Name": "X-C"}],
        Metadata={"user": 7, "yes": True, "none": None, "text": "t"},
        MessageStream="broadcasts",
        TrackOpens=False,
        TrackLinks="HtmlOnly",
        Attachments=[
            {"Name": "a.pdf", "Content": "cGRm", "ContentType": "application/x"},
            {"Name": "c.png", "Content": "cGRm", "ContentID": "cid:c@x"},
        ],
    )
    assert [(each.mailbox.name, each.mailbox.address.text) for each in order.to] == [
        ("One, X", "one@example.net"),
        ("", "two@example.net"),
    ]
    assert [each.mailbox.address.text for each in order.cc + order.bcc] == [
        "cc@example.net",
        "bcc@example.net",
        "bcc2@example.net",
    ]
    assert [each.address.text for each in order.reply_to] == ["help@example.com", "me@example.com"]
    assert (order.subject, order.text, order.html) == ("S", "T", "<p>H</p>")
    assert order.tags == ("welcome",)
    assert order.fields == (("X-A", "1"), ("X-B", "2"), ("X-C", ""))
    assert order.metadata == {"user": "7", "yes": "true", "none": "", "text": "t"}
    assert order.stream == "broadcasts"
    assert (order.track_opens, order.track_clicks) == (False, True)
    assert order.attachments == (
        Attachment(content=b"pdf", content_type="application/x", filename="a.pdf"),
        Attachment(content=b"pdf", content_type="image/png", filename="c.png", content_id="c@x"),
    )


def test_the_stream_that_each_server_has_is_the_default_one() -> None:
    assert order_of(MessageStream="outbound") == order_of()


def test_links_are_not_followed_where_none_are_to_be() -> None:
    assert order_of(TrackLinks="None").track_clicks is False


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize(
    "name",
    [
        *("Cc", "Bcc", "HtmlBody", "ReplyTo", "Tag", "Headers", "Metadata", "MessageStream"),
        *("TrackOpens", "TrackLinks", "Attachments"),
    ],
)
def test_an_empty_field_is_an_absent_one(name: str, empty: Any) -> None:
    assert order_of(**{name: empty}) == order_of()


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize("name", ["From", "To", "Subject", "TextBody"])
def test_an_empty_field_that_is_required_is_missing(name: str, empty: Any) -> None:
    fault = fault_of(**{name: empty})
    assert (fault.kind, fault.field) == (FaultKind.MISSING, name)


@pytest.mark.parametrize(
    ("changes", "kind", "field", "addresses"),
    [
        ({"To": "a@b.example, nobody"}, FaultKind.INVALID, "To[1]", ("nobody",)),
        ({"Cc": "X <nobody@>"}, FaultKind.INVALID, "Cc", ("nobody@",)),
        ({"From": "a@b.example, c@d.example"}, FaultKind.INVALID, "From", None),
        ({"ReplyTo": "nobody"}, FaultKind.INVALID, "ReplyTo", ("nobody",)),
        ({"TrackLinks": "Sometimes"}, FaultKind.INVALID, "TrackLinks", ()),
        ({"TrackLinks": "HtmlAndText"}, FaultKind.UNSUPPORTED, "TrackLinks", ()),
        ({"TemplateId": 1}, FaultKind.UNKNOWN_FIELD, "TemplateId", ()),
        ({"InlineCss": True}, FaultKind.UNKNOWN_FIELD, "InlineCss", ()),
        ({"Metadata": {"a": []}}, FaultKind.INVALID, "Metadata.a", ()),
        ({"Headers": [{"Value": "x"}]}, FaultKind.MISSING, "Headers[0].Name", ()),
        ({"Headers": [{"Name": "X", "Value": []}]}, FaultKind.INVALID, "Headers.X", ()),
        ({"Attachments": [{"Name": "a"}]}, FaultKind.MISSING, "Attachments[0].Content", ()),
        ({"Attachments": [{"Content": "YQ=="}]}, FaultKind.MISSING, "Attachments[0].Name", ()),
        (
            {"Attachments": [{"Name": "a", "Content": "?"}]},
            FaultKind.INVALID,
            "Attachments[0].Content",
            (),
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(
    changes: dict[str, Any], kind: FaultKind, field: str, addresses: tuple[str, ...] | None
) -> None:
    fault = fault_of(**changes)
    assert (fault.kind, fault.field) == (kind, field)
    assert addresses is None or fault.addresses == addresses


def test_what_cannot_be_read_of_a_batch_is_a_fault() -> None:
    assert order_or_fault(raw(LEAST)) == order_of()
    for wrong, field in ((5, "body"), (None, "body"), ({**LEAST, "zz": 1}, "zz")):
        fault = order_or_fault(raw(wrong))
        assert isinstance(fault, Fault)
        assert fault.field == field
