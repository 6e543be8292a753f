"""Mirrors angarium/alarms/formats/ and wording.py: a notice as each kind of target wants it."""

import json
from typing import Any

import msgspec
import pytest

from angarium.alarms.catalogue import CATALOGUE
from angarium.alarms.formats.pagerduty import pagerduty_bodies
from angarium.alarms.formats.slack import slack_body
from angarium.alarms.formats.webhook import webhook_body
from angarium.alarms.notice import Notice, Words
from angarium.alarms.raised import Raised
from angarium.alarms.subject import ALL, Subject
from angarium.alarms.wording import headline, text
from angarium.queue.model import UnixMs

AT = UnixMs(1_796_000_000_000)
WORDS = Words(
    alarm=next(each for each in CATALOGUE if each.name == "bounce_rate"),
    hostname="mx1.example.com",
    runbooks="https://wiki.example.com/angarium/",
)
ONE = Raised(
    id="al_1",
    alarm="bounce_rate",
    subject=Subject(kind="tenant", name="a<c>&me"),
    severity="critical",
    unit="percent",
    level=5.0,
    since=AT,
    raised_at=UnixMs(AT + 120_000),
    figure=7.25,
    worst=9.0,
    volume=1203,
    detail="user_unknown 80 of 87 ```",
)
OVER = msgspec.structs.replace(ONE, ended_at=UnixMs(AT + 3_600_000), figure=2.0)


def notice(**changes: Any) -> Notice:
    given: dict[str, Any] = {
        "id": "an_1",
        "target": "ops",
        "alarm": "bounce_rate",
        "kind": "raised",
        "at": UnixMs(AT + 120_000),
        "raised": (ONE,),
        "new": ("al_1",),
        **changes,
    }
    return Notice(**given)


ENDED = notice(kind="ended", raised=(), new=(), ended=(OVER,), is_open=False)
TEST = notice(kind="test", raised=(), new=())


def test_a_text_has_what_where_since_when_figure_level_why_runbook_and_commands() -> None:
    found = text(notice(), WORDS)
    assert headline(notice(), WORDS) == (
        "[critical, raised] Too much mail is given up: tenant a<c>&me (mx1.example.com)"
    )
    for part in (
        "tenant a<c>&me: 7.25 % of 1,203, above 5 % since 2026-11-30 00:53:20 UTC",
        "user_unknown 80 of 87",
        "above 5 % over 1h, of 100 and more, for 2m",
        "Runbook: https://wiki.example.com/angarium/bounce_rate.md",
        "postmaster reputation",
        "postmaster alerts show al_1",
    ):
        assert part in found, found


def test_an_end_says_how_long_it_was_and_how_bad() -> None:
    found = text(ENDED, WORDS)
    assert "over after 1h, at 2 % of 1,203; worst 9 %" in found
    assert headline(ENDED, WORDS).startswith("[critical, over] ")


def test_more_than_are_named_are_counted() -> None:
    assert "... and 7 more: postmaster alerts" in text(notice(left_off=7), WORDS)


def test_slack_gets_a_line_and_a_block_and_no_markup_of_strangers() -> None:
    found = json.loads(slack_body(notice(), WORDS))
    assert found["text"].endswith("tenant a&lt;c&gt;&amp;me (mx1.example.com)")
    (attachment,) = found["attachments"]
    assert attachment["color"] == "#c0392b"
    block = attachment["blocks"][0]["text"]["text"]
    assert block.count("```") == 2
    assert len(block) < 3000
    long = msgspec.structs.replace(ONE, detail="x" * 500)
    found = json.loads(slack_body(notice(raised=(long,) * 10), WORDS))
    assert len(found["attachments"][0]["blocks"][0]["text"]["text"]) < 3000
    assert json.loads(slack_body(ENDED, WORDS))["attachments"][0]["color"] == "#2e8b57"


def test_pagerduty_gets_an_incident_for_the_alarm_and_its_end() -> None:
    (body,) = pagerduty_bodies(notice(), WORDS, "key")
    found = json.loads(body)
    assert found["event_action"] == "trigger"
    assert found["routing_key"] == "key"
    assert found["dedup_key"] == "angarium/mx1.example.com/bounce_rate"
    assert found["payload"]["severity"] in ("critical", "error", "warning", "info")
    assert found["payload"]["timestamp"] == "2026-11-30T00:53:20.000Z"
    assert found["links"][0]["href"].endswith("bounce_rate.md")
    (body,) = pagerduty_bodies(ENDED, WORDS, "key")
    assert json.loads(body) == {
        "routing_key": "key",
        "event_action": "resolve",
        "dedup_key": "angarium/mx1.example.com/bounce_rate",
    }


def test_one_that_is_over_resolves_nothing_while_another_is_raised() -> None:
    still = msgspec.structs.replace(ENDED, is_open=True)
    (body,) = pagerduty_bodies(still, WORDS, "key")
    assert json.loads(body)["event_action"] == "trigger"


def test_a_test_opens_an_incident_of_its_own_and_resolves_it() -> None:
    actions = [json.loads(each) for each in pagerduty_bodies(TEST, WORDS, "key")]
    assert [each["event_action"] for each in actions] == ["trigger", "resolve"]
    assert {each["dedup_key"] for each in actions} == {"angarium/mx1.example.com/an_1"}


@pytest.mark.parametrize("kind", [notice(), ENDED, TEST], ids=["raised", "ended", "test"])
def test_a_webhook_gets_all_of_it_as_json(kind: Notice) -> None:
    found = json.loads(webhook_body(kind, WORDS))
    assert found["type"] == f"alarm.{kind.kind}"
    assert found["data"]["id"] == "an_1"
    assert found["data"]["server"] == "mx1.example.com"
    for each in (*found["data"]["raised"], *found["data"]["ended"]):
        assert each["subject"] == {"kind": "tenant", "name": "a<c>&me"}
        assert each["level"] == 5.0
        assert each["raisedAt"].startswith("2026-11-30T")


def test_a_notice_about_the_whole_says_no_subject_in_its_line() -> None:
    whole = msgspec.structs.replace(ONE, subject=ALL)
    assert headline(notice(raised=(whole,)), WORDS) == (
        "[critical, raised] Too much mail is given up (mx1.example.com)"
    )
