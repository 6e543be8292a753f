"""Asks all processes of the running server which rules are in force, operators' holds among them, and ends them."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from angarium.insight.admin.client import ask_process
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.queue_acts import ListHoldRules, RemoveHoldRule
from angarium.insight.admin.rules import ListRules, RuleNow, UndoRule
from angarium.insight.holds import about_text, find_hold_id, hold_name
from angarium.queue.hold_rule import HoldRule


class GatheredRules(msgspec.Struct, frozen=True, kw_only=True):
    rules: tuple[RuleNow, ...]  # newest first
    left_off: int  # more than are named
    unheard: tuple[tuple[str, Refused], ...]  # processes that did not say, and why


def gather_rules(data_dir: Path, slots: Sequence[str]) -> GatheredRules:
    """Ask those of ``slots`` that know of rules. Blocks."""
    found: list[RuleNow] = []
    unheard: list[tuple[str, Refused]] = []
    left_off = 0
    for slot in slots:
        match slot.rpartition("-")[0]:
            case "delivery":
                answer = ask_process(data_dir, slot, ListRules())
                if isinstance(answer, Refused):
                    unheard.append((slot, answer))
                else:
                    found += answer.rules
                    left_off += answer.left_off
            case "platform":
                holds = ask_process(data_dir, slot, ListHoldRules())
                if isinstance(holds, Refused):
                    unheard.append((slot, holds))
                else:
                    found += map(as_rule, holds.rules)
    found.sort(key=lambda each: -each.since)
    return GatheredRules(rules=tuple(found), left_off=left_off, unheard=tuple(unheard))


def undo_rules(
    data_dir: Path, slots: Sequence[str], question: UndoRule
) -> tuple[RuleNow, ...] | Refused:
    """End what is in force by a rule, or an operator's hold of that name; what a hold held is released. Blocks.

    A refusal says what became of it; other processes may have ended theirs.
    """
    undone: list[RuleNow] = []
    hold_id = find_hold_id(question.name)
    for slot in slots:
        match slot.rpartition("-")[0]:
            case "delivery":
                answer = ask_process(data_dir, slot, question)
                if isinstance(answer, Refused):
                    return answer
                undone += answer.rules
            case "platform" if hold_id is not None:
                ended = _end_hold(data_dir, slot, hold_id, question)
                if isinstance(ended, Refused):
                    return ended
                undone += ended
    return tuple(undone)


def as_rule(hold: HoldRule) -> RuleNow:
    """Return an operator's hold as it stands among rules."""
    return RuleNow(
        rule=hold_name(hold.id),
        action="hold",
        scope=about_text(hold),
        since=hold.since,
        until=hold.until,
        ends=hold.until,
        reply=hold.why,
        replies=0,
        who=hold.who,
    )


def _end_hold(
    data_dir: Path, slot: str, hold_id: int, question: UndoRule
) -> list[RuleNow] | Refused:
    holds = ask_process(data_dir, slot, ListHoldRules())
    if isinstance(holds, Refused):
        return holds
    found = [as_rule(each) for each in holds.rules if each.id == hold_id]
    found = [each for each in found if question.scope in ("", each.scope)]
    if found:
        removal = RemoveHoldRule(
            rule_id=hold_id, release=True, reason=question.reason, behalf=question.behalf
        )
        removed = ask_process(data_dir, slot, removal)
        if isinstance(removed, Refused):
            return removed
    return found
