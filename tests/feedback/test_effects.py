"""Mirrors angarium/feedback/effects.py and evidence.py."""

from typing import Any

import msgspec
import pytest

from angarium.feedback.classes import BounceClass, verdict_of
from angarium.feedback.effects import Effects, Mail, effects_of
from angarium.feedback.evidence import Knowledge, KnownMessage, Why, judge
from angarium.feedback.reference import Purpose, ReferenceKeys, Subject, lane_of
from angarium.feedback.report import Action, MailKind, Report, ReportedRecipient
from angarium.queue import (
    Complained,
    MessageId,
    ReportBounced,
    ReportKept,
    ReportUnmatched,
    Suppress,
    UnixMs,
    Unsubscribed,
)
from angarium.queue.reports import Shelf

NOW = UnixMs(1_800_000_000_000)
KEYS = ReferenceKeys({1: bytes(32)}, days=30)
FORGER = ReferenceKeys({1: bytes(31) + b"!"}, days=30)
MESSAGE = MessageId(bytes(range(16)))
SUBJECT = Subject(
    message_id=MESSAGE,
    index=1,
    address="bob@example.net",
    tenant="acme",
    stream="bulk",
    campaign="june",
    sender_domain="example.com",
)
WHOLE = msgspec.structs.replace(SUBJECT, index=None, address="")
KNOWN = KnownMessage(
    tenant="acme",
    stream="bulk",
    campaign="june",
    reverse_path="ann@example.com",
    recipients=("al@example.net", "bob@example.net", "cy@example.net"),
)
MAIL = Mail(id=MessageId(bytes(16)), now=NOW, client="192.0.2.9", reverse_path="", octets=500)
LANES = {lane_of("acme", "bulk"): ("acme", "bulk")}
LONG, SHORT = KEYS.token(SUBJECT, NOW), KEYS.local_part(SUBJECT, NOW)
UNSUBSCRIBE = KEYS.local_part(SUBJECT, NOW, Purpose.UNSUBSCRIBE)


def named(
    address: str = "bob@example.net",
    bounce_class: BounceClass = BounceClass.USER_UNKNOWN,
    action: Action = Action.FAILED,
) -> ReportedRecipient:
    return ReportedRecipient(
        address=address,
        action=action,
        status="5.1.1",
        verdict=verdict_of(bounce_class),
        reply="550 no such user",
        remote_host="mx.example.net",
    )


def report(kind: MailKind, *references: str, **fields: Any) -> Report:
    return Report(kind=kind, references=references, **fields)


def bounce(*references: str, recipients: tuple[ReportedRecipient, ...] = (named(),)) -> Report:
    return report(MailKind.BOUNCE, *references, recipients=recipients)


def arf(*references: str, feedback_type: str = "abuse", **fields: Any) -> Report:
    return report(MailKind.ARF, *references, feedback_type=feedback_type, **fields)


def effects(
    of: Report,
    *,
    known: KnownMessage | None = None,
    lanes: dict[bytes, tuple[str, str]] = LANES,
    now: int = NOW,
) -> Effects:
    knowledge = Knowledge(KEYS, lanes.get, {} if known is None else {MESSAGE: known})
    evidence = judge([KEYS.verify(each, UnixMs(now)) for each in of.references])
    return effects_of(of, evidence, knowledge, MAIL)


def suppressed(found: Effects) -> list[tuple[str, str, str]]:
    for each in found.changes:
        assert isinstance(each, Suppress)
    return [
        (each.suppression.email, each.suppression.scope.text, each.suppression.reason)
        for each in found.changes
        if isinstance(each, Suppress)
    ]


def why(found: Effects) -> str:
    (event,) = found.events
    assert isinstance(event, ReportUnmatched)
    assert (found.outcome, found.changes, found.keep) == ("unmatched", (), Shelf.REVIEW)
    return event.why


@pytest.mark.parametrize("reference", [LONG, SHORT])
def test_a_hard_bounce_with_our_reference_suppresses_for_its_tenant(reference: str) -> None:
    found = effects(bounce(reference))
    assert suppressed(found) == [("bob@example.net", "tenant:acme", "user_unknown")]
    (event,) = found.events
    assert isinstance(event, ReportBounced)
    assert (event.message_id, event.index, event.recipient) == (MESSAGE, 1, "bob@example.net")
    assert (event.tenant, event.stream) == ("acme", "bulk")
    assert (event.bounce_class, event.effect, event.status) == ("user_unknown", "suppress", "5.1.1")
    assert (found.outcome, found.keep) == ("matched", None)


