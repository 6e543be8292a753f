"""Mirrors angarium/mta/egress/ready.py."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.mta.egress.ready import MAX_WAIT_MS, ReadyQueue
from angarium.mta.egress.work import Group
from angarium.queue.model import UnixMs
from tests.mta.egress.fakes import head


def taken(ready: ReadyQueue) -> list[list[tuple[int, int]]]:
    groups = []
    while (group := ready.next_group()) is not None:
        groups.append([(h.id.message_id[-1], h.id.index) for h in group.heads])
    return groups


def numbers(ready: ReadyQueue) -> list[int]:
    return [group[0][0] for group in taken(ready)]


def test_recipients_of_one_message_share_a_group_up_to_the_limit() -> None:
    ready = ReadyQueue(recipients_per_message=2)
    for index in range(3):
        ready.push(head(1, index))
    ready.push(head(2))
    assert (len(ready), ready.groups) == (4, 3)
    assert taken(ready) == [[(1, 0), (1, 1)], [(1, 2)], [(2, 0)]]
    assert (len(ready), ready.groups) == (0, 0)


def test_recipients_of_some_streams_share_no_group() -> None:
    ready = ReadyQueue(2, {"bulk"})
    for message, stream in ((1, "bulk"), (2, "news")):
        for index in range(2):
            ready.push(head(message, index, stream=stream))
    assert sorted(taken(ready)) == [[(1, 0)], [(1, 1)], [(2, 0), (2, 1)]]
    ready.push(head(2, 0, stream="news"))
    ready.push(head(2, 1, stream="news"))
    ready.one_by_one = {"news"}  # a reload: what was put together is taken apart
    assert taken(ready) == [[(2, 0)], [(2, 1)]]


def test_tenants_take_turns_whatever_one_of_them_has_waiting() -> None:
    ready = ReadyQueue(1)
    for message in range(1, 5):
        ready.push(head(message, tenant="bulk"))
    ready.push(head(9, tenant="small"))
    assert numbers(ready) == [1, 9, 2, 3, 4]


def test_a_tenant_of_many_campaigns_has_no_more_turns_than_others() -> None:
    ready = ReadyQueue(1)
    for message in (1, 2, 3):
        ready.push(head(message, tenant="bulk", stream="news", campaign=f"c{message}"))
    ready.push(head(4, tenant="bulk", stream="receipts"))
    for message in (8, 9):
        ready.push(head(message, tenant="small"))
    assert numbers(ready) == [1, 8, 2, 9, 3, 4]


def test_what_is_urgent_goes_first_and_the_rest_goes_on_beside_it() -> None:
    ready = ReadyQueue(1)
    for message in range(1, 21):
        ready.push(head(message, stream="bulk", priority=5))
    for message in range(101, 121):
        ready.push(head(message, stream="transactional", priority=1))
    ready.push(head(200))  # accepted before there were priorities
    order = numbers(ready)
    assert order[:9] == [101, 102, 103, 104, 105, 106, 107, 200, 108]
    assert order[15] == 1
    assert sorted(order) == [*range(1, 21), *range(101, 121), 200]


def test_at_a_limit_of_our_own_the_shared_turn_is_not_lost_to_waits() -> None:
    """One message a second: each asks, one goes, all others wait again."""
    ready = ReadyQueue(1)
    for message in range(1, 60):
        ready.push(head(message, stream="transactional", priority=1))
        ready.push(head(100 + message, stream="bulk", priority=5))
    went: list[int] = []
    for second in range(1, 33):
        ready.end_waits(UnixMs(second * 1000))
        group = ready.next_group()
        assert group is not None
        went.append(group.heads[0].priority)
        while (group := ready.next_group()) is not None:
            ready.put_off(group, UnixMs((second + 1) * 1000))
    assert (went.count(1), went.count(5)) == (28, 4)


def test_what_waits_keeps_its_line_and_nobody_else_out_of_the_way() -> None:  # RQ2
    ready = ReadyQueue(1)
    for message in (1, 2):
        ready.push(head(message, stream="news"))
    ready.push(head(3, stream="receipts"))
    group = ready.next_group()
    assert group is not None
    ready.put_off(group, UnixMs(1_000))
    ready.push(head(4, stream="news"))
    assert (len(ready), ready.groups, ready.next_until) == (4, 1, 1_000)
    assert numbers(ready) == [3]
    ready.end_waits(UnixMs(999))
    assert numbers(ready) == []
    ready.end_waits(UnixMs(1_000))
    assert (ready.groups, ready.next_until) == (3, None)
    assert numbers(ready) == [1, 2, 4]


def test_a_clock_that_steps_back_does_not_prolong_a_wait() -> None:
    ready = ReadyQueue(1)
    ready.push(head(1))
    group = ready.next_group()
    assert group is not None
    ready.put_off(group, UnixMs(10_000_000))
    ready.end_waits(UnixMs(10_000_000 - MAX_WAIT_MS))
    assert ready.groups == 0
    ready.end_waits(UnixMs(10_000_000 - MAX_WAIT_MS - 1))
    assert ready.groups == 1


def test_of_a_group_that_is_too_large_by_now_goes_what_may() -> None:
    ready = ReadyQueue(5)
    for index in range(5):
        ready.push(head(1, index))
    ready.push(head(2))
    ready.recipients_per_message = 2
    assert (len(ready), ready.groups) == (6, 2)
    first = ready.next_group()
    assert first is not None
    assert [each.id.index for each in first.heads] == [0, 1]
    assert (len(ready), ready.groups) == (4, 2)
    ready.put_off(first, UnixMs(100))
    assert (len(ready), ready.groups) == (6, 0)
    ready.end_waits(UnixMs(100))
    assert taken(ready) == [[(1, 0), (1, 1)], [(1, 2), (1, 3)], [(1, 4)], [(2, 0)]]
    assert (len(ready), ready.groups) == (0, 0)


def test_a_group_from_another_queue_comes_last_in_its_line() -> None:
    ready = ReadyQueue(2)
    ready.push(head(1))
    ready.put(Group([head(2), head(2, 1)]))
    assert (len(ready), ready.groups) == (3, 2)
    assert taken(ready) == [[(1, 0)], [(2, 0), (2, 1)]]


def test_room_is_made_by_the_newest_of_the_longest() -> None:
    ready = ReadyQueue(1)
    for message in range(1, 9):
        ready.push(head(message, tenant="bulk"))
    ready.push(head(9, tenant="small"))
    dropped = ready.drop_newest(4)
    assert [h.id.message_id[-1] for h in dropped] == [8, 7, 6, 5]
    assert (len(ready), ready.groups) == (5, 5)
    assert [len(ready.drain()), len(ready), ready.groups] == [5, 0, 0]


def test_what_waits_makes_room_too_but_is_not_drained() -> None:
    ready = ReadyQueue(1)
    for message in (1, 2, 3):
        ready.push(head(message, stream="news"))
    group = ready.next_group()
    assert group is not None
    ready.put_off(group, UnixMs(1_000))
    ready.push(head(4))
    assert [h.id.message_id[-1] for h in ready.drop_newest(1)] == [3]
    assert [group.heads[0].id.message_id[-1] for group in ready.drain()] == [4]
    assert (len(ready), ready.groups) == (2, 0)
    assert len(ready.drop_newest(9)) == 2
    assert (len(ready), ready.next_until) == (0, None)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["push", "take", "put off", "end", "drop", "drain", "put"]),
            st.sampled_from(["a", "b"]),
            st.sampled_from(["news", "receipts"]),
        ),
        max_size=60,
    )
)
def test_no_order_of_events_loses_a_recipient_or_miscounts(
    steps: list[tuple[str, str, str]],
) -> None:  # RQ1
    ready = ReadyQueue(2)
    inside: set[int] = set()
    now = 0
    for number, (what, tenant, stream) in enumerate(steps, 1):
        if what == "push":
            ready.push(head(number, tenant=tenant, stream=stream))
            inside.add(number)
        elif what == "put":
            ready.put(Group([head(number, tenant=tenant, stream=stream)]))
            inside.add(number)
        elif what == "end":
            now += 50
            ready.end_waits(UnixMs(now))
        elif what == "drop":
            inside -= {int.from_bytes(h.id.message_id, "big") for h in ready.drop_newest(2)}
        elif what == "drain":
            for group in ready.drain():
                inside -= {int.from_bytes(h.id.message_id, "big") for h in group.heads}
        elif (group := ready.next_group()) is not None:  # type: ignore[assignment]
            if what == "put off":
                ready.put_off(group, UnixMs(now + 100))
            else:
                inside -= {int.from_bytes(h.id.message_id, "big") for h in group.heads}
        assert len(ready) == len(inside)
    ready.end_waits(UnixMs(now + 1_000))
    assert ready.groups == len(inside)
    assert sorted(numbers(ready)) == sorted(inside)


@pytest.mark.parametrize("partition", [1])
def test_recipients_of_different_partitions_never_share_a_claim(partition: int) -> None:
    ready = ReadyQueue(10)
    ready.push(head(1, 0))
    ready.push(head(1, 1, partition=partition))
    assert ready.groups == 2


def test_a_recipient_is_found_with_its_group_and_the_wait_of_its_line() -> None:
    ready = ReadyQueue(2)
    for each in (head(1, 0), head(1, 1), head(2, tenant="u")):
        ready.push(each)
    group = ready.next_group()
    assert group is not None
    ready.put_off(group, UnixMs(99))
    assert ready.find(head(1, 1).id) == (group, 99)
    found = ready.find(head(2).id)
    assert found is not None
    assert found[1] == 0
    assert ready.find(head(3).id) is None


def test_what_is_in_doubt_shares_no_transaction_with_the_rest_of_its_message() -> None:
    ready = ReadyQueue(recipients_per_message=10)
    for each in (head(1, 0), head(1, 1, in_doubt=True), head(1, 2, in_doubt=True), head(1, 3)):
        ready.push(each)
    assert taken(ready) == [[(1, 0), (1, 3)], [(1, 1), (1, 2)]]


@pytest.mark.parametrize(
    "apart",
    [
        {"in_doubt": True},
        {"sender": "a@other.example"},
        {"campaign": "spring"},
        {"stream": "bulk"},
        {"tenant": "other"},
    ],
    ids=str,
)
def test_who_waits_keeps_nobody_waiting_that_a_policy_tells_apart(apart: dict[str, Any]) -> None:
    ready = ReadyQueue(recipients_per_message=10)
    ready.push(head(1, **apart))
    ready.push(head(2))
    group = ready.next_group()
    assert group is not None
    ready.put_off(group, UnixMs(5_000))
    assert numbers(ready) == [2]
    ready.end_waits(UnixMs(5_000))
    assert numbers(ready) == [1]
