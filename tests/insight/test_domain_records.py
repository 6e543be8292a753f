"""Mirrors angarium/insight/domain_records.py."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from angarium.config.loader import parse
from angarium.config.schema import Feedback
from angarium.dkim import SigningKey
from angarium.dkim.keygen import generate, record_text
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.domain_records import check_records, expected_records
from angarium.queue.model import UnixMs
from angarium.tenancy.domain_check import CheckedRecord
from angarium.tenancy.model import Domain
from tests.insight.table_dns import TableDns

CONFIG = parse(
    """
[server]
hostname = "mx.host.example"
[[source]]
name = "ip1"
address = "198.51.100.7"
[[pool]]
name = "default"
sources = [{name = "ip1"}]
""",
    Path("/etc/angarium.toml"),
)
BY_SMART_HOST = parse(
    '[server]\nhostname = "mx.host.example"\n[[route]]\ndomain = "*"\nvia = "smtp://127.0.0.1:2525"',
    Path("/etc/angarium.toml"),
)
DOMAIN = Domain(id="1", tenant="shop", name="shop.example", token="t0ken", created=UnixMs(0))
KEY = SigningKey(domain="shop.example", selector="a1", private=generate("ed25519"))
TOKEN = "angarium-domain-verification=t0ken"
ALL: Mapping[tuple[str, str], Any] = {
    ("_angarium.shop.example", "TXT"): ["something else", TOKEN],
    ("a1._domainkey.shop.example", "TXT"): [record_text(KEY.private.public_key())],
    ("shop.example", "TXT"): ["v=spf1 ip4:8.8.4.4 -all"],
    ("_dmarc.shop.example", "TXT"): ["v=DMARC1; p=none"],
    ("shop.example", "MX"): ["mail.shop.example"],
}


def by_purpose(records: tuple[CheckedRecord, ...]) -> dict[str, CheckedRecord]:
    return {each.purpose: each for each in records}


def with_source(address: str) -> Any:
    source = msgspec.structs.replace(CONFIG.source[0], address=address)
    return msgspec.structs.replace(CONFIG, source=(source,))


def test_what_is_to_be_published_can_be_copied() -> None:
    found = by_purpose(expected_records(CONFIG, DOMAIN, [KEY], ["8.8.4.4"]))
    assert list(found) == ["ownership", "dkim", "spf", "dmarc", "mx"]
    assert (found["ownership"].name, found["ownership"].value) == ("_angarium.shop.example", TOKEN)
    assert found["dkim"].name == "a1._domainkey.shop.example"
    assert found["dkim"].value == record_text(KEY.private.public_key())
    assert found["spf"].value == "v=spf1 ip4:8.8.4.4 -all"
    assert found["dmarc"].value.startswith("v=DMARC1; p=none")
    assert TOKEN in found["ownership"].zone_line
    assert found["mx"].zone_line == ""
    assert {each.verdict for each in found.values()} == {None}


def test_where_the_address_is_not_known_spf_names_the_host_and_never_nobody() -> None:
    found = by_purpose(expected_records(CONFIG, DOMAIN, [KEY], []))
    assert found["spf"].value == "v=spf1 a:mx.host.example -all"
    assert "spf" not in by_purpose(expected_records(BY_SMART_HOST, DOMAIN, [KEY], []))


async def test_what_is_published_as_it_should_be_is_well() -> None:
    dns = cast(PatientDns, TableDns(ALL))
    report = await check_records(with_source("8.8.4.4"), DOMAIN, [KEY], dns)
    verdicts = {each.purpose: each.verdict for each in report.records}
    assert verdicts == dict.fromkeys(("ownership", "dkim", "spf", "dmarc", "mx"), "ok")
    assert report.is_proven
    (alignment,) = (each for each in report.findings if each.name == "alignment")
    assert alignment.verdict == "ok"  # the tenant's key counts, though the configuration has none


@pytest.mark.parametrize(
    ("purpose", "name", "kind", "there", "verdict", "found"),
    [
        ("ownership", "_angarium.shop.example", "TXT", [], "fail", "not published"),
        ("ownership", "_angarium.shop.example", "TXT", [TOKEN + "x"], "fail", TOKEN + "x"),
        ("ownership", "_angarium.shop.example", "TXT", "trouble", "warn", "no answer in time"),
        ("dkim", "a1._domainkey.shop.example", "TXT", [], "warn", "not published"),
        ("dkim", "a1._domainkey.shop.example", "TXT", ["v=DKIM1; p="], "fail", "is revoked"),
        ("spf", "shop.example", "TXT", ["v=spf1 -all"], "warn", "8.8.4.4: fail"),
        ("dmarc", "_dmarc.shop.example", "TXT", [], "warn", "no record"),
        ("mx", "shop.example", "MX", [""], "warn", "null MX"),
    ],
)
async def test_what_differs_says_what_there_is_and_what_to_do(
    purpose: str, name: str, kind: str, there: Any, verdict: str, found: str
) -> None:
    dns = cast(PatientDns, TableDns({**ALL, (name, kind): there}))
    report = await check_records(with_source("8.8.4.4"), DOMAIN, [KEY], dns)
    record = by_purpose(report.records)[purpose]
    assert record.verdict == verdict
    assert found in record.found
    assert record.remedy
    assert report.is_proven == (purpose != "ownership")
    others = {each.verdict for each in report.records if each.purpose != purpose}
    assert others == {"ok"}


async def test_the_return_path_of_the_server_is_looked_at_too() -> None:
    feedback = Feedback(return_path_domain="bounces.host.example")
    config = msgspec.structs.replace(with_source("8.8.4.4"), feedback=feedback)
    there = {
        **ALL,
        ("bounces.host.example", "MX"): ["mx.host.example"],
        ("bounces.host.example", "TXT"): ["v=spf1 -all"],
    }
    report = await check_records(config, DOMAIN, [KEY], cast(PatientDns, TableDns(there)))
    *usual, path, spf = report.records
    found = by_purpose((*usual, path))
    assert (spf.purpose, spf.type, spf.name) == ("return_path", "TXT", "bounces.host.example")
    assert (spf.verdict, spf.value) == ("warn", "v=spf1 ip4:8.8.4.4 -all")
    assert found["return_path"].zone_line == "bounces.host.example. 3600 IN MX 10 mx.host.example."
    assert found["return_path"].verdict == "ok"
    assert found["spf"].verdict == "ok"  # of the domain; that of the other is a record of its own
    assert "bounces.host.example: 8.8.4.4" in str([e.text for e in report.findings])
    there["bounces.host.example", "MX"] = []
    report = await check_records(config, DOMAIN, [KEY], cast(PatientDns, TableDns(there)))
    assert by_purpose(report.records[:-1])["return_path"].verdict == "fail"
    # Where it is the sender's own, there is one record
    own = msgspec.structs.replace(config, feedback=Feedback(return_path_domain="shop.example"))
    records = expected_records(own, DOMAIN, [KEY], ["8.8.4.4"])
    assert [each.type for each in records if each.name == "shop.example"] == ["TXT", "MX", "MX"]
