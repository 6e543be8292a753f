"""Mirrors angarium/queue/events/: every event of the catalogue."""

from typing import Any

import msgspec
import pytest

from angarium.queue import Attempt, MessageId, Origin, UnixMs, UnknownEvent
from angarium.queue.events.accepted import accepted_event
from angarium.queue.events.catalogue import (
    CATALOGUE,
    FINAL_EVENTS,
    RETIRED_NUMBERS,
    EventError,
    decode_event,
    decode_head,
    encode_event,
)
from angarium.queue.events.shape import CataloguedEvent
from tests.queue.samples import submission

# For ever. A new event is a line here; none is ever changed or taken away
NUMBERS = {
    1: "accepted",
    2: "delivered",
    3: "relayed",
    4: "deferred",
    5: "bounced",
    6: "expired",
    7: "in_doubt",
    8: "held",
    9: "released",
    10: "retried",
    11: "cancelled",
    12: "hold_rule_added",
    13: "hold_rule_removed",
    14: "damaged",
    15: "content_shown",
    16: "rerouted",
    17: "warmup_changed",
    18: "rule_in_force",
    19: "rule_ended",
    23: "report_bounced",
    24: "complained",
    25: "unsubscribed",
    26: "report_unmatched",
    27: "report_kept",
    20: "recipient_suppressed",
    21: "suppression_added",
    22: "suppression_removed",
    28: "address_listed",
    29: "address_delisted",
    30: "sender_paused",
    31: "sender_resumed",
    32: "smart_host_rested",
    33: "smart_host_back",
    34: "ses_told",
    35: "opened",
    36: "clicked",
    37: "rescheduled",
    38: "skipped",
    43: "webhook_disabled",
    40: "domain_verified",
    41: "domain_failed",
    42: "domain_recovered",
    44: "campaign_started",
    45: "campaign_changed",
    46: "campaign_completed",
    47: "fetched",
    48: "resubscribed",
    49: "tracking_host_verified",
    50: "tracking_host_failed",
    51: "person_erased",
    52: "alarm_raised",
    53: "alarm_ended",
}
HEAD = ("at", "message_id")
_ALARM = (
    *(*HEAD, "alarm", "alarm_id", "kind", "subject", "tenant", "severity"),
    *("figure", "level", "since", "reason"),
)
_MESSAGE = (*HEAD, "tenant", "stream")
_RECIPIENT = (*_MESSAGE, "index", "recipient", "reverse_path", "in_doubt")
_ATTEMPT = (*_RECIPIENT, "attempts", "attempt")
_ACT = (*_RECIPIENT, "actor", "reason")
_REPLY_RULE = (*HEAD, "rule", "action", "scope", "subject", "provider")
_RULE = (*HEAD, "rule", "actor", "reason")
_FEEDBACK = (*_MESSAGE, "campaign", "index", "recipient", "sender_domain", "report")
_CAMPAIGN = (
    *(*HEAD, "tenant", "campaign", "status", "is_paused", "reason", "callback_url", "rows"),
    *("accepted", "refused", "delivered", "sent", "bounced", "complained", "opened", "clicked"),
    *("unsubscribed", "suppressed", "expired", "cancelled", "created"),
)
# The order on disk. Fields are only ever appended to a line, and the event's version goes up
FIELDS = {
    "accepted": (
        *_MESSAGE,
        *("reverse_path", "recipients", "size_octets", "message_id_header", "origin"),
        *("priority", "campaign", "repairs", "tags", "envid", "notify", "orcpt"),
        *("about", "not_before", "expires", "if_missed", "topic"),
    ),
    "delivered": (*_ATTEMPT, "campaign"),
    "relayed": (*_ATTEMPT, "campaign"),
    "deferred": (*_ATTEMPT, "due", "campaign"),
    "bounced": (*_ATTEMPT, "actor", "reason", "campaign"),
    "expired": (*_ATTEMPT, "campaign"),
    "in_doubt": _RECIPIENT,
    "held": (*_ACT, "rule"),
    "released": (*_ACT, "rule"),
    "retried": _ACT,
    "cancelled": _ACT,
    "hold_rule_added": (*_RULE, "tenant", "sender", "domain", "provider", "until", "campaign"),
    "hold_rule_removed": (*_RULE, "releases"),
    "damaged": (*_RECIPIENT, "reason"),
    "content_shown": (*_MESSAGE, "actor", "reason", "part"),
    "rerouted": (*_ACT, "via"),
    "warmup_changed": (*HEAD, "source", "provider", "act", "day", "actor", "reason"),
    "rule_in_force": (*_REPLY_RULE, "until", "reply"),
    "rule_ended": (*_REPLY_RULE, "how", "replies", "actor", "reason"),
    "report_bounced": (
        *_FEEDBACK,
        *("status", "bounce_class", "effect", "reply", "host", "sender_told"),
    ),
    "complained": (*_FEEDBACK, "feedback_type", "host"),
    "unsubscribed": (*_FEEDBACK, "how", "scope"),
    "report_unmatched": (*HEAD, "report", "kind", "why", "recipients", "client"),
    "report_kept": (*HEAD, "report", "kind", "sender", "client", "size_octets"),
    "recipient_suppressed": (*_ATTEMPT, "cause", "scope"),
    "suppression_added": (
        *HEAD,
        *("email", "scope", "cause", "until", "evidence", "reference", "actor", "reason"),
    ),
    "suppression_removed": (*HEAD, "email", "scope", "cause", "actor", "reason"),
    "address_listed": (*HEAD, "zone", "address", "codes", "meaning", "text"),
    "address_delisted": (*HEAD, "zone", "address", "since"),
    "alarm_raised": _ALARM,
    "alarm_ended": _ALARM,
    "sender_paused": (*HEAD, "tenant", "campaign", "rule", "reason", "until"),
    "sender_resumed": (*HEAD, "tenant", "campaign", "rule", "actor", "reason"),
    "smart_host_rested": (*HEAD, "way", "reason", "failures", "until"),
    "smart_host_back": (*HEAD, "way", "since"),
    "ses_told": (*_FEEDBACK, "kind", "reply"),
    "opened": (*_FEEDBACK, "client", "verdict", "reasons"),
    "clicked": (*_FEEDBACK, "client", "link", "verdict", "reasons", "link_number"),
    "fetched": (
        *(*HEAD, "tenant", "index", "link_number", "link"),
        *("sent_s", "network", "agent", "method", "signs"),
    ),
    "resubscribed": (*_FEEDBACK, "scope"),
    "person_erased": (*HEAD, "alias", "tenant", "found", "actor", "reason"),
    "rescheduled": (*_ACT, "due", "expires"),
    "skipped": (*_RECIPIENT, "reason", "campaign"),
    "webhook_disabled": (*HEAD, "tenant", "webhook", "host", "since", "reason"),
    "domain_verified": (*HEAD, "tenant", "domain", "how"),
    "domain_failed": (*HEAD, "tenant", "domain", "records", "text"),
    "domain_recovered": (*HEAD, "tenant", "domain", "since"),
    "tracking_host_verified": (*HEAD, "tenant", "host"),
    "tracking_host_failed": (*HEAD, "tenant", "host", "purpose", "text"),
    **dict.fromkeys(("campaign_started", "campaign_changed", "campaign_completed"), _CAMPAIGN),
}
VALUES: dict[str, Any] = {
    "at": UnixMs(1_800_000_000_000),
    "message_id": MessageId(bytes(range(16))),
    "attempt": Attempt(
        at=UnixMs(1_800_000_000_001),
        host="mx.example.net",
        address="192.0.2.1",
        source="ip1",
        code=451,
        enhanced="4.2.1",
        text="later",
        tls="TLSv1.3",
        stage="rcpt",
        tls_skipped="broken",
        tls_cipher="TLS_AES_128_GCM_SHA256",
        tls_verified=True,
        provider="gmail",
        dkim=("s1._domainkey.example.com",),
    ),
    "origin": Origin(kind="submission", listener="127.0.0.1:25", client="192.0.2.7", user="ann"),
    "repairs": ("raw_utf8",),
    "tags": ("a", "b"),
    "notify": (-1, 1),
    "orcpt": ("rfc822;bob@example.net", ""),
    "codes": ("127.0.0.2",),
    "records": ("_dmarc.example.com",),
    "recipients": ("bob@example.net", "carol@example.org"),
    "releases": True,
    "report": bytes(range(16, 32)),
    **dict.fromkeys(
        ("index", "in_doubt", "attempts", "rule", "size_octets", "priority", "replies", "day"), 7
    ),
    "link_number": 3,
    "sent_s": 1_800_000_000,
    **dict.fromkeys(("reasons", "signs"), ("head",)),
    "about": b'{"subject":"a"}',
    **dict.fromkeys(("due", "until", "since", "not_before", "expires"), UnixMs(1_800_000_060_000)),
    **dict.fromkeys(("failures", "found"), 2),
    "is_paused": True,
    **dict.fromkeys(("rows", "accepted", "refused", "delivered", "sent", "bounced"), 5),
    **dict.fromkeys(("complained", "opened", "clicked", "unsubscribed", "suppressed"), 3),
    **dict.fromkeys(("expired", "cancelled"), 1),
    "created": UnixMs(1_800_000_000_002),
}


