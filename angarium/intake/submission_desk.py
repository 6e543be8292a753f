"""The desk of submission: whoever may send may write to anybody, and what RFC 6409 makes of a message is queued."""

import asyncio
from collections.abc import Awaitable
from typing import Final

import msgspec

from angarium.intake.desk import Acceptance, FaultObserver, refusal_of
from angarium.intake.key_rates import KeyRates
from angarium.intake.required_signatures import RequiredSignatures
from angarium.intake.submission import SubmissionBuilder
from angarium.intake.tenant_limits import TenantLimits, explain_topic
from angarium.queue.model import Submission
from angarium.queue.spool import Spool
from angarium.smtp.envelope import Recipient
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal


class SubmissionDesk:
    """Satisfies ``AcceptanceDesk``. Costs no task and no future beyond the queue's."""

    def __init__(
        self,
        builder: SubmissionBuilder,
        spool: Spool,
        observer: FaultObserver,
        signatures: RequiredSignatures,
        rates: KeyRates,
        limits: TenantLimits,
    ) -> None:
        self._builder = builder
        self._signatures = signatures
        self._rates = rates
        self._limits = limits
        self._spool = spool
        self.give_way: Final = spool.give_way
        self._observer = observer

    def may_receive(self, recipient: Recipient) -> Refusal | None:
        return None

    def accept(self, received: ReceivedMessage) -> Acceptance | Refusal:
        """What is asked of a message, in this order: header and senders, a key for it, stream, topic, rate, queue."""
        try:
            submission = self._builder.build(received)
        except Exception as error:  # noqa: BLE001 - boundary: one message must not end the others
            return refusal_of(error, "intake", self._observer)
        if isinstance(submission, Refusal):
            return submission
        header_from, tenant = submission.header_from, submission.tenant
        refusal = self._signatures.find_refusal(
            header_from, tenant, is_program=self._rates.knows(received.user)
        )
        if refusal is not None:
            return refusal
        pool = self._builder.streams[submission.stream].pool
        if (text := self._limits.find_refusal(tenant, submission.stream, pool)) is not None:
            return Refusal(550, "5.7.1", f"Not allowed: {text}")
        if submission.topic:
            known = self._limits.topics(tenant)
            if submission.topic not in known:
                text = f"X-Angarium-Topic: {explain_topic(submission.topic, known)}"
                return Refusal(550, "5.6.0", text)
            submission = msgspec.structs.replace(submission, topic=known[submission.topic])
        if (refusal := self._rates.find_refusal(received.user, tenant)) is not None:
            return refusal
        try:
            stored = self._store(submission)
            if not isinstance(stored, asyncio.Future):
                stored = asyncio.ensure_future(stored)
        except Exception as error:  # noqa: BLE001 - boundary: nothing is acknowledged, the client tries again
            return refusal_of(error, "queue", self._observer)
        return Acceptance(submission.message_id, stored, self._observer)

    def _store(self, submission: Submission) -> Awaitable[object]:
        terms = self._limits.terms(submission.tenant)
        if not terms.quotas:
            return self._spool.accept((submission,))
        return self._spool.accept_on_terms((submission,), terms)
