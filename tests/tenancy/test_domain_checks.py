"""Mirrors angarium/tenancy/domain_check.py and domain_checks.py."""

import msgspec
import pytest

from angarium.queue.model import UnixMs
from angarium.tenancy.domain_check import (
    DAY_MS,
    FAILED_MS,
    SOON_MS,
    CheckedRecord,
    CheckOutcome,
    DomainCheck,
    DomainHealth,
    health_of,
    next_look,
    outcome_of,
)
from angarium.tenancy.model import Domain, DomainKey
from angarium.tenancy.platform import Platform
from tests.tenancy.conftest import Clock

KEY = DomainKey(selector="s1", type="rsa", sealed=b"x", created=UnixMs(1000))
WAITING = DomainKey(selector="s2", type="rsa", sealed=b"x", created=UnixMs(1000), waits=True)
DOMAIN = Domain(
    id="d1",
    tenant="shop",
    name="shop.example",
    token="t",
    created=UnixMs(1000),
    verified=UnixMs(1000),
    keys=(KEY,),
)
PENDING = msgspec.structs.replace(DOMAIN, verified=None)


def record(purpose: str = "dkim", verdict: str | None = "ok", **more: object) -> CheckedRecord:
    names = {"dkim": "s1._domainkey.shop.example", "ownership": "_angarium.shop.example"}
    values = {
        "purpose": purpose,
        "name": names.get(purpose, f"{purpose}.shop.example"),
        "type": "TXT",
        "value": "v",
        "zone_line": "z",
        "verdict": verdict,
        **more,
    }
    return CheckedRecord(**values)  # type: ignore[arg-type]


def check(*records: CheckedRecord, at: int = 2000) -> DomainCheck:
    return DomainCheck(domain_id="d1", checked=UnixMs(at), records=records)


@pytest.mark.parametrize(
    ("found", "failed"),
    [
        (record(), ()),
        (record(verdict=None), ()),
        (record(verdict="fail"), ("s1._domainkey.shop.example",)),
        # That it is not there is a warning of the check, and no mail gets its signature verified
        (record(verdict="warn"), ("s1._domainkey.shop.example",)),
        (record(verdict="warn", is_answered=False), ()),
        (record("spf", "warn"), ("spf.shop.example",)),
        (record("dmarc", "warn"), ()),
        (record("dmarc", "fail"), ("dmarc.shop.example",)),
        (record("ownership", "fail"), ()),
        (record("return_path", "fail"), ()),
        (record(verdict="fail", name="s2._domainkey.shop.example"), ()),
    ],
)
def test_what_makes_mail_fail_is_told_from_what_does_not(
    found: CheckedRecord, failed: tuple[str, ...]
) -> None:
    domain = msgspec.structs.replace(DOMAIN, keys=(KEY, WAITING))
    assert outcome_of(domain, check(found)).failed == failed


def test_what_is_wrong_with_the_first_is_said() -> None:
    found = check(record("spf", "fail", difference="no SPF"), record("dmarc", "fail"))
    outcome = outcome_of(DOMAIN, found)
    assert (outcome.text, len(outcome.failed), outcome.is_certain) == ("no SPF", 2, True)
    assert not outcome_of(DOMAIN, check(record(is_answered=False))).is_certain


@pytest.mark.parametrize(
    ("failed", "is_certain", "before", "after"),
    [
        ((), True, "pending", "verified"),
        ((), True, "failed", "verified"),
        ((), False, "failed", "failed"),
        ((), False, "verified", "verified"),
        (("x",), False, "verified", "failed"),
    ],
)
def test_silence_makes_nothing_better_or_worse(
    failed: tuple[str, ...], is_certain: bool, before: DomainHealth, after: DomainHealth
) -> None:
    outcome = CheckOutcome(checked=UnixMs(2000), failed=failed, is_certain=is_certain)
    assert health_of(DOMAIN, outcome, before) == after
    assert health_of(PENDING, outcome, before) == "pending"


def test_a_domain_is_looked_at_at_once_then_daily_at_a_time_of_its_own() -> None:
    outcome = CheckOutcome(checked=UnixMs(2000))
    assert next_look(DOMAIN, None, 0.5) == 0
    assert next_look(DOMAIN, outcome, 0) == 2000 + DAY_MS * 3 // 4
    assert next_look(DOMAIN, outcome, 1) == 2000 + DAY_MS
    newer = msgspec.structs.replace(KEY, created=UnixMs(2001))
    assert next_look(msgspec.structs.replace(DOMAIN, keys=(newer,)), outcome, 1) == 0


def test_one_that_fails_is_looked_at_each_hour() -> None:
    outcome = CheckOutcome(checked=UnixMs(2000), failed=("x",))
    assert next_look(DOMAIN, outcome, 0.5) == 2000 + FAILED_MS


@pytest.mark.parametrize("domain", [PENDING, msgspec.structs.replace(DOMAIN, keys=(KEY, WAITING))])
def test_what_waits_is_looked_for_more_and_more_rarely(domain: Domain) -> None:
    def after(waited: int) -> int:
        at = UnixMs(1000 + waited)
        return next_look(domain, CheckOutcome(checked=at), 0.5) - at

    assert after(0) == SOON_MS
    assert after(100 * SOON_MS) == 10 * SOON_MS
    assert after(100 * DAY_MS) == DAY_MS


def test_the_last_check_is_kept_and_nothing_is_published_for_it(
    platform: Platform, clock: Clock
) -> None:
    added = platform.domains.add("shop.example", "default")
    version = platform.version()
    assert platform.domain_checks.find(added.id) is None
    for verdict in ("fail", "ok"):
        made = DomainCheck(
            domain_id=added.id, checked=clock.now, records=(record(verdict=verdict), record("mx"))
        )
        platform.domain_checks.record(made)
        assert platform.domain_checks.find(added.id) == made
    seen: list[DomainCheck] = []
    platform.domain_checks.each(seen.append)
    assert seen == [made]
    assert platform.version() == version


def test_of_a_domain_that_is_gone_nothing_is_kept(platform: Platform, clock: Clock) -> None:
    added = platform.domains.add("shop.example", "default")
    made = DomainCheck(domain_id=added.id, checked=clock.now, records=())
    platform.domain_checks.record(made)
    platform.domains.remove("shop.example")
    platform.domain_checks.record(made)
    assert platform.domain_checks.find(added.id) is None


def test_what_was_found_says_what_may_follow() -> None:
    found = check(record(), record("ownership"))
    assert found.is_proven
    assert found.found_keys(msgspec.structs.replace(DOMAIN, keys=(KEY, WAITING))) == ("s1",)
    assert not check(record("ownership", "warn")).is_proven
