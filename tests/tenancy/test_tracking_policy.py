"""Mirrors angarium/tenancy/tracking_policy.py, and how what a tenant says of tracking is kept and published."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from angarium.queue.model import UnixMs
from angarium.tenancy import SnapshotFile
from angarium.tenancy.model import NotFoundError, TenancyError, Tenant
from angarium.tenancy.platform import Platform
from angarium.tenancy.snapshot import Snapshot, SnapshotData
from angarium.tenancy.tables import TRACKING_HOST
from angarium.tenancy.tracking_policy import (
    ADDRESS_CHARACTERS,
    ADDRESS_LINES,
    TRACKING_POLICIES,
    TrackingHost,
    tidy_address,
)
from tests.tenancy.audited import audit_entries


@pytest.fixture
def platform(open_platform: Callable[..., Platform]) -> Platform:
    made = open_platform("sqlite:///platform.db")
    made.tenants.create("shop")
    return made


def test_mail_is_tracked_as_programs_have_it_until_the_tenant_says_less(platform: Platform) -> None:
    tenant = platform.tenants.find("shop")
    assert (tenant.tracking, tenant.postal_address) == ("full", "")


def test_what_a_tenant_says_of_tracking_is_set_and_published(
    platform: Platform, tmp_path: Path
) -> None:
    tenants = platform.tenants
    tenants.set_tracking("shop", policy="aggregate", postal_address="Shop \r\n 1 Main Street\n\n")
    assert audit_entries(platform)[0].action == "tenant.tracking_set"
    assert audit_entries(platform)[0].details == {
        "tracking": "aggregate",
        "postal_address": "Shop\n1 Main Street",
    }
    for policy in TRACKING_POLICIES:  # what is not given stays
        assert tenants.set_tracking("shop", policy=policy).postal_address == "Shop\n1 Main Street"
    assert tenants.set_tracking("shop", postal_address="").tracking == "full"
    tenants.set_tracking("shop", policy="none", postal_address="Shop, 1 Main Street")
    platform.publish()
    current = SnapshotFile(tmp_path).current
    assert current.tracking_of("shop") == "none"
    assert current.postal_address_of("shop") == "Shop, 1 Main Street"
    for other in ("default", "nobody"):
        assert (current.tracking_of(other), current.postal_address_of(other)) == ("full", "")


def test_a_wish_that_cannot_be_met_names_its_field_and_changes_nothing(platform: Platform) -> None:
    entries = len(audit_entries(platform))
    with pytest.raises(TenancyError) as policy:
        platform.tenants.set_tracking("shop", policy="some", postal_address="Shop")
    with pytest.raises(TenancyError) as address:
        platform.tenants.set_tracking("shop", policy="none", postal_address="Shop\x07")
    with pytest.raises(NotFoundError):
        platform.tenants.set_tracking("shed", policy="none")
    assert (policy.value.field, address.value.field) == ("tracking", "postal_address")
    assert "U+0007" in str(address.value)
    assert platform.tenants.find("shop").tracking == "full"
    assert len(audit_entries(platform)) == entries


def test_a_postal_address_is_bounded() -> None:
    assert tidy_address("\n".join("x" * ADDRESS_LINES)).count("\n") == ADDRESS_LINES - 1
    assert len(tidy_address("x" * ADDRESS_CHARACTERS)) == ADDRESS_CHARACTERS
    with pytest.raises(TenancyError, match="lines"):
        tidy_address("\n".join("x" * (ADDRESS_LINES + 1)))
    with pytest.raises(TenancyError, match="characters"):
        tidy_address("x" * (ADDRESS_CHARACTERS + 1))


def test_a_snapshot_of_before_tracks_as_it_was_told() -> None:
    tenant = Tenant(id="1", name="shop", created=UnixMs(1))
    written = msgspec.to_builtins(SnapshotData(tenants=(tenant,)))
    del written["tracking_hosts"], written["tenants"][0]["tracking"]
    octets = msgspec.msgpack.encode(written)
    assert msgspec.msgpack.decode(octets, type=SnapshotData) == SnapshotData(tenants=(tenant,))


def test_links_lead_to_the_oldest_host_that_is_verified() -> None:
    def host(name: str, tenant: str, state: str, created: int) -> TrackingHost:
        made = {"host": name, "tenant": tenant, "state": state, "created": created}
        return msgspec.convert(made, TrackingHost)

    current = Snapshot(
        SnapshotData(
            tracking_hosts=(
                host("a.shop.example", "shop", "failed", 1),
                host("b.shop.example", "shop", "verified", 2),
                host("c.shop.example", "shop", "verified", 3),
                host("t.bank.example", "bank", "pending", 4),
            )
        )
    )
    assert current.tracking_host_of("shop") == "b.shop.example"
    assert current.tracking_host_of("bank") == current.tracking_host_of("nobody") == ""
    # Links in mail of before still lead to those that are no longer verified
    assert current.find_tracking_tenant("a.shop.example") == "shop"
    assert current.find_tracking_tenant("t.bank.example") == "bank"
    assert current.find_tracking_tenant("shop.example") is None


def test_the_hosts_of_a_removed_tenant_go_with_it(platform: Platform) -> None:
    with platform.database.changing() as connection:
        tenant = platform.tenants.find("shop")
        connection.execute(
            sa.insert(TRACKING_HOST).values(host="t.shop.example", tenant_id=tenant.id, created=1)
        )
    platform.tenants.remove("shop")
    with platform.database.reading() as connection:
        assert connection.execute(sa.select(TRACKING_HOST)).all() == []
