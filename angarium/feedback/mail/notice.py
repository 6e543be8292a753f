"""What the words of a notice say of which recipient. Pure.

No vendor's form is known here: an address is judged by how it stands in the text. One that has a line for itself is an
entry of a list; one in a sentence that speaks of failure, or in a transcript before a refusal, is meant, too.
"""

import re
from enum import IntEnum
from typing import Final

import msgspec

from angarium.feedback.mail.addresses import Found, find_addresses
from angarium.feedback.mail.original import Names
from angarium.feedback.mail.wording import REFUSAL, has_any

# Ours: an entry's reason is told in some lines
MAX_REASON_LINES: Final = 25
MAX_REASON: Final = 4000
# C4: ours
MAX_MENTIONS: Final = 500
_LABELS_OF_OTHERS: Final = re.compile(
    r"\b(?:from|sender|senders?'?s?|reply-to|return-path|mail from|message-id|absender|von|de la part"
    r"|remitente|mittente|expéditeur|отправитель|от кого|差出人|送信者|发件人|발신자"
    r"|sent by|envelope-from|helo|ehlo|authenticated)\b\W*$",
    re.IGNORECASE,
)
_CONTACT: Final = re.compile(
    r"\b(?:contact|assistance|questions?|help ?desk|support|administrator|forward this|reply to this|write to"
    r"|mail to the|send (?:mail|an? e?-?mail)|whitelist|report (?:this|it)|complain|request to|wenden sie|contactez?"
    r"|abuse)\b"
    r"|обратитесь|お問い合わせ|联系",
    re.IGNORECASE,
)
_DECORATION: Final = " \t\u00a0>*-–—•·.|#=+:\"'(<[{"
_SEPARATORS: Final = re.compile(r"[:;=]")
_NUMBERED: Final = re.compile(r"\d{1,3}[.)\]]\s*")
_AFTER: Final = re.compile(
    r"[\s>\"')\]}.,;*]*$|[>\"')\]]*\s*(?:[:;,.\-–—(\[=<]|on\s|at\s|mailto)|[>\"')\]]+\s*\S{0,60}$",
    re.IGNORECASE,
)
_RCPT: Final = re.compile(r"\bRCPT\s+TO\s*:", re.IGNORECASE)
_REPLY: Final = re.compile(r"(?:^|[\s>:\"'(\[])([45]\d\d)(?:[ -]|$|(?=:))")
_GOOD_REPLY: Final = re.compile(r"(?:^|[\s>:])([23]\d\d)[ -]")
_BRIEF: Final = re.compile(
    r"\s*(?:to|cc|subject|sent|date|from|message-id|an|betreff|gesendet|objet|asunto|件名|主题|тема)\s*:",
    re.IGNORECASE,
)
_ADDED: Final = re.compile(
    r"\b(?:generated from|originally to|expanded from|alias of)\b", re.IGNORECASE
)


class Standing(IntEnum):
    """How an address stands in the text: the lower, the surer is it that the notice is about it."""

    ENTRY = 0
    SENTENCE = 1
    TRANSCRIPT = 2
    BARE = 3  # an entry, with nothing about it that speaks of failure
    BRIEF = 4
    LOOSE = 5
    OTHER = 6


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
    mentions = _mentions(lines, expected)
    for allowed in Standing:
        chosen = [each for each in mentions if each.standing == allowed and each.address not in own]
        if chosen and allowed is not Standing.OTHER:
            return _told(lines, chosen, mentions)
    chosen = [each for each in mentions if each.standing <= Standing.TRANSCRIPT]
    first = min((each.standing for each in chosen), default=Standing.OTHER)
    return _told(lines, [each for each in chosen if each.standing == first], mentions)


def _mentions(lines: list[str], expected: Names) -> list[Mention]:
    mentions: list[Mention] = []
    for number, line in enumerate(lines):
        if "@" not in line:
            continue
        for found in find_addresses(line):
            standing = _standing(lines, number, found)
            if found.address in expected and standing in {Standing.BARE, Standing.LOOSE}:
                is_bare = standing is Standing.BARE
                standing = Standing.ENTRY if is_bare else Standing.SENTENCE
            mentions.append(
                Mention(
                    address=found.address,
                    standing=standing,
                    line=number,
                    end=found.end,
                    form=(line[: found.start].strip()[:1], line[found.end : found.end + 2].strip()),
                )
            )
            if len(mentions) == MAX_MENTIONS:
                return _with_neighbours(mentions)
    return _with_neighbours(mentions)


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


def _before(lines: list[str], number: int, count: int = 2) -> str:
    """Return the line's paragraph before it, or the paragraph before that one where it begins it."""
    kept: list[str] = []
    blanks = 0
    for line in reversed(lines[max(0, number - 6) : number]):
        if not line.strip():
            blanks += 1
            if blanks > 1 or kept:
                break
            continue
        kept.append(line.strip())
        if len(kept) == count:
            break
    return " ".join(reversed(kept))


