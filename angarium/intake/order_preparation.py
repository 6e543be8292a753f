"""From a mail that is wanted to a submission: everything that a sender must be allowed, and the message itself."""

import asyncio
from collections.abc import Callable, Sequence, Set
from typing import Final, Protocol

import msgspec

from angarium.access.senders import compile_senders
from angarium.content.letter import LetterError
from angarium.intake.checking.sending_check import UNCHECKED, SendingCheck
from angarium.intake.desk import FaultObserver
from angarium.intake.faults import fault_of
from angarium.intake.order import Caller, Fault, FaultKind, Order, Sent, SentMail
from angarium.intake.order_check import OrderLimits, addressees, find_fault
from angarium.intake.order_letter import about_of, received_of
from angarium.intake.required_signatures import RequiredSignatures
from angarium.intake.submission import Particulars, SubmissionBuilder
from angarium.intake.template_filling import Mail
from angarium.intake.tenant_limits import TenantLimits, explain_topic
from angarium.intake.tracking import LACKING, Wanted
from angarium.queue.about import MAX_OCTETS, encode_about
from angarium.queue.message_id import message_id_text
from angarium.queue.model import DEFAULT_STREAM, MessageId, Submission, UnixMs
from angarium.queue.suppression_store import Suppressions
from angarium.smtp.date import render_date
from angarium.smtp.refusal import Refusal
from angarium.telemetry.log import log_ids

BOUNDARY_OCTETS: Final = 15
RETRY_AFTER_S: Final = 1
# Orders of one request; ours: others' are scanned between them
_SCANNED_AT_ONCE: Final = 4


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """One order: what is queued of it, and what is answered then."""

    submissions: tuple[Submission, ...]
    sent: Sent


class Tenants(TenantLimits, Protocol):
    """What the platform says of a tenant."""

    def explain_domain(self, tenant: str, domain: str) -> str:
        """Say why it may not send as this domain, and what to do."""
        ...


