"""Mirrors angarium/tenancy/tracking_hosts.py and tracking_host_check.py."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from angarium.queue.model import UnixMs
from angarium.tenancy import SnapshotFile
from angarium.tenancy.model import ConflictError, NotFoundError, TenancyError, TrackingHostState
from angarium.tenancy.platform import Platform
from angarium.tenancy.tracking_host_check import (
    DAY_MS,
    FAILED_MS,
    SOON_MS,
    HostCheck,
    HostFinding,
    HostPurpose,
    next_look,
)
from angarium.tenancy.tracking_hosts import HOST_CHARACTERS, MAX_HOSTS
from angarium.tenancy.tracking_policy import TrackingHost
from tests.tenancy.audited import audit_entries
from tests.tenancy.conftest import Clock

HOST = "t.shop.example"


@pytest.fixture
def platform(open_platform: Callable[..., Platform], url: str) -> Platform:
    made = open_platform(url, is_reserved=lambda host: host == "mx.shop.example")
    for tenant in ("shop", "bank"):
        made.tenants.create(tenant)
        made.domains.add(f"{tenant}.example", tenant, assume_verified=True)
    return made


def found(**wrong: str) -> tuple[HostFinding, ...]:
    purposes: tuple[HostPurpose, ...] = ("ownership", "dns", "answer", "certificate")
    return tuple(
        [
            HostFinding(
                purpose=each,
                verdict="fail" if each in wrong else "ok",
                expected="x",
                found=wrong.get(each, "y"),
                is_certain=wrong.get(each) != "silence",
            )
            for each in purposes
        ]
    )


def check(now: int, **wrong: str) -> HostCheck:
    return HostCheck(host=HOST, checked=UnixMs(now), findings=found(**wrong))


def test_a_host_is_taken_in_looked_at_and_used(
    platform: Platform, tmp_path: Path, clock: Clock
) -> None:
    hosts = platform.tracking_hosts
    added = hosts.add("T.Shop.example.", "shop")
    assert added == TrackingHost(host=HOST, tenant="shop", created=clock.now)
    assert hosts.find_check(HOST) is None
    platform.publish()
    current = SnapshotFile(tmp_path).current
    assert (current.tracking_host_of("shop"), current.find_tracking_tenant(HOST)) == ("", "shop")
    looked = check(clock.now)
    after = hosts.record(looked)
    assert after is not None
    assert after.state == "verified"
    assert hosts.find_check(HOST) == looked
    assert hosts.checks() == {HOST: looked}
    platform.publish()
    assert SnapshotFile(tmp_path).current.tracking_host_of("shop") == HOST
    hosts.record(check(clock.now, answer="a stranger"))
    platform.publish()
    current = SnapshotFile(tmp_path).current
    assert (current.tracking_host_of("shop"), current.find_tracking_tenant(HOST)) == ("", "shop")
    audit = [(each.action, each.details) for each in audit_entries(platform)[:3]]
    assert audit == [
        ("tracking_host.failed", {"problem": "answer: a stranger"}),
        ("tracking_host.verified", {}),
        ("tracking_host.added", {}),
    ]


def test_a_look_that_changes_nothing_is_not_published(platform: Platform, clock: Clock) -> None:
    hosts = platform.tracking_hosts
    hosts.add(HOST, "shop")
    hosts.record(check(clock.now))
    version, entries = platform.version(), len(audit_entries(platform))
    hosts.record(check(clock.now + 1))
    assert (platform.version(), len(audit_entries(platform))) == (version, entries)
    assert hosts.checks()[HOST].checked == clock.now + 1


def test_a_host_is_below_a_domain_that_its_tenant_alone_has(platform: Platform) -> None:
    """TH1"""
    hosts = platform.tracking_hosts
    platform.domains.add("waits.example", "shop")
    platform.domains.add("eu.bank.example", "shop", assume_verified=True)
    for name, text in (
        ("t.bank.example", "another tenant's"),
        ("t.waits.example", "no domain that tenant shop has verified"),
        ("t.elsewhere.example", "no domain"),
    ):
        with pytest.raises(TenancyError, match=text) as refused:
            hosts.add(name, "shop")
        assert refused.value.field == "host"
    assert hosts.add("t.eu.bank.example", "shop").tenant == "shop"
    with pytest.raises(TenancyError, match="another tenant's"):
        hosts.add("t2.eu.bank.example", "bank")
    with pytest.raises(ConflictError, match="server's own"):
        hosts.add("mx.shop.example", "shop")


def test_who_has_the_domain_now_has_its_hosts(platform: Platform) -> None:
    """TH1"""
    hosts = platform.tracking_hosts
    added = hosts.add(HOST, "shop")
    assert hosts.find_owner_problem(added) is None
    platform.domains.remove("shop.example", "shop")
    assert "no domain" in str(hosts.find_owner_problem(added))
    platform.domains.add("shop.example", "bank", assume_verified=True)
    assert "another tenant's" in str(hosts.find_owner_problem(added))
    assert hosts.add(HOST, "bank").tenant == "bank"
    assert hosts.list("shop") == []
    removed = [each for each in audit_entries(platform) if each.action == "tracking_host.removed"]
    assert [each.tenant for each in removed] == ["shop"]


@pytest.mark.parametrize(
    "name",
    ["https://t.shop.example", "t.shop.example:443", "t", "*.shop.example", "t_x.shop.example", ""],
)
def test_what_is_no_host_is_refused(platform: Platform, name: str) -> None:
    with pytest.raises(TenancyError, match=r"t\.example\.com") as refused:
        platform.tracking_hosts.add(name, "shop")
    assert refused.value.field == "host"


def test_hosts_are_bounded(platform: Platform) -> None:
    hosts = platform.tracking_hosts
    long = ".".join(["a" * 60] * 4)
    with pytest.raises(TenancyError, match=f"{HOST_CHARACTERS} characters"):
        hosts.add(f"{long[:190]}.shop.example", "shop")
    for number in range(MAX_HOSTS):
        hosts.add(f"t{number}.shop.example", "shop")
    with pytest.raises(ConflictError, match="remove one"):
        hosts.add(HOST, "shop")
    names = [each.host for each in platform.pages.tracking_hosts("shop", "", 7)]
    assert names == sorted(f"t{each}.shop.example" for each in range(MAX_HOSTS))[:7]
    assert len(platform.pages.tracking_hosts("shop", names[-1], 100)) == MAX_HOSTS - 7


def test_a_host_that_is_there_is_not_added_twice_and_may_be_removed(platform: Platform) -> None:
    hosts = platform.tracking_hosts
    hosts.add(HOST, "shop")
    with pytest.raises(ConflictError, match="already"):
        hosts.add(HOST, "shop")
    with pytest.raises(NotFoundError):
        hosts.remove(HOST, "bank")
    assert hosts.remove(HOST, "shop").host == HOST
    with pytest.raises(NotFoundError):
        hosts.find(HOST)
    # A look that was under way
    assert hosts.record(check(1)) is None


STATES: list[tuple[TrackingHostState, dict[str, str], TrackingHostState]] = [
    ("pending", {}, "verified"),
    ("pending", {"answer": "a"}, "pending"),
    ("pending", {"certificate": "c"}, "reached"),
    ("reached", {"answer": "a"}, "pending"),
    ("reached", {}, "verified"),
    ("verified", {"certificate": "c"}, "reached"),
    ("verified", {"answer": "a", "certificate": "c"}, "failed"),
    ("verified", {"ownership": "o"}, "failed"),
    ("verified", {"dns": "d"}, "verified"),
    ("failed", {"answer": "a"}, "failed"),
    ("failed", {"certificate": "c"}, "reached"),
    ("failed", {}, "verified"),
    ("verified", {"dns": "silence", "answer": "silence"}, "verified"),
    ("pending", {"answer": "silence"}, "pending"),
    ("verified", {"dns": "silence", "answer": "a"}, "failed"),
]


@pytest.mark.parametrize(("before", "wrong", "after"), STATES, ids=map(str, range(len(STATES))))
def test_what_was_found_makes_a_state(
    before: TrackingHostState, wrong: dict[str, str], after: TrackingHostState
) -> None:
    assert check(1, **wrong).state_after(before) == after


def test_a_host_is_looked_at_as_often_as_it_needs() -> None:
    created = UnixMs(1_000 * DAY_MS)
    host = TrackingHost(host=HOST, tenant="shop", created=created)
    assert next_look(host, None, 0.5) == 0
    # One of before, of the same name
    assert next_look(host, check(created - 1), 0.5) == 0

    def wait(state: TrackingHostState, waited: int) -> int:
        looked = check(created + waited)
        return next_look(msgspec.structs.replace(host, state=state), looked, 1.0) - looked.checked

    assert wait("verified", 5) == DAY_MS
    assert wait("failed", 5) == FAILED_MS
    assert wait("pending", 5) == SOON_MS
    assert wait("pending", 10 * SOON_MS * 7) == 7 * SOON_MS
    assert wait("pending", 1000 * DAY_MS) == DAY_MS
    assert wait("reached", 1000 * DAY_MS) == 10 * SOON_MS
