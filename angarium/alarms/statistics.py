"""What a few numbers are sure to mean: so that one of two is no alarm, and 60 of 1,000 are one. Pure.

A share is compared with its level by the bound of Wilson's interval that favours calm: 95 % two-sided, so that in
nineteen of twenty windows in which the true share lies at the level, nothing is raised; and as much again lies in
that it has to stay there for a while.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Final

# Of the normal distribution, for 95 % two-sided
Z: Final = 1.96


def wilson(hits: int, total: int, z: float = Z) -> tuple[float, float]:
    """Return the bounds between which the true share lies (Wilson 1927), each from 0 to 1; of nothing, 0 and 1."""
    if total <= 0:
        return 0.0, 1.0
    share = min(hits, total) / total
    square = z * z
    centre = share + square / (2 * total)
    spread = z * sqrt(share * (1 - share) / total + square / (4 * total * total))
    scale = 1 + square / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float:
    """Return below which value ``share`` of what a histogram counted lies; of nothing 0.

    ``bounds``: the upper ends of its buckets, rising; ``counts``: of each bucket alone, and of what lies beyond the
    last one, which is taken for that bound. Inside a bucket values are taken to lie evenly, as Prometheus does.
    """
    total = sum(counts)
    if total <= 0:
        return 0.0
    rank, seen, lower = max(0.0, min(1.0, share)) * total, 0.0, 0.0
    for bound, count in zip(bounds, counts, strict=False):
        if count and seen + count >= rank:
            return lower + (bound - lower) * max(0.0, rank - seen) / count
        seen += count
        lower = bound
    return bounds[-1]


def sure_quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float:
    """Return what the quantile is at least, with so few values (the normal approximation of its rank)."""
    total = sum(counts)
    if total <= 0:
        return 0.0
    return quantile(bounds, counts, share - Z * sqrt(share * (1 - share) / total))


def drop(before: tuple[int, int], now: tuple[int, int]) -> tuple[float, float]:
    """Return by which part a share has fallen, and by which at least: each from 0 to 1.

    Each is how many of how many. At least: from the lower bound of before to the upper bound of now.
    """
    (hits_before, total_before), (hits, total) = before, now
    if total_before <= 0 or total <= 0 or hits_before <= 0:
        return 0.0, 0.0
    share_before, share = hits_before / total_before, hits / total
    fallen = max(0.0, 1 - share / share_before)
    low_before, high = wilson(hits_before, total_before)[0], wilson(hits, total)[1]
    at_least = max(0.0, 1 - high / low_before) if low_before > 0 else 0.0
    return fallen, min(fallen, at_least)


def seconds_left(points: Sequence[tuple[float, float]], mark: float) -> float | None:
    """Return when what shrinks reaches the mark, in seconds behind the last point; None: it does not shrink.

    ``points``: of time in seconds and amount, in their order. The straight line through all of them by least squares.
    """
    if len(points) < 2:
        return None
    mean_t = sum(t for t, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((t - mean_t) ** 2 for t, _ in points)
    if spread <= 0:
        return None
    slope = sum((t - mean_t) * (y - mean_y) for t, y in points) / spread
    if slope >= 0:
        return None
    last = mean_y + slope * (points[-1][0] - mean_t)
    return max(0.0, (mark - last) / slope)
