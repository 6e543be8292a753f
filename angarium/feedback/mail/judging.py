"""The verdict on one recipient, of all that a report says about it. Pure."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from angarium.feedback.classes import BounceClass, Effect, Verdict, verdict_of
from angarium.feedback.classifier import classify
from angarium.feedback.mail.wording import EXPIRY, LIST_CLOSED, has_any
from angarium.feedback.report import Action

# Ours: what is kept of a text as evidence
MAX_REPLY: Final = 1000
_ENHANCED: Final = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_CODE: Final = re.compile(r"[45]\d\d(?:[ -]|$)")
# A host's heading over its reason, which it would outweigh: "Recipient address rejected: Greylisted"
_PREFIX: Final = re.compile(r"\brecipient address rejected: (?=[^\W\d_]{2})", re.IGNORECASE)
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_EXISTING: Final = frozenset({BounceClass.MAILBOX_DISABLED, BounceClass.MAILBOX_FULL})
# In the order in which they are looked for
_OF_NOTICES: Final = (
    (EXPIRY, BounceClass.EXPIRED),
    (("final delivery userid",), BounceClass.USER_UNKNOWN),
    # In the reader's language: there is no such group, or not for the sender
    (("groups.google.com/support",), BounceClass.SECURITY),
    # And no reason given
    (("was rejected by a remote mail server",), BounceClass.FILTERED),
)


class Judged(msgspec.Struct, frozen=True):
    verdict: Verdict
    reply: str  # the text that decided, printable


class Judge:
    """Judges the recipients of one mail: a text that is everyone's is read once (C4)."""

    __slots__ = ("_verdicts",)

    def __init__(self) -> None:
        self._verdicts: dict[str, Verdict] = {}

    def judge(
        self, texts: Iterable[str], action: Action, *, notice: str = "", heading: str = ""
    ) -> Judged:
        """Return what the first of ``texts`` that says anything means; else what ``notice`` does, which is all of it.

        ``heading``: what stands over the recipient. A mailbox that is full or disabled there is not unknown.
        A delay or a success never suppresses: what is still tried is not refused, only late.
        """
        folded = notice.casefold()
        if has_any(folded, LIST_CLOSED):
            return Judged(_softened(verdict_of(BounceClass.SECURITY), action), printable(notice))
        first = ""
        for text in texts:
            if not text.strip():
                continue
            first = first or text
            verdict = self._verdict(text)
            if verdict.bounce_class is not BounceClass.UNDETERMINED:
                over = self._verdict(heading) if verdict.hard and heading else verdict
                if over.bounce_class in _EXISTING:
                    return Judged(_softened(over, action), printable(f"{heading} {text}"))
                return Judged(_softened(verdict, action), printable(text))
        for words, bounce_class in _OF_NOTICES:
            if has_any(folded, words):
                return Judged(
                    _softened(verdict_of(bounce_class), action), printable(first or notice)
                )
        undecided = BounceClass.EXPIRED if action is Action.DELAYED else BounceClass.UNDETERMINED
        return Judged(verdict_of(undecided), printable(first))

    def _verdict(self, text: str) -> Verdict:
        if text not in self._verdicts:
            self._verdicts[text] = classify(_PREFIX.sub("", text))
        return self._verdicts[text]


def _softened(verdict: Verdict, action: Action) -> Verdict:
    if action in {Action.DELIVERED, Action.RELAYED, Action.EXPANDED}:
        return verdict_of(BounceClass.UNDETERMINED)
    if action is Action.DELAYED and verdict.effect is Effect.SUPPRESS:
        return Verdict(verdict.bounce_class, Effect.RETRY)
    return verdict


def with_status(status: str, text: str) -> str:
    """Return ``text`` with the report's status before it, where that says something that the text does not."""
    says_little = status.endswith(".0.0") and _CODE.match(text) is not None
    if not status or says_little or _ENHANCED.search(text):
        return text
    return f"{status} {text}".strip()


def printable(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)[:MAX_REPLY].strip()
