"""Whom the words of a notice are about, and the texts that may say why. Pure."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from angarium.feedback.mail import reasons
from angarium.feedback.mail.addresses import find_addresses
from angarium.feedback.mail.original import AddressSet
from angarium.feedback.mail.reasons import Surroundings
from angarium.feedback.mail.standing import Lines, Standing

# C4: ours. A line with more addresses is a list of something else
MAX_MENTIONS: Final = 400
MAX_IN_LINE: Final = 16
MAX_TOLD: Final = 200


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    standing: Standing
    line: int
    end: int
    form: tuple[str, str]  # what stands right before and behind it


class Noticed(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient that the notice is about, and what stands around its address."""

    address: str
    reasons: tuple[Surroundings, ...]


def read_notice(lines: list[str], *, own: AddressSet, expected: AddressSet) -> list[Noticed]:
    """Return whom the notice in ``lines`` is about; nobody where it names no address.

    ``own``: addresses of whoever the notice was sent to or by. They are meant only where no other is.
    ``expected``: whom the returned message says it was for.
    """
    mentions = list(islice(_mentions(Lines(lines), expected), MAX_MENTIONS))
    mentions = _with_neighbours(mentions)
    for allowed in Standing:
        chosen = [each for each in mentions if each.standing == allowed and each.address not in own]
        # Of several that are only named somewhere, none is meant for sure
        is_sure = allowed is not Standing.LOOSE or len({each.address for each in chosen}) == 1
        if chosen and is_sure and allowed is not Standing.OTHER:
            return _told(lines, chosen, mentions)
    chosen = [each for each in mentions if each.standing <= Standing.TRANSCRIPT]
    first = min((each.standing for each in chosen), default=Standing.OTHER)
    return _told(lines, [each for each in chosen if each.standing == first], mentions)


def _mentions(text: Lines, expected: AddressSet) -> Iterator[Mention]:
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


def _told(lines: list[str], chosen: list[Mention], mentions: list[Mention]) -> list[Noticed]:
    people: dict[str, list[Mention]] = {}
    again: dict[str, list[Mention]] = {}
    for each in chosen:
        people.setdefault(each.address.casefold(), []).append(each)
    for each in mentions:
        again.setdefault(each.address.casefold(), []).append(each)
    starts = [(each.line, each.address.casefold()) for each in chosen]
    return [
        Noticed(
            address=own[0].address,
            reasons=tuple(_around(lines, each, starts, again[key]) for each in own[:4]),
        )
        for key, own in islice(people.items(), MAX_TOLD)
    ]


def _around(
    lines: list[str], mention: Mention, starts: list[tuple[int, str]], again: list[Mention]
) -> Surroundings:
    position = bisect_right(starts, (mention.line, "\U0010ffff"))
    key = mention.address.casefold()
    others = (line for line, other in islice(starts, position, position + 20) if other != key)
    following = next(others, len(lines))
    line = lines[mention.line]
    is_entry = mention.standing in {Standing.ENTRY, Standing.BARE}
    first = line[mention.end :].strip(" \t>:;,)]}\"'") if is_entry else line.strip()
    return Surroundings(
        near=reasons.near(lines, mention.line, first, following),
        before=reasons.before(lines, mention.line),
        # What stands over the first is about all; over another, it is the reason of the one before
        heading=reasons.heading(lines, starts[0][0]),
        # Transcripts name it beside the reply
        again=tuple(
            reasons.in_one(lines[each.line : each.line + 4])
            for each in again[:4]
            if each is not mention
        ),
    )
