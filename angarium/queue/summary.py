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
    used_octets: int  # of the file; the rest is free for reuse, and given back by compaction
    free_disk_octets: int
    low_disk: bool  # new mail is being refused
    # When the oldest message that is queued was accepted, or was to start
    oldest_at: UnixMs | None = None

    @property
    def recipients(self) -> int:
        return self.scheduled + self.in_flight + self.held
