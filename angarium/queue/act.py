"""What an operator does to recipients, on whose word, and to which it applies. Pure."""

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from angarium.queue.model import Attempt, ClaimedMessage, Submission, UnixMs

Act = Literal["hold", "release", "retry", "cancel", "bounce", "reroute"]
# Recipients that an act names of what it did; the rest is only counted
NAMED_LIMIT: Final = 1000
# Ours, of each text of an actor: it is written with every recipient's event
ACTOR_CHARACTERS: Final = 200


# Who acts where our own policy does, by itself
POLICY: Final = "policy"


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


# Of a message's content that an operator looks at
Part = Literal["headers", "all"]
# Writes the DSN about all recipients of the message, which have this outcome; None: nobody is to be told
Notify = Callable[[ClaimedMessage, Attempt], Submission | None]


def bounce_attempt(by: Actor, now: UnixMs) -> Attempt:
    """Return what stands for an attempt in the outcome of what an operator returned: its sender is told the reason."""
    because = f": {by.reason}" if by.reason else ""
    return Attempt(
        at=now,
        host="",
        address="",
        source="",
        code=0,
        enhanced="5.0.0",  # RFC 3463 section 3.1: nothing more is known to go by
        text=f"returned to its sender by the administrator of the mail server{because}",
        tls="",
        stage="",
    )


def part_of(content: bytes, part: Part) -> bytes:
    """Return the content, or its header block with the empty line."""
    if part == "all":
        return content
    header, end, _ = content.partition(b"\r\n\r\n")
    return header + end


def applies(act: Act, held: bool) -> bool:
    """Whether the act changes a recipient that is not in flight: what is held is retried only after a release."""
    if act == "release":
        return held
    return act in ("cancel", "bounce", "reroute") or not held


def _line(text: str) -> str:
    if text.isprintable() and len(text) <= ACTOR_CHARACTERS:
        return text.strip()
    printable = "".join(each if each.isprintable() else " " for each in text[:ACTOR_CHARACTERS])
    return printable.strip()
