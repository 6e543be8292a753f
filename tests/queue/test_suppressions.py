"""Suppressions in both stores: what is found, what a change comes to, and the event that tells of it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from angarium.config.schema import Queue
from angarium.queue import LmdbSpool, MessageId, UnixMs, WarmupChanged
from angarium.queue.events import Resubscribed, SuppressionAdded, SuppressionRemoved
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.suppression_changes import SWEEPER, Suppress, Unsuppress
from angarium.queue.suppression_filter import SuppressionFilter
from angarium.queue.suppressions import (
    EVERYBODY,
    EVIDENCE_CHARACTERS,
    Scope,
    Suppression,
    parse_scope,
)
from tests.queue.samples import BY, START, FakeClock

Spool = LmdbSpool | MemorySpool
Reopen = Callable[[], Spool]
CONFIG = Queue(partitions=2, map_octets=1 << 17, min_free_octets=0, sync=False)
DAY = 86_400_000


@pytest.fixture(params=["lmdb", "memory"])
async def reopen(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[Reopen]:
    """Each call is a new process's look at one queue."""
    spools: list[Spool] = []

    def opened() -> Spool:
        last = spools[-1] if spools else None
        if isinstance(last, LmdbSpool):
            last.close()
        if isinstance(last, MemorySpool):
            spools.append(last.crash())
        elif request.param == "lmdb":
            spools.append(LmdbSpool.open(tmp_path, CONFIG, clock))
        else:
            spools.append(MemorySpool(clock, 2))
        return spools[-1]

    yield opened
    spools[-1].close()


def entry(
    email: str = "bob@example.net",
    scope: str = "all",
    reason: str = "user_unknown",
    expires_at: int | None = None,
    evidence: str = "550 5.1.1 no such user",
) -> Suppression:
    return Suppression(
        email=email,
        scope=parse_scope(scope),
        reason=reason,
        added_at=UnixMs(START),
        expires_at=None if expires_at is None else UnixMs(expires_at),
        evidence=evidence,
        reference="ref",
    )


def suppress(each: Suppression, *, replaces: bool = False) -> Suppress:
    return Suppress(suppression=each, by=BY, replaces=replaces)


async def test_what_was_applied_is_found_by_the_next_process(reopen: Reopen) -> None:
    """SU1, and of invariant 5 what it rests on."""
    each = entry()
    assert await reopen().suppressions.apply([suppress(each)]) == [True]
    found = reopen().suppressions
    assert found.find("bob@example.net", "acme", "news") == each
    assert found.find("rob@example.net", "acme", "news") is None
    assert found.count() == 1


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("Bob@Example.NET", "bOB@example.net"),
        ('"bob"@example.net', "bob@example.net"),
        (r'"bo\b"@example.net', "bob@example.net"),
        # NFC and NFD of one letter, and its capital
        ("jos\u00e9@example.net", "JOSE\u0301@example.net"),
        ("bob@b\u00fccher.example", "bob@xn--bcher-kva.example"),
        ("bob@xn--bcher-kva.example", "bob@B\u00dcCHER.example"),
        ("bob@[192.0.2.1]", "bob@[192.0.2.1]"),
        ("x" * 250 + "@example.net", "X" * 250 + "@example.net"),
    ],
)
async def test_one_mailbox_is_one_address_however_it_is_written(
    reopen: Reopen, kept: str, asked: str
) -> None:
    suppressions = reopen().suppressions
    await suppressions.apply([suppress(entry(kept))])
    found = suppressions.find(asked, "acme", "news")
    assert found is not None
    assert found.email == kept


@pytest.mark.parametrize(
    "other",
    [
        "bob+list@example.net",
        "bob@sub.example.net",
        "bo@example.net",
        "bobb@example.net",
        "x" * 249 + "y@example.net",
        "postmaster",
        "",
        "@example.net",
        "bob@\u2024.example",
    ],
)
async def test_another_address_is_not_found(reopen: Reopen, other: str) -> None:
    suppressions = reopen().suppressions
    await suppressions.apply([suppress(entry()), suppress(entry("x" * 250 + "@example.net"))])
    assert suppressions.find(other, "acme", "news") is None


