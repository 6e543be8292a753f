"""Mirrors angarium/mta/traffic.py, by a dispatcher at work with scripted peers."""

from collections.abc import AsyncIterator

import pytest

from angarium.config.schema import Delivery, Provider
from angarium.mta.dispatcher import Dispatcher
from angarium.mta.egress.lease import PlaceKey
from angarium.mta.egress.policy import Admission, Limits, Traffic, Wait
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.traffic_counts import Tally
from angarium.mta.traffic import PathTraffic
from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Taken, Transient
from angarium.mta.transport.transfer import EgressPath
from angarium.queue import UnixMs
from angarium.queue.memory.spool import MemorySpool
from tests.mta.test_dispatcher import PARTITIONS, Rig, SetClock, attempt


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    settings = Delivery(retry_s=(30.0, 60.0), poll_s=0.02, retry_jitter=0)
    provider = Provider(name="p", connections=1, idle_s=0.2)
    clock = SetClock()
    spool = MemorySpool(clock, PARTITIONS)
    yield Rig(spool, settings, provider, clock)
    spool.close()


def only(dispatcher: Dispatcher) -> PathTraffic:
    (found,) = dispatcher.traffic()
    return found


def by_address(path: str) -> Outcome:
    if path.startswith("later"):
        return Transient(attempt(451, "4.7.1", "rcpt"), Scope.RECIPIENT)
    if path.startswith("nobody"):
        return Permanent(attempt(550, "5.1.1", "rcpt"), Scope.RECIPIENT)
    return Taken(attempt())


async def test_what_went_out_is_counted_by_source_and_provider(rig: Rig) -> None:
    rig.net.reply = by_address
    await rig.accept("a@one.example", "later@one.example", "nobody@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: any(each.windows.minute.bounced for each in dispatcher.traffic()))
        # The notice of what bounced goes elsewhere
        found = next(each for each in dispatcher.traffic() if each.provider == "one.example")
        assert found.source == "default"
        minute = found.windows.minute
        assert (minute.delivered, minute.deferred, minute.bounced) == (1, 1, 1)
        assert (minute.messages, minute.connections, minute.refused) == (1, 1, 0)
        new = dispatcher.take_new_counts()
        key = PlaceKey(source="default", provider="one.example")
        assert new[key].recipients == 3
        assert key not in dispatcher.take_new_counts()


async def test_what_waits_is_told_beside_the_connections_and_limits_in_use(rig: Rig) -> None:
    rig.net.gate.clear()
    for _ in range(12):
        await rig.accept("a@one.example", "b@one.example")
    async with rig.running() as dispatcher:
        await rig.until(
            lambda: any(each.stage == "transfer" for each in dispatcher.open_connections())
        )
        await rig.until(lambda: only(dispatcher).waiting >= 16)  # less what is claimed ahead
        found = only(dispatcher)
        assert found.connections == 1
        assert found.limits == Limits(connections=1, transfers=100, recipients=100)
        rig.net.gate.set()
        await rig.until(lambda: only(dispatcher).windows.minute.delivered == 24)
        assert only(dispatcher).waiting == 0


async def test_a_site_that_takes_no_connection_suspends_its_path_with_the_reason(rig: Rig) -> None:
    rig.net.refuse = Transient(attempt(421, "4.3.2", "banner"), Scope.SITE)
    await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: any(each.suspended for each in dispatcher.traffic()))
        found = only(dispatcher)
        assert found.suspended == "said the peer"
        assert found.suspended_until is not None
        assert found.suspended_until > dispatcher.now()
        assert found.windows.minute == Tally(refused=1)


async def test_one_site_of_two_that_is_down_does_not_suspend_their_provider(rig: Rig) -> None:
    rig.net.dead = {"mx.a.big"}
    await rig.accept("a@a.big")
    await rig.accept("b@b.big")
    async with rig.running() as dispatcher:
        await rig.until(lambda: any(each.windows.minute.refused for each in dispatcher.traffic()))
        await rig.until(lambda: only(dispatcher).windows.minute.delivered == 1)
        assert only(dispatcher).suspended == ""


class Patient(ShapingPolicy):
    """Lets everything wait for an hour."""

    def admit(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        return Wait(UnixMs(now + 3_600_000), "the warm-up of ip1 is over for today")


async def test_a_wait_of_our_own_policy_is_told_while_it_lasts(rig: Rig) -> None:
    rig.policy.__class__ = Patient
    await rig.accept("a@one.example")
    await rig.accept("a@one.example", tenant="other")
    async with rig.running() as dispatcher:
        await rig.until(lambda: any(each.lanes_waiting == 2 for each in dispatcher.traffic()))
        found = only(dispatcher)
        assert found.wait == "the warm-up of ip1 is over for today"
        assert found.wait_until is not None
        rig.clock.ahead_ms += 3_600_001
        assert only(dispatcher).wait == "" or only(dispatcher).wait_until > found.wait_until  # type: ignore[operator]


async def test_a_wait_that_was_undone_is_told_no_more(rig: Rig) -> None:
    rig.policy.__class__ = Patient
    await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: any(each.wait for each in dispatcher.traffic()))
        rig.policy.__class__ = ShapingPolicy
        dispatcher.reload(rig.settings, lambda site: site, lambda path: True)
        await rig.until(lambda: only(dispatcher).windows.minute.delivered == 1)
        assert (only(dispatcher).wait, only(dispatcher).lanes_waiting) == ("", 0)
