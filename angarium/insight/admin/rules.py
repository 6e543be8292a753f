"""What is in force of the rules of what providers say, and ending it before its time."""

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.queue import UnixMs


class RuleNow(msgspec.Struct, frozen=True, kw_only=True):
    """One action of a rule, in force for one scope."""

    rule: str
    action: str  # suspend | throttle | connections | messages_per_connection | hold | reroute
    scope: str  # "source ip1 at yahoo": as undo takes it
    since: UnixMs
    until: UnixMs | None  # of its full force; None: until it is undone
    ends: UnixMs | None  # when it is over, if no such reply comes again; None: as until
    reply: str  # that caused it, the latest
    replies: int
    allowed: float = 0.0  # now: messages per second, or how many; 0: it is no number
    usual: float = 0.0  # without it
    pool: str = ""  # of reroute
    who: str = ""  # whose hold it is; "": a reply's doing


class RulesNow(msgspec.Struct, frozen=True):
    rules: tuple[RuleNow, ...]  # newest first
    left_off: int = 0  # more than are named


class ListRules(Question[RulesNow, None], frozen=True, tag="rules"):
    """Each delivery process answers for its own providers."""


class RulesUndone(msgspec.Struct, frozen=True):
    """They are in force no more, and that is on disk."""

    rules: tuple[RuleNow, ...]  # as they were


class UndoRule(Question[RulesUndone, None], frozen=True, kw_only=True, tag="undo_rule"):
    """Each delivery process ends its own, and forgets what counts towards the rule."""

    name: str
    scope: str = ""  # "source ip1 at yahoo"; "": all
    reason: str = ""
    behalf: str = ""  # for whom the asker does it: a key of the API
