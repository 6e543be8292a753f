"""Mirrors angarium/reputation/breaker.py, and what of standing_keepsakes.py is of it."""

import msgspec
import pytest

from angarium.config.schema import Breaker as Limits
from angarium.queue import UnixMs
from angarium.reputation import breaker as module
from angarium.reputation.breaker import Breaker, Counts, Evidence, Party, Pause, Ruling, Standing
from angarium.reputation.standing_keepsakes import encoded, party_name, read_evidence

HOUR = 3_600_000
NOW = UnixMs(1_800_000_000_000)
ACME = Party(tenant="acme")
SPRING = Party(tenant="acme", campaign="spring")


def count(
    breaker: Breaker,
    campaign: str = "",
    *,
    delivered: int = 0,
    dead: int = 0,
    complained: int = 0,
    at: int = NOW,
    sent_at: int | None = None,
    tenant: str = "acme",
    provider: str = "",
) -> None:
    counts = Counts(sent=delivered + dead, delivered=delivered, dead=dead, complained=complained)
    sent = UnixMs(at if sent_at is None else sent_at)
    breaker.count(tenant, campaign, counts, at=UnixMs(at), sent_at=sent, provider=provider)


def rulings(breaker: Breaker, now: int = NOW) -> list[Ruling]:
    """Ask until there are no more, stopping each that is to be stopped, as the one who acts does."""
    found: list[Ruling] = []
    while (ruling := breaker.next_ruling(UnixMs(now))) is not None:
        found.append(ruling)
        if ruling.standing is Standing.STOPPED:
            pause = Pause(rule=len(found), since=UnixMs(now), until=None, why=ruling.why)
            breaker.paused(ruling.party, pause)
    return found


def standings(breaker: Breaker, now: int = NOW) -> list[tuple[Party, Standing]]:
    return [(each.party, each.standing) for each in rulings(breaker, now)]


@pytest.mark.parametrize(
    ("complained", "expected"),
    [(7, None), (8, Standing.WARNED), (29, Standing.WARNED), (30, Standing.STOPPED)],
)
def test_complaints_warn_below_the_limit_of_google_and_stop_at_its_second(
    complained: int, expected: Standing | None
) -> None:
    breaker = Breaker(Limits())
    count(breaker, delivered=10_000, complained=complained)
    assert standings(breaker) == ([] if expected is None else [(ACME, expected)])


@pytest.mark.parametrize(
    ("dead", "expected"),
    [(49, None), (50, Standing.WARNED), (99, Standing.WARNED), (100, Standing.STOPPED)],
)
def test_addresses_that_do_not_exist_warn_and_stop(dead: int, expected: Standing | None) -> None:
    breaker = Breaker(Limits())
    count(breaker, delivered=1000 - dead, dead=dead)
    assert standings(breaker) == ([] if expected is None else [(ACME, expected)])


def test_the_reason_has_its_figures() -> None:
    breaker = Breaker(Limits())
    count(breaker, delivered=1000, complained=5)
    (ruling,) = rulings(breaker)
    assert ruling.why == "5 of 1000 recipients complained (0.50 %, the limit is 0.3 %)"


@pytest.mark.parametrize(
    "few", [{"delivered": 10, "complained": 2}, {"delivered": 99, "dead": 100}]
)
def test_of_few_nothing_is_concluded(few: dict[str, int]) -> None:
    breaker = Breaker(Limits())
    count(breaker, **few)
    assert rulings(breaker) == []


def test_what_is_older_than_the_window_counts_no_more() -> None:
    breaker = Breaker(Limits(window_s=7200))
    count(breaker, delivered=1000, complained=2)
    count(breaker, delivered=1000, complained=2, at=NOW + HOUR)
    assert [each for _, each in standings(breaker, NOW + HOUR)] == [Standing.WARNED]
    count(breaker, delivered=1000, complained=2, at=NOW + 2 * HOUR)
    assert standings(breaker, NOW + 2 * HOUR) == []  # 4 of 2000: warned of already
    assert breaker.ruling_of(ACME, UnixMs(NOW + 2 * HOUR)) == Ruling(
        party=ACME,
        standing=Standing.WARNED,
        why="4 of 2000 recipients complained (0.20 %, the limit is 0.08 %)",
    )


