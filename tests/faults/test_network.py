"""DNS that fails and sinks that do: mail waits, nothing is lost, and a second copy goes out only where the sink
itself kept the answer back.
"""

import asyncio
from pathlib import Path

import pytest

from tests.faults.harness import SEED, Harness, rounds, run_harness, sink_address
from tests.faults.name_server import TROUBLES, NameServer
from tests.faults.server import DNS_PORT, sink_ports
from tests.faults.sink import STAGES, Stage, Trouble

OUTAGE_S = 1.5  # several retries long

BY_MX = {
    "routes": "",
    "delivery": "allow_private = true\nport = {sink}",
    "more": """
[dns]
nameservers = ["{host}:{port}"]
timeout_s = 0.4
lifetime_s = 0.8
max_ttl_s = 1.0
min_ttl_s = 0.1
negative_ttl_s = 1.0
""",
}


async def through_dns_troubles(tmp_path: Path, seed: int, count: int) -> None:
    host = sink_address(seed)
    values = {"host": host, "port": DNS_PORT, "sink": sink_ports(host)[0]}
    settings = {name: text.format(**values) for name, text in BY_MX.items()}
    names = NameServer(host, DNS_PORT, host)
    await names.start()
    try:
        async with run_harness(tmp_path, seed, **settings) as harness:
            harness.load(per_second=100)
            await harness.until(lambda: bool(harness.sink.received), "DNS is used")
            for number in range(count):
                await names.be(TROUBLES[number % len(TROUBLES)])
                await harness.until_acknowledged(20)  # mail is accepted meanwhile
                await asyncio.sleep(OUTAGE_S)
                await names.be("answers")
                received = len(harness.sink.received)
                await harness.until(
                    lambda received=received: len(harness.sink.received) > received,
                    "delivery goes on",
                )
            assert names.queries > count
            await harness.finish(killed=False)
            assert not harness.ledger.refused
    finally:
        names.stop()


@pytest.mark.faults
async def test_mail_waits_while_dns_is_in_trouble(tmp_path: Path) -> None:
    await through_dns_troubles(tmp_path, 41, len(TROUBLES))


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_mail_waits_while_dns_is_in_trouble_again_and_again(tmp_path: Path) -> None:
    await through_dns_troubles(tmp_path, SEED, rounds(12))


async def outage(harness: Harness) -> None:
    """The sink refuses connections for a while, and comes back."""
    await harness.sink.stop()
    await harness.until_acknowledged(20)
    await asyncio.sleep(harness.chance.uniform(0.2, OUTAGE_S))
    await harness.sink.start()


async def trouble(harness: Harness, *troubles: Trouble) -> None:
    harness.sink.troubles = troubles
    await harness.until_acknowledged(20)
    await asyncio.sleep(harness.chance.uniform(0.5, OUTAGE_S))
    harness.sink.troubles = ()
    for connection in list(harness.sink.connections):
        if connection.is_hanging:
            connection.cut()  # of a host that comes back


@pytest.mark.faults
async def test_a_sink_that_goes_and_comes_back_gets_each_recipient_once(tmp_path: Path) -> None:
    async with run_harness(tmp_path, 42) as harness:
        harness.load(per_second=100)
        await harness.until_acknowledged(20)
        await outage(harness)
        await trouble(harness, Trouble("connect", "hang"))
        await harness.finish(killed=False)
        assert not harness.ledger.refused


@pytest.mark.slow
async def test_a_sink_that_drops_at_each_stage_gets_no_recipient_twice_but_after_the_dot(
    tmp_path: Path,
) -> None:
    async with run_harness(tmp_path, 43) as harness:
        harness.load(per_second=100)
        for stage in STAGES:
            harness.sink.troubles = (Trouble(stage, "drop", 0.5),)
            await harness.until_acknowledged(30)
        await harness.finish(killed=False)
        again = {each for each, count in harness.sink.received.items() if count > 1}
        assert again <= set(harness.sink.unanswered)


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("act", ["drop", "hang", "refuse"])
@pytest.mark.parametrize("stage", STAGES)
async def test_a_sink_in_trouble_at_a_stage_again_and_again(
    tmp_path: Path, stage: Stage, act: str
) -> None:
    async with run_harness(tmp_path, SEED) as harness:
        harness.load(per_second=100)
        for _ in range(rounds(3)):
            await trouble(harness, Trouble(stage, act, harness.chance.choice((1.0, 0.3))))
            await outage(harness)
        await harness.finish(killed=False)
        assert not harness.ledger.refused


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_everything_at_once(tmp_path: Path) -> None:
    """A flaky sink under a server that is killed again and again."""
    async with run_harness(tmp_path, SEED, ingress=2) as harness:
        some = tuple(Trouble(stage, "drop", 0.05) for stage in STAGES)
        harness.sink.troubles = (
            *some,
            Trouble("rcpt", "refuse", 0.1),
            Trouble("dot", "hang", 0.02),
        )
        harness.load(per_second=150)
        for _ in range(rounds(15)):
            await harness.until_acknowledged(10)
            await asyncio.sleep(harness.chance.uniform(0.05, 0.5))
            harness.server.kill_all()
            await harness.server.start_and_wait()
        await harness.finish(errors={"process_died"})
