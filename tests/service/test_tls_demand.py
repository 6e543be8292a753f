"""Two domains at one host, of which one demands verified TLS: what it demands reaches no mail of the other's."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from angarium.config.loader import parse
from angarium.mta.draining import DrainBounds
from angarium.queue import AttemptFailed, Delivered, LmdbSpool
from angarium.queue.wall_clock import wall_clock
from angarium.routing.resolution import TlsDemand
from angarium.service.delivery.observer import DeliveryObserver
from angarium.service.delivery.parts import DeliverySetup
from angarium.simulator.internet import Internet
from angarium.simulator.scenario import Host, Scenario, SimulatedProvider
from angarium.telemetry.metrics import Metrics
from tests.queue.samples import make_ids, submission

CONFIG = """
[server]
hostname = "mx.sender.example"
[delivery]
allow_private = true
retry_s = [60]
port = {port}
[dns]
nameservers = ["{dns}"]
[queue]
partitions = 1
min_free_octets = 0
"""


@pytest.fixture
async def host() -> AsyncIterator[Internet]:
    both = SimulatedProvider(
        name="both",
        domains=("strict.example", "plain.example"),
        hosts=(Host(name="mx.both.example"),),
    )
    async with Internet(Scenario(provider=(both,), network="127.34.0.0")) as net:
        yield net


def demand_of(domain: str) -> TlsDemand:
    return "verify" if domain == "strict.example" else ""


async def test_one_domains_policy_never_reaches_a_co_hosted_one(
    tmp_path: Path, host: Internet
) -> None:
    """The host's certificate is of nobody whom we trust."""
    text = CONFIG.format(port=host.smtp_port, dns=host.dns_address)
    config = parse(text, tmp_path / "angarium.toml")
    spool = LmdbSpool.open(tmp_path / "queue", config.queue, wall_clock, asyncio.get_running_loop())
    metrics = Metrics()
    observer = DeliveryObserver(metrics)
    (number,) = spool.partitions()
    partitions = {number: await spool.own(number, "test")}
    setup = DeliverySetup(
        config, spool, partitions, observer, wall_clock, random.Random(1), None, demand_of
    )
    spool.wakeups(setup.dispatcher.ring)
    stop = asyncio.Event()
    bounds = DrainBounds(transfers_s=5, last_replies_s=5)
    running = asyncio.create_task(setup.dispatcher.run(stop, lambda: None, lambda: bounds))
    new_id = make_ids(wall_clock)
    try:
        # One message to both: it is two transactions, over two connections
        for _ in range(3):
            now = wall_clock()
            recipients = ["a@strict.example", "b@plain.example"]
            await spool.accept([submission(new_id(), recipients, accepted=now)])
        async with asyncio.timeout(60):
            while not (any(failures(spool)) and len(deliveries(spool)) == 3):
                await asyncio.sleep(0.05)
        failed, delivered = failures(spool), deliveries(spool)
        # The others of its domain wait for its site without an attempt of theirs
        assert {each.recipient for each in failed} == {"a@strict.example"}
        assert all("certificate" in each.attempt.text for each in failed)
        assert [each.recipient for each in delivered] == ["b@plain.example"] * 3
        assert all(each.attempt.tls and not each.attempt.tls_verified for each in delivered)
        strict = setup.resolver.find_known("strict.example")
        plain = setup.resolver.find_known("plain.example")
        assert strict is not None
        assert plain is not None
        # Of one provider all the same: its limits hold over both
        assert strict.provider == plain.provider  # type: ignore[union-attr]
        assert strict.name == f"{plain.name}+verify"  # type: ignore[union-attr]
    finally:
        stop.set()
        await running
        setup.close()
        await setup.dns.close()
        spool.close()


def failures(spool: LmdbSpool) -> list[AttemptFailed]:
    read = [each.event for each in spool.events.read(0, 100)]
    return [each for each in read if isinstance(each, AttemptFailed)]


def deliveries(spool: LmdbSpool) -> list[Delivered]:
    read = [each.event for each in spool.events.read(0, 100)]
    return [each for each in read if isinstance(each, Delivered)]