def test_a_warning_is_told_once_until_all_is_well_again() -> None:
    breaker = Breaker(Limits())
    count(breaker, delivered=10_000, complained=9)
    assert len(rulings(breaker)) == 1
    count(breaker, delivered=10)
    assert rulings(breaker) == []
    count(breaker, delivered=10_000)
    assert rulings(breaker) == []
    count(breaker, complained=20)
    assert standings(breaker) == [(ACME, Standing.WARNED)]


def test_brk2_who_goes_on_has_nothing_against_it() -> None:
    breaker = Breaker(Limits())
    count(breaker, delivered=1000, complained=10)
    assert [each for _, each in standings(breaker)] == [Standing.STOPPED]
    count(breaker, delivered=1, complained=100)
    assert rulings(breaker) == []  # it is stopped already
    breaker.resumed(ACME, UnixMs(NOW + HOUR))
    assert rulings(breaker, NOW + HOUR) == []
    # People read their mail of before and complain: of that it was stopped already
    count(breaker, complained=50, at=NOW + 2 * HOUR, sent_at=NOW)
    assert rulings(breaker, NOW + 2 * HOUR) == []
    count(breaker, delivered=1000, complained=10, at=NOW + 2 * HOUR)
    assert standings(breaker, NOW + 2 * HOUR) == [(ACME, Standing.STOPPED)]


def test_brk3_a_campaign_that_is_stopped_does_not_stop_its_tenant() -> None:
    breaker = Breaker(Limits())
    count(breaker, delivered=1000)
    count(breaker, "spring", delivered=1000, complained=20)
    assert standings(breaker) == [(SPRING, Standing.STOPPED)]
    count(breaker, "spring", complained=500)  # later ones are of it, too
    assert rulings(breaker) == []
    breaker.resumed(SPRING, UnixMs(NOW + 1))
    count(breaker, "spring", complained=500, at=NOW + 2, sent_at=NOW)
    assert rulings(breaker) == []
    assert breaker.ruling_of(ACME, NOW) == Ruling(party=ACME, standing=Standing.WELL, why="")


def test_a_tenant_is_stopped_for_what_several_campaigns_come_to() -> None:
    breaker = Breaker(Limits())
    for campaign in ("a", "b", "c"):
        count(breaker, campaign, delivered=200, complained=2)
    assert standings(breaker) == [(ACME, Standing.STOPPED)]


def test_others_are_not_touched_and_some_are_exempt() -> None:
    breaker = Breaker(Limits(exempt_tenants=("own",)))
    for tenant in ("acme", "own", "other"):
        count(breaker, tenant=tenant, delivered=1000, complained=9 if tenant != "other" else 0)
    assert standings(breaker) == [(ACME, Standing.STOPPED)]


def test_what_could_not_be_done_is_decided_again() -> None:
    breaker = Breaker(Limits())
    count(breaker, delivered=1000, complained=10)
    assert breaker.next_ruling(NOW) is not None
    assert breaker.next_ruling(NOW) is None
    breaker.judge_again(ACME)
    assert breaker.next_ruling(NOW) is not None


def test_it_goes_on_where_it_was_after_a_restart() -> None:
    before = Breaker(Limits())
    count(before, delivered=1000, complained=2)
    count(before, "spring", delivered=1000, complained=20)
    assert standings(before)[0] == (SPRING, Standing.STOPPED)
    kept = {
        party_name(each): encoded(evidence) or b"" for each, evidence in before.changed().items()
    }
    after = Breaker(Limits())
    count(after, tenant="unknown", delivered=1000, complained=10)  # is not what was kept
    after.restore(read_evidence(kept))
    assert after.pauses() == before.pauses()
    assert after.find_paused(1) == SPRING
    assert after.changed() == {}
    assert rulings(after) == []
    count(after, complained=2)
    assert standings(after) == [(ACME, Standing.STOPPED)]


