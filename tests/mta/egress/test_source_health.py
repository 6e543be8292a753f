"""Mirrors angarium/mta/egress/source_health.py."""

from typing import Any

import msgspec

from angarium.mta.egress.source_health import (
    FIRST_MS,
    MAX_MS,
    SITES,
    SourceHealth,
    outage_text,
)
from angarium.mta.transport.outcome import Scope, Transient
from angarium.queue.model import UnixMs
from tests.mta.egress.fakes import OTHER_PATH, PATH, attempt

NOW = UnixMs(1_800_000_000_000)


def failure(now: int = NOW, *, code: int = 0, stage: str = "connect", **more: Any) -> Transient:
    enhanced = more.pop("enhanced", "4.4.1")
    made = msgspec.structs.replace(attempt(code, enhanced, stage), at=UnixMs(now), text="why")
    return Transient(made, Scope.SITE, **more)


def bind_failure(now: int = NOW) -> Transient:
    return failure(now, source_failed=True)


def test_a_source_whose_address_cannot_be_used_is_out_at_once() -> None:  # SOH1
    health = SourceHealth()
    health.failed(PATH, "s", bind_failure())
    assert not health.is_usable(PATH, NOW)
    assert health.must_give_way(PATH)
    assert health.is_usable(OTHER_PATH, NOW)
    (outage,) = health.outages()
    assert (outage.source, outage.since, outage.until) == ("ip1", NOW, NOW + FIRST_MS)
    assert outage_text(outage, UnixMs(NOW + 1_000)) == (
        "source ip1 is out: why; it is tried again in 59 s"
    )


def test_a_source_that_no_site_answers_is_out_but_not_for_one_dead_site() -> None:  # SOH1
    health = SourceHealth()
    for _ in range(100):
        health.failed(PATH, "dead", failure())
    for number in range(SITES - 2):
        health.failed(PATH, f"s{number}", failure())
    assert health.is_usable(PATH, NOW)
    health.failed(PATH, "last", failure())
    assert not health.is_usable(PATH, NOW)


def test_an_answer_in_between_ends_the_count_whatever_it_says() -> None:
    health = SourceHealth()
    for number in range(3 * SITES):
        health.failed(PATH, f"s{number}", failure())
        if number % 2:
            health.failed(PATH, "busy", failure(code=421, stage="banner"))
    assert health.is_usable(PATH, NOW)
    for number in range(3 * SITES):  # no address of its family, so nobody was asked
        health.failed(PATH, f"s{number}", failure(enhanced="4.4.4"))
    assert health.is_usable(PATH, NOW)


def test_it_is_probed_once_per_pause_and_the_pauses_grow() -> None:  # SOH2
    health, now = SourceHealth(), NOW
    health.failed(PATH, "s", bind_failure())
    pauses = []
    for _ in range(6):
        (outage,) = health.outages()
        pauses.append((outage.until - now) // 1000)
        assert not health.is_usable(PATH, UnixMs(outage.until - 1))
        now = outage.until
        assert health.is_usable(PATH, now)
        health.chosen(PATH, now)
        assert not health.is_usable(PATH, now)
        assert not health.must_give_way(PATH)  # the probe itself
        health.failed(PATH, "s", bind_failure(now))
        assert health.must_give_way(PATH)
        health.failed(PATH, "s", bind_failure(now))  # one that was under way with it
    assert pauses == [60, 120, 240, 480, 600, 600]
    assert health.outages()[0].since == NOW


def test_an_answer_to_its_probe_brings_it_back() -> None:  # SOH1
    health = SourceHealth()
    health.failed(PATH, "s", bind_failure())
    health.chosen(PATH, UnixMs(NOW + FIRST_MS))
    health.answered(PATH)
    assert health.is_usable(PATH, NOW)
    assert not health.outages()


def test_a_probe_that_nobody_heard_of_is_made_again() -> None:
    health = SourceHealth()
    health.failed(PATH, "s", bind_failure())
    health.chosen(PATH, UnixMs(NOW + FIRST_MS))
    assert not health.is_usable(PATH, UnixMs(NOW + 2 * FIRST_MS - 1))
    assert health.is_usable(PATH, UnixMs(NOW + 2 * FIRST_MS))


def test_a_clock_that_steps_back_keeps_nobody_out() -> None:
    health = SourceHealth()
    health.failed(PATH, "s", bind_failure())
    assert health.is_usable(PATH, UnixMs(NOW + FIRST_MS - MAX_MS - 1))
    health.forget()
    assert health.is_usable(PATH, NOW)
