"""Domains of recipients that are to be resolved: each in its turn, so that no sender's hold up those of others.

Knows nothing of what a resolution is used for.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, Protocol

from angarium.queue import DueHead
from angarium.routing.fair_turns import Whose
from angarium.routing.patient_limit import Begin, PatientLimit, Turn
from angarium.routing.resolution import Resolution, Unroutable

# Domains being resolved at once, besides the slow ones
RESOLVING: Final = 200


class ResolvesDomains(Protocol):
    def find_known(self, domain: str) -> Resolution | None:
        """Return what is known without a look-up."""
        ...

    async def resolve(self, domain: str, whose: Whose) -> Resolution: ...


class _Domain:
    """One that is to be resolved."""

    def __init__(self) -> None:
        self.heads: list[DueHead] = []
        self.asked: dict[Whose, tuple[Whose, Begin]] = {}  # by sender: what waits for a turn


class Resolutions:
    """Bounded by what is loaded: its heads are recipients that the backlog counts.

    Invariant RE1: each head that was put is handed over once, or dropped.
    Invariant RE2: a domain waits once for each sender that has mail for it, and its first turn resolves it for all.
    """

    def __init__(
        self,
        resolver: ResolvesDomains,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        resolved: Callable[[str, Resolution, list[DueHead]], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """``resolved`` takes the heads of a domain; ``failed`` hears of faults of ours."""
        self._resolver = resolver
        self._spawn = spawn
        self._resolved = resolved
        self._failed = failed
        self._domains: dict[str, _Domain] = {}
        self._limit = PatientLimit(RESOLVING)
        self._tasks: set[asyncio.Task[None]] = set()

    def __contains__(self, domain: str) -> bool:
        return domain in self._domains

    def put(self, head: DueHead) -> None:
        domain = self._domains.get(head.domain)
        if domain is None:
            domain = self._domains[head.domain] = _Domain()
        domain.heads.append(head)
        whose = whose_of(head)
        sender = whose[:-1]
        if sender not in domain.asked:
            begin = partial(self._begin, head.domain, whose)
            domain.asked[sender] = (whose, begin)  # RE2
            self._limit.ask(whose, begin)

    def drop_half(self) -> list[DueHead]:
        """Take the newer half of the heads of the account that has most."""
        by_account: dict[Whose, list[DueHead]] = {}
        for domain in self._domains.values():
            for head in domain.heads:
                by_account.setdefault(whose_of(head)[:2], []).append(head)
        most = max(by_account.values(), key=len, default=[])
        dropped = most[len(most) // 2 :]
        ids = {head.id for head in dropped}
        for name in {head.domain for head in dropped}:
            domain = self._domains[name]
            domain.heads = [head for head in domain.heads if head.id not in ids]
            if not domain.heads:
                self._withdraw(name)
        return dropped

    def close(self) -> None:
        """Resolve nothing more, and end what is under way: its heads are on disk."""
        for domain in list(self._domains):
            self._withdraw(domain)
        for task in self._tasks:
            task.cancel()

    def __len__(self) -> int:
        return sum(len(domain.heads) for domain in self._domains.values())

    def _begin(self, domain: str, whose: Whose, turn: Turn) -> None:
        try:
            task = self._spawn(self._resolve(domain, whose))
        except RuntimeError:  # the process ends
            turn.end()
            return
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            turn.end()

        task.add_done_callback(ended)

    async def _resolve(self, domain: str, whose: Whose) -> None:
        try:
            resolution = await self._resolver.resolve(domain, whose)
        except Exception as error:  # noqa: BLE001 - a task boundary
            self._failed(error)
            text = "internal error while resolving"
            resolution = Unroutable(permanent=False, code=451, enhanced="4.3.0", text=text)
        if domain in self._domains:
            self._resolved(domain, resolution, self._withdraw(domain))  # RE1

    def _withdraw(self, domain: str) -> list[DueHead]:
        """Forget a domain; returns its heads. What resolves it already goes on, for the cache."""
        found = self._domains.pop(domain)
        for whose, begin in found.asked.values():
            self._limit.withdraw(whose, begin)
        return found.heads


def whose_of(head: DueHead) -> Whose:
    """Return whose share of what is scarce a recipient takes."""
    return (head.tenant, head.account, head.sender, head.id.message_id)
