"""What an operator does to recipients, on whose word, and to which it applies. Pure."""

from typing import Final, Literal

import msgspec

Act = Literal["hold", "release", "retry", "cancel"]
# Recipients that an act names of what it did; the rest is only counted
NAMED_LIMIT: Final = 1000
# Ours, of each text of an actor: it is written with every recipient's event
ACTOR_CHARACTERS: Final = 200


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """On whose word the queue is changed: recorded with every event of the act."""

    who: str  # "root@host", "admin-socket uid 0", a user; never empty
    reason: str = ""

    def bounded(self) -> "Actor":
        """Return it fit for the log: one line of printable text each, at most ACTOR_CHARACTERS.

        Raises ValueError when ``who`` says nothing: a change that nobody made cannot be explained later.
        """
        who, reason = _line(self.who), _line(self.reason)
        if not who:
            raise ValueError("an act on the queue needs to say who acts")
        return Actor(who=who, reason=reason)


def applies(act: Act, held: bool) -> bool:
    """Whether the act changes a recipient that is not in flight: what is held is retried only after a release."""
    if act == "release":
        return held
    return act == "cancel" or not held


def _line(text: str) -> str:
    printable = "".join(each if each.isprintable() else " " for each in text[:ACTOR_CHARACTERS])
    return printable.strip()
