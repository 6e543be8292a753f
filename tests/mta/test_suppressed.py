"""Invariant 5: nothing suppressed is sent, whenever the suppression came. Real parts, both queues, scripted peers."""

import asyncio
from email import message_from_bytes

import msgspec
import pytest

from angarium.mta.transport.outcome import Outcome, Scope, Transient
from angarium.queue import (
    Actor,
    AttemptFailed,
    Delivered,
    RecipientSuppressed,
    Suppress,
    Suppression,
    UnixMs,
    Unsuppress,
)
from angarium.queue import (
    Scope as Whose,
)
from angarium.queue.suppressions import EVERYBODY
from tests.mta.test_dispatcher import Rig, attempt, clock
from tests.mta.test_dispatcher import rig as rig  # the fixture

BY = Actor(who="root@host", reason="a test")


async def suppress(
    rig: Rig, *emails: str, scope: Whose = EVERYBODY, expires_at: int | None = None
) -> None:
    changes = [
        Suppress(
            suppression=Suppression(
                email=each,
                scope=scope,
                reason="user_unknown",
                added_at=clock(),
                expires_at=None if expires_at is None else UnixMs(expires_at),
                evidence="550 5.1.1 another tenant's mail to them",
            ),
            by=BY,
        )
        for each in emails
    ]
    await rig.spool.suppressions.apply(changes)


def ended(rig: Rig) -> list[str]:
    return sorted(each.recipient for each in rig.events(RecipientSuppressed))


async def test_who_was_suppressed_before_gets_nothing_and_the_sender_is_told(rig: Rig) -> None:
    """Of a submission with others; no connection is opened for them, nor do they wait for their site."""
    await suppress(rig, "Bob@Two.example")
    rig.net.opens.clear()
    async with rig.running():
        mail = await rig.accept("ann@one.example", "bob@two.example")
        await rig.until(lambda: ended(rig) == ["bob@two.example"])
        (event,) = rig.events(RecipientSuppressed)
        assert (event.message_id, event.index) == (mail.message_id, 1)
        assert (event.cause, event.scope, event.attempts) == ("user_unknown", "all", 0)
        assert (event.attempt.code, event.attempt.enhanced) == (0, "5.7.1")
        assert rig.net.delivered == []
        rig.net.opens.set()
        await rig.until(lambda: rig.recipients() == ["a@sender.example", "ann@one.example"])
    assert "mx.two.example" not in rig.net.attempts_at
    (notice,) = [each for each in rig.net.contents if b"delivery-status" in each]
    text = notice.decode()
    assert "Final-Recipient: rfc822; bob@two.example" in text
    assert "Status: 5.7.1" in text
    assert "user_unknown" in text
    assert "Take the address off your list" in text
    assert "another tenant" not in text
    assert "ann@one.example" not in text.partition("message/rfc822")[0]


async def test_a_submission_to_nobody_else_is_accepted_and_ends(rig: Rig) -> None:
    await suppress(rig, "bob@two.example", "eve@two.example")
    async with rig.running():
        await rig.accept("bob@two.example", "eve@two.example")
        await rig.until(lambda: rig.recipients() == ["a@sender.example"])
    assert ended(rig) == ["bob@two.example", "eve@two.example"]
    assert rig.net.begun == ["a@sender.example"]
    (notice,) = rig.net.contents
    assert message_from_bytes(notice).get_content_type() == "multipart/report"
    assert (b"bob@two.example" in notice, b"eve@two.example" in notice) == (True, True)


async def test_a_notice_to_a_suppressed_sender_ends_too(rig: Rig) -> None:
    await suppress(rig, "bob@two.example", "a@sender.example")
    async with rig.running():
        await rig.accept("bob@two.example")
        await rig.until(lambda: ended(rig) == ["a@sender.example", "bob@two.example"])
    assert rig.net.begun == []


async def test_a_sender_without_a_name_is_told_nothing(rig: Rig) -> None:
    await suppress(rig, "bob@two.example")
    async with rig.running():
        await rig.accept("bob@two.example", reverse_path="")
        await rig.until(lambda: ended(rig) == ["bob@two.example"])
        await rig.accept("ann@one.example")
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
    assert rig.net.begun == ["ann@one.example"]


async def test_a_scope_keeps_nobody_elses_mail(rig: Rig) -> None:
    await suppress(rig, "bob@two.example", scope=Whose(tenant="acme", stream="news"))
    async with rig.running():
        await rig.accept("bob@two.example", tenant="acme", stream="news", reverse_path="")
        await rig.accept("bob@two.example", tenant="acme", stream="bills")
        await rig.accept("bob@two.example", tenant="other", stream="news")
        await rig.until(lambda: len(rig.events(Delivered)) == 2)
        await rig.until(lambda: len(ended(rig)) == 1)
    assert rig.net.begun == ["bob@two.example"] * 2


async def test_who_left_a_topic_gets_none_of_it_and_all_else(rig: Rig) -> None:
    """Left before one was accepted, while the next one waits, and when the last is claimed already."""
    topic = Whose(tenant="default", topic="offers")
    await rig.accept("eve@two.example", topic="offers", reverse_path="")  # QC2: it waits
    await suppress(rig, "bob@two.example", "eve@two.example", scope=topic)
    rig.resolver.provider = msgspec.structs.replace(rig.resolver.provider, connections=1)
    rig.net.gate.clear()
    await rig.accept("bob@two.example", topic="offers", reverse_path="")
    await rig.accept("bob@two.example", topic="trips")
    await rig.accept("late@two.example", "ann@two.example", topic="offers", reverse_path="")
    async with rig.running():
        await rig.until(lambda: rig.net.begun == ["bob@two.example"])
        await rig.until(lambda: rig.due_now() == 0)
        await suppress(rig, "late@two.example", scope=topic)
        rig.net.gate.set()
        await rig.until(lambda: len(rig.events(Delivered)) == 2)
        await rig.until(lambda: len(ended(rig)) == 3)
    assert rig.net.begun == ["bob@two.example", "ann@two.example"]
    assert {each.scope for each in rig.events(RecipientSuppressed)} == {
        "tenant:default/topic:offers"
    }


