"""What all vendors' handlers do: take an idempotency key, send, ask what happened, in the vendor's names."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from aiohttp import web

from angarium.api.compat.faults import invalid
from angarium.history.story import HistoryAwayError
from angarium.intake.order import Caller, Fault, FaultError, FaultKind, Order, Sent
from angarium.intake.sending import Sending

# A HistoryReader, or who else can be asked
History = TypeVar("History")
ONCE: Final = "Idempotency-Key"
RETRY_AFTER_S: Final = 1
MAX_ONCE: Final = 256  # characters


def once_key(request: web.Request) -> str:
    """Return the client's idempotency key; "": it has none. Raises FaultError."""
    key = request.headers.get(ONCE, "").strip()
    if len(key) > MAX_ONCE:
        raise FaultError(invalid(ONCE, f"has more than {MAX_ONCE} characters"))
    return key


@contextlib.contextmanager
def asking(history: History | None) -> Iterator[History]:
    """Raises FaultError when there is no history, or it cannot be read now."""
    if history is None:
        message = "This server keeps no history of emails ([history] of)"
        raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=message))
    try:
        yield history
    except HistoryAwayError as error:
        message = f"What happened to mail cannot be read now: {error}; try again"
        raise FaultError(
            Fault(kind=FaultKind.BUSY, message=message, retry_after_s=RETRY_AFTER_S)
        ) from None


async def send_one(
    sending: Sending, caller: Caller, order: Order, once: str, names: Callable[[Fault], Fault]
) -> Sent:
    """Raises FaultError, in the vendor's ``names``."""
    (sent,) = await send_all(sending, caller, [order], once, names)
    return sent


async def send_all(
    sending: Sending,
    caller: Caller,
    orders: Sequence[Order | Fault],
    once: str,
    names: Callable[[Fault], Fault],
) -> tuple[Sent, ...]:
    """All, or none. Raises FaultError, in the vendor's ``names``."""
    outcome = await sending.send(caller, orders, once=once, strict=True)
    if isinstance(outcome, Fault):
        raise FaultError(names(outcome))
    sent: list[Sent] = []
    for each in outcome:
        if isinstance(each, Fault):
            raise FaultError(names(each))
        sent.append(each)
    return tuple(sent)
