"""Mirrors angarium/campaigns/outcomes.py: what each event says of a row."""

from typing import Any

import msgspec
import pytest

from angarium.campaigns.outcomes import told_of
from angarium.queue.events.catalogue import CATALOGUE
from angarium.queue.ledger.values import Flag, RowState
from tests.queue.events.test_catalogue import sample

EXPECTED: dict[str, tuple[RowState | None, Flag]] = {
    "deferred": (RowState.DEFERRED, Flag.NONE),
    "delivered": (RowState.DELIVERED, Flag.NONE),
    "relayed": (RowState.SENT, Flag.NONE),
    "bounced": (RowState.BOUNCED, Flag.NONE),
    "expired": (RowState.EXPIRED, Flag.NONE),
    "recipient_suppressed": (RowState.SUPPRESSED, Flag.NONE),
    "cancelled": (RowState.CANCELLED, Flag.NONE),
    "skipped": (RowState.SKIPPED, Flag.NONE),
    "damaged": (RowState.DAMAGED, Flag.NONE),
    "report_bounced": (RowState.BOUNCED, Flag.NONE),
    "opened": (None, Flag.OPENED),
    "clicked": (None, Flag.CLICKED),
    "complained": (None, Flag.COMPLAINED),
    "unsubscribed": (None, Flag.UNSUBSCRIBED),
}


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.name)
def test_each_event_says_this_of_its_row(kind: type[Any]) -> None:
    event = sample(kind)
    if kind.name == "complained":
        event = msgspec.structs.replace(event, feedback_type="abuse")
    told = told_of(event)
    if kind.name not in EXPECTED:
        assert told is None
        return
    assert told is not None
    assert (told.state, told.flag) == EXPECTED[kind.name]
    assert told.message == sample(kind).message_id


@pytest.mark.parametrize(
    ("name", "values", "state"),
    [
        ("report_bounced", {"effect": "retry"}, RowState.BOUNCED),
        ("complained", {"feedback_type": "not-spam"}, None),
        ("complained", {"feedback_type": "virus"}, None),
        ("ses_told", {"kind": "delivery"}, RowState.DELIVERED),
        ("ses_told", {"kind": "reject"}, RowState.BOUNCED),
        ("ses_told", {"kind": "delay"}, None),
    ],
)
def test_some_depend_on_what_was_said(
    name: str, values: dict[str, str], state: RowState | None
) -> None:
    kind = next(each for each in CATALOGUE if each.name == name)
    told = told_of(msgspec.structs.replace(sample(kind), **values))
    assert (None if told is None else told.state) == state


@pytest.mark.parametrize(
    ("name", "changes", "flag"),
    [
        ("opened", {"verdict": "human"}, Flag.OPENED),
        ("opened", {"verdict": "machine"}, Flag.MACHINE_OPENED),
        ("clicked", {"verdict": ""}, Flag.CLICKED),
        ("clicked", {"verdict": "machine"}, Flag.MACHINE_CLICKED),
        (
            "clicked",
            {"verdict": "human", "index": -1, "recipient": ""},
            Flag.CLICKED | Flag.UNNAMED,
        ),
    ],
)
def test_people_and_machines_are_counted_apart(
    name: str, changes: dict[str, Any], flag: Flag
) -> None:
    kind = next(each for each in CATALOGUE if each.name == name)
    told = told_of(msgspec.structs.replace(sample(kind), **{"index": 0, **changes}))
    assert told is not None
    assert told.flag == flag