@pytest.mark.parametrize(
    ("scope", "reached"),
    [
        ("all", {("acme", "news"), ("acme", "bills"), ("other", "news")}),
        ("tenant:acme", {("acme", "news"), ("acme", "bills")}),
        ("tenant:acme/stream:news", {("acme", "news")}),
        ("tenant:acme/topic:news", set()),
        ("tenant:acme/stream:topic", set()),
    ],
)
async def test_a_scope_reaches_its_mail_and_no_other(
    reopen: Reopen, scope: str, reached: set[tuple[str, str]]
) -> None:
    suppressions = reopen().suppressions
    await suppressions.apply([suppress(entry(scope=scope))])
    asked = [("acme", "news"), ("acme", "bills"), ("other", "news"), ("ac", "menews")]
    found = {each for each in asked if suppressions.find("bob@example.net", *each) is not None}
    assert found - {("ac", "menews")} == reached
    assert (("ac", "menews") in found) == (scope == "all")


async def test_what_is_over_is_not_found_and_swept_with_its_event(
    reopen: Reopen, clock: FakeClock
) -> None:
    spool = reopen()
    suppressions = spool.suppressions
    week = entry(expires_at=START + 7 * DAY)
    await suppressions.apply([suppress(week), suppress(entry("eve@example.net"))])
    clock.now = START + 7 * DAY - 1
    assert suppressions.find("bob@example.net", "a", "b") == week
    assert await suppressions.sweep() == 0
    clock.now += 1
    assert suppressions.find("bob@example.net", "a", "b") is None
    page = await suppressions.page(SuppressionFilter(), None, 10)
    assert [each.email for each in page.suppressions] == ["eve@example.net"]
    assert (await suppressions.sweep(), suppressions.count()) == (1, 1)
    assert await suppressions.sweep() == 0
    event = spool.events.read(0, 10)[-1].event
    assert isinstance(event, SuppressionRemoved)
    assert (event.at, event.email, event.actor) == (clock.now, "bob@example.net", SWEEPER.who)


async def test_a_longer_one_takes_its_place_and_is_not_swept_at_the_old_time(
    reopen: Reopen, clock: FakeClock
) -> None:
    suppressions = reopen().suppressions
    await suppressions.apply([suppress(entry(expires_at=START + DAY))])
    longer = entry(expires_at=START + 2 * DAY)
    assert await suppressions.apply([suppress(longer)]) == [True]
    clock.now = START + DAY
    assert await suppressions.sweep() == 0
    assert suppressions.find("bob@example.net", "a", "b") == longer
    clock.now = START + 2 * DAY
    assert await suppressions.sweep() == 1


@pytest.mark.parametrize(
    ("before", "fresh", "wins"),
    [
        (entry(), entry(), False),
        (entry(), entry(evidence="another"), False),
        (entry(), entry(expires_at=START + DAY), False),
        (entry(expires_at=START + DAY), entry(), True),
        (entry(expires_at=START + DAY), entry(expires_at=START + 2 * DAY), True),
        (entry(), entry(reason="complaint"), True),
        (entry(reason="complaint"), entry(), False),
        (entry(reason="complaint"), entry(reason="unsubscribe"), False),
        (entry(reason="manual", expires_at=START + DAY), entry(), True),
        # over already
        (entry(reason="complaint", expires_at=START), entry(expires_at=START + 5), True),
    ],
)
async def test_what_weighs_more_stays(
    reopen: Reopen, before: Suppression, fresh: Suppression, wins: bool
) -> None:
    spool = reopen()
    await spool.suppressions.apply([suppress(before)])
    assert await spool.suppressions.apply([suppress(fresh)]) == [wins]
    assert spool.suppressions.find("bob@example.net", "a", "b") == (fresh if wins else before)
    assert spool.suppressions.count() == 1
    assert len(spool.events.read(0, 10)) == 1 + wins


async def test_who_has_seen_it_replaces_it(reopen: Reopen) -> None:
    suppressions = reopen().suppressions
    shorter = entry(reason="manual", expires_at=START + DAY)
    await suppressions.apply([suppress(entry())])
    assert await suppressions.apply([suppress(shorter, replaces=True)]) == [True]
    assert await suppressions.apply([suppress(shorter, replaces=True)]) == [False]
    assert suppressions.find("bob@example.net", "a", "b") == shorter


