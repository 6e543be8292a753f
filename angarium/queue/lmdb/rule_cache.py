"""The hold rules on disk, and the copy of them that a process keeps for its claims."""

from angarium.queue.hold_rule import BindingRules, HoldRule
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import ReadTransaction
from angarium.queue.lmdb.keys import RULES_VERSION_KEY
from angarium.queue.lmdb.records import HoldRuleRecord, RecordError, decode_rule
from angarium.queue.model import UnixMs


def rule_of(rule_id: int, record: HoldRuleRecord) -> HoldRule:
    return HoldRule(
        id=rule_id,
        tenant=record.tenant,
        sender=record.sender,
        domain=record.domain,
        provider=record.provider,
        campaign=record.campaign,
        who=record.who,
        why=record.why,
        since=UnixMs(record.since),
        until=None if record.until is None else UnixMs(record.until),
    )


def read_rules(
    txn: ReadTransaction, env: QueueEnvironment
) -> tuple[list[HoldRule], list[HoldRule]]:
    """Return those that stand, and those that have ended but still have something to let go, each by id."""
    standing: list[HoldRule] = []
    ended: list[HoldRule] = []
    for key, raw in txn.cursor(env.hold_rule).iternext():
        try:
            record = decode_rule(raw)
        except RecordError:
            continue  # one that binds nothing; `queue verify` names it
        rule = rule_of(int.from_bytes(key, "big"), record)
        (standing if record.releases is None else ended).append(rule)
    return standing, ended


class RuleCache:
    """HR1: it returns the rules that the given transaction sees: it reads there when they last changed."""

    def __init__(self) -> None:
        self._version = b""
        self._rules = BindingRules()

    def read(self, txn: ReadTransaction, env: QueueEnvironment, *, may_keep: bool) -> BindingRules:
        """``may_keep``: not in a transaction that has changed the rules itself, since it may yet be aborted."""
        version = txn.get(RULES_VERSION_KEY, db=env.meta) or b""
        if may_keep and version == self._version:  # HR1
            return self._rules
        rules = BindingRules(read_rules(txn, env)[0])
        if may_keep:
            self._version, self._rules = version, rules
        return rules
