"""Adding hold rules, ending them, and letting go of what they held: each an operation."""

from typing import Final

import msgspec

from angarium.queue.act import Actor
from angarium.queue.entry import AffectedRecipient
from angarium.queue.events.catalogue import encode_event
from angarium.queue.events.hold_rule_added import HoldRuleAdded
from angarium.queue.events.hold_rule_removed import HoldRuleRemoved
from angarium.queue.hold_rule import HOLD_RULE_LIMIT, HoldRule
from angarium.queue.lmdb.held import forget_rule, write_released
from angarium.queue.lmdb.keys import (
    LAST_RULE_KEY,
    RULES_VERSION_KEY,
    parse_delivery_key,
    rule_held_key,
    u64,
)
from angarium.queue.lmdb.records import (
    HELD,
    HoldRuleRecord,
    RecordError,
    changed,
    decode_delivery,
    decode_message,
    decode_rule,
    delivery_due,
    encode,
    encode_delivery,
    stamp_due,
)
from angarium.queue.lmdb.rule_cache import rule_of
from angarium.queue.lmdb.setting_aside import set_aside
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import MessageId
from angarium.queue.spool import TooManyHoldRulesError, UnknownHoldRuleError

# Recipients let go in one transaction: the event loop and other processes wait meanwhile
WIND_UP_LIMIT: Final = 200
_ABOUT_NO_MESSAGE: Final = MessageId(b"")


class AddRule:
    """Operation: put a rule in force; returns it as it is on disk."""

    octets = 1000

    def __init__(self, rule: HoldRule, by: Actor) -> None:
        """``rule``: as ``check_rule`` returned it."""
        self._rule = rule
        self._by = by

    def apply(self, tx: WriteTransaction) -> HoldRule:
        if tx.entries(tx.env.hold_rule) >= HOLD_RULE_LIMIT:
            raise TooManyHoldRulesError(f"there are {HOLD_RULE_LIMIT} hold rules already")
        rule_id = int.from_bytes(tx.get(tx.env.meta, LAST_RULE_KEY) or b"", "big") + 1
        rule, by = self._rule, self._by
        record = HoldRuleRecord(
            tenant=rule.tenant,
            sender=rule.sender,
            domain=rule.domain,
            provider=rule.provider,
            who=by.who,
            why=by.reason,
            since=tx.now,
            until=rule.until,
            campaign=rule.campaign,
        )
        tx.put(tx.env.hold_rule, u64(rule_id), encode(record))
        tx.put(tx.env.meta, LAST_RULE_KEY, u64(rule_id))
        _count_change(tx)
        tx.append_event(
            encode_event(
                HoldRuleAdded(
                    at=tx.now,
                    message_id=_ABOUT_NO_MESSAGE,
                    rule=rule_id,
                    actor=by.who,
                    reason=by.reason,
                    tenant=rule.tenant,
                    sender=rule.sender,
                    domain=rule.domain,
                    provider=rule.provider,
                    until=rule.until,
                    campaign=rule.campaign,
                )
            )
        )
        return rule_of(rule_id, record)


class EndRule:
    """Operation: the rule binds nothing from now on; what is to become of what it held is on disk with that."""

    octets = 1000

    def __init__(self, rule_id: int, by: Actor, *, releases: bool) -> None:
        self._rule_id = rule_id
        self._by = by
        self._releases = releases

    def apply(self, tx: WriteTransaction) -> None:
        key = u64(self._rule_id)
        raw = tx.get(tx.env.hold_rule, key)
        record = None if raw is None else decode_rule(raw)
        if record is None or record.releases is not None:
            raise UnknownHoldRuleError(f"no hold rule {self._rule_id}")
        by = self._by
        ended = msgspec.structs.replace(
            record, releases=self._releases, ender=by.who, ending=by.reason
        )
        tx.put(tx.env.hold_rule, key, encode(ended))
        _count_change(tx)
        tx.append_event(
            encode_event(
                HoldRuleRemoved(
                    at=tx.now,
                    message_id=_ABOUT_NO_MESSAGE,
                    rule=self._rule_id,
                    actor=by.who,
                    reason=by.reason,
                    releases=self._releases,
                )
            )
        )


class WoundUp(msgspec.Struct, frozen=True):
    let_go: list[AffectedRecipient]
    is_done: bool  # nothing is left of the rule


class WindUpRule:
    """Operation: let go of up to WIND_UP_LIMIT recipients that an ended rule holds, and of the rule behind the last."""

    octets = WIND_UP_LIMIT * 800

    def __init__(self, rule_id: int) -> None:
        self._rule_id = rule_id

    def apply(self, tx: WriteTransaction) -> WoundUp:
        rule_key = u64(self._rule_id)
        raw = tx.get(tx.env.hold_rule, rule_key)
        rule = None if raw is None else decode_rule(raw)
        if rule is None or rule.releases is None:
            return WoundUp([], True)
        keys = self._held(tx, rule_key)
        let_go = [each for key in keys if (each := self._let_go(tx, key, rule)) is not None]
        is_done = len(keys) < WIND_UP_LIMIT
        if is_done:
            tx.delete(tx.env.hold_rule, rule_key)
        return WoundUp(let_go, is_done)

    def _held(self, tx: WriteTransaction, prefix: bytes) -> list[bytes]:
        found: list[bytes] = []
        cursor = tx.cursor(tx.env.rule_held)
        more = cursor.set_range(prefix)
        while more and len(found) < WIND_UP_LIMIT and (key := cursor.key()).startswith(prefix):
            found.append(key[len(prefix) :])
            more = cursor.next()
        return found

    def _let_go(
        self, tx: WriteTransaction, key: bytes, rule: HoldRuleRecord
    ) -> AffectedRecipient | None:
        raw, message_raw = tx.get(tx.env.delivery, key), tx.get(tx.env.message, key[:16])
        try:
            record, message = decode_delivery(raw or b""), decode_message(message_raw or b"")
        except RecordError as error:
            tx.delete(tx.env.rule_held, rule_held_key(self._rule_id, key))
            if raw is not None:
                set_aside(tx, key, str(error))
            return None
        due = delivery_due(raw or b"")
        if rule.releases:
            by = Actor(who=rule.ender, reason=rule.ending)
            write_released(tx, key, due, message, record, by, record.free_of)
        else:
            forget_rule(tx, key, record)
            held = encode_delivery(changed(record, state=HELD))
            tx.put(tx.env.delivery, key, stamp_due(due, held))
        return AffectedRecipient(id=parse_delivery_key(key), recipient=record.forward_path)


def _count_change(tx: WriteTransaction) -> None:
    before = int.from_bytes(tx.get(tx.env.meta, RULES_VERSION_KEY) or b"", "big")
    tx.put(tx.env.meta, RULES_VERSION_KEY, u64(before + 1))
    tx.rules_changed()
