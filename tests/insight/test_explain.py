"""Mirrors angarium/insight/explain.py: what is found, as values."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.cli.queue.explain_json import explanation_json
from angarium.cli.queue.explain_text import explanation_lines
from angarium.config.error import ConfigError
from angarium.config.loader import parse
from angarium.config.schema import Config
from angarium.insight.admin.live import LiveFact
from angarium.insight.explain import explain_message, is_known, with_live
from angarium.insight.explanation import Explanation
from angarium.queue import (
    Attempt,
    AttemptFailed,
    Complained,
    Delivered,
    DeliveryId,
    Event,
    InDoubt,
    MessageAccepted,
    MessageId,
    OperatorHeld,
    OperatorReleased,
    OperatorRetried,
    Origin,
    PartitionNumber,
    Position,
    QueueEntry,
    RecipientSuppressed,
    ReportBounced,
    RouteHint,
    ShownMessage,
    Suppression,
    UnixMs,
    Unsubscribed,
)
from angarium.queue.hold_rule import HoldRule

ID = MessageId(bytes(range(16)))
MINUTE_MS = 60_000
ORIGIN = Origin(kind="submission", listener="127.0.0.1:2525", client="192.0.2.9", user="ann")


def config(text: str = "") -> Config:
    return parse(f'[server]\nhostname = "mx.example.com"\n{text}', Path("/etc/angarium.toml"))


def attempt(stage: str = "rcpt", at: int = 1_000) -> Attempt:
    return Attempt(
        at=UnixMs(at),
        host="mx.example.net",
        address="192.0.2.1",
        source="ip1",
        code=451,
        enhanced="4.7.1",
        text="451 4.7.1 later",
        tls="TLSv1.3",
        stage=stage,
    )


def entry(**fields: Any) -> QueueEntry:
    usual: dict[str, Any] = {
        "id": DeliveryId(ID, 0),
        "state": "scheduled",
        "partition": 1,
        "tenant": "default",
        "stream": "default",
        "sender": "ann@example.com",
        "recipient": "bob@example.net",
        "domain": "example.net",
        "accepted": UnixMs(500),
        "expires": UnixMs(10_000_000),
        "due": UnixMs(1_000 + MINUTE_MS),
        "attempts": 1,
        "in_doubt": 0,
        "last": attempt(),
        "size_octets": 2_000,
    }
    return QueueEntry(**{**usual, **fields})


def event(kind: type[Any], **fields: Any) -> Any:
    usual = {
        "at": UnixMs(1_000),
        "message_id": ID,
        "tenant": "default",
        "stream": "default",
        "index": 0,
        "recipient": "bob@example.net",
        "reverse_path": "ann@example.com",
    }
    return kind(**{**usual, **fields})


ACCEPTED = MessageAccepted(
    at=UnixMs(500),
    message_id=ID,
    tenant="default",
    stream="default",
    reverse_path="ann@example.com",
    recipients=("bob@example.net", "eve@example.org"),
    size_octets=2_000,
    message_id_header="<1@example.com>",
    origin=ORIGIN,
)


def shown(entries: list[QueueEntry], *events: Event) -> ShownMessage:
    return ShownMessage(
        message_id=ID,
        queued=bool(entries),
        origin=ORIGIN,
        message_id_header="<1@example.com>",
        header_from="example.com",
        entries=tuple(entries),
        events=tuple(Position(number, each) for number, each in enumerate(events, 1)),
    )


def explain(message: ShownMessage, text: str = "", **options: Any) -> Explanation:
    find_route = options.pop("find_route", lambda _: None)
    return explain_message(message, config(text), find_route, UnixMs(2_000), **options)


def test_the_acceptance_is_told_from_its_event() -> None:
    accepted = explain(shown([entry()], ACCEPTED)).acceptance
    assert (accepted.at, accepted.sender, accepted.recipients) == (500, "ann@example.com", 2)
    assert "127.0.0.1:2525" in accepted.listener
    assert (accepted.client, accepted.user) == ("192.0.2.9", "ann")
    assert accepted.repairs == ()
    mended = msgspec.structs.replace(ACCEPTED, repairs=("raw_utf8",))
    assert explain(shown([entry()], mended)).acceptance.repairs == ("raw_utf8",)


def test_without_its_event_the_acceptance_is_told_from_what_is_queued() -> None:
    accepted = explain(shown([entry()])).acceptance
    assert (accepted.sender, accepted.recipients) == ("ann@example.com", None)
    assert explain(shown([], event(OperatorHeld))).acceptance.sender is None


def test_a_route_has_its_rule_and_what_delivery_found() -> None:
    hint = RouteHint(
        domain="example.net", partition=PartitionNumber(3), provider="gmail", site="(mx).example"
    )
    rule = '[[route]]\ndomain = "*.net"\nvia = "smtp://10.0.0.1:25"\n'
    (recipient,) = explain(shown([entry()]), find_route=lambda _: hint).recipients
    assert (recipient.route.rule, recipient.route.via) == (None, "mx")
    assert (recipient.route.site, recipient.route.partition) == ("(mx).example", 3)
    assert recipient.route.connections > 0
    (recipient,) = explain(shown([entry()]), rule).recipients
    assert (recipient.route.rule, recipient.route.via) == ("*.net", "smtp://10.0.0.1:25")
    assert recipient.route.site == ""


@pytest.mark.parametrize(
    ("fields", "last", "why"),
    [
        ({"attempts": 0, "last": None}, None, "first"),
        ({}, event(AttemptFailed, attempts=1, attempt=attempt(), due=UnixMs(9)), "schedule"),
        ({"last": attempt("connect")}, None, "site_down"),
        ({}, event(OperatorRetried), "operator_retried"),
        ({}, event(OperatorReleased), "operator_released"),
        ({}, event(InDoubt), "in_doubt"),
    ],
)
def test_why_the_next_attempt_is_due_then(
    fields: dict[str, Any], last: Event | None, why: str
) -> None:
    events = [] if last is None else [last]
    (recipient,) = explain(shown([entry(**fields)], *events)).recipients
    assert recipient.next is not None
    assert recipient.next.why == why


def test_a_retry_is_measured_against_its_schedule() -> None:
    text = "[delivery]\nretry_s = [60, 300]\nretry_jitter = 0.1\n"
    (recipient,) = explain(shown([entry()]), text).recipients
    step = recipient.next
    assert step is not None
    assert (step.waited_ms, step.step_ms, step.jitter) == (MINUTE_MS, MINUTE_MS, 0.1)


def test_a_hold_has_its_rule_and_the_rules_end() -> None:
    held = entry(state="held", rule=3)
    rules = (HoldRule(id=3, domain="example.net", until=UnixMs(77)), HoldRule(id=4, tenant="x"))
    act = event(OperatorHeld, actor="ann", reason="listed", rule=3)
    (recipient,) = explain(shown([held], act), rules=rules).recipients
    assert recipient.next is not None
    assert (recipient.next.rule, recipient.next.held_until) == (3, 77)
    assert recipient.next.why is None
    (happened,) = recipient.history
    assert (happened.event, happened.who, happened.reason, happened.rule) == (
        *("held", "ann", "listed", 3),
    )


def test_a_recipient_that_is_done_has_no_next_step() -> None:
    done = event(Delivered, index=1, recipient="eve@example.org", attempts=1, attempt=attempt())
    both = explain(shown([entry()], ACCEPTED, done))
    assert [each.next is None for each in both.recipients] == [False, True]
    (only,) = explain(shown([entry()], ACCEPTED, done), only=1).recipients
    assert only.recipient == "eve@example.org"
    assert only.history[0].attempt == attempt()
    assert explain(shown([entry()]), only=7).recipients == ()


def test_what_came_back_is_told_with_what_it_means() -> None:
    about: dict[str, Any] = {
        "index": 0,
        "recipient": "bob@example.net",
        "campaign": "",
        "sender_domain": "example.com",
        "report": bytes(16),
    }
    events = [
        feedback(
            ReportBounced,
            **about,
            status="5.1.1",
            bounce_class="user_unknown",
            effect="suppress",
            reply="no such user",
            host="",
        ),
        feedback(Complained, **about, feedback_type="abuse", host=""),
        feedback(Unsubscribed, **about, how="mail"),
        # Of the message, and of nobody in it
        feedback(Complained, **{**about, "index": -1}, feedback_type="abuse", host=""),
    ]
    (recipient,) = explain(shown([], *events)).recipients
    assert recipient.recipient == "bob@example.net"
    assert [(each.event, each.reason) for each in recipient.history] == [
        ("report_bounced", "user_unknown: no such user"),
        ("complained", "abuse"),
        ("unsubscribed", "by mail"),
    ]


def feedback(kind: type[Any], **fields: Any) -> Event:
    made: Event = kind(at=UnixMs(9_000), message_id=ID, tenant="t", stream="s", **fields)
    return made


def test_which_recipients_are_known() -> None:
    message = shown([entry()], ACCEPTED)
    assert is_known(message, 0)
    assert is_known(message, 1)  # of the acceptance only
    assert not is_known(message, 2)
    assert not is_known(shown([entry()]), 1)


def test_live_facts_go_to_their_recipients() -> None:
    explanation = explain(shown([entry(), entry(id=DeliveryId(ID, 1))]))
    fact = LiveFact(id=DeliveryId(ID, 1), state="waiting", text="all places are taken")
    live = with_live(explanation, [fact, LiveFact(id=DeliveryId(ID, 9), state="on_disk")])
    assert [each.live for each in live.recipients] == [None, fact]


def test_an_explanation_can_be_sent() -> None:
    explanation = explain(shown([entry()], ACCEPTED, event(OperatorHeld)))
    octets = msgspec.msgpack.encode(explanation)
    assert msgspec.msgpack.decode(octets, type=Explanation) == explanation


def test_mail_that_nobody_would_sign_is_said_to_be_unsigned() -> None:
    message = msgspec.structs.replace(shown([entry()]), header_from="example.com")
    assert "dkim keygen" in explain(message).unsigned
    key = '[dkim]\nkeys = [{domain = "example.com", selector = "s1", file = "k"}]\n'
    assert explain(message, key).unsigned == ""
    other = key.replace("example.com", "other.example") + "required = true\n"
    with pytest.raises(ConfigError):
        explain(message, other)  # notices could not be signed
    required = key + "required = true\n"
    elsewhere = msgspec.structs.replace(message, header_from="else.example")
    assert "it waits" in explain(elsewhere, required).unsigned
    gone = msgspec.structs.replace(message, header_from="")
    assert explain(gone).unsigned == ""


def test_a_suppressed_recipient_is_told_as_that_while_it_is_queued() -> None:
    why = Suppression(
        email="bob@example.net",
        reason="user_unknown",
        added_at=UnixMs(1_000),
        evidence="550 no such user",
    )
    asked: list[tuple[str, ...]] = []

    def find(*of: str) -> Suppression | None:
        asked.append(of)
        return why

    waiting = msgspec.structs.replace(entry(), topic="offers")
    explanation = explain(shown([waiting], ACCEPTED), find_suppression=find)
    assert [each.suppressed for each in explanation.recipients] == [why]
    assert asked == [("bob@example.net", "default", "default", "offers")]
    (line,) = [each for each in explanation_lines(explanation) if "suppressed:" in each]
    assert "nothing is sent to it (user_unknown, all, for ever)" in line
    assert "550 no such user" in line
    json_ = explanation_json(explanation)["recipients"][0]["suppressed"]
    assert (json_["reason"], json_["scope"]) == ("user_unknown", "all")
    assert explain(shown([entry()], ACCEPTED)).recipients[0].suppressed is None


def test_one_that_was_suppressed_says_so_in_its_history() -> None:
    attempt = Attempt(
        at=UnixMs(1_500),
        host="",
        address="",
        source="",
        code=0,
        enhanced="5.7.1",
        text="not sent: the address is suppressed (complaint)",
        tls="",
        stage="",
    )
    ended = event(RecipientSuppressed, attempts=0, attempt=attempt, cause="complaint", scope="all")
    lines = explanation_lines(explain(shown([], ACCEPTED, ended)))
    assert any(each.endswith(": not sent: the address is suppressed (complaint)") for each in lines)
