"""What all vendors' handlers do: take an idempotency key, send, and answer in the vendor's names."""

from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from angarium.api.compat.faults import invalid
from angarium.intake.order import Caller, Fault, FaultError, Order, Sent
from angarium.intake.sending import Sending

ONCE: Final = "Idempotency-Key"
MAX_ONCE: Final = 256  # characters


def once_key(request: web.Request) -> str:
    """Return the client's idempotency key; "": it has none. Raises FaultError."""
    key = request.headers.get(ONCE, "").strip()
    if len(key) > MAX_ONCE:
        raise FaultError(invalid(ONCE, f"has more than {MAX_ONCE} characters"))
    return key


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
