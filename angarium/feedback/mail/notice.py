"""Whom the words of a notice are about, and the texts that may say why. Pure."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from angarium.feedback.mail.addresses import find_addresses
from angarium.feedback.mail.original import Names
from angarium.feedback.mail.standing import Lines, Standing

# C4: ours. An entry's reason is told in some lines; a line with more addresses is a list of something else
MAX_REASON_LINES: Final = 25
MAX_REASON: Final = 2000
MAX_MENTIONS: Final = 400
MAX_IN_LINE: Final = 16
MAX_TOLD: Final = 200
_REPLY: Final = re.compile(r"(?:^|[\s>:\"'(\[])[45]\d\d(?:[ -]|$|(?=:))", re.MULTILINE)


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    standing: Standing
    line: int
    end: int
    form: tuple[str, str]  # what stands right before and behind it


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient that the notice is about, and the texts that may say why, the nearest first."""

    address: str
    reasons: tuple[str, ...]


def read_notice(lines: list[str], *, own: Names, expected: Names) -> list[Told]:
    """Return whom the notice in ``lines`` is about; nobody where it names no address.

    ``own``: addresses of whoever the notice was sent to or by. They are meant only where no other is.
    ``expected``: whom the returned message says it was for.
    """
    mentions = list(islice(_mentions(Lines(lines), expected), MAX_MENTIONS))
    mentions = _with_neighbours(mentions)
    for allowed in Standing:
        chosen = [each for each in mentions if each.standing == allowed and each.address not in own]
        if chosen and allowed is not Standing.OTHER:
            return _told(lines, chosen, mentions)
    chosen = [each for each in mentions if each.standing <= Standing.TRANSCRIPT]
    first = min((each.standing for each in chosen), default=Standing.OTHER)
    return _told(lines, [each for each in chosen if each.standing == first], mentions)


def _mentions(text: Lines, expected: Names) -> Iterator[Mention]:
    for number, line in enumerate(text.lines):
        if "@" not in line:
            continue
        for found in islice(find_addresses(line), MAX_IN_LINE):
            standing = text.standing(number, found)
            if found.address in expected and standing in {Standing.BARE, Standing.LOOSE}:
                is_bare = standing is Standing.BARE
                standing = Standing.ENTRY if is_bare else Standing.SENTENCE
            yield Mention(
                address=found.address,
                standing=standing,
                line=number,
                end=found.end,
                form=(line[: found.start].strip()[:1], line[found.end : found.end + 2].strip()),
            )


def _with_neighbours(mentions: list[Mention]) -> list[Mention]:
    """Raise entries of a list to what others of it are: the next line's, and those of the same form."""
    forms = {each.form for each in mentions if each.standing is Standing.ENTRY and each.form[0]}
    raised: list[Mention] = []
    for each in mentions:
        before = raised[-1] if raised else None
        follows = (
            before is not None
            and before.standing is Standing.ENTRY
            and each.line == before.line + 1
        )
        if each.standing is Standing.BARE and (follows or each.form in forms):
            each = msgspec.structs.replace(each, standing=Standing.ENTRY)
        raised.append(each)
    return raised


def _told(lines: list[str], chosen: list[Mention], mentions: list[Mention]) -> list[Told]:
    starts = sorted({each.line for each in chosen})
    people: dict[str, list[Mention]] = {}
    for each in chosen:
        people.setdefault(each.address.casefold(), []).append(each)
    again: dict[str, list[Mention]] = {}
    for each in mentions:
        again.setdefault(each.address.casefold(), []).append(each)
    # Behind the last entry: what is said of all, such as a transcript
    rest = "" if len(people) == 1 else _joined(lines[starts[-1] + 1 :] if starts else [])
    return [
        Told(
            address=own[0].address,
            reasons=tuple(
                dict.fromkeys(
                    text
                    for text in (*_near(lines, own, starts), *_elsewhere(lines, again[key]), rest)
                    if text
                )
            ),
        )
        for key, own in islice(people.items(), MAX_TOLD)
    ]


def _near(lines: list[str], own: list[Mention], starts: list[int]) -> Iterator[str]:
    for each in own[:4]:
        position = bisect_right(starts, each.line)
        following = starts[position] if position < len(starts) else len(lines)
        yield from _reasons(lines, each, following)


def _reasons(lines: list[str], mention: Mention, following: int) -> list[str]:
    """Return the text from the mention to the end of its paragraph, and to the next one's."""
    own: list[str] = []
    ends: list[int] = []
    line = lines[mention.line]
    own.append(line[mention.end :].strip(" \t>:;,)]}\"'"))
    if mention.standing != Standing.ENTRY:
        own[0] = line.strip()
    for text in lines[mention.line + 1 : min(following, mention.line + MAX_REASON_LINES)]:
        if not text.strip():
            if ends and ends[-1] == len(own):
                continue
            ends.append(len(own))
            if len(ends) == 3:
                break
            continue
        own.append(text.strip())
    cuts = [*ends, len(own)]
    return [
        "\n".join(each for each in own[:cut] if each)[:MAX_REASON] for cut in dict.fromkeys(cuts)
    ]


def _elsewhere(lines: list[str], mentions: list[Mention]) -> Iterator[str]:
    """Yield the lines in which the address is named again: transcripts name it beside the reply."""
    for each in mentions[:4]:
        text = _joined(lines[each.line : each.line + 4])
        if _REPLY.search(text):
            yield text


def _joined(lines: list[str]) -> str:
    return "\n".join(line.strip() for line in lines[:200] if line.strip())[:MAX_REASON]
