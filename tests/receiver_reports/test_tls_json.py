"""Mirrors angarium/receiver_reports/tls_json.py."""

import msgspec
import pytest

from angarium.receiver_reports.model import TlsFailure, TlsPolicy
from angarium.receiver_reports.tls_json import TlsJsonError, read_tls
from tests.receiver_reports.samples import DAY_S, sample


def test_googles_report_is_read() -> None:
    report = read_tls(sample("tls_google.json"))
    assert (report.organization, report.begin, report.end) == (
        "Google Inc.",
        DAY_S,
        DAY_S + 86_399,
    )
    assert report.contact == ""  # an address: nobody's is kept
    assert report.policies == (
        TlsPolicy(
            domain="example.com",
            type="sts",
            successful=900,
            failed=100,
            strings=(
                *("version: STSv1", "mode: enforce", "mx: mx1.example.com"),
                "max_age: 604800",
            ),
            hosts=("mx1.example.com",),
            failures=(
                TlsFailure(
                    result="certificate-expired",
                    count=100,
                    mx="mx1.example.com",
                    sending="209.85.219.198",
                    receiving="192.0.2.25",
                ),
            ),
        ),
    )


def test_numbers_as_texts_and_what_is_left_out_make_no_difference() -> None:
    report = read_tls(b"\xef\xbb\xbf" + sample("tls_microsoft.json"))
    (policy,) = report.policies
    assert (policy.domain, policy.successful, policy.failed) == ("news.example.com", 12, 0)


def changed(**fields: object) -> bytes:
    tree = msgspec.json.decode(sample("tls_google.json"))
    tree.update({name.replace("_", "-"): value for name, value in fields.items()})
    return msgspec.json.encode(tree)


def test_details_that_say_more_than_the_sum_count() -> None:
    detail = {"result-type": "starttls-not-supported", "failed-session-count": 7}
    policies = [{"policy": {"policy-type": "STS", "mx-host": "a"}, "failure-details": detail}]
    (policy,) = read_tls(changed(policies=policies)).policies
    assert (policy.type, policy.failed, policy.hosts) == ("sts", 7, ("a",))


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "it is no JSON"),
        (b"{}", "no TLS report: it has no policies"),
        (b"[1]", "no TLS report"),
        (b"[" * 100_000, "nested more than 16 deep"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "nested more than 16 deep"),
        (changed(report_id=""), "no report-id"),
        (changed(organization_name=" "), "no organization-name"),
        (changed(date_range={"start-datetime": "today"}), "start-datetime is no time: 'today'"),
        (changed(policies=[{}] * 1001), "more than 1000 policies"),
        (changed(policies=[{"failure-details": [{}] * 20_001}]), "failure-details"),
        (
            changed(policies=[{"summary": {"total-successful-session-count": -1}}]),
            "none that there can be: -1",
        ),
        (
            changed(policies=[{"summary": {"total-successful-session-count": "x"}}]),
            "is no number: 'x'",
        ),
        (
            changed(policies=[{"summary": {"total-successful-session-count": 1e300}}]),
            "none that there can be",
        ),
        (b'"' + b"x" * (5 << 20) + b'"', "4 MiB"),
    ],
    ids=[
        *("nothing", "empty", "a list", "deep lists", "deep objects", "no id", "no organization"),
        *("no time", "many policies", "many failures", "negative", "no number", "huge", "large"),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(octets: bytes, why: str) -> None:
    """C3"""
    with pytest.raises(TlsJsonError) as raised:
        read_tls(octets)
    assert why in str(raised.value)


def test_brackets_in_texts_are_no_depth() -> None:
    assert read_tls(changed(contact_info='[[[[[[[[[[[[[[[[[[[[{{{{{{{{{\\"')).policies
