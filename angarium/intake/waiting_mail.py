"""What who sent mail may still do with it while it waits: call it off, or give it another start."""

from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.queue.act import Actor
from angarium.queue.administration import QueueAdministration
from angarium.queue.message_id import message_id_text, parse_message_id
from angarium.queue.model import Filter, MessageId, UnixMs
from angarium.queue.reschedule import (
    LAST_MS,
    AfterExpiry,
    AlreadyLeaving,
    NotInQueue,
    StartMoved,
)
from angarium.queue.spool import QueueFullError
from angarium.telemetry.timestamp import rfc3339

FULL_RETRY_AFTER_S = 60


class WaitingMail:
    """Whoever asks reaches the mail of the caller's tenant, and is told nothing of others'. Raises FaultError."""

    def __init__(self, queue: QueueAdministration) -> None:
        self._queue = queue

    async def cancel(self, caller: Caller, email_id: str) -> int:
        """Send no more of it; return to how many recipients it goes no more. On disk then, with an event each.

        CONFLICT: nothing of it waits any more, or it is on its way right now.
        """
        message_id = _read(email_id)
        wanted = Filter(tenants=(caller.tenant,), ids=(message_id_text(message_id),))
        try:
            done = await self._queue.act("cancel", wanted, _actor(caller))
        except QueueFullError as error:
            raise _full(error) from None
        if done.count:
            return done.count
        if done.in_flight:
            raise _conflict("It is on its way right now: ask again when that attempt has ended")
        await self._refuse_unknown(caller, message_id)
        raise _conflict("It has been sent or ended: there is nothing left to cancel")

    async def reschedule(self, caller: Caller, email_id: str, start: UnixMs) -> StartMoved:
        """Send it then instead, if no attempt was made yet; now, if that time has passed. On disk then.

        CONFLICT: it has been sent, is being tried, or its time is over before that.
        """
        message_id = _read(email_id)
        if not 0 <= start <= LAST_MS:
            text = "sendAt: is no time before the year 10000"
            raise FaultError(Fault(kind=FaultKind.INVALID, message=text, field="sendAt"))
        try:
            outcome = await self._queue.reschedule(message_id, start, _actor(caller), caller.tenant)
        except QueueFullError as error:
            raise _full(error) from None
        match outcome:
            case StartMoved():
                return outcome
            case AlreadyLeaving():
                raise _conflict("It has left, or is on its way: its start cannot be moved")
            case AfterExpiry(expires=expires):
                text = f"sendAt: its sender said that its time is over at {rfc3339(expires)}"
                fault = Fault(kind=FaultKind.CONFLICT, message=text, field="sendAt")
                raise FaultError(fault)
            case NotInQueue():
                await self._refuse_unknown(caller, message_id)
                raise _conflict("It has been sent or ended: its start cannot be moved")

    async def _refuse_unknown(self, caller: Caller, message_id: MessageId) -> None:
        """Raises FaultError, unless it is, or was, the tenant's."""
        shown = await self._queue.show(message_id)
        tenants = set()
        if shown is not None:
            tenants = {getattr(each.event, "tenant", None) for each in shown.events}
        if caller.tenant not in tenants:
            raise _unknown()


def _read(email_id: str) -> MessageId:
    try:
        return parse_message_id(email_id)
    except ValueError:
        raise _unknown() from None


def _actor(caller: Caller) -> Actor:
    return Actor(who=f"key {caller.key_id}")


def _unknown() -> FaultError:
    return FaultError(Fault(kind=FaultKind.NOT_FOUND, message="There is no email of this id"))


def _conflict(text: str) -> FaultError:
    return FaultError(Fault(kind=FaultKind.CONFLICT, message=text))


def _full(error: QueueFullError) -> FaultError:
    fault = Fault(kind=FaultKind.DISK_FULL, message=str(error), retry_after_s=FULL_RETRY_AFTER_S)
    return FaultError(fault)