@pytest.mark.parametrize(
    "bounce_class", [BounceClass.MAILBOX_FULL, BounceClass.RATE_LIMITED, BounceClass.SPAM]
)
def test_what_is_not_hard_is_an_event_only(bounce_class: BounceClass) -> None:
    found = effects(bounce(SHORT, recipients=(named(bounce_class=bounce_class),)))
    assert found.changes == ()
    assert [each.name for each in found.events] == ["report_bounced"]


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (FORGER.token(SUBJECT, NOW), "forged"),
        (FORGER.local_part(SUBJECT, NOW), "forged"),
        (ReferenceKeys({9: bytes(32)}, days=30).token(SUBJECT, NOW), "unknown-key"),
        ("bounces", "unsigned"),
        ("", "unsigned"),
    ],
)
@pytest.mark.parametrize("make", [bounce, arf])
def test_fe1_what_nobody_of_ours_signed_suppresses_nobody_a6(
    reference: str, reason: str, make: Any
) -> None:
    assert why(effects(make(reference), known=KNOWN)) == reason
    assert why(effects(report(MailKind.UNSUBSCRIBE, reference, recipients=(named(),)))) == reason


def test_fe1_what_has_expired_suppresses_nobody_and_says_what_it_was_about() -> None:
    found = effects(bounce(SHORT), now=NOW + 40 * 86_400_000)
    assert why(found) == "expired"
    assert found.events[0].message_id == MESSAGE
    assert why(effects(arf(LONG), now=NOW + 40 * 86_400_000)) == "expired"


@pytest.mark.parametrize("reference", [LONG, SHORT])
def test_kn1_a_bounce_of_one_person_says_nothing_of_another(reference: str) -> None:
    forged = bounce(reference, recipients=(named("victim@example.org"),))
    assert why(effects(forged, known=KNOWN)) == "other-recipient"
    # Not even of another recipient of the same message
    assert why(effects(bounce(reference, recipients=(named("al@example.net"),)), known=KNOWN)) == (
        "other-recipient"
    )


def test_kn1_a_messages_reference_vouches_for_each_of_its_recipients() -> None:
    token = KEYS.local_part(WHOLE, NOW)
    both = bounce(token, recipients=(named("AL@example.net"), named("victim@example.org")))
    found = effects(both, known=KNOWN)
    assert suppressed(found) == [("al@example.net", "tenant:acme", "user_unknown")]
    (event,) = found.events
    assert isinstance(event, ReportBounced)
    assert event.index == 0
    assert why(effects(bounce(token))) == "several"  # the log has forgotten it
    assert why(effects(bounce(token, recipients=(named("x@example.org"),)), known=KNOWN)) == (
        "other-recipient"
    )


def test_the_best_reference_that_fits_counts() -> None:
    other = msgspec.structs.replace(SUBJECT, address="al@example.net", index=0)
    found = effects(bounce("junk", KEYS.token(other, NOW), SHORT))
    assert suppressed(found) == [("bob@example.net", "tenant:acme", "user_unknown")]


def test_a_bounce_that_names_nobody_is_about_whom_its_reference_is_for() -> None:
    found = effects(bounce(LONG, recipients=()))
    (event,) = found.events
    assert isinstance(event, ReportBounced)
    assert (event.recipient, event.bounce_class) == ("bob@example.net", "undetermined")
    assert found.changes == ()
    assert why(effects(bounce(KEYS.token(WHOLE, NOW), recipients=()))) == "unknown-recipient"


def test_whose_mail_it_was_is_known_by_the_lane_or_by_the_log() -> None:
    assert why(effects(bounce(SHORT), lanes={})) == "unknown-recipient"
    found = effects(bounce(SHORT), lanes={}, known=KNOWN)
    assert suppressed(found) == [("bob@example.net", "tenant:acme", "user_unknown")]


@pytest.mark.parametrize("feedback_type", ["abuse", "fraud", "opt-out"])
def test_a_complaint_of_one_person_suppresses_though_it_names_nobody(feedback_type: str) -> None:
    found = effects(arf(LONG, feedback_type=feedback_type))
    assert suppressed(found) == [("bob@example.net", "tenant:acme", "complaint")]
    (event,) = found.events
    assert isinstance(event, Complained)
    assert (event.feedback_type, event.host) == (feedback_type, "192.0.2.9")
    assert (event.campaign, event.sender_domain) == ("june", "example.com")


@pytest.mark.parametrize("feedback_type", ["not-spam", "auth-failure", "other"])
def test_other_feedback_is_an_event_only(feedback_type: str) -> None:
    found = effects(arf(LONG, feedback_type=feedback_type))
    assert [each.name for each in found.events] == ["complained"]
    assert found.changes == ()


def test_a_complaint_by_return_path_alone_needs_the_address_from_somewhere() -> None:
    assert why(effects(arf(SHORT))) == "unknown-recipient"
    for found in (
        effects(arf(SHORT), known=KNOWN),
        effects(arf(SHORT, recipients=(named("x@example.org"), named("BOB@example.net")))),
    ):
        assert [each[1:] for each in suppressed(found)] == [("tenant:acme", "complaint")]
        assert suppressed(found)[0][0].lower() == "bob@example.net"


