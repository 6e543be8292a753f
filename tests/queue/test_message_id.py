"""Mirrors angarium/queue/message_id.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.queue import (
    DeliveryId,
    MessageId,
    MessageIdGenerator,
    delivery_id_text,
    message_id_ms,
    message_id_text,
    parse_delivery_id,
    parse_message_id,
)
from tests.queue.samples import START, FakeClock, make_ids

ids = st.binary(min_size=16, max_size=16).map(MessageId)


def test_ids_are_uuid_version_7_of_their_time() -> None:
    message_id = make_ids(FakeClock(START))()
    assert len(message_id) == 16
    assert message_id_ms(message_id) == START
    assert message_id[6] >> 4 == 7  # RFC 9562 section 4.2
    assert message_id[8] >> 6 == 0b10  # section 4.1


@given(st.lists(st.integers(-3, 2000), max_size=50), st.binary(min_size=10, max_size=10))
def test_ids_only_grow_even_when_the_clock_is_set_back(steps: list[int], noise: bytes) -> None:
    clock = FakeClock()
    new_id = MessageIdGenerator(clock, lambda _count: noise)
    last = b""
    for step in steps:
        clock.now += step
        message_id = new_id()
        assert message_id > last
        last = message_id


def test_more_ids_than_the_counter_holds_in_one_millisecond_go_on_in_the_next() -> None:
    new_id = make_ids(FakeClock())
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert message_id_ms(made[-1]) - START in (1, 2)


def test_queue_ids_cannot_be_guessed_c6() -> None:
    one, two = make_ids(FakeClock(), seed=1)(), make_ids(FakeClock(), seed=2)()
    assert one[:6] == two[:6]
    assert one[8:] != two[8:]


@given(ids, st.integers(0, 65_534))
def test_ids_are_read_as_they_are_written(message_id: MessageId, index: int) -> None:
    assert parse_message_id(message_id_text(message_id)) == message_id
    delivery = DeliveryId(message_id, index)
    assert parse_delivery_id(delivery_id_text(delivery)) == delivery


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "0" * 32, "0192f0c1-0000-7000-8000-00000000000g"),
        *("0192f0c10-000-7000-8000-000000000000", "0192f0c1-0000-7000-8000-0000000000 0"),
        "0192f0c1-0000-7000-8000-00000000000\u0660",  # a digit, but not ours
    ],
)
def test_what_is_not_a_message_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a message id"):
        parse_message_id(text)


@pytest.mark.parametrize("index", ["", "x", "-1", "65535", "100000", "\u0661", "1.0"])
def test_what_is_not_a_recipients_id_is_refused(index: str) -> None:
    with pytest.raises(ValueError, match="recipient"):
        parse_delivery_id(f"0192f0c1-0000-7000-8000-000000000000.{index}")
