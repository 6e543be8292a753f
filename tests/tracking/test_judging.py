"""Mirrors angarium/tracking/judging.py and angarium/tracking/fetches.py: JU1, FTC1."""

import random
from typing import Any

import pytest

from angarium.queue.events import Fetched
from angarium.queue.model import MessageId, UnixMs
from angarium.tracking import judging
from angarium.tracking.fetches import MOST_RECENT, SLACK_MS, Fetches
from angarium.tracking.judging import COMPANY_MS, HONEYPOT, PICTURE, Verdict, copy_of, judge

SENT_S = 1_800_000_000
WINDOW_MS = 2000
HOUR_MS = 3_600_000


def fetch(after_ms: int = HOUR_MS, link: int = PICTURE, **changes: Any) -> Fetched:
    fields: dict[str, Any] = {
        "at": UnixMs(SENT_S * 1000 + after_ms),
        "message_id": MessageId(bytes(16)),
        "tenant": "acme",
        "index": 0,
        "link_number": link,
        "link": "" if link < 0 else "https://shop.example/",
        "sent_s": SENT_S,
        "network": "192.0.2.0",
        "agent": "Chrome 126",
        "method": "GET",
        "signs": (),
    }
    return Fetched(**(fields | changes))


def verdict(mine: Fetched, *others: Fetched) -> Verdict:
    return judge(mine, (mine, *others), WINDOW_MS)


def test_who_reads_in_his_own_time_is_a_person() -> None:
    assert verdict(fetch()) == Verdict("human", ())
    assert verdict(fetch(link=3)) == Verdict("human", ())


@pytest.mark.parametrize(
    "sign",
    [
        *("head", "no_agent", "program", "bare_agent", "prefetch", "office_discovery"),
        *("apple_mpp", "gmail_prefetch", "gateway:mimecast"),
    ],
)
def test_what_is_certain_is_enough_alone(sign: str) -> None:
    assert verdict(fetch(signs=(sign,))) == Verdict("machine", (sign,))


def test_one_doubt_is_a_persons_and_two_are_a_machines() -> None:
    assert verdict(fetch(signs=("data_centre",))).by == "human"
    both = ("data_centre", "no_language")
    assert verdict(fetch(signs=both)) == Verdict("machine", both)


def test_through_whose_hands_a_person_opened_it_is_told() -> None:
    assert verdict(fetch(signs=("via:gmail",))) == Verdict("human", ("via:gmail",))


def test_who_reads_as_soon_as_the_mail_is_there_tries_it_out_or_is_a_proxy() -> None:
    assert verdict(fetch(1200)).by == "human"
    assert verdict(fetch(1200, signs=("data_centre",))).by == "machine"
    assert verdict(fetch(1200, signs=("via:gmail",))).by == "machine"


def test_who_waits_for_a_code_is_a_person() -> None:
    assert verdict(fetch(9000)).by == "human"
    assert verdict(fetch(9000, signs=("data_centre",))) == Verdict(
        "machine", ("data_centre", judging.SOON)
    )


def test_three_links_at_once_are_a_machines_and_two_are_a_doubt() -> None:
    links = [fetch(HOUR_MS + 400 * number, number) for number in range(3)]
    assert {verdict(each, *links).by for each in links} == {"machine"}
    assert judging.MANY_LINKS in verdict(links[0], *links).reasons
    assert verdict(links[0], links[1]) == Verdict("human", ())
    assert judging.TWO_LINKS in verdict(fetch(link=0, signs=("no_accept",)), links[1]).reasons


def test_the_same_link_twice_in_a_second_is_a_persons_both_times() -> None:
    first, second = fetch(link=2), fetch(HOUR_MS + 300, 2)
    assert verdict(first, second).by == verdict(second, first).by == "human"


def test_links_in_a_persons_pace_are_a_persons() -> None:
    links = [fetch(HOUR_MS + 5000 * number, number) for number in range(6)]
    assert {verdict(each, *links).by for each in links} == {"human"}


def test_what_is_around_the_link_that_nobody_sees_is_a_machines() -> None:
    trap = fetch(HOUR_MS + 1000, HONEYPOT, network="198.51.100.0")
    assert verdict(fetch(link=1), trap) == Verdict("machine", (judging.COMPANY,))
    assert verdict(trap).by == "machine"
    mine = fetch(HOUR_MS + 30_000, 1, network="198.51.100.0")
    assert verdict(mine, trap).by == "machine"
    elsewhere = fetch(HOUR_MS + 30_000, 1)
    assert verdict(elsewhere, trap).by == "human"
    later = fetch(HOUR_MS + 1000 + COMPANY_MS + 1, 1, network="198.51.100.0")
    assert verdict(later, trap).by == "human"


