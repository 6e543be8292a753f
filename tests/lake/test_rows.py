"""Mirrors angarium/lake/rows.py."""

import json
from typing import Any

import msgspec

from angarium.lake.columns import COLUMNS
from angarium.lake.rows import UNKNOWN, Row, labels_of, row_of
from angarium.queue import Position
from angarium.queue.about import About
from angarium.queue.events.catalogue import CATALOGUE
from angarium.queue.message_id import message_id_text
from angarium.queue.model import MessageId, UnixMs
from tests.history.samples import BY_NAME, Log


def row(log: Log, at: int = -1, labelled: bool = True) -> Row:
    position = log.positions[at]
    labels = UNKNOWN
    if labelled:
        labels = labels_of(log.of(position.event.message_id)[0].event)  # type: ignore[arg-type]
    return row_of(position, 1, labels)


def test_a_row_has_the_columns_and_no_others() -> None:
    assert set(Row.__struct_encode_fields__) == {each.name for each in COLUMNS}


def test_an_accepted_message_is_as_its_sender_said(log: Log) -> None:
    about = About(
        subject="Hello",
        author="Shop <noreply@shop.example>",
        metadata={"order": 7},
        template_id="tpl_1",
        template_version=3,
    )
    message_id = log.accept(
        "bob@Example.net", tenant="acme", campaign="c", tags=("x",), about=about
    )
    found = row(log)
    assert (found.event, found.recipients, found.recipient) == ("accepted", 1, "bob@Example.net")
    assert (found.recipient_domain, found.sender_domain) == ("example.net", "shop.example")
    assert (found.tenant, found.campaign, found.tags) == ("acme", "c", ("x",))
    assert (found.template, found.template_version) == ("tpl_1", 3)
    assert found.message_id == message_id_text(message_id)
    fields = json.loads(found.fields or "")
    assert (fields["subject"], fields["metadata"]) == ("Hello", {"order": 7})


def test_of_several_recipients_none_is_the_recipient(log: Log) -> None:
    log.accept("a@example.net", "b@example.net")
    found = row(log)
    assert (found.recipient, found.recipients) == (None, 2)
    assert found.addresses == ("a@example.net", "b@example.net")


def test_metadata_that_is_large_stays_out(log: Log) -> None:
    log.accept("a@example.net", about=About(metadata={"text": "x" * 5000}))
    assert "metadata" not in json.loads(row(log).fields or "{}")


def test_an_attempt_says_what_the_host_said_and_whose_mail_it_was(log: Log) -> None:
    message_id = log.accept(
        "a@example.net", campaign="c", tags=("x", "y"), about=About(template_id="t")
    )
    log.happen("bounced", message_id)
    found = row(log)
    assert (found.event, found.code, found.attempt, found.recipients) == ("bounced", 550, 1, 1)
    assert found.class_
    assert (found.tags, found.template, found.campaign) == (("x", "y"), "t", "c")
    assert found.delay_ms is not None
    assert found.queue_ms is not None


def test_a_click_has_its_link_and_verdict(log: Log) -> None:
    message_id = log.accept("a@example.net")
    log.happen(
        "clicked",
        message_id,
        link="https://shop.example/x",
        link_number=2,
        verdict="machine",
        reasons=("early",),
        client="192.0.2.0 curl",
    )
    found = row(log)
    assert (found.url, found.link, found.verdict) == ("https://shop.example/x", 2, "machine")
    assert (found.reasons, found.client) == (("early",), "192.0.2.0 curl")


def test_who_of_the_operators_acted_is_not_for_tenants(log: Log) -> None:
    message_id = log.accept("a@example.net")
    for name in ("held", "released", "cancelled", "content_shown"):
        log.happen(name, message_id, actor="root", reason="looked at")
        found = row(log)
        assert "root" not in msgspec.json.encode(found).decode()
        assert found.reply == "looked at"


def test_a_hold_rule_is_the_servers_whomever_it_binds(log: Log) -> None:
    log.tell_tenant(
        "hold_rule_added", "acme", rule=1, sender="", domain="", provider="", campaign=""
    )
    assert row_of(log.positions[-1], 1, UNKNOWN).tenant is None


def test_a_suppression_is_whose_scope_says(log: Log) -> None:
    known: dict[str, Any] = {
        "email": "a@example.net",
        "scope": "tenant:acme/stream:news",
        "cause": "complaint",
        "until": None,
    }
    log.tell_tenant("suppression_added", "", **known)
    found = row_of(log.positions[-1], 1, UNKNOWN)
    assert (found.tenant, found.recipient, found.class_) == ("acme", "a@example.net", "complaint")
    log.tell_tenant("suppression_added", "", **{**known, "scope": "all"})
    assert row_of(log.positions[-1], 1, UNKNOWN).tenant is None


def test_each_event_of_the_catalogue_makes_a_row_that_is_json(log: Log) -> None:
    message_id = log.accept("a@example.net")
    for kind in CATALOGUE:
        if kind is BY_NAME["accepted"]:
            continue
        values = {
            each.name: _value(each.type) for each in msgspec.structs.fields(kind) if each.required
        }
        event = kind(**{**values, "at": UnixMs(5), "message_id": message_id})
        found = row_of(Position(7, event), 2, UNKNOWN)  # type: ignore[arg-type]
        assert json.loads(msgspec.json.encode(found))["event"] == kind.name


def _value(kind: Any) -> Any:
    text = str(kind)
    if "bytes" in text or "MessageId" in text:
        return b"\x01"
    if "Attempt" in text:
        return msgspec.structs.replace(ATTEMPT)
    if "tuple" in text:
        return ("x",)
    if "str" in text:
        return "x"
    if "bool" in text:
        return True
    return 1


def test_an_event_of_a_newer_angarium_is_a_row_too(log: Log) -> None:
    from angarium.queue.events.catalogue import UnknownEvent

    unknown = UnknownEvent(at=UnixMs(-1), message_id=MessageId(b""), number=900, version=1)
    found = row_of(Position(3, unknown), 1, UNKNOWN)
    assert (found.event, found.ts, found.message_id) == ("unknown_900", 0, None)


from tests.queue.samples import attempt  # noqa: E402

ATTEMPT = attempt(250, 1)
