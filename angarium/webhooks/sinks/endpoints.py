"""Tells each endpoint in the way that its URL's scheme names: by HTTP, or to a sink."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from angarium.webhooks.caller import Answered, Caller, printable
from angarium.webhooks.courier import Letter
from angarium.webhooks.guard import ENDPOINTS, Guard, UrlError
from angarium.webhooks.sinks.sink import Place, Sink, SinkError, is_sink, read_place

MOST: Final = 100  # sinks with something open; beyond, the one that was idle longest is closed
IDLE_S: Final = 60.0
# What a sink has taken is told as HTTP has it
TAKEN: Final = 200


class Makes(Protocol):
    def __call__(self, place: Place) -> Sink: ...


class _Open:
    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.used = 0.0
        self.under_way = 0


class Endpoints:
    """Satisfies ``courier.Posts``. Belongs to one event loop.

    Invariant SK2: telling a sink ends within the time-out; one that could not be reached is opened anew.
    """

    def __init__(
        self,
        caller: Caller,
        guard: Guard,
        make: Makes,
        *,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._caller = caller
        self._guard = guard
        self._make = make
        self._timeout_s = timeout_s
        self._clock = clock
        self._open: dict[str, _Open] = {}

    async def post(self, letter: Letter) -> Answered:
        """Return what came of it; never raises for what the far end does."""
        if not is_sink(letter.url):
            return await self._caller.post(letter.url, letter.headers, letter.body)
        begun = self._clock()
        status, text = 0, ""
        try:
            text = await self._told(letter)
            status = TAKEN
        except UrlError as error:
            text = f"the URL {error}"
        except TimeoutError:
            text = f"no answer within {self._timeout_s:g} s"
        except (SinkError, OSError, ValueError, ImportError) as error:
            text = str(error) or type(error).__name__
        return Answered(
            status=status,
            text=printable(text),
            duration_ms=int((self._clock() - begun) * 1000),
        )

    async def close(self) -> None:
        for each in list(self._open.values()):
            await each.sink.close()
        self._open.clear()
        await self._caller.close()

    async def _told(self, letter: Letter) -> str:
        place = read_place(self._guard.read_url(letter.url, ENDPOINTS))
        if letter.url not in self._open:
            await self._make_room()
        opened = self._open.get(letter.url)
        if opened is None:
            opened = self._open[letter.url] = _Open(self._make(place))
        opened.under_way += 1
        try:
            async with asyncio.timeout(self._timeout_s):  # SK2
                return await opened.sink.tell(letter)
        except OSError:  # a time-out, too
            if self._open.get(letter.url) is opened:
                del self._open[letter.url]  # SK2
            await opened.sink.close()
            raise
        finally:
            opened.under_way -= 1
            opened.used = self._clock()

    async def _make_room(self) -> None:
        """Close what has been idle, and so much more that there is room for one."""
        now = self._clock()
        idle = sorted(
            ((each.used, url) for url, each in self._open.items() if not each.under_way),
        )
        for used, url in idle:
            if now - used < IDLE_S and len(self._open) < MOST:
                break
            await self._open.pop(url).sink.close()
