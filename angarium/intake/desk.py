"""The acceptance desk: whom a front door asks whether a recipient and a message are taken. Knows no session, no socket.

Whatever decides that is asked by a desk and nowhere else, and what goes wrong there becomes a refusal here, once.
"""

import asyncio
import contextlib
from collections.abc import Callable, Generator
from typing import Any, Final, Protocol

import msgspec

from angarium.intake.tenant_limits import quota_refusal
from angarium.queue.model import MessageId
from angarium.queue.spool import QueueFullError
from angarium.queue.terms import OverQuota
from angarium.smtp.envelope import Recipient
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal

QUEUE_FULL: Final = Refusal(452, "4.3.1", "Insufficient system storage")
LOCAL_ERROR: Final = Refusal(451, "4.3.0", "Local error, try again later")


class Accepted(msgspec.Struct, frozen=True):
    """The message is durable: it may be acknowledged."""

    message_id: MessageId


class FaultObserver(Protocol):
    def internal_error(self, where: str, error: BaseException) -> None:
        """A fault of ours, already answered by a transient refusal."""
        ...


def refusal_of(error: BaseException, where: str, observer: FaultObserver) -> Refusal:
    """What went wrong, as the sender is told it: nothing is acknowledged, it tries again."""
    if isinstance(error, QueueFullError):
        return QUEUE_FULL
    observer.internal_error(where, error)
    return LOCAL_ERROR


class Acceptance:
    """A message on its way to the disk. Await it, or be told by ``on_end`` and then ask for the ``outcome``.

    Invariant AD1: the outcome is Accepted only if ``stored`` has ended without an error and within quotas, which is
    when the message is durable.
    """

    __slots__ = ("_message_id", "_observer", "_stored")

    def __init__(
        self, message_id: MessageId, stored: "asyncio.Future[Any]", observer: FaultObserver
    ) -> None:
        self._message_id = message_id
        self._stored = stored
        self._observer = observer

    def on_end(self, callback: Callable[[object], None]) -> None:
        """Have it called, soon, once there is an outcome. Its argument says nothing."""
        self._stored.add_done_callback(callback)

    def outcome(self) -> Accepted | Refusal:
        """Only after the end, and once: a fault is reported each time."""
        if self._stored.cancelled():
            return LOCAL_ERROR
        error = self._stored.exception()
        if error is not None:
            return refusal_of(error, "queue", self._observer)
        if isinstance(over := self._stored.result(), OverQuota):
            return quota_refusal(over)
        return Accepted(self._message_id)  # AD1

    def withdraw(self) -> None:
        """Nobody waits any more: it ends soon as refused, and what gets to disk all the same is taken back there."""
        self._stored.cancel()

    def __await__(self) -> Generator[Any, None, Accepted | Refusal]:
        """Who is cancelled here has withdrawn the message."""
        with contextlib.suppress(Exception):  # the outcome has it
            yield from self._stored.__await__()
        return self.outcome()


class AcceptanceDesk(Protocol):
    """Asked on the event loop; nothing here waits or raises."""

    def may_receive(self, recipient: Recipient) -> Refusal | None:
        """Whether a message to this recipient would be taken: asked one by one, before the content is there."""
        ...

    def accept(self, received: ReceivedMessage) -> Acceptance | Refusal:
        """Begin to make the message durable; a Refusal is the answer at once."""
        ...

    def give_way(self) -> None:
        """As ``Spool.give_way``: called between two pieces of work by who keeps the event loop busy."""
        ...
