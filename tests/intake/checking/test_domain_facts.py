"""Mirrors angarium/intake/checking/domain_facts.py."""

from typing import Any

import msgspec
import pytest

from angarium.content.checking.mail import DomainFacts
from angarium.intake.checking.domain_facts import domain_facts
from angarium.queue.model import UnixMs
from angarium.tenancy.domain_check import NO_DMARC, CheckedRecord, DomainCheck
from angarium.tenancy.model import Domain, DomainKey

KEY = DomainKey(selector="a1", type="rsa", sealed=b"", created=UnixMs(0))
DOMAIN = Domain(
    id="1",
    tenant="shop",
    name="shop.example",
    token="t",
    created=UnixMs(0),
    verified=UnixMs(1),
    keys=(KEY,),
)


def record(purpose: Any, name: str, **more: Any) -> CheckedRecord:
    values = {"type": "TXT", "value": "x", "zone_line": "x", "verdict": "ok", **more}
    return CheckedRecord(purpose=purpose, name=name, **values)


DKIM = record("dkim", "a1._domainkey.shop.example")
SPF = record("spf", "shop.example")
DMARC = record("dmarc", "_dmarc.shop.example")
PATH = record("return_path", "b.host.example", verdict="warn", difference="-all")


def facts(
    *records: CheckedRecord, domain: Domain | None = DOMAIN, path: str | None = None
) -> DomainFacts:
    check = DomainCheck(domain_id="1", checked=UnixMs(2), records=records)
    return domain_facts("shop.example", domain, check, path)


def test_what_was_found_is_known() -> None:
    found = facts(DKIM, SPF, DMARC)
    assert (found.dkim, found.spf, found.dmarc) == ("right", "right", "right")
    assert (found.is_verified, found.is_signed, found.spf_domain) == (True, True, "shop.example")


def test_spf_is_asked_of_the_return_path() -> None:
    """Microsoft wants it to pass beside DKIM, and so both: FACTS of 550 5.7.515."""
    found = facts(DKIM, SPF, DMARC, PATH, path="b.host.example")
    assert (found.spf, found.spf_domain) == ("wrong", "b.host.example")
    assert dict(found.troubles)["spf"] == "-all"
    mx = record("return_path", "b.host.example", type="MX")
    assert facts(DKIM, SPF, DMARC, mx, path="b.host.example").spf == "unknown"


@pytest.mark.parametrize(
    ("changed", "known"),
    [
        ({"verdict": "fail"}, "wrong"),
        ({"verdict": "warn", "found": NO_DMARC}, "wrong"),
        ({"verdict": "warn", "found": "p=none; pct= mean nothing any more"}, "right"),
        ({"verdict": "warn", "is_answered": False}, "unknown"),
        ({"verdict": None}, "unknown"),
    ],
)
def test_a_dmarc_record_that_is_there_is_right(changed: dict[str, Any], known: str) -> None:
    assert facts(DKIM, SPF, msgspec.structs.replace(DMARC, **changed)).dmarc == known


def test_a_key_that_does_not_sign_yet_does_not_count() -> None:
    waiting = msgspec.structs.replace(KEY, selector="b2", waits=True)
    domain = msgspec.structs.replace(DOMAIN, keys=(KEY, waiting))
    other = record("dkim", "b2._domainkey.shop.example", verdict="fail")
    assert facts(DKIM, other, SPF, DMARC, domain=domain).dkim == "right"
    alone = msgspec.structs.replace(DOMAIN, keys=(waiting,))
    assert not facts(other, SPF, DMARC, domain=alone).is_signed


def test_who_has_not_proved_the_domain_has_it_not() -> None:
    assert not facts(DKIM, domain=None).is_verified
    assert not facts(DKIM, domain=msgspec.structs.replace(DOMAIN, verified=None)).is_verified
    assert domain_facts("shop.example", DOMAIN, None, None).dkim == "unknown"


def test_a_key_of_the_configuration_signs_too() -> None:
    alone = msgspec.structs.replace(DOMAIN, keys=())
    assert not domain_facts("shop.example", alone, None, None).is_signed
    found = domain_facts("shop.example", alone, None, None, is_signed=True)
    assert (found.is_signed, found.dkim) == (True, "unknown")
