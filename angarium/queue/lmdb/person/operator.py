"""A person's data in the queue, for a command of its own, beside a server that may run. Blocks."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from angarium.config.schema import Queue
from angarium.queue.act import Actor
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.ledger.values import LedgerRow
from angarium.queue.lmdb.administration.acts import ActOn
from angarium.queue.lmdb.ages import QueueAges, read_ages
from angarium.queue.lmdb.event_log import AppendEvents, last_sequence, read_positions
from angarium.queue.lmdb.file.check import has_file
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.keys import delivery_key
from angarium.queue.lmdb.person.key import MakeKey, read_key
from angarium.queue.lmdb.person.operations import (
    Change,
    ForgetOnceKeys,
    ReplaceRecords,
    SuppressErased,
)
from angarium.queue.lmdb.person.reading import PersonReader
from angarium.queue.lmdb.records import encode
from angarium.queue.lmdb.reporting import ForgetReports
from angarium.queue.lmdb.transaction import Operation, OperationFailure, Transactor
from angarium.queue.person import Person
from angarium.queue.spool import Clock

# Records that are changed in one transaction: the server's processes wait meanwhile
_LOT: Final = 200
_HEADER: Final = 1


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    recipients: int
    in_flight: int  # an attempt of these is under way: they are not touched


class PersonOperator:
    """Nothing of the queue's file is written before the first act. Each act may be done again: it comes to the same."""

    def __init__(self, env: QueueEnvironment, clock: Clock) -> None:
        self._env = env
        self._clock = clock

    @classmethod
    def open(cls, path: Path, config: Queue, clock: Clock) -> "PersonOperator":
        """Open an existing queue. Raises FileNotFoundError, DamagedQueueError, SchemaError, QueueBusyError."""
        if not has_file(path):
            raise FileNotFoundError(f"no queue in {path}")
        return cls(QueueEnvironment.open(path, config, read_only=True), clock)

    def close(self) -> None:
        self._env.close()

    def find_key(self) -> bytes | None:
        """Return the installation's key; None: nobody was ever erased."""
        with self._env.read() as txn:
            return read_key(txn, self._env)

    def make_key(self, fresh: bytes) -> bytes:
        """Return the key that is there, or keep this one."""
        found: bytes = self.find_key() or self._transact(MakeKey(fresh))
        return found

    def reader(self, person: Person, tenant: str | None) -> PersonReader:
        return PersonReader(self._env, person, tenant)

    def suppress(self, person: Person, tenant: str | None, by: Actor) -> int:
        """Suppress the alias; returns how many suppressions named the address, which are gone."""
        gone: int = self._transact(SuppressErased(person, tenant, by.bounded()))
        return gone

    def cancel(self, person: Person, tenant: str | None, by: Actor) -> Cancelled:
        """Take what waits for the person out of the queue."""
        waiting = [(each.id, each.in_flight) for each in self.reader(person, tenant).waiting()]
        keys = [delivery_key(each) for each, in_flight in waiting if not in_flight]
        done = 0
        for lot in _lots(keys):
            done += len(self._transact(ActOn("cancel", lot, by.bounded())))
        return Cancelled(recipients=done, in_flight=len(waiting) - done)

    def forget_reports(self, person: Person, tenant: str | None) -> int:
        """Delete mails that came back and have the address anywhere."""
        found = [(shelf, each.id) for shelf, each in self.reader(person, tenant).reports()]
        forgotten: int = sum(
            [self._transact(ForgetReports(shelf, [report])) for shelf, report in found]
        )
        return forgotten

    def clear_rows(self, person: Person, tenant: str | None) -> int:
        """Have the address out of campaigns' rows; which rows there are, and what became of each, stays."""
        changes: list[Change] = []
        for key, raw, _, row in self.reader(person, tenant).rows():
            changes.append((key, raw, encode(_row_without(row, person))))
        return self._replace("campaign_row", changes)

    def clear_records(self, person: Person, tenant: str | None) -> int:
        """The same of campaigns, of what was set aside as damaged, and of answers to idempotency keys."""
        reader = self.reader(person, tenant)
        damaged: list[Change] = [(key, raw, None) for key, raw in reader.plain("damaged")]
        campaigns: list[Change] = []
        for key, raw in reader.plain("campaign"):
            fields = person.out_of(msgspec.msgpack.decode(raw[_HEADER:]))
            campaigns.append((key, raw, raw[:_HEADER] + msgspec.msgpack.encode(fields)))
        once = [key for key, _ in reader.plain("once")]
        count = self._replace("damaged", damaged) + self._replace("campaign", campaigns)
        forgotten: int = sum([self._transact(ForgetOnceKeys(lot)) for lot in _lots(once)])
        return count + forgotten

    def clear_events(self, person: Person, tenant: str | None) -> int:
        """Write events anew without the person, each under its number."""
        count, lot = 0, list[Change]()
        for change in self.reader(person, tenant).events():
            lot.append(change)
            if len(lot) == _LOT:
                count, lot = count + self._replace("event", lot), []
        return count + self._replace("event", lot)

    def append(self, event: CataloguedKind) -> None:
        self._transact(AppendEvents([event]))

    def last_event(self) -> int:
        with self._env.read() as txn:
            return last_sequence(txn, self._env)

    def consumers(self) -> dict[str, int]:
        """Return up to which event each has acknowledged them."""
        with self._env.read() as txn:
            return read_positions(txn, self._env)

    def ages(self) -> QueueAges:
        return read_ages(self._env)

    def _replace(self, table: str, changes: Sequence[Change]) -> int:
        return sum(self._transact(ReplaceRecords(table, lot)) for lot in _lots(changes))

    def _transact(self, operation: Operation) -> Any:
        if self._env.read_only:
            self._env = self._env.open_to_write()
        outcome = Transactor(self._env, self._clock).run([operation]).outcomes[0]
        if isinstance(outcome, OperationFailure):
            raise outcome.error
        return outcome


def _row_without(row: LedgerRow, person: Person) -> LedgerRow:
    is_theirs = person.is_in_text(f"{row.address}\n{row.text}")
    return msgspec.structs.replace(
        row,
        address=person.out_of_text(row.address),
        # The line has what else was known of them
        text="" if is_theirs else person.out_of_text(row.text),
        reason=person.out_of_text(row.reason),
    )


def _lots(items: Sequence[Any]) -> Iterator[Any]:
    for start in range(0, len(items), _LOT):
        yield items[start : start + _LOT]
