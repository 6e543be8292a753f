"""Mirrors angarium/service/platform/shared_reading.py."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.queue import Event, MessageAccepted, MessageId, Origin, Position, UnixMs
from angarium.service.platform import shared_reading
from angarium.service.platform.shared_reading import SharedReading
from tests.service.fake_events import FakeEvents


def accepted(number: int, about: bytes = b"") -> Event:
    return MessageAccepted(
        at=UnixMs(number),
        message_id=MessageId(number.to_bytes(16, "big")),
        tenant="default",
        stream="default",
        reverse_path="a@example.com",
        recipients=("b@example.net",),
        size_octets=100,
        message_id_header="<1@example.com>",
        origin=Origin(kind="cli"),
        about=about,
    )


class CountedEvents(FakeEvents):
    """Counts how often an event is read."""

    def __init__(self, events: list[Event]) -> None:
        super().__init__(events)
        self.counted = 0
        self.trimmed = 0  # up to this one

    def read(self, after: int, limit: int) -> list[Position]:
        found = super().read(max(after, self.trimmed), limit)
        self.counted += len(found)
        return found


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 7), st.integers(0, 9), st.booleans()),
        max_size=60,
    )
)
def test_each_follower_reads_what_the_log_has(
    steps: list[tuple[int, int, int, bool]],
) -> None:
    """EF4: whatever the others read, whatever comes meanwhile, and however little is remembered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_reading, "KEPT_OCTETS", 8_000)
        events = CountedEvents([])
        shared = SharedReading(events)
        at = [0, 0, 0, 0]
        for who, limit, new, is_back in steps:
            events.events += [accepted(len(events.events) + each) for each in range(new)]
            after = at[who] // 2 if is_back else at[who]
            read = shared.read(after, limit)
            assert read == events.read(after, limit)
            at[who] = read[-1].sequence if read else at[who]
            assert len(shared._kept) <= 8


def test_what_several_follow_is_read_once() -> None:
    events = CountedEvents([accepted(each) for each in range(1000)])
    shared = SharedReading(events)
    for after in (0, 300, 500, 800):
        for _ in range(9):
            assert len(shared.read(after, 500)) == min(500, 1000 - after)
    assert events.counted == 1000


def test_a_follower_that_lags_far_behind_takes_nothing_from_the_others() -> None:
    """EF4."""
    events = CountedEvents([accepted(each) for each in range(1, 101)])
    shared = SharedReading(events)
    shared.read(90, 10)
    counted = events.counted
    assert [each.sequence for each in shared.read(0, 20)] == list(range(1, 21))
    assert [each.sequence for each in shared.read(92, 20)] == list(range(93, 101))
    assert events.counted == counted + 20


def test_what_was_trimmed_meanwhile_is_no_gap() -> None:
    """EF4."""
    events = CountedEvents([accepted(each) for each in range(1, 11)])
    shared = SharedReading(events)
    shared.read(0, 5)
    events.trimmed = 8
    assert [each.sequence for each in shared.read(5, 5)] == [9, 10]
    assert [each.sequence for each in shared.read(9, 5)] == [10]


def test_large_events_are_forgotten_sooner() -> None:
    large = [accepted(each, about=bytes(1 << 20)) for each in range(10)]
    events = CountedEvents(large)
    shared = SharedReading(events)
    shared.read(0, 10)
    kept = [each.event for each in shared._kept]
    assert kept == large[-3:]
    assert len(msgspec.json.encode(kept)) < 2 * shared_reading.KEPT_OCTETS
