"""Recipients waiting in memory for a connection of one egress source to one site. Pure.

A cache of the queue: dropped at any time, it is loaded again from the due index.
"""

from collections import deque
from collections.abc import Set

from angarium.mta.egress.priority_turns import PriorityTurns
from angarium.mta.egress.work import Group, priority_of
from angarium.queue.model import DeliveryId, DueHead, UnixMs

# Nobody is kept waiting for longer without being asked for again. Ours: it bounds what a clock that steps back costs.
MAX_WAIT_MS = 60_000
_MAY_GO = UnixMs(0)


# Priority, tenant, stream, campaign, sender's domain, and whether they are in doubt: whose groups keep their order, and
# wait together. So it has all that a policy tells mail apart by: none waits for another one's reasons.
_Name = tuple[int, str, str, str, str, bool]


class _Line:
    __slots__ = ("groups", "name", "priority", "tenant", "until")

    def __init__(self, name: _Name) -> None:
        self.name = name
        self.priority, self.tenant = name[:2]
        self.groups: deque[Group] = deque()
        self.until = _MAY_GO  # else it waits, out of the way


class ReadyQueue:
    """First in, first out within a line; lines take turns as ``priority_turns`` has it; one group each.

    Invariant RQ1: ``len`` is the number of recipients in all groups, ``groups`` that of groups whose lines may go.
    Invariant RQ2: a group of a line that waits is not handed out before ``until``.
    """

    def __init__(self, recipients_per_message: int, one_by_one: Set[str] = frozenset()) -> None:
        self.recipients_per_message = recipients_per_message  # may change at any time
        self.one_by_one = one_by_one  # streams: one recipient each; may change, too
        self._lines: dict[_Name, _Line] = {}  # all; none is empty
        self._turns: PriorityTurns[_Line] = PriorityTurns()  # of those that may go
        self._waiting: dict[_Name, _Line] = {}
        self._recipients = 0
        self._groups = 0

    def __len__(self) -> int:
        return self._recipients

    @property
    def groups(self) -> int:
        return self._groups

    @property
    def next_until(self) -> UnixMs | None:
        """When the first line's wait is over; None: none waits."""
        return min((line.until for line in self._waiting.values()), default=None)

    def find(self, delivery: DeliveryId) -> tuple[Group, UnixMs] | None:
        """Return a recipient's group, and until when its line waits (0: it may go). Looks through all: for people."""
        for line in self._lines.values():
            for group in line.groups:
                if any(head.id == delivery for head in group.heads):
                    return group, line.until
        return None

    @property
    def first(self) -> DueHead | None:
        """A recipient of the group that ``next_group`` takes; None: none may go."""
        line = self._turns.first
        return None if line is None else line.groups[0].heads[0]

    @property
    def most_urgent(self) -> DueHead | None:
        """A recipient of the first priority that may go, whose turn it may not be; None: none may."""
        line = self._turns.most_urgent
        return None if line is None else line.groups[0].heads[0]

    def push(self, head: DueHead) -> None:
        line = self._line_of(head)
        self._recipients += 1
        if line.groups:
            newest = line.groups[-1].heads
            if (
                newest[0].id.message_id == head.id.message_id
                and newest[0].partition == head.partition
                and len(newest) < self.most_of(head.stream)
            ):
                newest.append(head)
                return
        line.groups.append(Group([head]))
        if line.until == _MAY_GO:  # RQ1
            self._groups += 1

    def put(self, group: Group) -> None:
        """Take over a group as it is, as the last of its line."""
        line = self._line_of(group.heads[0])
        line.groups.append(group)
        self._recipients += len(group.heads)
        if line.until == _MAY_GO:
            self._groups += 1

    def next_group(self) -> Group | None:
        """Take the oldest group of the line whose turn it is: of one that is too large by now, so much as may go."""
        line = self._turns.take()
        if line is None:
            return None
        group = self._take_from(line)
        if not line.groups:
            self._remove(line)
        self._recipients -= len(group.heads)
        self._groups -= 1
        return group

    def beside(self, group: Group) -> list[DueHead]:
        """Return all recipients of the line that a group is of."""
        line = self._line_of(group.heads[0])
        return [head for each in line.groups for head in each.heads]

    def put_off(self, group: Group, until: UnixMs) -> None:
        """Give back what ``next_group`` returned last: its line waits, this group first. It has had no turn."""
        line = self._line_of(group.heads[0])
        self._turns.undo()
        self._turns.remove(line)
        self._groups -= len(line.groups)
        self._recipients += len(group.heads)
        line.groups.appendleft(group)
        line.until = until  # RQ2
        self._waiting[line.name] = line

    def end_waits(self, now: UnixMs) -> None:
        """Lines whose wait is over take their turns again."""
        for name, line in list(self._waiting.items()):
            # A wait that is too long: the clock stepped back
            if not 0 < line.until - now <= MAX_WAIT_MS:
                del self._waiting[name]
                line.until = _MAY_GO
                self._groups += len(line.groups)
                self._turns.add(line)

    def drop_newest(self, recipients: int) -> list[DueHead]:
        """Take back about so many recipients, newest first, of the lines that have most waiting."""
        dropped: list[DueHead] = []
        while self._lines and len(dropped) < recipients:
            line = max(self._lines.values(), key=lambda each: len(each.groups))
            for _ in range(max(1, len(line.groups) // 2)):
                group = line.groups.pop()
                dropped.extend(reversed(group.heads))
                if line.until == _MAY_GO:
                    self._groups -= 1
                if len(dropped) >= recipients:
                    break
            if not line.groups:
                self._remove(line)
        self._recipients -= len(dropped)
        return dropped

    def drain(self) -> list[Group]:
        """Take everything that may go, oldest first within each line."""
        groups: list[Group] = []
        for line in self._turns:
            groups += line.groups
            del self._lines[line.name]
        self._turns.clear()
        self._recipients -= sum(len(group.heads) for group in groups)
        self._groups = 0
        return groups

    def empty(self) -> list[Group]:
        """Take everything, what waits too."""
        groups = [group for line in self._lines.values() for group in line.groups]
        for lines in (self._lines, self._turns, self._waiting):
            lines.clear()
        self._recipients = self._groups = 0
        return groups

    def _take_from(self, line: _Line) -> Group:
        group = line.groups[0]
        most = self.most_of(group.heads[0].stream)
        if len(group.heads) <= most:
            return line.groups.popleft()
        # It was put together, or put here, under another limit
        line.groups[0] = Group(group.heads[most:], group.moves)
        self._groups += 1  # RQ1
        return Group(group.heads[:most], group.moves)

    def most_of(self, stream: str) -> int:
        """Return how many recipients of a message of the stream may share a group."""
        return 1 if stream in self.one_by_one else self.recipients_per_message

    def _line_of(self, head: DueHead) -> _Line:
        name = (
            *(priority_of(head), head.tenant, head.stream, head.campaign),
            *(head.sender_domain, head.in_doubt),
        )
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = _Line(name)
            self._turns.add(line)
        return line

    def _remove(self, line: _Line) -> None:
        del self._lines[line.name]
        if self._waiting.pop(line.name, None) is None:
            self._turns.remove(line)