def sample(kind: type[CataloguedEvent]) -> Any:
    values = {name: VALUES.get(name, f"a {name}") for name in kind.__struct_fields__}
    if kind.name in ("rule_in_force", "rule_ended"):
        values["rule"] = "yahoo-ts04"  # a name, where others have a number
    if kind.name in ("alarm_raised", "alarm_ended"):
        values |= {"figure": 7.5, "level": 5.0}
    return kind(**values)


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.name)
def test_each_event_comes_back_as_it_was_written(kind: type[CataloguedEvent]) -> None:
    event = sample(kind)
    raw = encode_event(event)
    assert decode_event(raw) == event
    assert type(decode_event(raw)) is kind
    head = decode_head(raw)
    assert (head.at, head.message_id) == (event.at, event.message_id)
    with pytest.raises(EventError):
        decode_event(raw[:-1])


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.name)
def test_the_form_on_disk_is_version_number_and_fields_in_this_order(
    kind: type[CataloguedEvent],
) -> None:
    assert kind.__struct_fields__ == FIELDS[kind.name]
    raw = encode_event(sample(kind))
    assert raw[:3] == bytes([kind.version, 0, kind.number])
    fields = msgspec.msgpack.decode(raw[3:])
    assert fields[:2] == [VALUES["at"], VALUES["message_id"]]
    assert len(fields) == len(FIELDS[kind.name])
    if "attempt" in FIELDS[kind.name]:
        assert fields[FIELDS[kind.name].index("attempt")] == [
            *(1_800_000_000_001, "mx.example.net", "192.0.2.1", "ip1", 451),
            *("4.2.1", "later", "TLSv1.3", "rcpt", "broken"),
            *("TLS_AES_128_GCM_SHA256", True, "gmail", ["s1._domainkey.example.com"], "", 0),
        ]
    if kind.name == "accepted":
        assert fields[8] == ["submission", "127.0.0.1:25", "192.0.2.7", "ann"]


