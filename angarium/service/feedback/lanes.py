"""Whose mail a short reference is of: the tenant and stream behind its lane, kept for as long as mail may come back."""

import asyncio
from typing import Final

import msgspec

from angarium.feedback.marks import Marker, Marks
from angarium.feedback.reference import Subject, lane_of
from angarium.queue import QueueError, UnixMs
from angarium.queue.keepsakes import Keepsakes

PREFIX: Final = "lane/"
# Ours, of the names that are known not to need another write
MAX_KNOWN: Final = 10_000
Lane = tuple[str, str]  # tenant, stream

_decoder: Final = msgspec.msgpack.Decoder(tuple[str, str])


class LaneRegister:
    """Several processes write it, of each lane the same."""

    def __init__(self, keepsakes: Keepsakes) -> None:
        self._keepsakes = keepsakes
        self._known: dict[bytes, Lane] = {}
        self._writing: set[asyncio.Future[None]] = set()

    def note(self, tenant: str, stream: str) -> None:
        """See that the lane is on disk soon. A write that fails is tried again with the lane's next message."""
        lane = lane_of(tenant, stream)
        if lane in self._known or self.find(lane) is not None:
            return
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[lane] = (tenant, stream)
        value = msgspec.msgpack.encode((tenant, stream))
        writing = asyncio.ensure_future(self._keepsakes.write({PREFIX + lane.hex(): value}))
        self._writing.add(writing)

        def written(done: asyncio.Future[None]) -> None:
            self._writing.discard(done)
            if done.cancelled() or isinstance(done.exception(), QueueError):
                self._known.pop(lane, None)

        writing.add_done_callback(written)

    def find(self, lane: bytes) -> Lane | None:
        known = self._known.get(lane)
        if known is not None:
            return known
        raw = self._keepsakes.read(PREFIX + lane.hex()).get(PREFIX + lane.hex())
        if raw is None:
            return None
        try:
            found = _decoder.decode(raw)
        except msgspec.DecodeError:  # damaged: it is written anew with the lane's next message
            return None
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[lane] = found
        return found


class RegisteringMarker:
    """Marks mail, and sees that its lane is known when something of it comes back."""

    def __init__(self, marker: Marker, lanes: LaneRegister) -> None:
        self._marker = marker
        self._lanes = lanes

    def mark(
        self, subject: Subject, reverse_path: str, header_from: str, header: bytes, now: UnixMs
    ) -> Marks:
        self._lanes.note(subject.tenant, subject.stream)
        return self._marker.mark(subject, reverse_path, header_from, header, now)
