"""Finding one message's events in the log without reading all of it.

Ids are UUIDv7 and events are nearly in the order of time, so the search begins at the id's own time.
"""

from typing import Final

from angarium.queue.event_log import Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.catalogue import FINAL_EVENTS, decode_readable, readable_time
from angarium.queue.lmdb.environment import QueueEnvironment
from angarium.queue.lmdb.event_log import last_sequence
from angarium.queue.lmdb.keys import u64
from angarium.queue.lmdb.steps import Steps
from angarium.queue.message_id import message_id_ms

SLACK_MS: Final = 600_000  # ours: how far the order of events may be from the order of time
READ_LIMIT: Final = 5000  # events looked at in one read transaction


class History:
    def __init__(self, env: QueueEnvironment) -> None:
        self._env = env

    def events_of(self, message_id: bytes) -> Steps[list[Position]]:
        """Return the message's events, in order, as far as they are kept."""
        start = self._first_at(message_id_ms(message_id) - SLACK_MS)
        found = yield from self._scan(message_id, start)
        if start > 1 and not (found and isinstance(found[0].event, MessageAccepted)):
            # The clock was set back, or the log begins later
            found = yield from self._scan(message_id, 1)
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
                if readable_time(cursor.value()) < at:
                    low = int.from_bytes(cursor.key(), "big") + 1
                else:
                    high = middle
        return low

    def _scan(self, message_id: bytes, start: int) -> Steps[list[Position]]:
        story = _Story(message_id)
        while True:
            looked = 0
            with self._env.read() as txn:
                cursor = txn.cursor(self._env.event)
                if not cursor.set_range(u64(start)):
                    return story.found
                for key, raw in cursor.iternext():
                    looked += 1
                    if looked > READ_LIMIT:
                        break
                    start = int.from_bytes(key, "big") + 1
                    # Far cheaper than decoding
                    if message_id in raw and story.tell(start - 1, raw):
                        return story.found
            if looked <= READ_LIMIT:
                return story.found
            yield None


class _Story:
    """One message's events as they are found."""

    def __init__(self, message_id: bytes) -> None:
        self.found: list[Position] = []
        self._message_id = message_id
        self._open: set[int] | None = None  # recipients without an outcome; None: not known

    def tell(self, sequence: int, raw: bytes) -> bool:
        """Take the event if it is the message's; returns whether nothing more can have happened to it."""
        event = decode_readable(raw)
        if event.message_id != self._message_id:
            return False
        self.found.append(Position(sequence, event))
        if isinstance(event, MessageAccepted):
            self._open = set(range(len(event.recipients)))
        elif isinstance(event, FINAL_EVENTS) and self._open is not None:
            self._open.discard(event.index)
        return self._open is not None and not self._open
