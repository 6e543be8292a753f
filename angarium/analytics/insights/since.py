"""Since when something is different: the hour that cuts a series of shares best in two. Pure."""

import math
from collections.abc import Sequence

from angarium.analytics.insights.shares import Share


def change_point(series: Sequence[Share]) -> int | None:
    """Return the place of the first share behind the cut whose two sides are told apart best; None: there is no cut.

    The cut with the greatest likelihood, where each side has one share of its own throughout (binomial).
    """
    total = sum(series, Share(part=0, whole=0))
    left = Share(part=0, whole=0)
    best: int | None = None
    highest = _likelihood(total) + 1e-9  # one share throughout
    for place, each in enumerate(series[:-1], 1):
        left += each
        if each.whole == 0:
            continue  # a cut behind nothing is the cut before it
        likelihood = _likelihood(left) + _likelihood(total - left)
        if likelihood > highest:
            best, highest = place, likelihood
    return best


def _likelihood(share: Share) -> float:
    """Return the greatest logarithm that the binomial likelihood can have, but for a constant."""
    other = share.whole - share.part
    if share.part <= 0 or other <= 0:
        return 0.0
    value = share.value
    return share.part * math.log(value) + other * math.log(1 - value)
