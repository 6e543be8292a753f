"""What changed, as sentences. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

from angarium.analytics.insights.looking import TOTAL, VOLUME, Change, Part, Place
from angarium.analytics.insights.measures import MEASURES
from angarium.analytics.insights.remedies import REMEDIES
from angarium.feedback.classes import BounceClass

_NOUNS: Final[Mapping[str, str]] = {each.name: each.noun for each in MEASURES}
_OF: Final[Mapping[str, str]] = {each.name: each.of for each in MEASURES}
_BY: Final = {
    "stream": "stream",
    "campaign": "campaign",
    "template": "template",
    "tag": "tag",
    "provider": "provider",
    "source": "source",
    "domain": "sender domain",
    "tenant": "tenant",
}
# Below it, a probability is not told more exactly: nobody's model is that good
_FLOOR: Final = 1e-6


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The class of refusals that has grown most."""

    bounce_class: str
    part: float  # of all that there is more of


class Insight(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to know. Texts are sentences without their full stop."""

    measure: str
    is_bad: bool
    place: Place
    where: tuple[Part, ...]
    before: float  # the share of before; of VOLUME: messages' recipients a window
    after: float
    excess: float
    since: str  # a time (RFC 3339), "" where no hour stands out
    cause: Cause | None
    what: str
    why: str  # "" where nothing is likely
    test: str


def tell(change: Change, since: str = "", cause: Cause | None = None) -> Insight:
    return Insight(
        measure=change.measure,
        is_bad=change.is_bad,
        place=change.place,
        where=change.where,
        before=change.difference.before.value,
        after=change.difference.after.value,
        excess=change.excess,
        since=since,
        cause=cause,
        what=_what(change, since),
        why=_why(change, cause),
        test=_test(change),
    )


def _what(change: Change, since: str) -> str:
    found = change.difference
    place = "" if change.place.by == TOTAL else f" of {place_text(change.place)}"
    if change.measure == VOLUME:
        text = f"{found.after.part:,} recipients{place}, where there usually are {found.before.value:,.0f}"
    else:
        more = f"{abs(change.excess):,.0f} recipients {'more' if change.excess > 0 else 'fewer'}"
        text = (
            f"{_NOUNS[change.measure]}{place} is {percent(found.after.value)}, and was"
            f" {percent(found.before.value)}: {more} than that"
        )
    if since:
        text += f", since {since}"
    return text[0].upper() + text[1:]


def _why(change: Change, cause: Cause | None) -> str:
    parts: list[str] = []
    if change.where:
        most = ", ".join(
            f"{place_text(each.place)} ({min(each.part, 1):.0%})" for each in change.where
        )
        also = "most of it is" if change.place.by == TOTAL else "the same is seen at"
        parts.append(f"{also} {most}")
    if cause is not None:
        known = cause.bounce_class in {each.value for each in BounceClass}
        remedy = REMEDIES[BounceClass(cause.bounce_class)] if known else ""
        text = f"{cause.part:.0%} of what there is more of is of class {cause.bounce_class}"
        parts.append(f"{text}: {remedy}" if remedy else text)
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def _test(change: Change) -> str:
    found = change.difference
    probability = (
        f"p < {_FLOOR:g}" if found.probability < _FLOOR else f"p = {found.probability:.1g}"
    )
    if change.measure == VOLUME:
        model = f"recipients accepted, against {found.before.whole} windows before (quasi-Poisson"
    else:
        model = (
            f"{found.after.part:,} of {found.after.whole:,} {_OF[change.measure]}, against"
            f" {found.before.part:,} of {found.before.whole:,} in {found.freedom + 1} windows before (quasi-binomial"
        )
    return (
        f"{model}, spread {found.spread:.1f}): t = {found.statistic:.1f} with {found.freedom} degrees of freedom,"
        f" {probability}, of {change.tested} tests (Holm, 1 %)"
    )


def place_text(place: Place) -> str:
    return f"{_BY.get(place.by, place.by)} {place.key}"


def percent(share: float) -> str:
    """Return a share with two figures that mean something: 12 %, 3.4 %, 0.12 %, 0.012 %."""
    value = share * 100
    if value >= 10 or value == 0:
        return f"{value:.0f} %"
    places = 1
    while round(value, places) < 10 ** (1 - places) and places < 4:
        places += 1
    return f"{value:.{places}f} %"
