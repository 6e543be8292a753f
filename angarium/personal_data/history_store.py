"""The history: its events without the person, and its lists not by their address. Counts and statuses stay."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.history.database import HistoryDatabase
from angarium.history.labels import labels_of
from angarium.history.story import HistoryAwayError
from angarium.history.tables import EVENT, LABEL, MESSAGE
from angarium.personal_data.database_rest import clear_rest
from angarium.personal_data.store import Erased, Found, StoreAwayError, Subject
from angarium.personal_data.telling import told_event
from angarium.queue import Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.catalogue import decode_readable
from angarium.queue.lmdb.person.event import EventEraser

_PART: Final = 2000
_LOT: Final = 200


class HistoryStore:
    name = "history"

    def __init__(self, database: HistoryDatabase) -> None:
        """Of a database that has its tables."""
        self._database = database

    def find(self, subject: Subject) -> Iterator[Found]:
        eraser = EventEraser(subject.person)
        for row in self._rows(subject):
            raw = bytes(row.raw)
            if eraser.without(raw) is not None:
                position = Position(row.sequence, decode_readable(raw))
                yield Found(data=told_event(position, subject.person))

    def erase(self, subject: Subject) -> Erased:
        eraser = EventEraser(subject.person)
        lot: list[tuple[int, bytes, bytes]] = []
        changed = 0
        for row in self._rows(subject):
            raw = bytes(row.raw)
            if (after := eraser.without(raw)) is not None:
                lot.append((row.sequence, raw, after))
                changed += 1
            if len(lot) == _LOT:
                self._write(lot)
                lot = []
        self._write(lot)
        return Erased(changed=changed, left=self._clear_rest())

    def _rows(self, subject: Subject) -> Iterator[Any]:
        """Yield all of the tenant's events, in order; no transaction is open meanwhile."""
        after = -1
        whose = [] if subject.tenant is None else [EVENT.c.tenant == subject.tenant]
        columns = sa.select(EVENT.c.sequence, EVENT.c.raw)
        while True:
            wanted = columns.where(EVENT.c.sequence > after, *whose).order_by(EVENT.c.sequence)
            try:
                with self._database.reading() as connection:
                    rows = connection.execute(wanted.limit(_PART)).all()
            except HistoryAwayError as error:
                raise StoreAwayError(str(error)) from error
            yield from rows
            if len(rows) < _PART:
                return
            after = rows[-1].sequence

    def _write(self, lot: Sequence[tuple[int, bytes, bytes]]) -> None:
        if not lot:
            return
        try:
            with self._database.writing() as connection:
                if self._database.is_sqlite:
                    connection.exec_driver_sql("PRAGMA secure_delete = ON")
                for sequence, before, after in lot:
                    _write_event(connection, sequence, before, after)
        except HistoryAwayError as error:
            raise StoreAwayError(str(error)) from error

    def _clear_rest(self) -> tuple[str, ...]:
        return clear_rest(self._database.path) if self._database.path is not None else ()


def _write_event(connection: Connection, sequence: int, before: bytes, after: bytes) -> None:
    connection.execute(sa.update(EVENT).where(EVENT.c.sequence == sequence).values(raw=after))
    old, new = decode_readable(before), decode_readable(after)
    if not isinstance(old, MessageAccepted) or not isinstance(new, MessageAccepted):
        return
    found = sa.select(MESSAGE.c.created).where(MESSAGE.c.number == sequence)
    created = connection.execute(found).scalar_one_or_none()
    if created is None:
        return
    for label, value in labels_of(old) - labels_of(new):
        connection.execute(
            sa.delete(LABEL).where(
                LABEL.c.tenant == old.tenant,
                LABEL.c.kind == int(label),
                LABEL.c.value == value,
                LABEL.c.created == created,
                LABEL.c.message == sequence,
            )
        )
    fresh = [
        {
            "tenant": old.tenant,
            "kind": int(label),
            "value": value,
            "created": created,
            "message": sequence,
        }
        for label, value in labels_of(new) - labels_of(old)
    ]
    if fresh:
        connection.execute(sa.insert(LABEL), fresh)
