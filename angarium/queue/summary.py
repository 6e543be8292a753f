"""How much is in the queue. Plain values."""

import msgspec

from angarium.queue.model import UnixMs


class QueueSummary(msgspec.Struct, frozen=True, kw_only=True):
    messages: int
    scheduled: int  # recipients
    in_flight: int
    held: int
    events: int
    file_octets: int
    map_octets: int  # of address space: when it is full, it is doubled
    used_octets: int  # of the file; the rest is free for reuse, and given back by compaction
    free_disk_octets: int
    readers: int  # slots of read transactions, of all processes, that were ever in use
    reader_limit: int
    low_disk: bool  # new mail is being refused
    # When the oldest message that is queued was accepted, or was to start
    oldest_at: UnixMs | None = None

    @property
    def recipients(self) -> int:
        return self.scheduled + self.in_flight + self.held
