"""A week as it happens: traffic, trouble at the providers, restarts, a clock that is set; and what was seen of it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

import msgspec

from angarium.config.providers import all_providers
from angarium.config.warmup_plan import SHIPPED_PLAN, read_plan
from angarium.queue import Submission, UnixMs
from angarium.reputation.in_force import InForce
from angarium.reputation.warmup import DAY_MS, HOUR_MS
from tests.week.net import Net
from tests.week.node import Node, configuration
from tests.week.providers import (
    APPLE,
    GMAIL,
    GMX,
    OUTLOOK,
    OUTLOOK_BUSY,
    YAHOO,
    MailboxProvider,
    Words,
)
from tests.week.sink import Sink
from tests.week.traffic import TICK_MIN, Users

PLAN: Final = read_plan(SHIPPED_PLAN)
BEGIN: Final = 1_800_000_000_000 // DAY_MS * DAY_MS
FIRST_HOUR: Final = BEGIN // HOUR_MS
HOUR_S: Final = 3600
# A message is transferred within it
LOOK_S: Final = 60
_KNOWN: Final = ("warm",)
_SMALL: Final = Words(too_much="450 4.7.1 Slow down", blocked="554 5.7.1 Go away")


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Hours since the beginning, and times of day where something happens."""

    days: float
    volume: int
    seed: int = 7
    warms_up: bool = True
    crashes: tuple[float, ...] = ()
    drains: tuple[float, ...] = ()
    clock_set: tuple[tuple[float, int], ...] = ()  # hour, and by how many ms it is wrong then
    outlook_busy: tuple[float, float] = (0, 0)
    unauthenticated: tuple[float, float] = (0, 0)  # the careless tenant, at Gmail
    yahoo_bears: int = 22  # of a stranger, for so many days:
    yahoo_is_strict_for: int = 4


def _by_the_plan(age: int) -> int:
    """As published plans have it, and a quarter more."""
    return PLAN[min(age, len(PLAN) - 1)] * 5 // 4


def providers(story: Story) -> list[MailboxProvider]:
    def strict(age: int) -> int:
        return story.yahoo_bears if age < story.yahoo_is_strict_for else _by_the_plan(age)

    gmail = MailboxProvider("gmail", GMAIL, _by_the_plan, _KNOWN)
    yahoo = MailboxProvider("yahoo", YAHOO, strict, _KNOWN)
    outlook = MailboxProvider("outlook", OUTLOOK, _by_the_plan, _KNOWN)
    apple = MailboxProvider("apple", APPLE, _by_the_plan, _KNOWN)
    gmx = MailboxProvider("gmx", GMX, _by_the_plan, _KNOWN)
    small = MailboxProvider("default", _SMALL, _by_the_plan, _KNOWN)
    # Less than we have configured: they say so
    outlook.messages_per_connection = 30
    gmx.connections = 3
    begin, end = story.outlook_busy
    outlook.trouble = (_ms(begin), _ms(end), OUTLOOK_BUSY)
    small.greylists = True
    return [gmail, yahoo, outlook, apple, gmx, small]


def _ms(hour: float) -> int:
    return BEGIN + round(hour * HOUR_MS)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Of a warm-up, at one moment."""

    hour: float
    day: int
    cap: int
    note: str


class Week:
    def __init__(self, story: Story) -> None:
        self.story = story
        self.skew_ms = 0
        self.excesses: list[str] = []
        self.providers = {each.name: each for each in providers(story)}
        limits = {each.name: each for each in all_providers(configuration().provider)}
        self.sinks = {each: Sink(limits[each], self.excesses) for each in self.providers}
        self.net = Net(list(self.providers.values()), self.sinks, self.true_time)
        self.net.senders_clock = self.clock
        self.node = Node(self.net, self.clock, story.seed, warms_up=story.warms_up)
        self.sent: dict[bytes, Submission] = {}
        self.warmth: dict[str, list[Seen]] = defaultdict(list)  # by provider
        self.caps: Counter[tuple[str, int]] = Counter()  # the largest, by provider and hour
        self._is_over = False  # what comes now is what waits
        self.disturbed_hours: set[int] = set()  # by a restart, or a clock that was set
        self.effects: dict[tuple[str, str, str], list[InForce]] = defaultdict(list)

    def true_time(self) -> UnixMs:
        return UnixMs(BEGIN + round(asyncio.get_running_loop().time() * 1000))

    def clock(self) -> UnixMs:
        return UnixMs(self.true_time() + self.skew_ms)

    async def live(self) -> None:
        """All of it, and then until the last message has expired."""
        story, users = self.story, Users(self.story.volume, self.story.seed)
        await self.node.start()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            group.create_task(self._trouble())
            for tick in range(int(story.days * 24 * 60 / TICK_MIN)):
                await self._until(tick * TICK_MIN / 60)
                for mail in users.send(tick):
                    submission = await self.node.accept(
                        *mail.recipients,
                        tenant=mail.tenant,
                        stream=mail.stream,
                        sender=mail.sender,
                        campaign=mail.campaign,
                    )
                    self.sent[submission.message_id] = submission
            self.last_hour = FIRST_HOUR + int(story.days * 24) - 1
            await self._until(story.days * 24)
            self._look()
            self._is_over = True
            expire_h = self.node.config.delivery.expire_s / HOUR_S
            await self._until(story.days * 24 + expire_h + 12)
            watching.cancel()
        await self.node.drain()

    async def _until(self, hour: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, hour * HOUR_S - loop.time()))

    async def _trouble(self) -> None:
        """What happens at its hour, in order."""
        story = self.story
        gmail = self.providers["gmail"]
        happening = sorted(
            [
                *((at, "crash", 0) for at in story.crashes),
                *((at, "drain", 0) for at in story.drains),
                *((at, "clock", by) for at, by in story.clock_set),
                (story.unauthenticated[0], "careless", 1),
                (story.unauthenticated[1], "careless", 0),
            ]
        )
        for at, what, value in happening:
            await self._until(at)
            self.disturbed_hours |= {self.clock() // HOUR_MS, (self.clock() + value) // HOUR_MS}
            match what:
                case "crash":
                    await self.node.crash()
                    await self.node.start()
                case "drain":
                    await self.node.drain()
                    await self.node.start()
                case "clock":
                    self.skew_ms = value
                case _:
                    gmail.unauthenticated = frozenset({"careless.example"} if value else ())

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        now = self.clock()
        for each in self.node.warmups.statuses(now):
            if each.provider not in self.providers or each.hour_limit is None:
                continue
            for hour in (now // HOUR_MS, now // HOUR_MS + 1):  # also if it is less a minute later
                key = (each.provider, hour)
                self.caps[key] = max(self.caps[key], each.hour_limit)
            if self._is_over:
                continue
            seen = Seen(
                hour=(now - BEGIN) / HOUR_MS, day=each.day, cap=each.hour_limit, note=each.note
            )
            known = self.warmth[each.provider]
            if not known or (known[-1].day, known[-1].note) != (seen.day, seen.note):
                known.append(seen)
        for effect in self.node.engine.in_force(now):
            key = (effect.rule, effect.reach.subject, effect.reach.provider)
            found = self.effects[key]
            if found and found[-1].since == effect.since:
                found[-1] = effect
            else:
                found.append(effect)

    # --- what was seen -----------------------------------------------------------------------

    def hours(self) -> Iterator[int]:
        """Whole ones with traffic, by the sender's clock."""
        return iter(range(FIRST_HOUR, self.last_hour + 1))