def test_a_gateways_company_is_the_gateways() -> None:
    gateway = fetch(HOUR_MS - 5000, 2, signs=("gateway:cisco",))
    assert verdict(fetch(link=1), gateway) == Verdict("machine", (judging.COMPANY,))
    assert verdict(fetch(link=1, network="203.0.113.0"), gateway).by == "human"


def test_a_look_ahead_does_not_make_a_machine_of_the_reader() -> None:
    head = fetch(HOUR_MS - 300, 1, signs=("head",))
    assert verdict(fetch(link=1), head).by == "human"


def test_what_comes_after_the_window_has_no_part() -> None:
    """JU1"""
    trap = fetch(HOUR_MS + WINDOW_MS + 1, HONEYPOT)
    assert verdict(fetch(link=1), trap).by == "human"


def test_copies_that_nobody_is_to_know_are_told_apart_by_visitor() -> None:
    named = fetch(network="a"), fetch(network="b")
    assert copy_of(named[0]) == copy_of(named[1])
    unnamed = fetch(index=-1, network="~a"), fetch(index=-1, network="~b")
    assert copy_of(unnamed[0]) != copy_of(unnamed[1])


def _session(seed: int) -> list[Fetched]:
    draw = random.Random(seed)
    found = [
        fetch(
            draw.randrange(200_000),
            draw.choice((PICTURE, HONEYPOT, 0, 1, 2, 3)),
            index=draw.randrange(4),
            network=draw.choice(("192.0.2.0", "198.51.100.0")),
            signs=draw.choice(((), (), ("data_centre",), ("head",), ("gateway:x",))),
        )
        for _ in range(120)
    ]
    return sorted(found, key=lambda each: each.at)


@pytest.mark.parametrize("seed", range(8))
def test_a_restart_anywhere_changes_no_verdict(seed: int) -> None:
    """FTC1"""
    log = list(enumerate(_session(seed), 1))
    whole: dict[int, Verdict] = {}
    straight = Fetches(WINDOW_MS)
    for sequence, each in log:
        straight.take(sequence, each)
    for judged in straight.due(UnixMs(1 << 50), len(log)):
        whole[judged.sequence] = judged.verdict

    found: dict[int, Verdict] = {}
    draw = random.Random(seed)
    fetches, acked, since, taken = Fetches(WINDOW_MS), 0, 1, 0
    for now in range(SENT_S * 1000, SENT_S * 1000 + 260_000, 500):
        if draw.random() < 0.1:  # a kill
            fetches, taken = Fetches(WINDOW_MS), acked
            for sequence, each in log:
                if since <= sequence <= acked:
                    fetches.take(sequence, each, was_judged=True)
        for sequence, each in log[taken:]:
            if each.at + 700 <= now:
                fetches.take(sequence, each)
                taken = sequence
        due = list(fetches.due(UnixMs(now), 5))
        for judged in due:
            assert judged.sequence not in found
            found[judged.sequence] = judged.verdict
            acked = judged.sequence
        fetches.settle(len(due))
        fetches.forget_old(UnixMs(now))
        since = fetches.first_sequence or acked + 1
    for judged in fetches.due(UnixMs(1 << 50), 1000):
        found[judged.sequence] = judged.verdict
    assert found == whole


def test_nothing_is_judged_before_all_that_bears_on_it_can_be_in_the_log() -> None:
    fetches = Fetches(WINDOW_MS)
    mine = fetch()
    fetches.take(7, mine)
    assert not list(fetches.due(UnixMs(mine.at + WINDOW_MS + SLACK_MS - 1), 10))
    assert [each.sequence for each in fetches.due(UnixMs(mine.at + WINDOW_MS + SLACK_MS), 10)] == [
        7
    ]
    assert fetches.next_sequence == 7
    fetches.settle(1)
    assert fetches.next_sequence is None


def test_what_is_remembered_has_an_end() -> None:
    fetches = Fetches(WINDOW_MS)
    for sequence in range(MOST_RECENT + 10):
        fetches.take(sequence, fetch(index=sequence % 1000), was_judged=True)
    assert fetches.first_sequence == 10
    fetches.forget_old(UnixMs(1 << 50))
    assert fetches.first_sequence is None
