"""How orders are sent: the one way from a dialect of the HTTP API to the queue. Values and a protocol. Pure."""

from collections.abc import Sequence
from typing import Protocol

from angarium.intake.order import Caller, Fault, Order, Sent


class Sending(Protocol):
    async def send(
        self,
        caller: Caller,
        orders: Sequence[Order | Fault],
        *,
        once: str = "",
        strict: bool = True,
        spare_suppressed: bool = False,
    ) -> tuple[Sent | Fault, ...] | Fault:
        """Make the orders durable in one commit, and return what came of each, in order.

        An order that could not be read is handed over as its Fault, so that it has its place in the answer. ``strict``:
        one fault refuses all, and nothing is stored: the answer is that fault, its field as it is among several,
        ``messages[2].subject`` (of one order alone: ``subject``). ``spare_suppressed``: but an order all of whose
        recipients are suppressed refuses no other one; the fault is in its place.

        ``once``: the client's idempotency key, at most 256 characters, of this caller's tenant, for a day. The same key
        with equal orders gets the first answer again; with others, a Fault of kind KEY_REUSED. Only acceptances are
        remembered. Who stops waiting takes nothing back: what was stored is stored with its key.
        """
        ...
