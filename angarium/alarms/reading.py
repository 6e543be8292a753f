"""What is measured of alarms' subjects: what evaluation is given. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from angarium.alarms.alarm import Alarm
from angarium.alarms.statistics import drop, quantile, sure_quantile, wilson
from angarium.alarms.subject import ALL, Subject


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    subject: Subject = ALL
    figure: float  # in the alarm's unit
    sure: float  # what it is on the calm side at least: raised only if this is over the level
    volume: int | None = None  # of what; None: it has none
    detail: str = ""  # likely why, or which, in words


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Of one alarm. A subject that is not among the readings has nothing to be raised for."""

    readings: Sequence[Reading] = ()
    # The window reaches back before we began: what is raised is not ended by what was not seen
    is_whole: bool = True


# By the alarm's name; one that is missing could not be measured: it stays as it is
Measurements = Mapping[str, Measured]


def plain(
    figure: float, subject: Subject = ALL, *, volume: int | None = None, detail: str = ""
) -> Reading:
    """Return a reading of what is known exactly."""
    return Reading(subject=subject, figure=figure, sure=figure, volume=volume, detail=detail)


def share(
    alarm: Alarm, hits: int, total: int, subject: Subject = ALL, *, detail: str = ""
) -> Reading:
    """Return the reading of ``hits`` of ``total``, in percent, sure by Wilson's bound."""
    figure = 100.0 * min(hits, total) / total if total else (100.0 if alarm.is_floor else 0.0)
    low, high = wilson(hits, total)
    return Reading(
        subject=subject,
        figure=figure,
        sure=100.0 * (high if alarm.is_floor else low),
        volume=total,
        detail=detail,
    )


def fallen(
    before: tuple[int, int], now: tuple[int, int], subject: Subject = ALL, *, detail: str = ""
) -> Reading:
    """Return by how many percent a share has fallen; the volume is the smaller one of both."""
    figure, at_least = drop(before, now)
    return Reading(
        subject=subject,
        figure=100.0 * figure,
        sure=100.0 * at_least,
        volume=min(before[1], now[1]),
        detail=detail,
    )


def p95(bounds: Sequence[float], counts: Sequence[int], subject: Subject = ALL) -> Reading:
    return Reading(
        subject=subject,
        figure=quantile(bounds, counts, 0.95),
        sure=sure_quantile(bounds, counts, 0.95),
        volume=sum(counts),
    )