async def test_each_change_has_its_event_with_who_and_why(reopen: Reopen) -> None:
    """SU2"""
    spool = reopen()
    other = WarmupChanged(
        at=UnixMs(5),
        message_id=MessageId(b""),
        source="ip2",
        provider="gmail",
        act="hold",
        day=3,
        actor="root",
        reason="",
    )
    each = entry(scope="tenant:acme", expires_at=START + DAY)
    gone = Unsuppress(email="BOB@example.net", scope=each.scope, by=BY)
    added = Suppress(suppression=each, by=BY, message_id=MessageId(bytes(16)))
    elsewhere = Unsuppress(email="bob@example.net", by=BY)
    assert await spool.suppressions.apply([elsewhere, added, gone, gone], [other]) == [
        *(False, True, True, False)
    ]
    assert spool.suppressions.count() == 0
    assert [position.event for position in spool.events.read(0, 10)] == [
        SuppressionAdded(
            at=UnixMs(START),
            message_id=MessageId(bytes(16)),
            email="bob@example.net",
            scope="tenant:acme",
            cause="user_unknown",
            until=UnixMs(START + DAY),
            evidence="550 5.1.1 no such user",
            reference="ref",
            actor=BY.who,
            reason=BY.reason,
        ),
        SuppressionRemoved(
            at=UnixMs(START),
            message_id=MessageId(b""),
            email="bob@example.net",
            scope="tenant:acme",
            cause="user_unknown",
            actor=BY.who,
            reason=BY.reason,
        ),
        other,
    ]


@pytest.mark.parametrize("bad", ["bob", "bob@", "@x", "a b@example.net", "bob@example.net\r\n", ""])
async def test_what_is_no_address_is_refused_with_all_beside_it(reopen: Reopen, bad: str) -> None:
    spool = reopen()
    with pytest.raises(ValueError, match="no address"):
        await spool.suppressions.apply([suppress(entry()), suppress(entry(bad))])
    assert spool.suppressions.count() == 0
    assert spool.events.read(0, 10) == []


async def test_evidence_is_one_bounded_line(reopen: Reopen) -> None:
    suppressions = reopen().suppressions
    await suppressions.apply([suppress(entry(evidence="a\r\n\x1bb" + "c" * 5000))])
    found = suppressions.find("bob@example.net", "a", "b")
    assert found is not None
    assert found.evidence.startswith("a   bc")
    assert len(found.evidence) == EVIDENCE_CHARACTERS


ADDRESSES = [f"u{n}@{domain}" for domain in ("b.example", "a.example") for n in range(4)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (SuppressionFilter(), {*ADDRESSES, "ann@b.example"}),
        (SuppressionFilter(domain="A.example"), set(ADDRESSES[4:])),
        (SuppressionFilter(email="U1@a.example"), {"u1@a.example"}),
        (SuppressionFilter(prefix="U1"), {"u1@a.example", "u1@b.example"}),
        (SuppressionFilter(prefix="u1@B"), {"u1@b.example"}),
        (SuppressionFilter(scope=EVERYBODY), set(ADDRESSES)),
        (SuppressionFilter(scope=Scope(tenant="acme")), {"ann@b.example"}),
        (SuppressionFilter(reason="complaint"), {"ann@b.example"}),
        (SuppressionFilter(reason="complaint", domain="a.example"), set()),
        (SuppressionFilter(domain="example"), set()),
    ],
)
async def test_pages_go_through_all_that_match_once(
    reopen: Reopen, wanted: SuppressionFilter, expected: set[str]
) -> None:
    suppressions = reopen().suppressions
    entries = [entry(each) for each in ADDRESSES]
    entries.append(entry("ann@b.example", "tenant:acme", "complaint"))
    await suppressions.apply([suppress(each) for each in entries])
    found: list[str] = []
    cursor: bytes | None = None
    while True:
        page = await suppressions.page(wanted, cursor, 2)
        assert len(page.suppressions) <= 2
        found += [each.email for each in page.suppressions]
        cursor = page.cursor
        if cursor is None:
            break
    assert len(found) == len(set(found))
    assert set(found) == expected


