"""When a summary is due, by a clock on the wall. Pure."""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from angarium.queue.model import UnixMs

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY: Final = timedelta(days=1)


def last_due(now: UnixMs, at: str, zone: str) -> UnixMs:
    """Return the last time that was ``at`` ("07:00") in the zone, now or before.

    Where clocks are put forward over it, it is as much later; where they are put back, the first of the two counts.
    """
    there = (_BEGINNING + now * _MILLISECOND).astimezone(ZoneInfo(zone))
    hour, minute = (int(each) for each in at.split(":"))
    due = datetime.combine(there.date(), time(hour, minute), there.tzinfo)
    if _ms(due) > now:
        due = datetime.combine(there.date() - _DAY, time(hour, minute), there.tzinfo)
    return _ms(due)


def _ms(at: datetime) -> UnixMs:
    return UnixMs((at.astimezone(UTC) - _BEGINNING) // _MILLISECOND)
