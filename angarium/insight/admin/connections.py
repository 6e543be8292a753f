"""Which connections are open, and end one of them."""

from typing import Literal

import msgspec

from angarium.insight.admin.protocol import Question, Refused
from angarium.queue import UnixMs


class OpenConnection(msgspec.Struct, frozen=True, kw_only=True):
    """With a client (in), or with a mail host (out)."""

    id: str  # <slot>/<number>; unique while the process lives
    direction: Literal["in", "out"]
    since: UnixMs  # of the connection; of its opening while it is being opened
    phase: str  # in: command | data | ...; out: opening | idle | transfer | ...
    peer: str  # the client's address; the host's name
    address: str = ""  # of the host; "" until one answered
    place: str = ""  # in: the listener; out: the site
    source: str = ""  # out: the egress source
    user: str = ""  # in: who is logged in
    transfers: int = 0  # messages so far
    awaits: str = ""  # out, opening: "connected for 73 s, no banner yet"
    hangs: bool = False  # out: has been being opened for over 10 s


class OpenConnections(msgspec.Struct, frozen=True):
    connections: tuple[OpenConnection, ...]  # oldest first
    left_off: int = 0  # more than are named


class ListConnections(Question[OpenConnections, None], frozen=True, tag="connections"):
    """Delivery and ingress answer for their own."""


class ConnectionEnded(msgspec.Struct, frozen=True):
    connection: OpenConnection  # as it was


class EndConnection(Question[ConnectionEnded, None], frozen=True, tag="end_connection"):
    """Cut it at once: what is in transfer may have been delivered, and is tried again, marked in doubt."""

    id: str
    reason: str = ""


def number_of(connection_id: str, slot: str) -> int | None:
    """Return the number of a connection of this process; None: it is none of its ids."""
    place, _, number = connection_id.rpartition("/")
    return int(number) if place == slot and number.isascii() and number.isdecimal() else None


def no_such_connection(connection_id: str) -> Refused:
    text = f"{connection_id}: no such connection (any more); postmaster connections lists them"
    return Refused("not_found", text)
