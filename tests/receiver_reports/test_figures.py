"""Mirrors angarium/receiver_reports/snds.py, figures_csv.py and postmaster_tools.py: what files and answers say."""

from datetime import date

import msgspec
import pytest

from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.figures_csv import FiguresCsvError, read_figures_csv
from angarium.receiver_reports.postmaster_tools import (
    METRICS,
    AnswerError,
    read_compliance,
    read_domains,
    read_stats,
    stats_body,
)
from angarium.receiver_reports.snds import SndsError, read_data, read_status
from tests.receiver_reports.samples import DAY, sample

TODAY = date(2026, 12, 2)


def by_name(figures: list[Figure], subject: str) -> dict[str, float | str]:
    return {
        each.name: each.word if each.value is None else each.value
        for each in figures
        if each.subject == subject
    }


def test_sndss_csv_is_read_by_its_columns() -> None:
    found = read_data(sample("snds.csv"))
    assert by_name(found, "192.0.2.11") == {
        "rcpt_commands": 640.0,
        "data_commands": 612.0,
        "recipients": 612.0,
        "trap_hits": 3.0,
        "filter_result": "yellow",
        "complaint_rate": 0.004,
    }
    assert by_name(found, "192.0.2.10")["complaint_rate"] == 0.0
    assert {each.day for each in found} == {DAY}


def test_addresses_of_mail_are_not_kept() -> None:
    assert not any("@" in each.word for each in read_data(sample("snds.csv")))


@pytest.mark.parametrize(
    "names",
    [
        ("ipAddress", "activityPeriod", "filterResult", "complaintRate", "trapHits"),
        ("IP Address", "Activity Start", "Filter Result", "Complaint Rate", "Trap Hits"),
        ("ip", "activity_start", "overallStatus", "complaint_percent", "spam trap hits"),
    ],
)
@pytest.mark.parametrize("wrapped", [None, "value", "data"])
def test_json_is_read_however_it_names_things(names: tuple[str, ...], wrapped: str | None) -> None:
    row = dict(zip(names, ("192.0.2.10", "2026-12-01T00:00:00", "RED", "0.5%", 2), strict=True))
    rows = [row | {"sampleMailFrom": "a@example.com"}]
    octets = msgspec.json.encode(rows if wrapped is None else {wrapped: rows})
    assert by_name(read_data(octets), "192.0.2.10") == {
        "filter_result": "red",
        "complaint_rate": 0.005,
        "trap_hits": 2.0,
    }


def test_a_header_line_of_a_table_is_one() -> None:
    octets = b"IP,Activity Start,Filter Result\r\n192.0.2.10,12/1/2026 1:00 AM,GREEN\r\n"
    assert by_name(read_data(octets), "192.0.2.10") == {"filter_result": "green"}


def test_what_is_blocked_is_told_with_its_reason() -> None:
    (found,) = read_status(sample("snds_status.csv"), TODAY)
    assert (found.subject, found.value) == ("192.0.2.11", 1.0)
    assert found.word.startswith("blocked Blocked due to user complaints")
    octets = b'[{"ipStart":"x"},{"ip":"192.0.2.0","endIP":"192.0.2.7","blocked":false}]'
    with pytest.raises(SndsError, match="row 1: '' is no address"):
        read_status(octets, TODAY)
    (range_,) = read_status(b'[{"ip":"192.0.2.0","endIP":"192.0.2.7","blocked":false}]', TODAY)
    assert (range_.subject, range_.value, range_.word) == ("192.0.2.0-192.0.2.7", 0, "not blocked")


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"<html>Sign in</html>", "a page, not data"),
        (b"1,2\r\n", "line 1 has 2 columns"),
        (b"x,12/1/2026,3,4,5\r\n", "row 1: 'x' is no address"),
        (b"192.0.2.1,yesterday,3,4,5\r\n", "row 1: 'yesterday' is no time"),
        (b"192.0.2.1,12/1/2026,,many,5\r\n", "rcpt_commands is no number"),
        (b"[1]", "no list of rows"),
        (b"[", "no JSON"),
        (b" " * (9 << 20), "8 MiB"),
    ],
    ids=["page", "two columns", "address", "time", "number", "list", "cut", "large"],
)
def test_what_is_no_data_is_refused_with_the_reason(octets: bytes, why: str) -> None:
    with pytest.raises(SndsError) as raised:
        read_data(octets)
    assert why in str(raised.value)


