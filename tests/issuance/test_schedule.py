"""Mirrors angarium/issuance/schedule.py and trouble.py."""

import random

import pytest

from angarium.issuance import schedule
from angarium.issuance.model import HostStatus, Trouble, Validity
from angarium.issuance.schedule import HOUR_MS, ORDERS_PER_HOUR, next_order
from angarium.issuance.trouble import told_trouble
from angarium.queue.model import UnixMs

URL = "https://authority.example/directory"
HOST = "t.shop.example"
NOW = UnixMs(1_800_000_000_000)
DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000
TROUBLE = Trouble(kind="unreachable", text="x", remedy="y")


def at(ms: int) -> UnixMs:
    return UnixMs(NOW + ms)


def issued_for(days: int) -> tuple[HostStatus, Validity]:
    return HostStatus(directory_url=URL), Validity(begins=NOW, ends=at(days * DAY_MS))


def test_a_host_without_a_certificate_gets_one_at_once() -> None:
    assert next_order(HOST, HostStatus(), None, URL) == 0


@pytest.mark.parametrize("days", [6, 90, 398])
def test_a_certificate_is_renewed_when_a_third_of_its_life_is_left(days: int) -> None:
    status, validity = issued_for(days)
    left = validity.ends - next_order(HOST, status, validity, URL)
    assert 1 / 3 <= left / (days * DAY_MS) < 1 / 3 + 0.04
    # Those that were issued together are not renewed together
    others = {next_order(f"t{each}.example", status, validity, URL) for each in range(50)}
    assert len(others) > 40


def test_a_certificate_of_another_authority_is_exchanged_at_once() -> None:
    status, validity = issued_for(90)
    assert next_order(HOST, status, validity, "https://other.example/") == 0


def test_failures_are_followed_by_ever_longer_waits() -> None:
    status, waits, now = HostStatus(), [], NOW
    for _ in range(14):
        status = schedule.failed(schedule.begun(status, now), TROUBLE, now)
        waits.append((status.not_before - now) // MINUTE_MS)
        assert next_order(HOST, status, None, URL) >= status.not_before
        now = status.not_before
    assert waits[:5] == [5, 10, 20, 40, 80]
    assert waits[-3:] == [1440, 1440, 1440]
    assert status.trouble == TROUBLE


def test_an_order_that_nothing_more_is_heard_of_has_failed() -> None:
    """As after a kill: what is on disk is what was there before the order."""
    status = schedule.begun(HostStatus(), NOW)
    assert next_order(HOST, status, None, URL) == at(5 * MINUTE_MS)


def test_what_the_authority_asks_for_is_kept_to_but_for_no_longer_than_a_day() -> None:
    def waits(trouble: Trouble) -> int:
        return schedule.failed(schedule.begun(HostStatus(), NOW), trouble, NOW).not_before - NOW

    limited = told_trouble(HOST, "rateLimited", "slow down")
    assert waits(limited) == HOUR_MS
    assert waits(told_trouble(HOST, "rateLimited", "", retry_after_s=7200.0)) == 2 * HOUR_MS
    assert waits(told_trouble(HOST, "rateLimited", "", retry_after_s=9e6)) == DAY_MS


def test_success_forgets_failures_but_not_how_much_was_ordered() -> None:
    status = schedule.begun(schedule.failed(schedule.begun(HostStatus(), NOW), TROUBLE, NOW), NOW)
    after = schedule.issued(status, URL)
    assert (after.failures, after.trouble, after.directory_url) == (0, None, URL)
    assert after.attempts == status.attempts


def test_no_hour_has_more_orders_than_it_may_whatever_is_asked_for() -> None:
    """SC1: somebody asks again and again, and the server is restarted in between."""
    dice = random.Random(7)
    status, now, orders = HostStatus(), int(NOW), []
    for _ in range(3000):
        now += dice.randrange(90_000)
        if dice.random() < 0.5:
            status = schedule.asked_again(status)
        if next_order(HOST, status, None, URL) <= now:
            orders.append(now)
            status = schedule.begun(status, UnixMs(now))
            if dice.random() < 0.5:
                status = schedule.failed(status, TROUBLE, UnixMs(now))
    for first in orders:
        assert sum(first <= each < first + HOUR_MS for each in orders) <= ORDERS_PER_HOUR
    assert len(orders) > 100


def test_going_on_with_an_order_is_none_but_waits_after_it_too() -> None:
    status = schedule.cut_short(schedule.begun(HostStatus(), NOW), at(1000))
    assert len(status.attempts) == 1
    assert status.not_before == at(1000 + 10 * MINUTE_MS)


def test_what_strangers_say_is_shown_in_part_and_without_control_characters() -> None:
    trouble = told_trouble(HOST, "connection", "a\x1b[31m\r\n" + "x" * 5000)
    assert "\x1b" not in trouble.text
    assert "\n" not in trouble.text
    assert len(trouble.text) < 600
