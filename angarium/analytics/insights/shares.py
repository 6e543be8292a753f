"""Whether a share differs from what it was, by a test that knows how much days differ anyway. Pure.

Mail is not drawn from an urn: complaints come together, and one campaign's bounces are not another's. So the spread is
not the binomial one, but that times how much windows before differed among each other (a quasi-binomial model), and
the statistic is held against Student's distribution with as many degrees of freedom as there were windows, less one.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

# Ours: windows before, below which nothing is known of how they differ
LEAST_WINDOWS: Final = 3


class Share(msgspec.Struct, frozen=True, kw_only=True):
    part: int
    whole: int

    @property
    def value(self) -> float:
        return self.part / self.whole if self.whole else 0.0

    def __add__(self, other: "Share") -> "Share":
        return Share(part=self.part + other.part, whole=self.whole + other.whole)

    def __sub__(self, other: "Share") -> "Share":
        return Share(part=self.part - other.part, whole=self.whole - other.whole)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    before: Share  # all windows together
    after: Share
    # By how much windows differed, in parts of what chance alone would have; at least 1
    spread: float
    statistic: float  # Student's t
    freedom: int
    probability: float  # of a difference so great, either way, if nothing had changed


def compare(windows: Sequence[Share], after: Share) -> Difference | None:
    """Return how ``after`` differs from the windows before it; None: there is too little to tell by."""
    filled = [each for each in windows if each.whole > 0]
    if len(filled) < LEAST_WINDOWS or after.whole <= 0:
        return None
    before = sum(filled, Share(part=0, whole=0))
    both = before + after
    chance = both.value * (1 - both.value)
    if chance == 0:
        return None  # all or none, before and after: nothing differs
    spread = _spread(filled, before.value)
    error = math.sqrt(spread * chance * (1 / before.whole + 1 / after.whole))
    statistic = (after.value - before.value) / error
    freedom = len(filled) - 1
    return Difference(
        before=before,
        after=after,
        spread=spread,
        statistic=statistic,
        freedom=freedom,
        probability=two_tails(statistic, freedom),
    )


def compare_numbers(windows: Sequence[int], after: int) -> Difference | None:
    """The same of how much there was, a number for each window of one length: quasi-Poisson.

    Shares of the answer are numbers among windows.
    """
    if len(windows) < LEAST_WINDOWS or not sum(windows):
        return None
    before = Share(part=sum(windows), whole=len(windows))
    mean = before.value
    freedom = len(windows) - 1
    spread = max(1.0, sum((each - mean) ** 2 for each in windows) / mean / freedom)
    statistic = (after - mean) / math.sqrt(spread * mean * (1 + 1 / len(windows)))
    return Difference(
        before=before,
        after=Share(part=after, whole=1),
        spread=spread,
        statistic=statistic,
        freedom=freedom,
        probability=two_tails(statistic, freedom),
    )


def holm(probabilities: Sequence[float], level: float) -> list[bool]:
    """Return which of all that was tested hold, when not one of them may be chance with a probability over ``level``.

    Holm's step-down form of Bonferroni's correction.
    """
    order = sorted(range(len(probabilities)), key=probabilities.__getitem__)
    holds = [False] * len(probabilities)
    for rank, index in enumerate(order):
        if probabilities[index] > level / (len(probabilities) - rank):
            break
        holds[index] = True
    return holds


def two_tails(statistic: float, freedom: int) -> float:
    """Return the probability that Student's t with so many degrees of freedom is as far from 0, either way.

    By the finite series for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4).
    """
    assert freedom >= 1
    angle = math.atan2(abs(statistic), math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    term = total = cosine if freedom % 2 else 1.0
    # 26.7.3: 1 + (1/2)cos^2 + ...; 26.7.4: cos + (2/3)cos^3 + ...
    for power in range(3 if freedom % 2 else 2, freedom, 2):
        term *= cosine * cosine * (power - 1) / power
        total += term
    if freedom % 2 == 0:
        return max(0.0, 1.0 - sine * total)
    return max(0.0, 1.0 - 2 / math.pi * (angle + (sine * total if freedom > 1 else 0.0)))


def _spread(windows: Sequence[Share], usual: float) -> float:
    chance = usual * (1 - usual)
    if chance == 0:
        return 1.0
    squares = sum((each.part - each.whole * usual) ** 2 / each.whole for each in windows)
    return max(1.0, squares / chance / (len(windows) - 1))
