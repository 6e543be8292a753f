"""What supervisor and processes tell each other, over a socket pair whose end also shows that the other one died."""

import asyncio
import socket
from typing import Final

import msgspec

from angarium.config.schema import Config
from angarium.host.identity import Identity
from angarium.insight.admin.reloading import ReloadResult
from angarium.service.life.slot import Slot

MAX_FRAME_OCTETS: Final = 64 * 1024 * 1024  # ours: a configuration of 4 MB grows when encoded
_LENGTH_OCTETS: Final = 4


class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    run: str  # of the RoleSpec
    slots: tuple[Slot, ...]  # of the whole server
    config: Config
    identity: Identity | None  # whom to become
    reload: ReloadResult | None = None  # the last one, which ``config`` is of if it was taken


class Reload(msgspec.Struct, frozen=True, kw_only=True, tag="reload"):
    # None: there is nothing to take; it was refused, or the process is about to be renewed
    config: Config | None
    result: ReloadResult


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    drain_s: float
    last_reply_s: float  # not less


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The role does its work."""


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The event loop turns."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The role cannot start and says why."""

    text: str
    code: int  # of sysexits


class ReloadAsked(msgspec.Struct, frozen=True, tag="reload_asked"):
    """Somebody asks the process for one."""

    token: int  # in ``ReloadResult.answers`` once it is done


Order = Start | Reload | Stop
Report = Ready | Beat | Failed | ReloadAsked

_ORDERS: Final = msgspec.json.Decoder(Order)
_REPORTS: Final = msgspec.json.Decoder(Report)


def frame(message: Order | Report) -> bytes:
    octets = msgspec.json.encode(message)
    return len(octets).to_bytes(_LENGTH_OCTETS, "big") + octets


async def read_order(reader: asyncio.StreamReader) -> Order | None:
    """Return the supervisor's next order, None when it is gone."""
    octets = await _read(reader)
    return None if octets is None else _ORDERS.decode(octets)


async def read_report(reader: asyncio.StreamReader) -> Report | None:
    octets = await _read(reader)
    return None if octets is None else _REPORTS.decode(octets)


def receive_order(control: socket.socket) -> Order | None:
    """The same before there is an event loop; blocks."""
    head = control.recv(_LENGTH_OCTETS, socket.MSG_WAITALL)
    if len(head) < _LENGTH_OCTETS:
        return None
    length = int.from_bytes(head, "big")
    octets = bytearray()
    while len(octets) < length:
        chunk = control.recv(length - len(octets))
        if not chunk:
            return None
        octets += chunk
    order: Order = _ORDERS.decode(bytes(octets))
    return order


async def _read(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readexactly(_LENGTH_OCTETS)
        length = int.from_bytes(head, "big")
        return await reader.readexactly(length) if length <= MAX_FRAME_OCTETS else None
    except (asyncio.IncompleteReadError, OSError):
        return None
