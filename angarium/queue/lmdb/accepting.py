"""Writing submissions: body, message, recipients with their due keys, and the `accepted` event."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from angarium.queue.destination import suppressed_destination
from angarium.queue.events.accepted import accepted_event
from angarium.queue.events.catalogue import encode_event
from angarium.queue.lmdb.keys import delivery_key
from angarium.queue.lmdb.once_table import find_once, once_key, write_once
from angarium.queue.lmdb.quota_table import LmdbQuotaCounts
from angarium.queue.lmdb.records import (
    MessageRecord,
    encode_message,
    encode_new_delivery,
    is_timed_message,
    message_record,
    routing_hint,
)
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.message_id import message_id_text
from angarium.queue.model import DeliveryId, MessageId, Submission
from angarium.queue.quota import QuotaPlan, put_off
from angarium.queue.spool import DuplicateMessageError
from angarium.queue.submission_check import check_submission
from angarium.queue.suppressions import scopes_of
from angarium.queue.terms import AcceptOutcome, OverQuota, Stored, Terms
from angarium.queue.terms_check import check_terms
from angarium.smtp.envelope import Recipient

# About, with its keys: only for bounding transactions
_DELIVERY_OCTETS: Final = 400
_Delivery = tuple[int, bytes, bytes, bytes]  # partition, key, record, hint


class PreparedSubmission(msgspec.Struct, frozen=True, kw_only=True):
    """Everything encoded, so that the transaction is short."""

    message_id: MessageId
    content: bytes
    message: bytes
    event: bytes
    deliveries: tuple[_Delivery, ...]
    due: int
    record: MessageRecord
    recipients: tuple[Recipient, ...]  # in the order of the deliveries

    @property
    def octets(self) -> int:
        return len(self.content) + len(self.deliveries) * _DELIVERY_OCTETS


def prepare_submission(submission: Submission, partitions: int) -> PreparedSubmission:
    """Raises ValueError for what no caller may hand over."""
    check_submission(submission, partitions)
    message_id = submission.message_id
    message = message_record(submission)
    deliveries = []
    if submission.sandbox:
        return _event_alone(submission, message)
    kept = (False, "", True) if is_timed_message(message) else ()
    for index, (recipient, partition) in enumerate(
        zip(submission.envelope.recipients, submission.partitions, strict=True)
    ):
        hint = routing_hint(message, recipient.domain, kept)
        record = encode_new_delivery(recipient, partition)
        deliveries.append((partition, delivery_key(DeliveryId(message_id, index)), record, hint))
    return PreparedSubmission(
        message_id=message_id,
        content=submission.content,
        message=encode_message(message),
        event=encode_event(accepted_event(submission)),
        deliveries=tuple(deliveries),
        due=submission.not_before,
        record=message,
        recipients=submission.envelope.recipients,
    )


def _event_alone(submission: Submission, message: MessageRecord) -> PreparedSubmission:
    return PreparedSubmission(
        message_id=submission.message_id,
        content=b"",
        message=b"",
        event=encode_event(accepted_event(submission)),
        deliveries=(),
        due=0,
        record=message,
        recipients=(),
    )


def write_submission(tx: WriteTransaction, prepared: PreparedSubmission) -> None:
    env = tx.env
    if not prepared.deliveries:  # nobody is to get it
        tx.append_event(prepared.event)
        return
    if not tx.insert(env.message, prepared.message_id, prepared.message):
        raise DuplicateMessageError(
            f"message {message_id_text(prepared.message_id)} is in the queue already"
        )
    tx.put(env.body, prepared.message_id, prepared.content)
    deliveries = _without_suppressed(tx, prepared) if tx.has_suppressions() else prepared.deliveries
    for partition, key, record, hint in deliveries:
        tx.schedule(partition, prepared.due, key, record, hint)
    tx.append_event(prepared.event)


def _without_suppressed(tx: WriteTransaction, prepared: PreparedSubmission) -> list[_Delivery]:
    """Have those that are suppressed go nowhere: delivery ends them at once, whatever their site waits for."""
    message = prepared.record
    scopes = scopes_of(message.tenant, message.stream, message.topic)
    deliveries: list[_Delivery] = []
    for recipient, delivery in zip(prepared.recipients, prepared.deliveries, strict=True):
        partition, key, record, hint = delivery
        if tx.find_suppression(recipient.forward_path, scopes):
            hint = routing_hint(message, suppressed_destination(recipient.domain))
            tx.schedule(partition, tx.now, key, record, hint)
        else:
            deliveries.append(delivery)
    return deliveries


class Accept:
    """Operation: make a batch of submissions durable.

    ``withdraw`` is called with the recipients' keys when nobody waits any more: the client was told 451, and comes
    again, so what has not left yet should not leave twice.
    """

    __slots__ = ("_batch", "_withdraw", "octets")

    def __init__(
        self,
        batch: Sequence[Submission],
        partitions: int,
        withdraw: Callable[[Sequence[bytes]], None],
    ) -> None:
        self._batch = [prepare_submission(each, partitions) for each in batch]
        self._withdraw = withdraw
        self.octets = sum(each.octets for each in self._batch)

    def abandoned(self, _result: None) -> None:
        self._withdraw([key for each in self._batch for _, key, _, _ in each.deliveries])

    def apply(self, tx: WriteTransaction) -> None:
        for each in self._batch:
            write_submission(tx, each)


class AcceptOnTerms:
    """Operation: the same, once for a key and within quotas; returns an AcceptOutcome.

    What has a key is not withdrawn when nobody waits any more: who asks again with it gets the answer.
    """

    __slots__ = ("_batch", "_key", "_once_limit", "_partitions", "_terms", "_withdraw", "octets")

    def __init__(
        self,
        batch: Sequence[Submission],
        terms: Terms,
        partitions: int,
        once_limit: int,
        withdraw: Callable[[Sequence[bytes]], None],
    ) -> None:
        """``once_limit``: keys that a tenant may have. Raises ValueError."""
        check_terms(terms)
        self._batch = [(each, prepare_submission(each, partitions)) for each in batch]
        self._terms = terms
        self._key = b"" if terms.once is None else once_key(terms.once.tenant, terms.once.key)
        self._once_limit = once_limit
        self._partitions = partitions
        self._withdraw = withdraw
        self.octets = sum(each.octets for _, each in self._batch)
        self.octets += 0 if terms.once is None else len(terms.once.answer) + _DELIVERY_OCTETS

    def abandoned(self, outcome: AcceptOutcome) -> None:
        if isinstance(outcome, Stored) and self._terms.once is None:
            self._withdraw([key for _, each in self._batch for _, key, _, _ in each.deliveries])

    def apply(self, tx: WriteTransaction) -> AcceptOutcome:
        once = self._terms.once
        if once is not None and (used := find_once(tx, self._key, once.digest)) is not None:
            return used
        counts = LmdbQuotaCounts(tx, self._terms.tenant)
        plan = QuotaPlan(self._terms.quotas, counts, tx.now)
        batch = self._plan(plan)
        if isinstance(batch, OverQuota):
            return batch
        for each in batch:
            write_submission(tx, each)
        counts.write(plan.changed)
        if once is not None:
            write_once(tx, self._key, once, self._once_limit)
        return Stored(not_before=plan.latest)

    def _plan(self, plan: QuotaPlan) -> list[PreparedSubmission] | OverQuota:
        """Return what is to be written, or why nothing is."""
        if not self._terms.quotas:
            return [each for _, each in self._batch]
        if self._terms.over_quota == "refuse":
            over = plan.take(sum(len(each.recipients) for _, each in self._batch))
            return [each for _, each in self._batch] if over is None else over
        planned = []
        for submission, prepared in self._batch:
            later = plan.take_later(len(prepared.recipients))
            if isinstance(later, OverQuota):
                return later
            planned.append(
                prepare_submission(put_off(submission, later), self._partitions)
                if later
                else prepared
            )
        return planned
