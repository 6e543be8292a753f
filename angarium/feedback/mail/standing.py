"""How an address stands in the text of a notice, and so, how sure it is that the notice is about it. Pure.

No vendor's form is known here. An address that has a line for itself is an entry of a list; one in a sentence that
speaks of failure, or in a transcript before a refusal, is meant, too.
"""

import re
from enum import IntEnum
from typing import Final

from angarium.feedback.mail.addresses import LocatedAddress
from angarium.feedback.mail.wording import REFUSAL, has_any

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
    r"[\s>\"')\]}.,;*]*$|[>\"')\]]*\s*(?:[:;,.\-–—(\[=<]|on\s|at\s|mailto)",
    re.IGNORECASE,
)
# Where a language has no blanks, or a sentence goes on behind the bracket
_WORDS_AFTER: Final = re.compile(r"[>\"')\]]+\s*\S{0,60}$")
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


class Lines:
    """The lines of a notice, asked the same things again and again: what is found out once is kept (C4)."""

    __slots__ = ("_speaks", "lines")

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self._speaks: dict[str, bool] = {}

    def _speaks_of_failure(self, text: str) -> bool:
        found = self._speaks.get(text)
        if found is None:
            folded = text.casefold()
            found = has_any(folded, REFUSAL)
            self._speaks[text] = found
        return found

    def standing(self, number: int, found: LocatedAddress) -> Standing:
        """Return how the address ``found`` stands in line ``number``."""
        lines = self.lines
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
        ends = _AFTER.match(after) or (_WORDS_AFTER.match(after) and not _CONTACT.search(after))
        if _is_alone(before) and ends:
            if _BRIEF.match(line) and _is_brief(lines, number):
                return Standing.BRIEF
            if _LABELS_OF_OTHERS.search(context[-100:]) or _CONTACT.search(before):
                return Standing.OTHER
            if self._speaks_of_failure(context) or self._says_why(number, after):
                return Standing.ENTRY
            return Standing.LOOSE if _CONTACT.search(context) else Standing.BARE
        sentence = f"{context} {line}" if line[:1].strip() or before.strip() else line
        if _CONTACT.search(before):
            return Standing.OTHER
        if self._speaks_of_failure(line) or _REPLY.search(before):
            return Standing.SENTENCE
        return Standing.SENTENCE if self._speaks_of_failure(sentence) else Standing.LOOSE

    def _says_why(self, number: int, after: str) -> bool:
        """Whether what follows an address, in its line or the next ones of its paragraph, speaks of failure."""
        kept = [after]
        for line in self.lines[number + 1 : number + 5]:
            if not line.strip() and any(each.strip(">:)] ") for each in kept):
                break
            kept.append(line)
        reason = "\n".join(kept)
        return self._speaks_of_failure(reason) or _REPLY.search(reason) is not None


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


def _is_alone(before: str) -> bool:
    """Whether what stands before an address in its line is but decoration, a label, or the person's name."""
    if len(before) > 120:
        return False
    core = before.lstrip(_DECORATION)
    if _REPLY.match(core):
        return False
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