def test_brk1_the_quiet_are_forgotten_but_not_the_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PARTIES", 2)
    breaker = Breaker(Limits())
    count(breaker, tenant="stopped", delivered=1000, complained=10)
    assert len(rulings(breaker)) == 1
    for tenant in ("a", "b", "c"):
        count(breaker, tenant=tenant, delivered=1)
    forgotten = [each.tenant for each, evidence in breaker.changed().items() if evidence is None]
    assert forgotten == ["a", "b"]
    assert list(breaker.pauses()) == [Party(tenant="stopped")]
    assert rulings(breaker) == []


def complaining(breaker: Breaker, now: int = NOW) -> list[tuple[Party, bool, tuple[str, ...]]]:
    return [(each.party, each.is_new, each.complaining) for each in rulings(breaker, now)]


def test_one_that_is_warned_is_named_with_each_provider_where_it_was_complained_of_once() -> None:
    breaker = Breaker(Limits())
    count(breaker, delivered=9_990)
    for _ in range(4):
        count(breaker, complained=1, provider="yahoo")
    count(breaker, complained=3, provider="gmail")
    assert complaining(breaker) == []
    count(breaker, complained=1)  # about mail of which nothing is known any more
    assert complaining(breaker) == [(ACME, True, ("yahoo", "gmail"))]
    count(breaker, delivered=1)
    assert complaining(breaker) == []
    count(breaker, complained=1, provider="gmail")
    assert complaining(breaker) == [(ACME, False, ("gmail",))]


def test_complaints_of_before_the_window_slow_nobody_down() -> None:
    breaker, later = Breaker(Limits()), NOW + 30 * HOUR
    count(breaker, complained=1, provider="yahoo")
    assert complaining(breaker) == []
    count(breaker, delivered=10_000, at=later)
    count(breaker, complained=9, provider="gmail", at=later)
    assert complaining(breaker, later) == [(ACME, True, ("gmail",))]


def test_who_is_warned_of_dead_addresses_is_not_slowed_down_for_a_complaint() -> None:
    breaker = Breaker(Limits())
    count(breaker, delivered=10_000, dead=700)
    count(breaker, complained=1, provider="yahoo")
    assert complaining(breaker) == [(ACME, True, ())]


def test_brk3_complaints_that_slow_a_campaign_down_do_not_slow_its_tenant() -> None:
    breaker = Breaker(Limits())
    count(breaker, "spring", delivered=10_000)
    count(breaker, "spring", complained=9, provider="yahoo")
    assert complaining(breaker) == [(SPRING, True, ("yahoo",)), (ACME, True, ())]
    count(breaker, complained=1, provider="gmail")
    assert complaining(breaker) == [(ACME, False, ("gmail",))]


def test_where_it_was_complained_of_is_kept_and_old_evidence_is_read() -> None:
    breaker = Breaker(Limits())
    count(breaker, delivered=10_000)
    count(breaker, complained=7, provider="yahoo")
    kept = {party_name(each): encoded(found) for each, found in breaker.changed().items()}
    after = Breaker(Limits())
    after.restore(read_evidence(kept))
    count(after, complained=1, provider="gmail")
    assert complaining(after) == [(ACME, True, ("yahoo", "gmail"))]
    old = msgspec.msgpack.encode([["acme"], 0, {}, True, None])
    assert msgspec.msgpack.decode(old, type=Evidence).complaining == {}


def test_of_too_many_providers_that_complain_the_first_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "COMPLAINING", 2)
    breaker = Breaker(Limits())
    count(breaker, delivered=10_000)
    for provider in "abc":
        count(breaker, complained=3, provider=provider)
    assert complaining(breaker) == [(ACME, True, ("b", "c"))]
