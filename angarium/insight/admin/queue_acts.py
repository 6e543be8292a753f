"""Change what is queued: through the committer of the server that has it. Answered by the platform process."""

from typing import Final

import msgspec

from angarium.insight.admin.protocol import Question, Refused
from angarium.queue import Affected, Filter, MessageId, UnixMs
from angarium.queue.act import Act
from angarium.queue.hold_rule import HoldRule
from angarium.queue.reschedule import RescheduleOutcome

EMPTY_FILTER: Final = Refused(
    "empty_filter",
    "say which recipients are meant: --domain, --sender, --id, --state, ... (see --help); an empty filter would mean"
    " the whole queue",
)


class Progressed(msgspec.Struct, frozen=True):
    done: int  # recipients so far


class PerformAct(Question[Affected, Progressed], frozen=True, tag="queue_act"):
    """Who does it is the user at the other end of the socket. Who hangs up ends it: what was done until then stays."""

    act: Act
    wanted: Filter
    reason: str = ""
    dry_run: bool = False
    via: str = ""  # of a reroute: "mx", a smart host's URL, or "default"
    behalf: str = ""  # for whom the asker does it: a key of the API; named before the asker


class MovedStart(msgspec.Struct, frozen=True):
    outcome: RescheduleOutcome


class MoveStart(Question[MovedStart, None], frozen=True, tag="move_start"):
    """Give a message another start, if none of its recipients had an attempt."""

    message_id: MessageId
    due: UnixMs
    reason: str = ""
    behalf: str = ""


class HoldRules(msgspec.Struct, frozen=True):
    rules: tuple[HoldRule, ...]


class ListHoldRules(Question[HoldRules, None], frozen=True, tag="hold_rules"):
    """By id."""


class AddHoldRule(Question[HoldRule, None], frozen=True, tag="add_hold_rule"):
    """Holds what matches now, and what comes later; answered once both are on disk."""

    rule: HoldRule  # its conditions and ``until``
    reason: str = ""
    behalf: str = ""


class RemoveHoldRule(Question[Affected, None], frozen=True, tag="remove_hold_rule"):
    """not_found: there is no such rule."""

    rule_id: int
    release: bool = False  # what it held; else that stays held
    reason: str = ""
    behalf: str = ""
