"""Who watches this process's sessions, and what they are sent. Costs nothing while nobody does."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence, Set
from typing import Final

import msgspec

from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.watch import WatchedLine, WatchedLines, WatchSessions
from angarium.queue import UnixMs
from angarium.routing.host_name import canonical_name
from angarium.service.admin_socket import Asker, Handlers
from angarium.service.life.slot import Slot
from angarium.smtp.tap import Direction, Opening, RedactingTap, Tap

MAX_WATCHERS: Final = 8  # ours, per process
LINES_KEPT: Final = 2000  # ours, for a reader that is slower than the sessions: 2 MB at most


class _Reader:
    """One who watches. Sessions never wait for it: what it is too slow for is dropped and counted."""

    def __init__(self, wish: WatchSessions) -> None:
        self.wish = wish
        self._lines: deque[WatchedLine] = deque()
        self._dropped = 0
        self._has_lines = asyncio.Event()

    def send(self, line: WatchedLine) -> None:
        if len(self._lines) >= LINES_KEPT:
            self._dropped += 1
            return
        if self._dropped:
            line = msgspec.structs.replace(line, dropped=self._dropped)
            self._dropped = 0
        self._lines.append(line)
        self._has_lines.set()

    async def next_lines(self) -> WatchedLines:
        await self._has_lines.wait()
        self._has_lines.clear()
        lines = WatchedLines(tuple(self._lines))
        self._lines.clear()
        return lines


class Watchers:
    """Satisfies mta.transport.transfer.SessionTaps. ``on_changed`` is called when somebody comes or goes."""

    def __init__(self, slot: Slot, clock: Callable[[], UnixMs]) -> None:
        self._slot = slot
        self._clock = clock
        self._readers: dict[int, _Reader] = {}
        self._reader_numbers = itertools.count(1)
        self._session_numbers = itertools.count(1)
        self.hosts: dict[str, Set[str]] = {}  # of watched domains, as far as they are known
        self.on_changed: Callable[[], None] = lambda: None

    @property
    def is_on(self) -> bool:
        return bool(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    @property
    def domains(self) -> Set[str]:
        return {each.wish.domain for each in self._readers.values() if each.wish.domain}

    def handlers(self) -> Handlers:
        return Handlers().on(WatchSessions, self.watch)

    async def watch(self, wish: WatchSessions, asker: Asker) -> Refused | None:
        """Send lines until the asker hangs up, which cancels this."""
        if bool(wish.domain) == bool(wish.listener):
            return Refused("invalid", "name a domain or a listener, one of them")
        if len(self._readers) >= MAX_WATCHERS:
            return Refused("busy", f"{MAX_WATCHERS} watch already; end another one first")
        number = next(self._reader_numbers)
        reader = self._readers[number] = _Reader(wish)
        self.on_changed()
        try:
            while True:
                await asker.say(await reader.next_lines())
        finally:
            del self._readers[number]
            self.on_changed()

    def is_watched(self, listener: str) -> bool:
        return any(each.wish.listener == listener for each in self._readers.values())

    def open_tap(self, listener: str, client: str) -> Tap | None:
        """For an incoming session."""
        if not self.is_watched(listener):
            return None
        tap = self._tap(
            self._new_session(),
            lambda _, reader: reader.wish.listener == listener,
            we_are_client=False,
        )
        tap.note(f"client {client}, listener {listener}")
        return tap

    # -- mta.transport.transfer.SessionTaps

    def find(self, opening: Opening, forward_paths: Sequence[str]) -> Tap | None:
        domains = {canonical_name(each.rpartition("@")[2]) for each in forward_paths}
        domains |= opening.names
        meant = {number for number, each in self._readers.items() if each.wish.domain in domains}
        gone = opening.seen_by - meant
        if gone:
            opening.seen_by -= gone
            tap = self._tap(opening.session, lambda number, _: number in gone, we_are_client=True)
            tap.end("goes on with mail for other domains")
        if not meant:
            return None
        opening.session = opening.session or self._new_session()
        fresh = meant - opening.seen_by
        if fresh:
            opening.seen_by |= fresh
            self._replay(opening, fresh)
        return self._tap(
            opening.session, lambda _, reader: reader.wish.domain in domains, we_are_client=True
        )

    def opening_failed(self, opening: Opening, host: str, text: str) -> None:
        meant = {
            number
            for number, each in self._readers.items()
            if each.wish.domain in opening.names or host in self.hosts.get(each.wish.domain, ())
        }
        if meant:
            opening.session = opening.session or self._new_session()
            self._replay(opening, meant).end(text)

    # --

    def _replay(self, opening: Opening, readers: Set[int]) -> RedactingTap:
        tap = self._tap(opening.session, lambda number, _: number in readers, we_are_client=True)
        tap.note(f"host {opening.label}")
        opening.replay(tap)
        return tap

    def _tap(
        self, session: str, is_meant: Callable[[int, _Reader], bool], *, we_are_client: bool
    ) -> RedactingTap:
        def show(direction: Direction, text: str) -> None:
            line = WatchedLine(at=self._clock(), session=session, direction=direction, text=text)
            for number, reader in self._readers.items():
                if is_meant(number, reader):
                    reader.send(line)

        return RedactingTap(show, we_are_client=we_are_client)

    def _new_session(self) -> str:
        return f"{self._slot.name}/{next(self._session_numbers)}"
