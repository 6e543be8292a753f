"""Mirrors angarium/personal_data/outbox_store.py, on a real outbox."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.history.details import Details
from angarium.personal_data.outbox_store import OutboxStore
from angarium.personal_data.store import Subject
from angarium.queue.act import Actor
from angarium.queue.model import UnixMs
from angarium.queue.person import Person
from angarium.webhooks.delivery import NewDelivery, Outcome
from angarium.webhooks.happening import Happening, decode_happening, encode_happening
from angarium.webhooks.outbox import Outbox

NOW = UnixMs(1_800_000_000_000)
ANN = Person("ann@example.com", bytes(32))
EVERYBODY = Subject(person=ANN, by=Actor(who="tests"))
ACME = Subject(person=ANN, tenant="acme", by=Actor(who="tests"))
SAID = {"who": "Ann"}


def told(recipient: str, tenant: str, number: int) -> NewDelivery:
    happening = Happening(
        id=f"e{number}",
        type="email.opened",
        at=NOW,
        tenant=tenant,
        email_id=f"m{number}",
        recipient=recipient,
        subject="Dear Ann",
        metadata=SAID,
        variables=SAID,
        details=Details(client="192.0.2.0/24 Firefox", link="https://x.example/?a=ann@example.com"),
    )
    return NewDelivery(
        tenant=tenant,
        endpoint="e",
        event_id=happening.id,
        type=happening.type,
        email_id=happening.email_id,
        recipient=recipient,
        happening=encode_happening(happening),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An outbox with hers, of two tenants, what came of her after an erasure, and somebody else's."""
    file = tmp_path / "webhooks.db"
    outbox = Outbox(file)
    people = (("ann@example.com", "acme"), ("Ann@example.com", "shop"), (ANN.token, "shop"))
    deliveries = [
        told(recipient, tenant, number)
        for number, (recipient, tenant) in enumerate((*people, ("bob@example.com", "acme")))
    ]
    outbox.add(deliveries, NOW)
    outcomes = [
        Outcome(
            delivery=each,
            at=NOW,
            duration_ms=1,
            url="https://x.example/",
            http_status=500,
            text="ann@example.com: no",
            is_success=False,
        )
        for each in outbox.due("e", NOW, 10)[0]
    ]
    outbox.settle(outcomes, {}, NOW)
    outbox.close()
    return file


def happenings(path: Path) -> list[Any]:
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT happening FROM delivery ORDER BY id").fetchall()
    return [decode_happening(each) for (each,) in rows]


def test_a_delivery_stays_without_what_was_said_of_the_person(path: Path) -> None:
    """PD1"""
    store = OutboxStore(path)
    found = list(store.find(EVERYBODY))
    assert store.erase(EVERYBODY).changed == len(found) == 4 + 4  # and their attempts
    assert list(store.find(EVERYBODY)) == []
    *hers, bobs = happenings(path)
    for each in hers:
        assert (each.recipient, each.subject, each.metadata, each.variables) == (
            *(ANN.token, "", {}, {}),
        )
        assert (each.details.client, each.details.link) == (
            "",
            f"https://x.example/?a={ANN.token}",
        )
    assert (bobs.subject, bobs.details.client) == ("Dear Ann", "192.0.2.0/24 Firefox")
    assert b"ann@example.com" not in path.read_bytes()


def test_another_tenants_deliveries_and_attempts_stay(path: Path) -> None:
    store = OutboxStore(path)
    before = [msgspec.to_builtins(dict(each.data)) for each in store.find(EVERYBODY)]
    hers = [msgspec.to_builtins(dict(each.data)) for each in store.find(ACME)]
    assert store.erase(ACME).changed == len(hers) == 2 + 2  # and their attempts
    assert list(store.find(ACME)) == []
    assert [msgspec.to_builtins(dict(each.data)) for each in store.find(EVERYBODY)] == [
        each for each in before if each not in hers
    ]
