"""The desk of the HTTP API: orders are checked, built, and queued in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from angarium.access.senders import compile_senders
from angarium.content.letter import LetterError
from angarium.intake.desk import FaultObserver
from angarium.intake.faults import fault_of
from angarium.intake.once_answer import DAY_MS, decode_answer, encode_answer, orders_digest
from angarium.intake.order import Caller, Fault, FaultKind, Order, Sent
from angarium.intake.order_check import OrderLimits, addressees, find_batch_fault, find_fault
from angarium.intake.order_letter import about_of, received_of
from angarium.intake.required_signatures import RequiredSignatures
from angarium.intake.submission import Particulars, SubmissionBuilder
from angarium.intake.tenant_limits import TenantLimits
from angarium.queue.about import MAX_OCTETS, encode_about
from angarium.queue.message_id import message_id_text
from angarium.queue.model import DEFAULT_STREAM, MessageId, Submission, UnixMs
from angarium.queue.spool import QueueFullError, Spool
from angarium.queue.suppression_store import Suppressions
from angarium.queue.terms import (
    MAX_KEY_CHARACTERS,
    AcceptOutcome,
    KeyReused,
    OnceKey,
    OverQuota,
    Repeated,
    Stored,
)
from angarium.smtp.date import render_date
from angarium.smtp.refusal import Refusal

BOUNDARY_OCTETS: Final = 15
ONCE: Final = "Idempotency-Key"
RETRY_AFTER_S: Final = 1
FULL_RETRY_AFTER_S: Final = 60
# Orders are built in turns of so many: others' requests go between them
_AT_A_TIME: Final = 20


class _Ready(msgspec.Struct, frozen=True):
    submission: Submission
    sent: Sent


class Tenants(TenantLimits, Protocol):
    """What the platform says of a tenant."""

    def explain_domain(self, tenant: str, domain: str) -> str:
        """Say why it may not send as this domain, and what to do."""
        ...


class OrderDesk:
    """Satisfies ``sending.Sending``.

    Invariant OD1: what is answered as sent is durable.
    """

    def __init__(
        self,
        builder: SubmissionBuilder,
        spool: Spool,
        suppressions: Suppressions,
        signatures: RequiredSignatures,
        tenants: Tenants,
        observer: FaultObserver,
        *,
        clock: Callable[[], UnixMs],
        new_message_id: Callable[[], MessageId],
        random_octets: Callable[[int], bytes],
        limits: OrderLimits,
    ) -> None:
        self._builder = builder
        self._spool = spool
        self._suppressions = suppressions
        self._signatures = signatures
        self._tenants = tenants
        self._observer = observer
        self._clock = clock
        self._new_message_id = new_message_id
        self._random_octets = random_octets
        self.limits = limits  # may change at any time

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
        digest = orders_digest(orders, strict) if once else b""
        if once and (used := self._spool.find_answer(caller.tenant, once, digest)) is not None:
            return self._answer_to(used, ())
        if (fault := find_batch_fault(orders, self.limits)) is not None:
            return fault
        results: list[_Ready | Fault] = []
        for index, order in enumerate(orders):
            if index and index % _AT_A_TIME == 0:
                await asyncio.sleep(0)
            at = f"messages[{index}]" if len(orders) > 1 else ""
            result = self._prepare(caller, order)
            is_spared = spare_suppressed and _is_suppressed(result)
            if isinstance(result, Fault) and strict and not is_spared:
                return _placed(result, at)
            results.append(result)
        return await self._store(caller, results, once, digest)

    def _prepare(self, caller: Caller, order: Order | Fault) -> _Ready | Fault:
        if isinstance(order, Fault):
            return order
        try:
            return self._prepared(caller, order)
        except LetterError as error:
            return fault_of(error)
        except Exception as error:  # noqa: BLE001 - boundary: one order must not end the others
            self._observer.internal_error("intake", error)
            text = "The server failed; its log says why"
            return Fault(kind=FaultKind.INTERNAL, message=text)

    def _prepared(self, caller: Caller, order: Order) -> _Ready | Fault:
        """In the order in which a person would mend it: its form, its sender, its recipients. Raises LetterError."""
        now = self._clock()
        stream = order.stream or DEFAULT_STREAM
        fault = find_fault(order, self.limits, now) or self._find_sender_fault(caller, order)
        if fault is not None:
            return fault
        if stream not in self._builder.streams:
            known = ", ".join(sorted(self._builder.streams))
            text = f"stream: there is none of this name; there are {known}"
            return Fault(kind=FaultKind.INVALID, message=text, field="stream", constraint="enum")
        pool = self._builder.streams[stream].pool
        if (refused := self._tenants.find_refusal(caller.tenant, stream, pool)) is not None:
            text = f"stream: {refused}"
            return Fault(kind=FaultKind.NO_SCOPE, message=text, field="stream", constraint="plan")
        message_id = self._new_message_id()
        email_id = message_id_text(message_id)
        received = received_of(
            order,
            caller,
            email_id=email_id,
            date=render_date(now // 1000),
            boundary=f"=_{self._random_octets(BOUNDARY_OCTETS).hex()}",
        )
        about = encode_about(about_of(order, caller))
        if len(about) > MAX_OCTETS:
            text = f"metadata: with addresses and variables, it has more than {MAX_OCTETS} octets"
            return Fault(
                kind=FaultKind.INVALID, message=text, field="metadata", constraint="max_length"
            )
        suppressed = self._find_suppressed(caller.tenant, stream, order)
        if len(suppressed) == len(received.envelope.recipients):
            return _suppressed(suppressed)
        start = order.send_at if order.send_at is not None and order.send_at > now else 0
        particulars = Particulars(
            message_id=message_id,
            client=caller.address,
            campaign=order.campaign,
            tags=order.tags,
            not_before=UnixMs(start),
            expires=order.expires_at,
            if_missed=order.if_missed,
            about=about,
            sandbox=order.sandbox,
        )
        built = self._builder.build(received, particulars)
        if isinstance(built, Refusal):
            return self._fault_of(built, order)
        refusal = self._signatures.find_refusal(built.header_from, caller.tenant)
        if refusal is not None:
            return Fault(kind=FaultKind.DOMAIN, message=refusal.text, field="from")
        sent = Sent(
            email_id=email_id,
            message_id=built.message_id_header,
            status="sandbox" if order.sandbox else "scheduled" if start else "pending",
            accepted_at=built.accepted,
            suppressed=suppressed,
        )
        return _Ready(built, sent)

    def _find_sender_fault(self, caller: Caller, order: Order) -> Fault | None:
        if order.author is None:
            return None
        if compile_senders(caller.patterns).allows(order.author.address):  # A2
            return None
        domain = order.author.address.domain
        text = self._tenants.explain_domain(caller.tenant, domain)
        return Fault(kind=FaultKind.DOMAIN, message=text, field="from", constraint="verified")

    def _find_suppressed(self, tenant: str, stream: str, order: Order) -> tuple[str, ...]:
        addresses = [each.mailbox.address.text for each in addressees(order)]
        found = self._suppressions.find_each(addresses, tenant, stream)
        return tuple(
            [address for address, each in zip(addresses, found, strict=True) if each is not None]
        )

    def _fault_of(self, refusal: Refusal, order: Order) -> Fault:
        """The builder's replies are those of SMTP."""
        if refusal.code < 500:
            return Fault(kind=FaultKind.BUSY, message=refusal.text, retry_after_s=RETRY_AFTER_S)
        if refusal.enhanced == "5.7.1":
            return Fault(
                kind=FaultKind.DOMAIN, message=refusal.text, field="from", constraint="verified"
            )
        field = "headers" if order.raw is None else "raw"
        text = f"{field}: {refusal.text}"
        return Fault(kind=FaultKind.INVALID, message=text, field=field, constraint="format")

    async def _store(
        self,
        caller: Caller,
        results: Sequence[_Ready | Fault],
        once: str,
        digest: bytes,
    ) -> tuple[Sent | Fault, ...] | Fault:
        batch = [each.submission for each in results if isinstance(each, _Ready)]
        answer = tuple([each.sent if isinstance(each, _Ready) else each for each in results])
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


def _placed(fault: Fault, at: str) -> Fault:
    """The same fault, of an order among several."""
    if not at:
        return fault
    field = f"{at}.{fault.field}" if fault.field else at
    return msgspec.structs.replace(fault, field=field, message=f"{at}: {fault.message}")


def _suppressed(addresses: tuple[str, ...]) -> Fault:
    shown = ", ".join(addresses[:10]) + (", ..." if len(addresses) > 10 else "")
    text = f"All recipients are suppressed: {shown}"
    return Fault(
        kind=FaultKind.SUPPRESSED,
        message=text,
        field="to",
        constraint="suppressed",
        addresses=addresses,
    )


def _is_suppressed(result: _Ready | Fault) -> bool:
    return isinstance(result, Fault) and result.kind is FaultKind.SUPPRESSED


def _bad_key(text: str, kind: FaultKind = FaultKind.INVALID) -> Fault:
    return Fault(kind=kind, message=f"{ONCE}: {text}", field=ONCE, constraint="idempotency")