def _standing(lines: list[str], number: int, found: Found) -> Standing:
    line = lines[number]
    before, after = line[: found.start], line[found.end :]
    if _LABELS_OF_OTHERS.search(before[-100:]):
        return Standing.OTHER
    if _RCPT.search(before) or _RCPT.search(
        lines[number - 1] if number and not before.strip(" \t<") else ""
    ):
        return _in_transcript(lines, number)
    if "://" in before.rpartition(" ")[2] or before.endswith(("mailto:", "/")):
        return Standing.OTHER
    if _ADDED.search(before):
        return Standing.OTHER
    context = _before(lines, number)
    if _is_alone(before) and _AFTER.match(after):
        if _BRIEF.match(line) and _is_brief(lines, number):
            return Standing.BRIEF
        if _LABELS_OF_OTHERS.search(context[-100:]) or _CONTACT.search(before):
            return Standing.OTHER
        if has_any(context.casefold(), REFUSAL) or _says_why(lines, number, after):
            return Standing.ENTRY
        return Standing.LOOSE if _CONTACT.search(context) else Standing.BARE
    sentence = (
        f"{context} {line}".casefold() if line[:1].strip() or before.strip() else line.casefold()
    )
    if _CONTACT.search(before):
        return Standing.OTHER
    if has_any(line.casefold(), REFUSAL) or _REPLY.search(before):
        return Standing.SENTENCE
    return Standing.SENTENCE if has_any(sentence, REFUSAL) else Standing.LOOSE


def _is_alone(before: str) -> bool:
    """Whether what stands before an address in its line is but decoration, a label, or the person's name."""
    if len(before) > 120:
        return False
    core = before.lstrip(_DECORATION)
    if not core or _NUMBERED.fullmatch(core.rstrip(_DECORATION)):
        return True
    end = core.rstrip(" \t\"'(<[{*")
    if end[-1:] in {":", "=", ";"}:
        labels = _SEPARATORS.split(end[:-1])
        return len(labels) <= 3 and all(
            len(each) <= 45 and each.strip(_DECORATION)[:1].isalpha() and not set("@<>") & set(each)
            for each in labels
        )
    words = end.split()
    ends_well = end[-1:] not in {*"!?:;,.、。，："}
    named = core.rstrip().endswith("<") and 0 < len(words) <= 4 and ends_well
    return named and not has_any(end.casefold(), REFUSAL)


def _says_why(lines: list[str], number: int, after: str) -> bool:
    """Whether what follows an address, in its line or the next ones of its paragraph, speaks of failure."""
    kept = [after]
    for line in lines[number + 1 : number + 5]:
        if not line.strip() and any(each.strip(">:)] ") for each in kept):
            break
        kept.append(line)
    reason = "\n".join(kept).casefold()
    return has_any(reason, REFUSAL) or _REPLY.search(reason) is not None


def _in_transcript(lines: list[str], number: int) -> Standing:
    """Say how sure a RCPT command in this line is that its recipient was refused."""
    accepted = False
    for offset, line in enumerate(lines[number : number + 30]):
        if _REPLY.search(line if offset else line.upper().rpartition("RCPT")[2]):
            return Standing.BRIEF if accepted else Standing.TRANSCRIPT
        if offset and _RCPT.search(line):
            return Standing.OTHER if accepted else Standing.TRANSCRIPT
        accepted = accepted or (offset > 0 and _GOOD_REPLY.search(line) is not None)
    return Standing.OTHER if accepted else Standing.TRANSCRIPT


def _is_brief(lines: list[str], number: int) -> bool:
    """Whether the line is one of a few that tell of the message itself: to whom, when, its subject."""
    around = lines[max(0, number - 4) : number] + lines[number + 1 : number + 5]
    return sum(bool(_BRIEF.match(line)) for line in around) >= 1


def _told(lines: list[str], chosen: list[Mention], mentions: list[Mention]) -> list[Told]:
    starts = sorted({each.line for each in chosen})
    people: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for each in chosen:
        key = each.address.casefold()
        spelled.setdefault(key, each.address)
        following = next((start for start in starts if start > each.line), len(lines))
        people.setdefault(key, []).extend(_reasons(lines, each, following))
    if len(people) == 1:
        following_lines = "\n".join(line.strip() for line in lines if line.strip())
        for reasons in people.values():
            reasons.append(following_lines[:MAX_REASON])
    else:
        for key, reasons in people.items():
            reasons.extend(_elsewhere(lines, key, mentions))
            reasons.append(
                "\n".join(line.strip() for line in lines[starts[-1] + 1 :] if line.strip())[
                    :MAX_REASON
                ]
            )
    return [
        Told(address=spelled[key], reasons=tuple(dict.fromkeys(each for each in reasons if each)))
        for key, reasons in people.items()
    ]


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


def _elsewhere(lines: list[str], key: str, mentions: list[Mention]) -> list[str]:
    """Return the paragraphs in which the address is named again: transcripts name it beside the reply."""
    return [
        "\n".join(line.strip() for line in lines[each.line : each.line + 4])[:MAX_REASON]
        for each in mentions
        if each.address.casefold() == key
        and _REPLY.search("\n".join(lines[each.line : each.line + 3]))
    ][:3]
