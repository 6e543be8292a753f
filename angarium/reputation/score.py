"""How good a sender's standing is: from 0 to 100, with the reasons for what is missing. Pure.

It is our own estimate, made of what we see; no mailbox provider tells theirs. Start with ``find_score``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from angarium.reputation.figures import Tally

BEST: Final = 100
# Ours: fewer recipients say nothing
LEAST_SENT: Final = 50
# Ours: one person's complaint is no rate
LEAST_COMPLAINTS: Final = 2

# What a share costs: (share, points), rising, in straight lines between. Google asks for complaints below 0.1 % and
# stops at 0.3 %; 5 % and 10 % of dead addresses are where senders are warned and stopped. The others are ours
Curve = Sequence[tuple[float, float]]
_COMPLAINED: Final[Curve] = ((0.0005, 0), (0.001, 15), (0.003, 45), (0.01, 70))
_DEAD: Final[Curve] = ((0.02, 0), (0.05, 15), (0.10, 35), (0.30, 60))
_UNWANTED: Final[Curve] = ((0.005, 0), (0.02, 15), (0.10, 40), (0.50, 70))
_SLOWED: Final[Curve] = ((0.05, 0), (0.25, 10), (1.0, 25))
_UNSUBSCRIBED: Final[Curve] = ((0.01, 0), (0.05, 10), (0.2, 20))

# Names of ``feedback.BounceClass``: addresses that are not there
_DEAD_CLASSES: Final = frozenset(("user_unknown", "moved", "host_unknown", "domain_no_mail"))
# Who said so wants no mail of ours, or not as it is
_UNWANTED_CLASSES: Final = frozenset(
    ("blocked", "reputation", "spam", "virus", "ptr_required", "auth_failure")
)
_SLOWING_CLASSES: Final = frozenset(("rate_limited",))
# Of the blocklists that have it: the worst counts whole, each further one a part
FURTHER_LISTING: Final = 5


class ListedAt(msgspec.Struct, frozen=True, kw_only=True):
    """A blocklist that has one of the sender's addresses, or its domain."""

    zone: str
    address: str  # or the domain
    meaning: str
    weight: int  # points


class Reason(msgspec.Struct, frozen=True):
    points: int  # that are missing for it; 0: it costs nothing
    text: str  # a sentence with its figures


class Score(msgspec.Struct, frozen=True, kw_only=True):
    value: int  # 0..100, 100 is best
    reasons: tuple[Reason, ...]  # the worst first; never empty


def find_score(windows: Mapping[str, Tally], listings: Iterable[ListedAt] = ()) -> Score:
    """Judge by what is known of some windows, by their names: of each measure the worst one counts."""
    found = [
        _worst(windows, _complaints),
        _worst(windows, _dead),
        _worst(windows, _unwanted),
        _worst(windows, _slowed),
        _worst(windows, _unsubscribed),
        *_listed(sorted(listings, key=lambda each: -each.weight)),
    ]
    reasons = sorted((each for each in found if each.points), key=lambda each: -each.points)
    value = max(0, BEST - sum(each.points for each in reasons))
    return Score(value=value, reasons=tuple(reasons) or (_nothing_against(windows),))


def _worst(windows: Mapping[str, Tally], judge: Callable[[Tally, str], Reason]) -> Reason:
    return max((judge(each, name) for name, each in windows.items()), key=_points, default=_NONE)


def _points(reason: Reason) -> int:
    return reason.points


def _complaints(tally: Tally, window: str) -> Reason:
    among = max(tally.delivered, tally.complained)
    if tally.complained < LEAST_COMPLAINTS:
        return _NONE
    text = "of those who got mail complained; Google asks for less than 0.1 %"
    return _reason(_COMPLAINED, tally.complained, among, window, text)


def _dead(tally: Tally, window: str) -> Reason:
    met = _of(tally.refusals, _DEAD_CLASSES)
    text = (
        "of the recipients do not exist: the list is old, bought, or nobody takes addresses off it"
    )
    return _reason(_DEAD, met, tally.sent, window, text)


def _unwanted(tally: Tally, window: str) -> Reason:
    met = _of(tally.refusals, _UNWANTED_CLASSES) + _of(tally.deferred, _UNWANTED_CLASSES)
    tried = tally.sent + sum(tally.deferred.values())
    text = "of the attempts were refused as spam, for the sender's reputation or for want of proof who it is"
    return _reason(_UNWANTED, met, tried, window, text)


def _slowed(tally: Tally, window: str) -> Reason:
    met = _of(tally.deferred, _SLOWING_CLASSES)
    tried = tally.sent + sum(tally.deferred.values())
    return _reason(_SLOWED, met, tried, window, "of the attempts were put off as too many")


def _unsubscribed(tally: Tally, window: str) -> Reason:
    text = "of those who got mail unsubscribed"
    return _reason(_UNSUBSCRIBED, tally.unsubscribed, tally.delivered, window, text)


def _listed(listings: Sequence[ListedAt]) -> list[Reason]:
    return [
        Reason(
            each.weight if number == 0 else min(each.weight, FURTHER_LISTING),
            f"{each.address} is listed at {each.zone}: {each.meaning}.",
        )
        for number, each in enumerate(listings)
    ]


def _reason(curve: Curve, met: int, among: int, window: str, text: str) -> Reason:
    if among < LEAST_SENT or not met:
        return _NONE
    share = met / among
    points = round(_cost(curve, share))
    return Reason(points, f"{share:.2%} {text} ({met} of {among} in the last {window}).")


def _cost(curve: Curve, share: float) -> float:
    """Return the points of a share, between the two of the curve that it lies between."""
    below = (0.0, 0.0)
    for at, points in curve:
        if share < at:
            return below[1] + (points - below[1]) * (share - below[0]) / (at - below[0])
        below = (at, points)
    return below[1]


def _of(counts: Mapping[str, int], classes: frozenset[str]) -> int:
    return sum(number for name, number in counts.items() if name in classes)


def _nothing_against(windows: Mapping[str, Tally]) -> Reason:
    most = max(windows.items(), key=lambda each: each[1].sent, default=None)
    sent = 0 if most is None else most[1].sent
    if most is None or sent < LEAST_SENT:
        return Reason(0, f"Little is known: {sent} recipients are too few to judge.")
    name, tally = most
    return Reason(
        0,
        f"Nothing speaks against it: of {sent} recipients in the last {name} {tally.delivered} got their mail and"
        f" {tally.complained} complained.",
    )


_NONE: Final = Reason(0, "")
