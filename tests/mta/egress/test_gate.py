"""Mirrors angarium/mta/egress/gate.py."""

from hypothesis import given
from hypothesis import strategies as st

from angarium.mta.egress.gate import ConnectionGate, GateKey

A, B = GateKey("ip1", "gmail"), GateKey("ip1", "yahoo")


def test_a_throttle_is_a_ceiling_per_source_and_provider() -> None:  # invariant 6
    gate, called = ConnectionGate(10), []
    assert gate.try_open(A, 2, lambda: None)
    assert gate.try_open(A, 2, lambda: None)

    def waits() -> None:
        called.append("a")

    assert not gate.try_open(A, 2, waits)
    assert gate.try_open(B, 2, lambda: None)
    assert gate.is_awaited(A, by_other_than=print)
    assert not gate.is_awaited(A, by_other_than=waits)
    assert not gate.is_awaited(B, by_other_than=print)
    gate.closed(A)
    assert called == ["a"]
    assert not gate.is_awaited(A, by_other_than=print)


def test_the_limit_over_all_wakes_whoever_waits_for_another_provider() -> None:
    gate, called = ConnectionGate(1), []
    assert gate.try_open(A, 5, lambda: None)
    assert not gate.try_open(B, 5, lambda: called.append("b"))
    assert gate.is_awaited(A, by_other_than=print)  # closing one of A is what B waits for
    gate.closed(A)
    assert called == ["b"]


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.booleans()), max_size=100))
def test_no_order_of_events_passes_a_limit_or_forgets_a_waiter(
    steps: list[tuple[GateKey, bool]],
) -> None:
    gate = ConnectionGate(4)
    opened = {A: 0, B: 0}
    waiting = {A: 0, B: 0}

    def attempt(key: GateKey) -> None:
        def when_free() -> None:
            waiting[key] -= 1
            attempt(key)

        if gate.try_open(key, 3, when_free):
            opened[key] += 1
        else:
            waiting[key] += 1

    for key, opens in steps:
        if opens:
            attempt(key)
        elif opened[key]:
            opened[key] -= 1
            gate.closed(key)
        assert gate.open(A) == opened[A] <= 3
        assert gate.open(B) == opened[B] <= 3
        assert gate.total == opened[A] + opened[B] <= 4
        for each in (A, B):
            assert not waiting[each] or opened[each] == 3 or gate.total == 4


def test_who_waits_no_longer_keeps_nobody_from_staying() -> None:
    gate, called = ConnectionGate(1), []

    def waits() -> None:
        called.append("b")

    assert gate.try_open(A, 1, lambda: None)
    assert not gate.try_open(A, 1, waits)
    gate.forget(A, waits)
    assert not gate.is_awaited(A, by_other_than=print)
    gate.closed(A)
    assert called == []


def test_as_many_leave_as_are_over_a_lowered_limit() -> None:
    gate = ConnectionGate(10)
    for _ in range(5):
        assert gate.try_open(A, 5, lambda: None)
    assert not gate.is_over(A, 5)
    left = 0
    for _ in range(5):  # each asks after its transfer
        if gate.is_over(A, 2):
            gate.leave(A)
            left += 1
    assert left == 3
    for _ in range(left):
        gate.closed(A)
    assert gate.open(A) == 2
    assert not gate.is_over(A, 2)
    assert gate.is_over(A, 1)  # none of those that left is counted any more


def test_a_lowered_limit_over_all_makes_connections_leave_too() -> None:
    gate = ConnectionGate(4)
    for key in (A, A, B, B):
        assert gate.try_open(key, 2, lambda: None)
    gate.limit = 3
    assert gate.is_over(A, 2)
    gate.leave(A)
    assert not gate.is_over(B, 2)
    gate.closed(A)
    assert not gate.is_over(A, 2)
    assert not gate.try_open(A, 2, lambda: None)