def test_numbers_are_unique_and_never_given_twice() -> None:
    assert {kind.number: kind.name for kind in CATALOGUE} == {
        number: name for number, name in NUMBERS.items() if number not in RETIRED_NUMBERS
    }
    assert len({kind.number for kind in CATALOGUE}) == len(CATALOGUE)
    assert len({kind.name for kind in CATALOGUE}) == len(CATALOGUE)
    assert set(FINAL_EVENTS) <= set(CATALOGUE)


@pytest.mark.parametrize("header", [b"\x01\x00\x63", b"\x03\x00\x02", b"\xff\xff\xff"])
def test_an_unknown_or_newer_event_is_named_and_breaks_no_reader(header: bytes) -> None:
    raw = header + msgspec.msgpack.encode([5, b"m" * 16, {"what": ["ever"]}, 2.5])
    event = decode_event(raw)
    assert event == UnknownEvent(
        at=UnixMs(5),
        message_id=MessageId(b"m" * 16),
        number=int.from_bytes(header[1:], "big"),
        version=header[0],
    )
    assert event.name == f"unknown_{event.number}"
    assert decode_head(raw).at == 5


def test_a_field_appended_since_reads_with_its_default() -> None:
    """As an event of an older version does: here, one without the last twelve fields."""
    accepted = CATALOGUE[0]
    raw = encode_event(sample(accepted))
    fields = msgspec.msgpack.decode(raw[3:])
    older = decode_event(raw[:3] + msgspec.msgpack.encode(fields[:-12]))
    assert (older.priority, older.campaign, older.repairs, older.tags) == (0, "", (), ())  # type: ignore[union-attr]
    assert (older.envid, older.notify_of(0), older.orcpt_of(0)) == ("", None, None)  # type: ignore[union-attr]


