"""What an operator does to recipients: operations on bounded lots of them, each checked anew in its transaction."""

from collections.abc import Sequence

from angarium.queue.act import Act, Actor, applies
from angarium.queue.entry import AffectedRecipient
from angarium.queue.lmdb.held import forget_rule, write_held, write_released
from angarium.queue.lmdb.keys import LAST_RULE_KEY, claim_key, due_key, parse_delivery_key
from angarium.queue.lmdb.recipient_events import act_event
from angarium.queue.lmdb.records import (
    HELD,
    SCHEDULED,
    DeliveryRecord,
    MessageRecord,
    RecordError,
    changed,
    decode_delivery,
    decode_message,
    delivery_due,
    due_hint,
    encode_delivery,
    stamp_due,
)
from angarium.queue.lmdb.transaction import WriteTransaction


class ActOn:
    """Operation: do ``act`` to those of the recipients that it still applies to; returns them.

    ``rule``: a hold is this rule's. ``via``: the way that a reroute chooses.
    """

    def __init__(
        self, act: Act, keys: Sequence[bytes], by: Actor, rule: int = 0, via: str = ""
    ) -> None:
        self._act: Act = act
        self._keys = keys
        self._by = by
        self._rule = rule
        self._via = via
        self.octets = len(keys) * 800

    def apply(self, tx: WriteTransaction) -> list[AffectedRecipient]:
        return [each for key in self._keys if (each := self._do(tx, key)) is not None]

    def _do(self, tx: WriteTransaction, key: bytes) -> AffectedRecipient | None:
        raw, message_raw = tx.get(tx.env.delivery, key), tx.get(tx.env.message, key[:16])
        if raw is None or message_raw is None:
            return None
        try:
            record, due, message = (
                decode_delivery(raw),
                delivery_due(raw),
                decode_message(message_raw),
            )
        except RecordError:
            return None  # it is set aside by whoever comes to try it
        in_flight = tx.get(tx.env.claim, claim_key(record.partition, key)) is not None
        if in_flight or not applies(self._act, record.state == HELD):
            return None
        if record.state == SCHEDULED:
            tx.delete(tx.env.due, due_key(record.partition, due, key))
        self._write(tx, key, message, record, due)
        return AffectedRecipient(id=parse_delivery_key(key), recipient=record.forward_path)

    def _write(
        self,
        tx: WriteTransaction,
        key: bytes,
        message: MessageRecord,
        record: DeliveryRecord,
        due: int,
    ) -> None:
        match self._act:
            case "hold":
                write_held(tx, key, due, message, record, self._by, self._rule)
            case "release":
                free_of = _last_rule(tx) if record.rule else record.free_of
                write_released(tx, key, due, message, record, self._by, free_of)
            case "retry":
                again = encode_delivery(changed(record))
                hint = due_hint(message, record)
                tx.schedule(record.partition, tx.now, key, again, hint)
                tx.append_event(act_event("retry", key, message, record, tx.now, self._by))
            case "cancel":
                forget_rule(tx, key, record)
                tx.delete(tx.env.delivery, key)
                if not tx.has_delivery(key[:16]):
                    tx.delete_message(key[:16])
                tx.append_event(act_event("cancel", key, message, record, tx.now, self._by))
            case "reroute":
                self._reroute(tx, key, message, record, due)
            case "bounce":
                raise ValueError("what is bounced is returned to its sender: Bounce")

    def _reroute(
        self,
        tx: WriteTransaction,
        key: bytes,
        message: MessageRecord,
        record: DeliveryRecord,
        due: int,
    ) -> None:
        """Due at another time than before: so what delivery has in memory, of the old way, is not due any more."""
        after = changed(record, state=record.state, rule=record.rule, via=self._via)
        if record.state == HELD:
            tx.put(tx.env.delivery, key, stamp_due(due, encode_delivery(after)))
        else:
            now = tx.now if tx.now != due else tx.now + 1
            hint = due_hint(message, after)
            tx.schedule(record.partition, now, key, encode_delivery(after), hint)
        event = act_event("reroute", key, message, record, tx.now, self._by, via=self._via)
        tx.append_event(event)


def _last_rule(tx: WriteTransaction) -> int:
    """Return the last id that was given to a rule: all later ones were not there when somebody decided."""
    return int.from_bytes(tx.get(tx.env.meta, LAST_RULE_KEY) or b"", "big")