class OrderPreparation:
    def __init__(
        self,
        builder: SubmissionBuilder,
        suppressions: Suppressions,
        signatures: RequiredSignatures,
        tenants: Tenants,
        observer: FaultObserver,
        *,
        clock: Callable[[], UnixMs],
        new_message_id: Callable[[], MessageId],
        random_octets: Callable[[int], bytes],
        limits: OrderLimits,
        checks: SendingCheck = UNCHECKED,
    ) -> None:
        self._builder = builder
        self._suppressions = suppressions
        self._signatures = signatures
        self._tenants = tenants
        self._observer = observer
        self._clock = clock
        self._new_message_id = new_message_id
        self._random_octets = random_octets
        self.limits = limits  # may change at any time
        self._checks = checks

    def find_fault(self, caller: Caller, order: Order) -> Fault | None:
        """Return what is wrong with its form or its sender, which can be said before it is filled in."""
        fault = find_fault(order, self.limits, self._clock())
        fault = fault or self._find_sender_fault(caller, order)
        fault = fault or self._find_tracking_fault(caller, order)
        fault = fault or self._find_stream_fault(caller, order.stream or DEFAULT_STREAM)
        return fault or self._find_topic_fault(caller.tenant, order.topic)

    def prepare(
        self, caller: Caller, mail: Mail, message_id: MessageId | None = None
    ) -> Prepared | Fault:
        """Return one mail, to be queued; nothing is yet. ``message_id``: None for a new one."""
        return self._prepare(caller, mail, message_id or self._new_message_id(), None)

    def prepare_each(
        self, caller: Caller, mails: Sequence[Mail], message_ids: Sequence[MessageId]
    ) -> list[Prepared | Fault]:
        """Return what each comes to, in order: the same, but that suppressions are looked at once for all."""
        known = self._find_all_suppressed(caller.tenant, mails)
        return [
            self._prepare(caller, mail, message_id, known)
            for mail, message_id in zip(mails, message_ids, strict=True)
        ]

    def _prepare(
        self, caller: Caller, mail: Mail, message_id: MessageId, known: Set[str] | None
    ) -> Prepared | Fault:
        """``known``: which of its recipients, and of others, are suppressed; None: that is still to be found out."""
        try:
            return self._prepared(caller, mail, message_id, known)
        except LetterError as error:
            return fault_of(error)
        except Exception as error:  # noqa: BLE001 - boundary: one order must not end the others
            with log_ids(message_id=message_id_text(message_id), tenant=caller.tenant):
                self._observer.internal_error("intake", error)
            text = "The server failed; its log says why"
            return Fault(kind=FaultKind.INTERNAL, message=text)

    @property
    def scans(self) -> bool:
        """Whether ``scanned`` does anything."""
        return self._checks.scans

    async def scanned(self, results: Sequence[Prepared | Fault]) -> list[Prepared | Fault]:
        """Return them, and a fault in place of what other programs have refused."""
        found: list[Prepared | Fault] = []
        for at in range(0, len(results), _SCANNED_AT_ONCE):
            lot = results[at : at + _SCANNED_AT_ONCE]
            found += await asyncio.gather(*[self._scanned(each) for each in lot])
        return found

    async def _scanned(self, result: Prepared | Fault) -> Prepared | Fault:
        if isinstance(result, Prepared):
            for each in result.submissions:
                if (fault := await self._checks.find_scan_fault(each)) is not None:
                    return fault
        return result

    def _prepared(
        self, caller: Caller, mail: Mail, message_id: MessageId, known: Set[str] | None
    ) -> Prepared | Fault:
        """In the order in which a person would mend it: its form, its sender, its recipients. Raises LetterError."""
        order = mail.order
        now = self._clock()
        stream = order.stream or DEFAULT_STREAM
        fault = self.find_fault(caller, order)
        if fault is not None:
            return fault
        email_id = message_id_text(message_id)
        received = received_of(
            order,
            caller,
            email_id=email_id,
            date=render_date(now // 1000),
            boundary=f"=_{self._random_octets(BOUNDARY_OCTETS).hex()}",
        )
        about = encode_about(about_of(order, caller, mail.entry))
        if len(about) > MAX_OCTETS:
            text = f"metadata: with addresses and variables, it has more than {MAX_OCTETS} octets"
            return Fault(
                kind=FaultKind.INVALID, message=text, field="metadata", constraint="max_length"
            )
        addresses = [each.mailbox.address.text for each in addressees(order)]
        if known is None:
            known = self._find_suppressed(caller.tenant, stream, order.topic, addresses)
        suppressed = tuple([each for each in addresses if each in known])
        if len(suppressed) == len(received.envelope.recipients):
            return suppressed_fault(suppressed)
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
            tracked=Wanted(
                opens=order.track_opens,
                clicks=order.track_clicks,
                untracked=frozenset(
                    each.mailbox.address.text for each in addressees(order) if not each.is_tracked
                ),
            ),
            topic=order.topic,
            language=order.language,
        )
        built = self._builder.build(received, particulars)
        if isinstance(built, Refusal):
            return self._fault_of(built, order)
        # What is written already may name one in its header
        if (fault := self._find_topic_fault(caller.tenant, built.topic)) is not None:
            return fault
        if built.topic:
            name = self._topic_name(caller.tenant, built.topic)
            built = msgspec.structs.replace(built, topic=name)
        refusal = self._signatures.find_refusal(built.header_from, caller.tenant)
        if refusal is not None:
            return Fault(kind=FaultKind.DOMAIN, message=refusal.text, field="from")
        looked = self._checks.look(caller.tenant, order, len(built.content))
        if isinstance(looked, Fault):
            return looked
        sent = Sent(
            email_id=email_id,
            message_id=built.message_id_header,
            status="sandbox" if order.sandbox else "scheduled" if start else "pending",
            accepted_at=built.accepted,
            suppressed=suppressed,
            mails=_sent_mails(mail, email_id, built.message_id_header),
            findings=looked,
        )
        return Prepared(submissions=(built,), sent=sent)

    def _find_stream_fault(self, caller: Caller, stream: str) -> Fault | None:
        if stream not in self._builder.streams:
            known = ", ".join(sorted(self._builder.streams))
            text = f"stream: there is none of this name; there are {known}"
            return Fault(kind=FaultKind.INVALID, message=text, field="stream", constraint="enum")
        pool = self._builder.streams[stream].pool
        if (refused := self._tenants.find_refusal(caller.tenant, stream, pool)) is not None:
            text = f"stream: {refused}"
            return Fault(kind=FaultKind.NO_SCOPE, message=text, field="stream", constraint="plan")
        return None

    def _find_tracking_fault(self, caller: Caller, order: Order) -> Fault | None:
        for name, wanted in (("opens", order.track_opens), ("clicks", order.track_clicks)):
            found = self._builder.tracking.find_fault(caller.tenant, is_wanted=bool(wanted))
            if found is not None:
                field = f"tracking.{name}"
                return Fault(
                    kind=FaultKind.UNSUPPORTED,
                    message=f"{field}: {found}",
                    field=field,
                    constraint="tracking_host",
                )
        return None

    def _topic_name(self, tenant: str, topic: str) -> str:
        """Return "" for one that is not there."""
        return self._tenants.topics(tenant).get(topic, "") if topic else ""

    def _find_topic_fault(self, tenant: str, topic: str) -> Fault | None:
        known = self._tenants.topics(tenant) if topic else {}
        if not topic or topic in known:
            return None
        text = f"topic: {explain_topic(topic, known)}"
        return Fault(kind=FaultKind.INVALID, message=text, field="topic", constraint="enum")

    def _find_sender_fault(self, caller: Caller, order: Order) -> Fault | None:
        if order.author is None:
            return None
        if compile_senders(caller.patterns).allows(order.author.address):  # A2
            return None
        domain = order.author.address.domain
        text = self._tenants.explain_domain(caller.tenant, domain)
        return Fault(kind=FaultKind.DOMAIN, message=text, field="from", constraint="verified")

    def _find_all_suppressed(self, tenant: str, mails: Sequence[Mail]) -> Set[str] | None:
        """Return None where each mail is to look for itself."""
        lanes = {(each.order.stream or DEFAULT_STREAM, each.order.topic) for each in mails}
        if len(lanes) != 1:
            return None
        ((stream, topic),) = lanes
        addresses = [each.mailbox.address.text for mail in mails for each in addressees(mail.order)]
        try:
            return self._find_suppressed(tenant, stream, topic, addresses)
        except Exception:  # noqa: BLE001 - boundary: of one of them, which says so itself
            return None

    def _find_suppressed(
        self, tenant: str, stream: str, topic: str, addresses: Sequence[str]
    ) -> Set[str]:
        """``topic``: by its name or id; "": none."""
        name = self._topic_name(tenant, topic)
        found = self._suppressions.find_each(addresses, tenant, stream, name)
        return {address for address, each in zip(addresses, found, strict=True) if each is not None}

    def _fault_of(self, refusal: Refusal, order: Order) -> Fault:
        """The builder's replies are those of SMTP."""
        if refusal.code < 500:
            return Fault(kind=FaultKind.BUSY, message=refusal.text, retry_after_s=RETRY_AFTER_S)
        if refusal.enhanced == "5.7.1":
            return Fault(
                kind=FaultKind.DOMAIN, message=refusal.text, field="from", constraint="verified"
            )
        if refusal.enhanced == LACKING:
            field = "raw" if order.raw else "bodyText" if order.html is None else "bodyHtml"
            text = f"{field}: {refusal.text}"
            return Fault(kind=FaultKind.INVALID, message=text, field=field, constraint="commercial")
        field = "headers" if order.raw is None else "raw"
        text = f"{field}: {refusal.text}"
        return Fault(kind=FaultKind.INVALID, message=text, field=field, constraint="format")


