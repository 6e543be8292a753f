"""Writes events into the projection: a batch, and how far it is then, in one transaction. Blocks: in a thread."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.history.bulk import Bulk, inserting
from angarium.history.course import Course, begin_course, find_index, retrace
from angarium.history.database import HistoryDatabase
from angarium.history.labels import labels_of
from angarium.history.opening import Keeps
from angarium.history.tables import EVENT, LABEL, MESSAGE, STATE
from angarium.queue.event_log import Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.catalogue import decode_readable, encode_known, readable_head
from angarium.queue.events.clicked import Clicked
from angarium.queue.events.domain_failed import DomainFailed
from angarium.queue.events.domain_recovered import DomainRecovered
from angarium.queue.events.domain_verified import DomainVerified
from angarium.queue.events.fetched import Fetched
from angarium.queue.events.opened import Opened
from angarium.queue.events.sender_paused import SenderPaused
from angarium.queue.events.sender_resumed import SenderResumed
from angarium.queue.events.shape import MessageEvent
from angarium.queue.events.tracking_host_failed import TrackingHostFailed
from angarium.queue.events.tracking_host_verified import TrackingHostVerified
from angarium.queue.model import MessageId, UnixMs

# What tenants are told besides what happens to their messages
OF_TENANTS: Final = (
    *(DomainVerified, DomainFailed, DomainRecovered, TrackingHostVerified, TrackingHostFailed),
    *(SenderPaused, SenderResumed),
)
OF_NO_MESSAGE: Final = 0
# Ours: messages that are deleted in one transaction
FORGET_STEP: Final = 500

_COURSES: Final = sa.select(MESSAGE).where(MESSAGE.c.id.in_(sa.bindparam("ids", expanding=True)))
_RAW: Final = sa.select(EVENT.c.raw).where(EVENT.c.sequence == sa.bindparam("number"))
_MOVE: Final = sa.update(STATE).values(position=sa.bindparam("to"))
_CHANGE: Final = Bulk(
    sa.update(MESSAGE)
    .where(MESSAGE.c.number == sa.bindparam("of"))
    .values(
        due=sa.bindparam("due_"),
        updated=sa.bindparam("updated_"),
        sent=sa.bindparam("sent_"),
        status=sa.bindparam("status_"),
        states=sa.bindparam("states_"),
    ),
    ("due_", "updated_", "sent_", "status_", "states_", "of"),
)
_NEW_MESSAGES: Final = inserting(MESSAGE)
_NEW_EVENTS: Final = inserting(EVENT)
_NEW_LABELS: Final = inserting(LABEL)
_OLD_LABELS: Final = Bulk(
    sa.delete(LABEL).where(*[each == sa.bindparam(f"{each.name}_") for each in LABEL.columns]),
    [f"{each.name}_" for each in LABEL.columns],
)
# Who opened, clicked, or had something fetched; in ``raw`` the number is behind one octet
_TOLD_NUMBERS: Final = [each.number.to_bytes(2, "big") for each in (Opened, Clicked, Fetched)]
_TOLD: Final = (
    sa.select(EVENT.c.sequence, EVENT.c.message, EVENT.c.raw)
    .where(
        EVENT.c.sequence > sa.bindparam("after"),
        sa.func.substr(EVENT.c.raw, 2, 2).in_(sa.bindparam("numbers", expanding=True)),
    )
    .order_by(EVENT.c.sequence)
    .limit(FORGET_STEP)
)
_OLDEST: Final = (
    sa.select(MESSAGE.c.number, MESSAGE.c.created, MESSAGE.c.updated, MESSAGE.c.due)
    .where(MESSAGE.c.number > sa.bindparam("after"))
    .order_by(MESSAGE.c.number)
    .limit(FORGET_STEP)
)


Row = tuple[Any, ...]


class Projection:
    """The one writer. Not for two threads at once.

    Invariant HD1: each event is in it at most once: what is not behind the position is passed over, and the position is
    written with what it stands for.
    """

    def __init__(self, database: HistoryDatabase, keeps: Keeps) -> None:
        """``keeps``: whether a message has a history at all, by its first event."""
        self._database = database
        self._keeps = keeps
        self.position = 0  # all up to here is in it, or is not to be

    def begin(self, queue: bytes, newest: int) -> int:
        """As ``HistoryDatabase.prepare``. Events behind ``newest``, the queue's last one, are taken back: the queue was
        restored to an earlier state, and gives their numbers to others.
        """
        self.position = self._database.prepare(queue)
        if self.position > newest:
            with self._database.writing() as connection:
                _take_back(connection, newest)
                connection.execute(_MOVE, {"to": newest})
            self.position = newest
        return self.position

    def write(self, batch: Sequence[Position]) -> None:
        """On disk when it returns, but for a power cut. Raises HistoryAwayError; then nothing was written."""
        fresh = [each for each in batch if each.sequence > self.position]  # HD1
        if not fresh:
            return
        with self._database.writing() as connection:
            _Step(connection, self._keeps).write(fresh)
            connection.execute(_MOVE, {"to": fresh[-1].sequence})  # HD1
        self.position = fresh[-1].sequence

    def forget(self, before: UnixMs, after: int) -> int | None:
        """Delete, of the messages behind number ``after``, some that nothing has happened to since ``before``, and
        nothing is to.

        One small transaction. Returns behind which number to go on; None: what follows is newer, or there is none.
        """
        with self._database.writing() as connection:
            rows = connection.execute(_OLDEST, {"after": after}).all()
            over = [each.number for each in rows if max(each.updated, each.due) < before]
            if over:
                _delete(connection, over)
            _delete_of_tenants(connection, after)
        if len(rows) < FORGET_STEP or rows[-1].created >= before:
            return None
        return int(rows[-1].number)

    def forget_told(self, before: UnixMs, after: int) -> int | None:
        """Delete, of the events behind ``after``, some that say who read what, and are older.

        Messages are then as far as the rest of their events says (HC1).

        As ``forget``.
        """
        with self._database.writing() as connection:
            rows = connection.execute(_TOLD, {"after": after, "numbers": _TOLD_NUMBERS}).all()
            over = [each for each in rows if readable_head(bytes(each.raw)).at < before]
            if over:
                gone = [each.sequence for each in over]
                connection.execute(sa.delete(EVENT).where(EVENT.c.sequence.in_(gone)))
                changed = sorted({each.message for each in over} - {OF_NO_MESSAGE})
                courses = [_change_row(_course_of(connection, each)) for each in changed]
                _CHANGE.run(connection, courses)
        if len(rows) < FORGET_STEP or len(over) < len(rows):
            return None
        return int(rows[-1].sequence)


def _delete_of_tenants(connection: Connection, before: int) -> None:
    """Of what is about no message: it is as old as the messages that were told of before it."""
    connection.execute(
        sa.delete(EVENT).where(EVENT.c.message == OF_NO_MESSAGE, EVENT.c.sequence < before)
    )


def _take_back(connection: Connection, newest: int) -> None:
    touched = sa.select(EVENT.c.message).where(EVENT.c.sequence > newest).distinct()
    found = connection.execute(touched).scalars()
    numbers = [int(each) for each in found if each != OF_NO_MESSAGE]
    gone = [each for each in numbers if each > newest]
    for start in range(0, len(gone), FORGET_STEP):
        _delete(connection, gone[start : start + FORGET_STEP])
    connection.execute(sa.delete(EVENT).where(EVENT.c.sequence > newest))
    for number in numbers:
        if number <= newest:
            _CHANGE.run(connection, [_change_row(_course_of(connection, number))])


def _course_of(connection: Connection, number: int) -> Course:
    """Return how far a message is by its events alone."""
    rows = connection.execute(
        sa.select(EVENT.c.sequence, EVENT.c.raw)
        .where(EVENT.c.message == number)
        .order_by(EVENT.c.sequence)
    )
    course = retrace([Position(each.sequence, decode_readable(bytes(each.raw))) for each in rows])
    assert course is not None  # the first one is under this number
    return course


def _delete(connection: Connection, numbers: Sequence[int]) -> None:
    """Labels by their whole key: they have no index by message."""
    accepted = sa.select(EVENT.c.sequence, EVENT.c.tenant, EVENT.c.raw)
    labels: list[Row] = []
    for row in connection.execute(accepted.where(EVENT.c.sequence.in_(numbers))):
        event = decode_readable(bytes(row.raw))
        if isinstance(event, MessageAccepted):
            labels += _label_rows(begin_course(row.sequence, event), event)
    _OLD_LABELS.run(connection, labels)
    connection.execute(sa.delete(EVENT).where(EVENT.c.message.in_(numbers)))
    connection.execute(sa.delete(MESSAGE).where(MESSAGE.c.number.in_(numbers)))


class _Step:
    """One batch, in its transaction."""

    def __init__(self, connection: Connection, keeps: Keeps) -> None:
        self._connection = connection
        self._keeps = keeps
        self._courses: dict[MessageId, Course] = {}
        self._addresses: dict[int, tuple[str, ...]] = {}  # by the message's number
        self._new: dict[int, Course] = {}
        self._changed: dict[int, Course] = {}
        self._events: list[Row] = []
        self._labels: list[Row] = []

    def write(self, batch: Sequence[Position]) -> None:
        self._find_courses(batch)
        for each in batch:
            if isinstance(each.event, MessageEvent):
                self._take(each, each.event)
            elif isinstance(each.event, OF_TENANTS):
                raw = encode_known(each.event)
                self._events.append((each.sequence, OF_NO_MESSAGE, each.event.tenant, raw))
        connection = self._connection
        _NEW_MESSAGES.run(connection, [_message_row(each) for each in self._new.values()])
        _NEW_EVENTS.run(connection, self._events)
        _NEW_LABELS.run(connection, sorted(self._labels))  # neighbours share pages
        _CHANGE.run(connection, [_change_row(each) for each in self._changed.values()])

    def _take(self, position: Position, event: MessageEvent) -> None:
        course = self._courses.get(event.message_id)
        if course is None:
            if not isinstance(event, MessageAccepted) or not self._keeps(event):
                return  # its beginning is not kept any more, or it is to have no history
            course = self._begin(position.sequence, event)
        else:
            number = course.number
            index = find_index(event, course.recipients, lambda: self._addresses_of(number))
            course.take(event, index)
            if number not in self._new:
                self._changed[number] = course
        raw = encode_known(position.event)
        self._events.append((position.sequence, course.number, course.tenant, raw))

    def _begin(self, sequence: int, accepted: MessageAccepted) -> Course:
        course = begin_course(sequence, accepted)
        self._courses[course.id] = self._new[sequence] = course
        self._addresses[sequence] = accepted.recipients
        self._labels += _label_rows(course, accepted)
        return course

    def _find_courses(self, batch: Sequence[Position]) -> None:
        """Of those that do not begin here. A message that is accepted a second time goes on as it was."""
        ids = {each.event.message_id for each in batch if isinstance(each.event, MessageEvent)}
        if ids:
            for row in self._connection.execute(_COURSES, {"ids": list(ids)}):
                course = read_course(row)
                self._courses[course.id] = course

    def _addresses_of(self, number: int) -> tuple[str, ...]:
        found = self._addresses.get(number)
        if found is None:
            raw = self._connection.execute(_RAW, {"number": number}).scalar_one()
            event = decode_readable(bytes(raw))
            found = event.recipients if isinstance(event, MessageAccepted) else ()
            self._addresses[number] = found
        return found


def read_course(row: Any) -> Course:
    return Course(
        number=row.number,
        id=MessageId(bytes(row.id)),
        tenant=row.tenant,
        created=UnixMs(row.created),
        due=UnixMs(row.due),
        updated=UnixMs(row.updated),
        sent=None if row.sent is None else UnixMs(row.sent),
        states=bytearray(row.states),
    )


def _message_row(course: Course) -> Row:
    return (
        course.number,
        course.id,
        course.tenant,
        course.created,
        course.due,
        course.updated,
        course.sent,
        int(course.status),
        bytes(course.states),
    )


def _change_row(course: Course) -> Row:
    status, states = int(course.status), bytes(course.states)
    return course.due, course.updated, course.sent, status, states, course.number


def _label_rows(course: Course, accepted: MessageAccepted) -> list[Row]:
    return [
        (course.tenant, int(label), value, course.created, course.number)
        for label, value in labels_of(accepted)
    ]
