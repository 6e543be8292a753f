"""Mirrors angarium/service/platform/blocklist_watch.py and insight/blocklist_subjects.py, with our own DNS server."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from prometheus_client import CollectorRegistry

from angarium.config.schema import Blocklists, BlocklistZone, Queue
from angarium.insight.blocklist_subjects import addresses_of_source, subjects_of
from angarium.insight.egress_addresses import EgressAddress
from angarium.queue import AddressDelisted, AddressListed, LmdbSpool, QueueFullError
from angarium.routing.dns import DnsResolver
from angarium.service.platform.blocklist_watch import BlocklistWatch
from angarium.telemetry.metrics import Metrics
from tests.queue.samples import FakeClock
from tests.routing.scripted_dns import ScriptedDns

IPS = BlocklistZone(
    name="bl.test", ipv6=True, meanings=("127.0.0.2: sends spam",), remove="https://bl.test/"
)
NAMES = BlocklistZone(name="dbl.test", kind="domain", meanings=("+8: phishing",))
SETTINGS = Blocklists(shipped=False, zone=(IPS, NAMES))
ADDRESS, NAME = "192.0.2.99", "99.2.0.192.bl.test"
SUBJECTS = (ADDRESS, "2001:db8::1", "shop.example")


class Watched:
    """A watch with its queue and its nameserver; ``restart`` has it begin anew on the same disk."""

    def __init__(self, path: Path, zone: ScriptedDns) -> None:
        self.path = path
        self.zone = zone
        self.clock = FakeClock()
        self.subjects = SUBJECTS
        self.open()

    def open(self) -> None:
        self.spool = LmdbSpool.open(self.path, Queue(partitions=1, min_free_octets=0), self.clock)
        self.metrics = Metrics(CollectorRegistry())
        self.dns = DnsResolver(self.zone.config, time.monotonic)
        self.watch = BlocklistWatch(
            SETTINGS,
            lambda: self.subjects,
            self.dns,
            self.spool.keepsakes,
            self.clock,
            self.metrics,
        )

    async def close(self) -> None:
        await self.dns.close()
        self.spool.close()

    async def restart(self) -> None:
        await self.close()
        self.open()

    async def check(self) -> None:
        self.clock.now += 1000
        self.dns.forget()
        await self.watch.check()

    @property
    def listed(self) -> list[tuple[str, str]]:
        return [(each.zone, each.address) for each in self.watch.listings]

    @property
    def events(self) -> list[Any]:
        found = [each.event for each in self.spool.events.read(0, 100)]
        return [each for each in found if isinstance(each, AddressListed | AddressDelisted)]


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    zone = ScriptedDns()
    await zone.start()
    found = Watched(tmp_path / "queue", zone)
    yield found
    await found.close()
    await zone.stop()


async def test_who_is_listed_nowhere_has_no_listing(watched: Watched) -> None:
    await watched.check()
    assert (watched.listed, watched.events, watched.watch.unanswered) == ([], [], {})
    asked = {name for name, _ in watched.zone.queries}
    assert asked == {
        NAME,
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test",
        "shop.example.dbl.test",
    }
    assert watched.watch.checked_at == watched.clock()


async def test_bw1_a_listing_is_told_once_with_what_the_zone_says(watched: Watched) -> None:
    watched.zone.add(NAME, "A", "127.0.0.2")
    watched.zone.add(NAME, "TXT", '"see https://bl.test/?ip=192.0.2.99"')
    await watched.check()
    first = watched.clock()
    await watched.check()
    await watched.restart()
    await watched.check()
    (event,) = watched.events
    assert (event.at, event.zone, event.address) == (first, "bl.test", ADDRESS)
    assert (event.codes, event.meaning) == (("127.0.0.2",), "sends spam")
    assert event.text == "see https://bl.test/?ip=192.0.2.99"
    (listing,) = watched.watch.listings
    assert (listing.address, listing.since) == (ADDRESS, first)
    assert b"angarium_blocklist_listings 1.0" in watched.metrics.render()


async def test_its_end_is_told_once_too(watched: Watched) -> None:
    watched.zone.add("shop.example.dbl.test", "A", "127.0.0.8")
    await watched.check()
    since = watched.clock()
    watched.zone.records.clear()
    await watched.restart()
    await watched.check()
    await watched.check()
    listed, delisted = watched.events
    assert listed.meaning == "phishing"
    assert (delisted.zone, delisted.address) == ("dbl.test", "shop.example")
    assert (delisted.since, delisted.at) == (since, since + 1000)
    assert watched.listed == []
    assert b"angarium_blocklist_listings 0.0" in watched.metrics.render()


async def test_bw2_silence_and_refusals_change_nothing(watched: Watched) -> None:
    watched.zone.add(NAME, "A", "127.0.0.2")
    await watched.check()
    watched.zone.rcodes[NAME] = dns.rcode.SERVFAIL
    await watched.check()
    assert watched.listed == [("bl.test", ADDRESS)]
    assert "SERVFAIL" in watched.watch.unanswered["bl.test"]
    del watched.zone.rcodes[NAME]
    watched.zone.add(NAME, "A", "127.255.255.254")
    await watched.check()
    assert watched.listed == [("bl.test", ADDRESS)]
    assert "does not serve our resolver" in watched.watch.unanswered["bl.test"]
    assert len(watched.events) == 1


async def test_a_refusal_is_no_listing(watched: Watched) -> None:
    watched.zone.add(NAME, "A", "127.255.255.254")
    await watched.check()
    assert (watched.listed, watched.events) == ([], [])


async def test_a_zone_that_lists_everything_lists_nobody(watched: Watched) -> None:
    for name in (NAME, "1.0.0.127.bl.test"):
        watched.zone.add(name, "A", "127.0.0.2")
    await watched.check()
    assert (watched.listed, watched.events) == ([], [])
    assert watched.watch.unanswered == {"bl.test": "bl.test lists everything: it is no more"}


async def test_a_listing_that_changes_is_told_again(watched: Watched) -> None:
    watched.zone.add(NAME, "A", "127.0.0.2")
    await watched.check()
    watched.zone.add(NAME, "A", "127.0.0.2", "127.0.0.9")
    await watched.check()
    assert [each.codes for each in watched.events] == [("127.0.0.2",), ("127.0.0.2", "127.0.0.9")]


async def test_what_is_ours_no_more_is_forgotten_without_a_word(watched: Watched) -> None:
    watched.zone.add(NAME, "A", "127.0.0.2")
    await watched.check()
    watched.subjects = ("shop.example",)
    await watched.check()
    await watched.restart()
    assert watched.listed == []
    assert len(watched.events) == 1


async def test_what_could_not_be_written_is_told_with_the_next_round(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Any:
        raise QueueFullError("no room")

    watched.zone.add(NAME, "A", "127.0.0.2")
    with monkeypatch.context() as broken:
        broken.setattr(watched.spool.keepsakes, "write", full)
        await watched.check()
    assert (watched.listed, watched.events) == ([], [])
    await watched.check()
    assert len(watched.events) == 1


# --- what is asked for ------------------------------------------------------------------------


def egress(source: str, address: str) -> EgressAddress:
    return EgressAddress(source=source, address=address, ehlo="mx.example.com")


def test_only_what_anybody_could_list_is_asked_for() -> None:
    sources = [egress("a", "203.0.113.1"), egress("b", "10.0.0.1"), egress("c", "::1")]
    own = ["shop.example", "Bücher.de", "shop.test", "localhost", "mail.example.com", "shop.de"]
    found = subjects_of(sources, ["2001:DB8:0::7"], ["forced.test"], own)
    assert found == (*("2001:db8::7", "203.0.113.1", "forced.test", "xn--bcher-kva.de", "shop.de"),)


def test_a_source_behind_a_nat_is_seen_as_what_is_before_it() -> None:
    sources = [egress("a", "203.0.113.1"), egress("b", "10.0.0.1")]
    assert addresses_of_source("a", sources, ["198.51.100.1"]) == {"203.0.113.1"}
    assert addresses_of_source("b", sources, ["198.51.100.1"]) == {"198.51.100.1"}
