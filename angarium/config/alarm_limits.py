"""Alarms that there are without being told, each with its limits: an ``[[alarm]]`` of its name changes what it gives
and keeps the rest. Pure.

Levels marked "asked for" are those that operators of such a server ask for; the others are ours, with the reason why.
What an alarm means and is measured of is ``angarium.alarms.catalogue``'s.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.config.alarms import AlarmUnit, OwnLimits, Severity
from angarium.config.quantity import parse_duration_ms

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0


class AlarmLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Invariant ALM1: ``end_level`` is on the calm side of ``level``, or is the same: so no figure flutters."""

    name: str
    severity: Severity
    unit: AlarmUnit
    level: float  # raised above it, or, if ``is_floor``, below it
    end_level: float  # over when the figure has come back to it
    is_floor: bool = False
    window_s: float | None = None  # of what is counted; None: how it is now
    # in the window: with fewer there is no figure; None: any number will do
    minimum: int | None = None
    for_s: float = 0.0  # so long beyond the level before it is raised
    end_for_s: float = 300.0  # so long at the end level before it is over


SHIPPED_ALARMS: Final = (
    AlarmLimits(
        name="bounce_rate",
        severity="critical",
        unit="percent",
        level=5.0,  # asked for
        end_level=4.0,
        window_s=HOUR,
        minimum=100,
        for_s=2 * MINUTE,
    ),
    AlarmLimits(
        name="complaint_rate",
        severity="critical",
        unit="percent",
        level=0.1,  # asked for; Gmail wants it below, and stops at 0.3
        end_level=0.08,
        window_s=DAY,  # complaints come hours after the mail
        minimum=1000,
        for_s=2 * MINUTE,
    ),
    AlarmLimits(
        name="delivery_rate",
        severity="critical",
        unit="percent",
        level=95.0,  # asked for
        end_level=96.0,
        is_floor=True,
        window_s=HOUR,
        minimum=100,
        for_s=5 * MINUTE,
    ),
    AlarmLimits(
        name="smtp_success_drop",
        severity="critical",
        unit="percent",
        level=20.0,  # asked for
        end_level=10.0,
        window_s=10 * MINUTE,
        minimum=100,
        for_s=MINUTE,
    ),
    AlarmLimits(
        name="delivery_delay",
        severity="warning",
        unit="seconds",
        level=15 * MINUTE,  # ours: behind the second retry; codes for log-ins have gone stale
        end_level=10 * MINUTE,
        window_s=15 * MINUTE,
        minimum=100,
        for_s=5 * MINUTE,
    ),
    AlarmLimits(
        name="queue_age",
        severity="warning",
        unit="seconds",
        level=4 * DAY,  # ours: a day before it is given up, as the queue ships
        end_level=3.5 * DAY,
        for_s=10 * MINUTE,
    ),
    AlarmLimits(
        name="no_deliveries",
        severity="critical",
        unit="seconds",
        level=10 * MINUTE,  # ours: longer than any pause between two retries of a busy queue
        end_level=0.0,
        minimum=10,
        for_s=2 * MINUTE,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="dns_failing",
        severity="warning",
        unit="percent",
        level=10.0,  # ours: a well resolver fails one in a hundred
        end_level=5.0,
        window_s=5 * MINUTE,
        minimum=50,
        for_s=2 * MINUTE,
    ),
    AlarmLimits(
        name="address_listed",
        severity="critical",
        unit="count",
        level=0.0,  # ours: one is enough
        end_level=0.0,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="sender_paused",
        severity="warning",
        unit="count",
        level=0.0,  # ours: the breaker has its own levels
        end_level=0.0,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="provider_suspended",
        severity="warning",
        unit="count",
        level=0.0,  # ours: rules have their own levels
        end_level=0.0,
        for_s=5 * MINUTE,  # ours: a suspension of seconds is how rules work
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="smart_host_resting",
        severity="warning",
        unit="count",
        level=0.0,
        end_level=0.0,
        for_s=2 * MINUTE,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="smart_host_quota",
        severity="warning",
        unit="percent",
        level=80.0,  # asked for
        end_level=75.0,
    ),
    AlarmLimits(
        name="warmup_held",
        severity="warning",
        unit="count",
        level=0.0,
        end_level=0.0,
        for_s=10 * MINUTE,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="event_lag",
        severity="warning",
        unit="seconds",
        level=30.0,  # asked for
        end_level=10.0,
        for_s=MINUTE,
        end_for_s=MINUTE,
    ),
    AlarmLimits(
        name="dead_letters",
        severity="warning",
        unit="count",
        level=100.0,  # asked for
        end_level=90.0,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="api_latency",
        severity="warning",
        unit="seconds",
        level=2.0,  # asked for
        end_level=1.5,
        window_s=5 * MINUTE,
        minimum=100,
        for_s=2 * MINUTE,
    ),
    AlarmLimits(
        name="api_throttled",
        severity="warning",
        unit="count",
        level=50.0,  # asked for
        end_level=25.0,
        window_s=5 * MINUTE,
        end_for_s=MINUTE,
    ),
    AlarmLimits(
        name="api_errors",
        severity="critical",
        unit="count",
        level=10.0,  # asked for
        end_level=5.0,
        window_s=5 * MINUTE,
        end_for_s=MINUTE,
    ),
    AlarmLimits(
        name="internal_errors",
        severity="critical",
        unit="count",
        level=0.0,  # ours: there should be none
        end_level=0.0,
        window_s=15 * MINUTE,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="processes_ending",
        severity="critical",
        unit="count",
        level=2.0,  # ours: one may have been killed by hand
        end_level=0.0,
        window_s=15 * MINUTE,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="notices_failing",
        severity="critical",
        unit="count",
        level=3.0,  # ours: of the schedule of retries, half a minute
        end_level=0.0,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="disk_filling",
        severity="warning",
        unit="seconds",
        level=12 * HOUR,  # ours: a night
        end_level=24 * HOUR,
        is_floor=True,
        window_s=HOUR,
        for_s=5 * MINUTE,
    ),
    AlarmLimits(
        name="disk_full",
        severity="critical",
        unit="count",
        level=0.0,
        end_level=0.0,
        end_for_s=MINUTE,
    ),
    AlarmLimits(
        name="certificate_ending",
        severity="warning",
        unit="seconds",
        level=14
        * DAY,  # ours: renewals begin when a third of ninety days is left, and should be long over
        end_level=15 * DAY,
        is_floor=True,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="domain_failing",
        severity="warning",
        unit="count",
        level=0.0,
        end_level=0.0,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="tracking_host_failing",
        severity="warning",
        unit="count",
        level=0.0,
        end_level=0.0,
        end_for_s=0.0,
    ),
    AlarmLimits(
        name="clock_wrong",
        severity="warning",
        unit="seconds",
        level=5.0,  # ours: signatures and tokens bear no more than minutes, logs of several machines less
        end_level=1.0,
        for_s=0.0,
        end_for_s=15 * MINUTE,
    ),
)
ALARM_NAMES: Final = tuple(each.name for each in SHIPPED_ALARMS)