def joined(parts: Sequence[Prepared | Fault]) -> Prepared | Fault:
    """Return the mails of one order as one; one of them that cannot be sent refuses all of them.

    But a mail all of whose recipients are suppressed is left out where others are left.
    """
    if len(parts) == 1:
        return parts[0]
    good = [each for each in parts if isinstance(each, Prepared)]
    faults = [each for each in parts if isinstance(each, Fault)]
    for each in faults:
        if each.kind is not FaultKind.SUPPRESSED:
            return each
    suppressed = [address for each in faults for address in each.addresses]
    suppressed += [address for each in good for address in each.sent.suppressed]
    if not good:
        return suppressed_fault(tuple(dict.fromkeys(suppressed)))
    return Prepared(
        submissions=tuple([submission for each in good for submission in each.submissions]),
        sent=msgspec.structs.replace(
            good[0].sent,
            suppressed=tuple(dict.fromkeys(suppressed)),
            mails=tuple([mail for each in good for mail in each.sent.mails]),
        ),
    )


def _sent_mails(mail: Mail, email_id: str, message_id: str) -> tuple[SentMail, ...]:
    if not mail.is_one_of_several:
        return ()
    address = mail.order.to[0].mailbox.address.text
    return (SentMail(address=address, email_id=email_id, message_id=message_id),)


def suppressed_fault(addresses: tuple[str, ...]) -> Fault:
    shown = ", ".join(addresses[:10]) + (", ..." if len(addresses) > 10 else "")
    text = f"All recipients are suppressed: {shown}"
    return Fault(
        kind=FaultKind.SUPPRESSED,
        message=text,
        field="to",
        constraint="suppressed",
        addresses=addresses,
    )
