"""Finding one message's events in the log without reading all of it.

Ids are UUIDv7 and events are nearly in the order of time, so the search begins at the id's own time.
"""

from typing import Final

from angarium.queue.event_log import Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.catalogue import decode_readable, readable_head
from angarium.queue.events.relayed import Relayed
from angarium.queue.lmdb.event_log import first_at
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.keys import u64
from angarium.queue.lmdb.steps import Steps
from angarium.queue.message_id import IdRange, message_id_ms
from angarium.queue.model import MessageId

SLACK_MS: Final = 600_000  # ours: how far the order of events may be from the order of time
# Ours: how far from its id's time a message is accepted; most are within a second
NEAR_MS: Final = 60_000
NEXT_MS: Final = 1000
READ_LIMIT: Final = 5000  # events looked at in one read transaction


class History:
    def __init__(self, env: QueueEnvironment) -> None:
        self._env = env

    def events_of(self, message_id: bytes) -> Steps[list[Position]]:
        """Return the message's events, in order, as far as they are kept."""
        start = first_at(self._env, message_id_ms(message_id) - SLACK_MS)
        found = yield from self._scan(message_id, start)
        if start > 1 and not (found and isinstance(found[0].event, MessageAccepted)):
            # The clock was set back, or the log begins later
            found = yield from self._scan(message_id, 1)
        return found

    def accepted(self, message_id: bytes) -> Steps[MessageAccepted | None]:
        """Return how the message was accepted, if that is kept, from about the time that its id says."""
        at = message_id_ms(message_id)
        found = yield from self._accepted(message_id, at - NEXT_MS, at + NEXT_MS)
        if found is None:
            found = yield from self._accepted(message_id, at - NEAR_MS, at + NEAR_MS)
        return found

    def _accepted(self, message_id: bytes, begin: int, end: int) -> Steps[MessageAccepted | None]:
        start = first_at(self._env, begin)
        while True:
            last = start + READ_LIMIT
            with self._env.read() as txn:
                cursor = txn.cursor(self._env.event)
                more = cursor.set_range(u64(start))
                for key, raw in cursor.iternext() if more else ():
                    start = int.from_bytes(key, "big") + 1
                    if message_id in raw:
                        event = decode_readable(raw)
                        if isinstance(event, MessageAccepted) and event.message_id == message_id:
                            return event
                    if start > last:
                        break
                else:
                    return None
                if readable_head(raw).at > end:
                    return None
            yield None

    def sent(self, reply: str, at: int) -> Steps[MessageId | None]:
        """Return the message that a smart host took with this reply, at about that time."""
        start, wanted = first_at(self._env, at - SLACK_MS), reply.encode()
        while True:
            last = start + READ_LIMIT
            with self._env.read() as txn:
                cursor = txn.cursor(self._env.event)
                more = cursor.set_range(u64(start))
                for key, raw in cursor.iternext() if more else ():
                    start = int.from_bytes(key, "big") + 1
                    if wanted in raw:  # far cheaper than decoding
                        event = decode_readable(raw)
                        if isinstance(event, Relayed) and event.attempt.text == reply:
                            return event.message_id
                    if start > last:
                        break
                else:
                    return None
                if readable_head(raw).at > at + SLACK_MS:
                    return None
            yield None

    def ids_in(self, wanted: IdRange, limit: int) -> Steps[list[bytes]]:
        """Return up to ``limit`` ids of messages whose events are kept, in order of their first event."""
        start = first_at(self._env, message_id_ms(wanted.first) - SLACK_MS)
        found = yield from self._scan_ids(
            wanted, limit, start, message_id_ms(wanted.last) + SLACK_MS
        )
        if not found and start > 1:
            found = yield from self._scan_ids(wanted, limit, 1, None)  # the clock was set back
        return found

    def _scan_ids(
        self, wanted: IdRange, limit: int, start: int, until: int | None
    ) -> Steps[list[bytes]]:
        """``until``: behind the first event that is later, no more are looked at."""
        found: dict[bytes, None] = {}
        is_over = False
        while not is_over:
            is_over = True
            with self._env.read() as txn:
                cursor = txn.cursor(self._env.event)
                more = cursor.set_range(u64(start))
                for key, raw in cursor.iternext() if more else ():
                    head = readable_head(raw)
                    if until is not None and head.at > until:
                        break
                    if head.message_id in wanted:
                        found[head.message_id] = None
                        if len(found) >= limit:
                            break
                    if int.from_bytes(key, "big") >= start + READ_LIMIT:
                        start, is_over = int.from_bytes(key, "big") + 1, False
                        break
            yield None
        return list(found)

    def _scan(self, message_id: bytes, start: int) -> Steps[list[Position]]:
        """To the end of the log: what came back of a message came when it had been delivered long before."""
        found: list[Position] = []
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
                    if message_id in raw:  # far cheaper than decoding
                        event = decode_readable(raw)
                        if event.message_id == message_id:
                            found.append(Position(start - 1, event))
            if looked <= READ_LIMIT:
                return found
            yield None
