"""Mirrors angarium/history/status.py."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.history.status import (
    WORDS,
    Progress,
    Status,
    first_progress,
    message_status,
    progress_after,
    status_at,
)
from angarium.queue import MessageId, UnixMs, UnknownEvent
from angarium.queue.events.catalogue import CATALOGUE
from angarium.queue.events.shape import CataloguedEvent
from tests.queue.events.test_catalogue import sample
from tests.queue.samples import START, attempt

ID = MessageId(bytes(16))
CREATED = Progress(queue=Status.CREATED)
SENT = Progress(queue=Status.SENT)
# What each event makes of a recipient that a smart host took, by its name; those that are not here change nothing
AFTER = {
    "delivered": Status.DELIVERED,
    "relayed": Status.SENT,
    "deferred": Status.DEFERRED,
    "bounced": Status.BOUNCED,
    "damaged": Status.BOUNCED,
    "expired": Status.EXPIRED,
    "skipped": Status.EXPIRED,
    "rescheduled": Status.READY_TO_SEND,
    "in_doubt": Status.SENDING,
    "cancelled": Status.CANCELLED,
    "recipient_suppressed": Status.SUPPRESSED,
    "report_bounced": Status.BOUNCED,
    "complained": Status.COMPLAINED,
    "opened": Status.OPENED,
    "clicked": Status.CLICKED,
    "ses_told": Status.DELIVERED,
}
BY_NAME = {kind.name: kind for kind in CATALOGUE}
VALUES: dict[Any, Any] = {str: "", int: 0, bytes: b"", UnixMs: START, MessageId: ID}


def event(name: str, **given: object) -> Any:
    """An event with whatever values its fields may have."""
    kind: type[CataloguedEvent] = BY_NAME[name]
    known = {"kind": "delivery", "feedback_type": "abuse", "attempt": attempt(), "at": START}
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.name in given or field.name in known:
            values[field.name] = given.get(field.name, known.get(field.name))
        elif field.required:
            values[field.name] = VALUES.get(field.type, None if field.name == "until" else ())
    return kind(**values)


@pytest.mark.parametrize("name", sorted({*BY_NAME} - {"accepted"}))
def test_each_event_makes_of_a_recipient_what_it_says(name: str) -> None:
    assert progress_after(SENT, event(name)).status is AFTER.get(name, Status.SENT)


def test_an_event_of_a_newer_angarium_changes_nothing() -> None:
    unknown = UnknownEvent(at=START, message_id=ID, number=999, version=1)
    assert progress_after(SENT, unknown) == SENT


@pytest.mark.parametrize(
    ("due", "status"),
    [(0, Status.CREATED), (START, Status.CREATED), (START + 1, Status.SCHEDULED)],
)
def test_a_message_begins_as_created_or_scheduled(due: int, status: Status) -> None:
    assert first_progress(START, UnixMs(due)).status is status


def test_what_has_another_start_is_scheduled_until_then() -> None:
    later = event("rescheduled", due=UnixMs(START + 10**9))
    assert progress_after(Progress(queue=Status.CREATED), later).status is Status.SCHEDULED


@pytest.mark.parametrize("name", ["released", "retried"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Status.CREATED, Status.READY_TO_SEND),
        (Status.SCHEDULED, Status.READY_TO_SEND),
        (Status.DEFERRED, Status.DEFERRED),
        (Status.DELIVERED, Status.DELIVERED),
    ],
)
def test_what_is_released_or_retried_is_ready(name: str, before: Status, after: Status) -> None:
    assert progress_after(Progress(queue=before), event(name)).status is after


def test_what_was_scheduled_is_ready_when_its_time_has_come() -> None:
    assert status_at(Status.SCHEDULED, UnixMs(START), UnixMs(START - 1)) is Status.SCHEDULED
    assert status_at(Status.SCHEDULED, UnixMs(START), START) is Status.READY_TO_SEND
    assert status_at(Status.CREATED, UnixMs(0), START) is Status.CREATED


@pytest.mark.parametrize("feedback_type", ["not-spam", "auth-failure"])
def test_a_report_that_is_no_complaint_changes_nothing(feedback_type: str) -> None:
    assert progress_after(SENT, event("complained", feedback_type=feedback_type)) == SENT


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("delivery", Status.DELIVERED),
        ("reject", Status.BOUNCED),
        ("rendering-failure", Status.BOUNCED),
        *((each, Status.SENT) for each in ("send", "delay", "subscription", "what comes")),
    ],
)
def test_ses_tells_how_far_it_has_come(kind: str, status: Status) -> None:
    assert progress_after(SENT, event("ses_told", kind=kind)).status is status


def test_what_was_told_before_the_outcome_was_written_is_not_lost() -> None:
    """HP1"""
    early = progress_after(CREATED, event("opened"))
    assert early.status is Status.CREATED
    assert progress_after(early, event("delivered")).status is Status.OPENED


def test_a_second_copy_that_waits_is_deferred_though_the_first_was_opened() -> None:
    """HP1"""
    opened = progress_after(progress_after(CREATED, event("in_doubt")), event("opened"))
    assert opened.status is Status.SENDING
    assert progress_after(opened, event("deferred")).status is Status.DEFERRED


@given(st.permutations(["opened", "clicked", "report_bounced", "complained", "ses_told"]))
def test_of_what_was_told_the_furthest_counts_in_any_order(names: list[str]) -> None:
    seen = []
    progress = SENT
    for name in names:
        progress = progress_after(progress, event(name))
        seen.append(AFTER[name])
        assert progress.status is max(seen)


@pytest.mark.parametrize(
    ("recipients", "status"),
    [
        ("delivered", "delivered"),
        ("delivered created", "created"),
        ("created scheduled", "created"),
        ("deferred delivered", "deferred"),
        ("deferred sending", "deferred"),
        ("sent delivered", "sent"),
        ("opened delivered clicked", "delivered"),
        ("delivered bounced", "delivered"),  # the recipients say the rest
        ("deferred bounced", "deferred"),
        ("bounced suppressed", "bounced"),
        ("complained bounced", "complained"),
        ("complained delivered", "delivered"),
        ("cancelled expired", "expired"),
        ("cancelled cancelled", "cancelled"),
    ],
)
def test_a_message_shows_the_least_advanced_that_is_not_final(recipients: str, status: str) -> None:
    assert message_status([WORDS[each] for each in recipients.split()]).word == status


def test_final_is_what_nothing_follows() -> None:
    final = {each.word for each in Status if each.is_final}
    assert final == {"bounced", "complained", "suppressed", "cancelled", "expired"}


def test_numbers_and_words_are_for_ever() -> None:
    words = (
        *("created", "scheduled", "ready_to_send", "deferred", "sending", "sent"),
        *("delivered", "opened", "clicked"),
        *("cancelled", "suppressed", "expired", "bounced", "complained"),
    )
    numbers = {word: 10 * number for number, word in enumerate(words, 1)}
    assert {each.word: int(each) for each in Status} == numbers


@pytest.mark.parametrize("name", ["opened", "clicked"])
def test_what_a_machine_fetched_moves_nobody_on(name: str) -> None:
    kind = next(each for each in CATALOGUE if each.name == name)
    machine = msgspec.structs.replace(sample(kind), verdict="machine")
    delivered = Progress(queue=Status.DELIVERED)
    assert progress_after(delivered, machine) == delivered
    human = msgspec.structs.replace(machine, verdict="human")
    assert progress_after(delivered, human).status.word == name
