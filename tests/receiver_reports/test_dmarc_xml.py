"""Mirrors angarium/receiver_reports/dmarc_xml.py."""

import time
from collections.abc import Callable

import pytest

from angarium.receiver_reports import dmarc_xml
from angarium.receiver_reports.dmarc_xml import DmarcXmlError, read_dmarc
from angarium.receiver_reports.model import AuthResult, DmarcReport, Override, PublishedPolicy
from tests.receiver_reports.samples import DAY_S, sample

VENDORS = ("google", "microsoft", "yahoo", "mail_ru", "rfc9990", "latin1")


def only(report: DmarcReport) -> tuple[str, int, bool, bool, str]:
    (row,) = report.rows
    return row.address, row.count, row.dkim, row.spf, row.header_from


def test_googles_report_is_read_with_all_results_and_reasons() -> None:
    report = read_dmarc(sample("google.xml"))
    assert (report.organization, report.report_id) == ("google.com", "13504122367214519021")
    assert (report.begin, report.end) == (DAY_S, DAY_S + 86_399)
    assert report.policy == PublishedPolicy(
        domain="example.com", p="none", sp="none", np="none", adkim="r", aspf="r", pct="100"
    )
    first, second = report.rows
    assert first.dkim_results == (
        AuthResult(domain="example.com", result="pass", selector="a2026"),
        AuthResult(domain="mx.example.net", result="pass", selector="s1"),
    )
    assert second.address == "2001:db8::10"
    assert second.header_from == "news.example.com"
    assert second.overrides == (Override(type="local_policy", comment="arc=pass"),)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("microsoft", ("192.0.2.10", 310, False, True, "example.com")),
        ("yahoo", ("203.0.113.99", 400, False, False, "example.com")),
        ("mail_ru", ("192.0.2.10", 7, False, True, "example.com")),
        ("rfc9990", ("192.0.2.10", 5, True, False, "example.com")),
        ("latin1", ("192.0.2.10", 2, False, False, "example.com")),
    ],
)
def test_each_vendors_form_comes_to_the_same(
    name: str, expected: tuple[str, int, bool, bool, str]
) -> None:
    report = read_dmarc(sample(f"{name}.xml"))
    assert only(report) == expected
    assert report.begin == DAY_S
    assert report.policy.domain == "example.com"


def test_rfc_9990_is_read_in_its_namespace_with_what_is_new_in_it() -> None:
    report = read_dmarc(sample("rfc9990.xml"))
    assert report.policy == PublishedPolicy(
        domain="example.com",
        p="quarantine",
        sp="none",
        np="reject",
        testing="y",
        discovery="treewalk",
    )
    assert report.generator == "Reporter 3.1"
    assert report.errors == ("DNS of _report._dmarc took its time",)
    (row,) = report.rows
    assert row.disposition == "none"
    # Whom a comment names is not kept
    assert row.overrides == (
        Override(type="policy_test_mode"),
        Override(type="other", comment="geprüft von"),
    )
    assert row.spf_results == (AuthResult(domain="mx.example.com", result="none", scope="helo"),)


def test_a_row_that_cannot_be_read_is_counted_and_the_others_are_taken() -> None:
    report = read_dmarc(sample("latin1.xml"))
    assert report.organization == "Müller Ämter"
    assert report.skipped == 1
    assert report.skipped_why == "record 2: <source_ip> is no address: 'unknown'"


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(
    "recoded",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("UTF-8", "UTF-16").replace("utf-8", "utf-16").encode("utf-16"),
        lambda text: b"\r\n \n" + text.encode(),
        lambda text: (
            text.replace("UTF-8", "windows-1252").replace("utf-8", "windows-1252").encode("cp1252")
        ),
        lambda text: text.encode("latin-1"),
    ],
    ids=["BOM", "UTF-16", "behind blanks", "windows-1252", "latin-1 that says UTF-8"],
)
def test_encodings_make_no_difference(name: str, recoded: Callable[[str], bytes]) -> None:
    text = sample(f"{name}.xml").decode("latin-1" if name == "latin1" else "utf-8")
    text = text.replace("ISO-8859-1", "UTF-8")
    if '<?xml version="1.0"?>' in text:
        text = text.replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>')
    expected = read_dmarc(text.encode())
    assert read_dmarc(recoded(text)) == expected


HEAD = (
    b"<report_metadata><org_name>o</org_name><report_id>1</report_id>"
    b"<date_range><begin>%d</begin><end>%d</end></date_range></report_metadata>"
    b"<policy_published><domain>example.com</domain><p>none</p></policy_published>"
)


