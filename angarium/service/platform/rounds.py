"""Looks at what others keep, each thing when it is due: at once when it is new, and then again and again."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, TypeVar

import msgspec

from angarium.queue import QueueError, UnixMs
from angarium.telemetry import log, log_exception
from angarium.tenancy import TenancySetupError

# Ours: with the publisher's quarter of a second, what is new is looked at within one
LOOK_S: Final = 0.5
AFTER_TROUBLE_MS: Final = 60_000
T = TypeVar("T")


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    where: str  # "domains": for the log, as the next two, which are events
    slow: str  # one took too long
    resting: str  # nothing can be looked at now
    field: str  # of the first, that has the thing's name
    at_once: int  # things; what others keep is not hurried
    within_s: float  # for one thing, whatever its nameservers do
    slow_ms: int  # until what took longer is looked at again


class Rounds(Generic[T]):
    """What is due is in memory alone: whoever follows what there is says when each is to be looked at.

    Invariant RND1: at most ``at_once`` things are looked at, each once at a time.
    """

    def __init__(
        self,
        habits: Habits,
        follow: Callable[[], Awaitable[None]],
        look: Callable[[T], Awaitable[None]],
        name: Callable[[T], str],
        clock: Callable[[], UnixMs],
    ) -> None:
        """Where ``follow`` or ``look`` raises TenancySetupError or QueueError, nothing is looked at for a minute.

        ``follow``: takes over what there is, by ``put`` and ``drop``, at each turn. ``look``: looks at one thing, and
        puts it anew. ``name``: of it, for the log.
        """
        self._habits = habits
        self._follow = follow
        self._look = look
        self._name = name
        self._clock = clock
        self._due: dict[str, tuple[UnixMs, T]] = {}
        self._under_way: set[str] = set()
        self._rest_until = UnixMs(0)
        self._trouble = ""

    @property
    def things(self) -> Mapping[str, T]:
        """By their keys."""
        return {key: thing for key, (_, thing) in self._due.items()}

    def known(self) -> list[str]:
        return list(self._due)

    def find(self, key: str) -> T | None:
        known = self._due.get(key)
        return None if known is None else known[1]

    def put(self, key: str, thing: T, at: UnixMs) -> None:
        """Look at it then, and no longer at what had its key."""
        self._due[key] = (at, thing)

    def drop(self, key: str) -> None:
        self._due.pop(key, None)

    def postpone(self, key: str, by_ms: int = AFTER_TROUBLE_MS) -> None:
        """Look at it so much later than now; 0: at once."""
        if (known := self._due.get(key)) is not None:
            self._due[key] = (UnixMs(self._clock() + by_ms), known[1])

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self.turn(tasks)
                await asyncio.sleep(LOOK_S)

    async def turn(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to look at what is due, as far as there is room; the rest waits."""
        now = self._clock()
        if now < self._rest_until:
            return
        try:
            await self._follow()
        except (TenancySetupError, QueueError) as error:
            self._rest(str(error))
            return
        except Exception as error:  # noqa: BLE001  (periodic: the next time may do)
            log_exception("internal_error", error, where=self._habits.where)
            self._rest_until = UnixMs(now + AFTER_TROUBLE_MS)
            return
        free = self._habits.at_once - len(self._under_way)  # RND1
        due = [
            (at, key)
            for key, (at, _) in self._due.items()
            if at <= now and key not in self._under_way
        ]
        for _, key in sorted(due)[:free]:
            self._under_way.add(key)
            tasks.create_task(self._look_at(key, self._due[key][1]))

    async def _look_at(self, key: str, thing: T) -> None:
        try:
            async with asyncio.timeout(self._habits.within_s):
                await self._look(thing)
            self._trouble = ""
        except TimeoutError:
            self.postpone(key, self._habits.slow_ms)
            about = {self._habits.field: self._name(thing), "within_s": self._habits.within_s}
            log(self._habits.slow, "warning", **about)
        except (TenancySetupError, QueueError) as error:
            self.postpone(key)
            self._rest(str(error))
        except Exception as error:  # noqa: BLE001  (one of them must not end the others)
            self.postpone(key)
            log_exception("internal_error", error, where=self._habits.where)
        finally:
            self._under_way.discard(key)

    def _rest(self, trouble: str) -> None:
        """What cannot be done now is tried again in a minute, and said once."""
        self._rest_until = UnixMs(self._clock() + AFTER_TROUBLE_MS)
        if trouble != self._trouble:
            log(self._habits.resting, "error", problem=trouble)
        self._trouble = trouble


def spread_of(key: str) -> float:
    """Return from 0 to 1, always the same of a key: things are looked at all over the day."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") / 2**32
