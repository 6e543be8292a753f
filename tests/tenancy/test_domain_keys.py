"""Mirrors angarium/tenancy/domain_keys.py."""

from collections.abc import Callable

import pytest

from angarium.queue.model import UnixMs
from angarium.tenancy.domain_keys import RETIRED_KEPT_MS, record_may_go, record_name
from angarium.tenancy.model import BY_OPERATOR, Domain, TenancyError
from angarium.tenancy.platform import Platform
from tests.tenancy.audited import audit_entries
from tests.tenancy.conftest import Clock

NAME = "example.com"


def states(domain: Domain) -> list[str]:
    return ["waits" if each.waits else "signs" if each.signs else "retired" for each in domain.keys]


def selectors(domain: Domain) -> tuple[str, ...]:
    return tuple(each.selector for each in domain.waiting_keys)


def test_a_first_key_signs_when_its_record_is_found(platform: Platform) -> None:
    added = platform.domains.add(NAME, "default")
    assert states(added) == ["waits"]
    assert platform.domain_keys.take_over(added.id, ()) is None
    assert platform.domain_keys.take_over(added.id, ("another",)) is None
    signing = platform.domain_keys.take_over(added.id, selectors(added))
    assert signing is not None
    assert states(signing) == ["signs"]
    assert platform.domain_keys.take_over(added.id, selectors(added)) is None
    assert audit_entries(platform)[0].action == "domain.key_signs"


def test_the_operators_word_lets_a_first_key_sign_too(platform: Platform) -> None:
    assert states(platform.domains.add("a.example", "default", assume_verified=True)) == ["signs"]
    platform.domains.add(NAME, "default")
    assert states(platform.domains.set_verified(NAME, "default", by=BY_OPERATOR)) == ["signs"]


def test_the_old_key_signs_until_the_new_one_is_found_dk1(platform: Platform, clock: Clock) -> None:
    first = platform.domains.add(NAME, "default", assume_verified=True)
    clock.now = UnixMs(clock.now + 5)
    rotated = platform.domain_keys.rotate(NAME)
    assert states(rotated) == ["signs", "waits"]
    assert rotated.signing_keys == first.keys
    with pytest.raises(TenancyError, match=f"publish {record_name(rotated, rotated.keys[1])}"):
        platform.domain_keys.rotate(NAME)
    clock.now = UnixMs(clock.now + 5)
    over = platform.domain_keys.take_over(first.id, selectors(rotated))
    assert over is not None
    by_selector = {each.selector: each for each in over.keys}
    old = by_selector[first.keys[0].selector]
    assert old.retired == clock.now
    assert record_may_go(old) == clock.now + RETIRED_KEPT_MS
    assert [each.selector for each in over.signing_keys] == list(selectors(rotated))


def test_a_rotation_that_is_forced_asks_nobody(platform: Platform) -> None:
    platform.domains.add(NAME, "default", assume_verified=True)
    assert sorted(states(platform.domain_keys.rotate(NAME, force=True))) == ["retired", "signs"]
    platform.domain_keys.rotate(NAME)
    forced = platform.domain_keys.rotate(NAME, force=True)
    assert sorted(states(forced)) == ["retired", "retired", "signs"]
    assert audit_entries(platform)[0].details["by"] == BY_OPERATOR


def test_a_retired_key_is_forgotten_after_a_week_and_no_sooner(
    platform: Platform, clock: Clock
) -> None:
    first = platform.domains.add(NAME, "default", assume_verified=True)
    platform.domain_keys.rotate(NAME, force=True)
    clock.now = UnixMs(clock.now + RETIRED_KEPT_MS - 1)
    assert platform.domain_keys.forget_retired() == []
    version = platform.version()
    clock.now = UnixMs(clock.now + 1)
    ((domain, key),) = platform.domain_keys.forget_retired()
    assert (domain.name, key.selector) == (NAME, first.keys[0].selector)
    assert states(platform.domains.find(NAME)) == ["signs"]
    assert platform.version() == version + 1
    entry = audit_entries(platform)[0]
    assert (entry.action, entry.details) == (
        "domain.key_over",
        {"record": f"{key.selector}._domainkey.{NAME}"},
    )


def test_both_of_a_pair_are_found_before_they_sign(
    open_platform: Callable[..., Platform],
) -> None:
    platform = open_platform("sqlite:///platform.db")
    platform.domains.add(NAME, "default", assume_verified=True)
    pair = platform.domain_keys.rotate(NAME, types=("rsa", "ed25519"))
    one, both = selectors(pair)[:1], selectors(pair)
    assert len(both) == 2
    assert platform.domain_keys.take_over(pair.id, one) is None
    over = platform.domain_keys.take_over(pair.id, both)
    assert over is not None
    assert len(over.signing_keys) == 2
    again = platform.domain_keys.rotate(NAME)
    assert len(again.waiting_keys) == len({each.type for each in over.signing_keys})


def test_where_the_configuration_signs_a_key_waits_to_be_seen(
    open_platform: Callable[..., Platform],
) -> None:
    """Its record is there, and a newcomer's first message fails nowhere."""
    platform = open_platform("sqlite:///platform.db", is_signed=lambda name: name == NAME)
    domain = platform.domains.add(NAME, "default", assume_verified=True)
    assert (domain.status, states(domain)) == ("verified", ["waits"])
    assert states(platform.domains.add(f"x.{NAME}", "default", assume_verified=True)) == ["signs"]
    over = platform.domain_keys.take_over(domain.id, selectors(domain))
    assert over is not None
    assert states(over) == ["signs"]
    platform.domains.remove(NAME)
    platform.domains.add(NAME, "default")
    said = platform.domains.set_verified(NAME, "default", by=BY_OPERATOR)
    assert (said.status, states(said)) == ("verified", ["waits"])
