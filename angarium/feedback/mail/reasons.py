"""Which text of a notice says why a recipient was refused: a host's reply near it, else words near it. Pure."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from angarium.feedback.mail.wording import COURTESY, has_any

# Ours: an entry's reason is told in some lines
MAX_REASON_LINES: Final = 25
MAX_PARAGRAPHS: Final = 5
MAX_REASON: Final = 2000
MAX_REPLIES: Final = 4
# A reply code, or an enhanced one alone (RFC 3463), where a reply may begin
_REPLY: Final = re.compile(
    r"(?:^|(?<=[\s:\"'(\[>=#,]))[45]\d\d(?=[ -]|$|:|_)|^[45]\.\d{1,3}\.\d{1,3}(?= )", re.MULTILINE
)
# What hosts that pass a reply on write behind it
_BEHIND: Final = re.compile(
    r"(?:giving up on|warning:|will keep trying|last attempt|--)", re.IGNORECASE
)
# Ours: a line this long was wrapped by its writer
WRAPPED_AT: Final = 50
# A relay's own word before the host's: "554 <joe@example.org>... 550 Host unknown"
_INNER: Final = re.compile(r"\.\.\. ([45]\d\d[ -].*)", re.DOTALL)
# Says only that something was said before
_EMPTY: Final = re.compile(
    r"[45]\d\d (?:5\.0\.0 )?(?:<[^<>]*>\.{3} )?Service unavailable\W*", re.IGNORECASE
)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n")
_LETTERS: Final = re.compile(r"[^\W\d_]{4}|[^\W\d_a-zA-Z]{2}")


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around the address of one recipient."""

    near: tuple[str, ...] = ()  # behind it: to the end of its paragraph, and further
    before: str = ""  # in its paragraph
    heading: str = ""  # the paragraph over that
    again: tuple[str, ...] = ()  # where it is named again


def replies_in(text: str) -> Iterator[str]:
    """Yield the replies of hosts in ``text``: each from its code to its end, as far as that can be told."""
    replies: list[str] = []
    position = 0
    for found in islice(_REPLY.finditer(text[:MAX_REASON]), MAX_REPLIES * 4):
        if found.start() < position:
            continue
        position, reply = _reply_at(text, found.start(), found.end())
        # The lines of one reply have one code (RFC 5321 section 4.2.1)
        if replies and replies[-1][:3] == reply[:3]:
            replies[-1] = f"{replies[-1]}\n{reply}"
        else:
            replies.append(reply)
    yield from (each for each in replies[:MAX_REPLIES] if says_something(each))


def _reply_at(text: str, start: int, end: int) -> tuple[int, str]:
    """Return where the reply ends that begins at ``start``, and its text; its code ends at ``end``."""
    kept: list[str] = []
    position = start
    for line in text[start : start + MAX_REASON].split("\n"):
        code = _REPLY.match(line.lstrip(" <>"))
        if kept and (code is not None or _BEHIND.match(line)):
            break
        kept.append(line)
        position += len(line) + 1
        said = line[end - start :] if len(kept) == 1 else line
        goes_on = not says_something(said) or line.rstrip().endswith((":", ",", ";"))
        if not (goes_on or len(line) >= WRAPPED_AT):
            break
    reply = "\n".join(kept)
    inner = _INNER.search(reply)
    return position, (inner[1] if inner else reply).strip(" \t\n<>\"'([,")


def why(reasons: Iterable[Surroundings], words: str, subject: str) -> Iterator[str]:
    """Yield the texts that may say why, best first: hosts' replies, and only where there are none, words.

    ``words``: the whole notice, where it is about this recipient only, else "". As words, it is read only where
    nothing stands near the address: its phrases of courtesy are no reasons.
    """
    all_of_them = list(reasons)
    near = [text for each in all_of_them for text in each.near]
    texts = (*near, *(text for each in all_of_them for text in each.again), words)
    replies = [reply for text in texts for reply in replies_in(text) if not _EMPTY.fullmatch(reply)]
    yield from dict.fromkeys(replies)
    if replies:
        # A host said why, if not in words that are known: what is written around it would be but a guess
        return
    before = [each.before for each in all_of_them]
    for text in (*near, *before):
        yield without_courtesy(text)
    if not any(says_something(text) for text in (*near, *before)):
        yield without_courtesy(words)
        yield subject


def without_courtesy(text: str) -> str:
    """Return ``text`` without the sentences and lines that are in every notice of their kind."""
    pieces = _SENTENCE.split(text)
    return "\n".join(each for each in pieces if not has_any(each.casefold(), COURTESY))


def says_something(text: str) -> bool:
    """Whether there are words in it, and not only codes and marks."""
    return _LETTERS.search(text) is not None


def near(lines: list[str], line: int, first: str, following: int) -> tuple[str, ...]:
    """Return the text from ``first``, which is of ``line``, to the end of its paragraph, and to the next ones'.

    ``following``: the line where another recipient is told of.
    """
    kept = [first]
    ends: list[int] = []
    for text in lines[line + 1 : min(following, line + MAX_REASON_LINES)]:
        if any(each.isalnum() for each in text):
            kept.append(text.strip())
        elif not (ends and ends[-1] == len(kept)):
            ends.append(len(kept))
            if len(ends) == MAX_PARAGRAPHS:
                break
    cuts = dict.fromkeys([*ends, len(kept)])
    texts = ("\n".join(each for each in kept[:cut] if each)[:MAX_REASON] for cut in cuts)
    return tuple(dict.fromkeys(each for each in texts if each))


def before(lines: list[str], line: int) -> str:
    """Return what stands before ``line`` in its paragraph."""
    kept: list[str] = []
    for text in reversed(lines[max(0, line - 4) : line]):
        if not text.strip():
            break
        kept.append(text.strip())
    return in_one(list(reversed(kept)))


def heading_of(surroundings: Iterable[Surroundings]) -> str:
    return next((each.heading for each in surroundings), "")


def heading(lines: list[str], line: int) -> str:
    """Return the paragraph over that of ``line``, if no address is in it: then it is about all below it."""
    position = line
    while position and lines[position - 1].strip():
        position -= 1
    while position and not lines[position - 1].strip():
        position -= 1
    over = before(lines, position)
    return "" if "@" in over else without_courtesy(over)


def in_one(lines: list[str]) -> str:
    return "\n".join(line.strip() for line in lines[:200] if line.strip())[:MAX_REASON]
