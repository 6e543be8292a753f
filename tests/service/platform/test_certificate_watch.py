"""Mirrors angarium/service/platform/certificate_watch.py."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from angarium.config.schema import Acme
from angarium.issuance.model import HostStatus, Trouble
from angarium.issuance.schedule import HOUR_MS, ORDERS_PER_HOUR
from angarium.issuance.store import IssuanceStore
from angarium.queue import UnixMs
from angarium.queue.wall_clock import wall_clock
from angarium.service.platform.certificate_watch import CertificateWatch
from angarium.telemetry.metrics import Metrics
from angarium.tenancy.model import TrackingHostState
from tests.authority import Authority
from tests.queue.samples import FakeClock

HOST = "t.shop.example"
CONFIG = Acme(directory_url="https://authority.example/", agree_terms=True)
TROUBLE = Trouble(kind="caa", text="no", remedy="mend it")


class Watched:
    """A watch whose authority issues, or says ``trouble``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.clock.now = wall_clock()  # by which the certificates are made
        self.store = IssuanceStore(folder)
        self.states: dict[str, TrackingHostState] = {}
        self.given: set[str] = set()
        self.trouble: Trouble | None = None
        self.before: Callable[[str], None] = lambda _: None
        self.ordered: list[str] = []
        self.hurried: list[str] = []
        self.authority = Authority(folder)
        self.open()

    def open(self) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.watch = CertificateWatch(
            CONFIG,
            self.store,
            lambda _: self,
            lambda: self.states,
            self.given.__contains__,
            self.hurried.append,
            self.clock,
            self.metrics,
        )

    def resumes(self, _: str) -> bool:
        return False

    def issue(self, host: str) -> Trouble | None:
        self.before(host)
        self.ordered.append(host)
        if self.trouble is None:
            certificate, key = self.authority.server(host)
            self.store.write_certificate(host, key.read_text(), certificate.read_text())
        return self.trouble

    async def turn(self, after_ms: int = 0) -> None:
        self.clock.now = UnixMs(self.clock.now + after_ms)
        await self.watch.turn()


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


async def test_a_host_that_leads_here_gets_a_certificate_once(watched: Watched) -> None:
    watched.states[HOST] = "reached"
    await watched.turn()
    assert (watched.ordered, watched.hurried) == ([HOST], [HOST])
    assert watched.store.status(HOST).directory_url == CONFIG.directory_url
    await watched.turn(1000)
    assert watched.ordered == [HOST]


@pytest.mark.parametrize("state", ["pending", "failed"])
async def test_for_a_host_that_leads_elsewhere_nothing_is_ordered(
    watched: Watched, state: TrackingHostState
) -> None:
    watched.states[HOST] = state
    await watched.turn()
    assert watched.ordered == []


async def test_what_has_a_certificate_from_elsewhere_wants_none(watched: Watched) -> None:
    watched.states = {HOST: "verified", "t.bank.example": "reached"}
    watched.given.add("t.bank.example")
    await watched.turn()
    assert watched.ordered == []


async def test_a_certificate_is_renewed_in_time(watched: Watched) -> None:
    watched.states[HOST] = "reached"
    await watched.turn()
    watched.states[HOST] = "verified"
    validity = watched.store.find_validity(HOST)
    assert validity is not None
    third = (validity.ends - validity.begins) // 3
    watched.clock.now = UnixMs(validity.ends - third - HOUR_MS)
    await watched.turn()
    assert watched.ordered == [HOST]
    watched.clock.now = UnixMs(validity.ends - third)
    await watched.turn()
    assert watched.ordered == [HOST, HOST]


async def test_what_is_tried_is_on_disk_before_the_authority_hears_of_it(watched: Watched) -> None:
    """CW1"""
    seen: list[HostStatus] = []
    watched.before = lambda host: seen.append(watched.store.status(host))
    watched.states[HOST] = "reached"
    await watched.turn()
    assert [len(each.attempts) for each in seen] == [1]
    assert seen[0].not_before > watched.clock.now


async def test_a_server_that_is_restarted_after_each_failure_orders_no_more(
    watched: Watched,
) -> None:
    watched.states[HOST] = "reached"
    watched.trouble = TROUBLE
    for _ in range(120):
        await watched.turn(60_000)
        watched.open()
    assert len(watched.ordered) <= 2 * ORDERS_PER_HOUR
    assert watched.store.status(HOST).trouble == TROUBLE


async def test_who_has_mended_what_was_wrong_does_not_wait(watched: Watched) -> None:
    watched.states[HOST] = "reached"
    watched.trouble = TROUBLE
    await watched.turn()
    await watched.turn(60_000)
    assert len(watched.ordered) == 1
    watched.trouble = None
    watched.store.ask_again(HOST)
    watched.store.ask_again("unknown.example")
    await watched.turn(1000)
    assert len(watched.ordered) == 2
    assert watched.store.status(HOST).trouble is None
    assert watched.store.take_asked() == frozenset()


async def test_of_a_host_that_is_gone_nothing_is_kept(watched: Watched) -> None:
    watched.states = {HOST: "reached", "t.bank.example": "reached"}
    await watched.turn()
    await watched.turn(1000)
    assert watched.store.hosts() == {HOST, "t.bank.example"}
    del watched.states[HOST]
    await watched.turn(1000)
    assert watched.store.hosts() == {"t.bank.example"}
    assert not watched.store.certificate_path(HOST).exists()


async def test_without_an_authority_nothing_is_touched(watched: Watched) -> None:
    watched.states[HOST] = "reached"
    watched.watch.exchange(None)
    await watched.turn()
    assert not (watched.folder / "acme").exists()
    watched.watch.exchange(CONFIG)
    await watched.turn()
    assert watched.ordered == [HOST]


async def test_a_damaged_file_is_named_and_stops_no_other_host(
    watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    watched.store.prepare()
    (watched.folder / "acme/hosts" / f"{HOST}.json").write_text("{")
    watched.states = {HOST: "reached", "t.bank.example": "reached"}
    await watched.turn()
    assert watched.ordered == ["t.bank.example"]


async def test_an_order_that_cannot_be_noted_is_not_begun(watched: Watched) -> None:
    """CW1"""
    watched.states[HOST] = "reached"
    watched.store.prepare()
    folder = watched.folder / "acme/hosts"
    folder.rmdir()
    folder.write_text("no folder")
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on what is in its place
        await watched.turn()
    assert watched.ordered == []
