"""Recipients waiting in memory for a connection of one egress source to one site. Pure.

A cache of the queue: dropped at any time, it is loaded again from the due index.
"""

from collections import deque

import msgspec

from angarium.queue.model import DueHead


class Group(msgspec.Struct):
    """Recipients of one message that may share a transaction; never empty."""

    heads: list[DueHead]


class ReadyQueue:
    """First in, first out within a tenant; tenants take turns, one group each.

    Invariant R1: ``len`` is the number of recipients in all groups.
    """

    def __init__(self, recipients_per_message: int) -> None:
        self._recipients_per_message = recipients_per_message
        self._tenants: dict[str, deque[Group]] = {}  # in turn order; no empty deque stays
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
                and len(last) < self._recipients_per_message
            ):
                last.append(head)
                return
        waiting.append(Group([head]))
        self._groups += 1

    def next_group(self) -> Group | None:
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

    def drop_newest(self, tenant: str, recipients: int) -> list[DueHead]:
        """Take back up to ``recipients`` of a tenant, newest first, to make room."""
        waiting = self._tenants.get(tenant)
        dropped: list[DueHead] = []
        while waiting and len(dropped) < recipients:
            group = waiting.pop()
            dropped.extend(reversed(group.heads))
            self._groups -= 1
        if waiting is not None and not waiting:
            del self._tenants[tenant]
        self._recipients -= len(dropped)
        return dropped

    def drain(self) -> list[Group]:
        """Take everything, oldest first within each tenant."""
        groups = [group for waiting in self._tenants.values() for group in waiting]
        self._tenants.clear()
        self._recipients = self._groups = 0
        return groups