class LimitError(ValueError):
    """What is written of an alarm cannot be; the text says why, ``key`` where."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


def limits_of(written: Sequence[OwnLimits]) -> tuple[AlarmLimits, ...]:
    """Return those of all alarms that are looked for. Raises LimitError."""
    own = {each.name: each for each in written}
    return tuple(
        _merged(each, own[each.name]) if each.name in own else each
        for each in SHIPPED_ALARMS
        if each.name not in own or not own[each.name].off
    )


def merged_limits(own: OwnLimits) -> AlarmLimits:
    """Return one of them. Raises LimitError: also where there is no alarm of the name."""
    for each in SHIPPED_ALARMS:
        if each.name == own.name:
            return _merged(each, own)
    raise LimitError("name", f"no alarm {own.name!r}; there are: {', '.join(ALARM_NAMES)}")


def _merged(shipped: AlarmLimits, own: OwnLimits) -> AlarmLimits:
    for key, what in (("window_s", "window"), ("minimum", "minimum of what is counted")):
        if getattr(own, key) is not None and getattr(shipped, key) is None:
            raise LimitError(key, f"{shipped.name} has no {what}: leave it out")
    level = shipped.level if own.level is None else _figure("level", own.level, shipped)
    end_level = level + (shipped.end_level - shipped.level)
    if own.level is not None and shipped.level:
        # As far away as before, as a part of it: from 5 and 4, 10 and 8
        end_level = level * shipped.end_level / shipped.level
    if own.end_level is not None:
        end_level = _figure("end_level", own.end_level, shipped)
    if (end_level < level) if shipped.is_floor else (end_level > level):  # ALM1
        side = "at the level or above" if shipped.is_floor else "at the level or below"
        raise LimitError("end_level", f"must be {side} ({level:g}): there it is over")
    if shipped.unit == "percent" and not 0 <= level <= 100:
        raise LimitError("level", f"{level:g} is no percentage; write one from 0 to 100")
    changes = {
        key: getattr(own, key)
        for key in ("severity", "window_s", "minimum", "for_s", "end_for_s")
        if getattr(own, key) is not None
    }
    return msgspec.structs.replace(shipped, level=level, end_level=end_level, **changes)


def _figure(key: str, written: float | str, shipped: AlarmLimits) -> float:
    if shipped.unit == "seconds":
        try:
            return parse_duration_ms(written) / 1000 if isinstance(written, str) else written
        except ValueError as error:
            raise LimitError(key, str(error)) from None
    if isinstance(written, str):
        what = "percent" if shipped.unit == "percent" else "a count"
        raise LimitError(key, f"{shipped.name} is in {what}: write a number")
    return written
