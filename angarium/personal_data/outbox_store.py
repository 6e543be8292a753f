"""What webhooks are still to be told, and the log of it: in webhooks.db. Deliveries stay, without the address."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from angarium.personal_data.database_rest import clear_rest
from angarium.personal_data.store import Erased, Found, StoreAwayError, Subject
from angarium.telemetry.timestamp import rfc3339

_BUSY_S: Final = 20.0
_PART: Final = 1000
# What a happening has of the one whom it is about, and of nobody else
_THEIRS: Final = ("variables", "metadata", "subject")
_READER: Final = "client"  # in its details
# By a row's first column
_WHOSE: Final = {
    "attempt": "SELECT tenant FROM delivery WHERE id = ?",
    "callback": "SELECT tenant FROM delivery WHERE email_id = ? LIMIT 1",
}


class OutboxStore:
    name = "webhooks"

    def __init__(self, path: Path) -> None:
        """Of a file that is there."""
        self._path = path

    def find(self, subject: Subject) -> Iterator[Found]:
        with self._opened() as db:
            for row, _ in _deliveries(db, subject):
                yield Found(
                    data={
                        "delivery": row["id"],
                        "tenant": row["tenant"],
                        "webhook": row["endpoint"],
                        "type": row["type"],
                        "created": rfc3339(row["created"]),
                        "recipient": row["recipient"],
                        "happening": _json(row["happening"]),
                        "text": row["text"],
                    }
                )
            for table in _WHOSE:
                for row in _others(db, table, subject):
                    yield Found(data={"table": table, **dict(row)})

    def erase(self, subject: Subject) -> Erased:
        changed = 0
        with self._opened() as db:
            for row, values in list(_deliveries(db, subject)):
                db.execute(
                    "UPDATE delivery SET recipient = ?, happening = ?, text = ?, url = ? WHERE id = ?",
                    (*values, row["id"]),
                )
                changed += 1
            changed += _clear_others(db, subject)
        try:
            return Erased(changed=changed, left=clear_rest(self._path))
        except sqlite3.Error as error:
            raise StoreAwayError(f"{self._path}: {error}") from error

    def _opened(self) -> "_Opened":
        return _Opened(self._path)


class _Opened:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._db = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA secure_delete = ON")
        except sqlite3.Error as error:
            raise StoreAwayError(f"{self._path}: {error}") from error
        return self._db

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._db.close()
        if isinstance(error, sqlite3.Error):
            raise StoreAwayError(f"{self._path}: {error}") from error


def _deliveries(
    db: sqlite3.Connection, subject: Subject
) -> Iterator[tuple[sqlite3.Row, Sequence[Any]]]:
    """Yield what has the person, and what it is to have instead."""
    after = 0
    while True:
        rows = db.execute(
            "SELECT * FROM delivery WHERE id > ? ORDER BY id LIMIT ?", (after, _PART)
        ).fetchall()
        for row in rows:
            if subject.tenant in (None, row["tenant"]):
                values = _delivery_without(row, subject)
                if values is not None:
                    yield row, values
        if len(rows) < _PART:
            return
        after = rows[-1]["id"]


def _delivery_without(row: sqlite3.Row, subject: Subject) -> Sequence[Any] | None:
    """Return recipient, happening, text and url as they are to be; None: as they are."""
    person = subject.person
    octets = bytes(row["happening"])
    before = happening = _json(octets)
    if person.is_known_as(row["recipient"]) and isinstance(happening, dict):
        happening = {name: each for name, each in happening.items() if name not in _THEIRS}
        if isinstance(details := happening.get("details"), dict):
            happening["details"] = {name: each for name, each in details.items() if name != _READER}
    happening = person.out_of(happening)
    was = (row["recipient"], row["text"], row["url"])
    recipient, text, url = map(person.out_of_text, was)
    if happening == before and (recipient, text, url) == was:
        return None
    return recipient, msgspec.json.encode(happening), text, url


def _others(db: sqlite3.Connection, table: str, subject: Subject) -> Iterator[sqlite3.Row]:
    """Of tables whose rows are whose the delivery is that they belong to."""
    for row in db.execute(f"SELECT * FROM {table}").fetchall():  # noqa: S608 - a name of ours
        if any(subject.person.is_in_text(each) for each in row if isinstance(each, str)):
            whose = db.execute(_WHOSE[table], (row[0],)).fetchone()
            if subject.tenant in (None, whose and whose["tenant"]):
                yield row


def _clear_others(db: sqlite3.Connection, subject: Subject) -> int:
    out = subject.person.out_of_text
    attempts = [
        (out(row["text"]), out(row["url"]), row["delivery"], row["number"])
        for row in _others(db, "attempt", subject)
    ]
    db.executemany(
        "UPDATE attempt SET text = ?, url = ? WHERE delivery = ? AND number = ?", attempts
    )
    callbacks = [(out(row["url"]), row["email_id"]) for row in _others(db, "callback", subject)]
    db.executemany("UPDATE callback SET url = ? WHERE email_id = ?", callbacks)
    return len(attempts) + len(callbacks)


def _json(octets: bytes) -> Any:
    try:
        return msgspec.json.decode(octets)
    except msgspec.DecodeError:
        return bytes(octets).decode("utf-8", "replace")
