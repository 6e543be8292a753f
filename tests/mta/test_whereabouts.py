"""Mirrors angarium/mta/whereabouts.py, by a dispatcher at work with scripted peers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from angarium.config.schema import Delivery, Provider
from angarium.mta.dispatcher import Dispatcher
from angarium.mta.egress.policy import GO, Admission, Elsewhere, Traffic, Wait
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.transport.outcome import Outcome, Scope, Transient
from angarium.mta.transport.transfer import EgressPath
from angarium.mta.whereabouts import Whereabouts
from angarium.queue import DeliveryId, Submission, UnixMs
from angarium.queue.memory.spool import MemorySpool
from angarium.routing.fair_turns import Whose
from angarium.routing.resolution import Site
from tests.mta.test_dispatcher import PARTITIONS, Rig, SetClock, attempt


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    settings = Delivery(retry_s=(30.0, 60.0), poll_s=0.02, retry_jitter=0)
    provider = Provider(name="p", connections=1, idle_s=0.2)
    clock = SetClock()
    spool = MemorySpool(clock, PARTITIONS)
    yield Rig(spool, settings, provider, clock)
    spool.close()


def where(dispatcher: Dispatcher, accepted: Submission, *, in_flight: bool = False) -> Whereabouts:
    domain = accepted.envelope.recipients[0].domain
    return dispatcher.find_whereabouts(
        DeliveryId(accepted.message_id, 0), domain, in_flight=in_flight
    )


async def test_what_is_in_transfer_names_its_connection_and_what_waits_its_places(
    rig: Rig,
) -> None:
    rig.net.gate.clear()
    first = await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: where(dispatcher, first, in_flight=True).state == "transfer")
        found = where(dispatcher, first, in_flight=True)
        (connection,) = dispatcher.open_connections()
        assert (found.connection, found.host) == (connection.id, "mx.one.example")
        second = await rig.accept("b@one.example")
        more = [await rig.accept("c@one.example") for _ in range(8)]  # some are claimed ahead
        await rig.until(lambda: where(dispatcher, more[-1]).state == "waiting")
        assert "1 of 1 places at one.example are taken" in where(dispatcher, more[-1]).text
        rig.net.gate.set()
        await rig.until(lambda: len(rig.recipients()) == 10)
        assert where(dispatcher, second).state == "on_disk"  # out of memory
        assert not any(each.stage == "transfer" for each in dispatcher.open_connections())


async def test_a_domain_that_is_being_resolved_is_told(rig: Rig) -> None:
    release = asyncio.Event()
    resolve = rig.resolver.resolve

    async def slow(domain: str, whose: Whose) -> object:
        await release.wait()
        return await resolve(domain, whose)

    rig.resolver.resolve = slow  # type: ignore[assignment,method-assign]
    accepted = await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: where(dispatcher, accepted).state == "resolving")
        release.set()
        await rig.until(lambda: len(rig.recipients()) == 1)


async def test_a_suspended_site_is_told_with_its_end_and_its_failure(rig: Rig) -> None:
    rig.net.refuse = Transient(attempt(421, "4.3.2", "banner"), Scope.SITE)
    accepted = await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: where(dispatcher, accepted).state == "suspended")
        found = where(dispatcher, accepted)  # on disk by now, and left alone there
        assert found.text == "said the peer"
        assert found.until is not None


async def test_a_connection_that_is_being_opened_is_told(rig: Rig) -> None:
    opening, release = asyncio.Event(), asyncio.Event()
    connect = rig.net.connect

    async def slow(*args: object) -> object:
        opening.set()
        await release.wait()
        return await connect(*args)  # type: ignore[arg-type]

    rig.net.connect = slow  # type: ignore[assignment,method-assign]
    accepted = await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await opening.wait()
        found = where(dispatcher, accepted)
        assert (found.state, found.host) == ("opening", "mx.one.example")
        assert found.since is not None
        assert found.text == "no answer for 0 s"
        assert dispatcher.openings() == {"quick": 1, "slow": 0, "hanging": 0}
        rig.clock.ahead_ms += 73_000
        assert where(dispatcher, accepted).text == "no answer for 73 s"
        assert dispatcher.notes() == ["sites that hang: one.example (no answer for 73 s)"]
        release.set()
        await rig.until(lambda: len(rig.recipients()) == 1)


class Patient(ShapingPolicy):
    """Lets everything wait for an hour."""

    until = UnixMs(0)

    def admit(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        self.until = UnixMs(now + 3_600_000)
        return Wait(self.until, "the warm-up of ip1 is over for today")


async def test_what_our_own_policy_keeps_waiting_is_told_with_its_reason(rig: Rig) -> None:
    rig.policy.__class__ = Patient
    accepted = await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: where(dispatcher, accepted).state == "policy")
        found = where(dispatcher, accepted)
        assert found.text == "the warm-up of ip1 is over for today"
        assert found.until is not None
        assert found.until > found.since  # type: ignore[operator]
        rig.resolver.cache.clear()  # what waits for long outlives the DNS answers that led to it
        assert where(dispatcher, accepted).state == "policy"


class PatientWithOne(ShapingPolicy):
    """Lets one campaign wait for an hour."""

    def admit(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        if traffic.campaign == "slow":
            return Wait(UnixMs(now + 3_600_000), "a rule holds campaign slow")
        return GO


async def test_a_wait_is_told_of_what_waits_and_not_of_what_goes_beside_it(rig: Rig) -> None:
    rig.policy.__class__ = PatientWithOne
    rig.net.opens.clear()
    slow = await rig.accept("a@one.example", campaign="slow")
    quick = await rig.accept("a@one.example", campaign="quick")
    async with rig.running() as dispatcher:
        await rig.until(lambda: where(dispatcher, slow).state == "policy")
        await rig.until(lambda: where(dispatcher, quick).state == "opening")
        assert where(dispatcher, slow).text == "a rule holds campaign slow"
        rig.net.opens.set()


class SlowToOpen(ShapingPolicy):
    def find_connection_wait(self, path: EgressPath, site: Site, now: UnixMs) -> Wait | None:
        return Wait(UnixMs(now + 3_600_000), "the connection_rate of p is 1/h")


async def test_a_connection_that_may_not_be_opened_yet_is_told_with_the_reason(rig: Rig) -> None:
    rig.policy.__class__ = SlowToOpen
    accepted = await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: "1/h" in where(dispatcher, accepted).text)
        found = where(dispatcher, accepted)
        assert (found.state, found.source) == ("waiting", "default")
        assert found.text == (
            "0 of 1 places at one.example are taken; no further connection is opened yet: "
            "the connection_rate of p is 1/h"
        )
        (path,) = dispatcher.traffic()
        assert path.wait == "the connection_rate of p is 1/h"


class OpensOne(ShapingPolicy):
    connects = 0

    def find_connection_wait(self, path: EgressPath, site: Site, now: UnixMs) -> Wait | None:
        return Wait(UnixMs(now + 3_600_000), "a rate") if self.connects else None

    def connecting(self, path: EgressPath, site: Site, now: UnixMs) -> None:
        self.connects += 1


async def test_beside_a_connection_that_is_being_opened_it_is_told_that_there_will_be_no_other(
    rig: Rig,
) -> None:
    rig.policy.__class__ = OpensOne
    rig.net.opens.clear()
    accepted = [await rig.accept("a@one.example") for _ in range(2)]
    async with rig.running() as dispatcher:
        await rig.until(lambda: where(dispatcher, accepted[1]).text.endswith("a rate"))
        found = where(dispatcher, accepted[1])
        assert (found.state, found.text) == (
            "opening",
            "no answer for 0 s; no further connection is opened yet: a rate",
        )
        rig.net.opens.set()


OTHER_PATH = EgressPath(source="ip2", bind_address=None, ehlo="mx.example")


class Mover(ShapingPolicy):
    """Sends everything by another source, where it waits for an hour if ``waits``."""

    waits = True

    def admit(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        if path != OTHER_PATH:
            return Elsewhere(OTHER_PATH, "the warm-up of default allows 5 an hour")
        return Wait(UnixMs(now + 3_600_000), "a rate") if self.waits else GO


async def test_what_was_moved_is_told_with_its_source_and_why(rig: Rig) -> None:
    rig.policy.__class__ = Mover
    accepted = await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: where(dispatcher, accepted).state == "policy")
        found = where(dispatcher, accepted)
        assert (found.source, found.text) == (
            "ip2",
            "a rate; it was moved from source default, where the warm-up of default allows 5 an hour",
        )


async def test_what_was_moved_and_waits_for_a_connection_names_that_of_its_source(rig: Rig) -> None:
    rig.policy.__class__ = Mover
    rig.policy.waits = False  # type: ignore[attr-defined]
    rig.net.opens.clear()
    accepted = await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: where(dispatcher, accepted).state == "opening")
        found = where(dispatcher, accepted)
        assert found.source == "ip2"
        assert "it was moved from source default" in found.text
        rig.net.opens.set()


async def test_what_is_claimed_but_in_no_transfer_is_told_from_the_queue(rig: Rig) -> None:
    accepted = await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: len(rig.recipients()) == 1)
        assert where(dispatcher, accepted, in_flight=True).state == "claimed"
        assert where(dispatcher, accepted).state == "on_disk"


def refused(_: str) -> Outcome:
    return Transient(attempt(451, "4.7.1", "rcpt"), Scope.RECIPIENT)


async def test_nothing_is_remembered_of_a_transfer_that_has_ended(rig: Rig) -> None:
    rig.net.reply = refused
    accepted = await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: any(each.transfers for each in rig.net.connections))
        await rig.until(lambda: where(dispatcher, accepted, in_flight=True).state != "transfer")
