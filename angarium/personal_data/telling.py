"""An event as the person whom it names may have it: all of it but other people's addresses. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from angarium.queue.about import About, decode_about
from angarium.queue.event_log import Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.message_id import message_id_text
from angarium.queue.person import Person
from angarium.telemetry.timestamp import rfc3339


def told_event(position: Position, person: Person) -> dict[str, Any]:
    event = position.event
    fields: dict[str, Any] = {
        name: value
        for name, value in msgspec.structs.asdict(event).items()
        if name not in ("at", "message_id")
    }
    if isinstance(event, MessageAccepted):
        fields |= _accepted(event, person)
    return {
        "sequence": position.sequence,
        "at": rfc3339(event.at),
        "event": event.name,
        "message": message_id_text(event.message_id) if event.message_id else None,
        **msgspec.to_builtins(fields),
    }


def _accepted(event: MessageAccepted, person: Person) -> dict[str, Any]:
    theirs = [at for at, each in enumerate(event.recipients) if person.is_in_text(each)]
    return {
        "recipients": [event.recipients[each] for each in theirs],
        "other_recipients": len(event.recipients) - len(theirs),
        "notify": [event.notify_of(each) for each in theirs],
        "orcpt": [event.orcpt_of(each) for each in theirs],
        "about": told_about(decode_about(event.about), person),
    }


def told_about(about: About, person: Person) -> dict[str, Any]:
    def theirs(given: Sequence[str]) -> list[str]:
        return [each for each in given if person.is_in_text(each)]

    told: dict[str, Any] = msgspec.to_builtins(about)
    for name, given in (("to", about.to), ("cc", about.cc), ("bcc", about.bcc)):
        told[name] = theirs(given)
    for name, of_each in (("recipients", about.recipients), ("variables", about.variables)):
        told[name] = {key: each for key, each in of_each.items() if person.is_in_text(key)}
    return {name: value for name, value in told.items() if value}