def test_googles_csv_is_read_by_its_column_names() -> None:
    found = read_figures_csv(sample("postmaster_tools.csv"), "example.com")
    assert [(each.day, each.name, each.value) for each in found] == [
        (DAY, "spam_rate", 0.002),
        (DAY, "dkim_success_rate", 0.991),
        (DAY + 1, "spam_rate", 0.0005),
        (DAY + 1, "dkim_success_rate", 1.0),
    ]


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "it is empty"),
        (b"spam_rate\n1\n", "no column date"),
        (b"date,remarks\n", "names no figure"),
        (b"date,spam_rate\nsoon,1\n", "line 2: 'soon' is no day"),
        (b"date,spam_rate\n2026-13-01,1\n", "line 2: '2026-13-01' is no day"),
        (b"date,spam_rate\n2026-12-01,much\n", "line 2: spam_rate is no number: 'much'"),
    ],
)
def test_a_wrong_line_of_it_is_named(octets: bytes, why: str) -> None:
    with pytest.raises(FiguresCsvError) as raised:
        read_figures_csv(octets, "example.com")
    assert why in str(raised.value)


def test_google_is_asked_for_the_days_before_today_with_each_documented_filter() -> None:
    asked = msgspec.json.decode(stats_body(TODAY, "page-2"))
    assert asked["timeQuery"] == {
        "dateRanges": {
            "dateRanges": [
                {
                    "start": {"year": 2026, "month": 11, "day": 25},
                    "end": {"year": 2026, "month": 12, "day": 1},
                }
            ]
        }
    }
    assert (asked["aggregationGranularity"], asked["pageSize"], asked["pageToken"]) == (
        *("DAILY", 200),
        "page-2",
    )
    assert {each["name"] for each in asked["metricDefinitions"]} == METRICS.keys()
    (spf,) = [each for each in asked["metricDefinitions"] if each["name"] == "spf_success_rate"]
    assert spf["filter"] == 'auth_type = "spf"'


def test_an_id_with_a_quote_changes_no_filter() -> None:
    """C1"""
    asked = msgspec.json.decode(stats_body(TODAY, "", ['a" OR "b', "good"]))
    assert [each["filter"] for each in asked["metricDefinitions"]] == ['feedback_loop_id = "good"']


def test_answers_of_google_are_figures_of_their_days() -> None:
    day = {"year": 2026, "month": 12, "day": 1}
    stats = [
        {"metric": "spam_rate", "date": day, "value": {"floatValue": 0.0012}},
        {"metric": "delivery_errors", "date": day, "value": {"intValue": "17"}},
        {"metric": "spf_success_rate", "date": day, "value": {"doubleValue": 1}},
        {"metric": "dkim_success_rate", "date": day},
        {"metric": "spam_rate", "value": {"floatValue": 0.5}},
        {"metric": "tls_inbound_rate", "date": {"year": 2026}, "value": {"floatValue": 0.5}},
        {"metric": "unknown", "date": day, "value": {"floatValue": 0.5}},
        {"metric": "feedback_loops", "date": day, "value": {"stringList": {"values": ["c1"]}}},
    ]
    page = read_stats(
        msgspec.json.encode({"domainStats": stats, "nextPageToken": "n"}), "example.com"
    )
    assert [(each.name, each.value, each.day) for each in page.figures] == [
        ("spam_rate", 0.0012, DAY),
        ("delivery_errors", 17.0, DAY),
        ("spf_success_rate", 1.0, DAY),
    ]
    assert (page.loops, page.next_page) == (frozenset({"c1"}), "n")


def test_what_is_required_and_not_met_is_a_word() -> None:
    status = {
        "complianceData": {
            "domainId": "example.com",
            "rowData": [
                {"requirement": "DKIM", "status": {"status": "COMPLIANT"}},
                {"requirement": "DMARC_ALIGNMENT", "status": {"status": "NEEDS_WORK"}},
                {"requirement": "SPF"},
            ],
            "honorUnsubscribeVerdict": {
                "status": {"status": "NEEDS_WORK"},
                "reason": "NOT_HONORING",
            },
        }
    }
    found = read_compliance(msgspec.json.encode(status), "example.com", TODAY)
    assert {each.name: each.word for each in found} == {
        "compliance_dkim": "compliant",
        "compliance_dmarc_alignment": "needs_work",
        "compliance_honor_unsubscribe": "needs_work: not_honoring",
    }


def test_domains_that_may_not_be_read_are_left_out() -> None:
    domains = [
        {"name": "domains/example.com", "permission": "OWNER", "verificationState": "VERIFIED"},
        {"name": "domains/x.test", "permission": "NONE"},
        {"name": "domains/y.test", "verificationState": "UNVERIFIED"},
    ]
    assert read_domains(msgspec.json.encode({"domains": domains})) == (["example.com"], "")


def test_an_answer_that_is_none_is_told_of() -> None:
    with pytest.raises(AnswerError, match="not as documented"):
        read_stats(b'{"domainStats": 1}', "example.com")
