"""The audit of a fault run of which mail came back, from outside: by the mail log, the sink, and what was promised."""

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.faults.harness import FINAL
from tests.faults.report_mails import SENDER

if TYPE_CHECKING:
    from tests.faults.returns import Returns

# Between a look at what is suppressed and the command at the sink, however busy the machine is
IN_TRANSFER_S = 5.0
REPORTED = ("report_bounced", "complained", "unsubscribed", "report_unmatched")
ENDS = FINAL | {"recipient_suppressed"}


def audit(
    returns: "Returns",
    records: list[dict[str, Any]],
    found: dict[str, Any],
    exported: list[dict[str, Any]],
) -> None:
    assert not returns.reports.stuck
    assert not returns.letters.stuck
    sequences = [each["sequence"] for each in records]
    assert sequences == list(range(1, len(sequences) + 1)), "lines of the mail log are missing"
    _audit_reports(returns, records, found)
    _audit_suppressions(returns, records, exported)
    _audit_mail(returns, records)


def _audit_reports(
    returns: "Returns", records: list[dict[str, Any]], found: dict[str, Any]
) -> None:
    told = [each for each in records if each["event"] in REPORTED]
    twice = [each for each, count in Counter(each["report"] for each in told).items() if count > 1]
    assert not twice, f"{len(twice)} reports led to something twice: {twice[:5]}"
    by_report = {each["report"]: each for each in told}
    acknowledged = returns.reports.acknowledged
    lost = [each for each in acknowledged if each not in by_report]
    assert not lost, f"{len(lost)} reports had their 250 and led to nothing: {lost[:5]}"
    for report, errand in acknowledged.items():
        is_there = by_report[report]
        assert is_there["event"] == errand.event, (errand, is_there)
        assert is_there.get("recipient", "") == errand.names, (errand, is_there)
        assert is_there.get("reason", "") == errand.reason, (errand, is_there)
    # Some may have been taken whose 250 nobody read
    unknown = by_report.keys() - acknowledged.keys()
    assert len(unknown) <= returns.reports.offered - len(acknowledged)
    assert all(not each.event for each in returns.reports.rejected)
    unmatched = {each["report"] for each in told if each["event"] == "report_unmatched"}
    assert set(found["review"]) == unmatched


def _audit_suppressions(
    returns: "Returns", records: list[dict[str, Any]], exported: list[dict[str, Any]]
) -> None:
    assert {each["email"] for each in exported} == returns.suppressed
    added = Counter(each["recipient"] for each in records if each["event"] == "suppression_added")
    assert set(added) == returns.suppressed
    assert set(added.values()) <= {1}, "suppressed twice"
    sent = [each for each in returns.suppressed if returns.sent_again[each]]
    assert not sent, f"sent to though suppressed: {sent[:5]}"
    asked = returns.harness.sink.last_asked
    late = {
        address: asked[address] - since
        for address, since in suppressed_at(records).items()
        if asked[address] > since + IN_TRANSFER_S
    }
    assert not late, f"tried though suppressed: {dict(list(late.items())[:5])}"
    without = [each for each in returns.unharmed if not returns.sent_again[each]]
    assert not without, f"nothing was sent though nobody may suppress them: {without[:5]}"


def _audit_mail(returns: "Returns", records: list[dict[str, Any]]) -> None:
    harness = returns.harness
    accepted = {each["message"]: each for each in records if each["event"] == "accepted"}
    promised = {*harness.ledger.acknowledged.values(), *returns.letters.acknowledged}
    unknown = promised - accepted.keys()
    assert not unknown, f"acknowledged, but not in the mail log: {list(unknown)[:5]}"
    ends: dict[tuple[str, str], str] = {}
    for each in records:
        if each["event"] in ENDS:
            key = each["message"], each["recipient"]
            assert key not in ends, f"two ends: {each}"
            ends[key] = each["event"]
    expected = {
        (message, recipient)
        for message, each in accepted.items()
        for recipient in each["recipients"]
    }
    assert set(ends) == expected
    doubted = {
        (each["message"], each["recipient"]) for each in records if each["event"] == "in_doubt"
    }
    first = {(message, each) for each, message in harness.ledger.acknowledged.items()}
    for key in first:
        assert harness.sink.received[key[1]] > returns.sent_again[key[1]], f"lost: {key}"
        # A second copy may have been due when its recipient had read, and reported, the first
        assert ends[key] == "relayed" or key in doubted, (key, ends[key])
    for message, errand in returns.letters.acknowledged.items():
        wanted = "recipient_suppressed" if errand.about in returns.suppressed else "relayed"
        assert ends[message, errand.about] == wanted
    assert set(harness.sink.damaged) <= {SENDER}  # what it is told of is no letter of ours


def suppressed_at(records: list[dict[str, Any]]) -> dict[str, float]:
    """Return by address since when it is suppressed, in seconds since 1970."""
    return {
        each["recipient"]: datetime.fromisoformat(each["ts"]).timestamp()
        for each in records
        if each["event"] == "suppression_added"
    }
