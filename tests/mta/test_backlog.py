"""Mirrors angarium/mta/backlog.py, over a due index that is a sorted list."""

import bisect
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.mta import backlog
from angarium.mta.backlog import BEHIND_PAGE, FRESH_MS, PAGE, Backlog, Lane
from angarium.queue.model import DeliveryId, DueHead, MessageId, PartitionNumber, UnixMs
from angarium.queue.spool import DuePage, position


def head(number: int, domain: str, due: int = 0, partition: int = 0, tenant: str = "t") -> DueHead:
    return DueHead(
        partition=PartitionNumber(partition),
        due=UnixMs(due),
        id=DeliveryId(MessageId(number.to_bytes(16, "big")), 0),
        tenant=tenant,
        domain=domain,
        octets=100,
    )


class Index:
    """A partition's due index in memory; what is claimed is removed."""

    def __init__(self, heads: list[DueHead], number: int = 0) -> None:
        self.number = PartitionNumber(number)
        self.entries = sorted((self._key(h), h) for h in heads)
        self.read = 0

    @staticmethod
    def _key(h: DueHead) -> bytes:
        return position(h.due, h.id.message_id, h.id.index)

    def add(self, h: DueHead) -> None:
        bisect.insort(self.entries, (self._key(h), h))

    def claim(self, h: DueHead) -> None:
        self.entries.remove((self._key(h), h))

    def due(self, upto: UnixMs, limit: int, cursor: bytes | None = None) -> DuePage:
        start = bisect.bisect_left(self.entries, (cursor or b"",))
        found = [e for e in self.entries[start:] if e[1].due <= upto]
        self.read += len(found[:limit])
        more = found[limit][0] if len(found) > limit else None
        return DuePage(tuple(h for _, h in found[:limit]), more)


class Rig:
    """A backlog with a list of what it loaded, and an index that forgets what is claimed."""

    def __init__(self, heads: list[DueHead], ready_limit: int = 10, lane_limit: int = 4) -> None:
        self.index = Index(heads)
        self.loaded: list[DueHead] = []
        self.backlog = Backlog(
            [self.index],
            lambda h: Lane(tenant=h.tenant, provider=h.domain, stream=h.stream),
            lambda h, _: self.loaded.append(h),
            ready_limit=ready_limit,
            lane_limit=lane_limit,
        )

    def read_all(self, now: int = 100) -> None:
        for _ in range(1000):
            if not self.backlog.read(UnixMs(now)):
                return
        raise AssertionError("reads without an end")

    def claim(self, h: DueHead) -> None:
        self.loaded.remove(h)
        self.index.claim(h)
        self.backlog.unload(h.id)


def test_a_slow_lane_does_not_keep_a_fast_one_from_being_read() -> None:
    rig = Rig([head(n, "slow") for n in range(50)] + [head(n, "fast") for n in range(50, 53)])
    rig.read_all()
    assert Counter(h.domain for h in rig.loaded) == {"slow": 4, "fast": 3}


def test_a_lane_is_filled_again_when_half_of_it_is_gone_and_reads_no_more_than_it_must() -> None:
    rig = Rig([head(n, "slow") for n in range(20)])
    rig.read_all()
    first = list(rig.loaded)
    rig.claim(first[0])
    rig.read_all()
    assert len(rig.loaded) == 3  # more than half full: not yet
    rig.claim(first[1])
    rig.read_all()
    assert [h.id.message_id[-1] for h in rig.loaded] == [2, 3, 4, 5]


def test_nothing_is_read_while_memory_is_full() -> None:
    rig = Rig([head(n, f"d{n}") for n in range(30)])
    rig.read_all()
    assert len(rig.loaded) == 10
    assert not rig.backlog.read(UnixMs(100))
    rig.claim(rig.loaded[0])
    rig.read_all()
    assert [h.id.message_id[-1] for h in rig.loaded] == list(range(1, 11))


def test_what_is_not_due_is_left_alone() -> None:
    rig = Rig([head(1, "a", due=100), head(2, "a", due=101)])
    rig.read_all(now=100)
    assert [h.id.message_id[-1] for h in rig.loaded] == [1]
    rig.backlog.wake()
    rig.read_all(now=101)
    assert [h.id.message_id[-1] for h in rig.loaded] == [1, 2]


def test_a_recipient_committed_in_the_same_millisecond_with_a_lower_id_is_found() -> None:
    rig = Rig([head(9, "a", due=100)])
    rig.read_all(now=100)
    rig.index.add(head(3, "a", due=100))
    rig.backlog.wake()
    rig.read_all(now=100)
    assert [h.id.message_id[-1] for h in rig.loaded] == [9, 3]


