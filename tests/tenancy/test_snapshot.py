"""Mirrors angarium/tenancy/snapshot.py and snapshot_file.py."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from angarium.queue.model import UnixMs
from angarium.tenancy.keys import KeyWish, NewKey
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.platform import TOLD_MS, Platform
from angarium.tenancy.snapshot import KeyGrant, KeyProblem, Snapshot
from angarium.tenancy.snapshot_file import FILE_NAME, SnapshotFile
from tests.tenancy.conftest import Clock

SQLITE = "sqlite:///platform.db"
HOME = "192.0.2.7"


@pytest.fixture
def platform(open_platform: Callable[..., Platform]) -> Platform:
    return open_platform(SQLITE)


@pytest.fixture
def snapshots(platform: Platform, tmp_path: Path) -> SnapshotFile:
    return SnapshotFile(tmp_path)


def published(platform: Platform, snapshots: SnapshotFile) -> Snapshot:
    platform.publish()
    snapshots.refresh()
    return snapshots.current


def new_key(platform: Platform, **wish: object) -> NewKey:
    return platform.keys.create(KeyWish(tenant="default", **wish))  # type: ignore[arg-type]


def problem(found: KeyGrant | KeyProblem) -> str:
    return found.problem if isinstance(found, KeyProblem) else "none"


def test_a_key_is_found_with_the_domains_of_its_tenant(
    platform: Platform, snapshots: SnapshotFile, clock: Clock
) -> None:
    platform.domains.add("b.example", "default", assume_verified=True)
    platform.domains.add("a.example", "default", assume_verified=True)
    platform.domains.add("pending.example", "default")
    made = new_key(platform, scopes=["emails:send"])
    grant = published(platform, snapshots).find_key(made.text, clock.now, HOME)
    assert isinstance(grant, KeyGrant)
    assert grant.key == made.key
    assert grant.domains == ("a.example", "b.example")
    assert grant.allows("emails", "send")
    assert not grant.allows("emails", "read")


@pytest.mark.parametrize(
    "presented",
    [
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key + "A",
        lambda key: key.replace("_api_", "_smtp_"),
        lambda key: key.upper(),
        lambda key: key.rpartition("_")[0] + "_",
        lambda _: "ang_api_aaaaaaaaaaaaaaaa_x",
        lambda _: "",
        lambda _: "\udcff",
        lambda key: key * 10,
    ],
)
def test_what_is_not_exactly_the_key_is_unknown_sn1(
    platform: Platform,
    snapshots: SnapshotFile,
    clock: Clock,
    presented: Callable[[str], str],
) -> None:
    text = new_key(platform).text
    snapshot = published(platform, snapshots)
    assert problem(snapshot.find_key(text, clock.now, HOME)) == "none"
    assert problem(snapshot.find_key(presented(text), clock.now, HOME)) == "unknown"


def test_the_holder_of_a_key_is_told_why_it_stopped(
    platform: Platform, snapshots: SnapshotFile, clock: Clock
) -> None:
    platform.tenants.create("shop")
    revoked = new_key(platform)
    platform.keys.revoke(revoked.key.id)
    expiring = new_key(platform, lifetime_ms=1000)
    placed = new_key(platform, networks=["198.51.100.0/24"])
    disabled = platform.keys.create(KeyWish(tenant="shop"))
    platform.tenants.set_active("shop", False)
    snapshot = published(platform, snapshots)
    later = UnixMs(clock.now + 1000)
    assert problem(snapshot.find_key(revoked.text, clock.now, HOME)) == "revoked"
    assert problem(snapshot.find_key(expiring.text, clock.now, HOME)) == "none"
    assert problem(snapshot.find_key(expiring.text, later, HOME)) == "expired"
    assert problem(snapshot.find_key(placed.text, clock.now, HOME)) == "network"
    assert problem(snapshot.find_key(placed.text, clock.now, "198.51.100.9")) == "none"
    assert problem(snapshot.find_key(disabled.text, clock.now, HOME)) == "disabled"


def test_the_secret_of_before_ends_after_the_overlap(
    platform: Platform, snapshots: SnapshotFile, clock: Clock
) -> None:
    first = new_key(platform)
    second = platform.keys.rotate(first.key.id, 1000)
    snapshot = published(platform, snapshots)
    later = UnixMs(clock.now + 1000)
    assert problem(snapshot.find_key(first.text, UnixMs(later - 1), HOME)) == "none"
    assert problem(snapshot.find_key(first.text, later, HOME)) == "expired"
    assert problem(snapshot.find_key(second.text, later, HOME)) == "none"


def test_a_ses_key_is_not_presented(
    platform: Platform, snapshots: SnapshotFile, clock: Clock
) -> None:
    made = new_key(platform, kind="ses")
    snapshot = published(platform, snapshots)
    for text in (made.text, f"ang_ses_{made.key.id}_{made.text}"):
        assert problem(snapshot.find_key(text, clock.now, HOME)) == "unknown"
    assert isinstance(snapshot.grant(made.key, clock.now, HOME), KeyGrant)


def test_keys_that_ended_long_ago_are_not_handed_on(
    platform: Platform, snapshots: SnapshotFile, clock: Clock
) -> None:
    platform.keys.revoke(new_key(platform).key.id)
    new_key(platform, lifetime_ms=1)
    assert len(published(platform, snapshots).keys) == 2
    clock.now = UnixMs(clock.now + TOLD_MS + 1)
    assert len(published(platform, snapshots).keys) == 0


def test_only_a_verified_domain_of_the_tenant_is_found(
    platform: Platform, snapshots: SnapshotFile
) -> None:
    platform.tenants.create("shop")
    platform.domains.add("a.example", "shop", assume_verified=True)
    platform.domains.add("b.example", "shop")
    snapshot = published(platform, snapshots)
    assert snapshot.find_sending_domain("shop", "a.example") is not None
    assert snapshot.find_sending_domain("default", "a.example") is None
    assert snapshot.find_sending_domain("shop", "b.example") is None


def test_a_change_is_seen_when_it_is_published_and_only_then(
    platform: Platform, snapshots: SnapshotFile
) -> None:
    seen: list[tuple[int, int]] = []
    snapshots.on_changed(lambda before: seen.append((before.version, snapshots.current.version)))
    snapshots.refresh()
    assert seen == []
    version = platform.version()
    platform.publish()
    snapshots.refresh()
    snapshots.refresh()
    assert seen == [(0, version)]
    platform.tenants.create("shop")
    snapshots.refresh()
    assert len(seen) == 1
    platform.publish()
    snapshots.refresh()
    assert seen[1:] == [(version, version + 1)]


def test_a_file_that_cannot_be_read_changes_nothing_snf1(
    platform: Platform, snapshots: SnapshotFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = published(platform, snapshots)
    for _ in range(2):
        (tmp_path / FILE_NAME).write_bytes(b"\xc1")
        snapshots.refresh()
        snapshots.refresh()
        assert snapshots.current is before
    assert "is damaged" in caplog.text
    with pytest.raises(TenancySetupError, match="is damaged"):
        SnapshotFile(tmp_path)
    assert published(platform, snapshots) is not before


def test_the_file_is_closed_to_others_p8(platform: Platform, tmp_path: Path) -> None:
    platform.publish()
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_where_nothing_was_made_there_is_only_default(tmp_path: Path, clock: Clock) -> None:
    snapshot = SnapshotFile(tmp_path).current
    assert (snapshot.version, snapshot.keys) == (0, {})
    assert snapshot.domains_of("default") == ()


def test_a_certificate_is_found_by_any_of_its_names(
    platform: Platform, snapshots: SnapshotFile
) -> None:
    one = new_key(platform, certificates=["dns:a.example", "dns:b.example"]).key
    other = new_key(platform, certificates=["email:c@c.example"]).key
    snapshot = published(platform, snapshots)
    assert snapshot.find_certified(["sha256:0", "dns:b.example", "dns:a.example"]) == (one,)
    assert snapshot.find_certified(["email:c@c.example", "dns:a.example"]) == (other, one)
    assert snapshot.find_certified(["dns:c.example"]) == ()
