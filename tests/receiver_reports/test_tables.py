"""Mirrors angarium/receiver_reports/tables.py, alignment.py and ownership.py."""

import pytest

from angarium.receiver_reports.alignment import Alignment, alignment_of
from angarium.receiver_reports.asked import ReportsQuery, TableQuery
from angarium.receiver_reports.dmarc_xml import read_dmarc
from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.model import TlsFailure
from angarium.receiver_reports.ownership import EVERYTHING, sight_of
from angarium.receiver_reports.tls_json import read_tls
from tests.receiver_reports.conftest import Store
from tests.receiver_reports.samples import DAY, NOW, dmarc, row, sample, tls

VENDORS = ("google", "microsoft", "yahoo", "mail_ru", "rfc9990", "latin1")


@pytest.fixture
def full(store: Store) -> Store:
    store.add(*(read_dmarc(sample(f"{each}.xml")) for each in VENDORS))
    store.add(*(read_tls(sample(f"tls_{each}.json")) for each in ("google", "microsoft")))
    return store


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("source", {"192.0.2.10": 1524, "203.0.113.99": 400, "2001:db8::10": 30}),
        ("day", {"2026-12-01": 1954}),
        ("domain", {"example.com": 1924, "news.example.com": 30}),
        (
            "organization",
            {
                "google.com": 1230,
                "Yahoo": 400,
                "Outlook.com": 310,
                "Mail.Ru": 7,
                "Reporter Example": 5,
                "Müller Ämter": 2,
            },
        ),
        (
            "result",
            {
                "dkim and spf aligned, delivered": 1200,
                "none aligned, delivered": 430,
                "spf aligned, delivered": 317,
                "dkim aligned, delivered": 5,
                "none aligned, rejected": 2,
            },
        ),
        ("policy", {"none": 1947, "quarantine": 5, "reject": 2}),
    ],
)
def test_mail_is_added_up_by_each_of_the_words(
    full: Store, by: str, expected: dict[str, int]
) -> None:
    assert full.dmarc(by) == expected


def test_each_count_is_what_it_says(full: Store) -> None:
    page = full.reader.dmarc(full.query("day"))
    assert page.rows[0].counts == page.total
    assert page.total == {
        "messages": 1954,
        "aligned": 1522,
        "dkim_aligned": 1205,
        "spf_aligned": 1517,
        "quarantined": 0,
        "rejected": 2,
        "overridden": 35,
        "reports": 6,
    }


def test_reasons_say_what_there_was_in_place_of_alignment(full: Store) -> None:
    assert full.dmarc("reason") == {
        "dkim aligned (d=example.com s=a2026, pass); spf aligned (bounce.example.com, pass)": 1200,
        "dkim none (d=, none); spf none (spammer.example, softfail)": 400,
        "dkim failed (d=example.com s=a2026, fail); spf aligned (mfrom bounce.example.com, pass)": 310,
        "dkim unaligned (d=esp.example s=k1, pass); spf unaligned (esp.example, pass);"
        " local_policy arc=pass": 30,
        "dkim failed (d=example.com s=a2026, temperror); spf aligned (mfrom example.com, pass)": 7,
        "dkim aligned (d=example.com s=a2026, pass); spf none (helo mx.example.com, none);"
        " policy_test_mode": 5,
        "dkim none; spf failed (example.com, fail)": 2,
    }


def test_what_is_beyond_the_limit_is_counted_and_summed(full: Store) -> None:
    query = TableQuery(by="source", first=DAY, end=DAY + 1, limit=1)
    page = full.reader.dmarc(query)
    assert [each.key for each in page.rows] == ["192.0.2.10"]
    assert (page.left_out, page.total["messages"]) == (2, 1954)


def test_days_are_in_order_and_others_by_how_much_there_is(store: Store) -> None:
    for day, count in ((DAY - 1, 1), (DAY, 7), (DAY - 2, 5)):
        store.add(dmarc(row(count=count), day=day))
    assert list(store.dmarc("day").items()) == [
        ("2026-11-29", 5),
        ("2026-11-30", 1),
        ("2026-12-01", 7),
    ]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("host", {"mx1.example.com": (0, 100)}),
        ("result", {"certificate-expired": (0, 100)}),
        ("policy", {"sts": (900, 100), "no-policy-found": (12, 0)}),
        ("domain", {"example.com": (900, 100), "news.example.com": (12, 0)}),
        ("day", {"2026-12-01": (912, 100)}),
        ("organization", {"Google Inc.": (900, 100), "Microsoft Corporation": (12, 0)}),
    ],
)
def test_sessions_are_added_up_by_each_of_the_words(
    full: Store, by: str, expected: dict[str, tuple[int, int]]
) -> None:
    page = full.reader.tls(full.query(by))
    found = {each.key: (each.counts["successful"], each.counts["failed"]) for each in page.rows}
    assert found == expected