def test_what_a_slow_commit_put_in_front_of_the_cursor_is_found_by_stepping_back() -> None:
    rig = Rig([head(9, "a", due=5000)])
    rig.read_all(now=5000)
    rig.index.add(head(3, "a", due=4990))
    rig.backlog.wake()
    rig.read_all(now=5000)
    assert len(rig.loaded) == 1
    rig.backlog.step_back(UnixMs(3000))
    rig.read_all(now=5000)
    assert [h.id.message_id[-1] for h in rig.loaded] == [9, 3]


def test_what_was_put_back_is_loaded_again_once() -> None:
    rig = Rig([head(n, "a") for n in range(4)])
    rig.read_all()
    for h in rig.loaded[2:]:
        rig.backlog.put_back(h)
    rig.loaded = rig.loaded[:2]
    rig.read_all()
    assert [h.id.message_id[-1] for h in rig.loaded] == [0, 1, 2, 3]


def test_rewinding_loads_nothing_twice() -> None:
    rig = Rig([head(n, "a") for n in range(9)])
    rig.read_all()
    rig.backlog.rewind()
    rig.read_all()
    assert len(rig.loaded) == 4


def test_a_mountain_keeps_nobody_waiting_who_comes_after_it() -> None:
    mountain = [head(n, "big", due=n) for n in range(20 * PAGE)]
    rig = Rig([*mountain, head(20 * PAGE, "single", due=100_000)], ready_limit=100)
    for _ in range(3):
        assert rig.backlog.read(UnixMs(100_000))
    assert Counter(h.domain for h in rig.loaded) == {"big": 4, "single": 1}
    rig.index.add(head(20 * PAGE + 1, "next", due=100_001))
    rig.backlog.wake()
    for _ in range(2):
        assert rig.backlog.read(UnixMs(100_001))
    assert rig.loaded[-1].domain == "next"
    # And the mountain is read to its end, once
    before = rig.index.read
    rig.read_all(now=100_001)
    assert rig.index.read - before <= 20 * PAGE
    assert sorted(h.domain for h in rig.loaded) == ["big"] * 4 + ["next", "single"]


@pytest.mark.parametrize("pages", [(PAGE, BEHIND_PAGE, FRESH_MS), (3, 2, 4)], ids=str)
@given(
    domains=st.lists(st.sampled_from("aaab"), min_size=1, max_size=60),
    steps=st.lists(st.integers(0, 5), max_size=200),
)
def test_everything_due_is_loaded_exactly_once_in_any_order_of_events(
    pages: tuple[int, int, int], domains: list[str], steps: list[int]
) -> None:  # BL1, BL2
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(("PAGE", "BEHIND_PAGE", "FRESH_MS"), pages, strict=True):
            patch.setattr(backlog, name, value)
        _load_all(domains, steps)


def _load_all(domains: list[str], steps: list[int]) -> None:
    rig = Rig([head(n, d, due=n // 3) for n, d in enumerate(domains)], ready_limit=6, lane_limit=4)
    total, done, now = len(domains), [], 0
    for step in [*steps, *[1, 2] * (total + 10)]:
        if step == 0:
            now += 3
            rig.backlog.wake()
        elif step == 1:
            rig.backlog.read(UnixMs(now))
        elif step == 2 and rig.loaded:
            done.append(rig.loaded[0])
            rig.claim(rig.loaded[0])
        elif step == 3 and rig.loaded:
            last = rig.loaded.pop()
            rig.backlog.put_back(last)
        elif step == 4:
            now += 30
            rig.backlog.wake()
        elif step == 5:
            rig.backlog.step_back(UnixMs(now - 3))
    now += 1000
    rig.backlog.wake()
    for _ in range(200):
        rig.backlog.read(UnixMs(now))
        assert len(rig.backlog) == len(rig.loaded) <= 6
        for h in list(rig.loaded):
            done.append(h)
            rig.claim(h)
    assert sorted(h.id for h in done) == sorted(head(n, "").id for n in range(total))


def test_what_is_stopped_of_a_lane_keeps_the_rest_on_disk_no_longer() -> None:
    stopped: set[str] = set()
    rig = Rig([head(n, "d", tenant="big") for n in range(9)])
    rig.backlog._lane_of = lambda h: Lane(
        tenant=h.tenant,
        provider=h.domain,
        stream=h.stream,
        apart="stopped" if h.id.message_id[-1] < 6 and stopped else "",
    )
    rig.read_all()
    assert [h.id.message_id[-1] for h in rig.loaded] == [0, 1, 2, 3]  # the lane is full
    stopped.add("they are")
    assert [rig.backlog.renew_lane(h) for h in rig.loaded] == [True] * 4
    assert [rig.backlog.renew_lane(h) for h in rig.loaded] == [False] * 4
    rig.read_all()
    assert [h.id.message_id[-1] for h in rig.loaded] == [0, 1, 2, 3, 6, 7, 8]
    stopped.clear()
    for h in list(rig.loaded):
        rig.claim(h)
    rig.read_all()
    assert [h.id.message_id[-1] for h in rig.loaded] == [4, 5]  # none is lost
