"""Mirrors angarium/queue/lmdb/suppression/table.py and trouble_table.py: what the disk damaged, and what is bounded."""

from pathlib import Path

import pytest

from angarium.config.schema import Queue
from angarium.queue import LmdbSpool, QueueOperator, SuppressionFilter, UnixMs, Unsuppress, verify
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.suppression import trouble_table
from angarium.queue.lmdb.transaction import Transactor, WriteTransaction
from angarium.queue.suppression_changes import Suppress
from angarium.queue.suppressions import UNREADABLE, Suppression
from angarium.queue.trouble import Trouble
from tests.queue.conftest import open_lmdb
from tests.queue.samples import BY, START, FakeClock

EMAIL = "bob@example.net"


def entry(expires_at: int | None = None) -> Suppression:
    return Suppression(
        email=EMAIL,
        reason="complaint",
        added_at=UnixMs(START),
        expires_at=None if expires_at is None else UnixMs(expires_at),
    )


class Damage:
    """Operation: what a disk may do to all records of the table."""

    octets = 100

    def apply(self, tx: WriteTransaction) -> None:
        tx.put(tx.env.suppression, entry().key, b"\x01rubbish")


def damage(path: Path, config: Queue) -> None:
    env = QueueEnvironment.open(path, config)
    Transactor(env, FakeClock()).run([Damage()])
    env.close()


async def test_a_damaged_record_still_suppresses_is_named_and_can_be_removed(
    tmp_path: Path, clock: FakeClock, config: Queue
) -> None:
    """Its key says whom (L2, invariant 5)."""
    spool = open_lmdb(tmp_path, clock)
    await spool.suppressions.apply([Suppress(suppression=entry(START + 5), by=BY)])
    spool.close()
    damage(tmp_path / "queue", config)
    found = verify(tmp_path / "queue", config, lambda _done, _all: None)
    assert (found.faults, "suppression" in found.findings[0]) == (1, True)
    spool = open_lmdb(tmp_path, clock)
    suppression = spool.suppressions.find(EMAIL, "acme", "news")
    assert suppression is not None
    assert (suppression.email, suppression.reason) == (EMAIL, UNREADABLE)
    assert (await spool.suppressions.page(SuppressionFilter(), None, 10)).suppressions == ()
    clock.now = START + 10
    assert await spool.suppressions.sweep() == 1  # its time is in another table
    assert spool.suppressions.find(EMAIL, "acme", "news") is not None
    assert await spool.suppressions.apply([Unsuppress(email=EMAIL, by=BY)]) == [True]
    assert spool.suppressions.find(EMAIL, "acme", "news") is None
    spool.close()


async def test_a_command_beside_no_server_changes_the_same_table(
    tmp_path: Path, clock: FakeClock, config: Queue
) -> None:
    spool = open_lmdb(tmp_path, clock)
    spool.close()
    operator = QueueOperator.open(tmp_path / "queue", config, clock)
    assert operator.find_suppression(EMAIL, "acme", "news") is None
    assert operator.change_suppressions([Suppress(suppression=entry(), by=BY)]) == [True]
    assert operator.suppression_page(SuppressionFilter(), None, 10).suppressions == (entry(),)
    operator.close()
    spool = open_lmdb(tmp_path, clock)
    assert spool.suppressions.find(EMAIL, "acme", "news") == entry()
    spool.close()


async def test_what_is_remembered_of_failures_is_bounded(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble_table, "TROUBLE_LIMIT", 2)
    monkeypatch.setattr(trouble_table, "FORGET_LIMIT", 1)
    spool: LmdbSpool = open_lmdb(tmp_path, clock)
    emails = ["a@x.example", "b@x.example", "c@x.example"]
    for number, email in enumerate(emails):
        trouble = Trouble(failures=1, last_at=UnixMs(START + number))
        await spool.suppressions.apply([], troubles={email: trouble})
    again = Trouble(failures=2, last_at=UnixMs(START + 9))
    await spool.suppressions.apply([], troubles={"B@x.example": again})
    found = spool.suppressions.find_troubles(emails)
    assert [None if each is None else each.failures for each in found] == [1, 2, None]
    assert await spool.suppressions.forget_troubles(UnixMs(START + 9)) == 1
    await spool.suppressions.apply([], troubles={"b@x.example": None})
    assert spool.suppressions.find_troubles(emails) == [None, None, None]
    spool.close()
