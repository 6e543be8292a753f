"""Keeps the board of alarms on the disk: what it says is written, with the events that tell of it."""

import asyncio
from collections.abc import Sequence

from angarium.alarms.board import Board
from angarium.alarms.catalogue import find_about
from angarium.alarms.evaluation import Transition
from angarium.alarms.keepsakes import Changes
from angarium.alarms.wording import reason_text
from angarium.queue import AlarmEnded, AlarmRaised, MessageId, QueueError, QueueFullError, UnixMs
from angarium.queue.keepsakes import Keepsakes
from angarium.telemetry import log

_ABOUT_NO_MESSAGE = MessageId(b"")
Event = AlarmRaised | AlarmEnded
_TENANTS = ("tenant", "stream", "campaign")


class BoardKeeper:
    """Invariant ABK1: what was not written, for want of room, is written with what comes next: a full disk keeps no
    notice back, and nothing is forgotten but by a restart that comes first.
    """

    def __init__(self, board: Board, keepsakes: Keepsakes) -> None:
        self.board = board
        self._keepsakes = keepsakes
        self._unwritten: Changes = {}
        self._untold: list[Event] = []
        self._writing = asyncio.Lock()

    async def write(self, changes: Changes, transitions: Sequence[Transition] = ()) -> None:
        """Have these on disk on return, as far as it lets. Raises QueueFailedError."""
        self._unwritten |= changes
        self._untold += [_event(each) for each in transitions]
        async with self._writing:
            if not self._unwritten and not self._untold:
                return
            changed, events = self._unwritten, self._untold
            self._unwritten, self._untold = {}, []
            try:
                await self._keepsakes.write(changed, events)
            except QueueError as error:
                self._unwritten = changed | self._unwritten  # ABK1
                self._untold = events + self._untold
                if not isinstance(error, QueueFullError):
                    raise
                log("alarms_not_written", "error", reason=str(error))


def _event(transition: Transition) -> Event:
    raised = transition.raised
    subject = raised.subject
    tenant = subject.name.partition("/")[0] if subject.kind in _TENANTS else ""
    kind = AlarmRaised if transition.what == "raised" else AlarmEnded
    return kind(
        at=UnixMs(raised.raised_at if raised.ended_at is None else raised.ended_at),
        message_id=_ABOUT_NO_MESSAGE,
        alarm=raised.alarm,
        alarm_id=raised.id,
        kind=subject.kind,
        subject=subject.name,
        tenant=tenant,
        severity=raised.severity,
        figure=raised.figure,
        level=raised.level,
        since=raised.since,
        reason=reason_text(raised, find_about(raised.alarm)),
    )
