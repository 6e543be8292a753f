"""What a rule looks for in a reply: literals, ``*`` and ``{a|b}``. Pure, and linear in the reply's length (C4)."""

from collections.abc import Sequence
from typing import Final

from angarium.config.reply_texts import expanded
from angarium.queue.reply_pattern import ReplyPattern

# Ours: what stands behind that in a reply is not looked at; replies that are kept are far shorter
MAX_SEARCHED: Final = 8192


class Patterns:
    """Any of some patterns."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Raises PatternError."""
        self._any = [ReplyPattern(text) for each in patterns for text in expanded(each)]

    def match(self, folded: str) -> bool:
        """``folded``: by ``fold``. True for no patterns at all."""
        return not self._any or any(each.matches_folded(folded) for each in self._any)


def fold(reply: str) -> str:
    return reply[:MAX_SEARCHED].casefold()


def covers(wide: str, narrow: str) -> bool:
    """Whether each reply with ``narrow`` in it has ``wide`` in it, no ``{a|b}`` in them, as far as is plain."""
    parts = [part for part in narrow.casefold().split("*") if part]
    at, place = 0, 0  # in which part of narrow, and where in it
    for part in (each for each in wide.casefold().split("*") if each):
        while at < len(parts) and (found := parts[at].find(part, place)) < 0:
            at, place = at + 1, 0
        if at == len(parts):
            return False
        place = found + len(part)
    return True
