"""Asks the server's processes on their admin sockets, as the command line does; refusals become faults."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from angarium.insight.admin.client import ask_process, find_slots
from angarium.insight.admin.protocol import Question, Reason, Refused
from angarium.intake.order import Fault, FaultError, FaultKind

T = TypeVar("T")
# Ours, of an ingress process: each question waits in a thread, and a loop has some six of them for everything
AT_ONCE: Final = 4
# The process that answers about the queue
PLATFORM: Final = "platform-0"
_RETRY_S: Final = 1
_KINDS: Final[dict[Reason, FaultKind]] = {
    "not_running": FaultKind.BUSY,
    "unanswered": FaultKind.BUSY,
    "not_here": FaultKind.BUSY,
    "busy": FaultKind.BUSY,
    "stopping": FaultKind.BUSY,
    "invalid": FaultKind.INVALID,
    "empty_filter": FaultKind.MISSING,
    "not_found": FaultKind.NOT_FOUND,
    "no_room": FaultKind.DISK_FULL,
}


class Operator:
    """Invariant OPR1: at most AT_ONCE questions of a process are under way; others wait."""

    def __init__(self, data_dir: Callable[[], Path]) -> None:
        self._data_dir = data_dir
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def ask(self, question: Question[T, object], field: str = "") -> T:
        """Return what the platform process answers. ``field``: at fault where the question cannot be meant.

        Raises FaultError.
        """
        return await self.work(lambda data_dir: ask_process(data_dir, PLATFORM, question), field)

    async def work(self, work: Callable[[Path], T | Refused], field: str = "") -> T:
        """Return what is answered to several questions, asked in a thread. Raises FaultError."""
        async with self._turns:  # OPR1
            answer = await asyncio.to_thread(work, self._data_dir())
        if isinstance(answer, Refused):
            raise FaultError(_fault(answer, field))
        return answer


def slots_of(data_dir: Path) -> list[str]:
    """Return the processes that know of traffic and rules. Blocks."""
    return [each for role in ("delivery", "platform") for each in find_slots(data_dir, role)]


def _fault(refused: Refused, field: str) -> Fault:
    kind = _KINDS.get(refused.reason, FaultKind.INTERNAL)
    if refused.reason == "empty_filter":
        text = "Say which recipients are meant: an empty filter would mean the whole queue"
        return Fault(kind=kind, message=text, field=field or "filter", constraint="required")
    retry = _RETRY_S if kind in (FaultKind.BUSY, FaultKind.DISK_FULL) else None
    at = field if kind is FaultKind.INVALID else ""
    return Fault(kind=kind, message=refused.text, field=at, retry_after_s=retry)
