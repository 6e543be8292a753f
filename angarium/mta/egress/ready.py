"""Recipients waiting in memory for a connection of one egress source to one site. Pure.

A cache of the queue: dropped at any time, it is loaded again from the due index.
"""

from collections import deque

import msgspec

from angarium.queue.model import DueHead


class RecipientGroup(msgspec.Struct):
    """Recipients of one message that may share a transaction; never empty."""

    heads: list[DueHead]


class ReadyQueue:
    """First in, first out within a tenant; tenants take turns, one group each.

    Invariant R1: ``len`` is the number of recipients in all groups.
    """

    def __init__(self, recipients_per_message: int) -> None:
        self.recipients_per_message = recipients_per_message  # may change at any time
        self._tenants: dict[str, deque[RecipientGroup]] = {}  # in turn order; no empty deque stays
        self._recipients = 0
        self._groups = 0

    def __len__(self) -> int:
        return self._recipients

    @property
    def groups(self) -> int:
        return self._groups

    def push(self, head: DueHead) -> None:
        waiting = self._tenants.get(head.tenant)
        if waiting is None:
            waiting = self._tenants[head.tenant] = deque()
        self._recipients += 1
        if waiting:
            last = waiting[-1].heads
            if (
                last[0].id.message_id == head.id.message_id
                and last[0].partition == head.partition
                and len(last) < self.recipients_per_message
            ):
                last.append(head)
                return
        waiting.append(RecipientGroup([head]))
        self._groups += 1

    def next_group(self) -> RecipientGroup | None:
        """Take the oldest group of the tenant whose turn it is."""
        if not self._tenants:
            return None
        tenant = next(iter(self._tenants))
        waiting = self._tenants.pop(tenant)  # and re-inserted last: the others go first
        group = waiting.popleft()
        if waiting:
            self._tenants[tenant] = waiting
        self._recipients -= len(group.heads)
        self._groups -= 1
        return group

    def put_first(self, group: RecipientGroup) -> None:
        """Give back what ``next_group`` returned: it is the next one again."""
        tenant = group.heads[0].tenant
        waiting = self._tenants.pop(tenant, deque())
        waiting.appendleft(group)
        self._tenants = {tenant: waiting, **self._tenants}
        self._recipients += len(group.heads)
        self._groups += 1

    def drop_newest(self, recipients: int) -> list[DueHead]:
        """Take back about so many recipients, newest first, of the tenants that have most waiting."""
        dropped: list[DueHead] = []
        while self._tenants and len(dropped) < recipients:
            tenant = max(self._tenants, key=lambda name: len(self._tenants[name]))
            waiting = self._tenants[tenant]
            for _ in range(max(1, len(waiting) // 2)):
                group = waiting.pop()
                dropped.extend(reversed(group.heads))
                self._groups -= 1
                if len(dropped) >= recipients:
                    break
            if not waiting:
                del self._tenants[tenant]
        self._recipients -= len(dropped)
        return dropped

    def drain(self) -> list[RecipientGroup]:
        """Take everything, oldest first within each tenant."""
        groups = [group for waiting in self._tenants.values() for group in waiting]
        self._tenants.clear()
        self._recipients = self._groups = 0
        return groups
