"""Mirrors angarium/service/tenancy_start.py, snapshots.py, ingress/tenant_logins.py and platform/tenancy_publisher.py,
and tenancy/signing.py.
"""

import asyncio
from collections.abc import Iterator, Set
from pathlib import Path
from typing import cast

import pytest

from angarium.access.credentials import Credentials, Refused, Verified
from angarium.config.loader import parse
from angarium.config.schema import Config
from angarium.dkim import KeyRing, SigningKey
from angarium.dkim.keygen import generate
from angarium.host.sysexits import EX_CONFIG, EX_TEMPFAIL, StartError
from angarium.queue.model import UnixMs
from angarium.service.ingress.tenant_logins import TenantLogins
from angarium.service.platform.tenancy_publisher import TenancyPublisher
from angarium.service.snapshots import snapshots_of
from angarium.service.tenancy_start import prepare_tenancy
from angarium.tenancy import SnapshotFile, TenancySetupError
from angarium.tenancy.keys import KeyWish, NewKey
from angarium.tenancy.platform import Platform
from angarium.tenancy.secret_file import Secrets, make_secret_file, secret_path
from angarium.tenancy.signing import TenantKeyRing

GONE = '[tenancy]\ndatabase = "postgresql://joe:geheim@/x?host=/nonexistent"\n'


def config_of(folder: Path, more: str = "") -> Config:
    text = f'[server]\nhostname = "mx.example.com"\ndata_dir = "{folder}"\n{more}'
    return parse(text, folder / "angarium.toml")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path)


@pytest.fixture
def platform(config: Config) -> Iterator[Platform]:
    make_secret_file(secret_path(config), None)
    with Platform.open(config, actor="tests") as opened:
        yield opened


def clock() -> UnixMs:
    return UnixMs(1_800_000_000_000)


class FileUsers:
    """Knows joe."""

    def find_cached(self, user: str, password: str) -> Verified | None:
        return None

    async def verify(self, user: str, password: str, client: str) -> Verified | Refused:
        if (user, password) == ("joe", "secret"):
            return Verified(user="joe", tenant="default", senders=("*",))
        return Refused()

    def shown_name(self, user: str) -> str:
        return "unknown"

    def on_changed(self, callback: object) -> None:
        pass

    def refresh(self) -> None:
        pass


def logins_of(snapshots: SnapshotFile) -> TenantLogins:
    return TenantLogins(cast(Credentials, FileUsers()), snapshots, clock)


def smtp_key(platform: Platform, tenant: str = "default", **wish: object) -> NewKey:
    made = platform.keys.create(KeyWish(tenant=tenant, kind="smtp", **wish))  # type: ignore[arg-type]
    platform.publish()
    return made


# -- start and watch


def test_a_start_makes_the_secret_and_no_database(tmp_path: Path, config: Config) -> None:
    prepare_tenancy(config, None)
    assert [each.name for each in tmp_path.iterdir()] == ["tenancy.key"]


def test_a_start_publishes_what_is_in_the_database(
    tmp_path: Path, config: Config, platform: Platform
) -> None:
    platform.tenants.create("shop")
    (tmp_path / "platform.snapshot").write_bytes(b"of another time")
    prepare_tenancy(config, None)
    assert snapshots_of(config).current.is_active("shop")


def test_a_database_that_is_no_database_stops_the_start(tmp_path: Path, config: Config) -> None:
    (tmp_path / "platform.db").write_bytes(b"nothing that SQLite knows" * 100)
    with pytest.raises(StartError, match=r"platform\.db") as found:
        prepare_tenancy(config, None)
    assert found.value.code == EX_CONFIG


def test_a_server_that_is_away_stops_the_first_start_only(
    tmp_path: Path, platform: Platform
) -> None:
    away = config_of(tmp_path, GONE)
    with pytest.raises(StartError) as found:
        prepare_tenancy(away, None)
    assert found.value.code == EX_TEMPFAIL
    assert "geheim" not in str(found.value)
    platform.publish()
    prepare_tenancy(away, None)


async def looked(publisher: TenancyPublisher) -> None:
    """Let it look once."""
    running = asyncio.create_task(publisher.run())
    async with asyncio.timeout(60):
        while publisher.looks == 0:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])


async def test_the_publisher_makes_no_database_and_publishes_what_others_change(
    tmp_path: Path, config: Config
) -> None:
    publisher = TenancyPublisher(config)
    await looked(publisher)
    assert list(tmp_path.iterdir()) == []
    make_secret_file(secret_path(config), None)
    with Platform.open(config, actor="tests") as platform:
        platform.tenants.create("shop")
    publisher = TenancyPublisher(config)
    await looked(publisher)
    assert snapshots_of(config).current.is_active("shop")
    assert publisher.notes() == ()


