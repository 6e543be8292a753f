"""Mirrors angarium/webhooks/happening.py."""

import uuid

import msgspec
import pytest

from angarium.queue.event_log import Position
from angarium.queue.events import (
    AddressListed,
    ContentShown,
    SenderPaused,
    TrackingHostFailed,
    TrackingHostVerified,
    WarmupChanged,
    WebhookDisabled,
)
from angarium.queue.message_id import message_id_text
from angarium.queue.model import MessageId, UnixMs
from angarium.tenancy.webhook import TYPES
from angarium.webhooks.happening import (
    decode_happening,
    encode_happening,
    mail_happenings,
    other_happening,
    unknown_introduction,
)
from tests.history.samples import BY_NAME
from tests.webhooks.samples import TAGS, Sample


@pytest.mark.parametrize(
    ("event", "fields", "type_"),
    [
        ("delivered", {}, "email.delivered"),
        ("relayed", {}, "email.sent"),
        ("deferred", {}, "email.deferred"),
        ("bounced", {}, "email.bounced"),
        ("report_bounced", {}, "email.bounced"),
        ("expired", {}, "email.expired"),
        ("cancelled", {}, "email.cancelled"),
        ("recipient_suppressed", {}, "email.suppressed"),
        ("complained", {}, "email.complained"),
        ("opened", {}, "email.opened"),
        ("clicked", {}, "email.clicked"),
        ("unsubscribed", {}, "email.unsubscribed"),
        ("resubscribed", {}, "email.resubscribed"),
        ("ses_told", {"kind": "delivery"}, "email.delivered"),
    ],
)
def test_each_event_of_mail_has_its_type(event: str, fields: dict[str, str], type_: str) -> None:
    sample = Sample()
    happening = sample.happen(event, 0, **fields)
    assert happening.type == type_
    assert type_ in TYPES
    assert (happening.recipient, happening.tags) == ("ann@example.net", TAGS)
    assert happening.email_id == message_id_text(sample.message)
    assert (happening.subject, happening.author) == ("Grüße", "Shop <noreply@shop.example>")
    assert decode_happening(encode_happening(happening)) == happening


@pytest.mark.parametrize("event", ["held", "released", "in_doubt", "retried"])
def test_what_operators_do_is_told_to_nobody(event: str) -> None:
    sample = Sample()
    sample.log.happen(event, sample.message)
    assert list(mail_happenings(sample.log.positions[-1], sample.introduction)) == []


def test_a_report_that_is_no_complaint_is_told_to_nobody() -> None:
    sample = Sample()
    sample.log.happen("complained", sample.message, feedback_type="not-spam")
    assert list(mail_happenings(sample.log.positions[-1], sample.introduction)) == []


def test_an_accepted_message_is_told_for_each_recipient_with_its_own_metadata() -> None:
    ann, bob = Sample().accepted
    assert (ann.type, ann.recipient, bob.recipient) == (
        "email.accepted",
        "ann@example.net",
        "bob@example.net",
    )
    assert ann.metadata == {"userId": "ann", "n": 7}
    assert bob.metadata == {"userId": "user-123", "n": 7}
    assert (ann.variables, bob.variables) == ({"name": "Ann"}, {})
    assert ann.id != bob.id


def test_an_event_has_the_same_id_whenever_it_is_handled() -> None:
    sample = Sample()
    first = sample.happen("delivered")
    again = next(mail_happenings(sample.log.positions[-1], sample.introduction))
    assert first.id == again.id
    found = uuid.UUID(first.id)
    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert found.int >> 80 == first.at
    other = Position(99, sample.log.positions[-1].event)
    assert next(mail_happenings(other, sample.introduction)).id != first.id


def test_details_are_those_of_the_status() -> None:
    details = Sample().happen("delivered").details
    assert details.smtp_response.startswith("250 ")
    assert (details.reporting_mta, details.attempt) == ("mx.example.net", 1)
    assert details.processing_time_millis is not None


def test_of_a_message_that_nobody_knows_any_more_the_event_is_told() -> None:
    sample = Sample()
    sample.log.happen("delivered", sample.message, reverse_path="noreply@shop.example")
    position = sample.log.positions[-1]
    (found,) = mail_happenings(position, unknown_introduction(position.event))
    assert (found.type, found.recipient, found.metadata) == (
        "email.delivered",
        "ann@example.net",
        {},
    )


def test_notices_of_ours_are_told_to_nobody() -> None:
    sample = Sample()
    notice = msgspec.structs.replace(sample.introduction, reverse_path="")
    sample.log.happen("delivered", sample.message)
    position = sample.log.positions[-1]
    assert list(mail_happenings(position, notice)) == []
    assert list(mail_happenings(position, unknown_introduction(position.event))) == []
    sample.log.happen("opened", sample.message)  # which has no reverse-path to go by
    opened = sample.log.positions[-1]
    assert len(list(mail_happenings(opened, unknown_introduction(opened.event)))) == 1


NO_MESSAGE = {"at": UnixMs(5), "message_id": MessageId(b"")}


def test_alerts_are_told_to_whom_they_concern() -> None:
    paused = SenderPaused(
        **NO_MESSAGE, tenant="shop", campaign="", rule=3, reason="too many", until=UnixMs(9)
    )
    found = other_happening(Position(1, paused))
    assert found is not None
    assert (found.type, found.tenant, found.email_id) == ("alert.sender_paused", "shop", "")
    assert found.facts == {"reason": "too many", "until": 9}
    listed = AddressListed(
        **NO_MESSAGE, zone="z", address="192.0.2.1", codes=(), meaning="m", text=""
    )
    of_server = other_happening(Position(1, listed))
    assert of_server is not None
    assert (of_server.type, of_server.tenant) == ("alert.address_listed", "default")
    off = WebhookDisabled(
        **NO_MESSAGE, tenant="shop", webhook="w", host="h", since=UnixMs(1), reason="no"
    )
    told = other_happening(Position(1, off))
    assert told is not None
    assert (told.type, told.facts["webhook"]) == ("alert.webhook_disabled", "w")


def test_what_concerns_no_tenant_is_told_to_nobody() -> None:
    warmup = WarmupChanged(
        **NO_MESSAGE, source="a", provider="p", act="hold", day=1, actor="me", reason=""
    )
    assert other_happening(Position(1, warmup)) is None
    shown = ContentShown(**NO_MESSAGE, tenant="t", stream="s", actor="a", reason="r", part="all")
    assert other_happening(Position(1, shown)) is None


def test_a_tracking_hosts_change_is_told_to_its_tenant() -> None:
    at, none = UnixMs(1_800_000_000_000), MessageId(b"")
    verified = TrackingHostVerified(at=at, message_id=none, tenant="acme", host="t.acme.example")
    failed = TrackingHostFailed(
        at=at, message_id=none, tenant="acme", host="t.acme.example", purpose="dns", text="gone"
    )
    told = [other_happening(Position(5, each)) for each in (verified, failed)]
    assert [(each and (each.type, each.tenant, each.facts)) for each in told] == [
        ("tracking_host.verified", "acme", {"host": "t.acme.example"}),
        (
            "tracking_host.failed",
            "acme",
            {"host": "t.acme.example", "purpose": "dns", "text": "gone"},
        ),
    ]
    assert {"tracking_host.verified", "tracking_host.failed"} <= {*TYPES}


def test_types_of_events_about_domains_are_those_that_can_be_asked_for() -> None:
    domains = [name for name in BY_NAME if name.startswith("domain_")]
    assert [each for each in domains if each.replace("_", ".", 1) not in TYPES] == []
