"""Asks the projection: by id, by what lists are searched by, and for events in order. Blocks: in a thread.

Every question names the tenant, in its SQL. What is asked for together with something else is looked for among the
first so many messages that have the most telling quality, so that no list reads all there is.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from angarium.history.cursors import cursor_text, read_cursor
from angarium.history.database import HistoryDatabase
from angarium.history.introducing import about_of, introduction_of
from angarium.history.labels import Label, bare_id, label_text, labels_wanted
from angarium.history.projection import read_course
from angarium.history.readers import Reader, ReaderPage, may_have_readers, readers_of
from angarium.history.status import Status
from angarium.history.story import (
    Incident,
    IncidentPage,
    Introduction,
    Story,
    StoryFilter,
    StoryPage,
    Stretch,
    ToldEvent,
)
from angarium.history.stretch import read_stretch
from angarium.history.tables import EVENT, LABEL, MESSAGE, STATE
from angarium.history.telling import incident_of, tell
from angarium.queue.about import About
from angarium.queue.event_log import Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.catalogue import decode_readable
from angarium.queue.message_id import parse_message_id
from angarium.queue.model import MessageId, UnixMs

# Ours: events of one message that a story has
INCIDENTS: Final = 1000
# Ours, of messages that are looked at for one page: some ten milliseconds
LOOKED_AT: Final = 5000

_ACCEPTED: Final = EVENT.alias("accepted")
_STORY: Final = sa.select(MESSAGE, _ACCEPTED.c.raw.label("accepted")).join(
    _ACCEPTED, _ACCEPTED.c.sequence == MESSAGE.c.number
)
_TENANT: Final[sa.BindParameter[str]] = sa.bindparam("tenant")
_BY_ID: Final = _STORY.where(MESSAGE.c.id == sa.bindparam("id"), MESSAGE.c.tenant == _TENANT)
_NEWEST_OF: Final = (
    sa.select(EVENT.c.sequence, EVENT.c.raw)
    .where(EVENT.c.message == sa.bindparam("number"), EVENT.c.tenant == _TENANT)
    .order_by(EVENT.c.sequence.desc())
    .limit(INCIDENTS)
)
_OF_MESSAGE: Final = (
    sa.select(EVENT.c.sequence, EVENT.c.raw)
    .join(MESSAGE, MESSAGE.c.number == EVENT.c.message)
    .where(
        MESSAGE.c.id == sa.bindparam("id"),
        MESSAGE.c.tenant == _TENANT,
        EVENT.c.sequence > sa.bindparam("after"),
    )
    .order_by(EVENT.c.sequence)
    .limit(sa.bindparam("limit"))
)
_OF_TENANT: Final = (
    sa.select(EVENT.c.sequence, EVENT.c.raw, _ACCEPTED.c.raw.label("accepted"))
    .outerjoin(_ACCEPTED, _ACCEPTED.c.sequence == EVENT.c.message)
    .where(EVENT.c.tenant == _TENANT, EVENT.c.sequence > sa.bindparam("after"))
    .order_by(EVENT.c.sequence)
    .limit(sa.bindparam("limit"))
)
_OF_MESSAGES: Final = (
    sa.select(EVENT.c.message, EVENT.c.sequence, EVENT.c.raw)
    .where(EVENT.c.message.in_(sa.bindparam("numbers", expanding=True)))
    .order_by(EVENT.c.sequence)
)
_INTRODUCED: Final = (
    sa.select(_ACCEPTED.c.raw.label("accepted"))
    .join(MESSAGE, MESSAGE.c.number == _ACCEPTED.c.sequence)
    .where(MESSAGE.c.id.in_(sa.bindparam("ids", expanding=True)))
)
_BY_LABEL: Final = (
    sa.select(MESSAGE.c.id)
    .join(LABEL, LABEL.c.message == MESSAGE.c.number)
    .where(
        LABEL.c.tenant == _TENANT,
        LABEL.c.kind == sa.bindparam("kind"),
        LABEL.c.value == sa.bindparam("value"),
        MESSAGE.c.tenant == _TENANT,
    )
    .order_by(LABEL.c.created.desc(), LABEL.c.message.desc())
    .limit(1)
)


class SqlReader:
    """For any thread, also several at once."""

    def __init__(
        self, database: "HistoryDatabase | _OneState", clock: Callable[[], UnixMs]
    ) -> None:
        self._database = database
        self._clock = clock

    def close(self) -> None:
        if isinstance(self._database, HistoryDatabase):
            self._database.close()

    def answer(self, questions: "Sequence[Callable[[SqlReader], Any]]") -> Sequence[Any]:
        """Return what each returns or raises, all asked of one state, in one transaction."""
        answers: list[Any] = []
        with self._database.reading() as connection:
            one_state = SqlReader(_OneState(connection), self._clock)
            for question in questions:
                try:
                    answers.append(question(one_state))
                except SQLAlchemyError:
                    raise  # nobody is answered in a transaction that failed
                except Exception as error:  # noqa: BLE001 - it is of this question alone
                    answers.append(error)
        return answers

    def position(self) -> int:
        """Return the sequence number of the last event that is in it. Raises HistoryAwayError, as all of these."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(STATE.c.position)).scalar_one())

    def find(self, tenant: str, message_id: MessageId) -> Story | None:
        with self._database.reading() as connection:
            return self._find(connection, tenant, message_id)

    def find_by_message_id(self, tenant: str, header: str) -> Story | None:
        bare = bare_id(header)
        with self._database.reading() as connection:
            asked = {"tenant": tenant, "kind": int(Label.MESSAGE_ID), "value": label_text(bare)}
            found = connection.execute(_BY_LABEL, asked).scalar()
            if found is not None:
                return self._find(connection, tenant, MessageId(bytes(found)))
            try:
                ours = parse_message_id(bare.partition("@")[0])
            except ValueError:
                return None
            story = self._find(connection, tenant, ours)
        return story if story is not None and bare_id(story.message_id) == bare else None

    def list(self, tenant: str, wanted: StoryFilter, cursor: str | None, limit: int) -> StoryPage:
        """Raises CursorError."""
        behind = None if cursor is None else read_cursor("m", cursor)
        now = self._clock()
        search = _Search(tenant, wanted, behind, now)
        with self._database.reading() as connection:
            rows = connection.execute(search.found(limit + 1)).all()
            stories = [tell(read_course(each), _accepted(each.accepted), (), now) for each in rows]
            if len(rows) > limit:
                last = rows[limit - 1]
                return StoryPage(
                    stories=tuple(stories[:limit]),
                    cursor=cursor_text("m", last.created, last.number),
                )
            looked_at = None
            if search.looks_on:
                looked_at = connection.execute(search.last_looked_at()).one_or_none()
        if looked_at is None:
            return StoryPage(stories=tuple(stories), cursor=None)
        return StoryPage(
            stories=tuple(stories),
            cursor=cursor_text("m", looked_at.created, looked_at.number),
        )

    def readers(
        self, tenant: str, wanted: StoryFilter, cursor: str | None, limit: int
    ) -> ReaderPage:
        """Of the next ``limit`` messages, at most. Raises CursorError."""
        behind = None if cursor is None else read_cursor("r", cursor)
        search = _Search(tenant, wanted, behind, self._clock())
        readers: list[Reader] = []
        with self._database.reading() as connection:
            rows = connection.execute(search.found(limit + 1)).all()
            last = rows[limit - 1] if len(rows) > limit else None
            if last is None and search.looks_on:
                last = connection.execute(search.last_looked_at()).one_or_none()
            read = {each.number: each for each in rows[:limit] if may_have_readers(each.states)}
            events: dict[int, list[Position]] = {each: [] for each in read}
            for each in connection.execute(_OF_MESSAGES, {"numbers": list(read)}):
                events[each.message].append(_position(each))
        for number, each in read.items():
            readers += readers_of(_accepted(each.accepted), events[number])
        more = None if last is None else cursor_text("r", last.created, last.number)
        return ReaderPage(readers=tuple(readers), cursor=more)

    def events(self, tenant: str, cursor: str | None, limit: int) -> IncidentPage:
        """Raises CursorError."""
        after = 0 if cursor is None else read_cursor("e", cursor)[0]
        with self._database.reading() as connection:
            asked = {"tenant": tenant, "after": after, "limit": limit + 1}
            rows = connection.execute(_OF_TENANT, asked).all()
        incidents = [
            incident_of(_position(each), tenant, _find_about(each.accepted))
            for each in rows[:limit]
        ]
        return _page("e", incidents, after, more=len(rows) > limit)

    def told(self, tenant: str, wanted: Stretch, limit: int) -> Sequence[ToldEvent]:
        with self._database.reading() as connection:
            return read_stretch(connection, tenant, wanted, limit)

    def incidents(
        self, tenant: str, message_id: MessageId, cursor: str | None, limit: int
    ) -> IncidentPage | None:
        """Raises CursorError."""
        after = 0 if cursor is None else read_cursor("i", cursor)[0]
        with self._database.reading() as connection:
            whose = {"tenant": tenant, "id": message_id}
            rows = connection.execute(
                _OF_MESSAGE, {**whose, "after": after, "limit": limit + 1}
            ).all()
            if not rows and connection.execute(_BY_ID, whose).one_or_none() is None:
                return None
        incidents = [incident_of(_position(each), tenant) for each in rows[:limit]]
        return _page("i", incidents, after, more=len(rows) > limit)

    def introductions(self, message_ids: Sequence[MessageId]) -> dict[MessageId, Introduction]:
        with self._database.reading() as connection:
            rows = connection.execute(_INTRODUCED, {"ids": list(message_ids)}).all()
        found = [introduction_of(_accepted(each.accepted)) for each in rows]
        return {each.message_id: each for each in found}

    def _find(self, connection: Connection, tenant: str, message_id: MessageId) -> Story | None:
        row = connection.execute(_BY_ID, {"id": message_id, "tenant": tenant}).one_or_none()
        if row is None:
            return None
        asked = {"number": row.number, "tenant": tenant}
        events = [_position(each) for each in connection.execute(_NEWEST_OF, asked)]
        events.reverse()
        return tell(read_course(row), _accepted(row.accepted), events, self._clock())


