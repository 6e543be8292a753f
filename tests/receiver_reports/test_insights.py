"""Mirrors angarium/receiver_reports/insights.py, insight_facts.py and standing.py: each rule, and its edge."""

from collections.abc import Mapping

import pytest

from angarium.queue.model import UnixMs
from angarium.receiver_reports.figures import Figure, Source
from angarium.receiver_reports.insight_facts import find_insights
from angarium.receiver_reports.insights import READY_DAYS, Insight
from angarium.receiver_reports.model import DmarcRow, TlsFailure
from angarium.receiver_reports.ownership import EVERYTHING, Sight, sight_of
from angarium.receiver_reports.poll_state import PollKeeper
from angarium.receiver_reports.standing import standing_of
from tests.receiver_reports.conftest import Store
from tests.receiver_reports.samples import DAY, NOW, dmarc, row, tls

OWN: Mapping[str, str] = {"192.0.2.10": "ip1", "192.0.2.11": "ip2"}
STRANGER = "203.0.113.99"


def found(store: Store, sight: Sight = EVERYTHING) -> dict[str, Insight]:
    return {each.kind: each for each in find_insights(store.reader, DAY, sight, OWN)}


def unaligned(count: int, address: str = "192.0.2.10", signed_by: str = "example.com") -> DmarcRow:
    return row(address, count, dkim=False, spf=False, signed_by=signed_by)


def month(store: Store, *rows: DmarcRow, days: int = READY_DAYS, p: str = "none") -> None:
    for day in range(DAY - days + 1, DAY + 1):
        store.add(dmarc(*rows, day=day, p=p))


def test_nothing_follows_from_nothing(store: Store) -> None:
    assert found(store) == {}


def test_an_own_source_that_is_not_aligned_is_told_of_with_the_reason(store: Store) -> None:
    store.add(dmarc(row(count=95), unaligned(5)))
    insight = found(store)["own_source_unaligned"]
    assert insight.verdict == "warn"
    assert insight.text == (
        "5 of 100 mails from ip1 (192.0.2.10) as example.com within 7 days were not aligned; mostly DKIM failed"
        " (d=example.com s=s, fail), SPF failed (example.com, fail)"
    )
    assert "the signature of example.com does not hold" in insight.remedy
    assert insight.figures["unaligned"] == 5


@pytest.mark.parametrize(
    ("aligned", "broken", "verdict"),
    [(991, 9, None), (990, 10, "warn"), (901, 99, "warn"), (900, 100, "fail"), (0, 9, None)],
)
def test_it_takes_a_hundredth_to_be_told_and_a_tenth_to_be_bad(
    store: Store, aligned: int, broken: int, verdict: str | None
) -> None:
    store.add(dmarc(*([row(count=aligned)] if aligned else []), unaligned(broken)))
    insight = found(store).get("own_source_unaligned")
    assert (insight and insight.verdict) == verdict


def test_a_signature_of_another_domain_has_another_remedy(store: Store) -> None:
    bad = DmarcRow(
        address="192.0.2.10",
        count=50,
        disposition="none",
        dkim=False,
        spf=False,
        header_from="example.com",
        dkim_results=row(signed_by="esp.example").dkim_results,
    )
    store.add(dmarc(bad))
    assert "have its mail signed as example.com too" in found(store)["own_source_unaligned"].remedy


@pytest.mark.parametrize(
    ("strange", "ours", "is_told"), [(100, 1900, True), (99, 10, False), (100, 1901, False)]
)
def test_a_stranger_with_much_mail_is_told_of(
    store: Store, strange: int, ours: int, is_told: bool
) -> None:
    store.add(dmarc(row(count=ours), unaligned(strange, STRANGER)))
    assert ("strangers_send" in found(store)) == is_told


def test_what_to_do_about_strangers_depends_on_the_policy(store: Store) -> None:
    store.add(dmarc(unaligned(500, STRANGER), p="none"))
    insight = found(store)["strangers_send"]
    assert "somebody else sends as example.com: 500 of 500 mails" in insight.text
    assert "203.0.113.99 (500)" in insight.text
    assert "a stricter policy than p=none" in insight.remedy


def test_a_service_that_sends_for_us_is_no_stranger() -> None:
    def standing(aligned: int, dkim: int, spf: int) -> str:
        return standing_of(
            is_own=False, messages=100, aligned=aligned, dkim_aligned=dkim, spf_aligned=spf
        )

    assert standing(100, 100, 100) == "permitted"
    assert standing(100, 100, 0) == "signed"
    assert standing(50, 50, 0) == "stranger"
    assert standing_of(is_own=True, messages=1, aligned=0, dkim_aligned=0, spf_aligned=0) == "own"


def test_p_none_with_all_aligned_for_thirty_days_is_ready(store: Store) -> None:
    month(store, row(count=10), unaligned(50, STRANGER))
    insight = found(store)["ready_for_quarantine"]
    assert (insight.verdict, insight.subject) == ("warn", "example.com")
    assert "all of 300 mails from our sources within 30 days" in insight.text
    assert "publish p=quarantine" in insight.remedy


