"""The desk of the HTTP API: orders are filled in, checked, built, and queued in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from angarium.intake.desk import FaultObserver
from angarium.intake.faults import placed
from angarium.intake.once_answer import DAY_MS, decode_answer, encode_answer, orders_digest
from angarium.intake.order import Caller, Fault, FaultKind, Order, Sent
from angarium.intake.order_check import find_batch_fault
from angarium.intake.order_preparation import (
    RETRY_AFTER_S,
    OrderPreparation,
    Prepared,
    joined,
)
from angarium.intake.template_desk import TemplateDesk
from angarium.intake.template_filling import Mail
from angarium.intake.tenant_limits import TenantLimits
from angarium.queue.model import UnixMs
from angarium.queue.spool import QueueFullError, Spool
from angarium.queue.terms import (
    MAX_KEY_CHARACTERS,
    AcceptOutcome,
    KeyReused,
    OnceKey,
    OverQuota,
    Repeated,
    Stored,
)

ONCE: Final = "Idempotency-Key"
FULL_RETRY_AFTER_S: Final = 60
# Mails are built in turns of so many: others' requests go between them
_AT_A_TIME: Final = 20


class OrderDesk:
    """Satisfies ``sending.Sending``.

    Invariant OD1: what is answered as sent is durable.
    """

    def __init__(
        self,
        preparation: OrderPreparation,
        templates: TemplateDesk,
        spool: Spool,
        tenants: TenantLimits,
        observer: FaultObserver,
        clock: Callable[[], UnixMs],
    ) -> None:
        self._preparation = preparation
        self._templates = templates
        self._spool = spool
        self._tenants = tenants
        self._observer = observer
        self._clock = clock

    async def send(
        self,
        caller: Caller,
        orders: Sequence[Order | Fault],
        *,
        once: str = "",
        strict: bool = True,
        spare_suppressed: bool = False,
    ) -> tuple[Sent | Fault, ...] | Fault:
        """See ``sending.Sending``."""
        if len(once) > MAX_KEY_CHARACTERS or not (once.isprintable() or not once):
            return _bad_key(f"has at most {MAX_KEY_CHARACTERS} printable characters")
        # Of what was asked: a template that has changed meanwhile makes no other request of it
        digest = orders_digest(orders, strict) if once else b""
        if once and (used := self._spool.find_answer(caller.tenant, once, digest)) is not None:
            return self._answer_to(used, ())
        if (fault := find_batch_fault(orders, self._preparation.limits)) is not None:
            return fault
        planned = await self._mails(caller, orders, strict)
        if isinstance(planned, Fault):
            return planned
        results: list[Prepared | Fault] = []
        built = 0
        for at, mails in enumerate(planned):
            result: Prepared | Fault
            if isinstance(mails, Fault):
                result = mails
            else:
                parts: list[Prepared | Fault] = []
                for mail in mails:
                    built += 1
                    if built % _AT_A_TIME == 0:
                        await asyncio.sleep(0)
                    parts.append(self._preparation.prepare(caller, mail))
                result = joined(parts)
            is_spared = spare_suppressed and _is_suppressed(result)
            if isinstance(result, Fault) and strict and not is_spared:
                return placed(result, at, len(orders))
            results.append(result)
        if self._preparation.scans:
            before, results = results, await self._preparation.scanned(results)
            for at, result in enumerate(results):
                if strict and isinstance(result, Fault) and result is not before[at]:
                    return placed(result, at, len(orders))
        return await self._store(caller, results, once, digest)

    async def _mails(
        self, caller: Caller, orders: Sequence[Order | Fault], strict: bool
    ) -> Sequence[Sequence[Mail] | Fault] | Fault:
        """Return what each order comes to. Where no template is named, that is at once, and each is a mail."""
        if not any(isinstance(each, Order) and each.template is not None for each in orders):
            return [each if isinstance(each, Fault) else (Mail(order=each),) for each in orders]
        looked_at: list[Order | Fault] = []
        for at, each in enumerate(orders):
            fault = each if isinstance(each, Fault) else self._preparation.find_fault(caller, each)
            if fault is not None and strict:
                return placed(fault, at, len(orders))
            looked_at.append(each if fault is None else fault)
        try:
            return await self._templates.mails(caller.tenant, looked_at, strict=strict)
        except Exception as error:  # noqa: BLE001 - boundary: it must not end the connection
            self._observer.internal_error("templates", error)
            text = "The server failed; its log says why"
            return Fault(kind=FaultKind.INTERNAL, message=text)

    async def _store(
        self,
        caller: Caller,
        results: Sequence[Prepared | Fault],
        once: str,
        digest: bytes,
    ) -> tuple[Sent | Fault, ...] | Fault:
        batch = [
            submission
            for each in results
            if isinstance(each, Prepared)
            for submission in each.submissions
        ]
        answer = tuple([each.sent if isinstance(each, Prepared) else each for each in results])
        if not batch:
            return answer
        terms = self._tenants.terms(caller.tenant)
        if once:
            key = OnceKey(
                tenant=caller.tenant,
                key=once,
                digest=digest,
                answer=encode_answer(answer),
                expires=UnixMs(self._clock() + DAY_MS),
            )
            terms = msgspec.structs.replace(terms, once=key)
        try:
            # Who stops waiting takes nothing back: nobody can know whether the client has got its answer
            stored = asyncio.ensure_future(self._spool.accept_on_terms(batch, terms))
            outcome = await asyncio.shield(stored)
        except QueueFullError:
            text = "There is no room on the server's disk; nothing was stored: try again later"
            return Fault(kind=FaultKind.DISK_FULL, message=text, retry_after_s=FULL_RETRY_AFTER_S)
        except Exception as error:  # noqa: BLE001 - boundary: nothing is acknowledged, the client tries again
            self._observer.internal_error("queue", error)
            text = "The queue failed; nothing is acknowledged: try again"
            return Fault(kind=FaultKind.BUSY, message=text, retry_after_s=RETRY_AFTER_S)
        return self._answer_to(outcome, answer)

    def _answer_to(
        self, outcome: AcceptOutcome, answer: tuple[Sent | Fault, ...]
    ) -> tuple[Sent | Fault, ...] | Fault:
        match outcome:
            case Stored():
                return answer  # OD1
            case Repeated(answer=octets):
                return decode_answer(octets)  # OD1
            case KeyReused():
                text = "was used for another request within the last day: make a new one"
                return _bad_key(text, FaultKind.KEY_REUSED)
            case OverQuota(quota=quota, until=until, too_many=too_many):
                text = f"The tenant's quota of {quota.limit} recipients per {quota.period} "
                text += "is too small for this" if too_many else "is used up"
                wait_s = max(1, -(-(until - self._clock()) // 1000))
                return Fault(
                    kind=FaultKind.QUOTA,
                    message=text,
                    constraint=quota.period,
                    retry_after_s=wait_s,
                )


def _is_suppressed(result: Prepared | Fault) -> bool:
    return isinstance(result, Fault) and result.kind is FaultKind.SUPPRESSED


def _bad_key(text: str, kind: FaultKind = FaultKind.INVALID) -> Fault:
    return Fault(kind=kind, message=f"{ONCE}: {text}", field=ONCE, constraint="idempotency")
