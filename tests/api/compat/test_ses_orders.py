"""Mirrors angarium/api/compat/ses/orders.py, raw.py and bulk.py, where clients do not lead."""

import base64
from typing import Any

import msgspec
import pytest

from angarium.api.compat.ses import wire
from angarium.api.compat.ses.bulk import read_entries
from angarium.api.compat.ses.orders import read_order
from angarium.intake.order import FaultError, Order

SIMPLE = {
    "FromEmailAddress": "a@example.com",
    "Destination": {"ToAddresses": ["b@dest.example"]},
    "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
}
RAW = b"From: a@example.com\r\nSubject: s\r\n"


def simple(**more: Any) -> dict[str, Any]:
    content = {**SIMPLE["Content"]["Simple"], **more}  # type: ignore[index]
    return {**SIMPLE, "Content": {"Simple": content}}


def raw(header: bytes = b"", **more: Any) -> dict[str, Any]:
    data = base64.b64encode(RAW + header + b"\r\ntext\r\n").decode()
    return {"Content": {"Raw": {"Data": data}}, "Destination": SIMPLE["Destination"], **more}


def order(asked: dict[str, Any]) -> Order:
    return read_order(msgspec.convert(asked, wire.SendEmail), "acme")


def file(**more: Any) -> dict[str, Any]:
    return simple(Attachments=[{"RawContent": "eA==", "FileName": "x.txt", **more}])


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (file(ContentDescription="x"), "Content.Simple.Attachments[0].ContentDescription"),
        (
            file(ContentTransferEncoding="x"),
            "Content.Simple.Attachments[0].ContentTransferEncoding",
        ),
        (file(ContentDisposition="x"), "Content.Simple.Attachments[0].ContentDisposition"),
        (file(FileName=""), "Content.Simple.Attachments[0].FileName"),
        (file(RawContent=None), "Content.Simple.Attachments[0].RawContent"),
        (file(RawContent="?"), "Content.Simple.Attachments[0].RawContent"),
        (simple(Headers=[{"Value": "x"}]), "Content.Simple.Headers[0].Name"),
        ({**SIMPLE, "Content": {**SIMPLE["Content"], **raw()["Content"]}}, "Content"),  # type: ignore[dict-item]
        ({**SIMPLE, "EndpointId": "x"}, "EndpointId"),
        (raw(ReplyToAddresses=["a@example.com"]), "ReplyToAddresses"),
        *(
            (raw(b"X-SES-LIST-MANAGEMENT-OPTIONS: %b\r\n" % each), "X-SES-LIST-MANAGEMENT-OPTIONS")
            for each in (b"x", b"x; topic=", b"; topic=offers", b"x; list=offers")
        ),
        (raw(b"X-SES-MESSAGE-TAGS: x\r\n"), "X-SES-MESSAGE-TAGS"),
        (raw(b"Return-Path: <a b>\r\n"), "Content.Raw.Data (Return-Path)"),
        (raw(b"To: a b\r\n", Destination={}), "Content.Raw.Data (To)"),
        (raw(Content={"Raw": {"Data": ""}}), "Content.Raw.Data"),
        (raw(Content={"Raw": {"Data": "?"}}), "Content.Raw.Data"),
        ({**SIMPLE, "EmailTags": [{"Name": "a", "Value": ""}]}, "EmailTags[0].Value"),
        (
            {**SIMPLE, "ConfigurationOverrides": {"Tracking": {"OpenTrackingEnabled": "yes"}}},
            "ConfigurationOverrides.Tracking.OpenTrackingEnabled",
        ),
    ],
)
def test_what_is_wrong_is_named(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(FaultError) as error:
        order(asked)
    assert error.value.fault.field == field
    assert field.partition(" ")[0] in error.value.fault.message


@pytest.mark.parametrize(
    ("header", "more", "path"),
    [
        (b"", {}, ""),
        (b"Return-Path: <bounce@example.com>\r\n", {}, "bounce@example.com"),
        (b"Return-Path: <>\r\n", {}, ""),
        (
            b"Return-Path: x@example.com\r\n",
            {"FromEmailAddress": "A <b@example.com>"},
            "b@example.com",
        ),
        (
            b"",
            {
                "FromEmailAddress": "b@example.com",
                "FeedbackForwardingEmailAddress": "c@example.com",
            },
            "c@example.com",
        ),
    ],
)
def test_where_a_raw_mail_comes_back_to(header: bytes, more: dict[str, Any], path: str) -> None:
    found = order(raw(header, **more))
    assert found.raw is not None
    assert found.raw.reverse_path == path


def test_files_say_themselves_whether_they_are_shown() -> None:
    for given, expected in (
        ({}, ("", "")),
        ({"ContentId": "<logo>"}, ("logo", "")),
        ({"ContentDisposition": "INLINE"}, ("", "inline")),
        ({"ContentDisposition": "ATTACHMENT", "ContentId": "a"}, ("a", "attachment")),
    ):
        (found,) = order(file(**given)).attachments
        assert (found.content_id, found.disposition) == expected


def bulk(count: int, **more: Any) -> tuple[Any, ...]:
    asked = {
        "FromEmailAddress": "a@example.com",
        "DefaultContent": {"Template": {"TemplateArn": "arn:aws:ses:x:1:template/hello"}},
        "BulkEmailEntries": [{"Destination": {"ToAddresses": ["a@dest.example"]}}] * count,
        **more,
    }
    return read_entries(msgspec.convert(asked, wire.SendBulkEmail), "acme")


def test_a_bulk_request_has_fifty_entries_at_most() -> None:
    orders = bulk(50)
    assert len(orders) == 50
    assert {each.template.name for each in orders} == {"hello"}
    with pytest.raises(FaultError, match="more than 50"):
        bulk(51)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"BulkEmailEntries": []}, "BulkEmailEntries"),
        ({"DefaultContent": {}}, "DefaultContent.Template"),
        ({"FromEmailAddress": ""}, "FromEmailAddress"),
        ({"FromEmailAddress": "x"}, "FromEmailAddress"),
        ({"DefaultEmailTags": [{"Name": "a"}]}, "DefaultEmailTags[0].Value"),
        ({"TenantName": "other"}, "TenantName"),
    ],
)
def test_what_concerns_a_whole_bulk_request(more: dict[str, Any], field: str) -> None:
    with pytest.raises(FaultError) as error:
        bulk(1, **more)
    assert error.value.fault.field == field


def test_an_entry_without_recipients_is_refused_alone() -> None:
    one, other = bulk(
        0,
        BulkEmailEntries=[{"Destination": {}}, {"Destination": {"BccAddresses": ["a@b.example"]}}],
    )
    assert one.field == "BulkEmailEntries[0].Destination.ToAddresses"
    assert [each.mailbox.address.text for each in other.bcc] == ["a@b.example"]


def test_a_written_mail_names_its_topic_in_its_header_and_the_request_wins() -> None:
    field = raw(b"x-ses-LIST-management-options: customers; Topic=offers\r\n")
    asked = order(field)
    assert asked.topic == "offers"
    assert asked.raw is not None
    assert b"list-management" not in asked.raw.content.lower()
    own = {**field, "ListManagementOptions": {"ContactListName": "x", "TopicName": "trips"}}
    assert order(own).topic == "trips"