async def test_the_publisher_says_that_the_database_is_away_and_what_was_published_holds(
    tmp_path: Path, platform: Platform
) -> None:
    made = smtp_key(platform)
    away = config_of(tmp_path, GONE)
    publisher = TenancyPublisher(away)
    await looked(publisher)
    (note,) = publisher.notes()
    assert note.startswith("tenants are as they last were: tenancy.database: postgresql")
    assert "geheim" not in note
    assert made.key.id in snapshots_of(away).current.keys


# -- log-ins


async def test_a_key_logs_in_under_any_name_as_its_tenants_domains(
    config: Config, platform: Platform
) -> None:
    platform.tenants.create("shop")
    platform.domains.add("shop.example", "shop", assume_verified=True)
    platform.domains.add("pending.example", "shop")
    made = smtp_key(platform, "shop")
    logins = logins_of(snapshots_of(config))
    found = logins.find_cached("whoever", made.text)
    assert found == Verified(user=made.key.id, tenant="shop", senders=("@shop.example",))
    assert await logins.verify(made.key.id, made.text, "192.0.2.1") == found
    assert logins.shown_name(made.key.id) == made.key.id
    assert logins.shown_name("whoever") == "unknown"


async def test_who_has_no_key_is_looked_for_in_the_file(config: Config, platform: Platform) -> None:
    logins = logins_of(snapshots_of(config))
    assert isinstance(await logins.verify("joe", "secret", "192.0.2.1"), Verified)
    made = smtp_key(platform)
    logins.refresh()
    assert isinstance(await logins.verify(made.key.id, made.text + "x", "192.0.2.1"), Refused)


async def test_where_a_key_may_be_used_is_asked_with_the_clients_address(
    config: Config, platform: Platform
) -> None:
    made = smtp_key(platform, networks=["192.0.2.0/24"])
    logins = logins_of(snapshots_of(config))
    assert logins.find_cached(made.key.id, made.text) is None
    assert isinstance(await logins.verify("x", made.text, "192.0.2.9"), Verified)
    assert isinstance(await logins.verify("x", made.text, "198.51.100.9"), Refused)


def test_who_loses_or_gets_a_right_is_told_and_nobody_else(
    config: Config, platform: Platform
) -> None:
    platform.tenants.create("shop")
    first, second = smtp_key(platform), smtp_key(platform, "shop")
    logins = logins_of(snapshots_of(config))
    told: list[Set[str]] = []
    logins.on_changed(told.append)
    platform.keys.create(KeyWish(tenant="shop"))
    platform.tenants.create("other")
    platform.publish()
    logins.refresh()
    assert told == []
    platform.domains.add("shop.example", "shop", assume_verified=True)
    platform.publish()
    logins.refresh()
    assert told.pop() == {second.key.id}
    platform.tenants.set_active("shop", False)
    platform.publish()
    logins.refresh()
    assert told.pop() == {second.key.id}
    platform.keys.revoke(first.key.id)
    platform.publish()
    logins.refresh()
    assert told == [{first.key.id}]


# -- signing


def test_a_tenants_mail_is_signed_by_its_domains_key_and_others_by_the_configurations(
    config: Config, platform: Platform
) -> None:
    platform.tenants.create("shop")
    added = platform.domains.add("shop.example", "shop", assume_verified=True)
    platform.publish()
    ours = SigningKey(domain="shop.example", selector="s1", private=generate("ed25519"))
    ring = TenantKeyRing(snapshots_of(config), platform.secrets, KeyRing([ours]))
    (found,) = ring.find("Shop.example", "shop")
    assert (found.domain, found.selector) == ("shop.example", added.keys[0].selector)
    assert ring.find("Shop.example", "shop")[0].private is found.private
    assert ring.find("shop.example", "default") == (ours,)
    assert ring.find("shop.example") == (ours,)
    assert ring.find("news.shop.example", "shop") == (ours,)
    assert ring.find("other.example", "shop") == ()


def test_mail_is_signed_as_whoever_accepted_it_knew_before_its_process_knows(
    config: Config, platform: Platform
) -> None:
    platform.tenants.create("mill")
    platform.domains.add("mill.example", "mill", assume_verified=True)
    platform.publish()
    snapshots = snapshots_of(config)
    ring = TenantKeyRing(snapshots, platform.secrets, KeyRing())
    before, told = snapshots.current, []
    snapshots.on_changed(told.append)
    platform.tenants.set_alignment("mill", "relaxed")
    platform.publish()
    assert [each.domain for each in ring.find("news.mill.example", "mill")] == ["mill.example"]
    assert (snapshots.current, told) == (before, [])
    snapshots.refresh()
    assert told == [before]
    assert snapshots.newest() is snapshots.current


def test_a_wrong_secret_lets_nothing_go_unsigned(config: Config, platform: Platform) -> None:
    platform.domains.add("shop.example", "default", assume_verified=True)
    platform.publish()
    ring = TenantKeyRing(snapshots_of(config), Secrets({1: bytes(32)}), KeyRing())
    with pytest.raises(TenancySetupError, match="does not open"):
        ring.find("shop.example", "default")