@pytest.mark.parametrize(
    ("rows", "days"),
    [
        ((row(count=10), unaligned(1)), READY_DAYS),
        ((row(count=10), unaligned(1, "192.0.2.11")), READY_DAYS),
        ((row(count=10),), 24),
        ((row(count=3),), READY_DAYS),
    ],
    ids=["one not aligned", "of another source", "too few days", "too little mail"],
)
def test_it_is_not_ready_otherwise(store: Store, rows: tuple[DmarcRow, ...], days: int) -> None:
    month(store, *rows, days=days)
    assert "ready_for_quarantine" not in found(store)


def test_a_forwarder_may_break_some_signatures_and_not_many(store: Store) -> None:
    forwarder = "198.51.100.7"
    month(store, row(count=980), row(forwarder, 10, spf=False), unaligned(9, forwarder))
    assert "ready_for_quarantine" in found(store)


def test_quarantine_leads_to_reject_and_reject_to_nothing(store: Store) -> None:
    month(store, row(count=10), p="quarantine")
    assert found(store)["ready_for_reject"].verdict == "ok"


@pytest.mark.parametrize(
    ("failed", "successful", "verdict"),
    [(9, 0, None), (10, 990, "warn"), (10, 1000, None), (100, 900, "fail")],
)
def test_tls_that_fails_at_a_host_is_told_of(
    store: Store, failed: int, successful: int, verdict: str | None
) -> None:
    failure = TlsFailure(result="certificate-expired", count=failed, mx="mx1.example.com")
    store.add(tls(failure, successful=successful))
    insight = found(store).get("tls_failing")
    assert (insight and insight.verdict) == verdict
    if insight is not None:
        assert insight.subject == "mx1.example.com"
        assert insight.remedy == "renew the host's certificate"


def figure(name: str, value: float | None, word: str = "", provider: Source = "google") -> Figure:
    subject = "example.com" if provider == "google" else "192.0.2.10"
    return Figure(provider=provider, subject=subject, day=DAY, name=name, value=value, word=word)


@pytest.mark.parametrize(
    ("said", "kind", "verdict"),
    [
        (figure("spam_rate", 0.0009), "spam_rate", None),
        (figure("spam_rate", 0.001), "spam_rate", "warn"),
        (figure("spam_rate", 0.003), "spam_rate", "fail"),
        (figure("compliance_dkim", None, "compliant"), "requirement_unmet", None),
        (figure("compliance_dkim", None, "needs_work"), "requirement_unmet", "fail"),
        (figure("filter_result", None, "green", "microsoft"), "address_disliked", None),
        (figure("filter_result", None, "yellow", "microsoft"), "address_disliked", "warn"),
        (figure("filter_result", None, "red", "microsoft"), "address_disliked", "fail"),
        (figure("trap_hits", 0.0, "", "microsoft"), "address_disliked", None),
        (figure("trap_hits", 2.0, "", "microsoft"), "address_disliked", "warn"),
        (figure("complaint_rate", 0.003, "0.3%", "microsoft"), "address_disliked", "warn"),
        (figure("status", 1.0, "blocked", "microsoft"), "address_disliked", "fail"),
    ],
    ids=lambda value: f"{value.name} {value.value} {value.word}" if hasattr(value, "day") else None,
)
def test_what_providers_say_themselves_is_judged(
    store: Store, said: Figure, kind: str, verdict: str | None
) -> None:
    store.writer.note([said], NOW)
    insight = found(store).get(kind)
    assert (insight and insight.verdict) == verdict
    if insight is not None and said.provider == "microsoft":
        assert "ip1 (192.0.2.10)" in insight.text


def test_only_the_newest_figure_counts(store: Store) -> None:
    old = Figure(provider="google", subject="example.com", day=DAY - 3, name="spam_rate", value=0.1)
    store.writer.note([old, figure("spam_rate", 0.0001)], NOW)
    assert found(store) == {}


def test_a_provider_that_cannot_be_asked_three_times_is_told_of(store: Store) -> None:
    keeper = PollKeeper(store.file)
    for each in range(3):
        assert "not_polled" not in found(store)
        keeper.note("google", UnixMs(NOW + each), "HTTP 403")
    insight = found(store)["not_polled"]
    assert "3 times in a row: HTTP 403" in insight.text
    tenant = sight_of("shop", [("example.com", "shop")])
    assert found(store, tenant) == {}


def test_a_tenant_is_told_of_its_own_domains(store: Store) -> None:
    """RVS1"""
    store.add(dmarc(unaligned(500, STRANGER)), dmarc(unaligned(500, STRANGER), domain="x.test"))
    tenant = sight_of("shop", [("example.com", "shop")])
    told = find_insights(store.reader, DAY, tenant, OWN)
    assert {each.subject for each in told} == {"example.com"}


def test_what_is_worst_comes_first(store: Store) -> None:
    month(store, row(count=10))
    store.writer.note([figure("spam_rate", 0.01)], NOW)
    verdicts = [each.verdict for each in find_insights(store.reader, DAY, EVERYTHING, OWN)]
    assert verdicts == ["fail", "warn"]
