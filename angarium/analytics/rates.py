"""Which part of the mail something happened to: docs/stats.md has each with what it is divided by. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from angarium.analytics.counters import Dimension

# What is counted by these is not what it would be divided by
_WITHOUT: Final = frozenset({Dimension.CLASS, Dimension.LINK})


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """0 to 1; more, or less, where what happened is of mail of an earlier time. None: there was no such mail."""

    # Left as delivered or sent and did not come back, of all that was tried to its end
    delivery: float | None
    deferral: float | None  # took more than one attempt, of the same
    bounce: float | None  # of the same
    complaint: float | None  # of what a host took
    open: float | None  # recipients that a person opened it at, of the same
    click: float | None  # likewise
    unsubscribe: float | None  # of the same


def have_rates(named: Iterable[Dimension]) -> bool:
    """``named``: what rows are of, and what they are only of."""
    return _WITHOUT.isdisjoint(named)


def rates_of(counts: Mapping[str, int]) -> Rates:
    """``counts``: by the counters' names, all of them."""
    # What SES tells counts in ``sent`` already
    taken = counts["sent"] + counts["delivered"] - counts["delivered_told"]
    tried = taken + counts["bounced"] - counts["bounced_late"] + counts["expired"]
    return Rates(
        delivery=_part(taken - counts["bounced_late"], tried),
        deferral=_part(counts["deferred"], tried),
        bounce=_part(counts["bounced"], tried),
        complaint=_part(counts["complained"], taken),
        open=_part(counts["opened_recipients"], taken),
        click=_part(counts["clicked_recipients"], taken),
        unsubscribe=_part(counts["unsubscribed"], taken),
    )


def _part(number: int, whole: int) -> float | None:
    return None if whole <= 0 else round(number / whole, 6)
