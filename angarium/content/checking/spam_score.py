"""How likely a mail is taken for spam, by our own rules: points of what is wrong with it. Pure.

A sum, as filters make it, of rules whose reasons are told; what filters learn from readers, nobody can foresee.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from angarium.content.checking.rule import Finding

LIKELY: Final = 5.0  # as SpamAssassin has it
_SUSPICIOUS: Final = 2.5

Judgement = Literal["good", "suspicious", "likely spam"]


class Points(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    points: float


class SpamScore(msgspec.Struct, frozen=True, kw_only=True):
    points: float
    likely: float = LIKELY  # from here on it is likely taken for spam
    judgement: Judgement
    rules: Sequence[Points]  # the worst first


def spam_score(findings: Iterable[Finding]) -> SpamScore:
    """Each rule counts once."""
    counted = {each.code: each.points for each in findings if each.points}
    total = round(sum(counted.values()), 1)
    judgement: Judgement = (
        "likely spam" if total >= LIKELY else "suspicious" if total >= _SUSPICIOUS else "good"
    )
    rules = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    return SpamScore(
        points=total,
        judgement=judgement,
        rules=tuple([Points(code=code, points=points) for code, points in rules]),
    )
