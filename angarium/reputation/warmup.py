"""How far one source's warm-up at one provider has come, and how much it may send there now. Pure.

Start with ``Warmup``. A day is 24 hours at one step of the plan, counted from 0; an hour is one of the clock, in UTC.
It knows nothing of pools or of who writes it down.
"""

import enum
from typing import Final

import msgspec

from angarium.queue.model import UnixMs
from angarium.reputation.health import Counts, Health, find_health

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# A source that sent nothing for so long is a stranger again
IDLE_MS: Final = 30 * DAY_MS
# The clock may go back so far, and it waits until the hour that it had come to. Ours: time servers correct less
STEP_BACK_HOURS: Final = 2
# Messages reserved on disk ahead of their use: what a crash may cost of an hour. Ours
LEAST_BLOCK: Final = 10
BLOCKS_PER_HOUR: Final = 10


class WarmupRecord(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """On disk as it stands: fields are only ever appended."""

    day: int = 0  # of the plan; as many as it has: warm
    day_began: UnixMs = UnixMs(0)
    hour: int = 0  # since 1970
    reserved: int = 0  # messages of that hour that may have been sent
    today: int = 0  # the same of the day
    last_hour: int = 0  # in which something was sent; 0: none yet
    counts: Counts = Counts()  # of the day
    is_held: bool = False  # by an operator: it goes no further
    note: str = ""  # why it last stayed or stepped back
    stepped: int = 0  # the hour in which it last stepped back
    overflowed: int = 0  # of the day: messages that it could not send, and a smart host did
    restrained: str = ""  # why a rule restrained the source on this day


class Hindrance(enum.Enum):
    HOUR = "hour"  # the hour's messages are sent
    UNWRITTEN = "unwritten"  # more of them are being reserved: a moment


class Warmup:
    """One source at one provider; times may step back.

    Invariant WU1: in no hour of the clock is more taken than the plan allows on that day, over crashes too: nothing is
    taken that is not reserved on disk, and what is reserved counts as taken after a crash.
    Invariant WU2: while the provider takes what is sent and no day passes without mail, the day rises and never falls.
    """

    def __init__(self, plan: tuple[int, ...], record: WarmupRecord | None, now: UnixMs) -> None:
        """``record``: as it was last written; None: it begins."""
        self.plan = plan
        hour = now // HOUR_MS
        known = record or WarmupRecord(hour=hour, day_began=UnixMs(hour * HOUR_MS))
        self._written = record
        self._day = min(known.day, len(plan))
        self._day_began = known.day_began
        self._hour = known.hour
        self._used = self._granted = known.reserved  # WU1
        self._asked = 0  # of the hour, for which a reservation is missed
        self._today = known.today
        self._last_hour = known.last_hour
        self._counts = known.counts
        self.is_held = known.is_held
        self._note = known.note
        self._stepped = known.stepped
        self._overflowed = known.overflowed
        self._restrained = known.restrained

    # --- what is known

    @property
    def day(self) -> int:
        return min(self._day, len(self.plan))

    @property
    def is_warm(self) -> bool:
        return self._day >= len(self.plan)

    @property
    def cap(self) -> int | None:
        """How many an hour it may send on this day; None: as many as there are."""
        return None if self.is_warm else self.plan[self._day]

    @property
    def used(self) -> int:
        """Of this hour's."""
        return self._used

    @property
    def last_hour(self) -> int:
        """In which something was sent, since 1970; 0: none yet."""
        return self._last_hour

    @property
    def today(self) -> int:
        return self._today

    @property
    def overflowed(self) -> int:
        """Of this day: what a smart host sent instead."""
        return self._overflowed

    @property
    def counts(self) -> Counts:
        return self._counts

    @property
    def note(self) -> str:
        """Why it last stayed or stepped back, or why it will stay; "" for nothing of that."""
        return self._note

    def opens_at(self, now: UnixMs) -> UnixMs:
        """When the next hour begins of which something may be left."""
        hour = self._hour if now // HOUR_MS < self._hour else self._hour + 1
        return UnixMs(hour * HOUR_MS)

    @property
    def next_step(self) -> UnixMs:
        """When its next day begins, or this one again."""
        return UnixMs(self._day_began + DAY_MS)

    def eta(self, messages: int, now: UnixMs) -> UnixMs | None:
        """Return when so many have been sent if nothing goes wrong and no other source helps.

        None: it is warm by then, and other limits decide.
        """
        day, hour, used, left = self._day, now // HOUR_MS, self._used, messages
        end = (self._day_began + DAY_MS) // HOUR_MS  # the first hour of the next day
        while day < len(self.plan):
            room = max(0, self.plan[day] - used)
            if left <= room:
                return UnixMs(max(now, hour * HOUR_MS))
            left -= room
            hours = -(-left // self.plan[day])
            if self.is_held or hour + hours < end:
                return UnixMs((hour + hours) * HOUR_MS)
            left -= self.plan[day] * max(0, end - hour - 1)
            hour, used, day = max(end, hour + 1), 0, day + 1
            end = hour + DAY_MS // HOUR_MS
        return None

    # --- what is sent

    def find_hindrance(self, messages: int, now: UnixMs) -> Hindrance | None:
        """Return why so many may not be sent now. Counts nothing; what is missed of the reservation is remembered."""
        self.turn(now)
        if self.is_warm:
            return None
        if now // HOUR_MS < self._hour or self._used + messages > self.plan[self._day]:
            return Hindrance.HOUR
        if self._used + messages > self._granted:
            self._asked = max(self._asked, self._used + messages)
            return Hindrance.UNWRITTEN
        return None

    def take(self, messages: int, now: UnixMs) -> None:
        """Count what is about to be sent, where ``find_hindrance`` found none."""
        self.turn(now)
        self._used += messages
        self._today += messages
        self._last_hour = max(self._last_hour, self._hour)

    def overflow(self, messages: int, now: UnixMs) -> None:
        """Count what a smart host sends instead."""
        self.turn(now)
        self._overflowed += messages

    def told(self, counts: Counts, now: UnixMs) -> None:
        """Hear what became of some. Bad news has it step back at once, once an hour."""
        self.turn(now)
        if self.is_warm:
            return
        self._counts = self._counts.plus(counts)
        finding = find_health(self._counts)
        if finding.health is Health.BAD and self._stepped != self._hour:
            self._step_back(finding.text)

    def restrained(self, why: str, now: UnixMs, *, is_suspended: bool) -> None:
        """Hear that the provider's replies have a rule restrain the source: shares of outcomes do not show it, as
        little is sent then. The day is not followed by the next; a suspension takes it a day back, once in 24 hours.
        """
        self.turn(now)
        if self.is_warm or self._restrained:
            return
        has_stepped = self._stepped * HOUR_MS >= self._day_began
        if is_suspended and (self._hour - self._stepped) * HOUR_MS >= DAY_MS:
            self._step_back(why)
        elif not has_stepped:  # else the note has more: why it is at this day
            self._note = f"it will stay at day {self._day}: {why}"
        self._restrained = why

    def turn(self, now: UnixMs) -> None:
        """Come to this hour, and to the next day when it is time."""
        hour = now // HOUR_MS
        if hour > self._hour:
            self._hour = hour
            self._used = self._granted = self._asked = 0
            if self._last_hour and (hour - self._last_hour) * HOUR_MS >= IDLE_MS:
                self._begin_day(0, "it began again after 30 days without mail")
                self._last_hour = 0
            elif hour * HOUR_MS - self._day_began >= DAY_MS:
                self._end_day()
        elif hour < self._hour - STEP_BACK_HOURS:
            # What was sent in this hour before is not known any more: it counts as full
            self._hour = hour
            self._used = self._granted = max(self._used, self.cap or 0)  # WU1
            self._day_began = UnixMs(min(self._day_began, hour * HOUR_MS))
            self._last_hour = min(self._last_hour, hour)

    # --- what operators do

    def hold(self, *, on: bool) -> None:
        """Stay at this day, or go on from it. It steps back all the same where a provider is ill-disposed."""
        self.is_held = on

    def promote(self, *, to_end: bool = False) -> None:
        """Go on to the next day at once, or be warm."""
        self.is_held = False
        self._begin_day(len(self.plan) if to_end else min(self._day + 1, len(self.plan)), "")

    def restart(self) -> None:
        self.is_held = False
        self._begin_day(0, "")

    # --- what is on disk

    @property
    def record(self) -> WarmupRecord:
        """What is to be written now, with what is reserved by it."""
        return WarmupRecord(
            day=self._day,
            day_began=self._day_began,
            hour=self._hour,
            reserved=self._wanted(),
            today=0 if self.is_warm else self._today,
            last_hour=self._last_hour,
            counts=self._counts,
            is_held=self.is_held,
            note=self._note,
            stepped=self._stepped,
            overflowed=self._overflowed,
            restrained=self._restrained,
        )

    @property
    def final_record(self) -> WarmupRecord:
        """The same when nothing more is sent: what was reserved and not used is given back."""
        return msgspec.structs.replace(self.record, reserved=self._used)

    def is_written(self, record: WarmupRecord) -> bool:
        return record == self._written

    def written(self, record: WarmupRecord) -> None:
        """This is on disk now."""
        self._written = record
        if record.hour == self._hour:
            self._granted = max(self._granted, record.reserved)

    def _wanted(self) -> int:
        """A block more whenever half a block is left."""
        if self.is_warm:
            return 0
        cap = self.plan[self._day]
        block = max(LEAST_BLOCK, cap // BLOCKS_PER_HOUR)
        if not self._used and not self._asked:
            return self._granted
        if self._asked <= self._granted and self._granted - self._used > block // 2:
            return self._granted
        return max(self._granted, min(cap, max(self._asked, self._used) + block))

    # --- days

    def _end_day(self) -> None:
        finding = find_health(self._counts)
        if finding.health is Health.BAD:
            self._step_back(finding.text)
        elif finding.health is Health.SICK:
            self._begin_day(self._day, f"it stayed at day {self.day}: {finding.text}")
        elif self._restrained:
            self._begin_day(self._day, f"it stayed at day {self.day}: {self._restrained}")
        elif self.is_held or not self._today or self.is_warm:
            self._begin_day(self._day, self._note)
        else:
            self._begin_day(self._day + 1, "")  # WU2

    def _step_back(self, why: str) -> None:
        day = max(0, self._day - 1)
        self._stepped = self._hour
        what = f"went from day {self._day} to day {day}" if self._day else "began day 0 again"
        self._begin_day(day, f"it {what}: {why}")

    def _begin_day(self, day: int, note: str) -> None:
        """The hour goes on: what was sent in it counts."""
        self._day = day
        self._day_began = UnixMs(self._hour * HOUR_MS)
        self._today = self._overflowed = 0
        self._restrained = ""
        # People read their mail later: who complains today may have got it yesterday
        self._counts = Counts(before=max(self._counts.delivered, self._counts.before))
        self._note = note