def test_fe1_a_complaint_about_a_message_with_several_recipients_suppresses_nobody() -> None:
    named_in_it = arf(KEYS.token(WHOLE, NOW), recipients=(named("al@example.net"),))
    found = effects(named_in_it, known=KNOWN)
    assert found.changes == ()
    (event,) = found.events
    assert isinstance(event, Complained)
    assert (event.index, event.recipient, event.tenant) == (-1, "", "acme")


@pytest.mark.parametrize("kind", [MailKind.UNSUBSCRIBE, MailKind.ORDINARY])
def test_a_mail_to_an_unsubscribe_address_ends_the_stream_for_that_person(kind: MailKind) -> None:
    found = effects(report(kind, UNSUBSCRIBE, recipients=(named(),)), known=KNOWN)
    assert suppressed(found) == [("bob@example.net", "tenant:acme/stream:bulk", "unsubscribe")]
    assert isinstance(found.events[0], Unsubscribed)


def test_a_mail_that_asks_for_no_more_of_mail_with_a_topic_ends_that_topic() -> None:
    known = msgspec.structs.replace(KNOWN, topic="offers")
    found = effects(report(MailKind.UNSUBSCRIBE, UNSUBSCRIBE), known=known)
    assert suppressed(found) == [("bob@example.net", "tenant:acme/topic:offers", "unsubscribe")]
    (event,) = found.events
    assert isinstance(event, Unsubscribed)
    assert (event.how, event.scope) == ("mail", "tenant:acme/topic:offers")


def test_an_automatic_answer_to_an_unsubscribe_address_asks_for_nothing() -> None:
    assert effects(report(MailKind.AUTO_REPLY, UNSUBSCRIBE), known=KNOWN).outcome == "dropped"


@pytest.mark.parametrize(
    "kind", [MailKind.DELAY, MailKind.DSN_SUCCESS, MailKind.AUTO_REPLY, MailKind.ORDINARY]
)
def test_what_says_nothing_new_is_dropped(kind: MailKind) -> None:
    found = effects(report(kind, SHORT, recipients=(named(action=Action.DELAYED),)))
    assert msgspec.structs.replace(found, news=()) == Effects(outcome="dropped")


@pytest.mark.parametrize("kind", MailKind)
def test_a_sender_may_hear_of_failures_delays_and_successes_alone(kind: MailKind) -> None:
    found = effects(report(kind, SHORT, recipients=(named(), named("al@example.net"))))
    is_news = kind in {MailKind.BOUNCE, MailKind.DELAY, MailKind.DSN_SUCCESS}
    assert [(each.index, each.reported.address) for each in found.news] == (
        [(1, "bob@example.net")] if is_news else []
    )


def test_what_nobody_vouches_for_is_no_news_a5() -> None:
    forged = FORGER.local_part(SUBJECT, NOW)
    for kind in (MailKind.BOUNCE, MailKind.DELAY, MailKind.DSN_SUCCESS):
        assert not effects(report(kind, forged, recipients=(named(),))).news
        assert not effects(report(kind, recipients=(named(),))).news


def test_a_bounce_that_names_nobody_is_news_of_whom_its_reference_is_for() -> None:
    (news,) = effects(bounce(LONG, recipients=())).news
    assert (news.message_id, news.index) == (MESSAGE, 1)
    assert news.reported.address == "bob@example.net"


@pytest.mark.parametrize(
    ("kind", "shelf"), [(MailKind.DMARC, Shelf.DMARC), (MailKind.TLS_RPT, Shelf.TLS_RPT)]
)
def test_reports_of_results_are_kept_for_who_evaluates_them(kind: MailKind, shelf: Shelf) -> None:
    found = effects(report(kind))
    assert (found.outcome, found.keep) == ("kept", shelf)
    (event,) = found.events
    assert isinstance(event, ReportKept)
    assert (event.kind, event.size_octets) == (kind, 500)


def test_an_unmatched_report_names_a_few_of_whom_it_names() -> None:
    many = tuple(named(f"{number}@example.org") for number in range(9))
    found = effects(bounce("x", recipients=many))
    assert why(found) == Why.UNSIGNED
    (event,) = found.events
    assert isinstance(event, ReportUnmatched)
    assert event.recipients == tuple(f"{number}@example.org" for number in range(5))


def test_a_look_up_is_needed_only_where_the_reference_and_the_report_do_not_say() -> None:
    knowledge = Knowledge(KEYS, LANES.get, {})

    def is_sufficient(text: str, *, has_address: bool) -> bool:
        (reference,) = judge([KEYS.verify(text, NOW)]).valid
        return knowledge.is_sufficient(reference, has_address=has_address)

    assert is_sufficient(LONG, has_address=False)
    assert is_sufficient(SHORT, has_address=True)
    assert not is_sufficient(SHORT, has_address=False)
    assert not is_sufficient(KEYS.token(WHOLE, NOW), has_address=True)
    without_lanes = Knowledge(KEYS, {}.get, {})  # type: ignore[arg-type]
    (reference,) = judge([KEYS.verify(SHORT, NOW)]).valid
    assert not without_lanes.is_sufficient(reference, has_address=True)