class _OneState:
    """A database as a transaction under way has it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        yield self._connection


class _Search:
    """The statements of one list. Candidates are read off one index; what else is wanted is asked of each of them."""

    def __init__(
        self, tenant: str, wanted: StoryFilter, behind: tuple[int, int] | None, now: UnixMs
    ) -> None:
        self._tenant = tenant
        self._wanted = wanted
        self._behind = behind
        self._now = now
        self._labels = labels_wanted(wanted)

    @property
    def looks_on(self) -> bool:
        """Whether not all candidates are wanted."""
        scheduled = self._wanted.status in (Status.SCHEDULED, Status.READY_TO_SEND)
        return scheduled or len(self._labels) + (self._wanted.status is not None) > 1

    def found(self, limit: int) -> sa.Select[Any]:
        among = LOOKED_AT if self.looks_on else limit
        candidates = self._candidates(among).subquery("candidate")
        statement = (
            _STORY.join(candidates, candidates.c.number == MESSAGE.c.number)
            .where(MESSAGE.c.tenant == self._tenant)
            .order_by(candidates.c.created.desc(), candidates.c.number.desc())
            .limit(limit)
        )
        for label, value in self._labels[1:]:
            statement = statement.where(self._has(label, value))
        if self._wanted.status is not None:
            statement = statement.where(self._is(self._wanted.status))
        return statement

    def last_looked_at(self) -> sa.Select[Any]:
        """The last of the candidates, if they were as many as are looked at: behind it is more."""
        candidates = self._candidates(LOOKED_AT).subquery("candidate")
        return (
            sa.select(candidates.c.created, candidates.c.number)
            .order_by(candidates.c.created.desc(), candidates.c.number.desc())
            .offset(LOOKED_AT - 1)
            .limit(1)
        )

    def _candidates(self, among: int) -> sa.Select[int, int]:
        wanted = self._wanted
        if self._labels:
            label, value = self._labels[0]
            return self._first(
                among,
                LABEL.c.created,
                LABEL.c.message,
                LABEL.c.tenant == self._tenant,
                LABEL.c.kind == int(label),
                LABEL.c.value == value,
            )
        mine = MESSAGE.c.tenant == self._tenant
        if wanted.status is None:
            return self._first(among, MESSAGE.c.created, MESSAGE.c.number, mine)
        if wanted.status is not Status.READY_TO_SEND:
            has = MESSAGE.c.status == int(wanted.status)
            return self._first(among, MESSAGE.c.created, MESSAGE.c.number, mine, has)
        # Also those whose time has come since they were written
        parts = [
            sa.select(
                self._first(
                    among, MESSAGE.c.created, MESSAGE.c.number, mine, MESSAGE.c.status == int(each)
                ).subquery()
            )
            for each in (Status.READY_TO_SEND, Status.SCHEDULED)
        ]
        both = sa.union_all(*parts).subquery()
        ordered = sa.select(both.c.created, both.c.number)
        return ordered.order_by(both.c.created.desc(), both.c.number.desc()).limit(among)

    def _first(
        self,
        among: int,
        created: sa.ColumnElement[int],
        number: sa.ColumnElement[int],
        *where: sa.ColumnElement[bool],
    ) -> sa.Select[int, int]:
        statement = sa.select(created.label("created"), number.label("number")).where(*where)
        if self._wanted.since is not None:
            statement = statement.where(created >= self._wanted.since)
        if self._wanted.until is not None:
            statement = statement.where(created < self._wanted.until)
        if self._behind is not None:
            statement = statement.where(sa.tuple_(created, number) < sa.tuple_(*self._behind))
        return statement.order_by(created.desc(), number.desc()).limit(among)

    def _has(self, label: Label, value: str) -> sa.ColumnElement[bool]:
        return sa.exists().where(
            LABEL.c.tenant == self._tenant,
            LABEL.c.kind == int(label),
            LABEL.c.value == value,
            LABEL.c.created == MESSAGE.c.created,
            LABEL.c.message == MESSAGE.c.number,
        )

    def _is(self, status: Status) -> sa.ColumnElement[bool]:
        if status is Status.SCHEDULED:
            return sa.and_(MESSAGE.c.status == int(status), MESSAGE.c.due > self._now)
        is_now = MESSAGE.c.status == int(status)
        if status is Status.READY_TO_SEND:
            was_scheduled = MESSAGE.c.status == int(Status.SCHEDULED)
            return sa.or_(is_now, sa.and_(was_scheduled, MESSAGE.c.due <= self._now))
        return is_now


def _page(
    of: Literal["e", "i"], incidents: Sequence[Incident], after: int, *, more: bool
) -> IncidentPage:
    last = incidents[-1].position.sequence if incidents else after
    return IncidentPage(incidents=tuple(incidents), cursor=cursor_text(of, last), more=more)


def _position(row: Any) -> Position:
    return Position(row.sequence, decode_readable(bytes(row.raw)))


def _find_about(accepted: Any) -> About | None:
    return None if accepted is None else about_of(_accepted(accepted))


def _accepted(raw: Any) -> MessageAccepted:
    event = decode_readable(bytes(raw))
    assert isinstance(event, MessageAccepted)  # the projection wrote it under this number
    return event
