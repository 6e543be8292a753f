"""Mirrors angarium/service/platform/suppression_follower.py, in both stores."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from angarium.config.schema import Queue
from angarium.feedback.classes import BounceClass, Verdict, verdict_of
from angarium.queue import (
    Attempt,
    Bounced,
    Delivered,
    Event,
    Expired,
    LmdbSpool,
    MessageId,
    Position,
    Relayed,
    ReportBounced,
    Suppression,
    SuppressionAdded,
    UnixMs,
    Unsuppress,
)
from angarium.queue.memory.spool import MemorySpool
from angarium.service.platform.suppression_follower import SuppressionFollower
from tests.queue.samples import BY, START, FakeClock

DAY = 86_400_000
CONFIG = Queue(partitions=2, map_octets=1 << 20, min_free_octets=0, sync=False)
CLASSES = {
    "no such user": BounceClass.USER_UNKNOWN,
    "full": BounceClass.MAILBOX_FULL,
    "rate": BounceClass.RATE_LIMITED,
    "auth": BounceClass.AUTH_FAILURE,
}


def judge(attempt: Attempt) -> Verdict | None:
    found = [each for word, each in CLASSES.items() if word in attempt.text]
    return verdict_of(found[0]) if found else None


@pytest.fixture(params=["lmdb", "memory"])
async def spool(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[LmdbSpool | MemorySpool]:
    clock = FakeClock()
    made: Any = (
        LmdbSpool.open(tmp_path, CONFIG, clock)
        if request.param == "lmdb"
        else MemorySpool(clock, 2)
    )
    made.clock = clock
    yield made
    made.close()


def message_id(number: int) -> MessageId:
    return MessageId(number.to_bytes(16, "big"))


def fields(day: float, number: int, recipient: str, text: str, stage: str) -> dict[str, Any]:
    at = UnixMs(int(START + day * DAY))
    attempt = Attempt(
        at=at,
        host="mx.example.net",
        address="192.0.2.1",
        source="ip1",
        code=550,
        enhanced="5.0.0",
        text=text,
        tls="",
        stage=stage,
    )
    return {
        "at": at,
        "message_id": message_id(number),
        "tenant": "acme",
        "stream": "news",
        "index": 0,
        "recipient": recipient,
        "reverse_path": "a@example.com",
        "attempts": 1,
        "attempt": attempt,
    }


def bounced(
    text: str,
    day: float = 0,
    number: int = 1,
    recipient: str = "bob@example.net",
    stage: str = "rcpt",
    actor: str = "",
) -> Event:
    return Bounced(**fields(day, number, recipient, text, stage), actor=actor)


def expired(text: str, day: float = 0, number: int = 1) -> Event:
    return Expired(**fields(day, number, "bob@example.net", text, "rcpt"))


def delivered(
    day: float = 0, number: int = 1, kind: type[Delivered | Relayed] = Delivered
) -> Event:
    return kind(**fields(day, number, "bob@example.net", "ok", "final_dot"))


def came_back(effect: str, day: float, number: int) -> Event:
    return ReportBounced(
        at=UnixMs(int(START + day * DAY)),
        message_id=message_id(number),
        tenant="acme",
        stream="news",
        campaign="",
        index=0,
        recipient="bob@example.net",
        sender_domain="example.com",
        report=message_id(999),
        status="4.2.2",
        bounce_class="mailbox_full",
        effect=effect,
        reply="mailbox full",
        host="later.example.net",
    )


async def follow(spool: Any, *events: Event) -> None:
    follower = SuppressionFollower(spool.suppressions, judge)
    await follower.handle([Position(number, each) for number, each in enumerate(events, 1)])


def found(spool: Any, tenant: str = "other") -> Suppression | None:
    result: Suppression | None = spool.suppressions.find("bob@example.net", tenant, "any")
    return result


async def test_a_hard_bounce_suppresses_at_once_with_its_evidence(spool: Any) -> None:
    await follow(spool, bounced("no such user", number=7))
    suppression = found(spool)
    assert suppression is not None
    assert suppression.reason == "user_unknown"
    assert suppression.evidence == "mx.example.net said: 550 no such user"
    assert (suppression.added_at, suppression.expires_at) == (START, None)
    (event,) = [each.event for each in spool.events.read(0, 10)]
    assert isinstance(event, SuppressionAdded)
    assert (event.message_id, event.actor) == (message_id(7), "angarium")
    assert event.evidence == suppression.evidence


async def test_asked_again_it_changes_nothing(spool: Any) -> None:
    """SB1, over every cut of the history: each batch is handled, and handled again."""
    history = [bounced("full", day, day + 1) for day in range(4)]
    history += [delivered(4, 5), bounced("full", 5, 6), bounced("no such user", 6, 7)]
    for start in range(0, len(history), 3):
        batch = history[start : start + 3]
        await follow(spool, *batch)
        after = spool.suppressions.find_troubles(["bob@example.net"])
        events = spool.events.read(0, 100)
        await follow(spool, *batch)
        assert spool.suppressions.find_troubles(["bob@example.net"]) == after
        assert spool.events.read(0, 100) == events
    assert spool.suppressions.count() == 1


@pytest.mark.parametrize(
    "event",
    [
        bounced("rate"),
        bounced("auth"),
        bounced("who knows"),
        bounced("no such user", stage="mail"),
        bounced("no such user", stage="banner"),
        bounced("no such user", actor="root@host", stage=""),
        bounced("no such user", recipient="postmaster"),
        expired("no such user"),
        delivered(),
    ],
    ids=lambda event: f"{event.name}-{event.attempt.text}-{event.attempt.stage}",
)
async def test_what_is_not_the_addresss_fault_suppresses_nobody(spool: Any, event: Event) -> None:
    await follow(spool, event)
    assert spool.suppressions.count() == 0


@pytest.mark.parametrize("give_up", [bounced, expired])
async def test_five_messages_given_up_on_five_days_rest_it_for_a_week(
    spool: Any, give_up: Any
) -> None:
    for day in range(5):
        assert spool.suppressions.count() == 0
        await follow(spool, give_up("full", day, day + 1))
    suppression = found(spool)
    assert suppression is not None
    assert suppression.reason == "mailbox_full"
    assert suppression.expires_at == START + (4 + 7) * DAY
    spool.clock.now = START + 11 * DAY
    assert found(spool) is None
    await follow(spool, give_up("full", 12, 9))  # it goes on
    longer = found(spool)
    assert longer is not None
    assert longer.expires_at == START + (12 + 14) * DAY


async def test_who_takes_it_away_says_that_the_address_is_well(spool: Any) -> None:
    await follow(spool, *[bounced("full", day, day + 1) for day in range(5)])
    gone = Unsuppress(email="BOB@example.net", by=BY)
    assert await spool.suppressions.apply([gone]) == [True]
    await follow(spool, bounced("full", 6, 9))
    assert spool.suppressions.count() == 0


async def test_five_messages_of_one_day_do_not(spool: Any) -> None:
    await follow(spool, *[bounced("full", n / 10, n + 1) for n in range(9)])
    assert spool.suppressions.count() == 0


@pytest.mark.parametrize("kind", [Delivered, Relayed])
async def test_a_delivery_in_between_ends_the_count(spool: Any, kind: Any) -> None:
    for day in range(4):
        await follow(spool, bounced("full", day, day + 1))
    await follow(spool, delivered(4, 5, kind), bounced("full", 5, 6))
    await follow(spool, *[bounced("full", day, day + 1) for day in (6, 7, 8)])
    assert spool.suppressions.count() == 0
    await follow(spool, bounced("full", 9, 10))
    assert spool.suppressions.count() == 1


async def test_a_delivery_that_comes_back_counts_as_the_failure_that_it_is(spool: Any) -> None:
    for day in range(5):
        await follow(spool, delivered(day, day + 1))
        await follow(spool, came_back("retry", day + 0.1, day + 1))
    suppression = found(spool)
    assert suppression is not None
    assert suppression.evidence == "later.example.net said: mailbox full"


async def test_what_a_report_settled_itself_is_not_counted_again(spool: Any) -> None:
    await follow(spool, *[came_back("suppress", day, day + 1) for day in range(6)])
    assert spool.suppressions.find_troubles(["bob@example.net"]) == [None]


async def test_troubles_are_forgotten_when_they_are_old(spool: Any) -> None:
    await follow(spool, bounced("full", 0, 1), bounced("full", 3, 2, "eve@example.net"))
    suppressions = spool.suppressions
    assert await suppressions.forget_troubles(UnixMs(START + 1)) == 1
    troubles = suppressions.find_troubles(["bob@example.net", "EVE@example.net"])
    assert [each is None for each in troubles] == [True, False]