def test_a_tenant_sees_its_verified_domains_and_not_those_below_that_are_anothers(
    store: Store,
) -> None:
    """RVS1"""
    names = ("example.com", "news.example.com", "a.news.example.com", "b.example.com", "x.test")
    store.add(
        dmarc(*(row(count=10**at, header_from=each) for at, each in enumerate(names))),
        *(tls(domain=each, successful=1) for each in names),
    )
    domains = [("example.com", "shop"), ("news.example.com", "paper"), ("test", "other")]
    shop, paper = sight_of("shop", domains), sight_of("paper", domains)
    assert set(store.dmarc("domain", shop)) == {"example.com", "b.example.com"}
    assert set(store.dmarc("domain", paper)) == {"news.example.com", "a.news.example.com"}
    assert set(store.dmarc("domain", sight_of("nobody", domains))) == set()
    assert len(store.dmarc("domain")) == 5
    page = store.reader.tls(store.query("domain", sight=paper))
    assert {each.key for each in page.rows} == {"news.example.com", "a.news.example.com"}
    asked = ReportsQuery(first=DAY, end=DAY + 1, kind="tls", seen=shop.narrowed(""))
    assert {each.domain for each in store.reader.reports(asked)} == {"example.com", "b.example.com"}


def test_figures_of_addresses_are_for_who_runs_the_server(store: Store) -> None:
    """RVS1"""
    for subject in ("example.com", "192.0.2.10"):
        store.writer.note(
            [Figure(provider="google", subject=subject, day=DAY, name="n", value=1.0)], NOW
        )
    tenant = sight_of("shop", [("example.com", "shop")])
    assert [each.subject for each in store.reader.figures(store.query("", sight=tenant))] == [
        "example.com"
    ]
    assert len(store.reader.figures(store.query(""))) == 2


def test_one_domain_is_asked_for_with_those_below_it(full: Store) -> None:
    assert full.dmarc("domain", EVERYTHING, "news.example.com") == {"news.example.com": 30}
    assert full.dmarc("domain", EVERYTHING, "ple.com") == {}


def test_reports_are_listed_a_page_at_a_time(full: Store) -> None:
    asked = ReportsQuery(first=DAY, end=DAY + 1, kind="dmarc", limit=4)
    first = full.reader.reports(asked)
    rest = full.reader.reports(
        ReportsQuery(first=DAY, end=DAY + 1, kind="dmarc", before=first[-1].id, limit=4)
    )
    found = [each.organization for each in (*first, *rest)]
    assert found == [
        *("Müller Ämter", "Reporter Example", "Mail.Ru", "Yahoo", "Outlook.com", "google.com")
    ]


def test_a_report_is_shown_with_all_that_it_says(full: Store) -> None:
    line = full.reader.find(5)
    assert line is not None
    assert (line.organization, line.messages, line.rows) == ("Reporter Example", 5, 1)
    head = full.reader.head(5)
    assert (head["p"], head["testing"], head["errors"]) == (
        "quarantine",
        "y",
        ["DNS of _report._dmarc took its time"],
    )
    (shown,) = full.reader.rows_of(5, 10)
    assert (shown["dkim"], shown["dkim_detail"]) == ("aligned", "d=example.com s=a2026, pass")
    assert full.reader.find(99) is None
    (policy,) = full.reader.policies_of(7, 10)
    assert policy["failures"] == [
        {
            "result": "certificate-expired",
            "count": 100,
            "mx": "mx1.example.com",
            "sending": "209.85.219.198",
            "receiving": "192.0.2.25",
            "reason": "",
            "more": "",
        }
    ]


def test_a_signature_of_the_domain_itself_shows_alignment_before_others() -> None:
    report = read_dmarc(sample("google.xml"))
    assert alignment_of(report.rows[0], "example.com") == Alignment(
        dkim="aligned",
        dkim_detail="d=example.com s=a2026, pass",
        spf="aligned",
        spf_detail="bounce.example.com, pass",
    )


def test_failures_without_a_host_are_told_of_the_domain(store: Store) -> None:
    store.add(tls(TlsFailure(result="sts-policy-fetch-error", count=3)))
    page = store.reader.tls(store.query("host"))
    assert [(each.key, each.counts["failed"]) for each in page.rows] == [("", 3)]