def test_an_accepted_event_of_version_1_is_read() -> None:
    accepted = CATALOGUE[0]
    raw = encode_event(sample(accepted))
    fields = msgspec.msgpack.decode(raw[3:])
    older = decode_event(b"\x01\x00\x01" + msgspec.msgpack.encode(fields[:-10]))
    assert older == msgspec.structs.replace(
        sample(accepted),
        repairs=(),
        tags=(),
        envid="",
        notify=(),
        orcpt=(),
        about=b"",
        not_before=0,
        expires=0,
        if_missed="send",
        topic="",
    )


def test_an_accepted_event_of_version_4_is_read() -> None:
    accepted = CATALOGUE[0]
    raw = encode_event(sample(accepted))
    fields = msgspec.msgpack.decode(raw[3:])
    older = decode_event(b"\x04\x00\x01" + msgspec.msgpack.encode(fields[:-5]))
    since = {"about": b"", "not_before": 0, "expires": 0, "if_missed": "send", "topic": ""}
    assert older == msgspec.structs.replace(sample(accepted), **since)


def test_an_accepted_event_says_what_the_sender_wants_to_be_told() -> None:
    """RFC 3461: what nobody asked for costs nothing."""
    plain = submission(bytes(16), ("al@example.net", "bob@example.net"))
    al, bob = plain.envelope.recipients
    asked = msgspec.structs.replace(
        plain.envelope,
        recipients=(
            msgspec.structs.replace(al, notify=None),
            msgspec.structs.replace(bob, notify=0, orcpt="rfc822;b@example.org"),
        ),
    )
    event = accepted_event(msgspec.structs.replace(plain, envelope=asked))
    assert event.envid == "QQ314159"
    assert [event.notify_of(each) for each in range(3)] == [None, 0, None]
    assert [event.orcpt_of(each) for each in range(3)] == [None, "rfc822;b@example.org", None]
    silent = msgspec.structs.replace(
        asked, envid=None, recipients=(msgspec.structs.replace(al, notify=None),)
    )
    event = accepted_event(
        msgspec.structs.replace(plain, envelope=silent, partitions=plain.partitions[:1])
    )
    assert (event.envid, event.notify, event.orcpt) == ("", (), ())


@pytest.mark.parametrize(
    "raw", [b"", b"\x01", b"\x01\x00\x02", b"\x01\x00\x02\xc0", b"\x01\x00\x63"]
)
def test_what_is_not_an_event_is_refused(raw: bytes) -> None:
    with pytest.raises(EventError):
        decode_event(raw)


def test_each_event_is_a_module_of_its_own() -> None:
    modules = [kind.__module__ for kind in CATALOGUE]
    assert len(set(modules)) == len(modules)
    assert all(module.startswith("angarium.queue.events.") for module in modules)
    assert all(kind.__doc__ for kind in CATALOGUE)
