"""Replies of mail hosts as operators sort them: patterns that find some, and what a kind has in common. Pure."""

import re
from typing import Final

from angarium.queue.model import Attempt

# Ours, of the name of a kind: enough to tell kinds apart on a screen
KIND_CHARACTERS: Final = 100
_WORD: Final = re.compile(r"\S+")
# What differs from one reply to the next of its kind: addresses, queue ids, times; not a code or an enhanced status
_OWN: Final = re.compile(r"(?=.*\d)(?!(\d{3}-?)?([245]\.\d{1,3}\.\d{1,3})?$).{3,}|.*@.*|.*://.*")


class ReplyPattern:
    """Found anywhere in a reply, without case; ``*`` stands for any characters. Costs one pass over the reply."""

    def __init__(self, pattern: str) -> None:
        self._parts = [part for part in pattern.casefold().split("*") if part]

    def matches(self, reply: str) -> bool:
        return self.matches_folded(reply.casefold())

    def matches_folded(self, folded: str) -> bool:
        """The same, for who asks several about one reply."""
        at = 0
        for part in self._parts:
            found = folded.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return True


def full_reply(attempt: Attempt) -> str:
    """Return the reply with its code in front; our own finding as it is; "" for neither."""
    text = attempt.text
    if not attempt.code or text.startswith(str(attempt.code)):
        return text
    return f"{attempt.code} {text}".rstrip()


def reply_kind(reply: str) -> str:
    """Return the reply with ``*`` for what is its own: the same for all replies of its kind, and a pattern of them."""
    kind = _WORD.sub(lambda word: "*" if _OWN.fullmatch(word[0]) else word[0], reply)
    return kind[:KIND_CHARACTERS].rstrip()
