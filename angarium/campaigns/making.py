"""How rows become mails: by the same templates, checks and rules as what is sent one by one."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from angarium.intake.order import Caller, Fault, FaultKind, Order
from angarium.intake.order_preparation import OrderPreparation, Prepared
from angarium.intake.template_filling import NO_TEMPLATE, Mail
from angarium.queue.model import MessageId, Submission

# Mails filled in together: what they come to is bounded. A multiple of what the renderer is asked at once
LOT: Final = 64
# Ours: lots that are filled in, by other processes, while one is built
_BEGUN: Final = 2
# Mails built in one turn of the event loop
_AT_A_TIME: Final = 10
# Of the whole campaign, or of the moment: no row is refused for it
_WAITS: Final = frozenset(
    {
        *(FaultKind.BUSY, FaultKind.RATE, FaultKind.DISK_FULL, FaultKind.DOMAIN),
        *(FaultKind.NO_SCOPE, FaultKind.QUOTA),
    }
)


_Filled = list[tuple[Mail, ...] | Fault] | Fault


class Filling(Protocol):
    """Satisfied by ``template_desk.TemplateDesk``."""

    async def mails(
        self, tenant: str, orders: Sequence[Order | Fault], *, strict: bool
    ) -> _Filled: ...


class NotNow(Exception):  # noqa: N818 - no error: the rows are made later
    """Nothing can be made of the rows for now: says why."""


class NeverError(Exception):
    """Nothing can ever be made of any row: says why."""


class Making:
    def __init__(
        self, filling: Filling, preparation: OrderPreparation, give_way: Callable[[], None]
    ) -> None:
        self._filling = filling
        self._preparation = preparation
        self._give_way = give_way

    async def make(
        self, caller: Caller, orders: Sequence[Order], ids: Sequence[MessageId]
    ) -> list[Submission | Fault]:
        """Return what each order came to, in order. Raises NotNow, NeverError."""
        made: list[Submission | Fault] = []
        lots = deque(orders[begin : begin + LOT] for begin in range(0, len(orders), LOT))
        begun: deque[asyncio.Task[_Filled]] = deque()
        try:
            self._begin(caller, lots, begun)
            while begun:
                filled = await begun.popleft()
                self._begin(caller, lots, begun)
                if isinstance(filled, Fault):
                    raise NotNow(filled.message)
                await self._build(caller, filled, ids, made)
        finally:
            for each in begun:
                each.cancel()
        return made

    def _begin(
        self,
        caller: Caller,
        lots: deque[Sequence[Order]],
        begun: "deque[asyncio.Task[_Filled]]",
    ) -> None:
        """Have as many lots filled in as may be at once."""
        while lots and len(begun) < _BEGUN:
            begun.append(asyncio.create_task(self._fill(caller, lots.popleft())))

    async def _fill(self, caller: Caller, lot: Sequence[Order]) -> _Filled:
        return await self._filling.mails(caller.tenant, lot, strict=False)

    async def _build(
        self,
        caller: Caller,
        filled: Sequence[tuple[Mail, ...] | Fault],
        ids: Sequence[MessageId],
        made: list[Submission | Fault],
    ) -> None:
        """Add what they come to, with the ids that follow."""
        found: list[Prepared | Fault] = []
        for begin in range(0, len(filled), _AT_A_TIME):
            self._give_way()
            await asyncio.sleep(0)
            some = filled[begin : begin + _AT_A_TIME]
            first = len(made) + begin
            found += self._prepared(caller, some, ids[first : first + len(some)])
        if self._preparation.scans:
            found = await self._preparation.scanned(found)
        made += [
            _judged(each) if isinstance(each, Fault) else each.submissions[0] for each in found
        ]

    def _prepared(
        self,
        caller: Caller,
        filled: Sequence[tuple[Mail, ...] | Fault],
        ids: Sequence[MessageId],
    ) -> Sequence[Prepared | Fault]:
        good = [
            (mails[0], message_id)
            for mails, message_id in zip(filled, ids, strict=True)
            if not isinstance(mails, Fault)
        ]
        prepared = self._preparation.prepare_each(
            caller, [mail for mail, _ in good], [message_id for _, message_id in good]
        )
        following = iter(prepared)
        return [each if isinstance(each, Fault) else next(following) for each in filled]


def _judged(fault: Fault) -> Fault:
    if fault.constraint == NO_TEMPLATE:
        raise NeverError(fault.message)
    if fault.kind in _WAITS:
        raise NotNow(fault.message)
    return fault
