"""What ``queue show``, ``log`` and ``queue explain`` say of a failure: its class, where one is known."""

import msgspec
import pytest

from angarium.cli.queue.as_json import attempt_json
from angarium.cli.queue.explain_text import _event
from angarium.cli.queue.table import event_text
from angarium.insight.explanation import Happened
from angarium.queue import Attempt, UnixMs
from angarium.service.platform.mail_record import MailRecord


def attempt(code: int, text: str) -> Attempt:
    return Attempt(
        at=UnixMs(0),
        host="mx.example.net",
        address="",
        source="",
        code=code,
        enhanced="",
        text=text,
        tls="",
        stage="rcpt",
    )


@pytest.mark.parametrize(
    ("code", "text", "end"),
    [
        (550, "550 5.1.1 no such user", "no such user [user_unknown]"),
        (550, "550 ?", ": 550 ?"),
        (250, "250 no such user here, forwarded", "forwarded"),
    ],
)
def test_a_failure_is_shown_with_its_class(code: int, text: str, end: str) -> None:
    happened = Happened(at=UnixMs(0), event="bounced", attempts=1, attempt=attempt(code, text))
    assert _event(happened).endswith(end)
    assert attempt_json(attempt(code, text))["class"] == end.partition("[")[2].rstrip("]")


def test_a_line_of_the_mail_log_is_shown_with_its_class() -> None:
    record = MailRecord(
        sequence=1,
        ts="2026-11-29T00:00:00Z",
        event="bounced",
        message="m",
        recipient="b@example.net",
        code=550,
        reply="no such user",
        bounce_class="user_unknown",
    )
    assert event_text(record).endswith("<b@example.net>: 550 no such user [user_unknown]")


def test_a_bounce_that_came_back_says_what_its_sender_was_told() -> None:
    record = MailRecord(
        sequence=1,
        ts="2026-01-01T00:00:00.000Z",
        event="report_bounced",
        message="m",
        recipient="b@example.net",
        bounce_class="mailbox_full",
        host="mx.example.net",
    )
    assert event_text(record).endswith("<b@example.net> by mx.example.net [mailbox_full]")
    told = msgspec.structs.replace(record, sender_told="forgotten")
    assert event_text(told).endswith(" [mailbox_full]; its sender: forgotten")