def made(inner: bytes = b"", begin: int = DAY_S, end: int = DAY_S + 86_399) -> bytes:
    return b"<feedback>" + HEAD % (begin, end) + inner + b"</feedback>"


def test_a_report_without_rows_is_one() -> None:
    assert read_dmarc(made()).rows == ()


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "it is no XML"),
        (b"<html><body/></html>", "its root is <html>"),
        (made()[:-20], "it is no XML from line 1 on: "),
        (made().replace(b"<org_name>o</org_name>", b""), "<report_metadata><org_name>"),
        (made().replace(b"<report_id>1</report_id>", b""), "<report_metadata><report_id>"),
        (made().replace(b"<domain>example.com</domain>", b""), "<policy_published><domain>"),
        (made().replace(b"<begin>", b"<begin>x"), "<begin> is no number"),
        (made(begin=0), "<begin> is 0"),
        (made(end=DAY_S + 40 * 86_400), "spans 40 days"),
        (made(b"<record><row><source_ip>x</source_ip></row></record>"), "none of its records"),
        (b"<!DOCTYPE feedback><feedback/>", "a DTD or entities"),
        (b'<!DOCTYPE f [<!ENTITY a "b">]><feedback>&a;</feedback>', "a DTD or entities"),
        (
            b'<!DOCTYPE f SYSTEM "file:///etc/passwd"><feedback/>',
            "a DTD or entities",
        ),
        (made(b"&nbsp;"), "undefined entity"),
        (b'<?xml version="1.0" encoding="TF-8"?>' + made(), "in an encoding that is none"),
        (made(b"<a>" * 20 + b"</a>" * 20), "nested more than 16 deep"),
        (made(b"<a b='" + b"x" * 5000 + b"'/>"), "octets of attributes"),
        (made(b"<a" + b"".join(b" b%d='x'" % each for each in range(900)) + b"/>"), "attributes"),
        (made(b"<!--" + b"x" * (1 << 20)), "no end"),
        (made(b"<a b='" + b"x" * (4 << 20)), "no end"),
    ],
    ids=[
        *("nothing", "a page", "cut", "no organization", "no id", "no domain", "no number"),
        *("no time", "a long span", "no rows that are any", "DTD", "entity", "external", "nbsp"),
        "TF-8",
        *("deep", "a long attribute", "many attributes", "an endless comment", "an endless tag"),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(octets: bytes, why: str) -> None:
    """C3"""
    with pytest.raises(DmarcXmlError) as raised:
        read_dmarc(octets)
    assert why in str(raised.value)


def test_the_number_of_records_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """C3"""
    monkeypatch.setattr(dmarc_xml, "MAX_ROWS", 3)
    record = b"<record><row><source_ip>192.0.2.1</source_ip><count>1</count></row></record>"
    assert len(read_dmarc(made(record * 3)).rows) == 3
    with pytest.raises(DmarcXmlError, match="more than 3 records"):
        read_dmarc(made(record * 4))


def test_the_number_of_elements_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """C3"""
    monkeypatch.setattr(dmarc_xml, "MAX_ELEMENTS", 1000)
    with pytest.raises(DmarcXmlError, match="1,000 elements"):
        read_dmarc(made(b"<x/>" * 1001))


def test_a_billion_laughs_cost_nothing() -> None:
    """C3"""
    entities = b"".join(
        b'<!ENTITY l%d "%s">' % (each, b"&l%d;" % (each - 1) * 10) for each in range(1, 12)
    )
    octets = b'<!DOCTYPE f [<!ENTITY l0 "lol">' + entities + b"]><feedback>&l11;</feedback>"
    began = time.process_time()
    with pytest.raises(DmarcXmlError, match="DTD"):
        read_dmarc(octets)
    assert time.process_time() - began < 0.5


def test_long_texts_are_cut_and_results_are_bounded() -> None:
    results = b"<dkim><domain>d.example</domain><result>pass</result></dkim>" * 100
    report = read_dmarc(
        made(
            b"<record><row><source_ip>192.0.2.1</source_ip><count>1</count></row><auth_results>"
            + results
            + b"</auth_results></record>"
        ).replace(b"<org_name>o", b"<org_name>" + b"o" * 2_000_000)
    )
    assert len(report.organization) == 255
    assert len(report.rows[0].dkim_results) == 32


def test_terminal_escapes_of_a_reporter_go_nowhere() -> None:
    """L4"""
    report = read_dmarc(made().replace(b"<org_name>o", "<org_name>a\u202eb\u0085c ".encode()))
    assert report.organization == "a b c"
