"""Recording what became of claims, with the event and any new submissions in the same transaction."""

from collections.abc import Sequence
from typing import assert_never

import msgspec

from angarium.queue.act import POLICY, Actor
from angarium.queue.destination import kept_way, shown_way
from angarium.queue.kept_source import source_after
from angarium.queue.lmdb.accepting import PreparedSubmission, write_submission
from angarium.queue.lmdb.claiming import Holding
from angarium.queue.lmdb.keys import claim_key, claimer, delivery_key, due_key
from angarium.queue.lmdb.recipient_events import (
    act_event,
    attempt_failed_event,
    ended_event,
    spared_event,
)
from angarium.queue.lmdb.records import (
    DeliveryRecord,
    RecordError,
    changed,
    decode_delivery,
    decode_message,
    due_hint,
    encode_delivery,
)
from angarium.queue.lmdb.setting_aside import set_aside
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.message_id import delivery_id_text
from angarium.queue.model import Deferred, Done, Moved, Released, Settlement, Spared, UnixMs
from angarium.queue.spool import NotClaimedError


class PreparedSettlement(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient's settlement, encoded. It ends there, or has a new record and a new due time."""

    key: bytes
    claim: bytes
    event: bytes | None
    record: bytes | None = None  # None: the recipient leaves the queue
    due: int = 0
    hint: bytes = b""
    alone: bool = False  # the only recipient of its message: no other one need be looked for


class PreparedMove(msgspec.Struct, frozen=True, kw_only=True):
    key: bytes
    old: bytes  # its due key
    due: int
    to: int
    via: str  # from now on by this way; "": as before
    reason: str
    not_before: int


class Settle:
    """Operation: all of a commit, or nothing.

    Invariant MV1: what is in doubt never gets another way: it stays where it is, and its hint says so from then on.
    """

    __slots__ = ("_epoch", "_moved", "_partition", "_settled", "_submissions", "octets")

    def __init__(
        self,
        partition: int,
        epoch: int,
        settled: Sequence[PreparedSettlement],
        moved: Sequence[PreparedMove],
        submissions: Sequence[PreparedSubmission],
    ) -> None:
        self._partition = partition
        self._epoch = epoch
        self._settled = settled
        self._moved = moved
        self._submissions = submissions
        self.octets = (len(settled) + len(moved)) * 800 + sum(each.octets for each in submissions)

    def apply(self, tx: WriteTransaction) -> None:
        tx.check_epoch(self._partition, self._epoch)
        for each in self._settled:  # all are checked before anything is written (WX1)
            if claimer(tx.get(tx.env.claim, each.claim)) != self._epoch:
                raise NotClaimedError(f"recipient {each.key.hex()} is not claimed by this owner")
        for each in self._settled:
            self._settle(tx, each)
        for move in self._moved:
            self._move(tx, move)
        for submission in self._submissions:
            write_submission(tx, submission)

    def _settle(self, tx: WriteTransaction, each: PreparedSettlement) -> None:
        env = tx.env
        tx.delete(env.claim, each.claim)
        if each.record is None:
            tx.delete(env.delivery, each.key)
            if each.alone or not tx.has_delivery(each.key[:16]):
                tx.delete_message(each.key[:16])
        else:
            tx.schedule(self._partition, each.due, each.key, each.record, each.hint)
        if each.event is not None:
            tx.append_event(each.event)

    def _move(self, tx: WriteTransaction, move: PreparedMove) -> None:
        """Hand a due recipient to another partition or way; one that was changed meanwhile is left where it is."""
        hint, raw = tx.get(tx.env.due, move.old), tx.get(tx.env.delivery, move.key)
        if hint is None or raw is None:
            return
        tx.delete(tx.env.due, move.old)
        try:
            record = decode_delivery(raw)
        except RecordError as error:
            set_aside(tx, move.key, f"recipient: {error}")
            return
        if move.via:
            self._send_by(tx, move, record)
        else:
            moved = encode_delivery(changed(record, partition=move.to))
            tx.schedule(move.to, move.due, move.key, moved, hint)

    def _send_by(self, tx: WriteTransaction, move: PreparedMove, record: DeliveryRecord) -> None:
        try:
            message = decode_message(tx.get(tx.env.message, move.key[:16]) or b"")
        except RecordError as error:
            set_aside(tx, move.key, str(error))
            return
        to = self._partition
        if not record.in_doubt:  # MV1
            to = move.to
            record = changed(record, partition=to, via=kept_way(move.via))
            by = Actor(who=POLICY, reason=move.reason)
            via = shown_way(record.via)
            event = act_event("reroute", move.key, message, record, tx.now, by, via=via)
            tx.append_event(event)
        # Due at another time than before: so what delivery has in memory, of the old way, is not due any more
        due = max(move.due + 1, tx.now, move.not_before)
        tx.schedule(to, due, move.key, encode_delivery(record), due_hint(message, record))


def prepare_settlement(
    settlement: Settlement, holding: Holding, partition: int, now: UnixMs
) -> PreparedSettlement:
    key = delivery_key(settlement.id)
    claim = claim_key(partition, key)
    message, before = holding.message, holding.delivery
    event: bytes | None
    match settlement:
        case Done(outcome=outcome, attempt=attempt):
            event = ended_event(outcome, key, message, before, attempt, now)
            return PreparedSettlement(
                key=key, claim=claim, event=event, alone=message.recipients == 1
            )
        case Spared():
            event = spared_event(settlement, key, message, before, now)
            return PreparedSettlement(
                key=key, claim=claim, event=event, alone=message.recipients == 1
            )
        case Deferred(due=due, attempt=attempt, delay_dsn_sent=delay_dsn_sent, in_doubt=in_doubt):
            attempted = settlement.attempted
            after = changed(
                before,
                attempts=before.attempts + attempted,
                in_doubt=before.in_doubt + in_doubt,
                delay_dsn_sent=before.delay_dsn_sent or delay_dsn_sent,
                last=attempt,
                # Once it had its attempt, rules bind it again
                free_of=0 if attempted else before.free_of,
                source=source_after(settlement, kept=before.source, in_doubt=before.in_doubt > 0),
            )
            event = (
                attempt_failed_event(key, message, after, attempt, now, due) if attempted else None
            )
        case Released(due=due):
            after, event = before, None
        case _:
            assert_never(settlement)
    return PreparedSettlement(
        key=key,
        claim=claim,
        event=event,
        record=encode_delivery(after),
        due=due,
        hint=due_hint(message, after),
    )


def prepare_move(moved: Moved, partition: int, partitions: int) -> PreparedMove:
    """Raises ValueError for a move that is not this owner's, or goes nowhere."""
    if moved.partition != partition or not 0 <= moved.to < partitions:
        raise ValueError(
            f"recipient {delivery_id_text(moved.id)} cannot be moved from partition "
            f"{moved.partition} to {moved.to} by the owner of {partition}"
        )
    key = delivery_key(moved.id)
    return PreparedMove(
        key=key,
        old=due_key(partition, moved.due, key),
        due=moved.due,
        to=moved.to,
        via=moved.via,
        reason=moved.reason,
        not_before=moved.not_before,
    )
