"""Having a person out of the queue: operations, each of which may be done again and comes to the same."""

from collections.abc import Sequence
from typing import Final

from angarium.queue.act import Actor
from angarium.queue.lmdb.once_table import forget_once
from angarium.queue.lmdb.records import RecordError
from angarium.queue.lmdb.suppression.changing import ApplySuppressions
from angarium.queue.lmdb.suppression.table import decode_suppression, end_key
from angarium.queue.lmdb.suppression.trouble_table import write_trouble
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.person import Person
from angarium.queue.suppression_changes import Suppress
from angarium.queue.suppression_key import address_key
from angarium.queue.suppressions import ERASURE, EVERYBODY, Scope, Suppression

# A key, what was found there, and what is to be; None: nothing
Change = tuple[bytes, bytes, bytes | None]
_SUPPRESSION_OCTETS: Final = 2000


class ReplaceRecords:
    """Operation: put others in the place of records of a table; returns how many. What somebody else has changed
    meanwhile stays, and is looked at again.
    """

    def __init__(self, table: str, changes: Sequence[Change]) -> None:
        self._table = table
        self._changes = changes
        self.octets = sum(len(after or b"") + 100 for _, _, after in changes)

    def apply(self, tx: WriteTransaction) -> int:
        database, count = tx.env.databases[self._table], 0
        for key, before, after in self._changes:
            if tx.get(database, key) != before:
                continue
            if after is None:
                tx.delete(database, key)
            else:
                tx.put(database, key, after)
            count += 1
        return count


class ForgetOnceKeys:
    """Operation: forget idempotency keys whose answers name the person; returns how many."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys
        self.octets = len(keys) * 200

    def apply(self, tx: WriteTransaction) -> int:
        return sum(forget_once(tx, each) for each in self._keys)


class SuppressErased:
    """Operation: what suppresses the address by its name goes, and the alias is suppressed, for ever.

    So nothing that is accepted later reaches them, and nobody reads an address from it. Returns how many went. No event
    tells of those: it would have the address.
    """

    octets = 100 * _SUPPRESSION_OCTETS

    def __init__(self, person: Person, tenant: str | None, by: Actor) -> None:
        self._prefix = address_key(person.address)
        self._tenant = tenant
        self._by = by
        self._alias = person.alias

    def apply(self, tx: WriteTransaction) -> int:
        gone = 0
        for key, raw in self._named(tx):
            try:
                found = decode_suppression(raw)
            except RecordError:
                found = None
            if self._tenant is not None and (found is None or found.scope.tenant != self._tenant):
                continue
            if found is not None and found.expires_at is not None:
                tx.delete(tx.env.suppression_end, end_key(found.expires_at, key))
            gone += tx.delete(tx.env.suppression, key)
        if self._tenant is None:
            write_trouble(tx, self._prefix, None)
        self._suppress(tx)
        return gone

    def _named(self, tx: WriteTransaction) -> list[tuple[bytes, bytes]]:
        found: list[tuple[bytes, bytes]] = []
        cursor = tx.cursor(tx.env.suppression)
        more = cursor.set_range(self._prefix)
        while more and cursor.key().startswith(self._prefix):
            found.append((cursor.key(), cursor.value()))
            more = cursor.next()
        return found

    def _suppress(self, tx: WriteTransaction) -> None:
        scope = EVERYBODY if self._tenant is None else Scope(tenant=self._tenant)
        alias = Suppression(email=self._alias, scope=scope, reason=ERASURE, added_at=tx.now)
        if tx.get(tx.env.suppression, alias.key) is None:
            ApplySuppressions([Suppress(suppression=alias, by=self._by)]).apply(tx)
