"""What a reply, or a DSN's text, means: its class and effect. Pure, and linear in the text's length (C4).

All that the text shows is weighed: what its words say, marks that providers put in, its codes. The heaviest class is
the answer. Words that are clear outweigh codes that hosts give for anything; and what may be our own rate, network or
reputation never suppresses an address, whatever the code says.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

from angarium.feedback.classes import BounceClass, Effect, Verdict, verdict_of
from angarium.feedback.wording import codes, host, marks, message, recipient, sender, system
from angarium.feedback.wording.phrases import Phrases, Rule, rules_of
from angarium.feedback.wording.reading import Reading, read

# Ours, of words: how sure their meaning is
CERTAIN: Final = 120
SURE: Final = 90
CLEAR: Final = 60
HINT: Final = 30
# Of codes: between those of words
DEFINITE_CODE: Final = 80
SPECIFIC_CODE: Final = 45
LOOSE_CODE: Final = 25

MAILBOX_RATE: Final = Verdict(BounceClass.RATE_LIMITED, Effect.RETRY)
# What can be the answer; of those that weigh the same, the first: the one that says most
_OUTCOMES: Final = (
    MAILBOX_RATE,
    *map(
        verdict_of,
        (
            *(BounceClass.SUPPRESSED, BounceClass.GREYLISTED, BounceClass.RATE_LIMITED),
            *(BounceClass.MAILBOX_FULL, BounceClass.PTR_REQUIRED, BounceClass.AUTH_FAILURE),
            *(BounceClass.REPUTATION, BounceClass.TLS_FAILURE, BounceClass.SPAM),
            *(BounceClass.BLOCKED, BounceClass.VIRUS, BounceClass.SENDER_REJECTED),
            *(BounceClass.MESSAGE_TOO_LARGE, BounceClass.SYSTEM_FULL, BounceClass.RELAY_DENIED),
            *(BounceClass.FILTERED, BounceClass.MAILBOX_DISABLED, BounceClass.MOVED),
            *(BounceClass.DOMAIN_NO_MAIL, BounceClass.USER_UNKNOWN, BounceClass.HOST_UNKNOWN),
            *(BounceClass.CONTENT_RFC, BounceClass.CONTENT, BounceClass.MAILER_ERROR),
            *(BounceClass.EXPIRED, BounceClass.NETWORK_ERROR, BounceClass.SECURITY),
            *(BounceClass.POLICY, BounceClass.PROTOCOL_ERROR, BounceClass.SYSTEM_ERROR),
            BounceClass.UNDETERMINED,
        ),
    ),
)
_NUMBER: Final = {verdict: number for number, verdict in enumerate(_OUTCOMES)}
_OURS: Final = frozenset(
    number for number, each in enumerate(_OUTCOMES) if each.effect is Effect.THROTTLE
)
_MACROS: Final = {
    "WHO": "{user|mailbox|account|recipient|address|alias|@}",
    "NO_SUCH": "{unknown|no exist|exist no|no found|found no|no known|known no|invalid|no valid|no such}",
}


def _number(bounce_class: BounceClass) -> int:
    return _NUMBER[verdict_of(bounce_class)]


def _rules() -> Iterator[Rule]:
    yield from rules_of(_NUMBER[MAILBOX_RATE], CERTAIN, host.MAILBOX_RATE, _MACROS)
    levels = [(CERTAIN, each.CERTAIN) for each in (host, sender, system, recipient)]
    for module in (recipient, host, sender, message, system):
        levels += ((SURE, module.SURE), (CLEAR, module.CLEAR), (HINT, module.HINT))
    for weight, tables in levels:
        for bounce_class, table in tables.items():
            yield from rules_of(_number(bounce_class), weight, table, _MACROS)


@cache
def phrases() -> Phrases:
    """Return what texts are searched for. It takes 50 ms the first time: most commands need none of it, and whoever
    may not stop for so long asks before.
    """
    return Phrases(_rules())


# A text that names a block list may say more: that it is for reputation, or that the list is of links
_NAMES: Final = {
    **dict.fromkeys(marks.BLOCK_LISTS, (_number(BounceClass.BLOCKED), SURE - 1)),
    **{name: (_number(each), SURE + 6) for name, each in marks.NAMES.items()},
}
# Subject and detail of an enhanced code -> what it speaks for, with which weight
_CODES: Final = {
    **{detail: (_number(each), LOOSE_CODE) for detail, each in codes.LOOSE.items()},
    **{detail: (_number(each), SPECIFIC_CODE) for detail, each in codes.SPECIFIC.items()},
    **{detail: (_number(each), DEFINITE_CODE) for detail, each in codes.DEFINITE.items()},
    **dict.fromkeys(codes.MAILBOX_RATES, (_NUMBER[MAILBOX_RATE], DEFINITE_CODE)),
}


def classify(reply: str, provider: str = "") -> Verdict:
    """Return what ``reply`` means: a reply with its codes, on one line or several, or what a DSN says of a recipient.

    ``provider``: the mailbox provider that said so, as the configuration names it; "" where that is not known.
    Any text has an answer; a text that says nothing is undetermined. A refusal for now (4yz) means what its words say,
    too: whether it is the last word, and may suppress, is for the caller to know.
    """
    reading = read(reply)
    said = _words_say(reading)
    weights = dict(said)
    for enhanced in reading.enhanced:
        number, weight = _code_says(enhanced, reading, provider)
        if weight:
            weights[number] = weights.get(number, 0) + weight
    if not weights:
        return verdict_of(codes.BASIC.get(reading.code, BounceClass.UNDETERMINED))
    best = _heaviest(weights)
    if _OUTCOMES[best].hard:
        # Words that are certain are outweighed by sure ones; that are clear, by clear ones; a code alone, by any
        known = said.get(best, 0)
        enough = SURE if known >= CERTAIN else CLEAR if known >= CLEAR else HINT
        ours = {each: weights[each] for each in said if each in _OURS and said[each] >= enough}
        if ours:
            best = _heaviest(ours)
    return _OUTCOMES[best]


def _heaviest(weights: dict[int, int]) -> int:
    return min(weights, key=lambda number: (-weights[number], number))


def _words_say(reading: Reading) -> dict[int, int]:
    """Return how much the words, marks and hosts' names speak for each outcome."""
    said = phrases().weights(reading.words)
    for mark in reading.marks:
        meaning = marks.meaning_of(mark)
        if meaning is not None:
            number = _number(meaning)
            said[number] = max(said.get(number, 0), SURE)
    if reading.names:
        for name, (number, weight) in _NAMES.items():
            if name in reading.names:
                said[number] = max(said.get(number, 0), weight)
    return said


def _code_says(enhanced: str, reading: Reading, provider: str) -> tuple[int, int]:
    """Return what an enhanced code speaks for, and with which weight; 0: for nothing."""
    detail = enhanced[2:]
    if detail == "1.10" and reading.code == "556":  # RFC 7505 section 4.1
        return _number(BounceClass.DOMAIN_NO_MAIL), SPECIFIC_CODE
    if detail == "3.2" and reading.code == "521":  # RFC 7504 section 5.1: not ever, not only now
        return _number(BounceClass.DOMAIN_NO_MAIL), SPECIFIC_CODE
    if enhanced == "4.4.4":  # no route for now; 5.4.4: no such host
        return _number(BounceClass.NETWORK_ERROR), SPECIFIC_CODE
    if detail in codes.GMAIL and (provider == "gmail" or "gsmtp" in reading.plain):
        return _number(codes.GMAIL[detail]), DEFINITE_CODE
    if detail.startswith("7.") and int(detail[2:]) in codes.MICROSOFT_BANNED:
        return _number(BounceClass.BLOCKED), DEFINITE_CODE
    return _CODES.get(detail, (0, 0))
