"""Makes stories of what the projection has: a course, the accepted event, and the events behind it. Pure."""

from collections.abc import Iterable, Sequence

from angarium.history.course import Course, find_index, retrace
from angarium.history.details import said_last, type_of
from angarium.history.introducing import about_of, metadata_of
from angarium.history.status import Status, message_status, status_at
from angarium.history.story import Incident, RecipientStory, Story
from angarium.queue.about import About
from angarium.queue.event_log import Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.shape import AttemptEvent, MessageEvent
from angarium.queue.message_id import message_id_ms, message_id_text
from angarium.queue.model import UnixMs


def tell(
    course: Course, accepted: MessageAccepted, events: Sequence[Position], now: UnixMs
) -> Story:
    """Return the story. ``events``: the newest of the message's, in order; empty in a list."""
    about = about_of(accepted)
    addresses = accepted.recipients
    statuses = [status_at(each, course.due, now) for each in course.statuses]
    told = _recipients(addresses, statuses, about, events)
    return Story(
        email_id=message_id_text(course.id),
        tenant=course.tenant,
        message_id=accepted.message_id_header,
        about=about,
        reverse_path=accepted.reverse_path,
        size_octets=accepted.size_octets,
        stream=accepted.stream,
        campaign=accepted.campaign,
        tags=accepted.tags,
        created=course.created,
        due=course.due,
        sent=course.sent,
        last_updated=course.updated,
        status=message_status(statuses),
        recipients=told,
        incidents=tuple([incident_of(each, course.tenant) for each in events]),
    )


def tell_from_log(positions: Sequence[Position], now: UnixMs) -> Story | None:
    """The same from the log itself: all events of one message. None: its first one is not kept any more."""
    course = retrace(positions)
    if course is None:
        return None
    accepted = positions[0].event
    assert isinstance(accepted, MessageAccepted)
    known = [each for each in positions if isinstance(each.event, MessageEvent)]
    return tell(course, accepted, known, now)


def incident_of(position: Position, tenant: str, about: About | None = None) -> Incident:
    """``about``: of the message, for the metadata that comes back in its events."""
    event = position.event
    recipients: tuple[str, ...] = ()
    if isinstance(event, MessageAccepted):
        recipients = event.recipients
    elif recipient := getattr(event, "recipient", ""):
        recipients = (recipient,)
    metadata = {} if about is None else about.metadata
    if about is not None and len(recipients) == 1:
        metadata = metadata_of(about, recipients[0])
    return Incident(
        position=position,
        type=type_of(event),
        email_id=message_id_text(event.message_id) if event.message_id else "",
        tenant=tenant,
        recipients=recipients,
        since_ms=max(0, event.at - message_id_ms(event.message_id)) if event.message_id else 0,
        metadata=metadata,
    )


def _recipients(
    addresses: Sequence[str],
    statuses: Sequence[Status],
    about: About,
    events: Iterable[Position],
) -> tuple[RecipientStory, ...]:
    updated: dict[int, UnixMs] = {}
    attempts: dict[int, int] = {}
    replies: dict[int, tuple[str, str]] = {}
    for each in events:
        event = each.event
        if isinstance(event, MessageAccepted):
            updated.update(dict.fromkeys(range(len(addresses)), event.at))
        if not isinstance(event, MessageEvent):
            continue
        index = find_index(event, len(addresses), lambda: addresses)
        if index is None:
            continue
        updated[index] = event.at
        if isinstance(event, AttemptEvent):
            attempts[index] = event.attempts
        if (said := said_last(event)) is not None:
            replies[index] = said
    return tuple(
        [
            RecipientStory(
                address=address,
                status=statuses[index],
                last_updated=updated.get(index),
                attempts=attempts.get(index, 0),
                reply=replies.get(index, ("", ""))[0],
                host=replies.get(index, ("", ""))[1],
                metadata=about.recipients.get(address, {}),
            )
            for index, address in enumerate(addresses)
        ]
    )
