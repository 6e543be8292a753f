"""Finding one message's events in the log without reading all of it.

Ids are UUIDv7 and events are nearly in the order of time, so the search begins at the id's own time.
"""

from typing import Final

from angarium.queue.event import MessageAccepted, Position
from angarium.queue.lmdb.environment import QueueEnvironment
from angarium.queue.lmdb.event_log import last_sequence
from angarium.queue.lmdb.event_records import FINAL_KINDS, decode_event, event_of
from angarium.queue.lmdb.keys import u64
from angarium.queue.message_id import message_id_ms

SLACK_MS: Final = 600_000  # ours: how far the order of events may be from the order of time
READ_LIMIT: Final = 5000  # events looked at in one read transaction


class History:
    def __init__(self, env: QueueEnvironment) -> None:
        self._env = env

    def events_of(self, message_id: bytes) -> list[Position]:
        """Return the message's events, in order, as far as they are kept."""
        start = self._first_at(message_id_ms(message_id) - SLACK_MS)
        found = self._scan(message_id, start)
        if start > 1 and not (found and isinstance(found[0].event, MessageAccepted)):
            found = self._scan(message_id, 1)  # the clock was set back, or the log begins later
        return found

    def _first_at(self, at: int) -> int:
        """Return a sequence number at or before the first event as late as ``at``: by bisection."""
        with self._env.read() as txn:
            cursor = txn.cursor(self._env.event)
            if not cursor.first():
                return 1
            low, high = int.from_bytes(cursor.key(), "big"), last_sequence(txn, self._env)
            while low < high:
                middle = (low + high) // 2
                cursor.set_range(u64(middle))
                if decode_event(cursor.value()).at < at:
                    low = int.from_bytes(cursor.key(), "big") + 1
                else:
                    high = middle
        return low

    def _scan(self, message_id: bytes, start: int) -> list[Position]:
        found: list[Position] = []
        open_recipients: set[int] | None = None  # None: how many there are is not known
        while True:
            looked = 0
            with self._env.read() as txn:
                cursor = txn.cursor(self._env.event)
                if not cursor.set_range(u64(start)):
                    return found
                for key, raw in cursor.iternext():
                    looked += 1
                    if looked > READ_LIMIT:
                        break
                    start = int.from_bytes(key, "big") + 1
                    if message_id not in raw:  # far cheaper than decoding
                        continue
                    record = decode_event(raw)
                    if record.message_id != message_id:
                        continue
                    event = event_of(record)
                    found.append(Position(start - 1, event))
                    if isinstance(event, MessageAccepted):
                        open_recipients = set(range(len(event.recipients)))
                    elif record.kind in FINAL_KINDS and open_recipients is not None:
                        open_recipients.discard(record.index)
                        if not open_recipients:  # nothing more can have happened to it
                            return found
            if looked <= READ_LIMIT:
                return found
