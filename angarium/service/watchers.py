"""Who watches this process's sessions, and what they are sent. Costs nothing while nobody does."""

import itertools
import os
import socket
from collections.abc import Callable, Sequence, Set
from pathlib import Path
from typing import Final

import msgspec

from angarium.queue import UnixMs
from angarium.routing.host_name import canonical_name
from angarium.service.slot import Slot
from angarium.service.watch_request import (
    REQUEST_OCTETS,
    Request,
    WatchedLine,
    open_sender,
    request_path,
    socket_name,
)
from angarium.smtp.tap import Direction, Opening, RedactingTap, Tap

MAX_WATCHERS: Final = 8  # ours, per server


class _Reader:
    """One who watches. Never waits for it: what it is too slow for is dropped and counted."""

    def __init__(self, request: Request, to: socket.socket) -> None:
        self.request = request
        self._socket = to
        self._dropped = 0
        self.is_gone = False

    def send(self, line: WatchedLine) -> None:
        if self._dropped:
            line = msgspec.structs.replace(line, dropped=self._dropped)
        try:
            self._socket.send(msgspec.json.encode(line))
        except (BlockingIOError, InterruptedError):
            self._dropped += 1
        except OSError:
            self.is_gone = True
        else:
            self._dropped = 0

    def close(self) -> None:
        self.is_gone = True
        self._socket.close()


class Watchers:
    """Looks once a second for requests. Satisfies mta.transport.transfer.SessionTaps."""

    def __init__(self, directory: Path, slot: Slot, clock: Callable[[], UnixMs]) -> None:
        self._directory = directory
        self._slot = slot
        self._clock = clock
        self._readers: dict[int, _Reader] = {}  # by pid
        self.hosts: dict[str, Set[str]] = {}  # of watched domains, as far as they are known
        self._numbers = itertools.count(1)

    @property
    def is_on(self) -> bool:
        return bool(self._readers)

    @property
    def domains(self) -> Set[str]:
        return {each.request.domain for each in self._readers.values() if each.request.domain}

    def look(self) -> bool:
        """Begin and end watching as is asked; returns whether anything changed. Never raises."""
        wanted = self._wanted_pids()
        changed = False
        for pid in [
            pid for pid, each in self._readers.items() if each.is_gone or pid not in wanted
        ]:
            self._readers.pop(pid).close()
            changed = True
        for pid in wanted:
            if pid not in self._readers and len(self._readers) < MAX_WATCHERS:
                changed = self._begin(pid) or changed
        return changed

    def close(self) -> None:
        for each in self._readers.values():
            each.close()
        self._readers.clear()

    def is_watched(self, listener: str) -> bool:
        return any(each.request.listener == listener for each in self._readers.values())

    def open_tap(self, listener: str, client: str) -> Tap | None:
        """For an incoming session."""
        readers = [each for each in self._readers.values() if each.request.listener == listener]
        if not readers:
            return None
        tap = self._tap(
            self._new_session(),
            lambda request: request.listener == listener,
            we_are_client=False,
        )
        tap.note(f"client {client}, listener {listener}")
        return tap

    # -- mta.transport.transfer.SessionTaps

    def find(self, opening: Opening, forward_paths: Sequence[str]) -> Tap | None:
        domains = {canonical_name(each.rpartition("@")[2]) for each in forward_paths}
        readers = [each for each in self._readers.values() if each.request.domain in domains]
        gone = opening.seen_by - {each.request.pid for each in readers}
        if gone:
            opening.seen_by -= gone
            tap = self._tap(
                opening.session, lambda request: request.pid in gone, we_are_client=True
            )
            tap.end("goes on with mail for other domains")
        if not readers:
            return None
        opening.session = opening.session or self._new_session()
        fresh = [each for each in readers if each.request.pid not in opening.seen_by]
        if fresh:
            opening.seen_by.update(each.request.pid for each in fresh)
            self._replay(opening, {each.request.pid for each in fresh})
        return self._tap(
            opening.session, lambda request: request.domain in domains, we_are_client=True
        )

    def opening_failed(self, opening: Opening, host: str, text: str) -> None:
        pids = {
            pid
            for pid, each in self._readers.items()
            if host in self.hosts.get(each.request.domain, ())
        }
        if pids:
            opening.session = opening.session or self._new_session()
            self._replay(opening, pids).end(text)

    # --

    def _wanted_pids(self) -> set[int]:
        """Of askers that live; files of others are removed."""
        try:
            names = [each.name for each in self._directory.iterdir()]
        except OSError:  # nobody ever watched
            return set()
        wanted = set()
        for name in names:
            stem, _, suffix = name.partition(".")
            if suffix not in ("json", "sock") or not (stem.isascii() and stem.isdigit()):
                continue
            if not _is_alive(int(stem)):
                self._remove(int(stem))
            elif suffix == "json":
                wanted.add(int(stem))
        return wanted

    def _begin(self, pid: int) -> bool:
        try:
            with request_path(self._directory, pid).open("rb") as file:
                octets = file.read(REQUEST_OCTETS)
            request = msgspec.json.decode(octets, type=Request)
            sender = open_sender(self._directory, pid)
        except (OSError, msgspec.DecodeError):  # half made, or gone: looked at again in a second
            return False
        self._readers[pid] = _Reader(request, sender)
        return True

    def _remove(self, pid: int) -> None:
        for path in (request_path(self._directory, pid), self._directory / socket_name(pid)):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                continue

    def _replay(self, opening: Opening, pids: Set[int]) -> RedactingTap:
        tap = self._tap(opening.session, lambda request: request.pid in pids, we_are_client=True)
        tap.note(f"host {opening.label}")
        opening.replay(tap)
        return tap

    def _tap(
        self, session: str, is_meant: Callable[[Request], bool], *, we_are_client: bool
    ) -> RedactingTap:
        def show(direction: Direction, text: str) -> None:
            line = WatchedLine(at=self._clock(), session=session, direction=direction, text=text)
            for each in self._readers.values():
                if is_meant(each.request) and not each.is_gone:
                    each.send(line)

        return RedactingTap(show, we_are_client=we_are_client)

    def _new_session(self) -> str:
        return f"{self._slot.name}/{next(self._numbers)}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
