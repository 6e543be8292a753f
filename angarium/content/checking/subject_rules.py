"""What may be wrong with a subject. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from angarium.content.checking.rule import Broken, Rule, RulePart
from angarium.content.checking.view import View

_LONG: Final = 78  # characters; ours: what wide windows show
_REPLY: Final = re.compile(
    r"\s*(?:re|fwd?|aw|wg|sv|vs|antw|tr|rv|odp)\s*(?:\[\d+\])?:", re.IGNORECASE
)
_PUNCTUATION: Final = re.compile(r"[!?]{2,}|[$€£]{2,}|\.{4,}|[!?]\s*[!?]")
_GAPPY: Final = re.compile(r"(?<!\S)(?:\w[ ._*-]){4,}\w(?!\S)")
_EMOJI: Final = 2  # more are many

RULES: Final = (
    Rule(
        code="subject_missing",
        level="blocker",
        points=2.0,
        wrong="there is no subject",
        remedy="write one",
        reason="lists of mail show nothing, and filters count it as spam",
    ),
    Rule(
        code="subject_long",
        wrong="the subject is longer than 78 characters",
        remedy="have what matters in the first 40",
        reason="telephones show 40 characters, wide windows 70",
    ),
    Rule(
        code="subject_capitals",
        points=1.5,
        wrong="the subject is written in capitals",
        remedy="write it in small letters",
        reason="filters count it, and readers take it for shouting",
    ),
    Rule(
        code="subject_punctuation",
        points=1.0,
        wrong="the subject has repeated signs of exclamation, question or money",
        remedy="leave one of them",
        reason="it is typical of spam, and filters count it",
    ),
    Rule(
        code="subject_emoji",
        points=0.5,
        wrong="the subject has more than two emoji",
        remedy="leave one or two",
        reason="many of them are typical of spam, and some programs show boxes instead",
    ),
    Rule(
        code="subject_spaced",
        points=2.0,
        wrong="the subject has letters with gaps between them",
        remedy="write words as words",
        reason="it is how spam hides words from filters",
    ),
    Rule(
        code="subject_false_reply",
        in_bulk="blocker",
        points=2.0,
        wrong="the subject begins like an answer, and the mail is none",
        remedy="leave out Re: or Fwd:, or give In-Reply-To and References",
        reason="it deceives: laws on advertising forbid it, and filters count it",
    ),
)


def _find(view: View) -> Iterator[Broken]:
    subject = view.subject
    if not subject:
        yield Broken(code="subject_missing", field="subject")
        return

    def broken(code: str, *examples: str) -> Broken:
        return Broken(code=code, field="subject", examples=examples)

    if len(subject) > _LONG:
        yield broken("subject_long", f"{len(subject)} characters")
    letters = [each for each in subject if each.isalpha()]
    cased = [each for each in letters if each.isupper() or each.islower()]
    if len(cased) >= 10 and sum(map(str.isupper, cased)) > 0.8 * len(cased):
        yield broken("subject_capitals")
    if found := _PUNCTUATION.search(subject):
        yield broken("subject_punctuation", found[0])
    if not subject.isascii() and sum(map(_is_emoji, subject)) > _EMOJI:
        yield broken("subject_emoji")
    if found := _GAPPY.search(subject):
        yield broken("subject_spaced", found[0])
    is_answer = any(name.lower() in ("in-reply-to", "references") for name, _ in view.mail.fields)
    if not is_answer and _REPLY.match(subject):
        yield broken("subject_false_reply")


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) == "So" and (
        0x1F000 <= ord(character) <= 0x1FAFF or 0x2600 <= ord(character) <= 0x27BF
    )


SUBJECT: Final = RulePart(title="Subject", rules=RULES, find=_find)
