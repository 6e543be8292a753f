"""Mirrors angarium/tracking/leaving.py."""

import pytest

from angarium.queue import MessageId, Resubscribed, Scope, Suppression, UnixMs, Unsubscribed
from angarium.queue.suppression_changes import Suppress, Unsuppress
from angarium.queue.suppressions import parse_scope
from angarium.tracking.leaving import (
    Standing,
    leave,
    masked,
    prefer,
    rejoin,
    scope_of,
    standing,
)
from angarium.tracking.tokens import Leaver

NOW = UnixMs(1_800_000_000_000)
BULK = Scope(tenant="acme", stream="bulk")
OFFERS = Scope(tenant="acme", topic="offers")
TRIPS = Scope(tenant="acme", topic="trips")
WHOLE = Scope(tenant="acme")


def leaver(topic: str = "") -> Leaver:
    return Leaver(
        message_id=MessageId(bytes(range(16))),
        index=2,
        day=30_000,
        tenant="acme",
        stream="bulk",
        address="ann@example.net",
        campaign="spring",
        sender_domain="acme.example",
        topic=topic,
    )


def kept(scope: str, reason: str = "unsubscribe") -> Suppression:
    return Suppression(
        email="Ann@example.net", scope=parse_scope(scope), reason=reason, added_at=NOW
    )


def test_what_is_left_is_the_mails_topic_or_else_its_stream() -> None:
    assert scope_of(leaver()) == BULK
    assert scope_of(leaver("offers")) == OFFERS


def test_who_leaves_is_suppressed_and_told_of_in_one_change() -> None:
    (change,) = leave(leaver("offers"), [OFFERS], "one-click", NOW)
    assert isinstance(change, Suppress)
    assert change.suppression == Suppression(
        email="ann@example.net",
        scope=OFFERS,
        reason="unsubscribe",
        added_at=NOW,
        evidence="asked for by one click in a mail program",
        reference="message 00010203-0405-0607-0809-0a0b0c0d0e0f",
    )
    assert change.events == (
        Unsubscribed(
            at=NOW,
            message_id=MessageId(bytes(range(16))),
            tenant="acme",
            stream="bulk",
            campaign="spring",
            index=2,
            recipient="ann@example.net",
            sender_domain="acme.example",
            report=b"",
            how="one-click",
            scope="tenant:acme/topic:offers",
        ),
    )


def test_who_comes_back_takes_away_only_what_they_had_asked_for() -> None:
    """LVP4"""
    (change,) = rejoin(leaver(), [BULK], NOW)
    assert isinstance(change, Unsuppress)
    assert (change.email, change.scope, change.reason) == ("ann@example.net", BULK, "unsubscribe")
    (event,) = change.events
    assert isinstance(event, Resubscribed)
    assert (event.recipient, event.scope) == ("ann@example.net", "tenant:acme/stream:bulk")


def test_another_tenants_mail_is_neither_left_nor_come_back_to() -> None:
    """LVP3"""
    foreign = [Scope(tenant="other", stream="bulk"), Scope()]
    assert leave(leaver(), foreign, "page", NOW) == ()
    assert rejoin(leaver(), foreign, NOW) == ()


def _done(
    wanted: set[Scope], found: list[Suppression], shown: tuple[Scope, ...] = (BULK, OFFERS, TRIPS)
) -> tuple[list[Scope], list[Scope]]:
    changes = prefer(leaver(), shown, wanted, found, NOW)
    return (
        [each.suppression.scope for each in changes if isinstance(each, Suppress)],
        [each.scope for each in changes if isinstance(each, Unsuppress)],
    )


def test_what_is_not_wanted_is_left_and_what_is_wanted_again_comes_back() -> None:
    found = [kept("tenant:acme/topic:offers")]
    assert _done({OFFERS, BULK}, found) == ([TRIPS], [OFFERS])
    assert _done(set(), []) == ([BULK, OFFERS, TRIPS], [])
    assert _done({BULK, OFFERS, TRIPS}, []) == ([], [])


def test_what_was_not_shown_stays_as_it_is() -> None:
    assert _done({TRIPS}, [kept("tenant:acme/topic:trips")], shown=(BULK,)) == ([BULK], [])


def test_who_had_left_everything_and_wants_some_of_it_has_left_the_rest() -> None:
    found = [kept("tenant:acme")]
    assert _done({OFFERS}, found) == ([BULK, TRIPS], [WHOLE])
    assert _done(set(), found) == ([BULK, OFFERS, TRIPS], [])


def test_what_keeps_the_whole_tenant_away_for_another_reason_is_not_taken_away() -> None:
    """LVP4"""
    assert _done({OFFERS}, [kept("tenant:acme", "complaint")]) == ([BULK, TRIPS], [])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], Standing.GETS),
        ([kept("tenant:acme/topic:trips"), kept("tenant:acme/stream:bulk")], Standing.GETS),
        ([kept("tenant:acme/topic:offers")], Standing.LEFT),
        ([kept("tenant:acme")], Standing.LEFT),
        ([kept("tenant:acme/topic:offers", "manual")], Standing.KEPT_AWAY),
        ([kept("all", "user_unknown")], Standing.KEPT_AWAY),
        ([kept("tenant:acme/topic:offers"), kept("tenant:acme", "complaint")], Standing.KEPT_AWAY),
    ],
    ids=["nothing", "others", "topic", "tenant", "manual", "bounce", "complaint-too"],
)
def test_a_scope_stands_as_what_is_in_force_says(
    found: list[Suppression], expected: Standing
) -> None:
    assert standing(OFFERS, found) is expected


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ann@example.net", "a***@example.net"),
        ("a@example.net", "a***@example.net"),
        ('"an n"@example.net', '"***@example.net'),
        ("émile@example.net", "é***@example.net"),
    ],
)
def test_an_address_is_shown_to_who_knows_it(address: str, shown: str) -> None:
    assert masked(address) == shown
