"""Mirrors angarium/service/platform/domain_watch.py, rounds.py, tellings.py and domain_keeping.py, with our own DNS."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from angarium.config.loader import parse
from angarium.config.schema import Queue
from angarium.dkim.keygen import record_text
from angarium.dkim.keys import SigningKey
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.domain_records import check_records
from angarium.queue import DomainFailed, DomainRecovered, DomainVerified, LmdbSpool, UnixMs
from angarium.routing.dns import DnsResolver
from angarium.service.platform.domain_keeping import DomainKeeping
from angarium.service.platform.domain_watch import AT_ONCE, DomainWatch
from angarium.service.platform.rounds import AFTER_TROUBLE_MS
from angarium.telemetry.metrics import Metrics
from angarium.tenancy import SnapshotFile, TenancySetupError
from angarium.tenancy.database import Database
from angarium.tenancy.domain_check import DAY_MS, FAILED_MS, SOON_MS, CheckedRecord
from angarium.tenancy.domain_keys import RETIRED_KEPT_MS
from angarium.tenancy.model import Domain
from angarium.tenancy.platform import Platform
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.signing import open_domain_key
from tests.queue.samples import FakeClock
from tests.routing.scripted_dns import ScriptedDns
from tests.tenancy.audited import audit_entries

NAME = "shop.example"
CONFIG = parse(
    '[server]\nhostname = "mx.example.com"\n[[route]]\ndomain = "*"\nvia = "smtp://127.0.0.1:25"\n',
    Path("/etc/angarium.toml"),
)


class Watched:
    """A watch with its database, its queue and its nameserver; ``restart`` has it begin anew on the same disk."""

    def __init__(self, folder: Path, zone: ScriptedDns) -> None:
        self.folder = folder
        self.zone = zone
        self.clock = FakeClock()
        self.broken = False
        self.platform = self.open_platform()
        self.open()

    def open_platform(self) -> Platform:
        if self.broken:
            raise TenancySetupError("away")
        return Platform(
            Database.open("sqlite:///platform.db", self.folder),
            Secrets({1: bytes(32)}),
            self.folder,
            actor="server",
            clock=self.clock,
            random_octets=os.urandom,
            new_private_key=lambda _: Ed25519PrivateKey.generate(),
        )

    def open(self) -> None:
        queue = Queue(partitions=1, min_free_octets=0)
        self.spool = LmdbSpool.open(self.folder / "queue", queue, self.clock)
        self.metrics = Metrics(CollectorRegistry())
        self.dns = DnsResolver(self.zone.config, time.monotonic)
        self.keeping = DomainKeeping(self.open_platform)
        self.watch = DomainWatch(
            SnapshotFile(self.folder),
            self.keeping,
            self.look_up,
            self.spool.keepsakes,
            self.clock,
            self.metrics,
        )

    async def look_up(
        self, domain: Domain, keys: Sequence[SigningKey]
    ) -> tuple[CheckedRecord, ...]:
        self.dns.forget()
        return (await check_records(CONFIG, domain, keys, PatientDns(self.dns))).records

    async def close(self) -> None:
        await self.dns.close()
        self.keeping.close()
        self.spool.close()

    async def restart(self) -> None:
        await self.close()
        self.open()

    async def turn(self, later_ms: int = 1) -> None:
        """Publish as the publisher does, look at what is due, and tell what came of it."""
        self.clock.now = UnixMs(self.clock.now + later_ms)
        for _ in range(2):
            self.platform.publish()
            async with asyncio.TaskGroup() as tasks:
                await self.watch.turn(tasks)
        self.platform.publish()
        async with asyncio.TaskGroup() as tasks:
            await self.watch.turn(tasks)

    def publish_token(self, domain: Domain) -> None:
        token = f'"angarium-domain-verification={domain.token}"'
        self.zone.add(f"_angarium.{domain.name}", "TXT", token)

    def publish_keys(self, domain: Domain) -> None:
        for key in domain.keys:
            private = open_domain_key(self.platform.secrets, domain.name, key).private
            name = f"{key.selector}._domainkey.{domain.name}"
            self.zone.add(name, "TXT", f'"{record_text(private.public_key())}"')

    @property
    def found(self) -> Domain:
        return self.platform.domains.find(NAME)

    @property
    def told(self) -> list[Any]:
        events = [each.event for each in self.spool.events.read(0, 100)]
        return [
            each
            for each in events
            if isinstance(each, DomainVerified | DomainFailed | DomainRecovered)
        ]

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.told]

    def questions(self) -> int:
        return self.zone.queries[f"_angarium.{NAME}", "TXT"]


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    zone = ScriptedDns()
    await zone.start()
    found = Watched(tmp_path, zone)
    yield found
    await found.close()
    found.platform.close()
    await zone.stop()


async def test_where_there_are_no_domains_no_database_is_opened(watched: Watched) -> None:
    watched.broken = True
    await watched.turn()
    await watched.turn()
    assert watched.told == []
    assert watched.watch._rounds._trouble == ""


async def test_a_domain_whose_token_and_key_appear_sends_without_anybodys_doing(
    watched: Watched,
) -> None:
    added = watched.platform.domains.add(NAME, "default")
    await watched.turn()
    check = watched.platform.domain_checks.find(added.id)
    assert check is not None
    records = {each.purpose: each for each in check.records}
    assert records["ownership"].difference == f"_angarium.{NAME} is missing"
    assert records["dkim"].found == "not published"
    assert records["dkim"].zone_line in records["dkim"].remedy
    assert (watched.found.status, watched.names) == ("pending", [])
    assert b'angarium_domains{health="pending"} 1.0' in watched.metrics.render()

    watched.publish_token(added)
    await watched.turn(SOON_MS)
    assert (watched.found.status, watched.found.signing_keys) == ("verified", ())
    (told,) = watched.told
    assert (told.tenant, told.domain, told.how) == ("default", NAME, "dns")

    watched.publish_keys(added)
    await watched.turn(SOON_MS)
    assert len(watched.found.signing_keys) == 1
    assert watched.names == ["domain_verified"]
    assert b'angarium_domains{health="verified"} 1.0' in watched.metrics.render()


async def test_what_is_well_is_looked_at_daily_and_at_once_when_it_has_a_new_key(
    watched: Watched,
) -> None:
    added = watched.platform.domains.add(NAME, "default", assume_verified=True)
    watched.publish_token(added)
    watched.publish_keys(added)
    await watched.turn()
    assert watched.questions() == 1
    await watched.turn(DAY_MS // 2)
    assert watched.questions() == 1
    await watched.turn(DAY_MS // 2)
    assert watched.questions() == 2
    watched.clock.now = UnixMs(watched.clock.now + 1)
    watched.platform.domain_keys.rotate(NAME)
    await watched.turn()
    assert watched.questions() == 3


async def test_a_rotation_goes_on_by_itself(watched: Watched) -> None:
    added = watched.platform.domains.add(NAME, "default", assume_verified=True)
    watched.publish_keys(added)
    await watched.turn()
    rotated = watched.platform.domain_keys.rotate(NAME)
    await watched.turn()
    assert watched.found.signing_keys == added.keys
    watched.publish_keys(rotated)
    await watched.turn(SOON_MS)
    after = watched.found
    assert after.signing_keys != added.keys
    assert [each.selector for each in after.keys if each.retired] == [added.keys[0].selector]
    await watched.turn(RETIRED_KEPT_MS)
    assert len(watched.found.keys) == 1
    assert audit_entries(watched.platform)[0].action == "domain.key_over"
    assert watched.names == ["domain_verified"]


async def test_tlg1_what_has_failed_is_told_once_and_its_end_too(watched: Watched) -> None:
    added = watched.platform.domains.add(NAME, "default", assume_verified=True)
    watched.publish_keys(added)
    await watched.turn()
    record = f"{added.keys[0].selector}._domainkey.{NAME}"
    kept = watched.zone.records.pop((record, "TXT"))
    await watched.turn(DAY_MS)
    failed_at = watched.told[-1].at
    await watched.turn(FAILED_MS)
    await watched.restart()
    await watched.turn(FAILED_MS)
    assert watched.names == ["domain_verified", "domain_failed"]
    assert watched.told[1].records == (record,)
    assert "not published" in watched.told[1].text
    assert b'angarium_domains{health="failed"} 1.0' in watched.metrics.render()
    watched.zone.records[record, "TXT"] = kept
    await watched.turn(FAILED_MS)
    await watched.restart()
    await watched.turn()
    assert watched.names == ["domain_verified", "domain_failed", "domain_recovered"]
    assert watched.told[2].since == failed_at


async def test_silence_of_nameservers_is_told_to_nobody(watched: Watched) -> None:
    added = watched.platform.domains.add(NAME, "default", assume_verified=True)
    watched.publish_keys(added)
    await watched.turn()
    watched.zone.rcodes[f"{added.keys[0].selector}._domainkey.{NAME}"] = dns.rcode.SERVFAIL
    await watched.turn(DAY_MS)
    assert watched.names == ["domain_verified"]
    check = watched.platform.domain_checks.find(added.id)
    assert check is not None
    assert [each.is_answered for each in check.records if each.purpose == "dkim"] == [False]


async def test_a_database_that_is_away_is_asked_again_in_a_minute(watched: Watched) -> None:
    added = watched.platform.domains.add(NAME, "default", assume_verified=True)
    watched.publish_keys(added)
    watched.broken = True
    await watched.turn()
    assert watched.watch._rounds._trouble == "away"
    watched.broken = False
    await watched.turn()
    assert watched.questions() == 0
    await watched.turn(AFTER_TROUBLE_MS)
    assert watched.names == ["domain_verified"]


async def test_rnd1_no_more_than_so_many_are_looked_at_at_once(watched: Watched) -> None:
    held = asyncio.Event()
    names = [f"d{number}.example" for number in range(AT_ONCE + 3)]
    for name in names:
        watched.platform.domains.add(name, "default")
        watched.zone.held[f"_angarium.{name}"] = held
    watched.platform.publish()

    def asked() -> int:
        return sum(watched.zone.queries[f"_angarium.{name}", "TXT"] > 0 for name in names)

    async with asyncio.TaskGroup() as tasks:
        await watched.watch.turn(tasks)
        async with asyncio.timeout(60):
            while asked() < AT_ONCE:
                await asyncio.sleep(0.01)
        await watched.watch.turn(tasks)
        await asyncio.sleep(0.05)
        assert asked() == AT_ONCE
        held.set()
    async with asyncio.TaskGroup() as tasks:
        await watched.watch.turn(tasks)
    assert asked() == len(names)


async def test_what_is_removed_is_forgotten(watched: Watched) -> None:
    watched.platform.domains.add(NAME, "default", assume_verified=True)
    await watched.turn()
    assert len(watched.spool.keepsakes.read("domain/")) == 1
    watched.platform.domains.remove(NAME)
    await watched.turn()
    assert watched.spool.keepsakes.read("domain/") == {}
