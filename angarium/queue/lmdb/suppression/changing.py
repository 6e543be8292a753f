"""Changing suppressions, each with its event: operations, which others may take into theirs."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from angarium.queue.act import Actor
from angarium.queue.events.catalogue import CataloguedKind, encode_event
from angarium.queue.lmdb.keys import ERASURE_KEY
from angarium.queue.lmdb.records import RecordError
from angarium.queue.lmdb.suppression.table import (
    decode_suppression,
    encode_suppression,
    end_key,
)
from angarium.queue.lmdb.suppression.trouble_table import write_trouble
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.person import ALIAS_DOMAIN, alias_of
from angarium.queue.suppression_changes import (
    SWEEPER,
    SuppressionChange,
    Unsuppress,
    added_event,
    removed_event,
)
from angarium.queue.suppression_key import address_key, compared_form
from angarium.queue.suppression_store import NO_TROUBLES
from angarium.queue.suppressions import Suppression
from angarium.queue.trouble import Trouble

# Taken away in one transaction
SWEEP_LIMIT: Final = 500
_CHANGE_OCTETS: Final = 1000


class ApplySuppressions:
    """Operation: the changes, then ``events``; returns which changes did something.

    Another operation may apply it inside its own, so that what led to the changes is settled with them. It raises
    nothing there.
    """

    def __init__(
        self,
        changes: Sequence[SuppressionChange],
        events: Sequence[CataloguedKind] = (),
        troubles: Mapping[str, Trouble | None] = NO_TROUBLES,
    ) -> None:
        """Raises ValueError for what is no address."""
        self._troubles = {address_key(email): each for email, each in troubles.items()}
        self._changes = [(each.key, each.bounded()) for each in changes]
        self._events = [encode_event(each) for each in events]
        told = sum(len(each.events) for each in changes)
        self.octets = (len(changes) + told + len(self._troubles)) * _CHANGE_OCTETS + sum(
            map(len, self._events)
        )

    def apply(self, tx: WriteTransaction) -> list[bool]:
        done = [_change(tx, key, each) for key, each in self._changes]
        for event in self._events:
            tx.append_event(event)
        for key, trouble in self._troubles.items():
            write_trouble(tx, key, trouble)
        return done


class SweepSuppressions:
    """Operation: take away up to SWEEP_LIMIT whose time is over; returns how many keys it looked at."""

    octets = SWEEP_LIMIT * _CHANGE_OCTETS

    def apply(self, tx: WriteTransaction) -> int:
        over: list[bytes] = []
        cursor = tx.cursor(tx.env.suppression_end)
        more = cursor.first()
        while more and len(over) < SWEEP_LIMIT and int.from_bytes(cursor.key()[:8]) <= tx.now:
            over.append(cursor.key())
            more = cursor.next()
        for end in over:
            tx.delete(tx.env.suppression_end, end)
            found = _read(tx, end[8:])
            if found is not None and not found.is_in_force(tx.now):
                _remove(tx, end[8:], found, SWEEPER)
        return len(over)


def _change(tx: WriteTransaction, key: bytes, change: SuppressionChange) -> bool:
    before = _read(tx, key)
    if isinstance(change, Unsuppress):
        if tx.get(tx.env.suppression, key) is None:
            return _unsuppress_erased(tx, change)
        found = before or change.unreadable()
        if not change.concerns(found):
            return False
        _tell(tx, change)
        _remove(tx, key, found, change.by)
        write_trouble(tx, address_key(change.email), None)
        return True
    fresh = change.suppression
    if before is not None and not change.prevails(before, tx.now):
        return False
    if before is not None and before.expires_at is not None:
        tx.delete(tx.env.suppression_end, end_key(before.expires_at, key))
    tx.put(tx.env.suppression, key, encode_suppression(fresh))
    if fresh.expires_at is not None:
        tx.put(tx.env.suppression_end, end_key(fresh.expires_at, key), b"")
    _tell(tx, change)
    tx.append_event(encode_event(added_event(change, tx.now)))  # SU2
    return True


def _unsuppress_erased(tx: WriteTransaction, change: Unsuppress) -> bool:
    """Of one who was erased and comes again: they are known by their alias."""
    erasure_key = tx.get(tx.env.meta, ERASURE_KEY)
    if erasure_key is None or change.email.endswith(f"@{ALIAS_DOMAIN}"):
        return False
    alias = alias_of(compared_form(change.email), erasure_key)
    again = msgspec.structs.replace(change, email=alias)
    return _change(tx, again.key, again)


def _tell(tx: WriteTransaction, change: SuppressionChange) -> None:
    for event in change.events:
        tx.append_event(encode_event(event))


def _remove(tx: WriteTransaction, key: bytes, found: Suppression, by: Actor) -> None:
    if found.expires_at is not None:
        tx.delete(tx.env.suppression_end, end_key(found.expires_at, key))
    tx.delete(tx.env.suppression, key)
    tx.append_event(encode_event(removed_event(found, by, tx.now)))


def _read(tx: WriteTransaction, key: bytes) -> Suppression | None:
    raw = tx.get(tx.env.suppression, key)
    try:
        return None if raw is None else decode_suppression(raw)
    except RecordError:
        return None
