"""A stretch of a tenant's events, from either end, each with what its message's first event said. SQL; blocks."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.history.introducing import introduction_of
from angarium.history.story import Stretch, ToldEvent
from angarium.history.tables import EVENT, MESSAGE
from angarium.queue.event_log import Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.catalogue import decode_readable
from angarium.queue.model import UnixMs

_ACCEPTED: Final = EVENT.alias("accepted")


def read_stretch(
    connection: Connection, tenant: str, wanted: Stretch, limit: int
) -> Sequence[ToldEvent]:
    """Return up to ``limit`` of them; none: there are no more."""
    found = (
        sa.select(EVENT.c.sequence, EVENT.c.raw, _ACCEPTED.c.raw.label("accepted"))
        .outerjoin(_ACCEPTED, _ACCEPTED.c.sequence == EVENT.c.message)
        .where(EVENT.c.tenant == tenant)
        .limit(limit)
    )
    for bound in _bounds(connection, tenant, wanted):
        found = found.where(bound)
    order = EVENT.c.sequence.desc() if wanted.newest_first else EVENT.c.sequence
    return [_told(each) for each in connection.execute(found.order_by(order))]


def _bounds(
    connection: Connection, tenant: str, wanted: Stretch
) -> Sequence[sa.ColumnElement[bool]]:
    """Events have no time of their own here; but the log is in order, and messages have theirs."""
    bounds: list[sa.ColumnElement[bool]] = []
    if wanted.first is not None:
        bounds.append(EVENT.c.sequence >= wanted.first)
    if wanted.last is not None:
        bounds.append(EVENT.c.sequence <= wanted.last)
    if wanted.since is not None:
        before = _neighbour(connection, tenant, wanted.since, is_before=True)
        bounds += [] if before is None else [EVENT.c.sequence > before]
    if wanted.until is not None:
        behind = _neighbour(connection, tenant, wanted.until, is_before=False)
        bounds += [] if behind is None else [EVENT.c.sequence < behind]
    return bounds


def _neighbour(connection: Connection, tenant: str, at: UnixMs, *, is_before: bool) -> int | None:
    """Return the number of the last message that was accepted before a time, or of the first one after it."""
    found = sa.select(MESSAGE.c.number).where(MESSAGE.c.tenant == tenant).limit(1)
    if is_before:
        found = found.where(MESSAGE.c.created < at)
        found = found.order_by(MESSAGE.c.created.desc(), MESSAGE.c.number.desc())
    else:
        found = found.where(MESSAGE.c.created > at)
        found = found.order_by(MESSAGE.c.created, MESSAGE.c.number)
    number = connection.execute(found).scalar()
    return None if number is None else int(number)


def _told(row: Any) -> ToldEvent:
    accepted = None if row.accepted is None else decode_readable(bytes(row.accepted))
    return ToldEvent(
        position=Position(row.sequence, decode_readable(bytes(row.raw))),
        introduction=introduction_of(accepted) if isinstance(accepted, MessageAccepted) else None,
    )