async def test_a_filter_that_names_no_address_is_refused(reopen: Reopen) -> None:
    with pytest.raises(ValueError, match="no address"):
        await reopen().suppressions.page(SuppressionFilter(email="bob"), None, 10)


@pytest.mark.parametrize(
    "text", ["", "tenant:", "acme", "tenant:a/stream:", "tenant:a/topic:", "ALL"]
)
def test_what_is_no_scope_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="tenant:NAME"):
        parse_scope(text)


@pytest.mark.parametrize(
    "text",
    [
        *("all", "tenant:acme", "tenant:acme/stream:news", "tenant:a/b"),
        *("tenant:acme/topic:news", "tenant:acme/stream:a/topic:b", "tenant:acme/topic:a/stream:b"),
    ],
)
def test_a_scope_is_read_as_it_is_written(text: str) -> None:
    assert parse_scope(text).text == text


async def test_who_left_a_topic_gets_none_of_it_whatever_its_stream(reopen: Reopen) -> None:
    """Invariant 5"""
    suppressions = reopen().suppressions
    await suppressions.apply([suppress(entry(scope="tenant:acme/topic:offers"))])
    kept = suppressions.find("BOB@example.net", "acme", "news", "offers")
    assert kept is not None
    assert kept.scope == Scope(tenant="acme", topic="offers")
    for asked in (("acme", "bulk", "offers"), ("acme", "offers", "offers")):
        assert suppressions.find_each(["bob@example.net"], *asked) == [kept]
    for asked in (("acme", "news", ""), ("acme", "offers", "news"), ("other", "news", "offers")):
        assert suppressions.find_each(["bob@example.net"], *asked) == [None]
    again = reopen().suppressions  # what is on disk says it, too
    page = await again.page(SuppressionFilter(tenant="acme"), None, 10)
    assert page.suppressions == (kept,)


async def test_a_changes_events_are_written_with_it_and_only_if_it_does_something(
    reopen: Reopen,
) -> None:
    spool = reopen()
    told = Resubscribed(
        **dict.fromkeys(("tenant", "stream", "campaign", "recipient", "sender_domain"), ""),
        at=START,
        message_id=MessageId(bytes(16)),
        index=0,
        report=b"",
        scope="tenant:acme",
    )
    left = entry(scope="tenant:acme", reason="unsubscribe")
    change = Suppress(suppression=left, by=BY, events=(told,))
    assert await spool.suppressions.apply([change, change]) == [True, False]
    assert [each.event.name for each in spool.events.read(0, 9)] == [
        *("resubscribed", "suppression_added")
    ]
    gone = Unsuppress(email=left.email, scope=left.scope, by=BY, events=(told,))
    assert await spool.suppressions.apply([gone, gone]) == [True, False]
    assert [each.event.name for each in spool.events.read(2, 9)] == [
        *("resubscribed", "suppression_removed")
    ]


async def test_what_is_there_for_another_reason_is_not_taken_away(reopen: Reopen) -> None:
    spool = reopen()
    await spool.suppressions.apply([suppress(entry(reason="complaint"))])
    asked = Unsuppress(email="bob@example.net", by=BY, reason="unsubscribe")
    assert await spool.suppressions.apply([asked]) == [False]
    assert spool.suppressions.find("bob@example.net", "a", "b") is not None
    assert [each.event.name for each in spool.events.read(0, 9)] == ["suppression_added"]
    asked = msgspec.structs.replace(asked, reason="complaint")
    assert await spool.suppressions.apply([asked]) == [True]


def test_a_topic_is_of_a_tenant_and_of_no_stream() -> None:
    with pytest.raises(ValueError, match="topic"):
        Scope(topic="news")
    with pytest.raises(ValueError, match="topic"):
        Scope(tenant="acme", stream="bulk", topic="news")


def test_a_stream_alone_is_no_scope() -> None:
    with pytest.raises(ValueError, match="tenant"):
        Scope(stream="news")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"stream": "news"}, Scope)