async def test_what_is_over_keeps_nothing(rig: Rig) -> None:
    await suppress(rig, "bob@two.example", expires_at=clock())
    async with rig.running():
        await rig.accept("bob@two.example")
        await rig.until(lambda: len(rig.events(Delivered)) == 1)


async def test_who_is_suppressed_no_more_by_then_is_sent_to(rig: Rig) -> None:
    """It was suppressed when it was accepted, and nobody delivered meanwhile."""
    await suppress(rig, "bob@two.example")
    await rig.accept("bob@two.example", "eve@three.example")
    await rig.spool.suppressions.apply([Unsuppress(email="bob@two.example", by=BY)])
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 2)
    assert ended(rig) == []
    assert not rig.events(AttemptFailed)


async def test_it_comes_while_the_message_waits(rig: Rig) -> None:
    """QC2"""
    await rig.accept("bob@two.example", "ann@two.example")
    await suppress(rig, "bob@two.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 2)  # the notice, too
    assert "bob@two.example" not in rig.net.begun
    assert ended(rig) == ["bob@two.example"]


async def test_it_comes_when_the_message_is_claimed_already(rig: Rig) -> None:
    """It waits, packed, for the connection's transaction under way: its own has not begun."""
    rig.resolver.provider = msgspec.structs.replace(rig.resolver.provider, connections=1)
    rig.net.gate.clear()
    await rig.accept("first@two.example")
    await rig.accept("bob@two.example", "ann@two.example", reverse_path="")
    async with rig.running():
        await rig.until(lambda: rig.net.begun == ["first@two.example"])
        await rig.until(lambda: rig.due_now() == 0)
        await suppress(rig, "bob@two.example")
        rig.net.gate.set()
        await rig.until(lambda: len(rig.events(Delivered)) == 2)
        await rig.until(lambda: ended(rig) == ["bob@two.example"])
    assert rig.net.begun == ["first@two.example", "ann@two.example"]


async def test_it_comes_between_two_attempts(rig: Rig) -> None:
    tried = asyncio.Event()

    def later(_: str) -> Outcome:
        tried.set()
        return Transient(attempt(451, "4.2.0", "rcpt"), Scope.RECIPIENT)

    rig.net.reply = later
    rig.settings = msgspec.structs.replace(rig.settings, retry_s=(0.3,))
    async with rig.running():
        await rig.accept("bob@two.example", reverse_path="")
        await rig.until(lambda: len(rig.events(AttemptFailed)) == 1)
        await suppress(rig, "bob@two.example")
        await rig.until(lambda: ended(rig) == ["bob@two.example"])
    assert rig.net.begun == ["bob@two.example"]
    assert rig.events(RecipientSuppressed)[0].attempts == 1  # made before


async def test_it_comes_between_a_host_and_the_next_one(rig: Rig) -> None:
    """One host refused it for now; the site's other one is asked at once, but not any more."""
    asked: list[str] = []

    def later(_: str) -> Outcome:
        asked.append("a")
        rig.net.opens.clear()
        return Transient(attempt(451, "4.3.0", "rcpt"), Scope.RECIPIENT)

    rig.net.replies_of["a.example"] = later
    async with rig.running():
        await rig.accept("bob@hosts.example", reverse_path="")
        await rig.until(lambda: len(rig.net.sources) == 2)
        await suppress(rig, "bob@hosts.example")
        rig.net.opens.set()
        await rig.until(lambda: ended(rig) == ["bob@hosts.example"])
    assert (asked, rig.net.begun) == (["a"], ["bob@hosts.example"])


async def test_what_a_crash_left_in_doubt_is_not_sent_again(rig: Rig) -> None:
    await rig.accept("bob@two.example", reverse_path="")
    number = rig.hint("two.example")
    partition = await rig.spool.own(number, "dead")
    assert await partition.claim(partition.due(clock(), 10).heads)
    await suppress(rig, "bob@two.example")
    async with rig.running():
        await rig.until(lambda: ended(rig) == ["bob@two.example"])
    assert rig.net.begun == []
    assert rig.events(RecipientSuppressed)[0].in_doubt == 1


@pytest.mark.parametrize("at", [0, 40, 300])
async def test_of_a_thousand_queued_none_is_sent_after_it_was_applied(rig: Rig, at: int) -> None:
    """Whatever was under way: transactions that begin later leave it out, and each is told of once."""
    mail = [f"u{n}@d{n % 7}.example" for n in range(1000)]
    for start in range(0, 1000, 50):
        await rig.accept(*mail[start : start + 50], reverse_path="")
    async with rig.running():
        await rig.until(lambda: len(rig.net.begun) >= at)
        await suppress(rig, *mail)
        before = list(rig.net.begun)
        await rig.until(lambda: len(rig.events(Delivered)) + len(ended(rig)) == 1000)
    assert rig.net.begun == before
    assert rig.recipients() == sorted(before)
    assert ended(rig) == sorted(set(mail) - set(before))
