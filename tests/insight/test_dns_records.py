"""Mirrors angarium/insight/dns_records.py."""

import dns.zone
import pytest

from angarium.insight.dns_records import DnsRecord, PublishedKey, dmarc_record, wanted_records

KEY = PublishedKey(record_name="s1._domainkey.a.test", record="v=DKIM1; k=rsa; p=" + "A" * 400)


def test_all_records_are_named_in_order() -> None:
    records = wanted_records(
        hostname="mx1.a.test",
        addresses=["192.0.2.1", "2001:db8::1"],
        domains=["a.test", "b.test"],
        keys=[KEY],
    )
    assert [(each.purpose, each.type, each.name) for each in records] == [
        ("address", "A", "mx1.a.test"),
        ("address", "AAAA", "mx1.a.test"),
        ("ptr", "PTR", "1.2.0.192.in-addr.arpa"),
        ("ptr", "PTR", f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa"),
        ("spf", "TXT", "a.test"),
        ("spf", "TXT", "b.test"),
        ("dkim", "TXT", "s1._domainkey.a.test"),
        ("dmarc", "TXT", "_dmarc.a.test"),
        ("dmarc", "TXT", "_dmarc.b.test"),
    ]
    assert records[4].value == "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all"
    assert records[0].zone_line == "mx1.a.test. 3600 IN A 192.0.2.1"
    assert records[2].zone_line == "1.2.0.192.in-addr.arpa. 3600 IN PTR mx1.a.test."


def test_the_lines_are_a_zone_and_long_texts_come_back_whole() -> None:
    records = wanted_records(
        hostname="mx1.a.test", addresses=["192.0.2.1"], domains=["a.test"], keys=[KEY]
    )
    soa = "@ 3600 IN SOA ns hm 1 1 1 1 1\n@ 3600 IN NS ns\n"
    text = soa + "\n".join(each.zone_line for each in records if each.purpose != "ptr")
    zone = dns.zone.from_text(text, origin="a.test.")
    (published,) = zone.get_rdataset("s1._domainkey", "TXT") or ()
    assert b"".join(published.strings).decode() == KEY.record
    assert len(published.strings) == 2


@pytest.mark.parametrize("record", [dmarc_record("a.test")])
def test_a_sentence_names_a_record_shortly(record: DnsRecord) -> None:
    assert record.short == '_dmarc.a.test TXT "v=DMARC1; p=none; rua=mailto:dmarc@a.test"'
