"""Mirrors angarium/mta/record/delay_notices.py."""

from angarium.mta.record.delay_notices import KEPT, PER_HOUR, WINDOW_MS, DelayNotices, Telling
from angarium.queue import Claimed, DeliveryId, MessageId, PartitionNumber, UnixMs
from angarium.smtp.envelope import Notify

NOW = UnixMs(1_800_000_000_000)


def to(domain: str = "dead.test", notify: int | None = None) -> Claimed:
    return Claimed(
        id=DeliveryId(MessageId(b"\1" * 16), 0),
        partition=PartitionNumber(0),
        forward_path=f"b@{domain}",
        domain=domain,
        notify=notify,
        orcpt=None,
        attempts=1,
        in_doubt=0,
        delay_dsn_sent=False,
        last=None,
    )


def test_of_a_dead_domain_a_sender_hears_once_in_a_while() -> None:  # DN1
    notices = DelayNotices()
    assert notices.telling("a@x.test", to(), NOW) is Telling.NOW
    for _ in range(99):
        assert notices.telling("a@x.test", to(), UnixMs(NOW + WINDOW_MS - 1)) is Telling.KNOWN
    assert notices.telling("b@x.test", to(), NOW) is Telling.NOW
    assert notices.telling("a@x.test", to("other.test"), NOW) is Telling.NOW
    assert notices.telling("a@x.test", to(), UnixMs(NOW + WINDOW_MS)) is Telling.NOW


def test_who_asked_hears_of_each_and_who_asked_for_others_of_none() -> None:  # DN1
    notices = DelayNotices()
    asked = to(notify=Notify.DELAY | Notify.FAILURE)
    tellings = {notices.telling("a@x.test", asked, NOW) for _ in range(3 * PER_HOUR)}
    assert tellings == {Telling.NOW}
    assert notices.telling("a@x.test", to(), NOW) is Telling.KNOWN
    for notify in (Notify.FAILURE, Notify(0)):
        assert notices.telling("a@x.test", to("c.test", notify), NOW) is Telling.KNOWN
    assert notices.telling("a@x.test", to("c.test"), NOW) is Telling.NOW


def test_of_many_dead_domains_a_sender_hears_bit_by_bit() -> None:  # DN1
    notices = DelayNotices()
    many = [to(f"d{n}.test") for n in range(PER_HOUR + 5)]
    first = [notices.telling("a@x.test", each, NOW) for each in many]
    assert first == [Telling.NOW] * PER_HOUR + [Telling.LATER] * 5
    assert notices.telling("b@x.test", many[-1], NOW) is Telling.NOW
    an_hour_later = UnixMs(NOW + 3_600_000)
    assert notices.telling("a@x.test", many[-1], an_hour_later) is Telling.NOW


def test_a_clock_that_stepped_back_begins_anew() -> None:
    notices = DelayNotices()
    assert notices.telling("a@x.test", to(), NOW) is Telling.NOW
    assert notices.telling("a@x.test", to(), UnixMs(NOW - 1)) is Telling.NOW


def test_what_is_remembered_is_bounded() -> None:  # invariant 8
    notices = DelayNotices()
    for n in range(KEPT + 50):
        notices.telling(f"{n}@x.test", to(), NOW)
    assert len(notices._told) == KEPT
